#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/alarm/alarm_int.h"
#include "api/idempotent.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "net/guard.h"
#include "net/multipart.h"

static const char no_access[] = "no access to current endpoint, make sure you are using correct API key";

/* ---------------------------------------------------------------- replies */

static struct bytes error_body(struct arena *a, const char *text, const char *id)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_bool(doc, root, "success", false);
    yyjson_mut_obj_add_str(doc, root, "error", text);
    if (id)
        yyjson_mut_obj_add_str(doc, root, "id", id);
    return json_write(a, doc);
}

void alarm_error(struct request *r, int status, const char *text)
{
    alarm_reply(r, NULL, status, error_body(request_arena(r), text, NULL));
}

void alarm_fail_as(struct request *r, const struct caller *caller, int status, const char *text)
{
    alarm_reply(r, caller, status, error_body(request_arena(r), text, NULL));
}

/* 412 is this API's "your request makes no sense"; it has no 400 for uploads. */
static const struct {
    enum err_kind kind;
    int status;
} statuses[] = {
    {ERR_INPUT, 412},    {ERR_LIMIT, 413}, {ERR_UNSUPPORTED, 415}, {ERR_DENIED, 403}, {ERR_NOT_FOUND, 404},
    {ERR_CONFLICT, 409}, {ERR_BUSY, 503},  {ERR_TIMEOUT, 408},     {ERR_QUOTA, 429},  {ERR_FULL, 507},
};

void alarm_fail(struct request *r, const struct caller *caller, const struct err *err)
{
    int status = 500;

    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (statuses[i].kind == err->kind)
            status = statuses[i].status;
    if (status == 500 || status == 507)
        log_error("request failed", "req=%s path=%s code=%s why=%s", request_id(r), request_path(r),
                  err_code(err->kind), err->text);
    alarm_fail_as(r, caller, status,
                  status == 500   ? "internal server error"
                  : status == 507 ? "the disk of the server is full, nothing was accepted; try again later"
                                  : err->text);
}

static void add_rate_headers(struct reply *rep, struct request *r, const struct caller *caller, int status)
{
    if (status == 503 || (status == 429 && caller && !caller->over_rate))
        reply_header(rep, r, "Retry-After", "%d", 5);
    if (!caller || !caller->limit)
        return;
    if (status != 500) {
        reply_header(rep, r, "X-Rate-Limit-Limit", "%" PRId64, caller->limit);
        reply_header(rep, r, "X-Rate-Limit-Remaining", "%" PRId64, caller->remaining);
        reply_header(rep, r, "X-Rate-Limit-Reset", "%" PRId64, caller->reset_seconds);
    }
    if (status == 429 && caller->over_rate)
        reply_header(rep, r, "Retry-After", "%" PRId64, caller->reset_seconds);
}

void alarm_reply(struct request *r, const struct caller *caller, int status, struct bytes body)
{
    struct reply rep = {.status = status, .type = "application/json", .body = body};

    add_rate_headers(&rep, r, caller, status);
    request_reply(r, &rep);
}

bool alarm_enter(struct request *r, const char *scope, struct caller *ret_caller)
{
    struct need need = {.dialect = "alarm", .scope = scope};
    struct err err;

    if (gate_enter(api_of(r)->gate, r, &need, ret_caller, &err) == 0)
        return true;
    if (err.kind == ERR_BUSY || err.kind == ERR_QUOTA)
        alarm_fail_as(r, ret_caller, 429, err.text);
    else if (err.kind == ERR_DENIED)
        alarm_error(r, 403, no_access);
    else
        alarm_fail(r, NULL, &err);
    return false;
}

static bool id_is_fine(struct request *r, const struct caller *caller, const char *id)
{
    if (!id_is_valid(id))
        alarm_fail_as(r, caller, 400, "a result id has 24 hexadecimal digits");
    return id_is_valid(id);
}

