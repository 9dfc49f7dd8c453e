/* Jobs whose subject is named by a URL, from their row to the queue of those which wait for an analyst.
 *
 *   row committed --> turn --> chore: read the record, begin --> somebody fetches --> chore: seal, set the
 * subject ^                                                 |                 --> committed: queue
 *                      +------- a second later, attempts + 1 ------- it failed --> the job ends, with the
 * reason
 *
 * All the while the job is NEW in the record, and its sha256 is "": whatever dies, the next start begins here
 * again. It keeps the place in the queue's limits that it got when it was submitted. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"
#include "report/json.h"
#include "store/sources.h"

enum { AGAIN_US = 1000000, CHORES_FULL_US = 100000 };

struct fetch {
    struct turn turn; /* first */
    struct chore chore;
    struct jobs *jobs;
    struct task *task; /* the job, as it will wait for an analyst; `cancelled` counts here, too */
    int64_t spent_ms;  /* by tries that failed */
    /* --- of this try; one owner at a time --- */
    struct arena *arena;
    struct job_spec spec;
    struct blob_writer *body;
    int64_t begun_us;
    struct err why;
    bool again;
};

/* ---- one fetch ---- */

/* Host and port as they stand in the URL. FNV-1a: two sources in one place only share a limit. */
static uint64_t site_of(const char *url)
{
    const char *host = strstr(url, "://");
    uint64_t h = 14695981039346656037u;
    size_t n;

    host = host ? host + 3 : url;
    n = strcspn(host, "/?");
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)(host[i] | 0x20)) * 1099511628211u;
    return h;
}

static struct fetch *fetch_new(struct jobs *jobs, const struct waiting_job *job)
{
    struct fetch *f = mem_alloc(sizeof *f);

    *f = (struct fetch){.jobs = jobs, .task = job_task_new(jobs, job)};
    f->turn = (struct turn){.id = f->task->id,
                            .tenant = f->task->tenant,
                            .site = site_of(job->source),
                            .priority = f->task->priority};
    return f;
}

static void try_clear(struct fetch *f)
{
    blob_writer_freep(&f->body);
    arena_freep(&f->arena);
}

static void fetch_free(struct fetch *f)
{
    try_clear(f);
    if (f->task)
        job_task_free(f->task);
    free(f);
}

static int64_t elapsed_ms(const struct fetch *f)
{
    return (clock_mono_us() - f->begun_us) / 1000;
}

/* ---- its turn ---- */

static void begin(struct chore *c);
static void conclude(struct chore *c);

static struct fetch *of_chore(struct chore *c)
{
    return (struct fetch *)((char *)c - offsetof(struct fetch, chore));
}

static void kick_later(void *arg, bool finished UNUSED)
{
    fetch_kick(arg);
}

/* Under lock. Begins what may begin. */
static void kick(struct jobs *jobs)
{
    struct turn *turn;

    while (!jobs->stopping && (turn = turns_pop(jobs->fetches))) {
        struct fetch *f = (struct fetch *)turn;
        f->chore.run = begin;
        if (jobs_chore(jobs, &f->chore))
            continue;
        turns_done(jobs->fetches, turn);
        turns_push(jobs->fetches, turn);
        waits_add(jobs->waits, "", clock_mono_us() + CHORES_FULL_US, kick_later, jobs);
        return;
    }
}

void fetch_kick(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    kick(jobs);
    pthread_mutex_unlock(&jobs->lock);
}

void fetch_add(struct jobs *jobs, const struct waiting_job *job)
{
    struct fetch *f = fetch_new(jobs, job);

    pthread_mutex_lock(&jobs->lock);
    turns_push(jobs->fetches, &f->turn);
    pthread_mutex_unlock(&jobs->lock);
}

/* Under lock: it is not open any more, and its place is another's. jobs_stop waits for the last one: who has
 * closed its turn and left the lock may not touch `jobs` again. */
static void close_turn(struct fetch *f)
{
    turns_done(f->jobs->fetches, &f->turn);
    kick(f->jobs);
    pthread_cond_broadcast(&f->jobs->wakeup);
}

/* To the analysts (take), or nowhere: somebody else has moved the job, or the next start goes on with it. */
static void leave(struct fetch *f, bool take)
{
    struct jobs *jobs = f->jobs;
    struct task *t = f->task;

    try_clear(f);
    pthread_mutex_lock(&jobs->lock);
    t->since_us = clock_wall_us();
    fair_leave(jobs->queued, t->tenant);
    close_turn(f);
    if (take)
        fair_push(jobs->queued, TAKE(f->task));
    pthread_mutex_unlock(&jobs->lock);
    fetch_free(f);
}

