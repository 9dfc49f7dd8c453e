/* The audit: a line for every change of keys, hooks, tenants and for every deletion, in the same transaction,
 * and no way to alter one. */
#include "store/audit.h"

#include <sqlite3.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/hooks.h"
#include "store/retention.h"
#include "store/tenants.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

#define ID_A   "000000000000000000000001"
#define ID_B   "000000000000000000000002"
#define ID_C   "000000000000000000000003"
#define NOBODY "0000000000000000000000ff"

static void add_job(struct records *db, const char *id, const char *tenant, const char *state)
{
    struct job_row row = {.tenant = tenant,
                          .dialect = "alarm",
                          .state = state,
                          .finished_us = text_is(state, "done") ? 7 : 0,
                          .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                          .spec = bytes_of("{}", 2)};

    text_copy(row.id, sizeof row.id, id);
    CHECK(records_add_job(db, &row, NULL, NULL, NULL) == 0);
}

static struct key_row key_row(const char *id, const char *text)
{
    struct key_row row = {.tenant = "acme", .scopes = "read", .note = "", .created_us = 1};

    text_copy(row.id, sizeof row.id, id);
    hash_hex(bytes_of(text, strlen(text)), row.hash);
    return row;
}

static struct hook_row hook_row(const char *id)
{
    struct hook_row row = {
        .tenant = "acme", .dialect = "alarm", .url = "https://example.org/x?token=hidden", .secret = "s1"};

    text_copy(row.id, sizeof row.id, id);
    return row;
}

/* "what who tenant object detail" of every line, one each. */
static const char *lines(struct records *db, struct arena *a, struct audit_query query)
{
    struct audit_line *got = NULL;
    const char *text = "";
    size_t n = 0;

    records_sync(db);
    CHECK(records_audit(db, a, &query, &got, &n, NULL) == 0);
    for (size_t i = 0; i < n; i++) {
        text = arena_printf(a, "%s%s|%s|%s|%s|%s\n", text, got[i].what, got[i].who,
                            got[i].tenant ? got[i].tenant : "-", got[i].object ? got[i].object : "-",
                            got[i].detail ? got[i].detail : "-");
        CHECK(got[i].at_us <= clock_wall_us() && got[i].at_us > clock_wall_us() - 60000000);
    }
    return text;
}

static void change_everything(struct records *db)
{
    struct key_row key = key_row(ID_A, "one");
    struct hook_row hook = hook_row(ID_B);
    char hash[HASH_HEX];
    size_t n;

    hash_hex(bytes_of("two", 3), hash);
    records_add_key(db, &key, NULL, NULL, NULL);
    records_rotate_key(db, &(struct key_rotation){ID_A, hash, 10, 1000000}, NULL, NULL, NULL);
    records_revoke_key(db, ID_A, 9, NULL, NULL, NULL);
    records_add_hook(db, &hook, NULL, NULL, NULL);
    records_rotate_hook(db, ID_B, "s2", 5, NULL, NULL, NULL);
    records_remove_hook(db, ID_B, 6, NULL, NULL, NULL);
    records_set_quota(db, "acme", &(struct quota){10, -1, -1, -1, 3}, NULL, NULL, NULL);
    add_job(db, ID_A, "acme", "new");
    records_cancel_job(db, &(struct job_order){"acme", ID_A, "a-key"}, 8, NULL, NULL, NULL);
    records_delete_job(db, &(struct job_order){"acme", ID_A, "a-key"}, NULL, NULL, NULL);
    add_job(db, ID_B, "acme", "done");
    add_job(db, ID_C, "other", "done");
    records_delete_jobs(db, &(struct job_filter){NULL, 1000, false}, 10, &n, NULL, NULL, NULL);
    records_sync(db);
}

static const char wanted[] =
    "key.new|command line (uid 5)|acme|" ID_A "|scopes read\n"
    "key.rotate|command line (uid 5)|acme|" ID_A "|the old secret dies at 1970-01-01T00:00:01.000Z\n"
    "key.revoke|command line (uid 5)|acme|" ID_A "|-\n"
    "hook.add|command line (uid 5)|acme|" ID_B "|https://example.org/x\n"
    "hook.rotate|command line (uid 5)|acme|" ID_B "|-\n"
    "hook.remove|command line (uid 5)|acme|" ID_B "|-\n"
    "tenant.set|command line (uid 5)|acme|acme|requests/day 10, jobs 3\n"
    "job.cancel|a-key|acme|" ID_A "|-\n"
    "job.delete|a-key|acme|" ID_A "|-\n"
    "jobs.delete|command line (uid 5)|-|-|2 jobs that ended before 1970-01-01T00:00:00.001Z\n";

