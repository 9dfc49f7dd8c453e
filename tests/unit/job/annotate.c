/* Annotated clips: made once, shared by all who ask, never for jobs without findings. */
#include <sqlite3.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"
#include "unit/job/rig.h"
#include "unit/store/tempdir.h"

struct clip {
    struct latch latch;
    char sha256[HASH_HEX];
};
#define CLIP {.latch = LATCH}

static void got(void *arg, const char *sha256, const struct err *err)
{
    struct clip *c = arg;

    if (sha256)
        text_copy(c->sha256, sizeof c->sha256, sha256);
    latch_hit(&c->latch, err);
}

static enum err_kind ask(struct rig *r, const char *tenant, const char *id, struct clip *c)
{
    *c = (struct clip)CLIP;
    job_annotate(r->jobs, tenant, id, got, c);
    CHECK(latch_wait(&c->latch, 1, 20));
    CHECK_INT(latch_count(&c->latch), 1);
    CHECK_INT(c->sha256[0] != '\0', c->latch.failures == 0);
    return c->latch.failures ? c->latch.last.kind : ERR_NONE;
}

/* A job which ended as the act says. */
static void finished_job(struct rig *r, enum fake_act act, char id[ID_TEXT])
{
    fake_lab_script(r->lab, &act, 1);
    CHECK_INT(rig_submit_now(r, "a clip", id), ERR_NONE);
    CHECK(rig_wait(r, id, 20));
    fake_lab_script(r->lab, &(enum fake_act){FAKE_DONE}, 1);
}

static void made_once_and_kept(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = -1;
    struct rig r = rig_up(dir.path, 1, NULL);
    struct job_row row;
    struct clip one, two;
    char id[ID_TEXT] = "", want[64] = "", text[64] = "";
    int64_t size;

    finished_job(&r, FAKE_DONE, id);
    CHECK_INT(ask(&r, "acme", id, &one), ERR_NONE);
    CHECK_INT(fake_lab_tasks(r.lab), 2);
    snprintf(want, sizeof want, "clip of %s", id);
    CHECK(blob_open(r.blobs, one.sha256, &fd, &size, NULL) == 0);
    CHECK(read(fd, text, sizeof text - 1) > 0);
    CHECK_STR(text, want);
    CHECK(records_get_job(r.db, a, NULL, id, &row, NULL) == 0);
    CHECK_STR(row.artefact, one.sha256);
    CHECK_STR(row.state, "done");
    CHECK_INT(ask(&r, "acme", id, &two), ERR_NONE);
    CHECK_STR(two.sha256, one.sha256);
    CHECK_INT(fake_lab_tasks(r.lab), 2);
    CHECK(blob_remove(r.blobs, one.sha256, NULL) == 0);
    CHECK_INT(ask(&r, "acme", id, &two), ERR_NONE);
    CHECK_INT(fake_lab_tasks(r.lab), 3);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void refused(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    char done[ID_TEXT] = "", failed[ID_TEXT] = "", waiting[ID_TEXT] = "";
    struct clip c;

    finished_job(&r, FAKE_DONE, done);
    finished_job(&r, FAKE_FAIL, failed);
    fake_lab_analysts(r.lab, 0);
    CHECK_INT(rig_submit_now(&r, "x", waiting), ERR_NONE);
    CHECK_INT(ask(&r, "acme", waiting, &c), ERR_CONFLICT);
    CHECK_INT(ask(&r, "acme", failed, &c), ERR_UNSUPPORTED);
    CHECK_INT(ask(&r, "other", done, &c), ERR_NOT_FOUND);
    CHECK_INT(ask(&r, "acme", "ffffffffffffffffffffffff", &c), ERR_NOT_FOUND);
    CHECK_INT(fake_lab_tasks(r.lab), 2);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void shared_and_ahead_of_jobs(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct clip clips[5] = {CLIP, CLIP, CLIP, CLIP, CLIP};
    char id[ID_TEXT] = "", queued[ID_TEXT] = "";

    finished_job(&r, FAKE_DONE, id);
    fake_lab_analysts(r.lab, 0);
    CHECK_INT(rig_submit_now(&r, "x", queued), ERR_NONE);
    sqlite3_sleep(100); /* the job's own try at the lab is over now; nothing tells a test when */
    for (int i = 0; i < 5; i++)
        job_annotate(r.jobs, "acme", id, got, &clips[i]);
    fake_lab_analysts(r.lab, 1);
    for (int i = 0; i < 5; i++) {
        CHECK(latch_wait(&clips[i].latch, 1, 20));
        CHECK_INT(clips[i].latch.failures, 0);
        CHECK_STR(clips[i].sha256, clips[0].sha256);
    }
    CHECK(rig_wait(&r, queued, 20));
    CHECK_INT(fake_lab_tasks(r.lab), 3);
    CHECK_STR(fake_lab_id(r.lab, 1), id);
    CHECK_STR(fake_lab_id(r.lab, 2), queued);
    rig_down(&r);
    for (int i = 0; i < 5; i++)
        CHECK_INT(clips[i].latch.n, 1);
    tempdir_clear(&dir);
}

/* The caller learns what happened, the job stays as it is, and the next request tries again. */
static void failures_are_told(void)
{
    static const struct {
        enum fake_act act;
        enum err_kind kind;
    } rows[] = {
        {FAKE_CRASH, ERR_CRASH},       {FAKE_TIMEOUT, ERR_TIMEOUT}, {FAKE_FAIL, ERR_DECODE},
        {FAKE_INTERNAL, ERR_INTERNAL}, {FAKE_EMPTY, ERR_INTERNAL},  {FAKE_DONE, ERR_NONE},
    };
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    char id[ID_TEXT] = "";
    struct clip c;

    finished_job(&r, FAKE_DONE, id);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        fake_lab_script(r.lab, &rows[i].act, 1);
        CHECK_INT(ask(&r, "acme", id, &c), rows[i].kind);
        CHECK_STR(rig_state(&r, a, id), "done");
        ROW("%zu", i);
    }
    rig_down(&r);
    tempdir_clear(&dir);
}

static void stopping_tells_everybody(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct clip running = CLIP, waiting = CLIP, late = CLIP;
    char one[ID_TEXT] = "", two[ID_TEXT] = "";

    finished_job(&r, FAKE_DONE, one);
    finished_job(&r, FAKE_DONE, two);
    fake_lab_script(r.lab, &(enum fake_act){FAKE_HANG}, 1);
    job_annotate(r.jobs, "acme", one, got, &running);
    CHECK(rig_begun(&r, 3));
    job_annotate(r.jobs, "acme", two, got, &waiting);
    jobs_stop(r.jobs);
    job_annotate(r.jobs, "acme", one, got, &late);
    CHECK_INT(running.latch.n, 1);
    CHECK_INT(running.latch.last.kind, ERR_BUSY);
    CHECK_INT(waiting.latch.n, 1);
    CHECK_INT(waiting.latch.last.kind, ERR_BUSY);
    CHECK_INT(late.latch.n, 1);
    CHECK_INT(late.latch.last.kind, ERR_BUSY);
    rig_down(&r);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(made_once_and_kept);
    RUN(refused);
    RUN(shared_and_ahead_of_jobs);
    RUN(failures_are_told);
    RUN(stopping_tells_everybody);
    return test_end();
}