const char *alarm_enter_id(struct request *r, const char *scope, struct caller *ret_caller)
{
    const char *id = request_param(r, "id");

    return alarm_enter(r, scope, ret_caller) && id_is_fine(r, ret_caller, id) ? id : NULL;
}

/* ---------------------------------------------------------------- POST /classify */

enum part_kind { PART_OTHER, PART_VIDEO, PART_METADATA };

/* One upload on its way. */
struct upload {
    struct request *request;
    struct caller caller;
    struct multipart *multipart;
    struct blob_writer *video;
    enum part_kind part;
    bool has_video, has_metadata, sync;
    struct buf metadata;
    char name[256];
    struct keyed keyed;
    struct err err; /* the first fault; what follows of the body is dropped */
    char id[ID_TEXT];
    const char *webhook; /* NULL = none */
    struct alarm_notes notes;
};

static int part_begin(void *arg, const struct part *part, struct err *err)
{
    struct upload *u = arg;
    struct api *api = api_of(u->request);

    keyed_part(&u->keyed, part);
    u->part = text_is(part->name, "video")      ? PART_VIDEO
              : text_is(part->name, "metadata") ? PART_METADATA
                                                : PART_OTHER;
    if (u->part == PART_METADATA) {
        if (u->has_metadata)
            return FAIL(err, ERR_INPUT, "more than one part 'metadata'");
        u->has_metadata = true;
    }
    if (u->part != PART_VIDEO)
        return 0;
    if (u->has_video)
        return FAIL(err, ERR_INPUT, "more than one part 'video'");
    u->has_video = true;
    text_base_name(u->name, sizeof u->name, part->file_name ? part->file_name : "");
    return blob_begin(&u->video, api->blobs, api->opts.max_upload, err);
}

static int part_data(void *arg, struct bytes piece, struct err *err)
{
    struct upload *u = arg;

    keyed_data(&u->keyed, piece);
    if (u->part == PART_VIDEO)
        return blob_add(u->video, piece, err);
    if (u->part == PART_METADATA) {
        buf_add(&u->metadata, piece.data, piece.len);
        if (u->metadata.overflow)
            return FAIL(err, ERR_INPUT, "metadata is larger than %d KiB", METADATA_MAX >> 10);
    }
    return 0;
}

static int part_end(void *arg, struct err *err)
{
    struct upload *u = arg;

    (void)err;
    keyed_part_end(&u->keyed);
    u->part = PART_OTHER;
    return 0;
}

static const struct multipart_events part_events = {part_begin, part_data, part_end};

static bool wants_sync(struct request *r)
{
    const char *sync = request_query(r, "sync");

    return text_is(sync, "true") || text_is(sync, "1");
}

/* Checked now, so that a URL which will never be called is refused while the client is there. */
static int read_webhook(struct upload *u, struct err *err)
{
    const char *url = request_query(u->request, "webhook");

    if (!url || !*url)
        return 0;
    u->webhook = url;
    return url_check(url, api_of(u->request)->guard, NULL, err);
}

/* Refused before the body, where that can be known. Not a request that may be the second try of one which has
 * its job already. */
static int find_room(struct upload *u, struct err *err)
{
    struct api *api = api_of(u->request);

    if (request_header(u->request, "Idempotency-Key"))
        return 0;
    return job_room(api->jobs, u->caller.tenant, u->caller.max_jobs, err);
}

static void classify_head(struct request *r)
{
    struct upload *u = arena_alloc(request_arena(r), sizeof *u);
    const char *type = request_header(r, "Content-Type");
    struct err err;

    u->request = r;
    u->metadata = BUF(METADATA_MAX);
    request_set_data(r, u);
    if (!alarm_enter(r, "submit", &u->caller))
        return;
    u->sync = wants_sync(r);
    if (find_room(u, &err) < 0 || read_webhook(u, &err) < 0 ||
        keyed_begin(&u->keyed, api_of(r)->keys_in_use, r, u->caller.tenant, &err) < 0 ||
        multipart_new(&u->multipart, type ? type : "", &part_events, u, &err) < 0)
        alarm_fail(r, &u->caller, &err);
}

