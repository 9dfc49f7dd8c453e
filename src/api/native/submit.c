/* POST /v1/jobs: a file as multipart/form-data, or a JSON object with the URL of one. */
#include <string.h>

#include "api/idempotent.h"
#include "api/intake.h"
#include "api/native/native_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "net/multipart.h"

enum part_kind { PART_NONE, PART_FILE, PART_FIELD };

/* One submit on its way. */
struct submission {
    struct request *request;
    struct caller caller;
    struct multipart *multipart; /* NULL: the body is JSON */
    struct blob_writer *file;
    enum part_kind part;
    char field[64]; /* name of the part, when it is a field */
    bool has_file;
    struct buf text; /* of the field, or the JSON body */
    char name[256];  /* of the file part */
    struct native_ask ask;
    struct keyed keyed;
    double wait_s;
    struct err err; /* the first fault; what follows of the body is dropped */
    char id[ID_TEXT];
};

/* ---- the body: a form ---- */

static int part_begin(void *arg, const struct part *part, struct err *err)
{
    struct submission *s = arg;
    struct api *api = api_of(s->request);

    keyed_part(&s->keyed, part);
    if (!text_is(part->name, "file")) {
        s->part = PART_FIELD;
        buf_clear(&s->text);
        s->text = BUF(NATIVE_FIELD_MAX);
        text_copy(s->field, sizeof s->field, part->name);
        return 0;
    }
    if (s->has_file)
        return FAIL(err, ERR_INPUT, "the form has more than one part 'file'");
    s->part = PART_FILE;
    s->has_file = true;
    text_base_name(s->name, sizeof s->name, part->file_name ? part->file_name : "");
    return blob_begin(&s->file, api->blobs, api->opts.max_upload, err);
}

static int add_text(struct submission *s, struct bytes piece, struct err *err)
{
    buf_add(&s->text, piece.data, piece.len);
    return s->text.overflow
               ? FAIL(err, ERR_LIMIT, "fields and JSON have at most %d KiB", NATIVE_FIELD_MAX >> 10)
               : 0;
}

static int part_data(void *arg, struct bytes piece, struct err *err)
{
    struct submission *s = arg;

    keyed_data(&s->keyed, piece);
    return s->part == PART_FILE ? blob_add(s->file, piece, err) : add_text(s, piece, err);
}

static int part_end(void *arg, struct err *err)
{
    struct submission *s = arg;
    enum part_kind part = s->part;

    keyed_part_end(&s->keyed);
    s->part = PART_NONE;
    if (part != PART_FIELD)
        return 0;
    return native_parse_field(request_arena(s->request), s->field, buf_bytes(&s->text), &s->ask, err);
}

static const struct multipart_events part_events = {part_begin, part_data, part_end};

/* ---- the head ---- */

static int read_wait(struct submission *s, struct err *err)
{
    const char *text = request_query(s->request, "wait");
    double most = (double)api_limit(&api_of(s->request)->opts.sync_wait_ms) / 1000;

    s->wait_s = native_parse_prefer(request_header(s->request, "Prefer"));
    if (text && (!text_to_double(text, &s->wait_s) || s->wait_s < 0))
        return FAIL(err, ERR_INPUT, "wait is a number of seconds");
    if (s->wait_s > most)
        s->wait_s = most;
    return 0;
}

/* "application/json; charset=utf-8" */
static bool is_json(const char *type)
{
    size_t n = strlen("application/json");

    return type && strncasecmp(type, "application/json", n) == 0 && (!type[n] || strchr("; \t", type[n]));
}

static int read_type(struct submission *s, struct err *err)
{
    const char *type = request_header(s->request, "Content-Type");

    if (is_json(type))
        return 0;
    if (multipart_new(&s->multipart, type ? type : "", &part_events, s, err) == 0)
        return 0;
    if (err->kind == ERR_UNSUPPORTED)
        return FAIL(err, ERR_UNSUPPORTED,
                    "send multipart/form-data with a part 'file', or application/json with a url");
    return -1;
}

