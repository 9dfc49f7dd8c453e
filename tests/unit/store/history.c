/* Stored jobs, read by somebody who changes nothing. */
#include "store/history.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

enum { JOBS = 10 };

static const char sha[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/* Job i of tenant t0 or t1 in turn, created at second i; every fifth is new, the others have ended. */
static const char *const states[] = {"new", "done", "failed", "timed_out", "done"};

static const char *id_of(struct arena *a, int i)
{
    return arena_printf(a, "%024d", i);
}

static void fill(const char *dir)
{
    CLEANUP(records_freep) struct records *db = NULL;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct latch l = LATCH;

    CHECK(records_open(&db, dir, NULL) == 0);
    for (int i = 0; i < JOBS; i++) {
        struct job_row row = {
            .tenant = i % 2 ? "t1" : "t0",
            .dialect = "alarm",
            .state = states[i % 5],
            .created_us = i * 1000000,
            .sha256 = sha,
            .spec = bytes_of("{}", 2),
            .report = bytes_of("{\"r\":1}", 7),
        };
        text_copy(row.id, sizeof row.id, id_of(a, i));
        CHECK(records_add_job(db, &row, latch_done, &l, NULL) == 0);
    }
    for (int i = 0; i < 2; i++) {
        struct label_row label = {.tenant = "t1", .job = id_of(a, 1), .created_us = i};
        label.labels = i ? bytes_of("[\"new\"]", 7) : bytes_of("[\"old\"]", 7);
        text_copy(label.id, sizeof label.id, id_of(a, 100 + i));
        CHECK(records_add_label(db, &label, latch_done, &l, NULL) == 0);
    }
    CHECK(latch_wait(&l, JOBS + 2, 20));
    CHECK_INT(l.failures, 0);
}

static void pages_come_newest_first(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct history_query query = {.max = 3};
    struct history_size size;
    struct history_job *jobs;
    int seen = 0, last = JOBS;
    size_t n = 1;

    fill(dir.path);
    CHECK(records_open_reading(&db, dir.path, NULL) == 0);
    while (n && records_history(db, a, &query, &jobs, &n, NULL) == 0)
        for (size_t i = 0; i < n; i++, seen++) {
            CHECK(atoi(jobs[i].id) < last && atoi(jobs[i].id) % 5 != 0);
            last = atoi(jobs[i].id);
            query.before = jobs[i].seq;
        }
    CHECK_INT(seen, 8);
    query = (struct history_query){.tenant = "t1", .since_us = 3000000, .max = 100};
    CHECK(records_history(db, a, &query, &jobs, &n, NULL) == 0);
    CHECK_INT(n, 3); /* 3, 7, 9; 5 is new */
    CHECK(records_history_size(db, &query, &size, NULL) == 0);
    CHECK_INT(size.ended, 3);
    CHECK_INT(size.others, 1);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void labels_and_judged_jobs(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct judged_query query = {"t1", "alarm", sha, 10};
    struct records *db = NULL;
    struct judged_job *jobs;
    struct label_row *labels;
    size_t n;

    fill(dir.path);
    CHECK(records_open_reading(&db, dir.path, NULL) == 0);
    CHECK(records_job_labels(db, a, id_of(a, 1), &labels, &n, NULL) == 0);
    CHECK_INT(n, 2);
    CHECK_STR((const char *)labels[0].labels.data, "[\"new\"]");
    CHECK(records_job_labels(db, a, id_of(a, 2), &labels, &n, NULL) == 0);
    CHECK_INT(n, 0);
    CHECK(records_judged(db, a, &query, &jobs, &n, NULL) == 0);
    CHECK_INT(n, 2); /* 9 and 1: done */
    CHECK_STR(jobs[0].id, id_of(a, 9));
    CHECK_STR((const char *)jobs[0].report.data, "{\"r\":1}");
    query.tenant = "nobody";
    CHECK(records_judged(db, a, &query, &jobs, &n, NULL) == 0);
    CHECK_INT(n, 0);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void reading_makes_nothing(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *none = arena_printf(a, "%s/none", dir.path);
    struct records *db = NULL;
    struct err err = {0};
    sqlite3 *raw;

    CHECK(records_open_reading(&db, none, &err) < 0 && err.kind == ERR_NOT_FOUND);
    CHECK(access(none, F_OK) < 0);
    fill(dir.path);
    CHECK(sqlite3_open(arena_printf(a, "%s/assay.db", dir.path), &raw) == SQLITE_OK);
    CHECK(sqlite3_exec(raw, "PRAGMA user_version=1", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(raw);
    CHECK(records_open_reading(&db, dir.path, &err) < 0 && err.kind == ERR_CONFLICT);
    CHECK(strstr(err.text, "older"));
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(pages_come_newest_first);
    RUN(labels_and_judged_jobs);
    RUN(reading_makes_nothing);
    return test_end();
}
