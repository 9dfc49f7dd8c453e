/* Jobs from the queue to their final state. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"
#include "report/json.h"
#include "store/faces.h"

enum { RETRY_US = 1000000 };

struct task *job_task_new(struct jobs *jobs, const struct waiting_job *job)
{
    struct task *t = mem_alloc(sizeof *t);

    task_init(t, &task_job, jobs, job->id);
    text_copy(t->tenant, sizeof t->tenant, job->tenant);
    text_copy(t->dialect, sizeof t->dialect, job->dialect);
    t->since_us = job->created_us;
    t->priority = job->priority == JOB_URGENT ? JOB_URGENT : JOB_NORMAL;
    return t;
}

void job_task_free(struct task *t)
{
    if (t->artefact[0])
        blob_unpin(t->jobs->blobs, t->artefact);
    if (t->artefact[0] && !t->kept)
        retain_orphan(t->jobs, t->artefact);
    task_clear(t);
    free(t);
}

/* ---- beginning ---- */

static int read_job(struct task *t, struct err *err)
{
    struct job_row row;
    int64_t size;

    if (records_get_job(t->jobs->db, t->arena, NULL, t->id, &row, err) < 0)
        return -1;
    if (!text_is(row.state, job_state_name(JOB_NEW)))
        return FAIL(err, ERR_CONFLICT, "job %s is %s already", t->id, row.state);
    t->attempts = row.attempts;
    if (spec_from_json(t->arena, row.spec, &t->spec, err) < 0)
        return -1;
    if (blob_open(t->jobs->blobs, row.sha256, &t->subject_fd, &size, err) == 0)
        return 0;
    err->kind = ERR_IO; /* the job was found, its file was not */
    return -1;
}

static bool makes_model(const char *pipeline)
{
    return text_is(pipeline, "sensor-train") || text_is(pipeline, "sensor-import");
}

/* The faces the tenant knows, as they are now. */
static int read_known(struct task *t, struct err *err)
{
    struct known_face *known;
    struct face_row *rows;
    size_t n;

    if (!pipeline_is_scenes(t->spec.pipeline) || !t->spec.scenes.embeddings)
        return 0;
    if (records_faces(t->jobs->db, t->arena, t->tenant, true, &rows, &n, err) < 0)
        return -1;
    n = n < KNOWN_FACES_MAX ? n : KNOWN_FACES_MAX;
    known = arena_array(t->arena, n, sizeof *known);
    for (size_t i = 0; i < n; i++)
        known[i] = (struct known_face){rows[i].n, rows[i].embedding};
    t->spec.scenes.known = known;
    t->spec.scenes.nknown = n;
    return 0;
}

/* A heat map, or a model. */
static bool wants_artefact(const struct job_spec *spec)
{
    return (pipeline_is_origin(spec->pipeline) && spec->origin.heatmap) || makes_model(spec->pipeline);
}

static int job_prepare(struct task *t, struct err *err)
{
    t->arena = arena_new();
    if (read_job(t, err) < 0 || read_known(t, err) < 0)
        return -1;
    return wants_artefact(&t->spec) ? blobs_temp(t->jobs->blobs, &t->artefact_fd, err) : 0;
}

/* arg: the job's id. The task may be gone. */
static void claim_written(void *arg, const struct err *err)
{
    char *id = arg;

    if (err->kind != ERR_NONE)
        log_warn("claim not written", "job=%s why=%s", id, err->text);
    free(id);
}

/* A claim which is lost does no harm: finish_save claims again when it has to, and then nobody needs to know.
 */
static void write_claim(struct task *t, bool again)
{
    struct job_move move = job_move_of(t->id, JOB_NEW, JOB_CLAIMED);
    char *id = again ? NULL : mem_strdup(t->id);
    struct err err = {0};

    move.started_us = t->started_us;
    if (records_move_job(t->jobs->db, &move, again ? NULL : claim_written, id, &err) == 0)
        return;
    log_warn("claim not queued", "job=%s why=%s", t->id, err.text);
    free(id);
}

static void job_begun(struct task *t)
{
    count_stage(t->jobs, JOB_WAITING, t->started_us - t->since_us);
    write_claim(t, false);
}

/* ---- the outcome ---- */

enum job_state finish_state(const struct lab_result *result, int attempts, int max_attempts,
                            struct err *ret_why)
{
    enum err_kind kind = result->error.kind;

    if (kind == ERR_NONE) {
        *ret_why = result->report->error;
        if (ret_why->kind == ERR_NONE)
            return JOB_DONE;
        return ret_why->kind == ERR_TIMEOUT ? JOB_TIMED_OUT : JOB_FAILED;
    }
    *ret_why = result->error;
    if (kind == ERR_CANCELLED)
        return JOB_CLAIMED;
    if (kind == ERR_CRASH && attempts + 1 < max_attempts)
        return JOB_NEW;
    return kind == ERR_TIMEOUT ? JOB_TIMED_OUT : JOB_FAILED;
}