/* Refused before the body, where that can be known. Not a request that may be the second try of one which has
 * its job already. */
static int find_room(struct submission *s, struct err *err)
{
    if (request_header(s->request, "Idempotency-Key"))
        return 0;
    return job_room(api_of(s->request)->jobs, s->caller.tenant, s->caller.max_jobs, err);
}

static void submit_head(struct request *r)
{
    struct submission *s = arena_alloc(request_arena(r), sizeof *s);
    struct err err;

    s->request = r;
    s->text = BUF(NATIVE_FIELD_MAX);
    request_set_data(r, s);
    if (!native_enter(r, "submit", &s->caller))
        return;
    if (find_room(s, &err) < 0 || read_wait(s, &err) < 0 || read_type(s, &err) < 0 ||
        keyed_begin(&s->keyed, api_of(r)->keys_in_use, r, s->caller.tenant, &err) < 0)
        native_fail(r, &s->caller, &err);
}

static int feed(struct submission *s, struct bytes piece, struct err *err)
{
    if (gate_more(api_of(s->request)->gate, s->request, &s->caller, piece.len, err) < 0)
        return -1;
    if (s->multipart)
        return multipart_feed(s->multipart, piece, err);
    keyed_data(&s->keyed, piece);
    return add_text(s, piece, err);
}

static void submit_body(struct request *r, struct bytes piece)
{
    struct submission *s = request_data(r);

    if (s->err.kind == ERR_NONE && feed(s, piece, &s->err) < 0)
        blob_writer_freep(&s->file); /* the rest of the body may take its time */
}

/* ---- it is complete ---- */

static int check_subject(const struct submission *s, struct err *err)
{
    if (s->has_file && s->ask.url)
        return FAIL(err, ERR_INPUT, "send a file or a url, not both");
    if (!s->has_file && !s->ask.url)
        return FAIL(err, ERR_INPUT, "there is nothing to judge: a part 'file' or a url is needed");
    if (s->has_file && !blob_written(s->file))
        return FAIL(err, ERR_INPUT, "the part 'file' is empty");
    return 0;
}

static int read_body(struct submission *s, struct err *err)
{
    struct arena *a = request_arena(s->request);

    if (s->err.kind != ERR_NONE) {
        *err = s->err;
        return -1;
    }
    if (s->multipart)
        return multipart_finish(s->multipart, err);
    keyed_part_end(&s->keyed);
    return native_parse_json(a, buf_bytes(&s->text), &s->ask, err);
}

/* Everything a client can do wrong is found while it is there. */
static int fill(struct submission *s, struct job_request *job, struct err *err)
{
    struct api *api = api_of(s->request);
    struct arena *a = request_arena(s->request);
    struct native_ask *ask = &s->ask;
    char name[sizeof s->name];

    if (read_body(s, err) < 0 || check_subject(s, err) < 0)
        return -1;
    job->spec = api_spec(api, a, s->caller.tenant, ask->camera ? ask->camera : "");
    text_base_name(name, sizeof name, ask->name ? ask->name : s->name);
    job->name = arena_strdup(a, name);
    if (native_apply(a, ask, &job->spec, err) < 0 ||
        (ask->webhook && url_check(ask->webhook, api->guard, NULL, err) < 0) ||
        (ask->url && intake_take_url(api->sources, a, ask->url, job, err) < 0))
        return -1;
    job->request = native_notes(a, ask);
    return 0;
}

static void reply_accepted(struct submission *s, const struct job_ticket *ticket)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct request *r = s->request;
    struct reply rep = {.status = 202, .type = "application/json"};
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    char when[CLOCK_TEXT];

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", ticket->id);
    yyjson_mut_obj_add_str(doc, root, "state", job_state_name(JOB_NEW));
    yyjson_mut_obj_add_str(doc, root, "created_at", clock_rfc3339(when, ticket->created_us));
    rep.body = json_write(request_arena(r), doc);
    reply_header(&rep, r, "Location", "/v1/jobs/%s", ticket->id);
    reply_header(&rep, r, "Retry-After", "%d", 1);
    request_reply(r, &rep);
}

