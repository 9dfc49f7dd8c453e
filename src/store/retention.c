#include "store/retention.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "store/hooks.h"
#include "store/records_int.h"

/* The sentence for a change which found no row: no such job of that tenant, or one in the wrong state. */
static int explain(struct conn *c, const char *tenant, const char *id, const char *wrong, struct err *err)
{
    static const char sql[] = "SELECT 1 FROM jobs WHERE id = ? AND tenant = coalesce(?, tenant)";
    CLEANUP(query_end) struct query q = {0};
    int got;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, id);
    bind_text(&q, tenant);
    got = query_next(&q, err);
    if (got < 0)
        return -1;
    return got ? FAIL(err, ERR_CONFLICT, "job %.24s %s", id, wrong)
               : FAIL(err, ERR_NOT_FOUND, "there is no job %.24s", id);
}

/* ---- cancelling ---- */

struct one_job {
    struct job_order order;
    struct job_farewell farewell; /* only of a cancelled one */
};

static int push_one(struct records *db, const struct intent_kind *kind, const struct one_job *args,
                    struct answer answer, struct err *err)
{
    struct arena *a = arena_new();
    struct one_job *copy = arena_alloc(a, sizeof *copy);
    const struct job_order *order = &args->order;

    *copy = (struct one_job){
        {arena_strdup(a, order->tenant), arena_strdup(a, order->id), arena_strdup(a, order->who)},
        args->farewell};
    copy->farewell.deliveries = deliveries_copy(a, args->farewell.deliveries, args->farewell.ndeliveries);
    if (!copy->order.who)
        copy->order.who = db->who;
    return intent_push_take(db, kind, a, copy, answer, err);
}

/* The statement returns the tenant of the job it has changed; `wrong` is why it found none. */
static int changed(struct query *q, enum audit_kind kind, const struct one_job *in, const char *wrong,
                   struct err *err)
{
    struct audit_line line = {.who = in->order.who, .object = in->order.id};
    char tenant[128];
    int got = query_next(q, err);

    if (got <= 0)
        return got < 0 ? -1 : explain(q->conn, in->order.tenant, in->order.id, wrong, err);
    column_copy(q, tenant, sizeof tenant);
    line.tenant = tenant;
    return audit_insert(q->conn, kind, &line, err);
}

/* NEW and CLAIMED go to CANCELLED, as drawn in job/state.c. */
static int cancel_and_say(struct conn *c, const struct one_job *in, struct err *err)
{
    static const char sql[] =
        "UPDATE jobs SET state = 'cancelled', finished_us = ?, error_code = 'cancelled',"
        " error_text = 'The job was cancelled.'"
        " WHERE id = ? AND tenant = coalesce(?, tenant) AND state IN ('new','claimed') RETURNING tenant";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->farewell.now_us);
    bind_text(&q, in->order.id);
    bind_text(&q, in->order.tenant);
    return changed(&q, AUDIT_JOB_CANCEL, in, "has ended already", err);
}

static int cancel_and_tell(struct conn *c, const void *args, struct err *err)
{
    const struct one_job *in = args;

    if (cancel_and_say(c, in, err) < 0)
        return -1;
    for (size_t i = 0; i < in->farewell.ndeliveries; i++)
        if (delivery_insert(c, &in->farewell.deliveries[i], err) < 0)
            return -1;
    return 0;
}

static int run_cancel(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, cancel_and_tell, args, err);
}

static const struct intent_kind cancel_job = {"cancel job", true, run_cancel};

int records_cancel_job(struct records *db, const struct job_order *order, int64_t now_us, records_done *done,
                       void *arg, struct err *err)
{
    return records_cancel_and_tell(db, order, &(struct job_farewell){.now_us = now_us}, done, arg, err);
}

int records_cancel_and_tell(struct records *db, const struct job_order *order,
                            const struct job_farewell *farewell, records_done *done, void *arg,
                            struct err *err)
{
    return push_one(db, &cancel_job, &(struct one_job){*order, *farewell}, (struct answer){done, arg}, err);
}

