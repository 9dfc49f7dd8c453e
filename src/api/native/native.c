/* The native routes: submitting (submit.c), any job with its canonical report, readiness. Errors are
 * problem+json (RFC 9457). */
#include <string.h>

#include "api/native/native_int.h"
#include "api/problem.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

void native_problem(struct request *r, int status, const char *detail)
{
    problem_reply(r, &(struct problem){.status = status, .detail = detail});
}

void native_fail(struct request *r, const struct caller *caller, const struct err *err)
{
    struct problem p = problem_of(r, caller, err);

    problem_reply(r, &p);
}

bool native_enter(struct request *r, const char *scope, struct caller *ret_caller)
{
    struct problem p;
    struct err err;

    if (problem_enter(r, &(struct need){.dialect = "native", .scope = scope}, ret_caller, &p, &err))
        return true;
    problem_reply(r, &p);
    return false;
}

static void put_time(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT];

    if (wall_us)
        yyjson_mut_obj_add_strcpy(doc, obj, key, clock_rfc3339(text, wall_us));
}

struct bytes native_document(struct arena *a, const struct job_row *job, const struct job_progress *progress)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc), *error;

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", job->id);
    yyjson_mut_obj_add_str(doc, root, "tenant", job->tenant);
    yyjson_mut_obj_add_str(doc, root, "dialect", job->dialect);
    yyjson_mut_obj_add_str(doc, root, "state", job->state);
    yyjson_mut_obj_add_int(doc, root, "attempts", job->attempts);
    put_time(doc, root, "created_at", job->created_us);
    put_time(doc, root, "started_at", job->started_us);
    put_time(doc, root, "finished_at", job->finished_us);
    if (progress) {
        yyjson_mut_val *obj = yyjson_mut_obj_add_obj(doc, root, "progress");
        yyjson_mut_obj_add_int(doc, obj, "done", progress->done);
        yyjson_mut_obj_add_int(doc, obj, "planned", progress->planned);
    }
    if (job->error_code && !text_is(job->error_code, "ok")) {
        error = yyjson_mut_obj_add_obj(doc, root, "error");
        yyjson_mut_obj_add_str(doc, error, "code", job->error_code);
        yyjson_mut_obj_add_str(doc, error, "text", job->error_text ? job->error_text : "");
    }
    if (job->source)
        yyjson_mut_obj_add_str(doc, root, "source", job->source);
    yyjson_mut_obj_add(root, yyjson_mut_str(doc, "spec"),
                       yyjson_mut_rawn(doc, (const char *)job->spec.data, job->spec.len));
    if (job->report.len)
        yyjson_mut_obj_add(root, yyjson_mut_str(doc, "report"),
                           yyjson_mut_rawn(doc, (const char *)job->report.data, job->report.len));
    return json_write(a, doc);
}

void native_send_job(struct request *r, const struct caller *caller, const char *id)
{
    struct reply rep = {.status = 200, .type = "application/json"};
    struct job_progress progress;
    enum job_state state;
    struct job_row job;
    struct err err;
    bool runs;

    if (records_get_job(api_of(r)->db, request_arena(r), caller->tenant, id, &job, &err) < 0) {
        native_fail(r, caller, &err);
        return;
    }
    runs = text_is(job.state, "claimed") && job_progress(api_of(r)->jobs, id, &progress);
    rep.body = native_document(request_arena(r), &job, runs ? &progress : NULL);
    if (job_state_parse(job.state, &state) && !job_state_is_final(state))
        reply_header(&rep, r, "Retry-After", "%d", 1);
    request_reply(r, &rep);
}

static void job_run_get(struct request *r)
{
    const char *id = request_param(r, "id");
    struct caller caller;

    if (!native_enter(r, "read", &caller))
        return;
    if (id_is_valid(id))
        native_send_job(r, &caller, id);
    else
        native_problem(r, 400, "a job id has 24 hexadecimal digits");
}

static const struct handler job_get = {.run = job_run_get};

static void ready_run(struct request *r)
{
    static const char body[] = "{\"ready\":true}";
    struct reply rep = {.status = 200, .type = "application/json", .body = bytes_of(body, sizeof body - 1)};

    if (lab_is_ready(api_of(r)->lab))
        request_reply(r, &rep);
    else
        native_problem(r, 503,
                       "the models are still loading, or the keeper could not load them; see the log");
}

static const struct handler ready_get = {.run = ready_run};

static const struct route routes[] = {
    {"POST", "/v1/jobs", &native_job_submit, BODY_UPLOAD},
    {"GET", "/v1/jobs/{id}", &job_get, 0},
    {"DELETE", "/v1/jobs/{id}", &native_job_delete, 0},
    {"GET", "/readyz", &ready_get, 0},
};

static const char *const prefixes[] = {"", NULL};

static bool owns(const struct api_opts *opts UNUSED, const char *path)
{
    (void)path;
    return true;
}

const struct dialect dialect_native = {
    .name = "native",
    .routes = routes,
    .nroutes = COUNT_OF(routes),
    .prefixes = prefixes,
    .owns = owns,
    .error = native_problem,
    .webhook = native_webhook,
    .event = native_event,
    .camera = native_camera,
};
