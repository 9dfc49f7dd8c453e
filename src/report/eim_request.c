/* Requests of the .eim protocol. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/eim_int.h"

yyjson_doc *eim_parse(struct arena *a, struct bytes message, struct err *err)
{
    char *copy = arena_try(a, message.len + JSON_PADDING);
    struct err why = {0};
    yyjson_doc *doc;

    if (!copy)
        return FAIL_NULL(err, ERR_LIMIT, "there is no memory for a message of %zu bytes", message.len);
    if (message.len)
        memcpy(copy, message.data, message.len);
    doc = json_read_in_place(copy, message.len, EIM_VALUES, &why);
    if (!doc)
        return FAIL_NULL(err, why.kind == ERR_INPUT ? ERR_DECODE : why.kind, "%s", why.text);
    return doc;
}

/* ---- text that others can read ---- */

/* One character that must not stand there as it is; how many bytes it has. */
static size_t escape(struct buf *out, const char *s, size_t n)
{
    uint32_t code;
    size_t used = text_code_point(s, n, &code);

    if (!used) { /* cannot be: it was written from valid text */
        code = 0xfffd;
        used = 1;
    }
    if (code >= 0x10000) {
        buf_printf(out, "\\u%04x", (unsigned)(0xd800 + ((code - 0x10000) >> 10)));
        code = 0xdc00 + ((code - 0x10000) & 0x3ff);
    }
    buf_printf(out, "\\u%04x", (unsigned)code);
    return used;
}

static bool is_plain(char c, bool in_string)
{
    return (unsigned char)c < 0x80 && !(in_string && (c == '{' || c == '}'));
}

struct bytes eim_text(struct arena *a, yyjson_mut_doc *doc, struct bytes end)
{
    struct bytes json = json_write(a, doc);
    const char *s = (const char *)json.data;
    CLEANUP(buf_clear) struct buf out = BUF(SIZE_MAX / 8);
    bool in_string = false;

    for (size_t i = 0, from; i < json.len;) {
        for (from = i; i < json.len && is_plain(s[i], in_string); i++)
            if (s[i] == '\\' && i + 1 < json.len)
                i++;
            else if (s[i] == '"')
                in_string = !in_string;
        buf_add(&out, s + from, i - from);
        if (i < json.len)
            i += escape(&out, s + i, json.len - i);
    }
    buf_add(&out, end.data, end.len);
    return bytes_of(memcpy(arena_alloc(a, out.len + 1), out.data, out.len), out.len);
}

/* ---- reading ---- */

static bool is_id(yyjson_val *v)
{
    return yyjson_is_int(v) && !(yyjson_is_uint(v) && yyjson_get_uint(v) > INT64_MAX);
}

static int read_features(struct arena *a, yyjson_val *all, const char *key, struct eim_request *ret,
                         struct err *err)
{
    size_t i, n = yyjson_arr_size(all);
    float *features = arena_array(a, n, sizeof *features);
    yyjson_val *one;

    if (!yyjson_is_arr(all))
        return FAIL(err, ERR_INPUT, "'%s' must be an array of numbers", key);
    yyjson_arr_foreach (all, i, n, one) {
        double v = yyjson_get_num(one);
        if (!yyjson_is_num(one) || !(fabs(v) <= (double)FLT_MAX))
            return FAIL(err, ERR_INPUT, "'%s' must hold nothing but numbers; value %zu is none", key, i);
        features[i] = (float)v;
    }
    ret->n = n;
    ret->features = features;
    return 0;
}

static int read_hello(struct arena *a UNUSED, yyjson_val *v, const char *key UNUSED,
                      struct eim_request *ret UNUSED, struct err *err)
{
    if (!yyjson_is_int(v) || yyjson_get_sint(v) != 1)
        return FAIL(err, ERR_INPUT, "'hello' must be 1, the only version there is");
    return 0;
}

