/* A job from the client's bytes to its row: sealed on a chore thread, acknowledged after the commit. A job
 * whose subject is named by a URL has no bytes yet: it gets its row at once, and then is fetch.c's. */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "job/jobs_int.h"
#include "report/json.h"

struct submit {
    struct chore chore;
    struct jobs *jobs;
    struct arena *arena; /* holds this struct, too */
    struct job_request req;
    struct job_ticket ticket;
    bool sealed;        /* its blob is pinned */
    struct reuse reuse; /* report empty: it has to be judged */
    job_accepted *accepted;
    void *arg;
};

static void copy_spec(struct arena *a, struct job_spec *spec)
{
    spec->alarm = alarm_params_copy(a, &spec->alarm);
    spec->scenes = scenes_params_copy(a, &spec->scenes);
    spec->origin = origin_params_copy(a, &spec->origin);
    spec->sensor = sensor_params_copy(a, &spec->sensor);
    spec->pipeline = arena_strdup(a, spec->pipeline);
    spec->annotate.report = NULL; /* a job judges; clips are drawn by job/annotate.c */
}

static struct submit *submit_new(struct jobs *jobs, const struct job_request *req)
{
    struct arena *a = arena_new();
    struct submit *s = arena_alloc(a, sizeof *s);

    *s = (struct submit){.jobs = jobs, .arena = a, .req = *req};
    s->req.tenant = arena_strdup(a, req->tenant);
    s->req.dialect = arena_strdup(a, req->dialect);
    s->req.name = arena_strdup(a, req->name);
    s->req.source = arena_strdup(a, req->source);
    s->req.origin = arena_strdup(a, req->origin);
    s->req.key = arena_strdup(a, req->key);
    s->req.fingerprint = arena_strdup(a, req->fingerprint);
    s->req.run = arena_strdup(a, req->run);
    s->req.run_media = arena_strdup(a, req->run_media);
    s->req.place = place_copy(a, &req->place);
    s->req.request.data =
        (const uint8_t *)arena_strndup(a, (const char *)req->request.data, req->request.len);
    copy_spec(a, &s->req.spec);
    s->ticket.created_us = clock_wall_us();
    id_new(s->ticket.id, s->ticket.created_us);
    s->req.spec.id = s->ticket.id;
    s->req.spec.subject.name = s->req.name ? s->req.name : "";
    return s;
}

/* Answers and frees. */
static void submit_end(struct submit *s, const struct err *err)
{
    blob_writer_freep(&s->req.body);
    if (s->sealed)
        blob_unpin(s->jobs->blobs, s->req.spec.subject.sha256);
    if (s->sealed && err->kind != ERR_NONE)
        retain_orphan(s->jobs, s->req.spec.subject.sha256);
    if (err->kind != ERR_NONE)
        count_refused(s->jobs, err->kind);
    s->accepted(s->arg, &s->ticket, err);
    arena_free(s->arena);
}

/* Under lock. The tenant's jobs which are past the queue, but not finished. */
static size_t in_hand_of(struct jobs *jobs, const char *tenant)
{
    struct task *lists[] = {jobs->in_hand, jobs->running.head, jobs->unsaved.head};
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(lists); i++)
        for (struct task *t = lists[i]; t; t = i ? t->next : NULL)
            n += t->kind == &task_job && text_is(t->tenant, tenant);
    return n;
}

/* Under lock. */
static int check_room(struct jobs *jobs, const char *tenant, int64_t max_jobs, struct err *err)
{
    if (jobs->stopping)
        return FAIL(err, ERR_BUSY, "the server is stopping; try again in a moment");
    if (max_jobs && fair_count(jobs->queued, tenant) + in_hand_of(jobs, tenant) >= (size_t)max_jobs)
        return FAIL(err, ERR_QUOTA, "%lld jobs of yours are not finished, and more are not allowed at a time",
                    (long long)max_jobs);
    return fair_room(jobs->queued, tenant, err);
}

int job_room(struct jobs *jobs, const char *tenant, int64_t max_jobs, struct err *err)
{
    struct err why = {0};
    int r;

    pthread_mutex_lock(&jobs->lock);
    r = check_room(jobs, tenant, max_jobs, &why);
    pthread_mutex_unlock(&jobs->lock);
    if (r == 0)
        return 0;
    count_refused(jobs, why.kind);
    return FAIL(err, why.kind, "%s", why.text);
}

static int admit(struct jobs *jobs, const struct job_request *req, struct err *err)
{
    int r;

    pthread_mutex_lock(&jobs->lock);
    r = check_room(jobs, req->tenant, req->max_jobs, err);
    if (r == 0)
        r = fair_enter(jobs->queued, req->tenant, err);
    pthread_mutex_unlock(&jobs->lock);
    return r;
}

