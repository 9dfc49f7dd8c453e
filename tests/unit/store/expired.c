/* Jobs whose time was over are remembered by their ids; those that somebody deleted are not. */
#include "base/cleanup.h"
#include "base/text.h"
#include "store/retention.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

#define ID_A "00000000000000000000000a"
#define ID_B "00000000000000000000000b"
#define ID_C "00000000000000000000000c"

static void add_job(struct records *db, const char *id, int64_t finished_us)
{
    struct job_row row = {.tenant = "acme",
                          .dialect = "scenes",
                          .state = finished_us ? "done" : "new",
                          .finished_us = finished_us,
                          .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                          .spec = bytes_of("{}", 2)};

    text_copy(row.id, sizeof row.id, id);
    CHECK(records_add_job(db, &row, NULL, NULL, NULL) == 0);
}

static bool expired(struct records *db, const char *tenant, const char *id)
{
    bool was = false;

    records_sync(db);
    CHECK(records_has_expired(db, tenant, id, &was, NULL) == 0);
    return was;
}

static void only_what_its_time_took_is_remembered(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(records_freep) struct records *db = NULL;
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    add_job(db, ID_A, 5);
    add_job(db, ID_B, 500);
    add_job(db, ID_C, 0);
    records_delete_jobs(db, &(struct job_filter){NULL, 100, true}, 10, &n, NULL, NULL, NULL);
    CHECK(expired(db, "acme", ID_A) && n == 1);
    CHECK(!expired(db, "other", ID_A)); /* not even that it was there */
    CHECK(!expired(db, "acme", ID_B) && !expired(db, "acme", ID_C));
    records_delete_jobs(db, &(struct job_filter){NULL, INT64_MAX, false}, 10, &n, NULL, NULL, NULL);
    CHECK(!expired(db, "acme", ID_B) && n == 1);
    records_freep(&db);
    tempdir_clear(&dir);
}

/* As many as fit into one step, and the same ones that go. */
static void a_step_remembers_what_it_deletes(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(records_freep) struct records *db = NULL;
    char id[ID_TEXT];
    size_t n = 0, left = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof id, "%024x", i);
        add_job(db, id, 7); /* all at the same moment */
    }
    records_delete_jobs(db, &(struct job_filter){NULL, 100, true}, 8, &n, NULL, NULL, NULL);
    for (int i = 0; i < 20; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct job_row row;
        bool gone, there;
        snprintf(id, sizeof id, "%024x", i);
        gone = expired(db, "acme", id);
        there = records_get_job(db, a, "acme", id, &row, NULL) == 0;
        CHECK(gone != there);
        left += there;
        ROW("%s", id);
    }
    CHECK(n == 8 && left == 12);
    records_freep(&db);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(only_what_its_time_took_is_remembered);
    RUN(a_step_remembers_what_it_deletes);
    return test_end();
}
