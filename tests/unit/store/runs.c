/* Runs of the provenance API and overrides: whose they are, how they are taken over, how they go. */
#include "store/runs.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/retention.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

#define ID_A  "6662efdb5200108549e3ac2a"
#define ID_B  "6662efdb5200108549e3ac2b"
#define ID_C  "6662efdb5200108549e3ac2c"
#define RUN_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define RUN_2 "2222222222222222222222222222222222222222222222222222222222222222"
#define FILE_ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static enum err_kind add(struct records *db, const char *id, const char *tenant, const char *state,
                         const char *run)
{
    struct job_row row = {.tenant = tenant,
                          .dialect = "provenance",
                          .state = state,
                          .created_us = 1,
                          .finished_us = text_is(state, "new") ? 0 : 2,
                          .sha256 = FILE_,
                          .name = "a.png",
                          .spec = bytes_of("{}", 2),
                          .run = run,
                          .run_media = "image"};
    struct latch l = LATCH;

    text_copy(row.id, sizeof row.id, id);
    CHECK(records_add_job(db, &row, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    return l.failures ? l.last.kind : ERR_NONE;
}

static const char *job_of(struct records *db, struct arena *a, const char *tenant, const char *media,
                          const char *name)
{
    struct run_row run;

    return records_find_run(db, a, tenant, media, name, &run, NULL) == 0 ? arena_strdup(a, run.job) : "none";
}

static enum err_kind say(struct records *db, const char *tenant, const char *sha256, const char *label)
{
    struct override_order order = {tenant, "a-key", "image", sha256, label};
    struct latch l = LATCH;

    CHECK(records_set_override(db, &order, 7, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    return l.failures ? l.last.kind : ERR_NONE;
}

static const char *said(struct records *db, struct arena *a, const char *tenant)
{
    const char *label = "?";

    CHECK(records_get_override(db, a, tenant, "image", FILE_, &label, NULL) == 0);
    return label ? label : "nothing";
}

static void delete (struct records *db, const char *id)
{
    struct latch l = LATCH;

    CHECK(records_delete_job(db, &(struct job_order){"acme", id, "a-key"}, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20) && !l.failures);
}

static void runs_are_found(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, ID_A, "acme", "new", RUN_1), ERR_NONE);
    CHECK_INT(add(db, ID_B, "acme", "new", RUN_1), ERR_CONFLICT);
    CHECK_INT(add(db, ID_B, "acme", "done", RUN_2), ERR_NONE);
    CHECK_STR(job_of(db, a, "acme", "image", RUN_1), ID_A);
    CHECK_STR(job_of(db, a, NULL, NULL, RUN_1), ID_A);
    CHECK_STR(job_of(db, a, "acme", "image", FILE_), ID_B); /* the newest */
    CHECK_STR(job_of(db, a, NULL, NULL, FILE_), "none");
    CHECK_STR(job_of(db, a, "rival", "image", RUN_1), "none");
    CHECK_STR(job_of(db, a, "rival", "image", FILE_), "none");
    CHECK_STR(job_of(db, a, "acme", "video", RUN_1), "none");
    CHECK_STR(job_of(db, a, "acme", "video", FILE_), "none");
    delete (db, ID_B);
    CHECK_STR(job_of(db, a, "acme", "image", RUN_2), "none");
    records_freep(&db);
    tempdir_clear(&dir);
}

static void a_failed_run_is_taken_over(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, ID_A, "acme", "failed", RUN_1), ERR_NONE);
    CHECK_INT(add(db, ID_B, "rival", "new", RUN_1), ERR_CONFLICT); /* never another tenant's */
    CHECK_INT(add(db, ID_B, "acme", "timed_out", RUN_1), ERR_NONE);
    CHECK_STR(job_of(db, a, "acme", "image", RUN_1), ID_B);
    delete (db, ID_A);
    CHECK_STR(job_of(db, a, "acme", "image", RUN_1), ID_B);
    CHECK_INT(add(db, ID_C, "acme", "done", RUN_1), ERR_NONE);
    CHECK_INT(add(db, ID_A, "acme", "new", RUN_1), ERR_CONFLICT);
    CHECK_STR(job_of(db, a, "acme", "image", RUN_1), ID_C);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void overrides_come_and_go(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct audit_line *lines;
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(say(db, "acme", FILE_, "human"), ERR_NOT_FOUND);
    CHECK_INT(add(db, ID_A, "acme", "done", RUN_1), ERR_NONE);
    CHECK_INT(say(db, "rival", FILE_, "human"), ERR_NOT_FOUND);
    CHECK_INT(say(db, "acme", RUN_1, "human"), ERR_NOT_FOUND);
    CHECK_INT(say(db, "acme", FILE_, NULL), ERR_NONE);
    CHECK_INT(say(db, "acme", FILE_, "human"), ERR_NONE);
    CHECK_INT(say(db, "acme", FILE_, "human"), ERR_NONE);
    CHECK_INT(say(db, "acme", FILE_, "artificial"), ERR_NONE);
    CHECK_STR(said(db, a, "acme"), "artificial");
    CHECK_STR(said(db, a, "rival"), "nothing");
    CHECK(records_audit(db, a, &(struct audit_query){.tenant = "acme"}, &lines, &n, NULL) == 0 && n == 2);
    CHECK_STR(lines[1].what, "override");
    CHECK_STR(lines[1].object, FILE_);
    CHECK_STR(lines[1].detail, "image: artificial, was human");
    CHECK_INT(add(db, ID_B, "acme", "done", RUN_2), ERR_NONE);
    CHECK_INT(add(db, ID_C, "rival", "done", NULL), ERR_NONE);
    delete (db, ID_A);
    CHECK_STR(said(db, a, "acme"), "artificial"); /* another run of that file is there */
    delete (db, ID_B);
    CHECK_STR(said(db, a, "acme"), "nothing");
    records_freep(&db);
    tempdir_clear(&dir);
}

static void names_of_old_runs_are_remembered(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct latch l = LATCH;
    bool expired;
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, ID_A, "acme", "done", RUN_1), ERR_NONE);
    CHECK(records_delete_jobs(db, &(struct job_filter){NULL, 100, true}, 10, &n, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20) && n == 1);
    CHECK(records_has_expired(db, "acme", RUN_1, &expired, NULL) == 0 && expired);
    CHECK(records_has_expired(db, "rival", RUN_1, &expired, NULL) == 0 && !expired);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void secrets_stay(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    uint8_t one[HASH_SIZE] = {0}, again[HASH_SIZE] = {0}, other[HASH_SIZE] = {0};

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_secret(db, "links", one, NULL) == 0);
    CHECK(records_secret(db, "others", other, NULL) == 0);
    records_freep(&db);
    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_secret(db, "links", again, NULL) == 0);
    CHECK(memcmp(one, again, sizeof one) == 0 && memcmp(one, other, sizeof one) != 0);
    records_freep(&db);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(runs_are_found);
    RUN(a_failed_run_is_taken_over);
    RUN(overrides_come_and_go);
    RUN(names_of_old_runs_are_remembered);
    RUN(secrets_stay);
    return test_end();
}
