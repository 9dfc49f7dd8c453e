/* The run thread: the next task to the next idle analyst. */
#include "base/clock.h"
#include "base/log.h"
#include "job/jobs_int.h"

void jobs_kick(struct jobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->maybe_idle = true;
    pthread_cond_broadcast(&jobs->wakeup);
    pthread_mutex_unlock(&jobs->lock);
}

/* Under lock. Asks the lab only when it may say yes; begins nothing while the disk refuses outcomes. */
static struct task *take_runnable(struct jobs *jobs)
{
    struct task *t;

    if (!jobs->maybe_idle || jobs->unsaved.len > 0)
        return NULL;
    t = task_list_pop(&jobs->ahead);
    if (!t)
        t = fair_pop(jobs->queued);
    jobs->in_hand = t;
    if (t)
        jobs->maybe_idle = false; /* a kick from now on counts; a success sets it again */
    return t;
}

/* Under lock; leaves it in between. */
static void retry_unsaved(struct jobs *jobs)
{
    struct task_list list = jobs->unsaved;
    struct task *t;

    task_list_init(&jobs->unsaved);
    for (t = list.head; t; t = list.head) {
        list.head = t->next;
        task_list_push(&jobs->running, t);
        pthread_mutex_unlock(&jobs->lock);
        finish_save(t);
        pthread_mutex_lock(&jobs->lock);
    }
}

/* Under lock. */
static void wait_for_change(struct jobs *jobs)
{
    struct timespec t = {jobs->retry_us / 1000000, jobs->retry_us % 1000000 * 1000};

    if (jobs->unsaved.len == 0)
        pthread_cond_wait(&jobs->wakeup, &jobs->lock);
    else if (clock_mono_us() >= jobs->retry_us)
        retry_unsaved(jobs);
    else
        pthread_cond_timedwait(&jobs->wakeup, &jobs->lock, &t);
}

static struct task *next_task(struct jobs *jobs)
{
    struct task *t = NULL;

    pthread_mutex_lock(&jobs->lock);
    while (!jobs->stopping && !(t = take_runnable(jobs)))
        wait_for_change(jobs);
    pthread_mutex_unlock(&jobs->lock);
    return t;
}

/* Lab thread. */
static void lab_progress(void *arg, int done, int planned)
{
    struct task *t = arg;

    pthread_mutex_lock(&t->jobs->lock);
    t->progress = (struct job_progress){done, planned};
    pthread_mutex_unlock(&t->jobs->lock);
}

/* Lab thread. */
static void lab_done(void *arg, const struct lab_result *result)
{
    struct task *t = arg;

    /* A fast analyst must not end what is not recorded as begun. */
    pthread_mutex_lock(&t->jobs->handover);
    pthread_mutex_unlock(&t->jobs->handover);
    t->kind->done(t, result);
}

/* From the hand to the list; false when it was cancelled on the way. */
static bool begin_running(struct jobs *jobs, struct task *t)
{
    bool wanted;

    pthread_mutex_lock(&jobs->lock);
    wanted = !t->cancelled;
    if (wanted) {
        jobs->in_hand = NULL;
        t->progress = (struct job_progress){0};
        task_list_push(&jobs->running, t);
    }
    pthread_mutex_unlock(&jobs->lock);
    return wanted;
}

static void back_in_hand(struct jobs *jobs, struct task *t)
{
    pthread_mutex_lock(&jobs->lock);
    task_list_remove(&jobs->running, t);
    jobs->in_hand = t;
    pthread_mutex_unlock(&jobs->lock);
}

static int hand_over(struct jobs *jobs, struct task *t, struct err *err)
{
    struct lab_task task = {
        .spec = t->spec,
        .subject_fd = t->subject_fd,
        .artefact_fd = t->artefact_fd,
        .done = lab_done,
        .progress = lab_progress,
        .arg = t,
    };
    int r;

    t->started_us = clock_wall_us();
    t->handed_us = clock_mono_us();
    pthread_mutex_lock(&jobs->handover);
    if (!begin_running(jobs, t)) {
        pthread_mutex_unlock(&jobs->handover);
        return FAIL(err, ERR_CANCELLED, "the job was cancelled");
    }
    r = lab_run(jobs->lab, &task, err);
    if (r == 0)
        t->kind->begun(t);
    else
        back_in_hand(jobs, t);
    pthread_mutex_unlock(&jobs->handover);
    return r;
}

/* Out of the hand: it is refused. */
static void let_go(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->in_hand = NULL;
    pthread_mutex_unlock(&jobs->lock);
}

/* One that was cancelled while it was out of the queue is refused when it comes to the front again. */
static void put_back(struct jobs *jobs, struct task *t)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->in_hand = NULL;
    if (t->kind == &task_job)
        fair_push_front(jobs->queued, t);
    else
        task_list_push_front(&jobs->ahead, t);
    pthread_mutex_unlock(&jobs->lock);
}

static void run_task(struct jobs *jobs, struct task *t)
{
    struct err err = {0};
    bool ready = t->arena || t->kind->prepare(t, &err) == 0;

    if (ready && hand_over(jobs, t, &err) == 0) {
        jobs_kick(jobs); /* there may be one more */
    } else if (ready && err.kind == ERR_BUSY) {
        put_back(jobs, t);
    } else {
        if (err.kind != ERR_CANCELLED)
            log_warn("task refused", "job=%s kind=%s why=%s", t->id, t->kind->what, err.text);
        let_go(jobs);
        t->kind->refused(t, &err);
        jobs_kick(jobs);
    }
}

void *run_main(void *arg)
{
    struct jobs *jobs = arg;
    struct task *t;

    while ((t = next_task(jobs)))
        run_task(jobs, t);
    return NULL;
}