static void classify_body(struct request *r, struct bytes piece)
{
    struct upload *u = request_data(r);

    if (u->err.kind != ERR_NONE)
        return;
    if (gate_more(api_of(r)->gate, r, &u->caller, piece.len, &u->err) < 0 ||
        multipart_feed(u->multipart, piece, &u->err) < 0)
        blob_writer_freep(
            &u->video); /* now: the rest of the body may take its time, and the disk may be full */
}

static int check_upload(struct upload *u, struct err *err)
{
    struct arena *a = request_arena(u->request);

    if (u->err.kind != ERR_NONE) {
        *err = u->err;
        return -1;
    }
    if (multipart_finish(u->multipart, err) < 0)
        return -1;
    if (!u->has_video)
        return FAIL(err, ERR_INPUT, "the form has no part 'video' with the file to classify");
    if (!blob_written(u->video))
        return FAIL(err, ERR_INPUT, "the part 'video' is empty");
    return alarm_parse_notes(a, buf_bytes(&u->metadata), request_query(u->request, "analyse_id"), &u->notes,
                             err);
}

static void send_result(struct request *r, const struct caller *caller, const char *id);

static void upload_waited(void *arg, bool finished)
{
    struct upload *u = arg;
    const char *text = "the analysis takes longer than a synchronous request may wait; "
                       "it goes on: poll /api/result/{id} with the id";

    if (finished)
        send_result(u->request, &u->caller, u->id);
    else
        alarm_reply(u->request, &u->caller, 408, error_body(request_arena(u->request), text, u->id));
}

static void reply_accepted(struct upload *u, const struct job_ticket *ticket)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct request *r = u->request;
    struct reply rep = {.status = 200, .type = "application/json"};
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    char when[CLOCK_TEXT];

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", ticket->id);
    yyjson_mut_obj_add_str(doc, root, "accepted_at", clock_rfc3339(when, ticket->created_us));
    rep.body = json_write(request_arena(r), doc);
    reply_header(&rep, r, "Location", "/api/result/%s", ticket->id);
    add_rate_headers(&rep, r, &u->caller, 200);
    request_reply(r, &rep);
}

static void upload_accepted(void *arg, const struct job_ticket *ticket, const struct err *err)
{
    struct upload *u = arg;
    struct api *api = api_of(u->request);

    keyed_end(&u->keyed); /* before anybody can know of the job and send its request again */
    if (err->kind != ERR_NONE) {
        alarm_fail(u->request, &u->caller, err);
        return;
    }
    memcpy(u->id, ticket->id, sizeof u->id);
    if (u->sync)
        job_wait(api->jobs, u->id, clock_mono_us() + api_limit(&api->opts.sync_wait_ms) * 1000, upload_waited,
                 u);
    else
        reply_accepted(u, ticket);
}

static void submit_upload(struct upload *u)
{
    struct request *r = u->request;
    struct api *api = api_of(r);
    struct arena *a = request_arena(r);
    struct job_request job = {.tenant = u->caller.tenant,
                              .max_jobs = u->caller.max_jobs,
                              .dialect = "alarm",
                              .name = u->name,
                              .origin = request_id(r)};

    job.spec = api_spec(api, a, u->caller.tenant, u->notes.camera_id);
    u->notes.webhook = u->webhook;
    job.request = alarm_notes_to_json(a, &u->notes);
    job.number = u->notes.analyse_id;
    job.reuse = api->opts.reuse;
    job.priority = u->sync ? JOB_URGENT : JOB_NORMAL;
    if (u->keyed.key[0]) {
        job.key = u->keyed.key;
        job.fingerprint = u->keyed.fingerprint;
    }
    job.body = TAKE(u->video);
    job_submit(api->jobs, &job, upload_accepted, u);
}

