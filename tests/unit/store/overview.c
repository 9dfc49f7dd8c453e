/* How things stand: unfinished and finished jobs by tenant, failures, deliveries, who runs the directory. */
#include "store/overview.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/hooks.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

/* id, tenant, state, created, finished */
static const struct seed {
    const char *id, *tenant, *state;
    int64_t created_us, finished_us;
} seeds[] = {
    {"000000000000000000000001", "acme", "new", 1000, 0},
    {"000000000000000000000002", "acme", "new", 500, 0},
    {"000000000000000000000003", "acme", "claimed", 400, 0},
    {"000000000000000000000004", "other", "new", 2000, 0},
    {"000000000000000000000005", "acme", "done", 10, 5000},
    {"000000000000000000000006", "acme", "failed", 11, 5001},
    {"000000000000000000000007", "other", "timed_out", 12, 6000},
    {"000000000000000000000008", "other", "cancelled", 13, 7000},
    {"000000000000000000000009", "acme", "failed", 14, 100},
};

static void plant(struct records *db)
{
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        struct job_row row = {.tenant = seeds[i].tenant,
                              .dialect = "alarm",
                              .state = seeds[i].state,
                              .created_us = seeds[i].created_us,
                              .finished_us = seeds[i].finished_us,
                              .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                              .error_code = seeds[i].finished_us ? "cannot_decode" : NULL,
                              .spec = bytes_of("{}", 2)};
        text_copy(row.id, sizeof row.id, seeds[i].id);
        CHECK(records_add_job(db, &row, NULL, NULL, NULL) == 0);
    }
    records_sync(db);
}

/* "tenant/state=jobs@oldest ..." */
static const char *spell(struct arena *a, const struct job_heap *h, size_t n)
{
    const char *text = "";

    for (size_t i = 0; i < n; i++)
        text = arena_printf(a, "%s%s%s/%s=%lld@%lld", text, i ? " " : "", h[i].tenant, h[i].state,
                            (long long)h[i].jobs, (long long)h[i].oldest_us);
    return text;
}

static void heaps_of_jobs(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct job_heap *h;
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_unfinished_heaps(db, a, &h, &n, NULL) == 0 && n == 0);
    plant(db);
    CHECK(records_unfinished_heaps(db, a, &h, &n, NULL) == 0);
    CHECK_STR(spell(a, h, n), "acme/claimed=1@400 acme/new=2@500 other/new=1@2000");
    CHECK(records_finished_heaps(db, a, 5000, &h, &n, NULL) == 0);
    CHECK_STR(spell(a, h, n), "acme/done=1@10 acme/failed=1@11 other/cancelled=1@13 other/timed_out=1@12");
    CHECK(records_finished_heaps(db, a, 7001, &h, &n, NULL) == 0 && n == 0);
    tempdir_clear(&dir);
}

static void the_newest_failures(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct failure *f;
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    plant(db);
    CHECK(records_failures(db, a, 0, 2, &f, &n, NULL) == 0 && n == 2);
    CHECK_STR(f[0].id, seeds[6].id);
    CHECK_STR(f[0].tenant, "other");
    CHECK_STR(f[0].state, "timed_out");
    CHECK_STR(f[0].error_code, "cannot_decode");
    CHECK(!f[0].error_text && f[0].finished_us == 6000);
    CHECK_STR(f[1].id, seeds[5].id);
    CHECK(records_failures(db, a, 5001, 10, &f, &n, NULL) == 0 && n == 2);
    CHECK(records_failures(db, a, 0, 10, &f, &n, NULL) == 0 && n == 3);
    tempdir_clear(&dir);
}

static void totals_of_deliveries(void)
{
    static const struct {
        const char *state;
        int64_t next_us;
    } rows[] = {{"due", 900}, {"due", 300}, {"dead", 1}, {"delivered", 2}, {"delivered", 3}};
    struct tempdir dir = tempdir_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct delivery_totals t;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_delivery_totals(db, &t, NULL) == 0 && t.due == 0 && t.dead == 0 && t.first_due_us == 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct delivery_row row = {.tenant = "acme",
                                   .url = "http://x/",
                                   .site = "x:80",
                                   .body = bytes_of("{}", 2),
                                   .state = rows[i].state,
                                   .next_us = rows[i].next_us};
        delivery_id_new(row.id, 1000);
        CHECK(records_add_delivery(db, &row, NULL, NULL, NULL) == 0);
    }
    records_sync(db);
    CHECK(records_delivery_totals(db, &t, NULL) == 0 && t.due == 2 && t.dead == 1 && t.first_due_us == 300);
    tempdir_clear(&dir);
}

/* An owner in another process: seen while it lives, with its note, and never disturbed by the asking. */
static void the_owner_can_be_asked_for(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    const char *note = NULL;
    bool running = true;
    int up[2], down[2];
    char c = 0;
    pid_t pid;

    CHECK(records_owner(a, dir.path, &running, &note, NULL) == 0 && !running);
    CHECK_STR(note, "");
    CHECK(pipe(up) == 0 && pipe(down) == 0);
    pid = fork();
    if (pid == 0) {
        if (records_open(&db, dir.path, NULL) < 0 || records_own(db, NULL) < 0 ||
            records_owner_note(db, "a longer note", NULL) < 0 || records_owner_note(db, "short", NULL) < 0)
            _exit(1);
        if (write(up[1], "x", 1) != 1 || read(down[0], &c, 1) != 1)
            _exit(2);
        _exit(0); /* as if it was killed: nothing is tidied up */
    }
    CHECK(read(up[0], &c, 1) == 1);
    for (int i = 0; i < 100; i++)
        CHECK(records_owner(a, dir.path, &running, &note, NULL) == 0 && running);
    CHECK_STR(note, "short");
    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_own(db, NULL) < 0);
    CHECK(records_owner_note(db, "not mine", NULL) < 0);
    CHECK(write(down[1], "x", 1) == 1 && waitpid(pid, NULL, 0) == pid);
    CHECK(records_owner(a, dir.path, &running, &note, NULL) == 0 && !running);
    CHECK_STR(note, "");
    CHECK(records_own(db, NULL) == 0);
    CHECK(records_owner(a, dir.path, &running, &note, NULL) == 0 && running);
    CHECK_STR(note, ""); /* the dead one's words are gone */
    for (int i = 0; i < 2; i++) {
        close(up[i]);
        close(down[i]);
    }
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(heaps_of_jobs);
    RUN(the_newest_failures);
    RUN(totals_of_deliveries);
    RUN(the_owner_can_be_asked_for);
    return test_end();
}
