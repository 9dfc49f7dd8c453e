#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/impulse/upper_int.h"
#include "api/problem.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/text.h"

#define ROW(name, type, field, fallback, min, max, arg, help)                           \
    {                                                                                   \
        name, type, offsetof(struct impulse_opts, field), fallback, min, max, arg, help \
    }
const struct option impulse_options[] = {
    ROW("impulse-max-projects", OPT_INT, max_projects, "100", 1, 1e6, "N", "projects of a tenant"),
    ROW("impulse-max-samples", OPT_INT, max_samples, "100000", 1, 1e9, "N", "samples of a project"),
    ROW("impulse-max-batch", OPT_BYTES, max_batch, "1G", 1024, 1e12, "SIZE",
        "largest request with several files; each of them may be as large as --max-upload"),
    ROW("impulse-jobs", OPT_STRING, jobs, "auto", 0, 0, "WHEN",
        "which classifications are jobs that clients wait for: auto (long ones) or always"),
};
const size_t impulse_noptions = COUNT_OF(impulse_options);

/* ---- the desk ---- */

enum { DESK_THREADS = 2, DESK_QUEUE = 4096 };

struct work {
    void (*run)(void *arg);
    void *arg;
};

struct impulse_dialect {
    struct reply_cache *cache;
    struct queue *queue;
    int nthreads;
    pthread_t threads[DESK_THREADS];
};

static void *desk_main(void *arg)
{
    struct impulse_dialect *d = arg;
    void *item;

    while (queue_take(d->queue, &item, 1, 0) == 1) {
        struct work work = *(struct work *)item;
        free(item);
        work.run(work.arg);
    }
    return NULL;
}

enum { CACHE_ENTRIES = 5000, CACHE_BYTES = 32 << 20 };

struct reply_cache *impulse_cache(const struct api *api)
{
    return api->impulse->cache;
}

int impulse_start(struct impulse_dialect **ret, const struct impulse_opts *opts, struct err *err)
{
    CLEANUP(impulse_freep) struct impulse_dialect *d = mem_alloc(sizeof *d);

    if (opts->jobs && !text_is(opts->jobs, "auto") && !text_is(opts->jobs, "always"))
        return FAIL(err, ERR_INPUT, "impulse-jobs is auto or always, not \"%.40s\"", opts->jobs);
    *d = (struct impulse_dialect){.cache = reply_cache_new(CACHE_ENTRIES, CACHE_BYTES),
                                  .queue = queue_new(DESK_QUEUE)};
    for (; d->nthreads < DESK_THREADS; d->nthreads++)
        if (pthread_create(&d->threads[d->nthreads], NULL, desk_main, d) != 0)
            return FAIL(err, ERR_IO, "cannot start a thread of the API; raise the limit of threads");
    *ret = TAKE(d);
    return 0;
}

void impulse_stop(struct impulse_dialect *d)
{
    if (!d)
        return;
    queue_close(d->queue);
    while (d->nthreads > 0)
        pthread_join(d->threads[--d->nthreads], NULL);
}

void impulse_freep(struct impulse_dialect **dialect)
{
    struct impulse_dialect *d = TAKE(*dialect);

    if (!d)
        return;
    impulse_stop(d);
    queue_free(d->queue);
    reply_cache_free(d->cache);
    free(d);
}

int impulse_desk(const struct api *api, void (*run)(void *arg), void *arg, struct err *err)
{
    struct work *work = mem_alloc(sizeof *work);

    *work = (struct work){run, arg};
    if (queue_push(api->impulse->queue, work))
        return 0;
    free(work);
    return FAIL(err, ERR_BUSY, "the server has too much to do just now; try again in a moment");
}

/* ---- errors ---- */

static struct bytes error_body(struct request *r, const char *text)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_bool(doc, root, "success", false);
    yyjson_mut_obj_add_str(doc, root, "error", text);
    return json_write(request_arena(r), doc);
}

static void refuse(struct request *r, const struct problem *p)
{
    struct reply rep = {.status = p->status, .type = "application/json", .body = error_body(r, p->detail)};

    if (p->retry_seconds)
        reply_header(&rep, r, "Retry-After", "%" PRId64, p->retry_seconds);
    request_reply(r, &rep);
}

void impulse_error(struct request *r, int status, const char *text)
{
    refuse(r, &(struct problem){.status = status, .detail = text});
}

/* What a program of the client's can do something about without a person is told by the status, too. */
static int outer_status(int status)
{
    static const int as_they_are[] = {401, 403, 413, 429, 500, 503, 507};

    for (size_t i = 0; i < COUNT_OF(as_they_are); i++)
        if (as_they_are[i] == status)
            return status;
    return 200;
}

bool impulse_is_the_clients(const struct err *err)
{
    static const enum err_kind kinds[] = {ERR_INPUT,   ERR_DECODE,    ERR_NO_STREAM, ERR_MODEL,
                                          ERR_TIMEOUT, ERR_NOT_FOUND, ERR_CONFLICT,  ERR_UNSUPPORTED};

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i] == err->kind)
            return true;
    return false;
}