/* The answer of the first time: the same job, waited for when this one waits. */
static void replay(struct upload *u, const struct key_use *use)
{
    struct job_ticket ticket = {.created_us = use->created_us};

    memcpy(ticket.id, use->job, sizeof ticket.id);
    upload_accepted(u, &ticket, &(struct err){0});
}

/* A refusal frees the key first: the client may try again at once. */
static void refuse_upload(struct upload *u, int status, const struct err *err)
{
    keyed_end(&u->keyed);
    if (status)
        alarm_fail_as(u->request, &u->caller, status, err->text);
    else
        alarm_fail(u->request, &u->caller, err);
}

static void classify_run(struct request *r)
{
    static const struct err other = {ERR_CONFLICT, "this Idempotency-Key was used for another request"};
    struct upload *u = request_data(r);
    struct key_use use;
    struct err err = {0};

    if (check_upload(u, &err) < 0) {
        refuse_upload(u, 0, &err);
        return;
    }
    switch (keyed_look(&u->keyed, api_of(r)->db, &use, &err)) {
    case KEY_NEW:
        submit_upload(u);
        break;
    case KEY_REPLAY:
        replay(u, &use);
        break;
    case KEY_OTHER:
        refuse_upload(u, 422, &other);
        break;
    case KEY_ERROR:
        refuse_upload(u, 0, &err);
        break;
    }
}

static void classify_gone(struct request *r)
{
    struct upload *u = request_data(r);

    if (!u)
        return;
    keyed_end(&u->keyed);
    multipart_freep(&u->multipart);
    blob_writer_freep(&u->video);
    buf_clear(&u->metadata);
}

const struct handler alarm_classify = {classify_head, classify_body, classify_run, classify_gone};

/* ---------------------------------------------------------------- GET /result */

static void send_job(struct request *r, const struct caller *caller, const struct job_row *job,
                     int64_t generation)
{
    struct api *api = api_of(r);
    struct arena *a = request_arena(r);
    struct reply rep = {.status = 200, .type = "application/json"};
    enum job_state state;
    struct err err;

    if (alarm_render(a, &api->opts, job, &rep.body, &err) < 0 || !job_state_parse(job->state, &state)) {
        alarm_fail(r, caller, &(struct err){ERR_INTERNAL, "a stored result cannot be read"});
        return;
    }
    if (!job_state_is_final(state)) {
        reply_header(&rep, r, "Retry-After", "%d", 1);
    } else {
        struct kept_reply *k = kept_reply_new(200, rep.type, rep.body);
        reply_cache_put(api->cache, generation, caller->tenant, job->id, k, rep.body.len);
        kept_reply_unref(k);
    }
    add_rate_headers(&rep, r, caller, 200);
    request_reply(r, &rep);
}

static void send_result(struct request *r, const struct caller *caller, const char *id)
{
    int64_t generation = jobs_generation(api_of(r)->jobs); /* before the look */
    struct kept_reply *kept =
        caller->limit ? NULL : reply_cache_get(api_of(r)->cache, generation, caller->tenant, id);
    struct job_row job;
    struct err err;

    if (kept) {
        request_reply_kept(r, kept);
        kept_reply_unref(kept);
    } else if (records_get_job(api_of(r)->db, request_arena(r), caller->tenant, id, &job, &err) < 0) {
        alarm_fail(r, caller, &err);
    } else if (!text_is(job.dialect, "alarm")) {
        alarm_fail_as(r, caller, 404, "no such result");
    } else {
        send_job(r, caller, &job, generation);
    }
}

static void result_run(struct request *r)
{
    struct caller caller;
    const char *id = alarm_enter_id(r, "read", &caller);

    if (id)
        send_result(r, &caller, id);
}

const struct handler alarm_result = {.run = result_run};

