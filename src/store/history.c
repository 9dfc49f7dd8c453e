#include "store/history.h"

#include "base/cleanup.h"
#include "store/records_int.h"

int records_history(struct records *db, struct arena *a, const struct history_query *query,
                    struct history_job **ret_jobs, size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "SELECT seq, id FROM jobs WHERE state IN ('done','failed','timed_out')"
        " AND tenant = coalesce(?, tenant) AND created_us >= ? AND seq < coalesce(?, seq + 1)"
        " ORDER BY seq DESC LIMIT ?";
    CLEANUP(reading_end) struct reading r = {0};
    struct history_job *jobs = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, query->tenant);
    bind_int(&r.q, query->since_us);
    bind_int_unless(&r.q, query->before, 0);
    bind_int(&r.q, (int64_t)query->max);
    while ((got = query_next(&r.q, err)) > 0) {
        struct history_job *job = &ARENA_PUSH(a, jobs, n, cap);
        job->seq = column_int(&r.q);
        column_copy(&r.q, job->id, sizeof job->id);
    }
    if (got < 0)
        return -1;
    *ret_jobs = jobs;
    *ret_n = n;
    return 0;
}

int records_history_size(struct records *db, const struct history_query *query, struct history_size *ret,
                         struct err *err)
{
    static const char sql[] =
        "SELECT count(*) FILTER (WHERE state IN ('done','failed','timed_out')), count(*)"
        " FROM jobs WHERE tenant = coalesce(?, tenant) AND created_us >= ?";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, query->tenant);
    bind_int(&r.q, query->since_us);
    if (query_next(&r.q, err) <= 0)
        return -1;
    ret->ended = column_int(&r.q);
    ret->others = column_int(&r.q) - ret->ended;
    return 0;
}

int records_judged(struct records *db, struct arena *a, const struct judged_query *query,
                   struct judged_job **ret_jobs, size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "SELECT id, spec, report FROM jobs WHERE sha256 = ? AND tenant = ? AND dialect = ?"
        " AND state = 'done' ORDER BY seq DESC LIMIT ?";
    CLEANUP(reading_end) struct reading r = {0};
    struct judged_job *jobs = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, query->sha256);
    bind_text(&r.q, query->tenant);
    bind_text(&r.q, query->dialect);
    bind_int(&r.q, (int64_t)query->max);
    while ((got = query_next(&r.q, err)) > 0) {
        struct judged_job *job = &ARENA_PUSH(a, jobs, n, cap);
        column_copy(&r.q, job->id, sizeof job->id);
        job->spec = column_bytes(&r.q, a);
        job->report = column_bytes(&r.q, a);
    }
    if (got < 0)
        return -1;
    *ret_jobs = jobs;
    *ret_n = n;
    return 0;
}

int records_job_labels(struct records *db, struct arena *a, const char *job, struct label_row **ret_rows,
                       size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "SELECT id, tenant, job, labels, comment, created_us FROM labels WHERE job = ? ORDER BY seq DESC";
    CLEANUP(reading_end) struct reading r = {0};
    struct label_row *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, job);
    while ((got = query_next(&r.q, err)) > 0) {
        struct label_row *row = &ARENA_PUSH(a, rows, n, cap);
        column_copy(&r.q, row->id, sizeof row->id);
        row->tenant = column_text(&r.q, a);
        row->job = column_text(&r.q, a);
        row->labels = column_bytes(&r.q, a);
        row->comment = column_text(&r.q, a);
        row->created_us = column_int(&r.q);
    }
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}