/* Waited for and finished: the job. Not finished in that time: it goes on, and is polled. */
static void waited(void *arg, bool finished)
{
    struct submission *s = arg;
    struct job_ticket ticket = {0};
    struct job_row job;

    if (finished) {
        native_send_job(s->request, &s->caller, s->id);
        return;
    }
    memcpy(ticket.id, s->id, sizeof ticket.id);
    if (records_get_job(api_of(s->request)->db, request_arena(s->request), s->caller.tenant, s->id, &job,
                        NULL) == 0)
        ticket.created_us = job.created_us;
    reply_accepted(s, &ticket);
}

static void accepted(void *arg, const struct job_ticket *ticket, const struct err *err)
{
    struct submission *s = arg;
    struct api *api = api_of(s->request);

    keyed_end(&s->keyed); /* before anybody can know of the job and send its request again */
    if (err->kind != ERR_NONE) {
        native_fail(s->request, &s->caller, err);
    } else if (s->wait_s > 0) {
        memcpy(s->id, ticket->id, sizeof s->id);
        job_wait(api->jobs, s->id, clock_mono_us() + (int64_t)(s->wait_s * 1e6), waited, s);
    } else {
        reply_accepted(s, ticket);
    }
}

static void submit_job(struct submission *s, struct job_request *job)
{
    struct api *api = api_of(s->request);

    job->tenant = s->caller.tenant;
    job->max_jobs = s->caller.max_jobs;
    job->dialect = "native";
    job->origin = request_id(s->request);
    job->reuse = api->opts.reuse;
    job->priority = s->wait_s > 0 ? JOB_URGENT : JOB_NORMAL;
    if (s->keyed.key[0]) {
        job->key = s->keyed.key;
        job->fingerprint = s->keyed.fingerprint;
    }
    job->body = TAKE(s->file);
    job_submit(api->jobs, job, accepted, s);
}

/* A refusal frees the key first: the client may try again at once. */
static void refuse(struct submission *s, const struct err *err)
{
    keyed_end(&s->keyed);
    native_fail(s->request, &s->caller, err);
}

/* The answer of the first time: the same job, waited for when this one waits. */
static void replay(struct submission *s, const struct key_use *use)
{
    struct job_ticket ticket = {.created_us = use->created_us};

    memcpy(ticket.id, use->job, sizeof ticket.id);
    accepted(s, &ticket, &(struct err){0});
}

static void submit_run(struct request *r)
{
    struct submission *s = request_data(r);
    struct job_request job = {0};
    struct key_use use;
    struct err err = {0};

    if (fill(s, &job, &err) < 0) {
        refuse(s, &err);
        return;
    }
    switch (keyed_look(&s->keyed, api_of(r)->db, &use, &err)) {
    case KEY_NEW:
        submit_job(s, &job);
        break;
    case KEY_REPLAY:
        replay(s, &use);
        break;
    case KEY_OTHER:
        keyed_end(&s->keyed);
        native_problem(r, 422, "this Idempotency-Key was used for another request");
        break;
    case KEY_ERROR:
        refuse(s, &err);
        break;
    }
}

static void submit_gone(struct request *r)
{
    struct submission *s = request_data(r);

    if (!s)
        return;
    keyed_end(&s->keyed);
    multipart_freep(&s->multipart);
    blob_writer_freep(&s->file);
    buf_clear(&s->text);
}

const struct handler native_job_submit = {submit_head, submit_body, submit_run, submit_gone};

/* ---- webhooks: the body is what GET /v1/jobs/{id} answers ---- */

const char *native_webhook(struct arena *a, const struct job_row *job)
{
    return native_webhook_of(a, job->request);
}

const char *native_camera(struct arena *a, const struct job_row *job)
{
    const char *camera = native_camera_of(a, job->request);

    return camera ? camera : "";
}

int native_event(const struct api *api UNUSED, struct arena *a, const struct job_row *job,
                 struct bytes *ret_body, struct err *err UNUSED)
{
    *ret_body = native_document(a, job, NULL);
    return 0;
}
