/* Quotas and usage in the records, and the meter: usage goes with the commits of others. */
#include "store/tenants.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

#define ID_A "000000000000000000000001"

static void quotas_are_kept_and_changed_one_by_one(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct quota q = {9, 9, 9, 9, 9};

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_get_quota(db, "acme", &q, NULL) == 0);
    CHECK_INT(q.requests_day + q.requests_month + q.bytes_day + q.bytes_month + q.jobs, 0);
    CHECK(records_set_quota(db, "acme", &(struct quota){1, 2, 3, 4, 5}, NULL, NULL, NULL) == 0);
    CHECK(records_set_quota(db, "acme", &(struct quota){-1, -1, 0, 44, -1}, NULL, NULL, NULL) == 0);
    CHECK(records_set_quota(db, "new", &(struct quota){-1, -1, -1, 7, -1}, NULL, NULL, NULL) == 0);
    records_sync(db);
    CHECK(records_get_quota(db, "acme", &q, NULL) == 0);
    CHECK(q.requests_day == 1 && q.requests_month == 2 && q.bytes_day == 0 && q.bytes_month == 44 &&
          q.jobs == 5);
    CHECK(records_get_quota(db, "new", &q, NULL) == 0);
    CHECK(q.requests_day == 0 && q.requests_month == 0 && q.bytes_day == 0 && q.bytes_month == 7 &&
          q.jobs == 0);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void the_calendar_is_that_of_utc(void)
{
    static const struct {
        const char *now, *next_day, *next_month, *month_first;
    } rows[] = {
        {"2026-11-21T16:40:00.000Z", "2026-11-22T00:00:00.000Z", "2026-12-01T00:00:00.000Z",
         "2026-11-01T00:00:00.000Z"},
        {"2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z",
         "2026-12-01T00:00:00.000Z"},
        {"2028-02-29T00:00:00.000Z", "2028-03-01T00:00:00.000Z", "2028-03-01T00:00:00.000Z",
         "2028-02-01T00:00:00.000Z"},
        {"2027-02-28T12:00:00.000Z", "2027-03-01T00:00:00.000Z", "2027-03-01T00:00:00.000Z",
         "2027-02-01T00:00:00.000Z"},
    };
    char text[CLOCK_TEXT];

    setenv("TZ", "America/Anchorage", 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t now = 0;
        struct usage_calendar c;
        CHECK(clock_parse_rfc3339(rows[i].now, &now));
        c = usage_calendar(now);
        CHECK_STR(clock_rfc3339(text, c.next_day_us), rows[i].next_day);
        CHECK_STR(clock_rfc3339(text, c.next_month_us), rows[i].next_month);
        CHECK_STR(clock_rfc3339(text, c.month_first * 86400000000LL), rows[i].month_first);
        CHECK_INT(c.day + 1, c.next_day_us / 86400000000LL);
        ROW("%s", rows[i].now);
    }
}

/* ---- the meter ---- */

struct fake_meter {
    atomic_int requests, in_flight, takes, day;
};

static void take(void *arg, struct arena *a, struct usage_batch *ret)
{
    struct fake_meter *m = arg;
    int n = atomic_exchange(&m->requests, 0);

    atomic_fetch_add(&m->takes, 1);
    atomic_store(&m->in_flight, n);
    if (!n)
        return;
    ret->rows = arena_array(a, 1, sizeof *ret->rows);
    ret->rows[0] = (struct usage_row){"acme", atomic_load(&m->day), {n, 10 * n}};
    ret->n = 1;
}

static void taken(void *arg, bool kept)
{
    struct fake_meter *m = arg;
    int n = atomic_exchange(&m->in_flight, 0);

    if (!kept)
        atomic_fetch_add(&m->requests, n);
}

static int64_t requests_of(struct records *db, int64_t from, int64_t to)
{
    struct usage u = {-1, -1};

    CHECK(records_get_usage(db, "acme", from, to, &u, NULL) == 0);
    CHECK_INT(u.bytes, 10 * u.requests);
    return u.requests;
}

static void any_change(struct records *db)
{
    records_add_custom_label(db, "acme", "x", NULL, NULL, NULL, NULL);
    records_sync(db);
}

