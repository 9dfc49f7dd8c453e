/* What the end of a job has to tell. */
#include "base/clock.h"
#include "base/log.h"
#include "job/jobs_int.h"
#include "store/hooks.h"

/* The row as it will be once the outcome is written. */
static void foresee(struct job_row *row, const struct job_move *move)
{
    row->state = move->to;
    row->attempts = move->attempts >= 0 ? move->attempts : row->attempts;
    row->started_us = move->started_us ? move->started_us : row->started_us;
    row->finished_us = move->finished_us ? move->finished_us : row->finished_us;
    row->report = move->report.len ? move->report : row->report;
    row->error_code = move->error_code ? move->error_code : row->error_code;
    row->error_text = move->error_text ? move->error_text : row->error_text;
    row->artefact = move->artefact ? move->artefact : row->artefact;
}

static int ask(struct task *t, struct err *err)
{
    const struct jobs_opts *opts = &t->jobs->opts;
    struct job_row *row = arena_alloc(t->arena, sizeof *row); /* the deliveries may point into it */
    struct delivery_row *rows;

    if (records_get_job(t->jobs->db, t->arena, NULL, t->id, row, err) < 0)
        return -1;
    foresee(row, &t->outcome);
    if (opts->deliveries(opts->deliveries_arg, t->arena, row, &rows, &t->outcome.ndeliveries, err) < 0)
        return -1;
    t->outcome.deliveries = rows;
    return 0;
}

/* Later it may work. */
static bool is_passing(const struct err *err)
{
    return err->kind == ERR_IO || err->kind == ERR_FULL || err->kind == ERR_BUSY;
}

int tell_prepare(struct task *t, struct err *err)
{
    struct err why = {0};

    if (t->outcome.deliveries || !t->jobs->opts.deliveries || !job_state_is_final(t->end) ||
        ask(t, &why) == 0)
        return 0;
    if (is_passing(&why)) {
        if (err)
            *err = why;
        return -1;
    }
    /* What cannot be put into words will not be later either: the job must end. */
    log_error("nobody is told of the end of a job", "job=%s why=%s", t->id, why.text);
    return 0;
}

bool tell_drop(struct task *t)
{
    if (t->outcome.ndeliveries == 0)
        return false;
    log_error("deliveries refused by the store, dropped", "job=%s deliveries=%zu", t->id,
              t->outcome.ndeliveries);
    t->outcome.ndeliveries = 0;
    return true;
}

void tell_committed(struct task *t)
{
    const struct jobs_opts *opts = &t->jobs->opts;

    if (t->outcome.ndeliveries && opts->told)
        opts->told(opts->deliveries_arg);
}

int tell_cancelled(struct jobs *jobs, struct arena *a, const struct job_order *order,
                   struct job_farewell *ret, struct err *err)
{
    struct job_farewell farewell = {.now_us = clock_wall_us()};
    struct job_move end = job_move_of(order->id, JOB_CLAIMED, JOB_CANCELLED);
    struct job_row *row = arena_alloc(a, sizeof *row); /* the deliveries may point into it */
    struct delivery_row *rows = NULL;
    struct err why = {0};

    *ret = farewell;
    if (!jobs->opts.deliveries)
        return 0;
    if (records_get_job(jobs->db, a, order->tenant, order->id, row, err) < 0)
        return -1;
    end.finished_us = farewell.now_us;
    end.error_code = err_code(ERR_CANCELLED);
    end.error_text = "The job was cancelled.";
    foresee(row, &end);
    if (jobs->opts.deliveries(jobs->opts.deliveries_arg, a, row, &rows, &ret->ndeliveries, &why) == 0)
        ret->deliveries = rows;
    else if (is_passing(&why))
        return FAIL(err, why.kind, "%s", why.text);
    else
        log_error("nobody is told of the end of a job", "job=%s why=%s", order->id, why.text);
    return 0;
}
