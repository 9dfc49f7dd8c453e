/* Impulses, their models, and the jobs of a project: what a job hands over in the transaction of its end. */
#include "store/impulses.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "store/projects.h"
#include "store/retention.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

static struct bytes text_bytes(const char *s)
{
    return bytes_of(s, strlen(s));
}

/* Projects 1 to n. */
static void add_projects(struct records *db, int n)
{
    for (int i = 0; i < n; i++) {
        struct latch l = LATCH;
        int64_t id;
        CHECK(records_add_project(db, &(struct project_order){"acme", "p", "k", 100}, &id, latch_done, &l,
                                  NULL) == 0);
        CHECK(latch_wait(&l, 1, 20));
        CHECK_INT(id, i + 1);
    }
}

static enum err_kind save(struct records *db, int64_t project, int64_t id, int64_t version, const char *json,
                          int64_t *ret_id)
{
    struct impulse_row row = {
        .id = id, .project = project, .version = version, .name = "one", .definition = text_bytes(json)};
    struct latch l = LATCH;

    CHECK(records_save_impulse(db, &row, ret_id, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    return l.failures ? l.last.kind : ERR_NONE;
}

static enum err_kind drop(struct records *db, int64_t project, int64_t id)
{
    struct latch l = LATCH;

    CHECK(records_delete_impulse(db, project, id, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    return l.failures ? l.last.kind : ERR_NONE;
}

static void impulses_come_and_go(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct impulse_row row, *rows;
    int64_t first = 0, second = 0, other = 0, same = 0;
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    add_projects(db, 4);
    CHECK_INT(save(db, 1, 0, 0, "{}", &first), ERR_NONE);
    CHECK_INT(save(db, 1, 0, 0, "{\"b\":1}", &second), ERR_NONE);
    CHECK_INT(save(db, 2, 0, 0, "{}", &other), ERR_NONE);
    CHECK(first && second > first && other > second);
    CHECK(records_impulse(db, a, 1, 0, &row, NULL) == 0 && row.id == first && row.standard);
    CHECK_INT(row.version, 1);
    CHECK_INT(save(db, 1, first, 1, "{\"c\":1}", &same), ERR_NONE);
    CHECK_INT(same, first);
    CHECK_INT(save(db, 1, first, 1, "{\"d\":1}", &same), ERR_CONFLICT);
    CHECK_INT(save(db, 1, first, 0, "{\"e\":1}", &same), ERR_NONE);
    CHECK_INT(save(db, 2, first, 0, "{}", &same), ERR_NOT_FOUND);
    CHECK(records_impulse(db, a, 1, first, &row, NULL) == 0 && row.version == 3);
    CHECK_STR((const char *)row.definition.data, "{\"e\":1}");
    CHECK(records_impulse(db, a, 2, first, &row, NULL) < 0);
    CHECK_INT(drop(db, 2, first), ERR_NOT_FOUND);
    CHECK_INT(drop(db, 1, first), ERR_NONE);
    CHECK(records_impulses(db, a, 1, &rows, &n, NULL) == 0 && n == 1 && rows[0].standard);
    CHECK_INT(rows[0].id, second);
    CHECK_INT(drop(db, 1, second), ERR_NONE);
    CHECK(records_impulse(db, a, 1, 0, &row, NULL) < 0);
    records_freep(&db);
    tempdir_clear(&dir);
}

static const char blob[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void add_job(struct records *db, const char *id, const struct job_place *place)
{
    struct job_row row = {.tenant = "acme",
                          .dialect = "impulse",
                          .state = "new",
                          .created_us = 1,
                          .sha256 = "",
                          .spec = text_bytes("{}"),
                          .place = *place};
    struct latch l = LATCH;

    text_copy(row.id, sizeof row.id, id);
    CHECK(records_add_job(db, &row, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    CHECK_INT(l.failures, 0);
}

static void move_job(struct records *db, const char *id, const char *from, const char *to)
{
    struct job_move move = {.id = id, .from = from, .to = to, .attempts = -1, .finished_us = 7};
    struct latch l = LATCH;

    if (text_is(to, "done")) {
        move.report = text_bytes("{\"r\":1}");
        move.artefact = blob;
    }
    CHECK(records_move_job(db, &move, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    CHECK_INT(l.failures, 0);
}

static void a_job_hands_over_its_model(void)
{
    static const char id[] = "0123456789abcdef01234567", failed[] = "0123456789abcdef01234568";
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct project_job job;
    struct impulse_row row;
    struct model_row *models;
    int64_t impulse = 0, number = 0;
    bool used;
    size_t n, total;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    add_projects(db, 4);
    CHECK_INT(save(db, 1, 0, 0, "{}", &impulse), ERR_NONE);
    struct job_place place = {.project = 1,
                              .key = "train",
                              .title = "Training",
                              .impulse = impulse,
                              .block = 5,
                              .variant = "float32",
                              .inputs = "h",
                              .makes_model = true};
    add_job(db, id, &place);
    add_job(db, failed, &place);
    CHECK(records_number_of_job(db, id, &number, NULL) == 0);
    CHECK(records_project_job(db, a, 1, number, &job, NULL) == 0);
    CHECK_STR(job.state, "new");
    CHECK_STR(job.place.title, "Training");
    CHECK(records_project_job(db, a, 2, number, &job, NULL) < 0);
    move_job(db, failed, "new", "failed");
    CHECK(records_models(db, a, impulse, &models, &n, NULL) == 0 && n == 0);
    move_job(db, id, "new", "claimed");
    move_job(db, id, "claimed", "done");
    CHECK(records_models(db, a, impulse, &models, &n, NULL) == 0 && n == 1);
    CHECK_STR(models[0].sha256, blob);
    CHECK_STR(models[0].variant, "float32");
    CHECK_STR(models[0].inputs, "h");
    CHECK_STR((const char *)models[0].report.data, "{\"r\":1}");
    CHECK_INT(models[0].block, 5);
    CHECK(records_impulse(db, a, 1, 0, &row, NULL) == 0 && row.version == 2);
    CHECK(records_find_project_job(db, a, 1, "train", NULL, &job, NULL) == 0);
    CHECK_STR(job.state, "failed");
    CHECK(records_project_jobs(db, a, &(struct project_jobs_filter){1, true, 1, 1},
                               &(struct project_job *){0}, &n, &total, NULL) == 0);
    CHECK(n == 1 && total == 2);
    /* The model outlives its job. */
    struct latch l = LATCH;
    CHECK(records_delete_job(db, &(struct job_order){"acme", id, NULL}, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    CHECK(records_blob_in_use(db, blob, &used, NULL) == 0 && used);
    CHECK_INT(drop(db, 1, impulse), ERR_NONE);
    CHECK(records_blob_in_use(db, blob, &used, NULL) == 0 && !used);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void questions_are_found(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct project_job job;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    add_projects(db, 4);
    add_job(db, "0123456789abcdef01234567",
            &(struct job_place){.project = 3, .key = "classify", .title = "x", .question = "q1"});
    add_job(db, "0123456789abcdef01234568",
            &(struct job_place){.project = 3, .key = "classify", .title = "x", .question = "q2"});
    add_job(db, "0123456789abcdef01234569",
            &(struct job_place){.project = 3, .key = "classify", .title = "x", .question = "q1"});
    CHECK(records_find_project_job(db, a, 3, "classify", "q1", &job, NULL) == 0);
    CHECK_STR(job.id, "0123456789abcdef01234569");
    CHECK(records_find_project_job(db, a, 3, NULL, "q2", &job, NULL) == 0);
    CHECK_STR(job.id, "0123456789abcdef01234568");
    CHECK(records_find_project_job(db, a, 3, "train", "q2", &job, NULL) < 0);
    CHECK(records_find_project_job(db, a, 4, NULL, "q2", &job, NULL) < 0);
    records_freep(&db);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(impulses_come_and_go);
    RUN(a_job_hands_over_its_model);
    RUN(questions_are_found);
    return test_end();
}
