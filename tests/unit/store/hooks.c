/* Hooks, deliveries, and the outbox: the end of a job and its deliveries are one. */
#include "store/hooks.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

/* A store in a folder of its own. */
struct rig {
    struct tempdir dir;
    struct arena *a;
    struct records *db;
};

static struct rig rig_up(void)
{
    struct rig r = {.dir = tempdir_new(), .a = arena_new()};
    struct err err;

    if (records_open(&r.db, r.dir.path, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(99);
    }
    return r;
}

static void rig_down(struct rig *r)
{
    records_freep(&r->db);
    arena_free(r->a);
    tempdir_clear(&r->dir);
}

static enum err_kind answer(struct latch *l)
{
    CHECK(latch_wait(l, 1, 20));
    return l->failures ? l->last.kind : ERR_NONE;
}

/* ANSWER(records_xyz(db, ..., latch_done, &l, NULL)) */
#define ANSWER(call)            \
    __extension__({             \
        struct latch l = LATCH; \
        CHECK((call) == 0);     \
        answer(&l);             \
    })

#define JOB   "0000000000000000000000a1"
#define HOOK  "0000000000000000000000b1"
#define OTHER "0000000000000000000000b2"
enum { NOW = 1700000000 };
#define US(seconds) ((int64_t)(seconds)*1000000)

static struct hook_row hook(const char *id, const char *tenant)
{
    struct hook_row row = {.tenant = tenant,
                           .dialect = "alarm",
                           .url = "https://example.org/a",
                           .secret = "s3cret",
                           .created_us = US(NOW)};

    text_copy(row.id, sizeof row.id, id);
    return row;
}

static struct delivery_row delivery(const char *id, const char *site, int64_t next_us)
{
    struct delivery_row row = {.tenant = "acme",
                               .url = "https://example.org/a",
                               .site = site,
                               .body = bytes_of("{\"a\":1}", 7),
                               .state = "due",
                               .next_us = next_us,
                               .created_us = US(NOW)};

    text_copy(row.id, sizeof row.id, id);
    return row;
}

static void add_job(struct rig *r, const char *id)
{
    struct job_row row = {.tenant = "acme",
                          .dialect = "alarm",
                          .state = "claimed",
                          .created_us = US(NOW),
                          .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                          .name = "gate.mp4",
                          .spec = bytes_of("{}", 2)};

    text_copy(row.id, sizeof row.id, id);
    CHECK_INT(ANSWER(records_add_job(r->db, &row, latch_done, &l, NULL)), ERR_NONE);
}

static enum err_kind add_delivery(struct rig *r, const char *id, const char *site, int64_t next_us)
{
    struct delivery_row row = delivery(id, site, next_us);

