/* What requests and options of the scenes API say. Pure. */
#include <string.h>

#include "api/scenes/scenes_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/words.h"

static const struct media_words words[MEDIA_COUNT] = {
    [MEDIA_VIDEO] = {"video", "video_", "scenes", "second"},
    [MEDIA_IMAGE] = {"image", "image_batch_", "pictures", "image"},
};

const struct media_words *media_words(enum media m)
{
    return &words[m];
}

/* ---- ids ---- */

char *scenes_id(struct arena *a, enum media m, const char *id)
{
    return arena_printf(a, "%s%s", words[m].id_prefix, id);
}

const char *scenes_id_parse(enum media m, const char *text)
{
    const char *id = text_starts(text, words[m].id_prefix) ? text + strlen(words[m].id_prefix) : "";

    return id_is_valid(id) ? id : NULL;
}

bool scenes_is_name(const char *text, size_t len, size_t max)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return len > 0 && len <= max && text_is_utf8(text, len);
}

/* ---- Max-Processing-Time ---- */

/* 0 and what is over the cap are the cap: "infinite" is what the operator calls so. */
int scenes_parse_time(const char *header, const struct scenes_opts *opts, int64_t *ret_deadline_ms,
                      struct err *err)
{
    int64_t seconds, cap = opts->time_cap_ms;

    if (!header) {
        *ret_deadline_ms = opts->time_ms < cap ? opts->time_ms : cap;
        return 0;
    }
    if (*header < '0' || *header > '9' || !text_to_i64(header, &seconds))
        return FAIL(err, ERR_INPUT, "Max-Processing-Time is a whole number of seconds, 0 or more");
    *ret_deadline_ms = seconds == 0 || seconds > cap / 1000 ? cap : seconds * 1000;
    return 0;
}

/* ---- webhooks ---- */

int scenes_check_callback(struct callback *c, struct err *err)
{
    if (c->url && !*c->url)
        c->url = NULL;
    if (c->secret && !*c->secret)
        c->secret = NULL;
    if (c->secret && !scenes_is_name(c->secret, strlen(c->secret), SECRET_BYTES))
        return FAIL(err, ERR_INPUT, "a webhook's secret is a text of at most %d bytes", SECRET_BYTES);
    return 0;
}

static int text_member(struct arena *a, yyjson_val *obj, const char *key, const char **ret, struct err *err)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    *ret = NULL;
    if (!v || yyjson_is_null(v))
        return 0;
    if (!yyjson_is_str(v) || strlen(yyjson_get_str(v)) != yyjson_get_len(v))
        return FAIL(err, ERR_INPUT, "the webhook's '%s' is a text", key);
    *ret = arena_strdup(a, yyjson_get_str(v));
    return 0;
}

int scenes_parse_callback(struct arena *a, yyjson_val *obj, struct callback *ret, struct err *err)
{
    struct callback c;

    if (!yyjson_is_obj(obj))
        return FAIL(err, ERR_INPUT, "'webhook' is an object {\"url\", \"secret\"}");
    if (text_member(a, obj, "url", &c.url, err) < 0 || text_member(a, obj, "secret", &c.secret, err) < 0)
        return -1;
    if (!c.url)
        return FAIL(err, ERR_INPUT, "the webhook has no 'url'");
    *ret = c;
    return 0;
}

/* ---- notes ---- */

enum { NOTES_MAX = 1 << 20 };

struct bytes scenes_notes_to_json(struct arena *a, const struct scenes_notes *notes)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc), *ids;

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "media", words[notes->media].name);
    if (notes->media == MEDIA_IMAGE) {
        ids = yyjson_mut_obj_add_arr(doc, root, "external_ids");
        for (size_t i = 0; i < notes->n; i++)
            yyjson_mut_arr_add_str(doc, ids, notes->external_ids[i]);
    }
    if (notes->callback.url)
        yyjson_mut_obj_add_str(doc, root, "webhook", notes->callback.url);
    if (notes->callback.url && notes->callback.secret)
        yyjson_mut_obj_add_str(doc, root, "secret", notes->callback.secret);
    return json_write(a, doc);
}

