#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"

enum { CHORES_MAX = 1024 };

struct jobs_opts jobs_opts_defaults(void)
{
    return (struct jobs_opts){
        .max_queued = 10000,
        .max_queued_tenant = 5000,
        .max_attempts = 2,
        .fetch = {.max_bytes = 100 << 20, .max_ms = 60000, .max_open = 32, .max_tenant = 8, .max_source = 4},
    };
}

/* ---- tasks and lists of them ---- */

void task_init(struct task *t, const struct task_kind *kind, struct jobs *jobs, const char *id)
{
    *t = (struct task){.kind = kind, .jobs = jobs, .subject_fd = -1, .artefact_fd = -1};
    text_copy(t->id, sizeof t->id, id);
}

void task_clear(struct task *t)
{
    arena_freep(&t->arena);
    fd_closep(&t->subject_fd);
    fd_closep(&t->artefact_fd);
}

void task_list_init(struct task_list *l)
{
    *l = (struct task_list){.tail = &l->head};
}

void task_list_push(struct task_list *l, struct task *t)
{
    t->next = NULL;
    *l->tail = t;
    l->tail = &t->next;
    l->len++;
}

void task_list_push_front(struct task_list *l, struct task *t)
{
    t->next = l->head;
    l->head = t;
    if (!t->next)
        l->tail = &t->next;
    l->len++;
}

static void unlink_at(struct task_list *l, struct task **p)
{
    struct task *t = *p;

    *p = t->next;
    if (!t->next)
        l->tail = p;
    l->len--;
}

struct task *task_list_pop(struct task_list *l)
{
    struct task *t = l->head;

    if (t)
        unlink_at(l, &l->head);
    return t;
}

bool task_list_remove(struct task_list *l, struct task *t)
{
    struct task **p = &l->head;

    while (*p && *p != t)
        p = &(*p)->next;
    if (!*p)
        return false;
    unlink_at(l, p);
    return true;
}

void jobs_enqueue(struct jobs *jobs, struct task *t)
{
    pthread_mutex_lock(&jobs->lock);
    fair_push(jobs->queued, t);
    pthread_cond_broadcast(&jobs->wakeup);
    pthread_mutex_unlock(&jobs->lock);
}

void jobs_ran(struct jobs *jobs, struct task *t)
{
    pthread_mutex_lock(&jobs->lock);
    task_list_remove(&jobs->running, t);
    pthread_cond_broadcast(&jobs->wakeup);
    pthread_mutex_unlock(&jobs->lock);
}

/* ---- chores ---- */

bool jobs_chore(struct jobs *jobs, struct chore *c)
{
    return queue_push(jobs->chores, c);
}

static void *chore_main(void *arg)
{
    struct jobs *jobs = arg;
    void *item;

    while (queue_take(jobs->chores, &item, 1, 0) > 0)
        ((struct chore *)item)->run(item);
    return NULL;
}

/* ---- starting ---- */

static struct jobs *jobs_new(const struct jobs_opts *opts)
{
    struct jobs *jobs = mem_alloc(sizeof *jobs);
    pthread_condattr_t attr;

    pthread_mutex_init(&jobs->handover, NULL);
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->wakeup, &attr);
    pthread_condattr_destroy(&attr);
    jobs->opts = *opts;
    jobs->queued = fair_new(opts->max_queued, opts->max_queued_tenant);
    jobs->fetches = turns_new(opts->fetch.max_open, opts->fetch.max_tenant, opts->fetch.max_source);
    task_list_init(&jobs->ahead);
    task_list_init(&jobs->running);
    task_list_init(&jobs->unsaved);
    jobs->chores = queue_new(CHORES_MAX);
    jobs->maybe_idle = true;
    return jobs;
}

static void keep_err(void *arg, const struct err *err)
{
    *(struct err *)arg = *err;
}

static void take_up(struct jobs *jobs, const struct waiting_job *job)
{
    if (!job->source) {
        jobs_enqueue(jobs, job_task_new(jobs, job));
        return;
    }
    fair_keep(jobs->queued, job->tenant); /* before any other thread */
    fetch_add(jobs, job);
}

/* What a dead server had claimed is new again, what it alone had a use for is gone, and everything unfinished
 * waits in the old order. */
