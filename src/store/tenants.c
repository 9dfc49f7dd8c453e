#include "store/tenants.h"

#include <inttypes.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/records_int.h"

static const int64_t day_us = 86400LL * 1000000;

struct usage_calendar usage_calendar(int64_t wall_us)
{
    time_t now = (time_t)(wall_us / 1000000), first, next;
    struct tm t;

    gmtime_r(&now, &t);
    t = (struct tm){.tm_year = t.tm_year, .tm_mon = t.tm_mon, .tm_mday = 1};
    first = timegm(&t);
    t = (struct tm){.tm_year = t.tm_year, .tm_mon = t.tm_mon + 1, .tm_mday = 1};
    next = timegm(&t);
    return (struct usage_calendar){
        .day = wall_us / day_us,
        .month_first = first / 86400,
        .next_day_us = (wall_us / day_us + 1) * day_us,
        .next_month_us = (int64_t)next * 1000000,
    };
}

/* ---- quotas ---- */

struct quota_change {
    const char *tenant, *who, *detail;
    struct quota quota;
};

static int upsert(struct conn *c, const struct quota_change *in, struct err *err)
{
    static const char sql[] =
        "INSERT INTO tenants (name, requests_day, requests_month, bytes_day, bytes_month, jobs)"
        " VALUES (?1, max(?2, 0), max(?3, 0), max(?4, 0), max(?5, 0), max(?6, 0))"
        " ON CONFLICT (name) DO UPDATE SET"
        " requests_day = iif(?2 < 0, requests_day, ?2), requests_month = iif(?3 < 0, requests_month, ?3),"
        " bytes_day = iif(?4 < 0, bytes_day, ?4), bytes_month = iif(?5 < 0, bytes_month, ?5),"
        " jobs = iif(?6 < 0, jobs, ?6)";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->tenant);
    bind_int(&q, in->quota.requests_day);
    bind_int(&q, in->quota.requests_month);
    bind_int(&q, in->quota.bytes_day);
    bind_int(&q, in->quota.bytes_month);
    bind_int(&q, in->quota.jobs);
    return query_run(&q, err);
}

static int set_and_say(struct conn *c, const void *args, struct err *err)
{
    const struct quota_change *in = args;
    struct audit_line line = {
        .who = in->who, .tenant = in->tenant, .object = in->tenant, .detail = in->detail};

    return upsert(c, in, err) < 0 || audit_insert(c, AUDIT_TENANT_SET, &line, err) < 0 ? -1 : 0;
}

static int run_set(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, set_and_say, args, err);
}

static const struct intent_kind set_quota = {"set quota", false, run_set};

/* What changes, for the audit: "requests/day 100 jobs 5". */
static const char *describe(struct arena *a, const struct quota *quota)
{
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {
        {"requests/day", quota->requests_day},
        {"requests/month", quota->requests_month},
        {"bytes/day", quota->bytes_day},
        {"bytes/month", quota->bytes_month},
        {"jobs", quota->jobs},
    };
    const char *text = "";

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].value >= 0)
            text = arena_printf(a, "%s%s%s %" PRId64, text, *text ? ", " : "", rows[i].name, rows[i].value);
    return text;
}

int records_set_quota(struct records *db, const char *tenant, const struct quota *quota, records_done *done,
                      void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct quota_change *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct quota_change){arena_strdup(a, tenant), db->who, describe(a, quota), *quota};
    return intent_push_take(db, &set_quota, a, copy, (struct answer){done, arg}, err);
}

static struct quota read_quota(struct query *q)
{
    struct quota quota;

    quota.requests_day = column_int(q);
    quota.requests_month = column_int(q);
    quota.bytes_day = column_int(q);
    quota.bytes_month = column_int(q);
    quota.jobs = column_int(q);
    return quota;
}

int records_get_quota(struct records *db, const char *tenant, struct quota *ret, struct err *err)
{
    static const char sql[] =
        "SELECT requests_day, requests_month, bytes_day, bytes_month, jobs FROM tenants WHERE name = ?";
    CLEANUP(reading_end) struct reading r = {0};
    int got = reading_of(&r, db, sql, tenant, err);

    if (got < 0)
        return -1;
    *ret = got ? read_quota(&r.q) : (struct quota){0};
    return 0;
}

/* ---- usage ---- */

