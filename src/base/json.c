#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- memory ---- */

static void *alc_malloc(void *ctx UNUSED, size_t size)
{
    return mem_resize(NULL, size, 1);
}

static void *alc_realloc(void *ctx UNUSED, void *p, size_t old UNUSED, size_t size)
{
    return mem_resize(p, size, 1);
}

static void alc_free(void *ctx UNUSED, void *p)
{
    free(p);
}

static const yyjson_alc alc = {alc_malloc, alc_realloc, alc_free, NULL};

yyjson_mut_doc *json_doc_new(void)
{
    return yyjson_mut_doc_new(&alc);
}

void json_freep(yyjson_doc **doc)
{
    yyjson_doc_free(*doc);
    *doc = NULL;
}

void json_mut_freep(yyjson_mut_doc **doc)
{
    yyjson_mut_doc_free(*doc);
    *doc = NULL;
}

/* What a document costs, counted before parsing, so that a hostile one costs one pass and no tree. */
struct cost {
    int depth;     /* deepest nesting */
    size_t values; /* at most that many */
};

/* The quote that ends the string which begins at s; `end` without one. */
static const uint8_t *string_end(const uint8_t *s, const uint8_t *end)
{
    const uint8_t *begin = s, *quote, *back;

    while ((quote = memchr(s, '"', (size_t)(end - s)))) {
        for (back = quote; back > begin && back[-1] == '\\';)
            back--;
        if ((quote - back) % 2 == 0)
            return quote;
        s = quote + 1;
    }
    return end;
}

static struct cost cost_of(struct bytes text)
{
    const uint8_t *end = text.data + text.len;
    struct cost c = {.values = 1};
    int depth = 0;

    for (const uint8_t *s = text.data; s < end; s++)
        switch (*s) {
        case '"':
            s = string_end(s + 1, end);
            break;
        case '{':
        case '[':
            c.depth = ++depth > c.depth ? depth : c.depth;
            c.values++;
            break;
        case '}':
        case ']':
            depth--;
            break;
        case ',':
        case ':':
            c.values++;
            break;
        default:
            break;
        }
    return c;
}

static yyjson_doc *read_with(struct bytes text, size_t max_values, yyjson_read_flag flags, struct err *err)
{
    struct cost cost = cost_of(text);
    yyjson_read_err why;
    yyjson_doc *doc;

    if (cost.depth > JSON_MAX_DEPTH)
        return FAIL_NULL(err, ERR_LIMIT, "JSON is nested deeper than %d levels", JSON_MAX_DEPTH);
    if (cost.values > max_values)
        return FAIL_NULL(err, ERR_LIMIT, "JSON has more than %zu values", max_values);
    if (!text.len)
        return FAIL_NULL(err, ERR_INPUT, "JSON is empty");
    doc = yyjson_read_opts((char *)(uintptr_t)text.data, text.len, flags, NULL, &why);
    if (!doc && why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) /* no fault of whoever has sent it */
        return FAIL_NULL(err, ERR_IO, "not enough memory for JSON of %zu bytes", text.len);
    if (!doc)
        return FAIL_NULL(err, ERR_INPUT, "not valid JSON: %s at byte %zu", why.msg, why.pos);
    return doc;
}

yyjson_doc *json_read(struct bytes text, size_t max_bytes, struct err *err)
{
    if (text.len > max_bytes)
        return FAIL_NULL(err, ERR_LIMIT, "JSON of %zu bytes is over the limit of %zu", text.len, max_bytes);
    return read_with(text, SIZE_MAX, YYJSON_READ_NOFLAG, err);
}

yyjson_doc *json_read_in_place(char *text, size_t len, size_t max_values, struct err *err)
{
    memset(text + len, 0, JSON_PADDING);
    return read_with(bytes_of(text, len), max_values, YYJSON_READ_INSITU, err);
}

const char *json_str(struct arena *a, yyjson_val *obj, const char *key, const char *fallback)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    return yyjson_is_str(v) ? arena_strndup(a, yyjson_get_str(v), yyjson_get_len(v)) : fallback;
}

int64_t json_int(yyjson_val *obj, const char *key, int64_t fallback)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    return yyjson_is_int(v) ? yyjson_get_sint(v) : fallback;
}

double json_num(yyjson_val *obj, const char *key, double fallback)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    return yyjson_is_num(v) ? yyjson_get_num(v) : fallback;
}

bool json_bool(yyjson_val *obj, const char *key, bool fallback)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    return yyjson_is_bool(v) ? yyjson_get_bool(v) : fallback;
}

void json_put_real(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, double x)
{
    if (isnan(x))
        yyjson_mut_obj_add_null(doc, obj, key);
    else
        yyjson_mut_obj_add_real(doc, obj, key, x);
}

static struct bytes write_with(struct arena *a, yyjson_mut_doc *doc, yyjson_write_flag flags)
{
    size_t len = 0;
    char *text = yyjson_mut_write(doc, flags, &len), *copy;

    if (!text)
        abort(); /* only on exhausted memory or a non-finite number, both bugs of ours */
    copy = arena_strndup(a, text, len);
    free(text);
    return bytes_of(copy, len);
}

struct bytes json_write(struct arena *a, yyjson_mut_doc *doc)
{
    return write_with(a, doc, YYJSON_WRITE_NOFLAG);
}

struct bytes json_write_pretty(struct arena *a, yyjson_mut_doc *doc)
{
    return write_with(a, doc, YYJSON_WRITE_PRETTY_TWO_SPACES);
}
