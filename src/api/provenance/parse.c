/* What requests and options of the provenance API say. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"

static const struct kind_words kinds[SUBJECT_KINDS] = {
    [KIND_IMAGE] = {"image", "origin-image"},
    [KIND_VIDEO] = {"video", "origin-video"},
    [KIND_AUDIO] = {"audio", "origin-sound"},
};

const struct kind_words *kind_words(enum subject_kind k)
{
    return &kinds[k];
}

/* ---- fields ---- */

struct ask ask_defaults(void)
{
    return (struct ask){.frames = job_spec_defaults().origin.frames, .method = FRAMES_INTRA};
}

enum field_type { FIELD_BOOL, FIELD_FRAMES, FIELD_METHOD, FIELD_REF, FIELD_URL };
enum { OF_IMAGE = 1 << KIND_IMAGE, OF_VIDEO = 1 << KIND_VIDEO, OF_AUDIO = 1 << KIND_AUDIO };
enum { OF_PICTURES = OF_IMAGE | OF_VIDEO, OF_ALL = OF_PICTURES | OF_AUDIO };

static const struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    unsigned kinds;
} fields[] = {
    {"ref_id", FIELD_REF, offsetof(struct ask, ref_id), OF_ALL},
    {"webhook_url", FIELD_URL, offsetof(struct ask, webhook), OF_ALL},
    {"file_url", FIELD_URL, offsetof(struct ask, url), OF_ALL},
    {"frames", FIELD_FRAMES, offsetof(struct ask, frames), OF_VIDEO},
    {"key_frames", FIELD_BOOL, offsetof(struct ask, key_frames), OF_VIDEO},
    {"key_frames_method", FIELD_METHOD, offsetof(struct ask, method), OF_VIDEO},
    {"with_morphing", FIELD_BOOL, offsetof(struct ask, morphing), OF_PICTURES},
    {"with_tampering", FIELD_BOOL, offsetof(struct ask, tampering), OF_PICTURES},
    {"with_heatmap", FIELD_BOOL, offsetof(struct ask, heatmap), OF_IMAGE},
    {"with_nsfw", FIELD_BOOL, offsetof(struct ask, nsfw), OF_PICTURES},
    {"no_cache", FIELD_BOOL, offsetof(struct ask, no_cache), OF_ALL},
    {"prevent_c2pa_forces", FIELD_BOOL, offsetof(struct ask, unforced), OF_ALL},
};

static bool read_flag(const char *text, bool *ret)
{
    bool yes = text_is_nocase(text, "true") || text_is(text, "1");

    if (!yes && !text_is_nocase(text, "false") && !text_is(text, "0"))
        return false;
    *ret = yes;
    return true;
}

static bool read_frames(const char *text, int *ret)
{
    int64_t n;

    if (*text < '0' || *text > '9' || !text_to_i64(text, &n) || n < 1 || n > ORIGIN_FRAMES_MAX)
        return false;
    *ret = (int)n;
    return true;
}

/* Older clients say "iframe". */
static bool read_method(const char *text, enum key_frames *ret)
{
    static const struct {
        const char *word;
        enum key_frames method;
    } methods[] = {
        {"iframes", FRAMES_INTRA}, {"iframe", FRAMES_INTRA}, {"flow", FRAMES_FLOW}, {"color", FRAMES_COLOR}};

    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (text_is(methods[i].word, text)) {
            *ret = methods[i].method;
            return true;
        }
    return false;
}

static bool read_ref(struct arena *a, const char *text, const char **ret)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    if (n > REF_ID_BYTES || !text_is_utf8(text, n))
        return false;
    *ret = arena_strdup(a, text);
    return true;
}

/* Who may be asked is the guard's question; here it is a text. */
static bool read_url(struct arena *a, const char *text, const char **ret)
{
    *ret = arena_strdup(a, text);
    return true;
}

static const char *const wanted[] = {
    [FIELD_BOOL] = "must be true or false.",
    [FIELD_FRAMES] = "must be a whole number from 1 to 100.",
    [FIELD_METHOD] = "must be iframes, flow or color.",
    [FIELD_REF] = "must be a text of at most 255 bytes without control characters.",
    [FIELD_URL] = "must be a URL.",
};

static bool read_value(struct arena *a, struct ask *ask, const struct field *f, const char *text)
{
    void *at = (char *)ask + f->offset;

    switch (f->type) {
    case FIELD_BOOL:
        return read_flag(text, at);
    case FIELD_FRAMES:
        return read_frames(text, at);
    case FIELD_METHOD:
        return read_method(text, at);
    case FIELD_REF:
        return read_ref(a, text, at);
    case FIELD_URL:
        return read_url(a, text, at);
    }
    return false;
}

static const struct field *field_of(const char *name, enum subject_kind kind)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (text_is(fields[i].name, name))
            return fields[i].kinds & 1u << kind ? &fields[i] : NULL;
    return NULL;
}

int ask_field(struct arena *a, struct ask *ask, enum subject_kind kind, const char *name, struct bytes value,
              struct err *err)
{
    const struct field *f = field_of(name, kind);
    const char *text;