/* ---- it failed ---- */

/* The job ends, in the usual order; while it is in `running`, jobs_stop waits for it. */
static void give_up(struct fetch *f, const struct err *reason)
{
    struct jobs *jobs = f->jobs;
    struct task *t = f->task;
    struct err why = *reason;

    log_info("subject not fetched", "job=%s attempts=%d why=%s", t->id, t->attempts, why.text);
    t->arena = f->arena ? TAKE(f->arena) : arena_new();
    try_clear(f);
    pthread_mutex_lock(&jobs->lock);
    fair_leave(jobs->queued, t->tenant);
    close_turn(f);
    task_list_push(&jobs->running, TAKE(f->task));
    pthread_mutex_unlock(&jobs->lock);
    fetch_free(f);
    job_fail(t, &why);
}

static void rested(void *arg, bool finished UNUSED)
{
    struct fetch *f = arg;
    struct jobs *jobs = f->jobs;

    pthread_mutex_lock(&jobs->lock);
    turns_push(jobs->fetches, &f->turn);
    kick(jobs);
    pthread_mutex_unlock(&jobs->lock);
}

/* Without a turn for a second. If the job is cancelled meanwhile, `begin` will see it in the record. */
static void rest(struct fetch *f, const struct err *why)
{
    struct jobs *jobs = f->jobs;
    struct failed_fetch failed = {
        .id = f->task->id, .attempts = f->task->attempts, .at_us = clock_wall_us(), .why = why->text};
    struct err err;

    log_info("subject not fetched, will try again", "job=%s attempts=%d why=%s", f->task->id,
             f->task->attempts, why->text);
    if (records_count_fetch(jobs->db, &failed, NULL, NULL, &err) < 0)
        log_warn("attempt not counted", "job=%s why=%s", f->task->id, err.text);
    try_clear(f);
    pthread_mutex_lock(&jobs->lock);
    close_turn(f);
    if (jobs->stopping)
        turns_push(jobs->fetches, &f->turn);
    else /* then the waits are not stopping either, and call nobody now */
        waits_add(jobs->waits, "", clock_mono_us() + AGAIN_US, rested, f);
    pthread_mutex_unlock(&jobs->lock);
}

/* Our own disk's trouble. */
static bool is_passing(const struct err *err)
{
    return err->kind == ERR_IO || err->kind == ERR_BUSY || err->kind == ERR_FULL;
}

static void failed(struct fetch *f, const struct err *why, bool again)
{
    /* Nobody wants it; or the server stops, or somebody else has moved the job. */
    if (why->kind == ERR_CANCELLED || why->kind == ERR_CONFLICT || why->kind == ERR_NOT_FOUND) {
        leave(f, false);
        return;
    }
    f->task->attempts++;
    if (again && f->task->attempts < f->jobs->opts.max_attempts)
        rest(f, why);
    else
        give_up(f, why);
}

/* ---- it came ---- */

/* Writer thread. */
static void subject_set(void *arg, const struct err *err)
{
    struct fetch *f = arg;
    struct jobs *jobs = f->jobs;
    char sha256[HASH_HEX];

    text_copy(sha256, sizeof sha256, f->spec.subject.sha256);
    blob_unpin(jobs->blobs, sha256);
    if (err->kind == ERR_NONE) {
        log_info("subject fetched", "job=%s bytes=%lld ms=%lld", f->task->id, (long long)f->spec.subject.size,
                 (long long)elapsed_ms(f));
        leave(f, true);
    } else {
        retain_orphan(jobs, sha256);
        failed(f, err, true);
    }
}

/* What is left of the deadline is for the analysis. */
static int set_subject(struct fetch *f, struct err *err)
{
    struct job_spec *spec = &f->spec;
    struct found_subject found = {.id = f->task->id};

    if (blob_seal_take(TAKE(f->body), spec->subject.sha256, &spec->subject.size, err) < 0)
        return -1;
    spec->spent_ms = f->spent_ms + elapsed_ms(f);
    if (spec->spent_ms > spec->deadline_ms)
        spec->spent_ms = spec->deadline_ms;
    found.sha256 = spec->subject.sha256;
    found.size = spec->subject.size;
    found.spec = spec_to_json(f->arena, spec);
    if (records_set_subject(f->jobs->db, &found, subject_set, f, err) == 0)
        return 0;
    blob_unpin(f->jobs->blobs, found.sha256);
    retain_orphan(f->jobs, found.sha256);
    return -1;
}

