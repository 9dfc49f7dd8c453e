/* The acquisition format as JSON. Its numbers may be millions, and a tree costs 16 bytes for each: the list
 * of `values` is cut out and read as it stands, and only what is left becomes a tree. */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "media/recording_int.h"

enum { MAX_VALUES = 10000 }; /* of the tree */

/* ---- finding the list ---- */

/* The file without the list, to be made a tree of. */
struct rest {
    char *text;
    size_t len;
    size_t skipped; /* bytes of the file before it */
    size_t hole;    /* where `null` stands for the list */
    size_t list;    /* bytes of the list */
};
static const char hole[] = "null";

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *skip_space(const char *s)
{
    while (is_space(*s))
        s++;
    return s;
}

/* Behind the string that begins at the quote s; `end` when it never ends. */
static const char *behind_string(const char *s, const char *end)
{
    for (s++; s < end && *s != '"'; s++)
        s += *s == '\\';
    return s < end ? s + 1 : end;
}

/* The value that follows when the string s..behind is this key; NULL when it is not. */
static const char *value_of(const char *s, const char *behind, const char *key)
{
    size_t n = strlen(key);

    if ((size_t)(behind - s) != n + 2 || memcmp(s + 1, key, n) != 0)
        return NULL;
    behind = skip_space(behind);
    return *behind == ':' ? skip_space(behind + 1) : NULL;
}

/* Behind the list that begins at s; NULL when it never ends. */
static const char *behind_list(const char *s, const char *end)
{
    size_t depth = 0;

    while (s < end) {
        if (*s == '"') {
            s = behind_string(s, end);
            continue;
        }
        depth += *s == '[';
        if (*s++ == ']' && --depth == 0)
            return s;
    }
    return NULL;
}

/* The list of "values" in the object "payload" of the outermost object. */
static const char *find_list(const char *s, const char *end)
{
    bool in_payload = false;
    size_t depth = 0;

    while (s < end) {
        char c = *s;
        if (c == '"') {
            const char *behind = behind_string(s, end), *value;
            if (depth == 1 && (value = value_of(s, behind, "payload")))
                in_payload = *value == '{';
            if (depth == 2 && in_payload && (value = value_of(s, behind, "values")) && *value == '[')
                return value;
            s = behind;
            continue;
        }
        s++;
        depth += c == '{' || c == '[';
        if (c != '}' && c != ']')
            continue;
        in_payload = in_payload && depth != 2;
        if (depth-- <= 1)
            return NULL;
    }
    return NULL;
}

/* ---- the numbers ---- */

static size_t word_length(const char *s)
{
    size_t n = 0;

    while (s[n] && !is_space(s[n]) && s[n] != ',' && s[n] != ']')
        n++;
    return n;
}

static int take_number(struct reader *r, const char **s, struct err *err)
{
    size_t reading = r->n / r->axes.n + 1, n;
    double v;

    if ((*s)[0] == '"' && strncmp(*s + 1, "Ref-", 4) == 0)
        return recording_refuse_references(err);
    n = recording_number(*s, &v);
    if (!n || n != word_length(*s))
        return recording_not_number(r, *s, word_length(*s), "Reading", reading, err);
    *s = skip_space(*s + n);
    return recording_put(r, v, "Reading", reading, err);
}

static int take_row(struct reader *r, const char **s, struct err *err)
{
    size_t begin = r->n, reading = r->n / r->axes.n + 1;

    if (**s != '[') {
        if (r->axes.n > 1 && **s != '"')
            return FAIL(err, ERR_INPUT, "Reading %zu is not a list, but there are %zu sensors.", reading,
                        r->axes.n);
        return take_number(r, s, err);
    }
    do {
        *s = skip_space(*s + 1);
        if (r->n - begin == r->axes.n)
            return FAIL(err, ERR_INPUT, "Reading %zu has more numbers than there are sensors (%zu).", reading,
                        r->axes.n);
        if (take_number(r, s, err) < 0)
            return -1;
    } while (**s == ',');
    if (**s != ']' || r->n - begin != r->axes.n)
        return FAIL(err, ERR_INPUT, "Reading %zu has %zu number%s, but there are %zu sensors.", reading,
                    r->n - begin, r->n - begin == 1 ? "" : "s", r->axes.n);
    *s = skip_space(*s + 1);
    return 0;
}