    if (!f || !value.len)
        return 0;
    text = arena_strndup(a, (const char *)value.data, value.len);
    if (strlen(text) != value.len || !read_value(a, ask, f, text))
        return FAIL(err, ERR_INPUT, "The %s %s", f->name, wanted[f->type]);
    return 0;
}

/* ---- bodies without a file ---- */

static struct bytes value_text(struct arena *a, yyjson_val *v)
{
    const char *text;

    if (yyjson_is_str(v))
        return bytes_of(yyjson_get_str(v), yyjson_get_len(v));
    if (yyjson_is_null(v))
        return bytes_of("", 0);
    if (yyjson_is_bool(v))
        text = yyjson_get_bool(v) ? "true" : "false";
    else if (yyjson_is_uint(v))
        text = arena_printf(a, "%llu", (unsigned long long)yyjson_get_uint(v));
    else
        text = "?"; /* no field takes it */
    return bytes_of(text, strlen(text));
}

int ask_json(struct arena *a, struct ask *ask, enum subject_kind kind, struct bytes text,
             const char **ret_field, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(text, (size_t)1 << 20, err);
    yyjson_val *root = yyjson_doc_get_root(doc), *key, *value;
    size_t i, n;

    *ret_field = NULL;
    if (!doc)
        return -1;
    if (!yyjson_is_obj(root))
        return FAIL(err, ERR_INPUT, "The body must be a JSON object.");
    yyjson_obj_foreach (root, i, n, key, value) {
        const struct field *f = field_of(yyjson_get_str(key), kind);
        *ret_field = f ? f->name : NULL;
        if (!f)
            continue;
        if (f->type >= FIELD_REF && !yyjson_is_str(value) && !yyjson_is_null(value))
            return FAIL(err, ERR_INPUT, "The %s must be a text.", f->name);
        if (ask_field(a, ask, kind, f->name, value_text(a, value), err) < 0)
            return -1;
    }
    *ret_field = NULL;
    return 0;
}

bool form_decode(struct arena *a, const char *s, size_t n, struct bytes *ret)
{
    uint8_t *out = arena_alloc(a, n + 1);
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '%' && (n - i < 3 || !text_unhex(&out[len], 1, (char[]){s[i + 1], s[i + 2], '\0'})))
            return false;
        if (s[i] != '%')
            out[len] = s[i] == '+' ? ' ' : (uint8_t)s[i];
        i += s[i] == '%' ? 2 : 0;
        if (!out[len++])
            return false;
    }
    *ret = bytes_of(out, len);
    return true;
}

static int urlencoded_pair(struct arena *a, struct ask *ask, enum subject_kind kind, const char *pair,
                           size_t len, const char **ret_field, struct err *err)
{
    const char *equals = memchr(pair, '=', len);
    size_t nname = equals ? (size_t)(equals - pair) : len;
    struct bytes name, value = {0};

    if (!form_decode(a, pair, nname, &name) ||
        (equals && !form_decode(a, equals + 1, len - nname - 1, &value)))
        return FAIL(err, ERR_INPUT, "The body is no form.");
    *ret_field = arena_strndup(a, (const char *)name.data, name.len);
    return ask_field(a, ask, kind, *ret_field, value, err);
}

int ask_urlencoded(struct arena *a, struct ask *ask, enum subject_kind kind, struct bytes text,
                   const char **ret_field, struct err *err)
{
    const char *s = (const char *)text.data, *end = s + text.len;

    *ret_field = NULL;
    while (s < end) {
        const char *stop = memchr(s, '&', (size_t)(end - s));
        size_t n = (size_t)((stop ? stop : end) - s);
        if (n && urlencoded_pair(a, ask, kind, s, n, ret_field, err) < 0)
            return -1;
        s += n + 1;
    }
    *ret_field = NULL;
    return 0;
}

/* ---- notes ---- */

enum { NOTES_MAX = 64 << 10 };

static void put_text(yyjson_mut_doc *doc, yyjson_mut_val *root, const char *key, const char *text)
{
    if (text)
        yyjson_mut_obj_add_str(doc, root, key, text);
}

struct bytes notes_to_json(struct arena *a, const struct provenance_notes *n)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    put_text(doc, root, "media", kinds[n->kind].name);
    put_text(doc, root, "identifier", n->identifier);
    put_text(doc, root, "ref_id", n->ref_id);
    put_text(doc, root, "webhook", n->webhook);
    if (n->nsfw)
        yyjson_mut_obj_add_bool(doc, root, "nsfw", true);
    return json_write(a, doc);
}