/* What goes into the record. The callback of the lab is over when it is written, so everything is copied. */
static void fill_outcome(struct task *t, enum job_state end, const struct err *why, struct bytes report)
{
    struct job_move *move = &t->outcome;

    t->end = end;
    *move = job_move_of(t->id, JOB_CLAIMED, end);
    move->attempts = t->attempts + (why->kind == ERR_CRASH);
    if (!job_state_is_final(end))
        return;
    move->started_us = t->started_us;
    move->finished_us = clock_wall_us();
    move->error_code = err_code(why->kind);
    if (why->kind != ERR_NONE)
        move->error_text = arena_strdup(t->arena, why->text);
    if (report.len)
        move->report = bytes_of(arena_strndup(t->arena, (const char *)report.data, report.len), report.len);
}

static void log_outcome(const struct task *t)
{
    log_info("job ended", "job=%s state=%s code=%s attempts=%d ms=%lld", t->id, job_state_name(t->end),
             t->outcome.error_code, t->outcome.attempts,
             (long long)(t->outcome.finished_us - t->outcome.started_us) / 1000);
}

/* Nobody has to do anything more about this job here. */
static void leave(struct task *t, bool final)
{
    struct jobs *jobs = t->jobs;

    if (final)
        waits_fire(jobs->waits, t->id, true);
    jobs_ran(jobs, t);
    job_task_free(t);
}

static void count(const struct task *t)
{
    pthread_mutex_lock(&t->jobs->lock);
    count_ended(t->jobs, t->dialect, t->end);
    pthread_mutex_unlock(&t->jobs->lock);
    if (t->judged_us)
        count_stage(t->jobs, JOB_COMMIT, clock_mono_us() - t->judged_us);
}

static void outcome_written(struct task *t)
{
    struct jobs *jobs = t->jobs;

    if (t->end == JOB_NEW) {
        log_warn("analyst died, job queued again", "job=%s attempts=%d", t->id, t->outcome.attempts);
        jobs_ran(jobs, t);
        task_clear(t);
        atomic_fetch_add(&jobs->counts.died, 1);
        t->since_us = clock_wall_us();
        jobs_enqueue(jobs, t);
        return;
    }
    t->kept = t->outcome.artefact != NULL;
    log_outcome(t);
    tell_committed(t);
    count(t);
    leave(t, true);
}

static void retry_later(struct task *t)
{
    struct jobs *jobs = t->jobs;

    t->retried = true;
    pthread_mutex_lock(&jobs->lock);
    task_list_remove(&jobs->running, t);
    if (jobs->unsaved.len == 0)
        jobs->retry_us = clock_mono_us() + RETRY_US;
    task_list_push(&jobs->unsaved, t);
    pthread_cond_broadcast(&jobs->wakeup);
    pthread_mutex_unlock(&jobs->lock);
}

static bool is_cancelled(struct task *t)
{
    bool cancelled;

    pthread_mutex_lock(&t->jobs->lock);
    cancelled = t->cancelled;
    pthread_mutex_unlock(&t->jobs->lock);
    return cancelled;
}

/* Writer thread. A conflict may come from a claim which was lost; a second one means that somebody else has
 * moved the job. */
static void saved(void *arg, const struct err *err)
{
    struct task *t = arg;

    if (err->kind == ERR_NONE) {
        t->retried = false;
        outcome_written(t);
    } else if (is_cancelled(t)) {
        leave(t, true);
    } else if (err->kind == ERR_NOT_FOUND || (err->kind == ERR_CONFLICT && t->retried)) {
        log_error("outcome not wanted", "job=%s why=%s", t->id, err->text);
        if (tell_drop(t))
            finish_save(t);
        else
            leave(t, true);
    } else {
        log_error("outcome not written, will try again", "job=%s why=%s", t->id, err->text);
        retry_later(t);
    }
}

void finish_save(struct task *t)
{
    struct err err = {0};

    if (t->retried)
        write_claim(t, true);
    if (tell_prepare(t, &err) < 0 || records_move_job(t->jobs->db, &t->outcome, saved, t, &err) < 0)
        saved(t, &err);
}

/* ---- the heat map, the model ---- */

enum { HEATMAP_MAX_BYTES = 64 << 20, MODEL_MAX_BYTES = 512 << 20 };

/* An analyst may be in a hostile file's hands: what goes out as a picture has to begin like one. */
static bool is_png(int fd)
{
    static const uint8_t magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t head[sizeof magic];

    return pread(fd, head, sizeof head, 0) == sizeof head && memcmp(head, magic, sizeof head) == 0;
}