static void every_change_has_its_line(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    records_act_as(db, "command line (uid 5)");
    change_everything(db);
    CHECK_STR(lines(db, a, (struct audit_query){0}), wanted);
    CHECK_STR(lines(db, a, (struct audit_query){.tenant = "other"}), "");
    CHECK_STR(lines(db, a, (struct audit_query){.what = "job.cancel"}), "job.cancel|a-key|acme|" ID_A "|-\n");
    CHECK_STR(lines(db, a, (struct audit_query){.since_us = clock_wall_us() + 60000000}), "");
    records_freep(&db);
    tempdir_clear(&dir);
}

static void no_change_no_line(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct key_row key = key_row(ID_A, "one"), twin = key_row(ID_B, "one");
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    records_add_key(db, &key, NULL, NULL, NULL);
    records_add_key(db, &twin, NULL, NULL, NULL); /* the same hash: refused, with its line */
    records_revoke_key(db, NOBODY, 9, NULL, NULL, NULL);
    records_rotate_key(db, &(struct key_rotation){NOBODY, "00", 10, 20}, NULL, NULL, NULL);
    records_remove_hook(db, NOBODY, 6, NULL, NULL, NULL);
    records_rotate_hook(db, NOBODY, "s", 6, NULL, NULL, NULL);
    add_job(db, ID_A, "acme", "new");
    records_delete_job(db, &(struct job_order){"acme", ID_A, "k"}, NULL, NULL, NULL); /* not finished */
    records_delete_job(db, &(struct job_order){"other", ID_A, "k"}, NULL, NULL, NULL);
    records_cancel_job(db, &(struct job_order){"other", ID_A, "k"}, 3, NULL, NULL, NULL);
    records_delete_jobs(db, &(struct job_filter){"acme", INT64_MAX, false}, 10, &n, NULL, NULL, NULL);
    CHECK_STR(lines(db, a, (struct audit_query){0}), "key.new|server|acme|" ID_A "|scopes read\n");
    records_freep(&db);
    tempdir_clear(&dir);
}

/* By somebody with the file in hand, as long as the triggers are there. */
static void lines_are_not_altered(void)
{
    static const struct {
        const char *sql;
        bool fine;
    } rows[] = {
        {"UPDATE audit SET who = 'nobody'", false},
        {"UPDATE audit SET detail = NULL WHERE seq = 3", false},
        {"DELETE FROM audit WHERE seq = 3", false},
        {"DELETE FROM audit WHERE what = 'job.delete'", false},
        {"INSERT OR REPLACE INTO audit (seq, at_us, what, who) VALUES (3, 1, 'x', 'y')", false},
        {"REPLACE INTO audit (seq, at_us, what, who) VALUES (1, 1, 'x', 'y')", false},
        {"INSERT INTO audit (seq, at_us, what, who) VALUES (1, 1, 'x', 'y')", false},
        {"DELETE FROM audit WHERE seq = 1", true}, /* from the oldest end */
    };
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    sqlite3 *raw = NULL;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    records_act_as(db, "command line (uid 5)");
    change_everything(db);
    CHECK(sqlite3_open(arena_printf(a, "%s/assay.db", dir.path), &raw) == SQLITE_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_INT(sqlite3_exec(raw, rows[i].sql, NULL, NULL, NULL),
                  rows[i].fine ? SQLITE_OK : SQLITE_CONSTRAINT);
        if (!rows[i].fine)
            CHECK_STR(lines(db, a, (struct audit_query){0}), wanted);
        ROW("%s", rows[i].sql);
    }
    CHECK_STR(lines(db, a, (struct audit_query){0}), strchr(wanted, '\n') + 1);
    sqlite3_close(raw);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void old_lines_go_and_say_so(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    records_act_as(db, "command line (uid 5)");
    change_everything(db);
    records_forget_audit(db, 1000, 100, NULL, NULL, NULL); /* nothing is that old */
    CHECK_STR(lines(db, a, (struct audit_query){0}), wanted);
    records_forget_audit(db, clock_wall_us() + 1, 4, NULL, NULL, NULL);
    CHECK(text_starts(lines(db, a, (struct audit_query){0}), "hook.rotate|"));
    CHECK(text_ends(lines(db, a, (struct audit_query){0}), "audit.prune|command line (uid 5)|-|-|4 lines\n"));
    records_forget_audit(db, clock_wall_us() + 1, 100, NULL, NULL, NULL);
    CHECK_STR(lines(db, a, (struct audit_query){0}), "audit.prune|command line (uid 5)|-|-|7 lines\n");
    records_freep(&db);
    tempdir_clear(&dir);
}

static void kinds_have_names(void)
{
    for (int i = 0; i < AUDIT_KINDS; i++)
        CHECK(audit_name((enum audit_kind)i) && audit_is_kind(audit_name((enum audit_kind)i)));
    CHECK_STR(audit_name(AUDIT_OVERRIDE), "override");
    CHECK(!audit_is_kind("key") && !audit_is_kind(""));
}

int main(void)
{
    RUN(every_change_has_its_line);
    RUN(no_change_no_line);
    RUN(lines_are_not_altered);
    RUN(old_lines_go_and_say_so);
    RUN(kinds_have_names);
    return test_end();
}
