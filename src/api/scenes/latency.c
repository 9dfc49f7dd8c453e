/* GET /v1/latency/{media_type}: how long this server takes for a second of video, or for a picture. */
#include <string.h>

#include "api/scenes/scenes_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "store/pace.h"

static void send(struct request *r, enum media m, double ms)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct reply rep = {.status = 200, .type = "application/json"};
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "media_type", media_words(m)->name);
    yyjson_mut_obj_add_str(doc, root, "unit", media_words(m)->unit);
    yyjson_mut_obj_add_real(doc, root, "latency_ms_per_unit", ms);
    rep.body = json_write(request_arena(r), doc);
    request_reply(r, &rep);
}

static void refuse(struct request *r, const struct err *err)
{
    struct problem p = {.status = 503,
                        .detail = "no job of that kind has finished yet, so nothing was observed",
                        .retry_seconds = 60,
                        .whole = true,
                        .code = "no_observation"};

    if (err->kind == ERR_NOT_FOUND)
        problem_reply(r, &p);
    else
        scenes_fail(r, NULL, err);
}

static void answer(struct request *r, const char *type)
{
    enum media m = MEDIA_VIDEO;
    struct caller caller;
    struct err err;
    double ms;

    if (!scenes_enter(r, "read", &caller))
        return;
    while (m < MEDIA_COUNT && !text_is(type, media_words(m)->name))
        m++;
    if (m == MEDIA_COUNT)
        scenes_problem(r, 400, "media_type is 'video' or 'image'");
    else if (records_pace(api_of(r)->db, media_words(m)->pipeline, &ms, &err) < 0)
        refuse(r, &err);
    else
        send(r, m, ms);
}

static void by_path(struct request *r)
{
    answer(r, request_param(r, "media_type"));
}

static void by_query(struct request *r)
{
    answer(r, request_query(r, "media_type"));
}

const struct handler scenes_latency_get = {.run = by_path};
const struct handler scenes_latency_query = {.run = by_query};
