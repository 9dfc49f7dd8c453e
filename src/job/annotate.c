/* Annotated clips of finished jobs: made once, when first asked for, then kept as a blob. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"
#include "report/json.h"

enum { ANNOTATIONS_MAX = 64 };
/* The lab limits the analyst's file; this is for a limit set very high. */
static const int64_t artefact_max_bytes = (int64_t)4 << 30;

struct caller {
    struct caller *next;
    job_annotated *cb;
    void *arg;
};

struct annotation {
    struct task task; /* first: a task of this kind is an annotation */
    struct chore chore;
    char sha256[HASH_HEX]; /* pinned while not "" */
    /* --- guarded by jobs->lock --- */
    struct annotation *next;
    struct caller *callers;
};

/* ---- the record ---- */

static bool artefact_is_there(struct jobs *jobs, const struct job_row *row)
{
    CLEANUP(fd_closep) int fd = -1;
    int64_t size;

    return row->artefact && blob_open(jobs->blobs, row->artefact, &fd, &size, NULL) == 0;
}

static int read_finished(struct jobs *jobs, struct arena *a, const char *tenant, const char *id,
                         struct job_row *ret_row, struct err *err)
{
    struct job_row row;
    struct job_spec spec;
    enum job_state state;

    if (records_get_job(jobs->db, a, tenant, id, &row, err) < 0)
        return -1;
    if (!job_state_parse(row.state, &state) || !job_state_is_final(state))
        return FAIL(err, ERR_CONFLICT, "job %.24s is not finished; ask again when it is", id);
    if (state != JOB_DONE || !row.report.len)
        return FAIL(err, ERR_CONFLICT, "job %.24s ended without findings (%s): there is nothing to draw", id,
                    row.error_code ? row.error_code : row.state);
    if (spec_from_json(a, row.spec, &spec, err) < 0)
        return -1;
    if (pipeline_is_origin(spec.pipeline)) /* whose artefact is a heat map */
        return FAIL(err, ERR_CONFLICT, "job %.24s has no findings to draw", id);
    *ret_row = row;
    return 0;
}

/* ---- telling the callers ---- */

/* Under lock. */
static void forget(struct jobs *jobs, struct annotation *an)
{
    struct annotation **p = &jobs->annotations;

    while (*p != an)
        p = &(*p)->next;
    *p = an->next;
}

/* Tells everybody and frees. sha256 NULL = err says why. */
static void annotation_end(struct annotation *an, const char *sha256, const struct err *err)
{
    struct jobs *jobs = an->task.jobs;

    pthread_mutex_lock(&jobs->lock);
    forget(jobs, an);
    pthread_mutex_unlock(&jobs->lock);
    for (struct caller *c = an->callers, *next; c; c = next) {
        next = c->next;
        c->cb(c->arg, sha256, err);
        free(c);
    }
    if (an->sha256[0])
        blob_unpin(jobs->blobs, an->sha256);
    if (an->sha256[0] && !sha256)
        retain_orphan(jobs, an->sha256);
    task_clear(&an->task);
    free(an);
    pthread_mutex_lock(&jobs->lock);
    jobs->nannotations--; /* now: jobs_stop waits until everybody is told */
    pthread_cond_broadcast(&jobs->wakeup);
    pthread_mutex_unlock(&jobs->lock);
}

static void annotation_stopped(struct annotation *an)
{
    struct err err;

    err_set(&err, ERR_BUSY, "the server is stopping; try again in a moment");
    annotation_end(an, NULL, &err);
}

/* ---- the run ---- */

static int annotate_prepare(struct task *t, struct err *err)
{
    struct jobs *jobs = t->jobs;
    struct report *report;
    struct job_row row;
    int64_t size;

    t->arena = arena_new();
    if (read_finished(jobs, t->arena, NULL, t->id, &row, err) < 0 ||
        spec_from_json(t->arena, row.spec, &t->spec, err) < 0 ||
        report_from_json(t->arena, row.report, &report, err) < 0 ||
        blob_open(jobs->blobs, row.sha256, &t->subject_fd, &size, err) < 0 ||
        blobs_temp(jobs->blobs, &t->artefact_fd, err) < 0)
        return -1;
    t->spec.pipeline = "annotate";
    t->spec.annotate.report = report;
    return 0;
}