/* From the bracket on; behind_list has found its end. */
static int take_list(struct reader *r, const char *s, struct err *err)
{
    if (*skip_space(s + 1) == ']')
        return 0; /* no readings, which somebody else finds */
    do {
        s = skip_space(s + 1);
        if (take_row(r, &s, err) < 0)
            return -1;
    } while (*s == ',');
    return *s == ']' ? 0
                     : FAIL(err, ERR_INPUT, "\"values\" is no list of numbers after reading %zu.",
                            r->n / r->axes.n);
}

/* ---- the rest ---- */

static struct bytes text_of(yyjson_val *obj, const char *key)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    return yyjson_is_str(v) ? bytes_of(yyjson_get_str(v), yyjson_get_len(v)) : bytes_of(NULL, 0);
}

/* Where one of its strings is in the file. */
static struct bytes in_file(const struct reader *r, const struct rest *rest, struct bytes text)
{
    size_t at;

    if (!text.data)
        return text;
    at = (size_t)((const char *)text.data - rest->text);
    if (at > rest->hole)
        at += rest->list - strlen(hole);
    return bytes_of(r->text + rest->skipped + at, text.len);
}

static int take_sensors(struct reader *r, yyjson_val *sensors, struct err *err)
{
    yyjson_val *sensor;
    size_t i, n;

    yyjson_arr_foreach (sensors, i, n, sensor)
        if (recording_add_axis(r, text_of(sensor, "name"), text_of(sensor, "units"), err) < 0)
            return -1;
    return 0;
}

static int take_rest(struct reader *r, yyjson_val *root, const struct rest *rest, struct err *err)
{
    yyjson_val *protection = yyjson_obj_get(root, "protected"), *payload = yyjson_obj_get(root, "payload");
    struct acquisition a = {
        .version = text_of(protection, "ver"),
        .algorithm = text_of(protection, "alg"),
        .taken_s = json_num(protection, "iat", 0),
        .interval_ms = json_num(payload, "interval_ms", (double)NAN),
        .device_name = text_of(payload, "device_name"),
        .device_type = text_of(payload, "device_type"),
        .signature_at = recording_signature(r, in_file(r, rest, text_of(root, "signature"))),
    };

    if (take_sensors(r, yyjson_obj_get(payload, "sensors"), err) < 0)
        return -1;
    return recording_take_acquisition(r, &a, err);
}

/* Why there is no list. */
static int refuse(char *text, size_t len, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read_in_place(text, len, MAX_VALUES, err);

    if (!doc)
        return -1;
    if (text_of(yyjson_obj_get(yyjson_doc_get_root(doc), "payload"), "values").data)
        return recording_refuse_references(err);
    return FAIL(err, ERR_INPUT,
                "This JSON is no recording: it needs \"payload\" with a list \"values\", beside "
                "\"protected\" and \"signature\".");
}

static int cut_out(struct reader *r, const char *text, const char *list, const char *behind, struct rest *ret,
                   struct err *err)
{
    size_t before = (size_t)(list - text), after = (size_t)(r->text + r->len - behind);
    struct rest rest = {NULL, before + strlen(hole) + after, (size_t)(text - r->text), before,
                        (size_t)(behind - list)};

    if (!(rest.text = arena_try(r->scratch, rest.len + JSON_PADDING)))
        return FAIL(err, ERR_LIMIT, "There is no memory for a file of %zu bytes.", r->len);
    memcpy(rest.text, text, before);
    memcpy(rest.text + before, hole, strlen(hole));
    memcpy(rest.text + before + strlen(hole), behind, after);
    *ret = rest;
    return 0;
}

int recording_json(struct reader *r, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    char *text = r->text + (strncmp(r->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0), *end = r->text + r->len;
    const char *list = find_list(text, end), *behind;
    struct rest rest;

    if (!list)
        return refuse(text, (size_t)(end - text), err);
    if (!(behind = behind_list(list, end)))
        return FAIL(err, ERR_INPUT, "The JSON ends inside of \"values\"; was it cut off?");
    if (cut_out(r, text, list, behind, &rest, err) < 0 ||
        !(doc = json_read_in_place(rest.text, rest.len, MAX_VALUES, err)) ||
        take_rest(r, yyjson_doc_get_root(doc), &rest, err) < 0 ||
        recording_room(r, rest.list / 2 + 1, err) < 0)
        return -1;
    return take_list(r, list, err);
}
