/* Jobs taken back, jobs deleted, files removed; and the same while uploads of the same bytes come in. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/retention.h"
#include "test.h"
#include "unit/job/rig.h"
#include "unit/store/tempdir.h"

#define SCRIPT(lab, ...)                                         \
    fake_lab_script((lab), (const enum fake_act[]){__VA_ARGS__}, \
                    sizeof((const enum fake_act[]){__VA_ARGS__}) / sizeof(enum fake_act))

typedef void order(struct jobs *jobs, const struct job_order *order, job_ordered *cb, void *arg);

static enum err_kind give(struct rig *r, order *what, const char *tenant, const char *id)
{
    struct latch l = LATCH;

    what(r->jobs, &(struct job_order){tenant, id, NULL}, latch_done, &l);
    if (!latch_wait(&l, 1, 20))
        return ERR_KIND_COUNT;
    return l.failures ? l.last.kind : ERR_NONE;
}

static bool blob_is_there(struct rig *r, const char *text)
{
    char sha256[HASH_HEX];
    int64_t size;
    int fd;

    hash_hex(bytes_of(text, strlen(text)), sha256);
    if (blob_open(r->blobs, sha256, &fd, &size, NULL) < 0)
        return false;
    close(fd);
    return true;
}

static bool blob_goes(struct rig *r, const char *text)
{
    for (int i = 0; i < 2000 && blob_is_there(r, text); i++)
        sqlite3_sleep(5);
    return !blob_is_there(r, text);
}

static bool exists(struct rig *r, const char *id)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    return *rig_state(r, a, id) != '\0';
}

/* ---- cancelling ---- */