static void usage_rides_with_any_change(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct fake_meter m = {.day = 100};

    CHECK(records_open(&db, dir.path, NULL) == 0);
    records_set_meter(db, &(struct meter){take, taken, &m});
    atomic_store(&m.requests, 3);
    CHECK_INT(requests_of(db, 0, 200), 0);
    any_change(db);
    CHECK_INT(requests_of(db, 100, 100), 3);
    any_change(db); /* nothing new: nothing twice */
    CHECK_INT(requests_of(db, 100, 100), 3);
    atomic_store(&m.day, 101);
    atomic_store(&m.requests, 4);
    any_change(db);
    CHECK_INT(requests_of(db, 100, 101), 7);
    CHECK_INT(requests_of(db, 101, 101), 4);
    records_forget_usage(db, 101, NULL, NULL, NULL);
    records_sync(db);
    CHECK_INT(requests_of(db, 0, 200), 4);
    atomic_store(&m.requests, 5); /* and at the end, without any */
    records_freep(&db);
    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(requests_of(db, 0, 200), 9);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void usage_is_written_without_changes_too(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct fake_meter m = {.day = 100};
    int64_t deadline = clock_mono_us() + 30000000;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    records_set_meter(db, &(struct meter){take, taken, &m});
    atomic_store(&m.requests, 3);
    while (requests_of(db, 0, 200) == 0 && clock_mono_us() < deadline)
        usleep(50000);
    CHECK_INT(requests_of(db, 0, 200), 3);
    CHECK(atomic_load(&m.takes) <= 3); /* it waits for its time, it does not spin */
    records_freep(&db);
    tempdir_clear(&dir);
}

static void the_list_has_them_all(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    int64_t now = 1795305600LL * 1000000; /* 2026-11-22 */
    struct fake_meter m = {.day = (int)usage_calendar(now).day, .requests = 2};
    struct key_row key = {.id = ID_A, .tenant = "beta", .scopes = "read", .note = "", .created_us = 1};
    struct job_row job = {.id = ID_A,
                          .tenant = "acme",
                          .dialect = "alarm",
                          .state = "new",
                          .sha256 = "00",
                          .spec = bytes_of("{}", 2)};
    struct tenant_row *rows = NULL;
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    records_set_meter(db, &(struct meter){take, taken, &m});
    records_set_quota(db, "acme", &(struct quota){1, -1, -1, -1, 5}, NULL, NULL, NULL);
    records_add_key(db, &key, NULL, NULL, NULL);
    records_add_job(db, &job, NULL, NULL, NULL);
    records_sync(db);
    atomic_store(&m.day, (int)usage_calendar(now).month_first);
    atomic_store(&m.requests, 5);
    any_change(db);
    atomic_store(&m.day, (int)usage_calendar(now).month_first - 1); /* not of this month */
    atomic_store(&m.requests, 100);
    any_change(db);
    CHECK(records_list_tenants(db, a, &(struct tenant_query){NULL, now}, &rows, &n, NULL) == 0);
    CHECK_INT(n, 2);
    if (n == 2) {
        CHECK_STR(rows[0].name, "acme");
        CHECK_INT(rows[0].quota.requests_day, 1);
        CHECK_INT(rows[0].quota.jobs, 5);
        CHECK_INT(rows[0].today.requests, 2);
        CHECK_INT(rows[0].month.requests, 7);
        CHECK_INT(rows[0].month.bytes, 70);
        CHECK_INT(rows[0].jobs, 1);
        CHECK_INT(rows[0].keys, 0);
        CHECK_STR(rows[1].name, "beta");
        CHECK_INT(rows[1].keys, 1);
        CHECK_INT(rows[1].jobs + rows[1].month.requests + rows[1].quota.jobs, 0);
    }
    CHECK(records_list_tenants(db, a, &(struct tenant_query){"beta", now}, &rows, &n, NULL) == 0);
    CHECK_INT(n, 1);
    CHECK(records_list_tenants(db, a, &(struct tenant_query){"nobody", now}, &rows, &n, NULL) == 0);
    CHECK_INT(n, 0);
    records_freep(&db);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(quotas_are_kept_and_changed_one_by_one);
    RUN(the_calendar_is_that_of_utc);
    RUN(usage_rides_with_any_change);
    RUN(usage_is_written_without_changes_too);
    RUN(the_list_has_them_all);
    return test_end();
}
