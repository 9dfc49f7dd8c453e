/* The disk is full, and then it is not: what would be written is refused with 507, nothing is half there, and
 * nobody has to restart anything. The disk is made small by tests/fault/preload.c, which takes no root. The
 * server's log stands on the same disk. */
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ordered.h"
#include "stage.h"
#include "test.h"

struct full {
    struct stage g;
    struct fault_control *disk;
    char *base;
};

static struct full full_open(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *base = folder_new(a);
    struct full f = {.disk = ordered_new(a, base)};

    ordered_begin();
    f.g = stage_open_in(base, ARGS("--analysts", "1"));
    ordered_end();
    f.base = arena_strdup(f.g.a, base);
    return f;
}

static void full_close(struct full *f)
{
    char base[256];

    text_copy(base, sizeof base, f->base);
    if (!test_ok)
        printf("# %.2000s\n", (const char *)file_read(f->g.a, f->g.s.log).data);
    ordered_free(f->disk);
    CHECK_INT(stage_close(&f->g), 0);
    folder_remove(base);
}

static void room(struct full *f, int64_t bytes)
{
    atomic_store(&f->disk->room, bytes);
}

static const char no_room[] = "{\"success\":false,\"error\":\"the disk of the server is full, nothing was "
                              "accepted; try again later\"}";

static void check_no_room(const struct answer *answer)
{
    CHECK_INT(answer->status, 507);
    CHECK_STR(answer->status ? (const char *)answer->body.data : "", no_room);
}

static void check_good_clip(struct full *f)
{
    struct answer answer = stage_post(&f->g, "/api/classify?sync=true", "person.mp4");

    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(f->g.a, answer.body, "risk"), "intrusion");
}

/* A clip with zeros behind it. */
static struct bytes large_clip(struct arena *a, size_t len)
{
    struct bytes clip = clip_load(a, "tiny.mp4");
    uint8_t *all = arena_alloc(a, len + 1);

    memcpy(all, clip.data, clip.len);
    return bytes_of(all, len);
}

static void uploads_get_507(void)
{
    static const struct {
        const char *what;
        int64_t room;
        size_t len; /* of the upload */
    } rows[] = {
        {"no room at all", 0, 20000},
        {"ends in the middle", 3 << 20, 8 << 20},
        {"the file fits, its row does not", 200100, 200000},
        {"the file fits, half of the commit does", 206000, 200000},
    };
    struct full f = full_open();

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes clip = large_clip(f.g.a, rows[i].len);
        struct answer answer;
        for (int sync = 0; sync < 2; sync++) {
            room(&f, rows[i].room);
            answer = post_clip(f.g.a, f.g.s.port, sync ? "/api/classify?sync=true" : "/api/classify", f.g.key,
                               "a.mp4", clip, NULL);
            check_no_room(&answer);
        }
        room(&f, -1);
        check_good_clip(&f);
        ROW("%s", rows[i].what);
    }
    full_close(&f);
}

/* The outcome of a job finds the disk full: it waits, and is not lost. */
static void outcome_waits_for_room(void)
{
    struct full f = full_open();
    struct answer answer;
    char *id;

    kill(f.g.analyst, SIGSTOP);
    id = stage_submit(&f.g, "person.mp4");
    CHECK(stage_in_hand(&f.g, id, "0"));
    room(&f, 0);
    kill(f.g.analyst, SIGCONT);
    sleep(2);
    answer = stage_get(&f.g, arena_printf(f.g.a, "/api/result/%s", id));
    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(f.g.a, answer.body, "status.classify"), "in-progress");
    room(&f, -1);
    answer = result_wait(f.g.a, f.g.s.port, f.g.key, id, 30);
    CHECK_STR(json_at(f.g.a, answer.body, "status.classify"), "done");
    CHECK_STR(json_at(f.g.a, answer.body, "risk"), "intrusion");
    check_good_clip(&f);
    full_close(&f);
}

static struct answer cancel(struct full *f, const char *id)
{
    char *text = arena_printf(f->g.a,
                              "DELETE /v1/jobs/%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                              "Connection: close\r\n\r\n",
                              id, f->g.key);

    return http_raw(f->g.a, f->g.s.port, bytes_of(text, strlen(text)));
}

static void cancel_gets_507(void)
{
    struct full f = full_open();
    struct answer answer;
    char *first, *second;

    kill(f.g.analyst, SIGSTOP);
    first = stage_submit(&f.g, "tiny.mp4");
    CHECK(stage_in_hand(&f.g, first, "0"));
    second = stage_submit(&f.g, "tiny.mp4");
    room(&f, 0);
    answer = cancel(&f, second);
    CHECK_INT(answer.status, 507);
    CHECK_STR(json_at(f.g.a, answer.body, "title"), "Insufficient Storage");
    answer = stage_job(&f.g, second);
    CHECK_STR(json_at(f.g.a, answer.body, "state"), "new");
    room(&f, -1);
    answer = cancel(&f, second);
    CHECK_INT(answer.status, 200);
    kill(f.g.analyst, SIGCONT);
    check_good_clip(&f);
    full_close(&f);
}

/* Full and not full in turns of 10 ms, while jobs come, run and end, and the log is copied into the database
 * (that happens each 1000 pages). What was acknowledged ends; everything else was refused with 507. */
static void disk_that_comes_and_goes(void)
{
    enum { UPLOADS = 90 };
    struct full f = full_open();
    char *ids[UPLOADS];
    int refused = 0, n = 0;

    for (int i = 0; i < UPLOADS; i++) {
        struct answer answer;
        room(&f, i % 3 == 2 ? (i % 9) * 2000 : -1);
        answer = stage_post(&f.g, "/api/classify", "tiny.mp4");
        if (answer.status == 200)
            ids[n++] = json_at(f.g.a, answer.body, "id");
        else
            check_no_room(&answer);
        refused += answer.status == 507;
    }
    room(&f, -1);
    CHECK(refused > UPLOADS / 10 && n > UPLOADS / 2);
    for (int i = 0; i < n; i++) {
        struct answer answer = result_wait(f.g.a, f.g.s.port, f.g.key, ids[i], 60);
        CHECK_STR(json_at(f.g.a, answer.body, "status.classify"), "done");
    }
    printf("# %d of %d uploads refused\n", refused, UPLOADS);
    check_good_clip(&f);
    full_close(&f);
}

int main(void)
{
    RUN(uploads_get_507);
    RUN(outcome_waits_for_room);
    RUN(cancel_gets_507);
    RUN(disk_that_comes_and_goes);
    return test_end();
}