void impulse_fail(struct request *r, const struct caller *caller, const struct err *err)
{
    struct problem p;

    if (impulse_is_the_clients(err)) {
        impulse_error(r, 200, err->text);
        return;
    }
    p = problem_of(r, caller, err);
    p.status = outer_status(p.status);
    refuse(r, &p);
}

/* ---- answers ---- */

doc_t *impulse_doc(val_t **ret_root)
{
    doc_t *doc = json_doc_new();

    *ret_root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, *ret_root);
    yyjson_mut_obj_add_bool(doc, *ret_root, "success", true);
    return doc;
}

void impulse_answer_take(struct request *r, doc_t *doc)
{
    CLEANUP(json_mut_freep) doc_t *taken = doc;

    request_reply(r, &(struct reply){.status = 200,
                                     .type = "application/json",
                                     .body = json_write(request_arena(r), taken)});
}

void impulse_answer_done(struct request *r)
{
    val_t *root;

    impulse_answer_take(r, impulse_doc(&root));
}

void impulse_committed(void *request, const struct err *err)
{
    if (err->kind == ERR_NONE)
        impulse_answer_done(request);
    else
        impulse_fail(request, NULL, err);
}

/* ---- who comes in ---- */

/* The original's own words for a missing or a wrong key. */
bool impulse_enter(struct request *r, const char *scope, struct caller *ret_caller)
{
    struct problem p;
    struct err err;

    if (problem_enter(r, &(struct need){"impulse", scope, true}, ret_caller, &p, &err))
        return true;
    if (p.status == 401)
        p.detail = key_presented(r, true) ? "Invalid API key" : "No API key in the request (x-api-key)";
    refuse(r, &p);
    return false;
}

bool impulse_visit(struct request *r, const char *scope, struct visit *ret)
{
    struct api *api = api_of(r);
    struct err err;
    int64_t id;

    if (!impulse_enter(r, scope, &ret->caller))
        return false;
    if (impulse_number(r, "projectId", &id, &err) == 0 &&
        records_get_project(api->db, request_arena(r), ret->caller.tenant, id, &ret->project, &err) == 0)
        return true;
    impulse_fail(r, &ret->caller, &err);
    return false;
}

/* ---- what they say ---- */

int impulse_number(struct request *r, const char *name, int64_t *ret, struct err *err)
{
    const char *text = request_param(r, name);

    if (!text || !text_to_i64(text, ret) || *ret <= 0)
        return FAIL(err, ERR_INPUT, "the %s in the path must be a positive number", name);
    return 0;
}

int impulse_query_bool(struct request *r, const char *name, bool fallback, bool *ret, struct err *err)
{
    const char *text = request_query(r, name);

    *ret = text ? text_is(text, "true") || text_is(text, "1") : fallback;
    if (text && !*ret && !text_is(text, "false") && !text_is(text, "0"))
        return FAIL(err, ERR_INPUT, "'%s' in the query must be true or false", name);
    return 0;
}

int impulse_query_int(struct request *r, const char *name, int64_t fallback, int64_t *ret, struct err *err)
{
    const char *text = request_query(r, name);

    *ret = fallback;
    if (text && (!text_to_i64(text, ret) || *ret < 0))
        return FAIL(err, ERR_INPUT, "'%s' in the query must be a number, 0 or more", name);
    return 0;
}

yyjson_doc *impulse_body(struct request *r, size_t max_bytes)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct bytes text = request_body(r);
    struct err err;

    if (!text.len)
        text = bytes_of("{}", 2);
    doc = json_read(text, max_bytes, &err);
    if (doc && yyjson_is_obj(yyjson_doc_get_root(doc)))
        return TAKE(doc);
    if (doc)
        err_set(&err, ERR_INPUT, "the body must be a JSON object");
    impulse_fail(r, NULL, &err);
    return NULL;
}

/* ---- the table ---- */

static const char *const ingestion[] = {"training", "testing", "anomaly", "split"};

static bool is_ingestion(const char *path)
{
    for (size_t i = 0; i < COUNT_OF(ingestion); i++) {
        size_t n = strlen(ingestion[i]);
        if (strncmp(path, ingestion[i], n) == 0 && (path[n] == '/' || !path[n]))
            return true;
    }
    return false;
}

static bool owns(const struct api_opts *opts UNUSED, const char *path)
{
    return text_starts(path, IMPULSE_API "/") || text_is(path, IMPULSE_API) ||
           (text_starts(path, "/api/") && is_ingestion(path + strlen("/api/")));
}

static const char *const prefixes[] = {"", NULL};
static const struct route *const tables[] = {impulse_sample_routes, impulse_job_routes, NULL};

const struct dialect dialect_impulse = {
    .name = "impulse",
    .tables = tables,
    .prefixes = prefixes,
    .owns = owns,
    .error = impulse_error,
};
