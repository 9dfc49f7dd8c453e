#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#define ROW(name, type, field, fallback, min, max, arg, help)                              \
    {                                                                                      \
        name, type, offsetof(struct provenance_opts, field), fallback, min, max, arg, help \
    }
const struct option provenance_options[] = {
    ROW("provenance-prefix", OPT_STRING, prefix, "/api", 0, 0, "PATH",
        "where the routes of the provenance API begin"),
    ROW("public-url", OPT_STRING, public_url, NULL, 0, 0, "URL",
        "what this server is called from outside, for links to pages; default: links without a host"),
    ROW("provenance-link-time", OPT_DURATION, link_ms, "7d", 1000, 3e10, "TIME",
        "how long a link to a result's page is good, at least"),
    ROW("provenance-version", OPT_STRING, version, "1.1", 0, 0, "VERSION",
        "form of results when the request has no X-Api-Version: 1.1 or 1.0"),
    ROW("provenance-submit-json", OPT_FLAG, submit_json, "false", 0, 0, NULL,
        "answer submits in JSON unless Accept names text/plain"),
    ROW("provenance-webhooks", OPT_FLAG, webhooks, "true", 0, 0, NULL, "webhook_url counts"),
    ROW("provenance-repeat-webhooks", OPT_FLAG, repeat_webhooks, "false", 0, 0, NULL,
        "call it also for a submit that is answered from an earlier result"),
    ROW("provenance-rates", OPT_STRING, rates, "none", 0, 0, "PRESET",
        "limits per key: none, or identifai (GET 2/s and 60/min, POST 1/s and 30/min)"),
    ROW("provenance-heuristic", OPT_STRING, heuristic, NULL, 0, 0, "NAME",
        "the heuristic that is the verdict; default: AverageExcludeObsolete"),
    ROW("provenance-heuristics", OPT_STRING, heuristics, NULL, 0, 0, "FILE",
        "heuristics of your own (docs/votes.md)"),
    ROW("provenance-c2pa-force", OPT_STRING, force, "valid", 0, 0, "WHEN",
        "Content Credentials which name a generative model decide when they are valid, or trusted, or never"),
    ROW("provenance-max-image", OPT_BYTES, max_image, "50M", 1024, 1e12, "SIZE", "largest image"),
    ROW("provenance-max-video", OPT_BYTES, max_video, "5G", 1024, 1e12, "SIZE", "largest video"),
    ROW("provenance-max-audio", OPT_BYTES, max_audio, "50M", 1024, 1e12, "SIZE", "largest sound"),
    ROW("provenance-max-tickets", OPT_INT, max_tickets, "32", 1, 60, "N",
        "most tickets of a batch (tampering); one may be as large as an image"),
    ROW("provenance-max-batch", OPT_BYTES, max_batch, "200M", 1024, 1e12, "SIZE",
        "largest batch of tickets, all of them together"),
    ROW("provenance-time", OPT_DURATION, time_ms, "10m", 1, JOB_DEADLINE_MAX_MS, "TIME", "longest analysis"),
};
const size_t provenance_noptions = COUNT_OF(provenance_options);

/* ---- start ---- */

void provenance_freep(struct provenance **provenance)
{
    struct provenance *p = TAKE(*provenance);

    if (!p)
        return;
    own_rules_freep(&p->rules);
    rate_table_free(p->rates);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Without a store that keeps it, links are good until the server ends. */
static void find_secret(struct provenance *p, struct records *db)
{
    struct err err = {0};

    if (db && records_secret(db, "result links", p->secret, &err) == 0)
        return;
    hash_random(p->secret, sizeof p->secret);
    if (db)
        log_warn("links to results will not outlive this server", "why=%s", err.text);
}

int provenance_start(struct provenance **ret, const struct provenance_opts *opts, struct records *db,
                     const char *models_dir, struct err *err)
{
    CLEANUP(provenance_freep) struct provenance *p = NULL;
    struct own_rules *rules;

    if (provenance_check_opts(opts, err) < 0)
        return -1;
    rules = own_rules_load(opts, err);
    if (!rules)
        return -1;
    p = mem_alloc(sizeof *p);
    *p = (struct provenance){.rules = rules};
    pthread_mutex_init(&p->lock, NULL);
    if (text_is(opts->rates, "identifai"))
        p->rates = rate_table_new();
    cards_hash(models_dir, p->cards);
    find_secret(p, db);
    *ret = TAKE(p);
    return 0;
}

/* ---- errors: the shapes of the framework that the original shows in its 429 ---- */

static bool is_page(struct request *r)
{
    return text_starts(request_path(r), "/ui/");
}

static struct bytes message(struct request *r, const char *field, const char *text)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc), *errors, *list;

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "message", text);
    if (field) {
        errors = yyjson_mut_obj_add_obj(doc, root, "errors");
        list = yyjson_mut_arr(doc);
        yyjson_mut_obj_add(errors, yyjson_mut_str(doc, field), list);
        yyjson_mut_arr_add_str(doc, list, text);
    }
    return json_write(request_arena(r), doc);
}

static void put_rate(struct reply *rep, struct request *r, const struct caller *caller)
{
    if (!caller || !caller->limit)
        return;
    reply_header(rep, r, "X-RateLimit-Limit", "%" PRId64, caller->limit);
    reply_header(rep, r, "X-RateLimit-Remaining", "%" PRId64, caller->remaining);
}

