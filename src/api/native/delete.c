/* DELETE /v1/jobs/{id}: takes a job back, or, when it is finished, removes it for good. */
#include "api/native/native_int.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

/* What becomes of a job, and who may do it. */
static const struct action {
    const char *becomes, *scope;
    void (*run)(struct jobs *jobs, const struct job_order *order, job_ordered *cb, void *arg);
} actions[] = {
    [false] = {"cancelled", "submit", job_cancel},
    [true] = {"deleted", "admin", job_delete},
};

/* One order on its way. */
struct removal {
    struct request *request;
    struct caller caller;
    const char *id;
    const struct action *action;
};

static void reply_done(const struct removal *rm)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct reply rep = {.status = 200, .type = "application/json"};
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", rm->id);
    yyjson_mut_obj_add_str(doc, root, "state", rm->action->becomes);
    rep.body = json_write(request_arena(rm->request), doc);
    request_reply(rm->request, &rep);
}

static void ordered(void *arg, const struct err *err)
{
    struct removal *rm = arg;

    if (err->kind == ERR_NONE) {
        log_info("audit", "action=job_%s job=%s req=%s tenant=%s key=%s", rm->action->becomes, rm->id,
                 request_id(rm->request), rm->caller.tenant, rm->caller.key_id);
        reply_done(rm);
    } else {
        native_problem(rm->request,
                       err->kind == ERR_NOT_FOUND  ? 404
                       : err->kind == ERR_CONFLICT ? 409
                       : err->kind == ERR_BUSY     ? 503
                       : err->kind == ERR_FULL     ? 507
                                                   : 500,
                       err->text);
    }
}

static void delete_job(struct removal *rm, const char *state_name)
{
    struct api *api = api_of(rm->request);
    enum job_state state;

    if (!job_state_parse(state_name, &state)) {
        native_problem(rm->request, 500, "the job's record cannot be read");
        return;
    }
    rm->action = &actions[job_state_is_final(state)];
    if (caller_may(&rm->caller, rm->action->scope))
        rm->action->run(api->jobs, &(struct job_order){rm->caller.tenant, rm->id, rm->caller.key_id}, ordered,
                        rm);
    else
        native_problem(rm->request, 403,
                       job_state_is_final(state)
                           ? "to delete a finished job needs a key with the scope 'admin'"
                           : "to cancel a job needs a key with the scope 'submit'");
}

static void delete_run(struct request *r)
{
    struct removal *rm = arena_alloc(request_arena(r), sizeof *rm);
    struct job_row job;
    struct err err;

    rm->request = r;
    rm->id = request_param(r, "id");
    if (!native_enter(r, NULL, &rm->caller))
        return;
    if (!id_is_valid(rm->id))
        native_problem(r, 400, "a job id has 24 hexadecimal digits");
    else if (records_get_job(api_of(r)->db, request_arena(r), rm->caller.tenant, rm->id, &job, &err) < 0)
        native_problem(r, err.kind == ERR_NOT_FOUND ? 404 : 500, err.text);
    else
        delete_job(rm, job.state);
}

const struct handler native_job_delete = {.run = delete_run};
