/* Uploads: a large one does not pass through memory, equal ones are stored once, many at a time get each
 * their own answer, slow ones hold nobody up. */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

enum {
    LARGE = 300 << 20, /* bytes of padding behind the large clip */
    PIECE = 256 << 10,
    GROWTH_KB = 8 << 10, /* what the front may need more for it */
    CROWD = 32,          /* clients at the same time */
    SLOW = 8,            /* clients that drip; more than there are threads in the server */
    QUICK = 15,          /* uploads that must not wait for them */
};

static const char boundary[] = "drip";

/* Head of a request with one part `video` of that many bytes; the part's own head is included. */
static struct bytes upload_head(struct arena *a, const char *key, const char *path, size_t size)
{
    const char *part = arena_printf(
        a, "--%s\r\nContent-Disposition: form-data; name=\"video\"; filename=\"large.mp4\"\r\n\r\n",
        boundary);
    size_t length = strlen(part) + size + strlen(boundary) + 8;
    char *head = arena_printf(a,
                              "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                              "%s\r\nContent-Type: multipart/form-data; "
                              "boundary=%s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                              path, key, boundary, length, part);

    return bytes_of(head, strlen(head));
}

static struct bytes upload_tail(struct arena *a)
{
    char *tail = arena_printf(a, "\r\n--%s--\r\n", boundary);

    return bytes_of(tail, strlen(tail));
}

/* ---- a large one ---- */

struct most {
    long pss, dirty; /* the highest values seen, kB */
};

static void note_memory(pid_t pid, struct most *m)
{
    long pss = process_memory_kb(pid, "Pss"), dirty = process_memory_kb(pid, "Private_Dirty");

    m->pss = pss > m->pss ? pss : m->pss;
    m->dirty = dirty > m->dirty ? dirty : m->dirty;
}

/* The clip and a `free` box behind it, never whole in memory here either. */
static struct answer post_large(struct stage *g, size_t padding, struct most *m)
{
    CLEANUP(fd_closep) int fd = http_dial(g->s.port);
    struct bytes clip = clip_load(g->a, "tiny.mp4");
    static uint8_t piece[PIECE];
    uint8_t box[8] = {(uint8_t)(padding >> 24),
                      (uint8_t)(padding >> 16),
                      (uint8_t)(padding >> 8),
                      (uint8_t)padding,
                      'f',
                      'r',
                      'e',
                      'e'};
    bool sent = http_send(fd, upload_head(g->a, g->key, "/api/classify?sync=true", clip.len + padding)) &&
                http_send(fd, clip) && http_send(fd, bytes_of(box, 8));

