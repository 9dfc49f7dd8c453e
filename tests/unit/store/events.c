/* The trace of a job: every change of state, in the transaction of the change. */
#include "store/events.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/retention.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

#define ID_A "000000000000000000000001"
#define ID_B "000000000000000000000002"

static void add(struct records *db, const char *id, const char *tenant)
{
    struct job_row row = {.tenant = tenant,
                          .dialect = "alarm",
                          .state = "new",
                          .size = 3,
                          .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                          .spec = bytes_of("{}", 2)};

    text_copy(row.id, sizeof row.id, id);
    CHECK(records_add_job(db, &row, NULL, NULL, NULL) == 0);
}

static void move(struct records *db, struct job_move m)
{
    CHECK(records_move_job(db, &m, NULL, NULL, NULL) == 0);
}

/* "what (detail)" of every event, separated by "; ". */
static const char *trace(struct records *db, struct arena *a, const char *id)
{
    struct event *events;
    const char *text = "";
    size_t n = 0;

    records_sync(db);
    CHECK(records_events(db, a, id, &events, &n, NULL) == 0);
    for (size_t i = 0; i < n; i++)
        text =
            arena_printf(a, "%s%s%s%s%s%s", text, i ? "; " : "", events[i].what, events[i].detail ? " (" : "",
                         events[i].detail ? events[i].detail : "", events[i].detail ? ")" : "");
    return text;
}

static void every_change_is_there(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    add(db, ID_A, "acme");
    move(db, (struct job_move){.id = ID_A, .from = "new", .to = "claimed", .attempts = -1});
    move(db, (struct job_move){.id = ID_A, .from = "claimed", .to = "new", .attempts = 1});
    move(db, (struct job_move){.id = ID_A, .from = "new", .to = "claimed", .attempts = -1});
    records_release_claims(db, NULL, NULL, NULL);
    move(db, (struct job_move){.id = ID_A, .from = "claimed", .to = "done", .attempts = -1}); /* refused */
    move(db, (struct job_move){.id = ID_A, .from = "new", .to = "claimed", .attempts = -1});
    move(db, (struct job_move){.id = ID_A,
                               .from = "claimed",
                               .to = "failed",
                               .attempts = -1,
                               .error_code = "cannot_decode",
                               .error_text = "no"});
    CHECK_STR(trace(db, a, ID_A), "new (alarm, 3 bytes); claimed; new (its analyst died); claimed; "
                                  "new (its server went away); claimed; failed (cannot_decode: no)");
    add(db, ID_B, "acme");
    move(db, (struct job_move){.id = ID_B, .from = "new", .to = "claimed", .attempts = -1});
    move(db,
         (struct job_move){.id = ID_B, .from = "claimed", .to = "done", .attempts = -1, .error_code = "ok"});
    records_set_artefact(db, ID_B, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", NULL,
                         NULL, NULL);
    CHECK_STR(trace(db, a, ID_B), "new (alarm, 3 bytes); claimed; done; annotated (ba7816bf8f01)");
    records_freep(&db);
    tempdir_clear(&dir);
}

static void times_are_now(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct event *events;
    int64_t before = clock_wall_us() / 1000 * 1000, after;
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    add(db, ID_A, "acme");
    records_sync(db);
    after = clock_wall_us() + 1000;
    CHECK(records_events(db, a, ID_A, &events, &n, NULL) == 0);
    CHECK_INT(n, 1);
    CHECK(n == 1 && events[0].at_us >= before && events[0].at_us <= after);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void it_goes_with_its_job(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    add(db, ID_A, "acme");
    CHECK(records_cancel_job(db, &(struct job_order){"acme", ID_A, NULL}, 5, NULL, NULL, NULL) == 0);
    CHECK_STR(trace(db, a, ID_A), "new (alarm, 3 bytes); cancelled (cancelled: The job was cancelled.)");
    CHECK(records_delete_job(db, &(struct job_order){"acme", ID_A, NULL}, NULL, NULL, NULL) == 0);
    CHECK_STR(trace(db, a, ID_A), "");
    records_freep(&db);
    tempdir_clear(&dir);
}

static void lists(void)
{
    static const struct {
        const char *what;
        struct job_query query;
        size_t n;
        const char *first;
    } rows[] = {
        {"all, newest first", {NULL, NULL, 10}, 2, ID_B}, {"the newest", {NULL, NULL, 1}, 1, ID_B},
        {"of a tenant", {"acme", NULL, 10}, 1, ID_A},     {"in a state", {NULL, "cancelled", 10}, 1, ID_A},
        {"both", {"rival", "cancelled", 10}, 0, NULL},
    };
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct job_brief *jobs;
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    add(db, ID_A, "acme");
    add(db, ID_B, "rival");
    records_cancel_job(db, &(struct job_order){"acme", ID_A, NULL}, 5, NULL, NULL, NULL);
    records_sync(db);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(records_list_jobs(db, a, &rows[i].query, &jobs, &n, NULL) == 0);
        CHECK_INT(n, rows[i].n);
        if (n == rows[i].n && n)
            CHECK_STR(jobs[0].id, rows[i].first);
        ROW("%s", rows[i].what);
    }
    records_freep(&db);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(every_change_is_there);
    RUN(times_are_now);
    RUN(it_goes_with_its_job);
    RUN(lists);
    return test_end();
}
