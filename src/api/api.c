#include "api/api.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "api/idempotent.h"
#include "api/rules.h"
#include "base/clock.h"
#include "base/text.h"

static const struct dialect *const dialects[] = {&dialect_impulse, &dialect_scenes, &dialect_provenance,
                                                 &dialect_alarm, &dialect_native};

#define ROW(name, type, field, fallback, min, max, arg, help)                       \
    {                                                                               \
        name, type, offsetof(struct api_opts, field), fallback, min, max, arg, help \
    }
const struct option api_options[] = {
    ROW("max-upload", OPT_BYTES, max_upload, "100M", 1024, 1e12, "SIZE",
        "largest file one request may carry"),
    ROW("sync-wait", OPT_DURATION, sync_wait_ms, "60s", 1, 600000, "TIME",
        "longest wait of a synchronous request, then 408"),
    ROW("deadline", OPT_DURATION, deadline_ms, "60s", 1, 3600000, "TIME", "longest analysis of one file"),
    ROW("max-frames", OPT_INT, max_frames, "600", 1, 100000, "N", "frames judged of one clip at most"),
    ROW("rules", OPT_STRING, rules, NULL, 0, 0, "FILE",
        "thresholds and zones per tenant and camera (docs/rules.md)"),
    ROW("reuse-results", OPT_FLAG, reuse, "false", 0, 0, NULL,
        "answer a clip that was judged before, the same way for the same tenant, from its stored result"),
    ROW("legacy-keys", OPT_FLAG, legacy_keys, "false", 0, 0, NULL,
        "alarm results also carry cameraId and parentId"),
    ROW("timing", OPT_FLAG, timing, "false", 0, 0, NULL, "alarm results also carry timing"),
};
const size_t api_noptions = COUNT_OF(api_options);

const struct dialect *dialect_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(dialects); i++)
        if (text_is(dialects[i]->name, name))
            return dialects[i];
    return NULL;
}

const struct dialect *dialect_at(size_t i)
{
    return i < COUNT_OF(dialects) ? dialects[i] : NULL;
}

const struct route *dialect_route(const struct dialect *d, size_t i)
{
    const struct route *row;

    if (!d->tables)
        return i < d->nroutes ? &d->routes[i] : NULL;
    for (const struct route *const *table = d->tables; *table; table++)
        for (row = *table; row->method; row++)
            if (i-- == 0)
                return row;
    return NULL;
}

struct job_spec api_spec(const struct api *api, struct arena *a, const char *tenant, const char *camera_id)
{
    struct job_spec spec = job_spec_defaults();

    spec.deadline_ms = api_limit(&api->opts.deadline_ms);
    spec.alarm.max_frames = (int)api_limit(&api->opts.max_frames);
    rulebook_apply(api->rules, a, tenant, camera_id, clock_wall_us(), &spec.alarm);
    return spec;
}

struct api *api_of(struct request *r)
{
    return request_context(r);
}

static int64_t body_ceiling(const struct api_opts *opts, int64_t max_body)
{
    const int64_t others = 1 << 20;

    switch (max_body) {
    case BODY_UPLOAD:
        return opts->max_upload + others;
    case BODY_VIDEO:
        return opts->scenes.max_video + others;
    case BODY_BATCH:
        return opts->scenes.max_batch;
    case BODY_ORIGIN_IMAGE:
        return opts->provenance.max_image + others;
    case BODY_ORIGIN_VIDEO:
        return opts->provenance.max_video + others;
    case BODY_ORIGIN_AUDIO:
        return opts->provenance.max_audio + others;
    case BODY_SAMPLE:
        return opts->max_upload;
    case BODY_SAMPLES:
        return opts->impulse.max_batch;
    case BODY_TICKETS:
        return opts->provenance.max_batch + others;
    default:
        return max_body;
    }
}

static void add_routes(struct api *api, const struct dialect *d, struct route **routes, size_t *cap)
{
    const struct route *row;

    for (const char *const *prefix = d->prefixes; *prefix; prefix++)
        for (size_t i = 0; (row = dialect_route(d, i)); i++) {
            struct route route = *row;
            route.path = arena_printf(api->arena, "%s%s", *prefix, route.path);
            if (d->path)
                route.path = d->path(api->arena, &api->opts, route.path);
            route.max_body = body_ceiling(&api->opts, route.max_body);
            ARENA_PUSH(api->arena, *routes, api->nroutes, *cap) = route;
        }
}

int api_init(struct api *api, struct err *err)
{
    struct route *routes = NULL;
    struct utsname host;
    struct rules *rules;
    size_t cap = 0;

    api->arena = arena_new();
    rules = rules_load(api->opts.rules, err);
    if (!rules)
        return -1;
    api->rules = rulebook_new_take(rules);
    if (scenes_start(&api->scenes, &api->opts.scenes, err) < 0 ||
        provenance_start(&api->provenance, &api->opts.provenance, api->db, api->models_dir, err) < 0 ||
        impulse_start(&api->impulse, &api->opts.impulse, err) < 0)
        return -1;
    api->gate = gate_new(api->db);
    api->keys_in_use = key_table_new();
    api->cache = reply_cache_new(20000, (size_t)32 << 20);
    for (size_t i = 0; i < COUNT_OF(dialects); i++)
        add_routes(api, dialects[i], &routes, &cap);
    api->routes = routes;
    uname(&host);
    api->node = arena_strdup(api->arena, host.nodename);
    return 0;
}

void api_stop(struct api *api)
{
    scenes_stop(api->scenes);
    impulse_stop(api->impulse);
}

void api_clear(struct api *api)
{
    impulse_freep(&api->impulse);
    provenance_freep(&api->provenance);
    scenes_freep(&api->scenes);
    api->cache = reply_cache_free(api->cache);
    api->keys_in_use = key_table_free(api->keys_in_use);
    api->gate = gate_free(api->gate);
    api->rules = rulebook_free(api->rules);
    api->arena = arena_free(api->arena);
}

int64_t api_limit(const int64_t *limit)
{
    return __atomic_load_n(limit, __ATOMIC_RELAXED);
}

void api_renew_take(struct api *api, const struct api_opts *opts, struct rules *rules, struct own_rules *own)
{
    rulebook_replace_take(api->rules, rules);
    provenance_renew_take(api->provenance, own);
    __atomic_store_n(&api->opts.sync_wait_ms, opts->sync_wait_ms, __ATOMIC_RELAXED);
    __atomic_store_n(&api->opts.deadline_ms, opts->deadline_ms, __ATOMIC_RELAXED);
    __atomic_store_n(&api->opts.max_frames, opts->max_frames, __ATOMIC_RELAXED);
}

void api_on_error(struct request *r, int status, const char *text)
{
    const char *path = request_path(r);

    for (size_t i = 0; i < COUNT_OF(dialects); i++)
        if (dialects[i]->owns(&api_of(r)->opts, path)) {
            dialects[i]->error(r, status, text);
            return;
        }
    dialect_native.error(r, status, text);
}