/* {"id": block, "min_score": 0.5, ...} */
static int read_thresholds(struct arena *a, yyjson_val *v, const char *key, struct eim_request *ret,
                           struct err *err)
{
    yyjson_val *name, *value, *id = yyjson_obj_get(v, "id");
    struct eim_threshold *set = arena_array(a, yyjson_obj_size(v), sizeof *set);
    size_t i, n;

    if (!is_id(id))
        return FAIL(err, ERR_INPUT, "'%s' must be an object with the 'id' of a block, and numbers", key);
    if (yyjson_obj_size(v) > EIM_THRESHOLDS)
        return FAIL(err, ERR_INPUT, "'%s' has more than %d members", key, EIM_THRESHOLDS);
    yyjson_obj_foreach (v, i, n, name, value) {
        const char *word = arena_strndup(a, yyjson_get_str(name), yyjson_get_len(name));
        if (text_is(word, "id"))
            continue;
        if (!yyjson_is_num(value))
            return FAIL(err, ERR_INPUT, "threshold '%.40s' must be a number", word);
        set[ret->nset++] = (struct eim_threshold){yyjson_get_sint(id), "", word, yyjson_get_num(value)};
    }
    ret->set = set;
    return 0;
}

static int refuse_shared(struct arena *a UNUSED, yyjson_val *v UNUSED, const char *key,
                         struct eim_request *ret UNUSED, struct err *err)
{
    return FAIL(err, ERR_INPUT, "'%s' is not offered here; send the numbers themselves", key);
}

static const struct {
    const char *key;
    enum eim_ask ask;
    int (*read)(struct arena *a, yyjson_val *v, const char *key, struct eim_request *ret, struct err *err);
} asks[] = {
    {"hello", EIM_HELLO, read_hello},
    {"classify", EIM_CLASSIFY, read_features},
    {"classify_continuous", EIM_CONTINUOUS, read_features},
    {"set_threshold", EIM_SET_THRESHOLD, read_thresholds},
    {"classify_shm", EIM_CLASSIFY, refuse_shared},
    {"classify_continuous_shm", EIM_CONTINUOUS, refuse_shared},
};

int eim_request_read(struct arena *a, struct bytes message, struct eim_request *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = eim_parse(a, message, err);
    yyjson_val *root = yyjson_doc_get_root(doc), *id = yyjson_obj_get(root, "id"), *v;

    *ret = (struct eim_request){.has_id = is_id(id), .id = yyjson_get_sint(id)};
    if (!doc)
        return -1;
    if (!ret->has_id)
        return FAIL(err, ERR_INPUT, "a message needs an 'id', a whole number, which its answer repeats");
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        if ((v = yyjson_obj_get(root, asks[i].key))) {
            ret->ask = asks[i].ask;
            return asks[i].read(a, v, asks[i].key, ret, err);
        }
    return FAIL(err, ERR_INPUT,
                "unknown message; there are hello, classify, classify_continuous and set_threshold");
}

/* ---- writing ---- */

static int write_features(yyjson_mut_doc *d, yyjson_mut_val *root, const struct eim_request *r,
                          struct err *err)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, root, "classify");

    for (size_t i = 0; i < r->n; i++) {
        if (!isfinite(r->features[i]))
            return FAIL(err, ERR_INPUT, "number %zu of the window is not finite", i);
        yyjson_mut_arr_add_real(d, all, (double)r->features[i]);
    }
    return 0;
}

int eim_request_write(struct arena *a, const struct eim_request *r, struct bytes *ret, struct err *err)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *d = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(d);

    yyjson_mut_doc_set_root(d, root);
    if (r->ask == EIM_HELLO)
        yyjson_mut_obj_add_int(d, root, "hello", 1);
    else if (write_features(d, root, r, err) < 0)
        return -1;
    yyjson_mut_obj_add_int(d, root, "id", r->id);
    *ret = eim_text(a, d, bytes_of("\n", 1));
    return 0;
}
