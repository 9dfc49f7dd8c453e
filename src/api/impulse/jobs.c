/* Jobs of a project: lists, states, what they have said, taking one back. */
#include "api/impulse/upper_int.h"
#include "base/text.h"

enum { JOBS_LIMIT = 100 };

bool job_is_over(const struct project_job *job)
{
    enum job_state state;

    return job_state_parse(job->state, &state) && job_state_is_final(state);
}

static bool is_good(const struct project_job *job)
{
    return text_is(job->state, job_state_name(JOB_DONE));
}

size_t job_lines(struct arena *a, const struct project_job *job, struct job_line ret[JOB_LINES])
{
    size_t n = 0;

    ret[n++] = (struct job_line){job->created_us,
                                 arena_printf(a, "Creating job... OK (ID: %lld)\n\n", (long long)job->number),
                                 "info"};
    if (job->started_us)
        ret[n++] = (struct job_line){job->started_us, arena_printf(a, "%s...\n", job->place.title), "info"};
    if (!job_is_over(job))
        return n;
    if (is_good(job))
        ret[n++] = (struct job_line){job->finished_us, "\nJob completed\n", "info"};
    else
        ret[n++] = (struct job_line){
            job->finished_us,
            arena_printf(a, "\nJob failed: %s\n", job->error_text ? job->error_text : job->state), "error"};
    return n;
}

static val_t *render(doc_t *doc, const struct project_job *job)
{
    val_t *o = yyjson_mut_obj(doc), *meta;

    yyjson_mut_obj_add_int(doc, o, "id", job->number);
    yyjson_mut_obj_add_str(doc, o, "key", job->place.key);
    yyjson_mut_obj_add_str(doc, o, "category", job->place.title);
    yyjson_mut_obj_add_str(doc, o, "categoryKey", job->place.key);
    impulse_add_time(doc, o, "created", job->created_us);
    if (job->started_us)
        impulse_add_time(doc, o, "started", job->started_us);
    if (job_is_over(job)) {
        impulse_add_time(doc, o, "finished", job->finished_us);
        yyjson_mut_obj_add_bool(doc, o, "finishedSuccessful", is_good(job));
    }
    if (job->finished_us && job->started_us)
        yyjson_mut_obj_add_real(doc, o, "computeTime", (double)(job->finished_us - job->started_us) / 1e6);
    if (job->error_text && job_is_over(job) && !is_good(job))
        yyjson_mut_obj_add_str(doc, o, "additionalInfo", job->error_text);
    yyjson_mut_obj_add_arr(doc, o, "jobNotificationUids");
    meta = yyjson_mut_obj_add_obj(doc, o, "metadata");
    yyjson_mut_obj_add_str(doc, meta, "id", job->id);
    if (job->place.impulse)
        yyjson_mut_obj_add_int(doc, meta, "impulseId", job->place.impulse);
    if (job->place.block)
        yyjson_mut_obj_add_int(doc, meta, "learnId", job->place.block);
    return o;
}

/* ---- lists ---- */

static void list_go(struct trip *t, bool finished)
{
    struct project_jobs_filter filter = {.project = t->visit.project.id, .finished = finished};
    struct project_job *jobs;
    int64_t limit, offset;
    size_t n, total;
    struct err err;
    val_t *root, *list;
    doc_t *doc;

    if (impulse_query_int(t->request, "limit", JOBS_LIMIT, &limit, &err) < 0 ||
        impulse_query_int(t->request, "offset", 0, &offset, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    filter.limit = limit < 1000 ? (size_t)limit : 1000;
    filter.offset = (size_t)offset;
    if (records_project_jobs(trip_api(t)->db, trip_arena(t), &filter, &jobs, &n, &total, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    doc = impulse_doc(&root);
    list = yyjson_mut_obj_add_arr(doc, root, "jobs");
    for (size_t i = 0; i < n; i++)
        yyjson_mut_arr_append(list, render(doc, &jobs[i]));
    yyjson_mut_obj_add_int(doc, root, "totalCount", (int64_t)total);
    impulse_answer_take(t->request, doc);
}

static void active_go(struct trip *t)
{
    list_go(t, false);
}

static void history_go(struct trip *t)
{
    list_go(t, true);
}

/* ---- one ---- */

static int find(struct trip *t, struct project_job *ret, struct err *err)
{
    int64_t number;

    if (impulse_number(t->request, "jobId", &number, err) < 0)
        return -1;
    return records_project_job(trip_api(t)->db, trip_arena(t), t->visit.project.id, number, ret, err);
}

static void status_go(struct trip *t)
{
    struct project_job job;
    struct err err;
    val_t *root;
    doc_t *doc;

    if (find(t, &job, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    doc = impulse_doc(&root);
    yyjson_mut_obj_add_val(doc, root, "job", render(doc, &job));
    impulse_answer_take(t->request, doc);
}

static void stdout_go(struct trip *t)
{
    struct job_line lines[JOB_LINES];
    struct project_job job;
    struct err err;
    val_t *root, *list;
    size_t n;
    doc_t *doc;

    if (find(t, &job, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    n = job_lines(trip_arena(t), &job, lines);
    doc = impulse_doc(&root);
    list = yyjson_mut_obj_add_arr(doc, root, "stdout");
    for (size_t i = 0; i < n; i++) {
        val_t *o = yyjson_mut_arr_add_obj(doc, list);
        impulse_add_time(doc, o, "created", lines[i].at_us);
        yyjson_mut_obj_add_str(doc, o, "data", lines[i].text);
        yyjson_mut_obj_add_str(doc, o, "logLevel", lines[i].level);
    }
    yyjson_mut_obj_add_int(doc, root, "totalCount", (int64_t)n);
    impulse_answer_take(t->request, doc);
}

static void cancel_go(struct trip *t)
{
    struct project_job job;
    struct err err;

    if (find(t, &job, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    job_cancel(
        trip_api(t)->jobs,
        &(struct job_order){.tenant = t->visit.caller.tenant, .id = job.id, .who = t->visit.caller.key_id},
        impulse_committed, t->request);
}

TRIP_HANDLER(impulse_jobs, "read", active_go);
TRIP_HANDLER(impulse_jobs_history, "read", history_go);
TRIP_HANDLER(impulse_job_status, "read", status_go);
TRIP_HANDLER(impulse_job_stdout, "read", stdout_go);
TRIP_HANDLER(impulse_job_cancel, "submit", cancel_go);
