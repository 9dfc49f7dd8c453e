#include "unit/job/fake_lab.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/json.h"

enum { MAX_ACTS = 64, MAX_IDS = 4096 };

struct run {
    struct run *next;
    struct lab_task task;
    struct arena *arena;
    enum fake_act act;
    bool cancelled;
};

struct lab {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    struct run *runs;
    int analysts, busy, tasks;
    enum fake_act acts[MAX_ACTS];
    size_t nacts;
    void (*idle)(void *arg);
    void *idle_arg;
    bool telling, stopping;
    const char *program; /* NULL: the one that wrote the reports */
    char ids[MAX_IDS][ID_TEXT];
};

/* ---- what happens to a task ---- */

static const struct model_ref fake_model = {
    "fake", "1", "detect", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "card"};
static const struct makers fake_makers = {1, &fake_model, "decoder 1", "runtime 1", {"1", "abc"}, 0, 0, 0};

static const char png[] = "\x89PNG\r\n\x1a\n";
static const char *fake_heuristics[] = {"Average"};
static struct origins fake_origins = {.nheuristics = 1, .heuristics = fake_heuristics, .has_heatmap = true};

static struct report *make_report(struct arena *a, const struct run *r)
{
    struct report *report = report_new(a, &r->task.spec);
    struct err why = {0};

    if (r->act == FAKE_FAIL)
        err_set(&why, ERR_DECODE, "this is not a video");
    else if (r->act == FAKE_LATE)
        err_set(&why, ERR_TIMEOUT, "the deadline passed after 3 frames");
    else
        report_add_score(report, "intrusion", 0.5, "fake");
    if (pipeline_is_origin(r->task.spec.pipeline))
        report->origins = &fake_origins;
    report->decoder = fake_makers.decoder;
    report->runtime = fake_makers.runtime;
    report->program = fake_makers.program;
    report_add_model(report, &fake_model);
    report_set_config(report, &(struct configuration){.alarm = r->task.spec.alarm,
                                                      .deadline_ms = r->task.spec.deadline_ms});
    if (why.kind != ERR_NONE)
        report_fail(report, &why);
    return report;
}

static void write_clip(const struct run *r)
{
    char text[64];
    const char *head = r->act == FAKE_HEATMAP ? png : "";
    int n = snprintf(text, sizeof text, "%sclip of %s", head, r->task.spec.id);
    ssize_t written UNUSED;

    if (r->task.artefact_fd >= 0 && (r->act == FAKE_DONE || r->act == FAKE_HEATMAP))
        written = write(r->task.artefact_fd, text, (size_t)n);
}

static struct lab_result result_of(struct arena *a, const struct run *r)
{
    static const enum err_kind kinds[] = {[FAKE_CRASH] = ERR_CRASH,
                                          [FAKE_TIMEOUT] = ERR_TIMEOUT,
                                          [FAKE_INTERNAL] = ERR_INTERNAL,
                                          [FAKE_EMPTY] = ERR_NONE,
                                          [FAKE_HEATMAP] = ERR_NONE};
    struct lab_result result = {0};

    if (r->cancelled) {
        err_set(&result.error, ERR_CANCELLED, "taken back");
    } else if (kinds[r->act] != ERR_NONE) {
        err_set(&result.error, kinds[r->act], "as the script says");
    } else {
        write_clip(r);
        result.report = make_report(a, r);
        result.report_json = report_to_json(a, result.report);
    }
    return result;
}

static void end_run(struct run *r)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct lab_result result = result_of(a, r);

    r->task.done(r->task.arg, &result);
    fd_closep(&r->task.subject_fd);
    fd_closep(&r->task.artefact_fd);
    arena_free(r->arena);
    free(r);
}

/* Under lock: the oldest which can end. */
static struct run *take_ending(struct lab *lab)
{
    struct run **p = &lab->runs, *r;

    while (*p && (*p)->act == FAKE_HANG && !(*p)->cancelled)
        p = &(*p)->next;
    r = *p;
    if (r)
        *p = r->next;
    return r;
}

/* Under lock; leaves it in between. */
static void tell_idle(struct lab *lab)
{
    void (*idle)(void *arg) = lab->idle;
    void *arg = lab->idle_arg;

    if (!idle)
        return;
    lab->telling = true;
    pthread_mutex_unlock(&lab->lock);
    idle(arg);
    pthread_mutex_lock(&lab->lock);
    lab->telling = false;
    pthread_cond_broadcast(&lab->wakeup);
}

static void *lab_main(void *arg)
{
    struct lab *lab = arg;
    struct run *r;

    pthread_mutex_lock(&lab->lock);
    while (!lab->stopping || lab->runs) {
        r = take_ending(lab);
        if (!r) {
            pthread_cond_wait(&lab->wakeup, &lab->lock);
            continue;
        }
        pthread_mutex_unlock(&lab->lock);
        end_run(r);
        pthread_mutex_lock(&lab->lock);
        lab->busy--;
        tell_idle(lab);
    }
    pthread_mutex_unlock(&lab->lock);
    return NULL;
}

/* ---- what lab.h promises ---- */

static struct run *run_new(const struct lab_task *task)
{
    struct run *r = mem_alloc(sizeof *r);
    struct err err;