int records_get_usage(struct records *db, const char *tenant, int64_t from_day, int64_t to_day,
                      struct usage *ret, struct err *err)
{
    static const char sql[] = "SELECT coalesce(sum(requests), 0), coalesce(sum(bytes), 0) FROM usage"
                              " WHERE tenant = ? AND day BETWEEN ? AND ?";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    bind_int(&r.q, from_day);
    bind_int(&r.q, to_day);
    if (query_next(&r.q, err) <= 0)
        return -1;
    ret->requests = column_int(&r.q);
    ret->bytes = column_int(&r.q);
    return 0;
}

static int usage_add(struct conn *c, const struct usage_row *row, struct err *err)
{
    static const char sql[] =
        "INSERT INTO usage (tenant, day, requests, bytes) VALUES (?,?,?,?) ON CONFLICT (tenant, day)"
        " DO UPDATE SET requests = requests + excluded.requests, bytes = bytes + excluded.bytes";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, row->tenant);
    bind_int(&q, row->day);
    bind_int(&q, row->more.requests);
    bind_int(&q, row->more.bytes);
    return query_run(&q, err);
}

static int add_all(struct conn *c, const void *args, struct err *err)
{
    const struct usage_batch *batch = args;

    for (size_t i = 0; i < batch->n; i++)
        if (usage_add(c, &batch->rows[i], err) < 0)
            return -1;
    return 0;
}

int usage_write(struct conn *c, const struct usage_batch *batch, struct err *err)
{
    return run_whole(c, add_all, batch, err);
}

static int run_forget(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "DELETE FROM usage WHERE day < ?";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, *(const int64_t *)args);
    return query_run(&q, err);
}

static const struct intent_kind forget_usage = {"forget usage", false, run_forget};

int records_forget_usage(struct records *db, int64_t before_day, records_done *done, void *arg,
                         struct err *err)
{
    struct arena *a = arena_new();
    int64_t *copy = arena_alloc(a, sizeof *copy);

    *copy = before_day;
    return intent_push_take(db, &forget_usage, a, copy, (struct answer){done, arg}, err);
}

void records_set_meter(struct records *db, const struct meter *meter)
{
    pthread_mutex_lock(&db->lock);
    db->meter = *meter;
    pthread_mutex_unlock(&db->lock);
}

/* ---- the list ---- */

static void read_row(struct query *q, struct arena *a, struct tenant_row *row)
{
    row->name = column_text(q, a);
    row->quota = read_quota(q);
    row->today.requests = column_int(q);
    row->today.bytes = column_int(q);
    row->month.requests = column_int(q);
    row->month.bytes = column_int(q);
    row->jobs = column_int(q);
    row->keys = column_int(q);
}

int records_list_tenants(struct records *db, struct arena *a, const struct tenant_query *query,
                         struct tenant_row **ret_rows, size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "WITH names (name) AS (SELECT name FROM tenants UNION SELECT tenant FROM keys UNION"
        " SELECT tenant FROM usage),"
        " used AS (SELECT tenant, sum(iif(day = ?2, requests, 0)) AS rd, sum(iif(day = ?2, bytes, 0)) AS bd,"
        " sum(requests) AS rm, sum(bytes) AS bm FROM usage WHERE day BETWEEN ?3 AND ?2 GROUP BY tenant),"
        " open AS (SELECT tenant, count(*) AS n FROM jobs WHERE state IN ('new','claimed') GROUP BY tenant),"
        " good AS (SELECT tenant, count(*) AS n FROM keys WHERE revoked_us = 0"
        " AND (expires_us = 0 OR expires_us > ?4) GROUP BY tenant)"
        " SELECT names.name, coalesce(requests_day, 0), coalesce(requests_month, 0), coalesce(bytes_day, 0),"
        " coalesce(bytes_month, 0), coalesce(tenants.jobs, 0), coalesce(rd, 0), coalesce(bd, 0),"
        " coalesce(rm, 0), coalesce(bm, 0), coalesce(open.n, 0), coalesce(good.n, 0)"
        " FROM names LEFT JOIN tenants ON tenants.name = names.name LEFT JOIN used ON used.tenant = "
        "names.name"
        " LEFT JOIN open ON open.tenant = names.name LEFT JOIN good ON good.tenant = names.name"
        " WHERE ?1 IS NULL OR names.name = ?1 ORDER BY names.name";
    CLEANUP(reading_end) struct reading r = {0};
    struct usage_calendar today = usage_calendar(query->now_us);
    struct tenant_row *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, query->tenant);
    bind_int(&r.q, today.day);
    bind_int(&r.q, today.month_first);
    bind_int(&r.q, query->now_us);
    while ((got = query_next(&r.q, err)) > 0)
        read_row(&r.q, a, &ARENA_PUSH(a, rows, n, cap));
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}