/* Chore thread. */
static void conclude(struct chore *c)
{
    struct fetch *f = of_chore(c);
    struct err err = {0};

    if (f->why.kind != ERR_NONE) {
        f->spent_ms += elapsed_ms(f);
        failed(f, &f->why, f->again);
    } else if (set_subject(f, &err) < 0) {
        failed(f, &err, is_passing(&err));
    }
}

/* ---- it is on its way: the fetcher's thread ---- */

static bool is_unwanted(struct fetch *f)
{
    bool unwanted;

    pthread_mutex_lock(&f->jobs->lock);
    unwanted = f->task->cancelled || f->jobs->stopping;
    pthread_mutex_unlock(&f->jobs->lock);
    return unwanted;
}

static bool wanted(void *arg)
{
    return !is_unwanted(arg);
}

static int data(void *arg, struct bytes piece, struct err *err)
{
    struct fetch *f = arg;

    return blob_add(f->body, piece, err);
}

static void conclude_later(void *arg, bool finished UNUSED);

static void to_conclude(struct fetch *f)
{
    f->chore.run = conclude;
    if (jobs_chore(f->jobs, &f->chore))
        return;
    if (is_unwanted(f))
        leave(f, false);
    else
        waits_add(f->jobs->waits, "", clock_mono_us() + CHORES_FULL_US, conclude_later, f);
}

static void conclude_later(void *arg, bool finished UNUSED)
{
    to_conclude(arg);
}

static void done(void *arg, const struct err *err, bool again)
{
    struct fetch *f = arg;

    f->why = *err;
    f->again = again;
    to_conclude(f);
}

/* ---- it begins ---- */

static int read_job(struct fetch *f, const char **ret_url, struct err *err)
{
    struct job_row row;

    if (records_get_job(f->jobs->db, f->arena, NULL, f->task->id, &row, err) < 0)
        return -1;
    if (!text_is(row.state, job_state_name(JOB_NEW)) || *row.sha256 || !row.source)
        return FAIL(err, ERR_CONFLICT, "job %s waits for no file", f->task->id);
    f->task->attempts = row.attempts;
    *ret_url = row.source;
    return spec_from_json(f->arena, row.spec, &f->spec, err);
}

static int prepare(struct fetch *f, struct job_fetch *ask, struct err *err)
{
    const struct fetch_opts *opts = &f->jobs->opts.fetch;
    int64_t left;

    *ask = (struct job_fetch){.tenant = f->task->tenant,
                              .max_bytes = opts->max_bytes,
                              .data = data,
                              .wanted = wanted,
                              .done = done,
                              .arg = f};
    if (read_job(f, &ask->url, err) < 0)
        return -1;
    left = f->spec.deadline_ms - f->spent_ms;
    if (left <= 0)
        return FAIL(err, ERR_TIMEOUT, "the deadline passed before the file at the URL was here");
    ask->max_ms = left < opts->max_ms ? left : opts->max_ms;
    return blob_begin(&f->body, f->jobs->blobs, opts->max_bytes, err);
}

/* Chore thread. */
static void begin(struct chore *c)
{
    struct fetch *f = of_chore(c);
    const struct fetch_opts *opts = &f->jobs->opts.fetch;
    struct job_fetch ask;
    struct err err = {0};

    f->arena = arena_new();
    f->begun_us = clock_mono_us();
    if (is_unwanted(f))
        leave(f, false);
    else if (prepare(f, &ask, &err) < 0)
        failed(f, &err, is_passing(&err));
    else
        opts->fetch(opts->arg, &ask);
}

/* ---- from outside ---- */

void fetch_cancel(struct jobs *jobs, const char *id, char ret_dialect[JOB_DIALECT_MAX])
{
    struct turn *waiting = turns_waiting(jobs->fetches, id), *open = turns_open(jobs->fetches, id);
    struct fetch *f = (struct fetch *)(waiting ? waiting : open);

    if (!f)
        return;
    text_copy(ret_dialect, JOB_DIALECT_MAX, f->task->dialect);
    f->task->cancelled = true;
    if (!waiting)
        return;
    turns_remove(jobs->fetches, waiting);
    fair_leave(jobs->queued, waiting->tenant);
    fetch_free(f);
}

void fetch_stop(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    while (turns_nopen(jobs->fetches) > 0)
        pthread_cond_wait(&jobs->wakeup, &jobs->lock);
    pthread_mutex_unlock(&jobs->lock);
}

void fetch_drop_all(struct jobs *jobs)
{
    for (struct turn *t; (t = turns_waiting(jobs->fetches, NULL));) {
        turns_remove(jobs->fetches, t);
        fetch_free((struct fetch *)t);
    }
}
