/* Heat maps: kept with the end of the job that wanted one, when they begin like a PNG; gone with the job. */
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"
#include "unit/job/rig.h"
#include "unit/store/tempdir.h"

static void judged(struct rig *r, enum fake_act act, bool wanted, char ret_id[ID_TEXT])
{
    struct job_spec spec = job_spec_defaults();
    struct ticket t = TICKET;

    spec.pipeline = "origin-image";
    spec.origin.heatmap = wanted;
    fake_lab_script(r->lab, &act, 1);
    rig_submit_spec(r, &spec, "an image", &t);
    CHECK_INT(rig_answer(&t, ret_id), ERR_NONE);
    CHECK(rig_wait(r, ret_id, 20));
}

static size_t count_blobs(struct rig *r)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t n, all = 0;

    for (int i = 0; i < BLOB_FOLDERS; i++) {
        const char **names;
        CHECK(blobs_list(r->blobs, a, i, &names, &n, NULL) == 0);
        all += n;
    }
    return all;
}

/* What nobody needs goes soon. */
static bool blobs_become(struct rig *r, size_t n)
{
    for (int i = 0; i < 400 && count_blobs(r) != n; i++)
        usleep(10000);
    return count_blobs(r) == n;
}

static void ordered(void *latch, const struct err *err)
{
    latch_hit(latch, err);
}

static void annotated(void *latch, const char *sha256 UNUSED, const struct err *err)
{
    latch_hit(latch, err);
}

static void kept_and_gone(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = -1;
    struct rig r = rig_up(dir.path, 1, NULL);
    struct latch l = LATCH, drawn = LATCH;
    char id[ID_TEXT] = "", head[8] = "";
    struct job_row row;
    int64_t size;

    judged(&r, FAKE_HEATMAP, true, id);
    CHECK(records_get_job(r.db, a, NULL, id, &row, NULL) == 0);
    CHECK_STR(row.state, "done");
    CHECK(row.artefact && blob_open(r.blobs, row.artefact, &fd, &size, NULL) == 0);
    CHECK(read(fd, head, 8) == 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0);
    CHECK_INT(size, 8 + 8 + 24);
    job_annotate(r.jobs, "acme", id, annotated, &drawn); /* it is no clip */
    CHECK(latch_wait(&drawn, 1, 20) && drawn.last.kind == ERR_CONFLICT);
    CHECK(blobs_become(&r, 2));
    job_delete(r.jobs, &(struct job_order){"acme", id, "k"}, ordered, &l);
    CHECK(latch_wait(&l, 1, 20) && !l.failures);
    CHECK(blobs_become(&r, 0));
    rig_down(&r);
    tempdir_clear(&dir);
}

static void only_what_was_asked_for_and_is_a_picture(void)
{
    static const struct {
        enum fake_act act;
        bool wanted;
        const char *state;
    } rows[] = {
        {FAKE_HEATMAP, false, "done"}, {FAKE_DONE, true, "done"},    {FAKE_EMPTY, true, "done"},
        {FAKE_FAIL, true, "failed"},   {FAKE_CRASH, true, "failed"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tempdir dir = tempdir_new();
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct rig r = rig_up(dir.path, 1, NULL);
        char id[ID_TEXT] = "";
        struct job_row row;
        judged(&r, rows[i].act, rows[i].wanted, id);
        CHECK(records_get_job(r.db, a, NULL, id, &row, NULL) == 0);
        CHECK_STR(row.state, rows[i].state);
        CHECK(!row.artefact);
        CHECK(blobs_become(&r, 1));
        rig_down(&r);
        tempdir_clear(&dir);
        ROW("%zu", i);
    }
}

int main(void)
{
    RUN(kept_and_gone);
    RUN(only_what_was_asked_for_and_is_a_picture);
    return test_end();
}