static void reply_error(struct request *r, int status, const char *field, const char *text,
                        const struct caller *caller, int64_t retry_seconds)
{
    struct reply rep = {.status = status, .type = "application/json"};

    if (is_page(r)) {
        rep.type = "text/html; charset=utf-8";
        rep.body = render_sorry(request_arena(r), status, text);
        reply_header(&rep, r, "Content-Security-Policy", "%s", page_policy(request_arena(r)));
    } else {
        rep.body = message(r, field, text);
    }
    if (status == 401)
        reply_header(&rep, r, "WWW-Authenticate", "%s", "Bearer");
    put_rate(&rep, r, caller);
    if (retry_seconds)
        reply_header(&rep, r, "Retry-After", "%" PRId64, retry_seconds);
    if (status == 429 && retry_seconds)
        reply_header(&rep, r, "X-RateLimit-Reset", "%" PRId64, clock_wall_us() / 1000000 + retry_seconds);
    request_reply(r, &rep);
}

void provenance_error(struct request *r, int status, const char *text)
{
    reply_error(r, status, NULL, text, NULL, 0);
}

void provenance_wrong(struct request *r, const char *field, const char *text)
{
    reply_error(r, 422, field, text, NULL, 0);
}

/* The original's own words where it has some. */
static void refuse(struct request *r, const struct caller *caller, const struct problem *p)
{
    const char *text = p->status == 401   ? "Unauthenticated."
                       : p->status == 429 ? "Too Many Attempts."
                                          : p->detail;

    reply_error(r, p->status, NULL, text, p->status == 429 ? caller : NULL, p->retry_seconds);
}

void provenance_fail(struct request *r, const struct caller *caller, const struct err *err)
{
    struct problem p = problem_of(r, caller, err);

    refuse(r, caller, &p);
}

bool provenance_enter(struct request *r, const char *scope, enum rate_class class, struct caller *ret_caller)
{
    struct rate_table *rates = api_of(r)->provenance->rates;
    struct problem p;
    struct err err;

    if (!problem_enter(r, &(struct need){.dialect = "provenance", .scope = scope}, ret_caller, &p, &err)) {
        refuse(r, ret_caller, &p);
        return false;
    }
    if (!rates || rate_use(rates, ret_caller, class, clock_mono_us()))
        return true;
    p = (struct problem){.status = 429, .retry_seconds = ret_caller->reset_seconds};
    refuse(r, ret_caller, &p);
    return false;
}

void provenance_reply(struct request *r, const struct caller *caller, struct reply *rep)
{
    put_rate(rep, r, caller);
    request_reply(r, rep);
}

/* ---- the table ---- */

enum { BODY_URL = 64 << 10, BODY_SAY = 8 << 10 };

/* Named as without options. */
#define RUNS(name, kind)                                                          \
    {"GET", "/api/" name "/{id}", &provenance_get[kind], 0},                      \
        {"POST", "/api/" name "/{id}/override", &provenance_say[kind], BODY_SAY}, \
    {                                                                             \
        "DELETE", "/api/" name "/{id}/override", &provenance_unsay[kind], 0       \
    }
static const struct route routes[] = {
    {"POST", "/api/classification", &provenance_submit[KIND_IMAGE], BODY_ORIGIN_IMAGE},
    {"POST", "/api/classification_image", &provenance_submit[KIND_IMAGE], BODY_ORIGIN_IMAGE},
    {"POST", "/api/classification_video", &provenance_submit[KIND_VIDEO], BODY_ORIGIN_VIDEO},
    {"POST", "/api/classification_audio", &provenance_submit[KIND_AUDIO], BODY_ORIGIN_AUDIO},
    {"POST", "/api/image_fromurl", &provenance_fetch[KIND_IMAGE], BODY_URL},
    {"POST", "/api/video_fromurl", &provenance_fetch[KIND_VIDEO], BODY_URL},
    {"POST", "/api/audio_fromurl", &provenance_fetch[KIND_AUDIO], BODY_URL},
    RUNS("classification", KIND_IMAGE),
    RUNS("classification_image", KIND_IMAGE),
    RUNS("classification_video", KIND_VIDEO),
    RUNS("classification_audio", KIND_AUDIO),
    {"GET", "/api/classifications", &provenance_many[KIND_IMAGE], 0},
    {"GET", "/api/classifications_image", &provenance_many[KIND_IMAGE], 0},
    {"GET", "/api/classifications_video", &provenance_many[KIND_VIDEO], 0},
    {"GET", "/api/classifications_audio", &provenance_many[KIND_AUDIO], 0},
    {"GET", "/api/classification/heatmap/{id}", &provenance_heatmap, 0},
    {"GET", "/api/classification_image/heatmap/{id}", &provenance_heatmap, 0},
    {"POST", "/api/v2/tampering/tickets", &provenance_tickets_submit, BODY_TICKETS},
    {"GET", "/api/v2/tampering/tickets/{id}", &provenance_tickets_get, 0},
    {"GET", "/ui/results/{id}", &provenance_page, 0},
};

static const char *const prefixes[] = {"", NULL};

static const char *path_of(struct arena *a, const struct api_opts *opts, const char *path)
{
    return provenance_path(a, &opts->provenance, path);
}

static bool owns(const struct api_opts *opts, const char *path)
{
    return provenance_owns_path(&opts->provenance, path);
}

static const char *webhook(struct arena *a, const struct job_row *job)
{
    struct provenance_notes notes;

    return notes_from_json(a, job->request, &notes, NULL) == 0 ? notes.webhook : NULL;
}

const struct dialect dialect_provenance = {
    .name = "provenance",
    .routes = routes,
    .nroutes = COUNT_OF(routes),
    .prefixes = prefixes,
    .path = path_of,
    .owns = owns,
    .error = provenance_error,
    .webhook = webhook,
    .event = provenance_event,
    .tells_cancelled = true,
};