static int take_up_unfinished(struct jobs *jobs, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err released = {0};
    struct waiting_job *waiting;
    size_t n;

    if (records_drop_passing(jobs->db, NULL, NULL, err) < 0 ||
        records_release_claims(jobs->db, keep_err, &released, err) < 0)
        return -1;
    records_sync(jobs->db);
    if (released.kind != ERR_NONE)
        return FAIL(err, released.kind, "%s", released.text);
    if (records_unfinished(jobs->db, a, &waiting, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        take_up(jobs, &waiting[i]);
    if (n > 0)
        log_info("unfinished jobs taken up", "jobs=%zu", n);
    return 0;
}

static int start_threads(struct jobs *jobs, struct err *err)
{
    for (; jobs->nchore_threads < CHORE_THREADS; jobs->nchore_threads++)
        if (pthread_create(&jobs->chore_threads[jobs->nchore_threads], NULL, chore_main, jobs) != 0)
            return FAIL(err, ERR_IO, "cannot start a thread of the job engine; raise the limit of threads");
    if (pthread_create(&jobs->runner, NULL, run_main, jobs) != 0)
        return FAIL(err, ERR_IO, "cannot start the run thread; raise the limit of threads");
    jobs->has_runner = true;
    return 0;
}

int jobs_start(struct jobs **ret_jobs, struct records *db, struct blobs *blobs, struct lab *lab,
               const struct jobs_opts *opts, struct err *err)
{
    CLEANUP(jobs_freep) struct jobs *jobs = jobs_new(opts);

    jobs->db = db;
    jobs->blobs = blobs;
    jobs->lab = lab;
    if (records_own(db, err) < 0 || waits_start(&jobs->waits, err) < 0 || take_up_unfinished(jobs, err) < 0 ||
        retain_start(&jobs->retain, jobs, err) < 0 || start_threads(jobs, err) < 0)
        return -1;
    fetch_kick(jobs);
    *ret_jobs = TAKE(jobs);
    return 0;
}

/* ---- stopping ---- */

static void join_threads(struct jobs *jobs)
{
    queue_close(jobs->chores);
    while (jobs->nchore_threads > 0)
        pthread_join(jobs->chore_threads[--jobs->nchore_threads], NULL);
    if (jobs->has_runner)
        pthread_join(jobs->runner, NULL);
    jobs->has_runner = false;
}

/* The ids of what runs, copied: the lab must not be called under the lock. */
static size_t running_ids(struct jobs *jobs, struct arena *a, const char ***ret_ids)
{
    size_t n = 0, cap = 0;

    *ret_ids = NULL;
    pthread_mutex_lock(&jobs->lock);
    for (struct task *t = jobs->running.head; t; t = t->next)
        ARENA_PUSH(a, *ret_ids, n, cap) = arena_strdup(a, t->id);
    pthread_mutex_unlock(&jobs->lock);
    return n;
}

static void take_back_running(struct jobs *jobs)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char **ids;
    size_t n = running_ids(jobs, a, &ids);

    for (size_t i = 0; i < n; i++)
        lab_cancel(jobs->lab, ids[i]);
    pthread_mutex_lock(&jobs->lock);
    while (jobs->running.len > 0 || jobs->nannotations + jobs->nquestions > jobs->ahead.len)
        pthread_cond_wait(&jobs->wakeup, &jobs->lock);
    pthread_mutex_unlock(&jobs->lock);
}

/* Tells the callers of all annotations and questions which have not begun that they will not. */
static void drop_ahead(struct jobs *jobs)
{
    struct err err;
    struct task *t;

    err_set(&err, ERR_BUSY, "the server is stopping; try again in a moment");
    do {
        pthread_mutex_lock(&jobs->lock);
        t = task_list_pop(&jobs->ahead);
        pthread_mutex_unlock(&jobs->lock);
        if (t)
            t->kind->refused(t, &err);
    } while (t);
}

void jobs_stop(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    pthread_cond_broadcast(&jobs->wakeup);
    pthread_mutex_unlock(&jobs->lock);
    join_threads(jobs);
    fetch_stop(jobs);
    if (jobs->retain)
        retain_stop(jobs->retain);
    take_back_running(jobs);
    records_sync(jobs->db); /* what the chores have queued is answered now */
    drop_ahead(jobs);
    if (jobs->waits)
        waits_stop(jobs->waits);
}

static void free_jobs_in(struct task_list *l)
{
    for (struct task *t; (t = task_list_pop(l));)
        job_task_free(t);
}

void jobs_freep(struct jobs **jobs)
{
    struct jobs *j = TAKE(*jobs);

    if (!j)
        return;
    if (!j->stopping)
        jobs_stop(j);
    for (struct task *t = j->unsaved.head; t; t = t->next)
        log_error("outcome lost, the job runs again after the next start", "job=%s", t->id);
    for (struct task *t; (t = fair_pop(j->queued));)
        job_task_free(t);
    fair_free(j->queued);
    fetch_drop_all(j);
    turns_free(j->fetches);
    free_jobs_in(&j->unsaved);
    retain_freep(&j->retain);
    waits_freep(&j->waits);
    queue_free(j->chores);
    pthread_cond_destroy(&j->wakeup);
    pthread_mutex_destroy(&j->lock);
    pthread_mutex_destroy(&j->handover);
    free(j);
}

/* ---- looking in, and limits ---- */

void jobs_set_limits(struct jobs *jobs, const struct jobs_limits *limits)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->opts.max_queued = limits->max_queued;
    jobs->opts.max_queued_tenant = limits->max_queued_tenant;
    fair_limit(jobs->queued, limits->max_queued, limits->max_queued_tenant);
    pthread_mutex_unlock(&jobs->lock);
    __atomic_store_n(&jobs->opts.keep_us, limits->keep_us, __ATOMIC_RELAXED);
    __atomic_store_n(&jobs->opts.keep_audit_us, limits->keep_audit_us, __ATOMIC_RELAXED);
}

bool job_progress(struct jobs *jobs, const char *id, struct job_progress *ret)
{
    struct job_progress seen = {0};

    pthread_mutex_lock(&jobs->lock);
    for (struct task *t = jobs->running.head; t; t = t->next)
        if (t->kind == &task_job && text_is(t->id, id))
            seen = t->progress;
    pthread_mutex_unlock(&jobs->lock);
    if (seen.planned > 0)
        *ret = seen;
    return seen.planned > 0;
}

void job_wait(struct jobs *jobs, const char *id, int64_t deadline_mono_us, job_waited *cb, void *arg)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    enum job_state state;
    const char *name;

    /* First the place in the table, then the look: if the job ends in between, one of the two sees it. */
    waits_add(jobs->waits, id, deadline_mono_us, cb, arg);
    if (records_job_state(jobs->db, a, id, &name, NULL) < 0 || !job_state_parse(name, &state))
        waits_fire(jobs->waits, id, false);
    else if (job_state_is_final(state))
        waits_fire(jobs->waits, id, true);
}
