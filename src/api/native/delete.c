/* DELETE /v1/jobs/{id}: takes a job back, or, when it is finished, removes it for good. */
#include "api/native/native_int.h"
#include "api/remove.h"
#include "base/cleanup.h"
#include "base/json.h"

static void reply_done(struct request *r, const char *id, const char *becomes)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct reply rep = {.status = 200, .type = "application/json"};
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", id);
    yyjson_mut_obj_add_str(doc, root, "state", becomes);
    rep.body = json_write(request_arena(r), doc);
    request_reply(r, &rep);
}

static const struct remove_manners manners = {reply_done, native_problem};

static void delete_run(struct request *r)
{
    const char *id = request_param(r, "id");
    struct caller caller;
    struct job_row job;
    struct err err;

    if (!native_enter(r, NULL, &caller))
        return;
    if (!id_is_valid(id))
        native_problem(r, 400, "a job id has 24 hexadecimal digits");
    else if (records_get_job(api_of(r)->db, request_arena(r), caller.tenant, id, &job, &err) < 0)
        native_problem(r, err.kind == ERR_NOT_FOUND ? 404 : 500, err.text);
    else
        remove_job(r, &caller, &job, &manners);
}

const struct handler native_job_delete = {.run = delete_run};