    for (size_t at = 8; sent && at < padding; at += PIECE) {
        sent = http_send(fd, bytes_of(piece, padding - at < PIECE ? padding - at : PIECE));
        if (at / PIECE % 64 == 0)
            note_memory(g->s.pid, m);
    }
    CHECK(sent && http_send(fd, upload_tail(g->a)));
    return http_receive(g->a, fd);
}

static void large_upload_needs_no_memory(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--max-upload", "400M"));
    struct most before = {0}, during = {0};
    struct answer answer = post_large(&g, 1 << 20, &before);

    CHECK_INT(answer.status, 200);
    note_memory(g.s.pid, &before);
    answer = post_large(&g, LARGE, &during);
    note_memory(g.s.pid, &during);
    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(g.a, answer.body, "status.classify"), "done");
    CHECK_STR(json_at(g.a, answer.body, "video.filesize"),
              arena_printf(g.a, "%zu", clip_load(g.a, "tiny.mp4").len + (size_t)LARGE));
    printf("# front before: PSS %ld kB, private dirty %ld kB; at most during %d MB: %ld kB, %ld kB\n",
           before.pss, before.dirty, LARGE >> 20, during.pss, during.dirty);
    CHECK(before.dirty > 0 && during.dirty - before.dirty <= GROWTH_KB); /* PSS moves with other programs */
    CHECK(during.dirty - before.dirty <= GROWTH_KB);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- equal ones ---- */

static int count_blobs(struct arena *a, const char *dir)
{
    int n = 0;

    for (unsigned i = 0; i < 256; i++) {
        DIR *d = opendir(arena_printf(a, "%s/blobs/%02x", dir, i));
        struct dirent *entry;
        while (d && (entry = readdir(d)))
            n += entry->d_name[0] != '.';
        if (d)
            closedir(d);
    }
    return n;
}

static void equal_uploads_share_a_file(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    struct answer first = stage_post(&g, "/api/classify?sync=true", "tiny.mp4"),
                  again = stage_post(&g, "/api/classify?sync=true", "tiny.mp4");
    char *id = json_at(g.a, first.body, "id"), *id_again = json_at(g.a, again.body, "id");
    struct answer job = stage_job(&g, id), job_again = stage_job(&g, id_again);

    CHECK(id && id_again && !text_is(id, id_again));
    CHECK_STR(json_at(g.a, first.body, "scores"), json_at(g.a, again.body, "scores"));
    CHECK_STR(json_at(g.a, job.body, "report.subject.sha256"),
              json_at(g.a, job_again.body, "report.subject.sha256"));
    CHECK_INT(count_blobs(g.a, g.dir), 1);
    CHECK(stage_submit(&g, "empty.mp4")[0] != '\0');
    CHECK_INT(count_blobs(g.a, g.dir), 2);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- many ---- */

struct one_of_many {
    struct stage *g;
    int number;
    bool mine; /* the answer was to my request */
    char id[32];
};

static const struct {
    const char *clip, *risk;
} clips[] = {{"tiny.mp4", "intrusion"}, {"empty.mp4", "safe"}, {"text.mp4", ""}};
enum { CLIPS = sizeof clips / sizeof clips[0] };

static void *post_one_of_many(void *arg)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct one_of_many *me = arg;
    char *metadata = arena_printf(a, "{\"number\": %d}", me->number),
         *name = arena_printf(a, "clip-%d.mp4", me->number);
    const char *clip = clips[me->number % CLIPS].clip;
    struct answer answer = post_clip(
        a, me->g->s.port, arena_printf(a, "/api/classify?sync=true&analyse_id=%d", 1000 + me->number),
        me->g->key, name, clip_load(a, clip), metadata);

    if (answer.status != 200)
        return NULL;
    me->mine =
        text_is(json_at(a, answer.body, "metadata.number"), arena_printf(a, "%d", me->number)) &&
        text_is(json_at(a, answer.body, "analyse_id"), arena_printf(a, "%d", 1000 + me->number)) &&
        text_is(json_at(a, answer.body, "video.videoname"), name) &&
        text_is(json_at(a, answer.body, "video.filesize"), arena_printf(a, "%zu", clip_load(a, clip).len)) &&
        text_is(json_at(a, answer.body, "risk"), clips[me->number % CLIPS].risk);
    text_copy(me->id, sizeof me->id, json_at(a, answer.body, "id"));
    return NULL;
}

static void many_get_each_their_own(void)
{
    struct stage g = stage_open(ARGS("--analysts", "2"));
    struct one_of_many all[CROWD];
    pthread_t threads[CROWD];

    for (int i = 0; i < CROWD; i++) {
        all[i] = (struct one_of_many){.g = &g, .number = i};
        if (pthread_create(&threads[i], NULL, post_one_of_many, &all[i]) != 0)
            abort();
    }
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < CROWD; i++) {
        CHECK(all[i].mine);
        for (int k = 0; k < i; k++)
            CHECK(!text_is(all[i].id, all[k].id));
        ROW("client %d", i);
    }
    CHECK_INT(stage_close(&g), 0);
}

/* ---- slow ones ---- */

struct dripper {
    struct stage *g;
    atomic_bool *go; /* now send the rest */
    int status;
};

/* A byte now and then, until it may send the rest. */
static void *drip(void *arg)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dripper *me = arg;
    CLEANUP(fd_closep) int fd = http_dial(me->g->s.port);
    struct bytes clip = clip_load(a, "tiny.mp4");
    size_t at = 0;

    http_send(fd, upload_head(a, me->g->key, "/api/classify?sync=true", clip.len));
    for (; !atomic_load(me->go) && at < clip.len / 2; at++) {
        http_send(fd, bytes_of(clip.data + at, 1));
        usleep(5000);
    }
    http_send(fd, bytes_of(clip.data + at, clip.len - at));
    http_send(fd, upload_tail(a));
    me->status = http_receive(a, fd).status;
    return NULL;
}

static int by_time(const void *x, const void *y)
{
    const int64_t *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

/* The median time of an upload until its acknowledgement. */
static int64_t quick_us(struct stage *g)
{
    int64_t us[QUICK];

    for (int i = 0; i < QUICK; i++) {
        int64_t begun = clock_mono_us();
        CHECK(stage_submit(g, "tiny.mp4")[0] != '\0');
        us[i] = clock_mono_us() - begun;
    }
    qsort(us, QUICK, sizeof us[0], by_time);
    return us[QUICK / 2];
}

static void slow_clients_hold_nobody_up(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--threads", "2"));
    struct dripper slow[SLOW];
    pthread_t threads[SLOW];
    atomic_bool go = false;
    int64_t alone = quick_us(&g), beside;

    for (int i = 0; i < SLOW; i++) {
        slow[i] = (struct dripper){.g = &g, .go = &go};
        if (pthread_create(&threads[i], NULL, drip, &slow[i]) != 0)
            abort();
    }
    usleep(200000);
    beside = quick_us(&g);
    printf("# median of an upload: %lld us alone, %lld us beside %d slow clients\n", (long long)alone,
           (long long)beside, SLOW);
    CHECK(beside < 5 * alone + 100000);
    atomic_store(&go, true);
    for (int i = 0; i < SLOW; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(slow[i].status, 200);
    }
    CHECK_INT(stage_close(&g), 0);
}

int main(void)
{
    RUN(large_upload_needs_no_memory);
    RUN(equal_uploads_share_a_file);
    RUN(many_get_each_their_own);
    RUN(slow_clients_hold_nobody_up);
    return test_end();
}