/* Chore thread. It is copied, because the analyst may still hold the file. A job whose heat map cannot be
 * kept is done without one. */
static void keep_heatmap(struct chore *c)
{
    struct task *t = (struct task *)((char *)c - offsetof(struct task, chore));
    struct err err = {0};
    int64_t size;

    if (!is_png(t->artefact_fd))
        log_warn("heat map dropped", "job=%s why=%s", t->id, "it is no PNG");
    else if (blob_from_fd(t->jobs->blobs, t->artefact_fd, HEATMAP_MAX_BYTES, t->artefact, &size, &err) < 0)
        log_warn("heat map dropped", "job=%s why=%s", t->id, err.text);
    fd_closep(&t->artefact_fd);
    if (t->artefact[0])
        t->outcome.artefact = t->artefact;
    finish_save(t);
}

/* What an analyst calls a model is only ever read by another one. A job that cannot keep it has failed: it is
 * what the job was for. */
static void keep_model(struct chore *c)
{
    struct task *t = (struct task *)((char *)c - offsetof(struct task, chore));
    struct err err = {0};
    int64_t size = 0;
    int r = blob_from_fd(t->jobs->blobs, t->artefact_fd, MODEL_MAX_BYTES, t->artefact, &size, &err);

    if (r == 0 && size == 0)
        r = FAIL(&err, ERR_INTERNAL, "the model is empty");
    fd_closep(&t->artefact_fd);
    if (r == 0)
        t->outcome.artefact = t->artefact;
    else
        fill_outcome(t, JOB_FAILED, &err, t->outcome.report);
    finish_save(t);
}

/* Clusters are in the report. */
static bool has_model(const struct task *t, const struct report *report)
{
    const struct sensing *s = t->end == JOB_DONE && report ? report->sensing : NULL;

    if (!s || t->artefact_fd < 0 || !makes_model(t->spec.pipeline))
        return false;
    return (s->training && s->training->block.kind != LEARN_CLUSTERS) ||
           (s->imported && s->imported->ninputs > 0);
}

static bool has_heatmap(const struct task *t, const struct report *report)
{
    return t->end == JOB_DONE && t->artefact_fd >= 0 && report && report->origins &&
           report->origins->has_heatmap;
}

/* A heat map may go missing when no chore thread has time for it. A model may not. */
static void keep_artefact(struct task *t)
{
    struct err busy;

    if (jobs_chore(t->jobs, &t->chore))
        return;
    err_set(&busy, ERR_IO, "the disk did not keep up with the model; try again");
    if (t->chore.run == keep_model)
        fill_outcome(t, JOB_FAILED, &busy, t->outcome.report);
    finish_save(t);
}

static void job_done(struct task *t, const struct lab_result *result)
{
    struct err why;
    enum job_state end = finish_state(result, t->attempts, t->jobs->opts.max_attempts, &why);

    fd_closep(&t->subject_fd);
    if (end == JOB_CLAIMED) { /* taken back by jobs_stop: the next start goes on */
        leave(t, false);
        return;
    }
    t->judged_us = clock_mono_us();
    count_stage(t->jobs, JOB_ANALYSIS, t->judged_us - t->handed_us);
    fill_outcome(t, end, &why, result->report_json);
    if (end == JOB_DONE)
        t->outcome.pace = pace_of(t->arena, result->report, t->judged_us - t->handed_us);
    t->chore.run = has_model(t, result->report) ? keep_model : keep_heatmap;
    if (has_model(t, result->report) || has_heatmap(t, result->report))
        keep_artefact(t);
    else
        finish_save(t);
}

/* Claim and end in the usual order. */
void job_fail(struct task *t, const struct err *why)
{
    t->started_us = clock_wall_us();
    write_claim(t, false);
    fill_outcome(t, why->kind == ERR_TIMEOUT ? JOB_TIMED_OUT : JOB_FAILED, why, bytes_of(NULL, 0));
    finish_save(t);
}

void job_answer(struct task *t, const struct reuse *answer)
{
    t->started_us = clock_wall_us();
    write_claim(t, false);
    fill_outcome(t, JOB_DONE, &(struct err){0}, answer->report);
    t->outcome.reused = arena_strdup(t->arena, answer->from);
    finish_save(t);
}

/* Fails it. A job which somebody else has moved is left alone. */
static void job_refused(struct task *t, const struct err *why)
{
    struct jobs *jobs = t->jobs;

    pthread_mutex_lock(&jobs->lock);
    task_list_push(&jobs->running, t);
    pthread_mutex_unlock(&jobs->lock);
    if (why->kind == ERR_CONFLICT || why->kind == ERR_NOT_FOUND || why->kind == ERR_CANCELLED)
        leave(t, true);
    else
        job_fail(t, why);
}

const struct task_kind task_job = {"job", job_prepare, job_begun, job_refused, job_done};
