/* Small questions: a task ahead of the queued jobs, of which no record is kept. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"
#include "report/json.h"

struct question {
    struct task task; /* first: a task of this kind is a question */
    job_answered *answered;
    void *arg;
};

/* Tells who asked, once, and frees. */
static void question_end(struct question *q, const struct lab_result *result)
{
    struct jobs *jobs = q->task.jobs;

    q->answered(q->arg, result, q->task.artefact_fd);
    task_clear(&q->task);
    free(q);
    pthread_mutex_lock(&jobs->lock);
    jobs->nquestions--; /* now: jobs_stop waits until everybody is told */
    pthread_cond_broadcast(&jobs->wakeup);
    pthread_mutex_unlock(&jobs->lock);
}

/* Everything is here already. */
static int question_prepare(struct task *t UNUSED, struct err *err UNUSED)
{
    return 0;
}

static void question_begun(struct task *t UNUSED)
{
}

static void question_refused(struct task *t, const struct err *why)
{
    question_end((struct question *)t, &(struct lab_result){.error = *why});
}

/* An analyst that is taken away by jobs_stop says no more than that the server stops. */
static void question_done(struct task *t, const struct lab_result *result)
{
    struct lab_result stopped = {0};

    jobs_ran(t->jobs, t);
    if (result->error.kind == ERR_CANCELLED) {
        err_set(&stopped.error, ERR_BUSY, "the server is stopping; try again in a moment");
        result = &stopped;
    }
    question_end((struct question *)t, result);
}

static const struct task_kind task_question = {
    "question", question_prepare, question_begun, question_refused, question_done,
};

/* ---- asking ---- */

/* What is asked must outlive the caller's arena: it goes through its own text. */
static int copy_spec(struct task *t, const struct job_question *from, struct err *err)
{
    struct job_spec spec = from->spec;
    struct stat st;

    if (fstat(t->subject_fd, &st) < 0)
        return FAIL_ERRNO(err, "cannot read the subject");
    spec.id = t->id;
    spec.subject = (struct subject){.size = st.st_size, .name = from->spec.subject.name};
    if (from->sha256)
        text_copy(spec.subject.sha256, sizeof spec.subject.sha256, from->sha256);
    if (job_spec_check(&spec, err) < 0)
        return -1;
    t->arena = arena_new();
    return spec_from_json(t->arena, spec_to_json(t->arena, &spec), &t->spec, err);
}

/* -1: it did not get in line. */
static int get_in_line(struct jobs *jobs, struct question *q, struct err *err)
{
    int r = 0;

    pthread_mutex_lock(&jobs->lock);
    if (jobs->stopping)
        r = FAIL(err, ERR_BUSY, "the server is stopping; try again in a moment");
    else if (jobs->nquestions >= JOB_QUESTIONS_MAX)
        r = FAIL(err, ERR_BUSY, "%d requests wait for an analyst already; try again later",
                 JOB_QUESTIONS_MAX);
    if (r == 0) {
        jobs->nquestions++;
        task_list_push(&jobs->ahead, &q->task);
        pthread_cond_broadcast(&jobs->wakeup);
    }
    pthread_mutex_unlock(&jobs->lock);
    return r;
}

void job_ask_take(struct jobs *jobs, const struct job_question *question, job_answered *answered, void *arg)
{
    struct question *q = mem_alloc(sizeof *q);
    struct lab_result refused = {0};
    char id[ID_TEXT];

    id_new(id, clock_wall_us());
    task_init(&q->task, &task_question, jobs, id);
    q->task.subject_fd = question->subject_fd;
    q->task.artefact_fd = question->artefact_fd;
    q->answered = answered;
    q->arg = arg;
    if (copy_spec(&q->task, question, &refused.error) == 0 && get_in_line(jobs, q, &refused.error) == 0)
        return;
    answered(arg, &refused, -1);
    task_clear(&q->task);
    free(q);
}
