#include <string.h>
#include <strings.h>

#include "api/impulse/sample_int.h"
#include "base/c23.h"
#include "base/cleanup.h"
#include "base/text.h"

/* ---- values ---- */

/* %20 and the like, which must be whole; UTF-8 without NUL. */
static int decode(struct arena *a, const char *header, const char *s, const char **ret, struct err *err)
{
    char *text = arena_alloc(a, strlen(s) + 1), *out = text;
    uint8_t byte;

    for (; *s; s++) {
        if (*s != '%') {
            *out++ = *s;
            continue;
        }
        if (!s[1] || !s[2] || !text_unhex(&byte, 1, (char[]){s[1], s[2], '\0'}) || !byte)
            return FAIL(
                err, ERR_INPUT,
                "the header %s must be percent-encoded: '%%' itself is %%25, as encodeURIComponent makes it",
                header);
        *out++ = (char)byte;
        s += 2;
    }
    if (!text_is_utf8(text, (size_t)(out - text)))
        return FAIL(err, ERR_INPUT, "the header %s is no UTF-8", header);
    *ret = text;
    return 0;
}

static int set_name(struct arena *a, struct sending *s, const char *header, const char *value,
                    struct err *err)
{
    char name[NAME_BYTES];
    const char *text;

    if (decode(a, header, value, &text, err) < 0)
        return -1;
    text_base_name(name, sizeof name, text);
    if (!*name)
        return FAIL(err, ERR_INPUT, "the header %s holds no file name", header);
    s->file_name = arena_strdup(a, name);
    return 0;
}

/* x-no-label has the last word, in whatever order they come. */
static int set_label(struct arena *a, struct sending *s, const char *header, const char *value,
                     struct err *err)
{
    const char *text;

    if (decode(a, header, value, &text, err) < 0 || label_check(text, err) < 0)
        return -1;
    if (!s->label && *text)
        s->label = text;
    return 0;
}

static int read_flag(const char *header, const char *value, bool *ret, struct err *err)
{
    *ret = text_is(value, "1") || strcasecmp(value, "true") == 0;
    if (!*ret && *value && !text_is(value, "0") && strcasecmp(value, "false") != 0)
        return FAIL(err, ERR_INPUT, "the header %s must be 1 or 0", header);
    return 0;
}

static int set_no_label(struct arena *a UNUSED, struct sending *s, const char *header, const char *value,
                        struct err *err)
{
    bool on;

    if (read_flag(header, value, &on, err) < 0)
        return -1;
    if (on)
        s->label = "";
    return 0;
}

static int set_unique(struct arena *a UNUSED, struct sending *s, const char *header, const char *value,
                      struct err *err)
{
    return read_flag(header, value, &s->unique, err);
}

static int set_date_id(struct arena *a UNUSED, struct sending *s, const char *header, const char *value,
                       struct err *err)
{
    return read_flag(header, value, &s->date_id, err);
}

static int read_json(struct arena *a, const char *header, const char *value, struct bytes *ret,
                     int (*read)(struct arena *a, yyjson_val *v, struct bytes *ret, struct err *err),
                     struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(bytes_of(value, strlen(value)), 1 << 20, NULL);

    if (!doc)
        return FAIL(err, ERR_INPUT, "the header %s holds no JSON", header);
    return read(a, yyjson_doc_get_root(doc), ret, err);
}

static int set_metadata(struct arena *a, struct sending *s, const char *header, const char *value,
                        struct err *err)
{
    return read_json(a, header, value, &s->metadata, metadata_read, err);
}

static int set_boxes(struct arena *a, struct sending *s, const char *header, const char *value,
                     struct err *err)
{
    return read_json(a, header, value, &s->boxes, boxes_read, err);
}

static int set_project(struct arena *a UNUSED, struct sending *s, const char *header, const char *value,
                       struct err *err)
{
    if (!text_to_i64(value, &s->project) || s->project <= 0)
        return FAIL(err, ERR_INPUT, "the header %s must be the number of a project", header);
    return 0;
}

/* ---- the table ---- */

static const struct {
    const char *name;
    int (*set)(struct arena *a, struct sending *s, const char *header, const char *value, struct err *err);
} headers[] = {
    {"x-file-name", set_name},    {"x-no-label", set_no_label}, /* ahead of x-label */
    {"x-label", set_label},       {"x-disallow-duplicates", set_unique}, {"x-add-date-id", set_date_id},
    {"x-metadata", set_metadata}, {"x-bounding-boxes", set_boxes},       {"x-project-id", set_project},
};

const char *sending_header(size_t i)
{
    return i < COUNT_OF(headers) ? headers[i].name : NULL;
}

int sending_set(struct arena *a, struct sending *s, const char *header, const char *value, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        if (strcasecmp(headers[i].name, header) == 0)
            return headers[i].set(a, s, headers[i].name, value, err);
    return 0;
}

/* ---- names ---- */

const char *name_of_file(struct arena *a, const char *file_name)
{
    static const char *const extensions[] = {".json", ".cbor", ".csv", ".txt", ".wav",
                                             ".jpg",  ".jpeg", ".png", ".mp4", ".avi"};

    for (size_t i = 0; i < COUNT_OF(extensions); i++) {
        size_t n = strlen(file_name), k = strlen(extensions[i]);
        if (n > k && strcasecmp(file_name + n - k, extensions[i]) == 0)
            return arena_strndup(a, file_name, n - k);
    }
    return file_name;
}

const char *label_of_file(struct arena *a, const char *file_name)
{
    size_t n = strspn(file_name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ \t");

    while (n && file_name[n - 1] == ' ')
        n--;
    return n ? arena_strndup(a, file_name, n < LABEL_BYTES ? n : LABEL_BYTES) : NULL;
}

enum sample_category split_by_hash(const char *sha256)
{
    uint8_t bytes[2] = {0};

    text_unhex(bytes, sizeof bytes, (char[]){sha256[0], sha256[1], sha256[2], sha256[3], '\0'});
    return (bytes[0] << 8 | bytes[1]) % 5 < 4 ? SAMPLE_TRAINING : SAMPLE_TESTING;
}