static void cancelled_while_it_waits(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    struct job_row row = {0};
    char id[ID_TEXT] = "", next[ID_TEXT] = "";

    CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    CHECK_INT(rig_submit_now(&r, "x", next), ERR_NONE);
    CHECK_INT(give(&r, job_cancel, "rival", id), ERR_NOT_FOUND);
    CHECK_INT(give(&r, job_cancel, "acme", "ffffffffffffffffffffffff"), ERR_NOT_FOUND);
    CHECK_INT(give(&r, job_cancel, "acme", id), ERR_NONE);
    CHECK_INT(give(&r, job_cancel, "acme", id), ERR_CONFLICT);
    CHECK_INT(jobs_stats(r.jobs).queued, 1);
    CHECK_INT(jobs_stats(r.jobs).failed, 1);
    CHECK(rig_wait(&r, id, 5));
    CHECK(records_get_job(r.db, a, "acme", id, &row, NULL) == 0);
    CHECK_STR(row.state, "cancelled");
    CHECK_STR(row.error_code, "cancelled");
    CHECK(row.finished_us >= row.created_us);
    fake_lab_analysts(r.lab, 1);
    CHECK(rig_wait(&r, next, 20));
    CHECK_INT(fake_lab_tasks(r.lab), 1);
    rig_down(&r);
    r = rig_up(dir.path, 1, NULL);
    CHECK_STR(rig_state(&r, a, id), "cancelled");
    CHECK_INT(fake_lab_tasks(r.lab), 0);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void told(void *arg, bool finished)
{
    struct err late = {.kind = ERR_TIMEOUT};

    latch_hit(arg, finished ? NULL : &late);
}

static void cancelled_while_it_runs(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct latch waiter = LATCH;
    char id[ID_TEXT] = "", next[ID_TEXT] = "";
    int64_t begun;

    SCRIPT(r.lab, FAKE_HANG, FAKE_DONE);
    CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    CHECK(rig_begun(&r, 1));
    job_wait(r.jobs, id, clock_mono_us() + 60000000, told, &waiter);
    begun = clock_mono_us();
    CHECK_INT(give(&r, job_cancel, "acme", id), ERR_NONE);
    CHECK(latch_wait(&waiter, 1, 10));
    CHECK_INT(waiter.failures, 0);
    CHECK_STR(rig_state(&r, a, id), "cancelled");
    CHECK_INT(rig_submit_now(&r, "x", next), ERR_NONE);
    CHECK(rig_wait(&r, next, 20));
    CHECK(clock_mono_us() - begun < 5000000);
    CHECK_STR(rig_state(&r, a, id), "cancelled");
    CHECK_STR(rig_state(&r, a, next), "done");
    CHECK_INT(give(&r, job_cancel, "acme", next), ERR_CONFLICT);
    CHECK_INT(jobs_stats(r.jobs).running, 0);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* At any moment of its life: cancelled or ended, never both, and the engine goes on. */
static void cancelled_at_any_moment(void)
{
    enum { N = 300 };
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 2, NULL);
    int cancelled = 0, late = 0, wrong = 0;
    unsigned seed = 5;
    char id[ID_TEXT];

    SCRIPT(r.lab, FAKE_DONE, FAKE_CRASH, FAKE_DONE, FAKE_DONE, FAKE_CRASH, FAKE_FAIL, FAKE_DONE);
    for (int i = 0; i < N; i++) {
        enum err_kind kind;
        CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
        for (volatile int spin = rand_r(&seed) % 400000; spin > 0; spin--)
            ;
        kind = give(&r, job_cancel, "acme", id);
        CHECK(rig_wait(&r, id, 20));
        cancelled += kind == ERR_NONE;
        late += kind == ERR_CONFLICT;
        wrong += (kind == ERR_NONE) != text_is(rig_state(&r, a, id), "cancelled");
    }
    printf("# cancelled %d, too late %d\n", cancelled, late);
    CHECK_INT(cancelled + late, N);
    CHECK_INT(wrong, 0);
    CHECK(cancelled > 0);
    for (int i = 0; i < 200 && jobs_stats(r.jobs).running; i++)
        sqlite3_sleep(5);
    CHECK_INT(jobs_stats(r.jobs).running, 0);
    CHECK_INT(jobs_stats(r.jobs).queued, 0);
    CHECK_INT(jobs_stats(r.jobs).done + jobs_stats(r.jobs).failed, N);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* ---- deleting ---- */

static void deleted_with_its_file(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct leftover *left;
    char one[ID_TEXT] = "", two[ID_TEXT] = "";
    int64_t generation = jobs_generation(r.jobs);
    size_t n = 9;

    CHECK_INT(rig_submit_now(&r, "shared", one), ERR_NONE);
    CHECK_INT(rig_submit_now(&r, "shared", two), ERR_NONE);
    CHECK(rig_wait(&r, one, 20) && rig_wait(&r, two, 20));
    CHECK_INT(give(&r, job_delete, "rival", one), ERR_NOT_FOUND);
    CHECK_INT(give(&r, job_delete, "acme", one), ERR_NONE);
    CHECK_INT(give(&r, job_delete, "acme", one), ERR_NOT_FOUND);
    CHECK(!exists(&r, one));
    CHECK(jobs_generation(r.jobs) > generation);
    for (int i = 0; i < 2000 && n; i++) {
        CHECK(records_leftovers(r.db, a, 10, &left, &n, NULL) == 0);
        sqlite3_sleep(n ? 5 : 0);
    }
    CHECK_INT(n, 0);
    CHECK(blob_is_there(&r, "shared")); /* the other job needs it */
    CHECK_INT(give(&r, job_delete, "acme", two), ERR_NONE);
    CHECK(blob_goes(&r, "shared"));
    rig_down(&r);
    tempdir_clear(&dir);
}

static void unfinished_jobs_stay(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    char id[ID_TEXT] = "";

    CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    CHECK_INT(give(&r, job_delete, "acme", id), ERR_CONFLICT);
    CHECK(exists(&r, id));
    rig_down(&r);
    tempdir_clear(&dir);
}

static void annotated(void *arg, const char *sha256, const struct err *err)
{
    (void)sha256;
    latch_hit(arg, err);
}

static void annotated_clips_go_too(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    char id[ID_TEXT] = "", clip[64];
    struct latch l = LATCH;

    CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    CHECK(rig_wait(&r, id, 20));
    job_annotate(r.jobs, "acme", id, annotated, &l);
    CHECK(latch_wait(&l, 1, 20));
    CHECK_INT(l.failures, 0);
    snprintf(clip, sizeof clip, "clip of %s", id);
    CHECK(blob_is_there(&r, clip));
    CHECK_INT(give(&r, job_delete, "acme", id), ERR_NONE);
    CHECK(blob_goes(&r, clip));
    CHECK(blob_goes(&r, "x"));
    rig_down(&r);
    tempdir_clear(&dir);
}

/* ---- by age, and what others leave ---- */

static void old_jobs_are_dropped(void)
{
    struct tempdir dir = tempdir_new();
    struct jobs_opts opts = jobs_opts_defaults();
    struct rig r = rig_up(dir.path, 1, NULL);
    char id[3][ID_TEXT];

    for (int i = 0; i < 3; i++) {
        CHECK_INT(rig_submit_now(&r, i == 2 ? "young" : "old", id[i]), ERR_NONE);
        CHECK(rig_wait(&r, id[i], 20));
        if (i == 1)
            sqlite3_sleep(1100);
    }
    rig_down(&r);
    opts.keep_us = 1000000;
    r = rig_up(dir.path, 0, &opts);
    CHECK(blob_goes(&r, "old"));
    CHECK(!exists(&r, id[0]) && !exists(&r, id[1]));
    CHECK(exists(&r, id[2]));
    rig_down(&r);
    tempdir_clear(&dir);
}

/* A file whose row never came, and one whose row was deleted just before the end. */
static void the_next_start_cleans_up(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct records *db = NULL;
    struct blob_writer *w = NULL;
    struct latch l = LATCH;
    char kept[ID_TEXT] = "", gone[ID_TEXT] = "", sha256[HASH_HEX];
    int64_t size;

    CHECK_INT(rig_submit_now(&r, "kept", kept), ERR_NONE);
    CHECK_INT(rig_submit_now(&r, "gone", gone), ERR_NONE);
    CHECK(rig_wait(&r, kept, 20) && rig_wait(&r, gone, 20));
    CHECK(blob_begin(&w, r.blobs, 100, NULL) == 0);
    CHECK(blob_add(w, bytes_of("orphan", 6), NULL) == 0);
    CHECK(blob_seal_take(w, sha256, &size, NULL) == 0); /* and never unpinned: it stays as long as we live */
    rig_down(&r);
    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_delete_job(db, &(struct job_order){NULL, gone, NULL}, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    CHECK_INT(l.failures, 0);
    records_freep(&db);
    r = rig_up(dir.path, 0, NULL);
    CHECK(blob_goes(&r, "gone"));
    for (int i = 0; i < 25 && blob_is_there(&r, "orphan"); i++)
        sqlite3_sleep(1000);
    CHECK(!blob_is_there(&r, "orphan"));
    CHECK(blob_is_there(&r, "kept"));
    rig_down(&r);
    tempdir_clear(&dir);
}

/* ---- the race ---- */

enum { UPLOADERS = 3, UPLOADS = 150, CONTENTS = 2 };

struct racer {
    struct rig *r;
    pthread_t thread;
    unsigned seed;
    int lost;
    atomic_bool stop;
};

/* Stores one of very few contents; when it is acknowledged, the file must be there as long as the job is.
 * Then it is deleted, so that files come and go all the time. */
static void *race(void *arg)
{
    static const char *const contents[CONTENTS] = {"one", "two"};
    struct racer *c = arg;
    char id[ID_TEXT];

    for (int i = 0; i < UPLOADS; i++) {
        const char *text = contents[rand_r(&c->seed) % CONTENTS];
        if (rig_submit_now(c->r, text, id) != ERR_NONE || !rig_wait(c->r, id, 20)) {
            c->lost++;
            continue;
        }
        for (int k = 0; k < 5; k++)
            c->lost += !blob_is_there(c->r, text);
        if (give(c->r, job_delete, "acme", id) != ERR_NONE)
            c->lost++;
    }
    return NULL;
}

static int in_use(void *arg, const char *sha256, struct err *err)
{
    bool used;

    return records_blob_in_use(arg, sha256, &used, err) < 0 ? -1 : used;
}

/* Beside the retain thread, a second broom that never rests. */
static void *sweep_on(void *arg)
{
    struct racer *c = arg;
    static const char *const contents[CONTENTS] = {"one", "two"};
    char sha256[HASH_HEX];
    enum blob_fate fate;

    while (!atomic_load(&c->stop))
        for (int i = 0; i < CONTENTS; i++) {
            hash_hex(bytes_of(contents[i], 3), sha256);
            blob_remove_unused(c->r->blobs, sha256, in_use, c->r->db, &fate, NULL);
        }
    return NULL;
}

static void uploads_of_the_same_bytes_lose_nothing(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 2, NULL);
    struct racer racers[UPLOADERS], broom = {.r = &r};
    int lost = 0;

    pthread_create(&broom.thread, NULL, sweep_on, &broom);
    for (unsigned i = 0; i < UPLOADERS; i++) {
        racers[i] = (struct racer){.r = &r, .seed = i + 1};
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }
    for (int i = 0; i < UPLOADERS; i++) {
        pthread_join(racers[i].thread, NULL);
        lost += racers[i].lost;
    }
    atomic_store(&broom.stop, true);
    pthread_join(broom.thread, NULL);
    CHECK_INT(lost, 0);
    CHECK(blob_goes(&r, "one") && blob_goes(&r, "two"));
    rig_down(&r);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(cancelled_while_it_waits);
    RUN(cancelled_while_it_runs);
    RUN(cancelled_at_any_moment);
    RUN(deleted_with_its_file);
    RUN(unfinished_jobs_stay);
    RUN(annotated_clips_go_too);
    RUN(old_jobs_are_dropped);
    RUN(the_next_start_cleans_up);
    RUN(uploads_of_the_same_bytes_lose_nothing);
    return test_end();
}
