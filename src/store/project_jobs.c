/* Jobs as their project knows them: by a number. */
#include "base/cleanup.h"
#include "store/impulses.h"
#include "store/records_int.h"

struct job_place place_copy(struct arena *a, const struct job_place *p)
{
    struct job_place copy = *p;

    copy.key = arena_strdup(a, p->key);
    copy.title = arena_strdup(a, p->title);
    copy.question = arena_strdup(a, p->question);
    copy.variant = arena_strdup(a, p->variant);
    copy.inputs = arena_strdup(a, p->inputs);
    return copy;
}

/* Part of adding a job, which is in the table already. */
int place_insert(struct conn *c, const struct job_row *job, struct err *err)
{
    static const char sql[] =
        "INSERT INTO project_jobs (job, project, key, title, question, impulse, block, variant, inputs,"
        " makes_model) VALUES (?,?,?,?,?,?,?,coalesce(?,''),coalesce(?,''),?)";
    const struct job_place *p = &job->place;
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, job->id);
    bind_int(&q, p->project);
    bind_text(&q, p->key);
    bind_text(&q, p->title);
    bind_text(&q, p->question);
    bind_int(&q, p->impulse);
    bind_int(&q, p->block);
    bind_text(&q, p->variant);
    bind_text(&q, p->inputs);
    bind_int(&q, p->makes_model);
    return query_run(&q, err);
}

#define JOB_COLUMNS                                                                                 \
    "SELECT p.number, p.project, p.job, p.key, p.title, p.question, p.impulse, p.block, p.variant," \
    " p.inputs, p.makes_model, j.tenant, j.state, j.error_text, j.created_us, j.started_us,"        \
    " j.finished_us, j.artefact FROM project_jobs p JOIN jobs j ON j.id = p.job"

static void read_job(struct query *q, struct arena *a, struct project_job *job)
{
    job->number = column_int(q);
    job->project = job->place.project = column_int(q);
    column_copy(q, job->id, sizeof job->id);
    job->place.key = column_text(q, a);
    job->place.title = column_text(q, a);
    job->place.question = column_text(q, a);
    job->place.impulse = column_int(q);
    job->place.block = column_int(q);
    job->place.variant = column_text(q, a);
    job->place.inputs = column_text(q, a);
    job->place.makes_model = column_int(q) != 0;
    job->tenant = column_text(q, a);
    job->state = column_text(q, a);
    job->error_text = column_text(q, a);
    job->created_us = column_int(q);
    job->started_us = column_int(q);
    job->finished_us = column_int(q);
    job->artefact = column_text(q, a);
}

static int read_one(struct reading *r, struct arena *a, struct project_job *ret, struct err *err)
{
    int got = query_next(&r->q, err);

    if (got < 0)
        return -1;
    if (!got)
        return FAIL(err, ERR_NOT_FOUND, "the project has no such job");
    read_job(&r->q, a, ret);
    return 0;
}

int records_project_job(struct records *db, struct arena *a, int64_t project, int64_t number,
                        struct project_job *ret, struct err *err)
{
    static const char sql[] = JOB_COLUMNS " WHERE p.number = ? AND p.project = ?";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, number);
    bind_int(&r.q, project);
    return read_one(&r, a, ret, err);
}

int records_number_of_job(struct records *db, const char *id, int64_t *ret_number, struct err *err)
{
    CLEANUP(reading_end) struct reading r = {0};
    int got = reading_of(&r, db, "SELECT number FROM project_jobs WHERE job = ?", id, err);

    if (got == 0)
        return FAIL(err, ERR_NOT_FOUND, "job %.24s is of no project", id);
    if (got > 0)
        *ret_number = column_int(&r.q);
    return got < 0 ? -1 : 0;
}

int records_find_project_job(struct records *db, struct arena *a, int64_t project, const char *key,
                             const char *question, struct project_job *ret, struct err *err)
{
    static const char by_question[] = JOB_COLUMNS " WHERE p.project = ? AND p.question = ?"
                                                  " AND p.key = coalesce(?, p.key)"
                                                  " ORDER BY p.number DESC LIMIT 1";
    static const char by_key[] = JOB_COLUMNS " WHERE p.project = ? AND p.key = coalesce(?, p.key)"
                                             " ORDER BY p.number DESC LIMIT 1";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, question ? by_question : by_key, err) < 0)
        return -1;
    bind_int(&r.q, project);
    if (question)
        bind_text(&r.q, question);
    bind_text(&r.q, key);
    return read_one(&r, a, ret, err);
}

static int count_jobs(struct records *db, const struct project_jobs_filter *f, size_t *ret_total,
                      struct err *err)
{
    static const char sql[] = "SELECT count(*) FROM project_jobs p JOIN jobs j ON j.id = p.job"
                              " WHERE p.project = ? AND (j.state NOT IN ('new','claimed')) = ?";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, f->project);
    bind_int(&r.q, f->finished);
    if (query_next(&r.q, err) <= 0)
        return -1;
    *ret_total = (size_t)column_int(&r.q);
    return 0;
}

int records_project_jobs(struct records *db, struct arena *a, const struct project_jobs_filter *filter,
                         struct project_job **ret_jobs, size_t *ret_n, size_t *ret_total, struct err *err)
{
    static const char sql[] = JOB_COLUMNS " WHERE p.project = ?"
                                          " AND (j.state NOT IN ('new','claimed')) = ?"
                                          " ORDER BY p.number DESC LIMIT ? OFFSET ?";
    CLEANUP(reading_end) struct reading r = {0};
    struct project_job *jobs = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (count_jobs(db, filter, ret_total, err) < 0 || reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, filter->project);
    bind_int(&r.q, filter->finished);
    bind_int(&r.q, (int64_t)filter->limit);
    bind_int(&r.q, (int64_t)filter->offset);
    while ((got = query_next(&r.q, err)) > 0)
        read_job(&r.q, a, &ARENA_PUSH(a, jobs, n, cap));
    if (got < 0)
        return -1;
    *ret_jobs = jobs;
    *ret_n = n;
    return 0;
}