/* The older form: GET /result?analyse_id=N, the newest job of the tenant with that number. */
static void result_by_number_run(struct request *r)
{
    const char *text = request_query(r, "analyse_id");
    struct caller caller;
    char id[ID_TEXT];
    int64_t number;
    struct err err;

    if (!alarm_enter(r, "read", &caller))
        return;
    if (!text || !text_to_i64(text, &number))
        alarm_fail_as(r, &caller, 400, "ask for /api/result/{id}, or give ?analyse_id=NUMBER");
    else if (records_find_number(api_of(r)->db, request_arena(r), caller.tenant, number, id, &err) < 0)
        alarm_fail(r, &caller, &err);
    else
        send_result(r, &caller, id);
}

const struct handler alarm_result_by_number = {.run = result_by_number_run};

/* ---------------------------------------------------------------- system */

static void version_run(struct request *r)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct api *api = api_of(r);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    struct model_ref *models;
    size_t n = lab_models(api->lab, request_arena(r), &models);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "tag", api->version);
    yyjson_mut_obj_add_str(doc, root, "node", api->node);
    yyjson_mut_obj_add_str(doc, root, "pod", "");
    yyjson_mut_obj_add_str(doc, root, "build_at", api->build_at);
    yyjson_mut_obj_add_str(doc, root, "model",
                           n ? arena_printf(request_arena(r), "%s %s", models[0].name, models[0].version)
                             : "");
    yyjson_mut_obj_add_str(doc, root, "namespace", "");
    alarm_reply(r, NULL, 200, json_write(request_arena(r), doc));
}

const struct handler alarm_version = {.run = version_run};

static void health_run(struct request *r)
{
    static const char body[] = "{\"success\":true}";

    alarm_reply(r, NULL, 200, bytes_of(body, sizeof body - 1));
}

const struct handler alarm_health = {.run = health_run};

/* ---------------------------------------------------------------- the table */

enum { SMALL_BODY = 64 << 10 };

static const struct route routes[] = {
    {"POST", "/classify", &alarm_classify, BODY_UPLOAD},
    {"GET", "/result/{id}", &alarm_result, 0},
    {"GET", "/result", &alarm_result_by_number, 0},
    {"GET", "/video/annotate/{id}", &alarm_annotated, 0},
    {"GET", "/avconv/serve.v2/{name}", &alarm_served, 0},
    {"GET", "/avconv/original/serve.v2/{name}", &alarm_original, 0},
    {"OPTIONS", "/label", &alarm_label_list, 0},
    {"GET", "/label", &alarm_label_list, 0},
    {"POST", "/label/{id}", &alarm_label_add, SMALL_BODY},
    {"POST", "/flow/labels", &alarm_flow_label_add, SMALL_BODY},
    {"GET", "/flow/labels/custom", &alarm_custom_list, 0},
    {"POST", "/flow/labels/custom", &alarm_custom_add, SMALL_BODY},
    {"GET", "/version", &alarm_version, 0},
    {"GET", "/healthz", &alarm_health, 0},
};

/* Canonical, the older form, and what the sample environment's server address makes of both. */
static const char *const prefixes[] = {"/api", "", "/v1", "/v1/api", NULL};

/* Everything that is not under a native path keeps this API's error shape, so that its clients can read a
 * wrong path, too. */
static bool owns(const struct api_opts *opts UNUSED, const char *path)
{
    static const char *const first[] = {"/classify", "/result", "/video", "/avconv", "/label", "/flow", NULL};

    if (text_starts(path, "/v1/") && !text_starts(path, "/v1/jobs"))
        path += 3;
    if (text_starts(path, "/api/"))
        return true;
    for (const char *const *p = first; *p; p++)
        if (text_starts(path, *p))
            return true;
    return false;
}

static int event(const struct api *api, struct arena *a, const struct job_row *job, struct bytes *ret_body,
                 struct err *err)
{
    return alarm_render(a, &api->opts, job, ret_body, err);
}

const struct dialect dialect_alarm = {
    .name = "alarm",
    .routes = routes,
    .nroutes = COUNT_OF(routes),
    .prefixes = prefixes,
    .owns = owns,
    .error = alarm_error,
    .webhook = alarm_webhook,
    .event = event,
    .camera = alarm_camera,
    .truth = alarm_truth,
};
