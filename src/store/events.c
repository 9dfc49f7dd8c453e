#include "store/events.h"

#include "base/cleanup.h"
#include "store/records_int.h"

static void read_event(struct query *q, struct arena *a, struct event *e)
{
    e->at_us = column_int(q);
    e->what = column_text(q, a);
    e->detail = column_text(q, a);
}

int records_events(struct records *db, struct arena *a, const char *job, struct event **ret_events,
                   size_t *ret_n, struct err *err)
{
    static const char sql[] = "SELECT at_us, what, detail FROM events WHERE job = ? ORDER BY seq";
    CLEANUP(reading_end) struct reading r = {0};
    struct event *events = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, job);
    while ((got = query_next(&r.q, err)) > 0)
        read_event(&r.q, a, &ARENA_PUSH(a, events, n, cap));
    if (got < 0)
        return -1;
    *ret_events = events;
    *ret_n = n;
    return 0;
}

static void read_brief(struct query *q, struct arena *a, struct job_brief *job)
{
    column_copy(q, job->id, sizeof job->id);
    job->tenant = column_text(q, a);
    job->dialect = column_text(q, a);
    job->state = column_text(q, a);
    job->name = column_text(q, a);
    job->error_code = column_text(q, a);
    job->created_us = column_int(q);
    job->size = column_int(q);
}

int records_list_jobs(struct records *db, struct arena *a, const struct job_query *query,
                      struct job_brief **ret_jobs, size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "SELECT id, tenant, dialect, state, name, error_code, created_us, size FROM jobs"
        " WHERE tenant = coalesce(?, tenant) AND state = coalesce(?, state)"
        " ORDER BY seq DESC LIMIT ?";
    CLEANUP(reading_end) struct reading r = {0};
    struct job_brief *jobs = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, query->tenant);
    bind_text(&r.q, query->state);
    bind_int(&r.q, query->limit);
    while ((got = query_next(&r.q, err)) > 0)
        read_brief(&r.q, a, &ARENA_PUSH(a, jobs, n, cap));
    if (got < 0)
        return -1;
    *ret_jobs = jobs;
    *ret_n = n;
    return 0;
}
