#include "api/scenes/scenes.h"

#include "api/scenes/scenes_int.h"
#include "base/cleanup.h"

#define ROW(name, type, field, fallback, min, max, arg, help)                          \
    {                                                                                  \
        name, type, offsetof(struct scenes_opts, field), fallback, min, max, arg, help \
    }
const struct option scenes_options[] = {
    ROW("scenes-prefix", OPT_STRING, prefix, "/v1", 0, 0, "PATH", "where the routes of the scenes API begin"),
    ROW("scenes-videos-path", OPT_STRING, videos, "videos", 0, 0, "NAME",
        "and what the one for videos is called"),
    ROW("scenes-images-path", OPT_STRING, images, "images", 0, 0, "NAME", "the one for batches of images"),
    ROW("scenes-latency-path", OPT_STRING, latency, "latency", 0, 0, "NAME", "the one for latencies"),
    ROW("scenes-allowlist-path", OPT_STRING, allowlist, "allowlist", 0, 0, "NAME", "the one for known faces"),
    ROW("scenes-blocks", OPT_STRING, blocks, "people,texts,tags", 0, 0, "LIST",
        "what to look for, as far as there are models"),
    ROW("biometrics", OPT_STRING, biometrics, "none", 0, 0, "LIST",
        "give out embeddings, thumbnails, age-gender (or all) of faces; keep known faces"),
    ROW("scenes-fps", OPT_DOUBLE, fps, "2", 0.01, 30, "N", "frames a second of video that models see"),
    ROW("scenes-max-video", OPT_BYTES, max_video, "2G", 1024, 1e12, "SIZE", "largest video"),
    ROW("scenes-max-batch", OPT_BYTES, max_batch, "64M", 1024, 1e9, "SIZE",
        "largest batch of images, as JSON"),
    ROW("scenes-batch-memory", OPT_BYTES, batch_memory, "256M", 4096, 1e12, "SIZE",
        "memory for all batches that are being read; beyond it 503"),
    ROW("scenes-max-image", OPT_BYTES, max_image, "20M", 1024, 1e9, "SIZE",
        "largest image, decoded from base64"),
    ROW("scenes-time", OPT_DURATION, time_ms, "1h", 1, JOB_DEADLINE_MAX_MS, "TIME",
        "longest analysis when the request has no Max-Processing-Time"),
    ROW("scenes-time-cap", OPT_DURATION, time_cap_ms, "24h", 1, JOB_DEADLINE_MAX_MS, "TIME",
        "longest analysis a request may ask for; what its 0 means"),
};
const size_t scenes_noptions = COUNT_OF(scenes_options);

/* ---- errors ---- */

void scenes_problem(struct request *r, int status, const char *text)
{
    problem_reply(r, &(struct problem){.status = status, .detail = text, .whole = true});
}

void scenes_fail(struct request *r, const struct caller *caller, const struct err *err)
{
    struct problem p = problem_of(r, caller, err);

    p.whole = true;
    problem_reply(r, &p);
}

bool scenes_enter(struct request *r, const char *scope, struct caller *ret_caller)
{
    struct problem p;
    struct err err;

    if (problem_enter(r, &(struct need){.dialect = "scenes", .scope = scope}, ret_caller, &p, &err))
        return true;
    p.whole = true;
    problem_reply(r, &p);
    return false;
}

/* ---- the table ---- */

/* Named as without options; scenes_path says what the operator calls them. */
static const struct route routes[] = {
    {"POST", "/videos", &scenes_video_submit, BODY_VIDEO},
    {"GET", "/videos/{job_id}", &scenes_video_get, 0},
    {"DELETE", "/videos/{job_id}", &scenes_video_delete, 0},
    {"POST", "/images", &scenes_images_submit, BODY_BATCH},
    {"GET", "/images/{job_id}", &scenes_images_get, 0},
    {"DELETE", "/images/{job_id}", &scenes_images_delete, 0},
    {"POST", "/video", &scenes_video_submit, BODY_VIDEO},
    {"GET", "/video/{job_id}", &scenes_video_get, 0},
    {"DELETE", "/video/{job_id}", &scenes_video_delete, 0},
    {"POST", "/image", &scenes_images_submit, BODY_BATCH},
    {"GET", "/image/{job_id}", &scenes_images_get, 0},
    {"DELETE", "/image/{job_id}", &scenes_images_delete, 0},
    {"GET", "/latency/{media_type}", &scenes_latency_get, 0},
    {"GET", "/latency", &scenes_latency_query, 0},
    {"POST", "/allowlist", &scenes_face_add, BODY_BATCH},
    {"GET", "/allowlist", &scenes_face_list, 0},
    {"DELETE", "/allowlist/{id}", &scenes_face_remove, 0},
};

static const char *const prefixes[] = {"/v1", NULL};

static const char *path_of(struct arena *a, const struct api_opts *opts, const char *path)
{
    return scenes_path(a, &opts->scenes, path);
}

static bool owns(const struct api_opts *opts, const char *path)
{
    return scenes_owns_path(&opts->scenes, path);
}

static bool callback_of(struct arena *a, const struct job_row *job, struct callback *ret)
{
    struct scenes_notes notes;

    if (!job->request.len || scenes_notes_from_json(a, job->request, &notes, NULL) < 0)
        return false;
    *ret = notes.callback;
    return true;
}

static const char *webhook(struct arena *a, const struct job_row *job)
{
    struct callback c;

    return callback_of(a, job, &c) ? c.url : NULL;
}

static const char *secret(struct arena *a, const struct job_row *job)
{
    struct callback c;

    return callback_of(a, job, &c) ? c.secret : NULL;
}

static int event(const struct api *api, struct arena *a, const struct job_row *job, struct bytes *ret_body,
                 struct err *err)
{
    return scenes_render(a, &api->opts, job, ret_body, err);
}

const struct dialect dialect_scenes = {
    .name = "scenes",
    .routes = routes,
    .nroutes = COUNT_OF(routes),
    .prefixes = prefixes,
    .path = path_of,
    .owns = owns,
    .error = scenes_problem,
    .webhook = webhook,
    .secret = secret,
    .event = event,
    .tells_cancelled = true,
};