/* From "submitting" to the queue, or out of it (t NULL), in one step: the sum must not dip. */
static void admitted(struct jobs *jobs, const char *tenant, struct task *t)
{
    pthread_mutex_lock(&jobs->lock);
    if (t) {
        fair_push(jobs->queued, t);
        count_accepted(jobs, t->dialect);
    }
    fair_leave(jobs->queued, tenant);
    pthread_cond_broadcast(&jobs->wakeup);
    pthread_mutex_unlock(&jobs->lock);
}

/* The place in the limits stays taken until the subject is here. */
static void accepted_to_fetch(struct jobs *jobs, const struct waiting_job *job)
{
    pthread_mutex_lock(&jobs->lock);
    count_accepted(jobs, job->dialect);
    pthread_mutex_unlock(&jobs->lock);
    fetch_add(jobs, job);
}

static void log_accepted(const struct submit *s)
{
    log_info("job accepted", "job=%s req=%s tenant=%s dialect=%s bytes=%lld", s->ticket.id,
             s->req.origin ? s->req.origin : "-", s->req.tenant, s->req.dialect,
             (long long)s->req.spec.subject.size);
}

static void answered(struct jobs *jobs, const char *tenant, const char *dialect)
{
    pthread_mutex_lock(&jobs->lock);
    count_accepted(jobs, dialect);
    fair_leave(jobs->queued, tenant);
    pthread_mutex_unlock(&jobs->lock);
}

static void admit_or_answer(struct submit *s, struct task *t)
{
    if (t && s->reuse.report.len && reuse_answer(s->jobs, t, &s->reuse))
        answered(s->jobs, s->req.tenant, s->req.dialect);
    else
        admitted(s->jobs, s->req.tenant, t);
}

/* Writer thread. */
static void row_written(void *arg, const struct err *err)
{
    struct submit *s = arg;
    struct waiting_job job = {.tenant = s->req.tenant,
                              .dialect = s->req.dialect,
                              .priority = s->req.priority,
                              .source = s->req.source,
                              .created_us = s->ticket.created_us};
    struct jobs *jobs = s->jobs;
    bool stored = err->kind == ERR_NONE, fetch = stored && job.source;

    if (err->kind == ERR_NONE)
        log_accepted(s);
    text_copy(job.id, sizeof job.id, s->ticket.id);
    if (fetch)
        accepted_to_fetch(jobs, &job);
    else
        admit_or_answer(s, stored ? job_task_new(jobs, &job) : NULL);
    submit_end(s, err);
    if (fetch)
        fetch_kick(jobs);
}

static int add_row(struct submit *s, struct err *err)
{
    struct job_row row = {
        .tenant = s->req.tenant,
        .dialect = s->req.dialect,
        .state = job_state_name(JOB_NEW),
        .created_us = s->ticket.created_us,
        .sha256 = s->req.spec.subject.sha256,
        .source = s->req.source,
        .size = s->req.spec.subject.size,
        .name = s->req.name,
        .number = s->req.number,
        .priority = s->req.priority,
        .key = s->req.key,
        .fingerprint = s->req.fingerprint,
        .run = s->req.run,
        .run_media = s->req.run_media,
        .place = s->req.place,
        .spec = spec_to_json(s->arena, &s->req.spec),
        .request = s->req.request,
    };

    text_copy(row.id, sizeof row.id, s->ticket.id);
    return records_add_job(s->jobs->db, &row, row_written, s, err);
}

static void submit_run(struct chore *c)
{
    struct submit *s = (struct submit *)c;
    struct subject *subject = &s->req.spec.subject;
    struct blob_writer *body = s->req.body;
    struct err err = {0};

    s->req.body = NULL;
    s->sealed = blob_seal_take(body, subject->sha256, &subject->size, &err) == 0;
    if (s->sealed && s->req.reuse)
        reuse_find(s->jobs, s->arena, &s->req, &s->reuse);
    if (s->sealed && add_row(s, &err) == 0)
        return;
    row_written(s, &err);
}

static int check(const struct submit *s, struct err *err)
{
    if (s->req.source && !s->jobs->opts.fetch.fetch)
        return FAIL(err, ERR_UNSUPPORTED, "this server fetches no files from URLs");
    return job_spec_check(&s->req.spec, err);
}

static int begin(struct submit *s, struct err *err)
{
    if (s->req.source)
        return add_row(s, err);
    if (jobs_chore(s->jobs, &s->chore))
        return 0;
    return FAIL(err, ERR_BUSY, "the disk does not keep up; try again later");
}

void job_submit(struct jobs *jobs, const struct job_request *req, job_accepted *accepted, void *arg)
{
    struct submit *s = submit_new(jobs, req);
    struct err err = {0};

    s->chore.run = submit_run;
    s->accepted = accepted;
    s->arg = arg;
    if (check(s, &err) < 0 || admit(jobs, &s->req, &err) < 0)
        submit_end(s, &err);
    else if (begin(s, &err) < 0)
        row_written(s, &err);
}
