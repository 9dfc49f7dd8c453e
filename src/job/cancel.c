/* Jobs taken back, and finished ones deleted. The record decides: first it is moved or removed, and after the
 * commit the queue, the analyst and whoever waits are told. So a job which ends at the same moment has ended.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"
#include "store/retention.h"

struct order {
    struct jobs *jobs;
    char id[ID_TEXT];
    job_ordered *cb;
    void *arg;
    bool tells;
};

static struct order *order_new(struct jobs *jobs, const char *id, job_ordered *cb, void *arg)
{
    struct order *o = mem_alloc(sizeof *o);

    *o = (struct order){.jobs = jobs, .cb = cb, .arg = arg};
    text_copy(o->id, sizeof o->id, id);
    return o;
}

static void order_end(struct order *o, const struct err *err)
{
    o->cb(o->arg, err);
    free(o);
}

/* ---- cancelling ---- */

/* Under lock. The task while it is neither queued nor gone. */
static struct task *find_held(struct jobs *jobs, const char *id)
{
    struct task *lists[] = {jobs->in_hand, jobs->running.head, jobs->unsaved.head};

    for (size_t i = 0; i < COUNT_OF(lists); i++)
        for (struct task *t = lists[i]; t; t = i ? t->next : NULL)
            if (t->kind == &task_job && text_is(t->id, id))
                return t;
    return NULL;
}

/* Under lock. The task, when it was still waiting; otherwise whoever has it is told. */
static struct task *take_queued_or_mark(struct jobs *jobs, const char *id)
{
    struct task *queued = fair_remove(jobs->queued, id), *held = queued ? NULL : find_held(jobs, id);
    char dialect[JOB_DIALECT_MAX] = "";

    if (held)
        held->cancelled = true;
    else if (!queued)
        fetch_cancel(jobs, id, dialect);
    if (queued || held)
        text_copy(dialect, sizeof dialect, queued ? queued->dialect : held->dialect);
    count_ended(jobs, dialect, JOB_CANCELLED);
    return queued;
}

/* Writer thread. What passes to the lab just now is there, or has seen the mark, when handover is free. */
static void cancel_written(void *arg, const struct err *err)
{
    struct order *o = arg;
    struct jobs *jobs = o->jobs;
    struct task *queued;

    if (err->kind == ERR_NONE) {
        pthread_mutex_lock(&jobs->lock);
        queued = take_queued_or_mark(jobs, o->id);
        pthread_mutex_unlock(&jobs->lock);
        pthread_mutex_lock(&jobs->handover);
        pthread_mutex_unlock(&jobs->handover);
        if (queued)
            job_task_free(queued);
        else
            lab_cancel(jobs->lab, o->id);
        waits_fire(jobs->waits, o->id, true);
        if (o->tells && jobs->opts.told)
            jobs->opts.told(jobs->opts.deliveries_arg);
    }
    order_end(o, err);
}

static int push_cancel(struct jobs *jobs, const struct job_order *order, struct order *o, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_farewell farewell;
    int r;

    if (tell_cancelled(jobs, a, order, &farewell, err) < 0)
        return -1;
    o->tells = farewell.ndeliveries > 0;
    pthread_mutex_lock(&jobs->lock); /* jobs_stop waits for what is queued before it says "stopping" */
    if (jobs->stopping)
        r = FAIL(err, ERR_BUSY, "the server is stopping; try again in a moment");
    else
        r = records_cancel_and_tell(jobs->db, order, &farewell, cancel_written, o, err);
    pthread_mutex_unlock(&jobs->lock);
    return r;
}

void job_cancel(struct jobs *jobs, const struct job_order *order, job_ordered *cb, void *arg)
{
    struct order *o = order_new(jobs, order->id, cb, arg);
    struct err err = {0};

    if (push_cancel(jobs, order, o, &err) < 0)
        order_end(o, &err);
}

/* ---- deleting ---- */

/* Writer thread. */
static void delete_written(void *arg, const struct err *err)
{
    struct order *o = arg;

    if (err->kind == ERR_NONE)
        retain_deleted(o->jobs);
    order_end(o, err);
}

void job_delete(struct jobs *jobs, const struct job_order *order, job_ordered *cb, void *arg)
{
    struct order *o = order_new(jobs, order->id, cb, arg);
    struct err err = {0};

    if (records_delete_job(jobs->db, order, delete_written, o, &err) < 0)
        order_end(o, &err);
}