int notes_from_json(struct arena *a, struct bytes json, struct provenance_notes *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, NOTES_MAX, err);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct provenance_notes n = {.kind = SUBJECT_KINDS};
    const char *media;

    if (!doc)
        return -1;
    media = json_str(a, root, "media", "");
    for (int k = 0; k < SUBJECT_KINDS; k++)
        if (text_is(kinds[k].name, media))
            n.kind = (enum subject_kind)k;
    n.identifier = json_str(a, root, "identifier", "");
    if (n.kind == SUBJECT_KINDS || !*n.identifier)
        return FAIL(err, ERR_INTERNAL, "the notes of a job cannot be read");
    n.ref_id = json_str(a, root, "ref_id", NULL);
    n.webhook = json_str(a, root, "webhook", NULL);
    n.nsfw = json_bool(root, "nsfw", false);
    *ret = n;
    return 0;
}

/* ---- identifiers ---- */

static void add_line(struct hasher *h, const char *text)
{
    hasher_add(h, bytes_of(text, strlen(text)));
    hasher_add(h, bytes_of("\n", 1));
}

/* The tenant is in it, so that an identifier belongs to one. No line can hold a newline: names of tenants and
 * ref_ids have none, the rest is ours. */
void question_identifier(struct arena *a, const struct question *q, char ret_identifier[HASH_HEX])
{
    CLEANUP(hasher_freep) struct hasher *h = hasher_new();
    struct job_spec bare = *q->spec;

    bare.id = "";
    bare.subject = (struct subject){.name = ""};
    bare.deadline_ms = 1;
    bare.spent_ms = bare.origin.at = 0;
    add_line(h, "provenance/1");
    add_line(h, q->tenant);
    add_line(h, q->sha256);
    add_line(h, q->ref_id ? q->ref_id : "");
    add_line(h, q->makers);
    add_line(h, q->salt);
    hasher_add(h, spec_to_json(a, &bare));
    hasher_hex(h, ret_identifier);
}

void part_identifier(const char *run, const char *what, size_t i, char ret_identifier[HASH_HEX])
{
    char text[2 * HASH_HEX];
    int n = snprintf(text, sizeof text, "%.64s/%.32s/%zu", run, what, i);

    hash_hex(bytes_of(text, (size_t)n), ret_identifier);
}

/* ---- headers and queries ---- */

bool wants_json(const char *accept, bool by_default)
{
    bool json = accept && (strcasestr(accept, "application/json") || strcasestr(accept, "+json"));
    bool plain = accept && strcasestr(accept, "text/plain");

    return by_default ? json || !plain : json;
}

bool is_identifiers(struct arena *a, const char *name)
{
    static const char word[] = "identifiers";
    struct bytes plain;
    const char *s;

    if (!form_decode(a, name, strlen(name), &plain))
        return false;
    s = (const char *)plain.data;
    if (!text_starts(s, word))
        return false;
    s += strlen(word);
    if (!*s)
        return true;
    if (*s++ != '[')
        return false;
    s += strspn(s, "0123456789");
    return text_is(s, "]");
}

/* ---- options ---- */

static const char table_prefix[] = "/api/";

static const char *const names[] = {
    "classification",        "classifications",      "image_fromurl",         "classification_image",
    "classifications_image", "classification_video", "video_fromurl",         "classifications_video",
    "classification_audio",  "audio_fromurl",        "classifications_audio",
};

const char *provenance_path(struct arena *a, const struct provenance_opts *opts, const char *path)
{
    if (!text_starts(path, table_prefix))
        return path;
    return arena_printf(a, "%s/%s", opts->prefix ? opts->prefix : "", path + strlen(table_prefix));
}

bool provenance_owns_path(const struct provenance_opts *opts, const char *path)
{
    const char *prefix = opts->prefix ? opts->prefix : "";

    if (text_starts(path, "/ui/results/"))
        return true;
    if (!text_starts(path, prefix) || path[strlen(prefix)] != '/')
        return false;
    path += strlen(prefix) + 1;
    if (text_starts(path, "v2/tampering/"))
        return true;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strncmp(path, names[i], strcspn(path, "/")) == 0 && strlen(names[i]) == strcspn(path, "/"))
            return true;
    return false;
}

static bool is_path(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s > '~' || strchr("{}%?#\"<>", *s))
            return false;
    return true;
}

static bool is_base(const char *url)
{
    return (text_starts(url, "http://") || text_starts(url, "https://")) && is_path(url) &&
           !text_ends(url, "/") && !strchr(url, '\'');
}

int provenance_check_opts(const struct provenance_opts *opts, struct err *err)
{
    const char *prefix = opts->prefix ? opts->prefix : "";

    if (!is_path(prefix) || (*prefix && (*prefix != '/' || text_ends(prefix, "/"))))
        return FAIL(err, ERR_INPUT, "provenance-prefix begins with / and does not end with it, or is empty");
    if (opts->public_url && !is_base(opts->public_url))
        return FAIL(err, ERR_INPUT, "public-url is like https://example.org, without a / at its end");
    if (!text_is(opts->version, "1.0") && !text_is(opts->version, "1.1"))
        return FAIL(err, ERR_INPUT, "provenance-version is 1.0 or 1.1");
    if (!text_is(opts->rates, "none") && !text_is(opts->rates, "identifai"))
        return FAIL(err, ERR_INPUT, "provenance-rates is none or identifai");
    return 0;
}