static int read_ids(struct arena *a, yyjson_val *ids, struct scenes_notes *ret, struct err *err)
{
    const char **all;
    yyjson_val *v;
    size_t i, n;

    if (yyjson_arr_size(ids) > PARTS_MAX)
        return FAIL(err, ERR_INTERNAL, "the notes of a job name %zu pictures", yyjson_arr_size(ids));
    all = arena_array(a, yyjson_arr_size(ids), sizeof *all);
    yyjson_arr_foreach (ids, i, n, v)
        all[i] = yyjson_is_str(v) ? arena_strdup(a, yyjson_get_str(v)) : "";
    ret->external_ids = all;
    ret->n = n;
    return 0;
}

int scenes_notes_from_json(struct arena *a, struct bytes json, struct scenes_notes *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, NOTES_MAX, err);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct scenes_notes notes = {.n = 0};

    if (!doc)
        return -1;
    notes.media =
        text_is(json_str(a, root, "media", ""), words[MEDIA_IMAGE].name) ? MEDIA_IMAGE : MEDIA_VIDEO;
    notes.callback.url = json_str(a, root, "webhook", NULL);
    notes.callback.secret = json_str(a, root, "secret", NULL);
    if (notes.media == MEDIA_IMAGE && read_ids(a, yyjson_obj_get(root, "external_ids"), &notes, err) < 0)
        return -1;
    *ret = notes;
    return 0;
}

/* ---- options ---- */

int scenes_params_of(const struct scenes_opts *opts, struct scenes_params *ret, struct err *err)
{
    struct scenes_params p = job_spec_defaults().scenes;

    if (scenes_params_words(&p, opts->blocks, opts->biometrics, err) < 0)
        return -1;
    p.fps = opts->fps;
    *ret = p;
    return 0;
}

/* ---- options: paths ---- */

/* The names in the table of routes, and what the operator calls them. The singular forms stay. */
static const struct place {
    const char *word;
    size_t offset; /* of the name in scenes_opts; 0 with `fixed` */
    bool fixed;
} places[] = {
    {"videos", offsetof(struct scenes_opts, videos), false},
    {"images", offsetof(struct scenes_opts, images), false},
    {"latency", offsetof(struct scenes_opts, latency), false},
    {"allowlist", offsetof(struct scenes_opts, allowlist), false},
    {"video", 0, true},
    {"image", 0, true},
};

static const char *name_of(const struct scenes_opts *opts, const struct place *p)
{
    return p->fixed ? p->word : *(const char *const *)((const char *)opts + p->offset);
}

static const char table_prefix[] = "/v1/";

const char *scenes_path(struct arena *a, const struct scenes_opts *opts, const char *path)
{
    const char *word = path + strlen(table_prefix), *rest = word + strcspn(word, "/");
    size_t n = (size_t)(rest - word);

    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (strlen(places[i].word) == n && strncmp(places[i].word, word, n) == 0)
            return arena_printf(a, "%s/%s%s", opts->prefix ? opts->prefix : "", name_of(opts, &places[i]),
                                rest);
    return path;
}

static bool is_path(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s > '~' || strchr("{}%?#\"", *s))
            return false;
    return true;
}

int scenes_check_paths(const struct scenes_opts *opts, struct err *err)
{
    const char *prefix = opts->prefix ? opts->prefix : "";

    if (!is_path(prefix) || (*prefix && (*prefix != '/' || text_ends(prefix, "/"))))
        return FAIL(err, ERR_INPUT, "scenes-prefix begins with / and does not end with it, or is empty");
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        const char *name = name_of(opts, &places[i]);
        if (!name || !*name || *name == '/' || text_ends(name, "/") || !is_path(name))
            return FAIL(err, ERR_INPUT, "a path of the scenes API is a name like 'videos' or 'media/videos'");
    }
    return 0;
}

/* With at most one more segment: /v1/video/annotate/{id} is the alarm API's. */
bool scenes_owns_path(const struct scenes_opts *opts, const char *path)
{
    const char *prefix = opts->prefix ? opts->prefix : "", *rest;

    if (!text_starts(path, prefix) || path[strlen(prefix)] != '/')
        return false;
    path += strlen(prefix) + 1;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        const char *name = name_of(opts, &places[i]);
        if (!name || !text_starts(path, name))
            continue;
        rest = path + strlen(name);
        if (!*rest || (*rest == '/' && !strchr(rest + 1, '/')))
            return true;
    }
    return false;
}
