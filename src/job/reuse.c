/* The answer of an earlier job to the same question: the same bytes of the same tenant, asked with the same
 * options, judged whole by what stands here now. Then a new job ends at once with that report, on the usual
 * way: claimed, done, deliveries in the same transaction. No analyst, no place in the queue. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"
#include "report/json.h"
#include "store/history.h"

/* How many earlier jobs are looked at; the newest first. */
enum { CANDIDATES = 4 };

/* What was asked, without what names the job and its file. */
static struct bytes question(struct arena *a, const struct job_spec *spec)
{
    struct job_spec bare = *spec;

    bare.id = bare.subject.name = "";
    bare.spent_ms = 0;
    return spec_to_json(a, &bare);
}

static bool same_question(struct arena *a, const struct job_spec *spec, struct bytes other)
{
    struct job_spec then;
    struct bytes one, two;

    if (spec_from_json(a, other, &then, NULL) < 0)
        return false;
    one = question(a, spec);
    two = question(a, &then);
    return one.len == two.len && memcmp(one.data, two.data, one.len) == 0;
}

bool reuse_find(struct jobs *jobs, struct arena *a, const struct job_request *req, struct reuse *ret)
{
    struct judged_query query = {req->tenant, req->dialect, req->spec.subject.sha256, CANDIDATES};
    struct judged_job *earlier;
    struct report *report;
    struct makers makers;
    size_t n;

    if (!lab_makers(jobs->lab, a, &makers) || records_judged(jobs->db, a, &query, &earlier, &n, NULL) < 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!same_question(a, &req->spec, earlier[i].spec) ||
            report_from_json(a, earlier[i].report, &report, NULL) < 0 || report->error.kind != ERR_NONE ||
            !report_made_by(report, &makers))
            continue;
        report->subject.name = req->spec.subject.name;
        text_copy(ret->from, sizeof ret->from, earlier[i].id);
        ret->report = report_to_json(a, report);
        return true;
    }
    return false;
}

struct reusing {
    struct chore chore;
    struct task *task;
    struct reuse answer; /* the report is allocated */
};

static void reusing_free(struct reusing *r)
{
    free((void *)(uintptr_t)r->answer.report.data);
    free(r);
}

/* Chore thread. */
static void answer(struct chore *c)
{
    struct reusing *r = (struct reusing *)c;

    r->task->arena = arena_new();
    log_info("answered from an earlier job", "job=%s from=%s", r->task->id, r->answer.from);
    job_answer(r->task, &r->answer);
    reusing_free(r);
}

bool reuse_answer(struct jobs *jobs, struct task *t, const struct reuse *found)
{
    struct reusing *r = mem_alloc(sizeof *r);
    char *copy = mem_alloc(found->report.len + 1);

    memcpy(copy, found->report.data, found->report.len);
    *r = (struct reusing){.chore.run = answer, .task = t, .answer = *found};
    r->answer.report = bytes_of(copy, found->report.len);
    pthread_mutex_lock(&jobs->lock);
    task_list_push(&jobs->running, t);
    pthread_mutex_unlock(&jobs->lock);
    if (jobs_chore(jobs, &r->chore))
        return true;
    pthread_mutex_lock(&jobs->lock);
    task_list_remove(&jobs->running, t);
    pthread_mutex_unlock(&jobs->lock);
    reusing_free(r);
    return false;
}
