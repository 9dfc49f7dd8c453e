/* Faces on allow lists, and the pace of pipelines. */
#include "store/faces.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/pace.h"
#include "store/retention.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

static const struct face_order acme = {"acme", "a-key"}, rival = {"rival", "b-key"};

static enum err_kind add(struct records *db, const struct face_order *order, const char *name, float first)
{
    float v[FACE_MIN] = {first, 0.5f};
    struct face_row row = {.name = name, .created_us = 5, .n = FACE_MIN, .embedding = v};
    struct latch l = LATCH;

    CHECK(records_add_face(db, order, &row, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    return l.failures ? l.last.kind : ERR_NONE;
}

static enum err_kind drop(struct records *db, const struct face_order *order, const char *name)
{
    struct latch l = LATCH;

    CHECK(records_remove_face(db, order, name, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    return l.failures ? l.last.kind : ERR_NONE;
}

static void faces_come_and_go(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct audit_line *lines;
    struct face_row *rows;
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, &acme, "guard", 0.25f), ERR_NONE);
    CHECK_INT(add(db, &acme, "boss", 0.75f), ERR_NONE);
    CHECK_INT(add(db, &acme, "guard", 0.125f), ERR_NONE); /* again: another photo */
    CHECK_INT(add(db, &rival, "guard", 1), ERR_NONE);
    CHECK(records_faces(db, a, "acme", true, &rows, &n, NULL) == 0 && n == 2);
    CHECK_STR(rows[0].name, "boss");
    CHECK_STR(rows[1].name, "guard");
    CHECK(rows[1].n == FACE_MIN);
    CHECK_NEAR((double)rows[1].embedding[0], 0.125, 0);
    CHECK(records_faces(db, a, "acme", false, &rows, &n, NULL) == 0 && n == 2 && rows[0].n == 0);
    CHECK_INT(drop(db, &rival, "boss"), ERR_NOT_FOUND);
    CHECK_INT(drop(db, &acme, "boss"), ERR_NONE);
    CHECK_INT(drop(db, &acme, "boss"), ERR_NOT_FOUND);
    CHECK(records_faces(db, a, "acme", true, &rows, &n, NULL) == 0 && n == 1);
    CHECK(records_audit(db, a, &(struct audit_query){.tenant = "acme"}, &lines, &n, NULL) == 0 && n == 4);
    CHECK_STR(lines[0].what, "face.add");
    CHECK_STR(lines[3].what, "face.remove");
    CHECK_STR(lines[3].who, "a-key");
    CHECK_STR(lines[3].object, "boss");
    records_freep(&db);
    tempdir_clear(&dir);
}

static void a_list_has_a_ceiling(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    float v[FACE_MIN] = {1};
    struct face_row row = {.n = FACE_MIN, .embedding = v};
    struct latch l = LATCH;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    for (int i = 0; i < FACES_PER_TENANT; i++) {
        row.name = arena_printf(a, "%d", i);
        CHECK(records_add_face(db, &acme, &row, latch_done, &l, NULL) == 0);
    }
    CHECK(latch_wait(&l, FACES_PER_TENANT, 60) && !l.failures);
    CHECK_INT(add(db, &acme, "one more", 1), ERR_LIMIT);
    CHECK_INT(add(db, &acme, "7", 1), ERR_NONE);
    CHECK_INT(add(db, &rival, "one more", 1), ERR_NONE);
    records_freep(&db);
    tempdir_clear(&dir);
}

/* ---- pace ---- */

static void finish_one(struct records *db, int i, const char *pipeline, int64_t ns)
{
    struct job_row row = {
        .tenant = "acme", .dialect = "scenes", .state = "claimed", .sha256 = "", .spec = bytes_of("{}", 2)};
    struct job_move move = {.id = row.id,
                            .from = "claimed",
                            .to = "done",
                            .attempts = -1,
                            .finished_us = 1,
                            .pace = {pipeline, ns}};
    struct latch l = LATCH;

    snprintf(row.id, sizeof row.id, "%024d", i);
    CHECK(records_add_job(db, &row, latch_done, &l, NULL) == 0);
    CHECK(records_move_job(db, &move, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 2, 20) && !l.failures);
}

/* The median, of the last hundred, and it stays when the jobs go. */
static void pace_is_a_median(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct err err = {0};
    double ms = 0;
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_pace(db, "pictures", &ms, &err) < 0 && err.kind == ERR_NOT_FOUND);
    finish_one(db, 1, "pictures", 1500000);
    CHECK(records_pace(db, "pictures", &ms, NULL) == 0);
    CHECK_NEAR(ms, 1.5, 1e-9);
    finish_one(db, 2, "pictures", 2500000);
    CHECK(records_pace(db, "pictures", &ms, NULL) == 0);
    CHECK_NEAR(ms, 2, 1e-9);
    finish_one(db, 3, "pictures", 90000000);
    CHECK(records_pace(db, "pictures", &ms, NULL) == 0);
    CHECK_NEAR(ms, 2.5, 1e-9);
    CHECK(records_pace(db, "scenes", &ms, NULL) < 0);
    for (int i = 0; i < PACE_KEPT; i++)
        finish_one(db, 10 + i, "pictures", 7000000);
    finish_one(db, 999, "scenes", 1000000);
    records_delete_jobs(db, &(struct job_filter){NULL, INT64_MAX, false}, 1000, &n, NULL, NULL, NULL);
    records_freep(&db);
    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_pace(db, "pictures", &ms, NULL) == 0);
    CHECK_NEAR(ms, 7, 1e-9);
    CHECK(records_pace(db, "scenes", &ms, NULL) == 0);
    CHECK_NEAR(ms, 1, 1e-9);
    records_freep(&db);
    tempdir_clear(&dir);
}

/* What a dead server has left of them. */
static void passing_jobs_are_dropped(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_row row = {.id = "000000000000000000000001",
                          .tenant = "acme",
                          .dialect = PASSING_DIALECT,
                          .state = "new",
                          .sha256 = "aa",
                          .spec = bytes_of("{}", 2)};
    struct records *db = NULL;
    struct leftover *left;
    struct latch l = LATCH;
    const char *state;
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    records_add_job(db, &row, latch_done, &l, NULL);
    row.id[23] = '2';
    row.dialect = "scenes";
    records_add_job(db, &row, latch_done, &l, NULL);
    CHECK(records_drop_passing(db, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 3, 20) && !l.failures);
    CHECK(records_job_state(db, a, "000000000000000000000001", &state, NULL) < 0);
    CHECK(records_job_state(db, a, "000000000000000000000002", &state, NULL) == 0);
    CHECK(records_leftovers(db, a, 10, &left, &n, NULL) == 0 && n == 1);
    records_freep(&db);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(faces_come_and_go);
    RUN(a_list_has_a_ceiling);
    RUN(pace_is_a_median);
    RUN(passing_jobs_are_dropped);
    return test_end();
}
