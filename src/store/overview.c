#include "store/overview.h"

#include "base/cleanup.h"
#include "store/records_int.h"

/* Rows of tenant, state, number and oldest. The statement is bound. */
static int read_heaps(struct query *q, struct arena *a, struct job_heap **ret, size_t *ret_n, struct err *err)
{
    struct job_heap *heaps = NULL;
    size_t n = 0, cap = 0;
    int got;

    while ((got = query_next(q, err)) > 0) {
        struct job_heap *h = &ARENA_PUSH(a, heaps, n, cap);
        h->tenant = column_text(q, a);
        h->state = column_text(q, a);
        h->jobs = column_int(q);
        h->oldest_us = column_int(q);
    }
    if (got < 0)
        return -1;
    *ret = heaps;
    *ret_n = n;
    return 0;
}

int records_unfinished_heaps(struct records *db, struct arena *a, struct job_heap **ret, size_t *ret_n,
                             struct err *err)
{
    static const char sql[] = "SELECT tenant, state, count(*), min(created_us) FROM jobs"
                              " WHERE state IN ('new','claimed') GROUP BY tenant, state ORDER BY 1, 2";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    return read_heaps(&r.q, a, ret, ret_n, err);
}

int records_finished_heaps(struct records *db, struct arena *a, int64_t since_us, struct job_heap **ret,
                           size_t *ret_n, struct err *err)
{
    /* "> 0" as in the index of the finished ones. */
    static const char sql[] =
        "SELECT tenant, state, count(*), min(created_us) FROM jobs"
        " WHERE finished_us > 0 AND finished_us >= ? GROUP BY tenant, state ORDER BY 1, 2";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, since_us);
    return read_heaps(&r.q, a, ret, ret_n, err);
}

static void read_failure(struct query *q, struct arena *a, struct failure *f)
{
    column_copy(q, f->id, sizeof f->id);
    f->tenant = column_text(q, a);
    f->state = column_text(q, a);
    f->error_code = column_text(q, a);
    f->error_text = column_text(q, a);
    f->finished_us = column_int(q);
}

int records_failures(struct records *db, struct arena *a, int64_t since_us, size_t max, struct failure **ret,
                     size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "SELECT id, tenant, state, error_code, error_text, finished_us FROM jobs"
        " WHERE finished_us > 0 AND finished_us >= ? AND state IN ('failed','timed_out')"
        " ORDER BY finished_us DESC LIMIT ?";
    CLEANUP(reading_end) struct reading r = {0};
    struct failure *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, since_us);
    bind_int(&r.q, (int64_t)max);
    while ((got = query_next(&r.q, err)) > 0)
        read_failure(&r.q, a, &ARENA_PUSH(a, rows, n, cap));
    if (got < 0)
        return -1;
    *ret = rows;
    *ret_n = n;
    return 0;
}

int records_delivery_totals(struct records *db, struct delivery_totals *ret, struct err *err)
{
    static const char sql[] = "SELECT (SELECT count(*) FROM deliveries WHERE state = 'due'),"
                              " (SELECT count(*) FROM deliveries WHERE state = 'dead'),"
                              " (SELECT coalesce(min(next_us), 0) FROM deliveries WHERE state = 'due')";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0 || query_next(&r.q, err) < 0)
        return -1;
    ret->due = column_int(&r.q);
    ret->dead = column_int(&r.q);
    ret->first_due_us = column_int(&r.q);
    return 0;
}