    r->task = *task;
    r->arena = arena_new();
    if (spec_from_json(r->arena, spec_to_json(r->arena, &task->spec), &r->task.spec, &err) < 0)
        abort();
    r->task.subject_fd = fcntl(task->subject_fd, F_DUPFD_CLOEXEC, 0);
    if (r->task.subject_fd < 0)
        abort();
    if (task->artefact_fd >= 0)
        r->task.artefact_fd = fcntl(task->artefact_fd, F_DUPFD_CLOEXEC, 0);
    return r;
}

/* Under lock. */
static void begin(struct lab *lab, struct run *r)
{
    struct run **tail = &lab->runs;

    r->act = lab->nacts ? lab->acts[0] : FAKE_DONE;
    if (lab->nacts > 1)
        memmove(lab->acts, lab->acts + 1, --lab->nacts * sizeof lab->acts[0]);
    if (lab->tasks < MAX_IDS)
        text_copy(lab->ids[lab->tasks], ID_TEXT, r->task.spec.id);
    lab->tasks++;
    lab->busy++;
    while (*tail)
        tail = &(*tail)->next;
    *tail = r;
    pthread_cond_broadcast(&lab->wakeup);
}

int lab_run(struct lab *lab, const struct lab_task *task, struct err *err)
{
    struct run *r = run_new(task);
    bool ok;

    pthread_mutex_lock(&lab->lock);
    ok = lab->busy < lab->analysts && !lab->stopping;
    if (ok)
        begin(lab, r);
    pthread_mutex_unlock(&lab->lock);
    if (ok)
        return 0;
    fd_closep(&r->task.subject_fd);
    fd_closep(&r->task.artefact_fd);
    arena_free(r->arena);
    free(r);
    return FAIL(err, ERR_BUSY, "no analyst is idle");
}

bool lab_cancel(struct lab *lab, const char *job_id)
{
    bool found = false;

    pthread_mutex_lock(&lab->lock);
    for (struct run *r = lab->runs; r; r = r->next)
        if (strcmp(r->task.spec.id, job_id) == 0)
            found = r->cancelled = true;
    pthread_cond_broadcast(&lab->wakeup);
    pthread_mutex_unlock(&lab->lock);
    return found;
}

/* ---- the strings ---- */

struct lab *fake_lab_new(int analysts)
{
    struct lab *lab = mem_alloc(sizeof *lab);

    lab->analysts = analysts;
    pthread_mutex_init(&lab->lock, NULL);
    pthread_cond_init(&lab->wakeup, NULL);
    if (pthread_create(&lab->thread, NULL, lab_main, lab) != 0)
        abort();
    return lab;
}

void fake_lab_freep(struct lab **lab)
{
    struct lab *l = TAKE(*lab);

    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    for (struct run *r = l->runs; r; r = r->next)
        r->cancelled = true;
    pthread_cond_broadcast(&l->wakeup);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    pthread_cond_destroy(&l->wakeup);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void fake_lab_watch(struct lab *lab, void (*idle)(void *arg), void *arg)
{
    pthread_mutex_lock(&lab->lock);
    while (lab->telling)
        pthread_cond_wait(&lab->wakeup, &lab->lock);
    lab->idle = idle;
    lab->idle_arg = arg;
    pthread_mutex_unlock(&lab->lock);
}

void fake_lab_script(struct lab *lab, const enum fake_act *acts, size_t n)
{
    pthread_mutex_lock(&lab->lock);
    lab->nacts = n < MAX_ACTS ? n : MAX_ACTS;
    memcpy(lab->acts, acts, lab->nacts * sizeof *acts);
    pthread_mutex_unlock(&lab->lock);
}

void fake_lab_progress(struct lab *lab, const char *id, int done, int planned)
{
    struct run *r;

    pthread_mutex_lock(&lab->lock);
    for (r = lab->runs; r && strcmp(r->task.spec.id, id) != 0;)
        r = r->next;
    pthread_mutex_unlock(&lab->lock);
    if (r) /* it hangs: nobody else ends it */
        r->task.progress(r->task.arg, done, planned);
}

void fake_lab_analysts(struct lab *lab, int analysts)
{
    pthread_mutex_lock(&lab->lock);
    lab->analysts = analysts;
    tell_idle(lab);
    pthread_mutex_unlock(&lab->lock);
}

int fake_lab_tasks(struct lab *lab)
{
    int n;

    pthread_mutex_lock(&lab->lock);
    n = lab->tasks;
    pthread_mutex_unlock(&lab->lock);
    return n;
}

int fake_lab_running(struct lab *lab)
{
    int n;

    pthread_mutex_lock(&lab->lock);
    n = lab->busy;
    pthread_mutex_unlock(&lab->lock);
    return n;
}

const char *fake_lab_id(struct lab *lab, int n)
{
    const char *id;

    pthread_mutex_lock(&lab->lock);
    id = n < MAX_IDS ? lab->ids[n] : "";
    pthread_mutex_unlock(&lab->lock);
    return id;
}

bool lab_makers(struct lab *lab, struct arena *a UNUSED, struct makers *ret)
{
    pthread_mutex_lock(&lab->lock);
    *ret = fake_makers;
    if (lab->program)
        ret->program.version = lab->program;
    pthread_mutex_unlock(&lab->lock);
    return true;
}

void fake_lab_program(struct lab *lab, const char *version)
{
    pthread_mutex_lock(&lab->lock);
    lab->program = version;
    pthread_mutex_unlock(&lab->lock);
}