    return ANSWER(records_add_delivery(r->db, &row, latch_done, &l, NULL));
}

static void hooks_come_back(void)
{
    struct rig r = rig_up();
    struct hook_row row = hook(HOOK, "acme"), *list, got;
    size_t n;

    CHECK_INT(ANSWER(records_add_hook(r.db, &row, latch_done, &l, NULL)), ERR_NONE);
    CHECK_INT(ANSWER(records_add_hook(r.db, &row, latch_done, &l, NULL)), ERR_CONFLICT);
    row = hook(OTHER, "globex");
    row.secret = NULL;
    CHECK_INT(ANSWER(records_add_hook(r.db, &row, latch_done, &l, NULL)), ERR_NONE);
    CHECK(records_list_hooks(r.db, r.a, NULL, &list, &n, NULL) == 0 && n == 2);
    CHECK(records_list_hooks(r.db, r.a, "acme", &list, &n, NULL) == 0 && n == 1);
    CHECK_STR(list[0].id, HOOK);
    CHECK_STR(list[0].secret, "s3cret");
    CHECK_STR(list[0].url, "https://example.org/a");
    CHECK_INT(ANSWER(records_rotate_hook(r.db, HOOK, "new", US(NOW + 60), latch_done, &l, NULL)), ERR_NONE);
    CHECK(records_get_hook(r.db, r.a, HOOK, &got, NULL) == 0);
    CHECK_STR(got.secret, "new");
    CHECK_STR(got.old_secret, "s3cret");
    CHECK_INT(got.old_until_us, US(NOW + 60));
    CHECK_INT(ANSWER(records_remove_hook(r.db, HOOK, US(NOW), latch_done, &l, NULL)), ERR_NONE);
    CHECK_INT(ANSWER(records_remove_hook(r.db, HOOK, US(NOW), latch_done, &l, NULL)), ERR_NOT_FOUND);
    CHECK_INT(ANSWER(records_rotate_hook(r.db, HOOK, "x", 0, latch_done, &l, NULL)), ERR_NOT_FOUND);
    CHECK(records_list_hooks(r.db, r.a, "acme", &list, &n, NULL) == 0 && n == 0);
    CHECK(records_get_hook(r.db, r.a, HOOK, &got, NULL) == 0 && got.removed_us && !got.secret &&
          !got.old_secret);
    rig_down(&r);
}

static void a_tenant_has_so_many_hooks(void)
{
    struct rig r = rig_up();
    char id[ID_TEXT];

    for (int i = 0; i <= HOOKS_PER_TENANT; i++) {
        struct hook_row row;
        snprintf(id, sizeof id, "%024d", i);
        row = hook(id, "acme");
        CHECK_INT(ANSWER(records_add_hook(r.db, &row, latch_done, &l, NULL)),
                  i < HOOKS_PER_TENANT ? ERR_NONE : ERR_LIMIT);
    }
    rig_down(&r);
}

/* A move that stores two deliveries; the second one is broken when it has the first one's id. */
static enum err_kind finish(struct rig *r, const char *from, const char *first, const char *second)
{
    struct delivery_row rows[] = {delivery(first, "a:443", US(NOW)), delivery(second, "b:443", US(NOW))};
    struct job_move move = {.id = JOB,
                            .from = from,
                            .to = "done",
                            .attempts = -1,
                            .finished_us = US(NOW),
                            .report = bytes_of("{}", 2),
                            .error_code = "ok",
                            .deliveries = rows,
                            .ndeliveries = COUNT_OF(rows)};

