/* POST /v1/videos: the bytes of a video, or a form with a part 'video'. Streamed: it is never whole in
 * memory, and nobody looks at it before an analyst does. */
#include <string.h>

#include "api/scenes/scenes_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "net/multipart.h"

enum part_kind { PART_OTHER, PART_VIDEO, PART_JSON, PART_URL, PART_SECRET };
enum { FIELD_MAX = 8 << 10 };

struct upload {
    struct ask ask;
    struct multipart *multipart; /* NULL: the body is the video */
    struct blob_writer *video;
    enum part_kind part;
    bool has_video;
    struct buf field;             /* the part at hand, unless it is the video */
    struct callback json, fields; /* of the form; json goes first */
    char name[256];
};

/* ---- a form ---- */

static const struct {
    const char *name;
    enum part_kind kind;
} parts[] = {{"video", PART_VIDEO},
             {"webhook", PART_JSON},
             {"webhook.url", PART_URL},
             {"webhook.secret", PART_SECRET}};

static enum part_kind kind_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (text_is(parts[i].name, name))
            return parts[i].kind;
    return PART_OTHER;
}

static int part_begin(void *arg, const struct part *part, struct err *err)
{
    struct upload *u = arg;
    struct api *api = api_of(u->ask.request);

    keyed_part(&u->ask.keyed, part);
    u->part = kind_of(part->name);
    buf_clear(&u->field);
    u->field = BUF(FIELD_MAX);
    if (u->part != PART_VIDEO)
        return 0;
    if (u->has_video)
        return FAIL(err, ERR_INPUT, "the form has more than one part 'video'");
    u->has_video = true;
    text_base_name(u->name, sizeof u->name, part->file_name ? part->file_name : "");
    return blob_begin(&u->video, api->blobs, api->opts.scenes.max_video, err);
}

static int part_data(void *arg, struct bytes piece, struct err *err)
{
    struct upload *u = arg;

    keyed_data(&u->ask.keyed, piece);
    if (u->part == PART_VIDEO)
        return blob_add(u->video, piece, err);
    if (u->part != PART_OTHER)
        buf_add(&u->field, piece.data, piece.len);
    return u->field.overflow ? FAIL(err, ERR_INPUT, "a field has at most %d KiB", FIELD_MAX >> 10) : 0;
}

static int read_json(struct upload *u, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(buf_bytes(&u->field), FIELD_MAX, NULL);

    if (!doc)
        return FAIL(err, ERR_INPUT, "the part 'webhook' is no JSON");
    return scenes_parse_callback(request_arena(u->ask.request), yyjson_doc_get_root(doc), &u->json, err);
}

static int read_text(struct upload *u, const char **ret, struct err *err)
{
    struct bytes b = buf_bytes(&u->field);

    if (b.len && memchr(b.data, '\0', b.len))
        return FAIL(err, ERR_INPUT, "webhook.url and webhook.secret are texts");
    *ret = arena_strndup(request_arena(u->ask.request), (const char *)b.data, b.len);
    return 0;
}

static int part_end(void *arg, struct err *err)
{
    struct upload *u = arg;
    enum part_kind part = u->part;

    keyed_part_end(&u->ask.keyed);
    u->part = PART_OTHER;
    if (part == PART_JSON)
        return read_json(u, err);
    if (part == PART_URL)
        return read_text(u, &u->fields.url, err);
    if (part == PART_SECRET)
        return read_text(u, &u->fields.secret, err);
    return 0;
}

static const struct multipart_events part_events = {part_begin, part_data, part_end};

/* ---- the request ---- */

static bool is_form(const char *type)
{
    return type && strncasecmp(type, "multipart/form-data", strlen("multipart/form-data")) == 0;
}

static int begin_body(struct upload *u, struct err *err)
{
    struct api *api = api_of(u->ask.request);
    const char *type = request_header(u->ask.request, "Content-Type");

    if (is_form(type))
        return multipart_new(&u->multipart, type, &part_events, u, err);
    u->has_video = true;
    return blob_begin(&u->video, api->blobs, api->opts.scenes.max_video, err);
}

static void submit_head(struct request *r)
{
    struct upload *u = arena_alloc(request_arena(r), sizeof *u);
    struct err err;

    request_set_data(r, u);
    if (ask_begin(&u->ask, r, MEDIA_VIDEO) && begin_body(u, &err) < 0)
        ask_fail(&u->ask, &err);
}

static int feed(struct upload *u, struct bytes piece)
{
    struct err *err = &u->ask.err;

    if (ask_piece(&u->ask, piece) < 0)
        return -1;
    if (u->multipart)
        return multipart_feed(u->multipart, piece, err);
    keyed_data(&u->ask.keyed, piece);
    return blob_add(u->video, piece, err);
}

static void submit_body(struct request *r, struct bytes piece)
{
    struct upload *u = request_data(r);

    if (feed(u, piece) < 0)
        blob_writer_freep(&u->video); /* now: the rest of the body may take its time */
}

static int finish(struct upload *u, struct err *err)
{
    struct ask *s = &u->ask;

    if (s->err.kind != ERR_NONE)
        return FAIL(err, s->err.kind, "%s", s->err.text);
    if (u->multipart && multipart_finish(u->multipart, err) < 0)
        return -1;
    if (!u->multipart)
        keyed_part_end(&s->keyed);
    if (!u->has_video)
        return FAIL(err, ERR_INPUT, "the form has no part 'video'");
    if (!blob_written(u->video))
        return FAIL(err, ERR_INPUT, u->multipart ? "the part 'video' is empty" : "the body is empty");
    s->callback = u->json.url ? u->json : u->fields;
    return ask_find_callback(s, err);
}

static void submit_run(struct request *r)
{
    struct upload *u = request_data(r);
    struct scenes_notes notes = {0};
    struct job_request job = {.name = u->name};
    struct err err = {0};

    if (finish(u, &err) < 0) {
        ask_fail(&u->ask, &err);
        return;
    }
    u->ask.units = scenes_guess_seconds(blob_written(u->video));
    job.body = TAKE(u->video);
    ask_submit_take(&u->ask, &notes, &job);
}

static void submit_gone(struct request *r)
{
    struct upload *u = request_data(r);

    if (!u)
        return;
    ask_gone(&u->ask);
    multipart_freep(&u->multipart);
    blob_writer_freep(&u->video);
    buf_clear(&u->field);
}

const struct handler scenes_video_submit = {submit_head, submit_body, submit_run, submit_gone};
