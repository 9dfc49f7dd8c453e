/* What the engine has counted since the start, and what it has in its hands. */
#include "base/clock.h"
#include "base/text.h"
#include "job/jobs_int.h"

/* Under lock. Dialects are a short list; should there be more than fit, the last one stands for the rest. */
static struct job_tally *tally_of(struct job_counts *c, const char *dialect)
{
    size_t i = 0;

    while (i < c->ntallies && !text_is(c->tallies[i].dialect, dialect))
        i++;
    if (i < c->ntallies)
        return &c->tallies[i];
    if (c->ntallies == JOB_MAX_DIALECTS)
        return &c->tallies[JOB_MAX_DIALECTS - 1];
    text_copy(c->tallies[c->ntallies].dialect, sizeof c->tallies[0].dialect, dialect);
    return &c->tallies[c->ntallies++];
}

void count_accepted(struct jobs *jobs, const char *dialect)
{
    tally_of(&jobs->counts, dialect)->accepted++;
}

void count_ended(struct jobs *jobs, const char *dialect, enum job_state end)
{
    tally_of(&jobs->counts, dialect)->ended[end]++;
    if (end == JOB_DONE)
        jobs->counts.done++;
    else
        jobs->counts.failed++;
}

void count_refused(struct jobs *jobs, enum err_kind why)
{
    enum job_refusal reason = why == ERR_BUSY                    ? JOB_REFUSED_BUSY
                              : why == ERR_QUOTA                 ? JOB_REFUSED_QUOTA
                              : why == ERR_IO || why == ERR_FULL ? JOB_REFUSED_DISK
                                                                 : JOB_REFUSED_OTHER;

    atomic_fetch_add_explicit(&jobs->counts.refused[reason], 1, memory_order_relaxed);
}

void count_stage(struct jobs *jobs, enum job_stage stage, int64_t us)
{
    histogram_add(&jobs->counts.stages[stage], us);
}

/* Under lock. What the run thread has in its hand still waits. */
static void count_waiting(const struct jobs *jobs, struct jobs_stats *s, int64_t *ret_since)
{
    const struct task *hand = jobs->in_hand;

    *ret_since = fair_oldest(jobs->queued);
    s->queued = fair_len(jobs->queued);
    if (!hand || hand->kind != &task_job)
        return;
    s->queued++;
    if (!*ret_since || hand->since_us < *ret_since)
        *ret_since = hand->since_us;
}

struct jobs_stats jobs_stats(struct jobs *jobs)
{
    struct job_counts *c = &jobs->counts;
    struct jobs_stats s = {0};
    int64_t since;

    pthread_mutex_lock(&jobs->lock);
    count_waiting(jobs, &s, &since);
    s.running = jobs->running.len + jobs->unsaved.len;
    s.fetching = turns_len(jobs->fetches);
    s.unsaved = jobs->unsaved.len;
    s.max_queued = jobs->opts.max_queued;
    s.done = c->done;
    s.failed = c->failed;
    s.ntallies = c->ntallies;
    for (size_t i = 0; i < c->ntallies; i++)
        s.tallies[i] = c->tallies[i];
    pthread_mutex_unlock(&jobs->lock);
    s.oldest_us = since ? clock_wall_us() - since : 0;
    s.died = atomic_load(&c->died);
    for (int i = 0; i < JOB_REFUSALS; i++)
        s.refused[i] = atomic_load(&c->refused[i]);
    for (int i = 0; i < JOB_STAGES; i++)
        histogram_read(&c->stages[i], &s.stages[i]);
    return s;
}