static void annotate_begun(struct task *t UNUSED)
{
}

static void annotate_refused(struct task *t, const struct err *why)
{
    annotation_end((struct annotation *)t, NULL, why);
}

/* Writer thread. */
static void artefact_written(void *arg, const struct err *err)
{
    struct annotation *an = arg;

    annotation_end(an, err->kind == ERR_NONE ? an->sha256 : NULL, err);
}

/* Chore thread. The clip is copied: the analyst which wrote it may still hold its file. */
static void keep_artefact(struct chore *c)
{
    struct annotation *an = (struct annotation *)((char *)c - offsetof(struct annotation, chore));
    struct task *t = &an->task;
    struct err err = {0};
    int64_t size = 0;
    int r = blob_from_fd(t->jobs->blobs, t->artefact_fd, artefact_max_bytes, an->sha256, &size, &err);

    if (r == 0 && size == 0)
        r = FAIL(&err, ERR_INTERNAL, "the annotated clip is empty");
    if (r == 0)
        r = records_set_artefact(t->jobs->db, t->id, an->sha256, artefact_written, an, &err);
    if (r < 0)
        annotation_end(an, NULL, &err);
}

static void annotate_done(struct task *t, const struct lab_result *result)
{
    struct annotation *an = (struct annotation *)t;
    const struct err *why = result->error.kind == ERR_NONE ? &result->report->error : &result->error;
    bool ok = why->kind == ERR_NONE;

    if (!ok)
        log_warn("annotation failed", "job=%s code=%s why=%s", t->id, err_code(why->kind), why->text);
    jobs_ran(t->jobs, t);
    if (ok && jobs_chore(t->jobs, &an->chore))
        return;
    if (ok || why->kind == ERR_CANCELLED)
        annotation_stopped(an);
    else
        annotation_end(an, NULL, why);
}

static const struct task_kind task_annotate = {
    "annotate", annotate_prepare, annotate_begun, annotate_refused, annotate_done,
};

/* ---- asking ---- */

/* Under lock. */
static struct annotation *find(struct jobs *jobs, const char *id)
{
    struct annotation *an = jobs->annotations;

    while (an && strcmp(an->task.id, id) != 0)
        an = an->next;
    return an;
}

/* Under lock. */
static struct annotation *add(struct jobs *jobs, const char *id)
{
    struct annotation *an = mem_alloc(sizeof *an);

    task_init(&an->task, &task_annotate, jobs, id);
    an->chore.run = keep_artefact;
    an->next = jobs->annotations;
    jobs->annotations = an;
    jobs->nannotations++;
    task_list_push(&jobs->ahead, &an->task);
    pthread_cond_broadcast(&jobs->wakeup);
    return an;
}

/* Under lock. */
static struct annotation *find_or_add(struct jobs *jobs, const char *id, struct err *err)
{
    struct annotation *an = find(jobs, id);

    if (jobs->stopping)
        return FAIL_NULL(err, ERR_BUSY, "the server is stopping; try again in a moment");
    if (!an && jobs->nannotations >= ANNOTATIONS_MAX)
        return FAIL_NULL(err, ERR_BUSY, "%d annotated clips are being made already; try again later",
                         ANNOTATIONS_MAX);
    return an ? an : add(jobs, id);
}

static int join(struct jobs *jobs, const char *id, job_annotated *cb, void *arg, struct err *err)
{
    struct caller *c = mem_alloc(sizeof *c);
    struct annotation *an;

    c->cb = cb;
    c->arg = arg;
    pthread_mutex_lock(&jobs->lock);
    an = find_or_add(jobs, id, err);
    if (an) {
        c->next = an->callers;
        an->callers = c;
    }
    pthread_mutex_unlock(&jobs->lock);
    if (!an)
        free(c);
    return an ? 0 : -1;
}

void job_annotate(struct jobs *jobs, const char *tenant, const char *id, job_annotated *cb, void *arg)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_row row = {0};
    struct err err = {0};
    int r = read_finished(jobs, a, tenant, id, &row, &err);

    if (r == 0 && artefact_is_there(jobs, &row))
        cb(arg, row.artefact, &err);
    else if (r < 0 || join(jobs, row.id, cb, arg, &err) < 0)
        cb(arg, NULL, &err);
}