/* ---- deleting ---- */

static int delete_and_say(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "DELETE FROM jobs WHERE id = ? AND tenant = coalesce(?, tenant)"
                              " AND state NOT IN ('new','claimed') RETURNING tenant";
    CLEANUP(query_end) struct query q = {0};
    const struct one_job *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->order.id);
    bind_text(&q, in->order.tenant);
    return changed(&q, AUDIT_JOB_DELETE, in, "is not finished; it must be cancelled first", err);
}

static int run_delete(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, delete_and_say, args, err);
}

static const struct intent_kind delete_job = {"delete job", true, run_delete};

int records_delete_job(struct records *db, const struct job_order *order, records_done *done, void *arg,
                       struct err *err)
{
    return push_one(db, &delete_job, &(struct one_job){.order = *order}, (struct answer){done, arg}, err);
}

struct many_jobs {
    struct job_filter filter;
    size_t max, *ret_n;
    const char *who;
};

static int say_many(struct conn *c, const struct many_jobs *in, struct err *err)
{
    struct audit_line line = {.who = in->who, .tenant = in->filter.tenant};
    char before[CLOCK_TEXT], detail[96];

    if (in->filter.finished_before_us == INT64_MAX)
        snprintf(detail, sizeof detail, "%zu jobs", *in->ret_n);
    else
        snprintf(detail, sizeof detail, "%zu jobs that ended before %s", *in->ret_n,
                 clock_rfc3339(before, in->filter.finished_before_us));
    line.detail = detail;
    return audit_insert(c, AUDIT_JOBS_DELETE, &line, err);
}

#define THESE                                                                                          \
    "(SELECT seq FROM jobs WHERE finished_us > 0 AND finished_us < ? AND tenant = coalesce(?, tenant)" \
    " AND state NOT IN ('new','claimed') ORDER BY finished_us, seq LIMIT ?)"

static int run_on_these(struct query *q, const struct many_jobs *in, struct err *err)
{
    bind_int(q, in->filter.finished_before_us);
    bind_text(q, in->filter.tenant);
    bind_int(q, (int64_t)in->max);
    return query_run(q, err);
}

static int forget_expired(struct conn *c, int64_t now_us, struct err *err)
{
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, "DELETE FROM expired WHERE at_us < ?", err) < 0)
        return -1;
    bind_int(&q, now_us - EXPIRED_KEEP_DAYS * 86400LL * 1000000);
    return query_run(&q, err);
}

/* What clients know them by: their ids, and those of their runs. */
static const char remember_jobs[] = "INSERT OR REPLACE INTO expired (id, tenant, at_us)"
                                    " SELECT id, tenant, ? FROM jobs WHERE seq IN " THESE;
static const char remember_runs[] =
    "INSERT OR REPLACE INTO expired (id, tenant, at_us)"
    " SELECT id, tenant, ? FROM runs WHERE job IN (SELECT id FROM jobs WHERE seq IN " THESE ")";

static int remember_with(struct conn *c, const char *sql, int64_t now_us, const struct many_jobs *in,
                         struct err *err)
{
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, now_us);
    return run_on_these(&q, in, err);
}

static int remember(struct conn *c, const struct many_jobs *in, struct err *err)
{
    int64_t now_us = clock_wall_us();

    if (forget_expired(c, now_us, err) < 0 || remember_with(c, remember_jobs, now_us, in, err) < 0)
        return -1;
    return remember_with(c, remember_runs, now_us, in, err);
}

static int delete_many(struct conn *c, const void *args, struct err *err)
{
    CLEANUP(query_end) struct query q = {0};
    const struct many_jobs *in = args;

    if (in->filter.remember && remember(c, in, err) < 0)
        return -1;
    if (query_begin(&q, c, "DELETE FROM jobs WHERE seq IN " THESE, err) < 0 || run_on_these(&q, in, err) < 0)
        return -1;
    *in->ret_n = (size_t)query_changes(&q);
    return *in->ret_n ? say_many(c, in, err) : 0;
}