    rows[0].job = rows[1].job = JOB;
    return ANSWER(records_move_job(r->db, &move, latch_done, &l, NULL));
}

static size_t deliveries(struct rig *r)
{
    struct delivery_row *rows;
    size_t n;

    CHECK(records_list_deliveries(r->db, r->a, "acme", NULL, 100, &rows, &n, NULL) == 0);
    return n;
}

static const char *job_state(struct rig *r)
{
    const char *state = "?";

    records_job_state(r->db, r->a, JOB, &state, NULL);
    return state;
}

static void end_and_deliveries_are_one(void)
{
    struct rig r = rig_up();

    add_job(&r, JOB);
    CHECK_INT(finish(&r, "new", "msg_1", "msg_2"), ERR_CONFLICT); /* not in that state */
    CHECK_INT((long long)deliveries(&r), 0);
    CHECK_INT(finish(&r, "claimed", "msg_1", "msg_1"), ERR_CONFLICT); /* the second cannot be stored */
    CHECK_INT((long long)deliveries(&r), 0);
    CHECK_STR(job_state(&r), "claimed");
    CHECK_INT(finish(&r, "claimed", "msg_1", "msg_2"), ERR_NONE);
    CHECK_INT((long long)deliveries(&r), 2);
    CHECK_STR(job_state(&r), "done");
    rig_down(&r);
}

static void failures_stay_alone(void)
{
    struct rig r = rig_up();
    struct latch all = LATCH;
    struct delivery_row fine = delivery("msg_fine", "a:443", 0), twice = delivery("msg_twice", "a:443", 0);
    struct delivery_try t = {.id = "msg_nobody", .at_us = US(NOW), .state = "due"};

    for (int i = 0; i < 3; i++) { /* the second and the third one exist already */
        CHECK(records_add_delivery(r.db, &twice, latch_done, &all, NULL) == 0);
        CHECK(records_log_try(r.db, &t, latch_done, &all, NULL) == 0);
    }
    CHECK(records_add_delivery(r.db, &fine, latch_done, &all, NULL) == 0);
    CHECK(latch_wait(&all, 7, 20));
    CHECK_INT(all.failures, 5);
    CHECK_INT((long long)deliveries(&r), 2);
    rig_down(&r);
}

static void tries_are_logged(void)
{
    struct rig r = rig_up();
    struct delivery_try t = {
        .id = "msg_1", .at_us = US(NOW), .ms = 5, .error = "refused", .state = "due", .next_us = US(NOW + 5)};
    struct delivery_try *tries;
    struct delivery_row got;
    size_t n;

    CHECK_INT(add_delivery(&r, "msg_1", "a:443", US(NOW)), ERR_NONE);
    CHECK_INT(ANSWER(records_log_try(r.db, &t, latch_done, &l, NULL)), ERR_NONE);
    CHECK(records_get_delivery(r.db, r.a, "msg_1", &got, NULL) == 0);
    CHECK_STR(got.state, "due");
    CHECK_INT(got.attempts, 1);
    CHECK_INT(got.next_us, US(NOW + 5));
    CHECK_INT(got.finished_us, 0);
    t.status = 500;
    t.error = NULL;
    t.state = "dead";
    CHECK_INT(ANSWER(records_log_try(r.db, &t, latch_done, &l, NULL)), ERR_NONE);
    CHECK(records_get_delivery(r.db, r.a, "msg_1", &got, NULL) == 0);
    CHECK_STR(got.state, "dead");
    CHECK_INT(got.finished_us, US(NOW) + 5000);
    CHECK(got.body.len == 7 && memcmp(got.body.data, "{\"a\":1}", 7) == 0);
    CHECK(records_tries(r.db, r.a, "msg_1", &tries, &n, NULL) == 0);
    CHECK_INT((long long)n, 2);
    CHECK_STR(tries[0].error, "refused");
    CHECK_INT(tries[1].status, 500);
    CHECK_INT(ANSWER(records_resend(r.db, "msg_1", US(NOW + 9), latch_done, &l, NULL)), ERR_NONE);
    CHECK_INT(ANSWER(records_resend(r.db, "msg_2", US(NOW + 9), latch_done, &l, NULL)), ERR_NOT_FOUND);
    CHECK(records_get_delivery(r.db, r.a, "msg_1", &got, NULL) == 0);
    CHECK_STR(got.state, "due");
    CHECK_INT(got.attempts, 0);
    CHECK_INT(got.next_us, US(NOW + 9));
    CHECK_INT(records_get_delivery(r.db, r.a, "msg_2", &got, NULL), -1);
    rig_down(&r);
}

static void due_ones_are_found_by_receiver(void)
{
    struct rig r = rig_up();
    struct due_site *sites;
    struct delivery_row *rows;
    size_t n;

    CHECK(records_due_sites(r.db, r.a, &sites, &n, NULL) == 0 && n == 0);
    CHECK_INT(add_delivery(&r, "msg_1", "slow:443", US(NOW + 3)), ERR_NONE);
    CHECK_INT(add_delivery(&r, "msg_2", "slow:443", US(NOW + 1)), ERR_NONE);
    CHECK_INT(add_delivery(&r, "msg_3", "fast:443", US(NOW + 2)), ERR_NONE);
    CHECK_INT(add_delivery(&r, "msg_4", "later:443", US(NOW + 99)), ERR_NONE);
    CHECK(records_due_sites(r.db, r.a, &sites, &n, NULL) == 0);
    CHECK_INT((long long)n, 3);
    CHECK_STR(sites[0].site, "slow:443");
    CHECK_INT(sites[0].next_us, US(NOW + 1));
    CHECK_STR(sites[1].site, "fast:443");
    CHECK_STR(sites[2].site, "later:443");
    CHECK(records_due(r.db, r.a, "slow:443", US(NOW + 3), 5, &rows, &n, NULL) == 0);
    CHECK_INT((long long)n, 2);
    CHECK_STR(rows[0].id, "msg_2");
    CHECK_INT((long long)rows[0].body.len, 7);
    CHECK(records_due(r.db, r.a, "slow:443", US(NOW + 3), 1, &rows, &n, NULL) == 0 && n == 1);
    CHECK(records_due(r.db, r.a, "slow:443", US(NOW + 2), 5, &rows, &n, NULL) == 0 && n == 1);
    CHECK(records_due(r.db, r.a, "later:443", US(NOW + 3), 5, &rows, &n, NULL) == 0 && n == 0);
    rig_down(&r);
}

static void the_dead_are_listed(void)
{
    struct rig r = rig_up();
    struct delivery_try t = {.id = "msg_1", .at_us = US(NOW), .state = "dead"};
    struct delivery_row *rows;
    size_t n;

    CHECK_INT(add_delivery(&r, "msg_1", "a:443", US(NOW)), ERR_NONE);
    CHECK_INT(add_delivery(&r, "msg_2", "a:443", US(NOW)), ERR_NONE);
    CHECK_INT(ANSWER(records_log_try(r.db, &t, latch_done, &l, NULL)), ERR_NONE);
    CHECK(records_list_deliveries(r.db, r.a, NULL, "dead", 10, &rows, &n, NULL) == 0 && n == 1);
    CHECK_STR(rows[0].id, "msg_1");
    CHECK(records_list_deliveries(r.db, r.a, NULL, NULL, 1, &rows, &n, NULL) == 0 && n == 1);
    CHECK_STR(rows[0].id, "msg_2");
    CHECK(records_list_deliveries(r.db, r.a, "globex", NULL, 10, &rows, &n, NULL) == 0 && n == 0);
    rig_down(&r);
}

/* What a job leaves when it goes: nothing. */
static void deliveries_go_with_their_job(void)
{
    struct rig r = rig_up();
    struct delivery_try t = {.id = "msg_1", .at_us = US(NOW), .state = "due"};
    CLEANUP(freep) char *path = NULL;
    sqlite3 *other;

    add_job(&r, JOB);
    CHECK_INT(finish(&r, "claimed", "msg_1", "msg_2"), ERR_NONE);
    CHECK_INT(ANSWER(records_log_try(r.db, &t, latch_done, &l, NULL)), ERR_NONE);
    if (asprintf(&path, "%s/assay.db", r.dir.path) < 0 || sqlite3_open(path, &other) != SQLITE_OK)
        abort();
    CHECK(sqlite3_exec(other, "PRAGMA foreign_keys=ON; DELETE FROM jobs", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(other);
    CHECK_INT((long long)deliveries(&r), 0);
    rig_down(&r);
}

/* Secrets are in there. */
static void nobody_else_reads_the_database(void)
{
    static const char *const names[] = {"assay.db", "assay.db-wal", "assay.db-shm"};
    mode_t old = umask(0);
    struct rig r = rig_up();
    struct stat st;

    CHECK_INT(add_delivery(&r, "msg_1", "a:443", US(NOW)), ERR_NONE);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        CHECK(stat(arena_printf(r.a, "%s/%s", r.dir.path, names[i]), &st) == 0);
        CHECK_INT(st.st_mode & 0777, 0600);
        ROW("%s", names[i]);
    }
    records_freep(&r.db);
    CHECK(chmod(arena_printf(r.a, "%s/assay.db", r.dir.path), 0644) == 0); /* as older versions left it */
    CHECK(records_open(&r.db, r.dir.path, NULL) == 0);
    CHECK(stat(arena_printf(r.a, "%s/assay.db", r.dir.path), &st) == 0 && (st.st_mode & 0777) == 0600);
    umask(old);
    rig_down(&r);
}

int main(void)
{
    RUN(hooks_come_back);
    RUN(a_tenant_has_so_many_hooks);
    RUN(end_and_deliveries_are_one);
    RUN(failures_stay_alone);
    RUN(tries_are_logged);
    RUN(due_ones_are_found_by_receiver);
    RUN(the_dead_are_listed);
    RUN(deliveries_go_with_their_job);
    RUN(nobody_else_reads_the_database);
    return test_end();
}
