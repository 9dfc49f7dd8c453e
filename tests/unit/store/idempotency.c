/* Which job a key has made: together with the job, once, for a day. */
#include "store/idempotency.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "store/retention.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

static const int64_t now = 1700000000000000;

static struct job_row job(const char *id, const char *tenant, const char *key, int64_t created_us)
{
    struct job_row row = {
        .tenant = tenant,
        .dialect = "alarm",
        .state = "done",
        .created_us = created_us,
        .finished_us = created_us,
        .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        .spec = bytes_of("{}", 2),
        .key = key,
        .fingerprint = "f00d",
    };

    text_copy(row.id, sizeof row.id, id);
    return row;
}

static enum err_kind add(struct records *db, struct job_row row)
{
    struct latch l = LATCH;

    CHECK(records_add_job(db, &row, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    return l.failures ? l.last.kind : ERR_NONE;
}

static bool is_there(struct records *db, const char *id)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *state;

    return records_job_state(db, a, id, &state, NULL) == 0;
}

#define ID_A "000000000000000000000001"
#define ID_B "000000000000000000000002"
#define ID_C "000000000000000000000003"

static void a_key_makes_one_job(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct key_use use;
    struct err err = {0};

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_find_key_use(db, "acme", "k", now, &use, &err) < 0);
    CHECK_INT(err.kind, ERR_NOT_FOUND);
    CHECK_INT(add(db, job(ID_A, "acme", "k", now)), ERR_NONE);
    CHECK(records_find_key_use(db, "acme", "k", now, &use, NULL) == 0);
    CHECK_STR(use.job, ID_A);
    CHECK_STR(use.fingerprint, "f00d");
    CHECK_INT(use.created_us, now);
    CHECK_INT(add(db, job(ID_B, "acme", "k", now + 1)), ERR_CONFLICT);
    CHECK(!is_there(db, ID_B)); /* all or nothing */
    CHECK_INT(add(db, job(ID_A, "acme", "k2", now)), ERR_CONFLICT);
    CHECK(records_find_key_use(db, "acme", "k2", now, &use, NULL) < 0);
    CHECK_INT(add(db, job(ID_B, "rival", "k", now)), ERR_NONE);
    CHECK_INT(add(db, job(ID_C, "acme", NULL, now)), ERR_NONE);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void after_a_day_it_is_free(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct key_use use;
    int64_t later = now + idempotency_keep_us;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, job(ID_A, "acme", "k", now)), ERR_NONE);
    CHECK(records_find_key_use(db, "acme", "k", later, &use, NULL) == 0);
    CHECK(records_find_key_use(db, "acme", "k", later + 1, &use, NULL) < 0);
    CHECK_INT(add(db, job(ID_B, "acme", "k", later + 1)), ERR_NONE);
    CHECK(records_find_key_use(db, "acme", "k", later + 1, &use, NULL) == 0);
    CHECK_STR(use.job, ID_B);
    CHECK(is_there(db, ID_A));
    records_freep(&db);
    tempdir_clear(&dir);
}

static void forgotten_in_steps(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct key_use use;
    char id[ID_TEXT], key[16];
    int left = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof id, "%024d", i);
        snprintf(key, sizeof key, "k%d", i);
        CHECK_INT(add(db, job(id, "acme", key, now + i)), ERR_NONE);
    }
    CHECK(records_forget_key_uses(db, now + 7, 5, NULL, NULL, NULL) == 0);
    records_sync(db);
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "k%d", i);
        left += records_find_key_use(db, "acme", key, now, &use, NULL) == 0;
    }
    CHECK_INT(left, 5);
    records_forget_key_uses(db, now + 7, 5, NULL, NULL, NULL);
    records_sync(db);
    CHECK(records_find_key_use(db, "acme", "k6", now, &use, NULL) < 0);
    CHECK(records_find_key_use(db, "acme", "k7", now, &use, NULL) == 0);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void it_goes_with_its_job(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct latch l = LATCH;
    struct key_use use;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, job(ID_A, "acme", "k", now)), ERR_NONE);
    CHECK(records_delete_job(db, &(struct job_order){"acme", ID_A, NULL}, latch_done, &l, NULL) == 0);
    CHECK(latch_wait(&l, 1, 20));
    CHECK_INT(l.failures, 0);
    CHECK(records_find_key_use(db, "acme", "k", now, &use, NULL) < 0);
    records_freep(&db);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(a_key_makes_one_job);
    RUN(after_a_day_it_is_free);
    RUN(forgotten_in_steps);
    RUN(it_goes_with_its_job);
    return test_end();
}
