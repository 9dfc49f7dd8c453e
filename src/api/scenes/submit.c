/* From a client's request to its 202, for videos and pictures alike. */
#include <math.h>
#include <string.h>

#include "api/scenes/scenes_int.h"
#include "base/cleanup.h"
#include "net/guard.h"
#include "store/pace.h"

/* ---- when to ask again ---- */

int64_t scenes_retry_seconds(struct records *db, enum media m, double units)
{
    double ms;

    if (records_pace(db, media_words(m)->pipeline, &ms, NULL) < 0)
        return 1;
    return (int64_t)ceil(fmin(fmax(units * ms / 1000, 1), 60));
}

/* Nobody knows before it is decoded. 2 Mbit/s is common. */
double scenes_guess_seconds(int64_t bytes)
{
    return (double)bytes / (256 << 10);
}

/* ---- the head ---- */

/* Refused before the body, where that can be known. Not a request that may be the second try of one which has
 * its job already. */
static int find_room(struct ask *s, struct err *err)
{
    if (request_header(s->request, "Idempotency-Key"))
        return 0;
    return job_room(api_of(s->request)->jobs, s->caller.tenant, s->caller.max_jobs, err);
}

bool ask_begin(struct ask *s, struct request *r, enum media m)
{
    struct api *api = api_of(r);
    struct err err;

    s->request = r;
    s->media = m;
    if (!scenes_enter(r, "submit", &s->caller))
        return false;
    if (find_room(s, &err) == 0 &&
        scenes_parse_time(request_header(r, "Max-Processing-Time"), &api->opts.scenes, &s->deadline_ms,
                          &err) == 0 &&
        keyed_begin(&s->keyed, api->keys_in_use, r, s->caller.tenant, &err) == 0)
        return true;
    scenes_fail(r, &s->caller, &err);
    return false;
}

int ask_piece(struct ask *s, struct bytes piece)
{
    if (s->err.kind != ERR_NONE)
        return -1;
    return gate_more(api_of(s->request)->gate, s->request, &s->caller, piece.len, &s->err);
}

void ask_gone(struct ask *s)
{
    if (s)
        keyed_end(&s->keyed);
}

/* ---- the webhook ---- */

int ask_find_callback(struct ask *s, struct err *err)
{
    struct request *r = s->request;
    struct callback carriers[] = {
        s->callback,
        {request_header(r, "Webhook-Url"), request_header(r, "Webhook-Secret")},
        {request_query(r, "webhook.url"), request_query(r, "webhook.secret")},
    };

    s->callback = (struct callback){0};
    for (size_t i = 0; i < COUNT_OF(carriers); i++)
        if (carriers[i].url && *carriers[i].url) {
            s->callback = carriers[i];
            break;
        }
    if (scenes_check_callback(&s->callback, err) < 0)
        return -1;
    return s->callback.url ? url_check(s->callback.url, api_of(r)->guard, NULL, err) : 0;
}

/* ---- the answer ---- */

static void reply_accepted(struct ask *s, const char *id)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    static const char *const paths[] = {[MEDIA_VIDEO] = "/v1/videos", [MEDIA_IMAGE] = "/v1/images"};
    struct request *r = s->request;
    struct arena *a = request_arena(r);
    struct api *api = api_of(r);
    struct reply rep = {.status = 202, .type = "application/json"};
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    const char *job_id = scenes_id(a, s->media, id);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "job_id", job_id);
    rep.body = json_write(a, doc);
    reply_header(&rep, r, "Location", "%s/%s", scenes_path(a, &api->opts.scenes, paths[s->media]), job_id);
    reply_header(&rep, r, "Retry-After", "%lld",
                 (long long)scenes_retry_seconds(api->db, s->media, s->units));
    request_reply(r, &rep);
}

void ask_refuse(struct ask *s, int status, const char *text)
{
    keyed_end(&s->keyed); /* first: the client may try again at once */
    scenes_problem(s->request, status, text);
}

void ask_fail(struct ask *s, const struct err *err)
{
    keyed_end(&s->keyed);
    scenes_fail(s->request, &s->caller, err);
}

static void accepted(void *arg, const struct job_ticket *ticket, const struct err *err)
{
    struct ask *s = arg;

    keyed_end(&s->keyed); /* before anybody can know of the job and send its request again */
    if (err->kind != ERR_NONE)
        scenes_fail(s->request, &s->caller, err);
    else
        reply_accepted(s, ticket->id);
}

/* ---- the job ---- */

static int fill(struct ask *s, struct scenes_notes *notes, struct job_request *job, struct err *err)
{
    struct api *api = api_of(s->request);
    struct subject_part *parts = NULL;
    size_t n = job->spec.scenes.nparts;

    parts = arena_array(request_arena(s->request), n, sizeof *parts);
    if (n)
        memcpy(parts, job->spec.scenes.parts, n * sizeof *parts);
    job->spec = job_spec_defaults();
    if (scenes_params_of(&api->opts.scenes, &job->spec.scenes, err) < 0)
        return -1;
    job->spec.scenes.parts = parts;
    job->spec.scenes.nparts = n;
    job->spec.pipeline = media_words(s->media)->pipeline;
    job->spec.deadline_ms = s->deadline_ms;
    job->tenant = s->caller.tenant;
    job->max_jobs = s->caller.max_jobs;
    job->dialect = "scenes";
    job->origin = request_id(s->request);
    notes->media = s->media;
    notes->callback = s->callback;
    job->request = scenes_notes_to_json(request_arena(s->request), notes);
    if (s->keyed.key[0]) {
        job->key = s->keyed.key;
        job->fingerprint = s->keyed.fingerprint;
    }
    return 0;
}

void ask_submit_take(struct ask *s, struct scenes_notes *notes, struct job_request *job)
{
    CLEANUP(blob_writer_freep) struct blob_writer *body = TAKE(job->body);
    struct api *api = api_of(s->request);
    struct key_use use;
    struct err err = {0};

    switch (keyed_look(&s->keyed, api->db, &use, &err)) {
    case KEY_NEW:
        if (fill(s, notes, job, &err) < 0) {
            ask_fail(s, &err);
            return;
        }
        job->body = TAKE(body);
        job_submit(api->jobs, job, accepted, s);
        return;
    case KEY_REPLAY:
        keyed_end(&s->keyed);
        reply_accepted(s, use.job);
        return;
    case KEY_OTHER:
        ask_refuse(s, 422, "this Idempotency-Key was used for another request");
        return;
    case KEY_ERROR:
        ask_fail(s, &err);
        return;
    }
}