static int run_delete_many(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, delete_many, args, err);
}

static const struct intent_kind delete_jobs = {"delete jobs", false, run_delete_many};

int records_delete_jobs(struct records *db, const struct job_filter *filter, size_t max, size_t *ret_n,
                        records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct many_jobs *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct many_jobs){*filter, max, ret_n, db->who};
    copy->filter.tenant = arena_strdup(a, filter->tenant);
    return intent_push_take(db, &delete_jobs, a, copy, (struct answer){done, arg}, err);
}

/* The word stands in the statement, so that its own small index is used. */
static int run_drop_passing(struct conn *c, const void *args UNUSED, struct err *err)
{
    static const char sql[] = "DELETE FROM jobs WHERE dialect = '" PASSING_DIALECT "'";
    CLEANUP(query_end) struct query q = {0};

    return query_begin(&q, c, sql, err) < 0 ? -1 : query_run(&q, err);
}

static const struct intent_kind drop_passing = {"drop passing jobs", true, run_drop_passing};

int records_drop_passing(struct records *db, records_done *done, void *arg, struct err *err)
{
    return intent_push_take(db, &drop_passing, arena_new(), NULL, (struct answer){done, arg}, err);
}

int records_has_expired(struct records *db, const char *tenant, const char *id, bool *ret_expired,
                        struct err *err)
{
    CLEANUP(reading_end) struct reading r = {0};
    int got;

    if (reading_begin(&r, db, "SELECT 1 FROM expired WHERE id = ? AND tenant = ?", err) < 0)
        return -1;
    bind_text(&r.q, id);
    bind_text(&r.q, tenant);
    got = query_next(&r.q, err);
    *ret_expired = got > 0;
    return got < 0 ? -1 : 0;
}

/* ---- what is left ---- */

static void read_leftover(struct query *q, struct arena *a, struct leftover *row)
{
    row->seq = column_int(q);
    row->tenant = column_text(q, a);
    row->job = column_text(q, a);
    row->sha256 = column_text(q, a);
    row->artefact = column_text(q, a);
}

int records_leftovers(struct records *db, struct arena *a, size_t max, struct leftover **ret, size_t *ret_n,
                      struct err *err)
{
    static const char sql[] = "SELECT seq, tenant, job, sha256, artefact FROM deleted ORDER BY seq LIMIT ?";
    CLEANUP(reading_end) struct reading r = {0};
    struct leftover *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, (int64_t)max);
    while ((got = query_next(&r.q, err)) > 0)
        read_leftover(&r.q, a, &ARENA_PUSH(a, rows, n, cap));
    if (got < 0)
        return -1;
    *ret = rows;
    *ret_n = n;
    return 0;
}

static int run_drop(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "DELETE FROM deleted WHERE seq = ?";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, *(const int64_t *)args);
    return query_run(&q, err);
}

static const struct intent_kind drop_leftover = {"drop leftover", true, run_drop};

int records_drop_leftover(struct records *db, int64_t seq, records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();
    int64_t *copy = arena_alloc(a, sizeof *copy);

    *copy = seq;
    return intent_push_take(db, &drop_leftover, a, copy, (struct answer){done, arg}, err);
}

int records_blob_in_use(struct records *db, const char *sha256, bool *ret_in_use, struct err *err)
{
    static const char sql[] = "SELECT EXISTS (SELECT 1 FROM jobs WHERE sha256 = ?1)"
                              " OR EXISTS (SELECT 1 FROM jobs WHERE artefact = ?1 AND artefact IS NOT NULL)"
                              " OR EXISTS (SELECT 1 FROM samples WHERE sha256 = ?1)"
                              " OR EXISTS (SELECT 1 FROM samples WHERE numbers = ?1)"
                              " OR EXISTS (SELECT 1 FROM models WHERE sha256 = ?1 AND sha256 IS NOT NULL)";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, sha256);
    if (query_next(&r.q, err) <= 0)
        return -1;
    *ret_in_use = column_int(&r.q) != 0;
    return 0;
}
