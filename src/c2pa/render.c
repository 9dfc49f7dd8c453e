/* The reader JSON: the shape that c2patool prints and the AI-media API hands on. Fields that are not known
 * are left out. Byte strings become Base64.
 *
 * Everything that a stranger has written is charged against C2PA_MAX_JSON; what no longer fits is left out,
 * or replaced by a note where data of an assertion would stand. Statuses are charged first. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "c2pa/reader_int.h"

enum { MAX_LEFT_OUT = 8, MAX_LOOKUPS = 1024 }; /* what costs work without showing anything */
enum { DATA_DEPTH = 20, MEMBER = 16, TYPE_BFDB = JUMBF_TYPE('b', 'f', 'd', 'b') };

static const char too_large[] = "left out: larger or deeper than this reader shows";

struct render {
    const struct reading *r;
    yyjson_mut_doc *doc;
    size_t left;    /* bytes of text still allowed */
    size_t nout;    /* data that did not fit */
    size_t lookups; /* of boxes that references mean */
};

typedef yyjson_mut_val val;

/* ---- text ---- */

/* Bytes that a string has as JSON. */
static size_t cost_of(const char *s, size_t n)
{
    size_t cost = n + MEMBER;

    for (size_t i = 0; i < n; i++)
        cost += (unsigned char)s[i] < 0x20 ? 5 : s[i] == '"' || s[i] == '\\';
    return cost;
}

static bool charge(struct render *o, size_t n)
{
    if (n > o->left) {
        o->left = 0;
        return false;
    }
    o->left -= n;
    return true;
}

/* Strings live in the arena or the store, longer than the document. */
static void put(struct render *o, val *obj, const char *key, const char *s)
{
    if (s && charge(o, cost_of(s, strlen(s))))
        yyjson_mut_obj_add_str(o->doc, obj, key, s);
}

static val *add_object(struct render *o, val *obj, const char *key)
{
    return yyjson_mut_obj_add_obj(o->doc, obj, key);
}

/* ---- CBOR as JSON ---- */

/* A number that was written with less digits than a double has: what its writer meant is the shortest decimal
 * that gives it back. */
static double widen(const struct cbor *item)
{
    float f = (float)item->real;
    char text[32];
    double d;

    if (item->raw.len > 5 || !isfinite(item->real))
        return item->real;
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)f);
        if (text_to_double(text, &d) && (float)d == f)
            return d;
    }
    return item->real;
}

/* An item that holds no others; NULL when it does not fit. */
static val *leaf(struct render *o, const struct cbor *item)
{
    struct arena *a = o->r->a;
    int64_t n;

    switch (item->kind) {
    case CBOR_UINT:
    case CBOR_NINT:
        if (!charge(o, MEMBER))
            return NULL;
        if (item->kind == CBOR_UINT)
            return yyjson_mut_uint(o->doc, item->n);
        return cbor_number(item, &n) ? yyjson_mut_sint(o->doc, n) : yyjson_mut_null(o->doc);
    case CBOR_BYTES:
    case CBOR_TEXT: {
        struct bytes b = cbor_string(a, item);

        if (!charge(o, cost_of((const char *)b.data, b.len) + (item->kind == CBOR_BYTES ? b.len / 2 : 0)))
            return NULL;
        if (item->kind == CBOR_TEXT)
            return yyjson_mut_strn(o->doc, b.len > 0 ? (const char *)b.data : "", b.len);
        return yyjson_mut_str(o->doc, base64_encode(a, b));
    }
    case CBOR_SIMPLE:
        if (!charge(o, MEMBER))
            return NULL;
        if (item->n == CBOR_TRUE || item->n == CBOR_FALSE)
            return yyjson_mut_bool(o->doc, item->n == CBOR_TRUE);
        return yyjson_mut_null(o->doc);
    default:
        if (!charge(o, MEMBER))
            return NULL;
        return isfinite(item->real) ? yyjson_mut_real(o->doc, widen(item)) : yyjson_mut_null(o->doc);
    }
}

static val *key_of(struct render *o, const struct cbor *key)
{
    struct arena *a = o->r->a;
    int64_t n;

    if (key->kind == CBOR_TEXT)
        return leaf(o, key);
    if (cbor_number(key, &n) && charge(o, MEMBER))
        return yyjson_mut_str(o->doc, arena_printf(a, "%lld", (long long)n));
    return NULL;
}

/* An open array or map. */
struct open {
    struct cbor_cursor at;
    bool map;
    val *out;
};

static bool is_list(const struct cbor *item)
{
    return item->kind == CBOR_ARRAY || item->kind == CBOR_MAP;
}

static struct open open_list(struct render *o, const struct cbor *item)
{
    bool map = item->kind == CBOR_MAP;

    return (struct open){cbor_items(item), map, map ? yyjson_mut_obj(o->doc) : yyjson_mut_arr(o->doc)};
}

static void untag(struct cbor *item)
{
    while (item->kind == CBOR_TAG && cbor_tagged(item, item))
        ;
}

/* Takes the next item of an open list. 1; 0 at its end; -1 when something does not fit. */
static int next_item(struct render *o, struct open *top, struct cbor *ret, val **ret_key)
{
    struct cbor key;

    *ret_key = NULL;
    if (!top->map)
        return cbor_next(&top->at, ret);
    if (!cbor_next_pair(&top->at, &key, ret))
        return 0;
    *ret_key = key_of(o, &key);
    return *ret_key ? 1 : -1;
}

/* NULL when it does not fit, is nested too deep, or has keys that JSON cannot have. */
static val *convert(struct render *o, struct cbor item)
{
    struct open stack[DATA_DEPTH];
    size_t depth = 0;
    val *root, *key;
    int more;

    untag(&item);
    if (!is_list(&item))
        return leaf(o, &item);
    stack[depth++] = open_list(o, &item);
    root = stack[0].out;
    while (depth > 0) {
        struct open *top = &stack[depth - 1];
        val *v;

        if ((more = next_item(o, top, &item, &key)) < 0)
            return NULL;
        if (more == 0) {
            depth--;
            continue;
        }
        untag(&item);
        if (is_list(&item)) {
            if (depth == DATA_DEPTH || !charge(o, MEMBER))
                return NULL;
            stack[depth++] = open_list(o, &item);
            v = stack[depth - 1].out;
        } else if (!(v = leaf(o, &item))) {
            return NULL;
        }
        if (top->map)
            yyjson_mut_obj_add(top->out, key, v);
        else
            yyjson_mut_arr_append(top->out, v);
    }
    return root;
}

/* Nothing of what did not fit is charged. */
static val *convert_or_note(struct render *o, const struct cbor *item)
{
    size_t left = o->left;
    val *v = o->nout < MAX_LEFT_OUT ? convert(o, *item) : NULL;

    if (v)
        return v;
    o->nout++;
    o->left = left;
    return charge(o, sizeof too_large) ? yyjson_mut_str(o->doc, too_large) : yyjson_mut_null(o->doc);
}

static void put_field(struct render *o, val *obj, const char *key, const struct cbor *map, const char *field)
{
    struct cbor v;

    if (cbor_get(map, field, &v))
        yyjson_mut_obj_add_val(o->doc, obj, key, convert_or_note(o, &v));
}

/* ---- JSON inside assertions ---- */

/* How deep a JSON text is nested, at most. */
static size_t depth_of(struct bytes text)
{
    size_t depth = 0, deepest = 0;
    bool string = false;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (string && c == '\\')
            i++;
        else if (c == '"')
            string = !string;
        else if (!string && (c == '{' || c == '['))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!string && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return deepest;
}

/* Numbers and strings may take more room than they had: twice as much is charged. */
static val *copy_json(struct render *o, struct bytes text)
{
    CLEANUP(json_freep) yyjson_doc *in = NULL;

    if (text.len > o->left / 2 || depth_of(text) > DATA_DEPTH || !(in = json_read(text, text.len, NULL)))
        return yyjson_mut_str(o->doc, too_large);
    charge(o, 2 * text.len);
    return yyjson_val_mut_copy(o->doc, yyjson_doc_get_root(in));
}

/* ---- files inside ---- */

/* The media type at the front of a bfdb box: toggles, then text with a NUL at its end, or none. */
static const char *media_type(struct arena *a, const struct jumbf_box *box)
{
    const struct jumbf_box *b = jumbf_content(box, TYPE_BFDB);
    const char *s;
    size_t n;

    if (!b || b->body.len < 2)
        return NULL;
    s = (const char *)b->body.data + 1;
    n = strnlen(s, b->body.len - 1);
    return n <= 255 && text_is_utf8(s, n) ? arena_strndup(a, s, n) : NULL;
}

/* Of an assertion, or of a data box: CBOR with its type inside. */
static const char *format_of(const struct render *o, const struct jumbf_box *box)
{
    const char *format = media_type(o->r->a, box);
    struct cbor map;

    if (!format && box_cbor(box, &map))
        format = field_text(o->r->a, &map, "dc:format");
    return format;
}

static void put_resource(struct render *o, val *obj, const char *key, const struct jumbf_box *box,
                         const char *url)
{
    val *v = add_object(o, obj, key);

    put(o, v, "format", format_of(o, box));
    put(o, v, "identifier", url);
}

/* ---- statuses ---- */

static void put_status(struct render *o, val *list, const struct status *s)
{
    val *v;

    if (o->left == 0)
        return;
    v = yyjson_mut_arr_add_obj(o->doc, list);
    put(o, v, "code", code_name(s->code));
    put(o, v, "url", s->url);
    put(o, v, "explanation", s->explanation);
}

/* {success, informational, failure} of the active manifest, or of one ingredient. */
static val *results_of(struct render *o, const char *via)
{
    static const char *const keys[] = {"success", "informational", "failure"};
    const struct status_list *l = &o->r->list;
    val *v = yyjson_mut_obj(o->doc);

    for (int kind = STATUS_SUCCESS; kind <= STATUS_FAILURE; kind++) {
        val *list = yyjson_mut_obj_add_arr(o->doc, v, keys[kind]);

        for (size_t i = 0; i < l->n; i++)
            if (l->items[i].via == via && (int)code_kind(l->items[i].code) == kind)
                put_status(o, list, &l->items[i]);
    }
    return v;
}

static bool is_first_of_its_kind(const struct status_list *l, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (l->items[k].via == l->items[i].via)
            return false;
    return true;
}

static val *deltas(struct render *o)
{
    const struct status_list *l = &o->r->list;
    val *list = yyjson_mut_arr(o->doc);

    for (size_t i = 0; i < l->n && o->left > 0; i++)
        if (l->items[i].via && is_first_of_its_kind(l, i)) {
            val *v = yyjson_mut_arr_add_obj(o->doc, list);

            put(o, v, "ingredientAssertionURI", l->items[i].via);
            yyjson_mut_obj_add_val(o->doc, v, "validationDeltas", results_of(o, l->items[i].via));
        }
    return list;
}

/* Failures: of the active manifest, then of the ingredients. */
static val *failures(struct render *o)
{
    const struct status_list *l = &o->r->list;
    val *list = yyjson_mut_arr(o->doc);

    for (int via = 0; via < 2; via++)
        for (size_t i = 0; i < l->n; i++)
            if (code_kind(l->items[i].code) == STATUS_FAILURE && (l->items[i].via != NULL) == via)
                put_status(o, list, &l->items[i]);
    return list;
}

static void put_results(struct render *o, val *root)
{
    val *list = failures(o), *results = yyjson_mut_obj(o->doc), *more;

    if (yyjson_mut_arr_size(list) > 0)
        yyjson_mut_obj_add_val(o->doc, root, "validation_status", list);
    yyjson_mut_obj_add_val(o->doc, results, "activeManifest", results_of(o, NULL));
    more = deltas(o);
    if (yyjson_mut_arr_size(more) > 0)
        yyjson_mut_obj_add_val(o->doc, results, "ingredientDeltas", more);
    yyjson_mut_obj_add_val(o->doc, root, "validation_results", results);
}

/* ---- manifests ---- */

static void put_generator_info(struct render *o, val *obj, const struct claim *c)
{
    val *v, *list;

    if (!is_list(&c->generator_info))
        return;
    v = convert_or_note(o, &c->generator_info);
    if (c->generator_info.kind == CBOR_ARRAY) {
        yyjson_mut_obj_add_val(o->doc, obj, "claim_generator_info", v);
        return;
    }
    list = yyjson_mut_obj_add_arr(o->doc, obj, "claim_generator_info");
    yyjson_mut_arr_append(list, v);
}

static void put_claim_thumbnail(struct render *o, val *obj, const struct manifest *m)
{
    for (size_t i = 0; i < m->claim.nassertions; i++) {
        const struct jumbf_box *box = m->claim.boxes[i];

        if (box && text_starts(box->label, "c2pa.thumbnail.claim")) {
            put_resource(o, obj, "thumbnail", box,
                         arena_printf(o->r->a, "%s%s", m->assertions_uri, box->label));
            return;
        }
    }
}

static void put_ingredient_thumbnail(struct render *o, val *obj, const struct manifest *m,
                                     const struct ingredient *i)
{
    const struct jumbf_box *box;
    struct hashed_uri u;
    struct cbor v;

    if (++o->lookups > MAX_LOOKUPS || !cbor_get(&i->map, "thumbnail", &v) ||
        !hashed_uri_read(o->r->a, &v, &u))
        return;
    box = jumbf_find(o->r->root, m->box, u.url);
    if (box)
        put_resource(o, obj, "thumbnail", box, uri_absolute(o->r->a, m, u.url));
}

/* Fields of an ingredient assertion, and what the reader calls them. */
static const struct {
    const char *field, *key;
} ingredient_fields[] = {
    {"dc:title", "title"},
    {"dc:format", "format"},
    {"documentID", "document_id"},
    {"instanceID", "instance_id"},
    {"relationship", "relationship"},
    {"description", "description"},
    {"informational_URI", "informational_uri"},
    {"data_types", "data_types"},
    {"metadata", "metadata"},
    {"validationStatus", "validation_status"},
    {"validationResults", "validation_results"},
};

static void put_ingredient(struct render *o, val *list, const struct manifest *m, const struct ingredient *i)
{
    val *v = yyjson_mut_arr_add_obj(o->doc, list);

    for (size_t k = 0; k < COUNT_OF(ingredient_fields); k++)
        put_field(o, v, ingredient_fields[k].key, &i->map, ingredient_fields[k].field);
    put_ingredient_thumbnail(o, v, m, i);
    if (i->has_manifest && i->reference.url)
        put(o, v, "active_manifest", uri_manifest(o->r->a, i->reference.url));
    put(o, v, "label", i->box->label);
}

/* What is shown elsewhere, or is of no use to a reader. */
static bool is_shown(const char *label)
{
    static const char *const others[] = {"c2pa.ingredient", "c2pa.hash.data", "c2pa.hash.bmff",
                                         "c2pa.hash.boxes"};

    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (label_is(label, others[i]))
            return false;
    return !text_starts(label, "c2pa.thumbnail.");
}

static void put_assertion(struct render *o, val *list, const struct jumbf_box *box)
{
    const struct jumbf_box *json = jumbf_content(box, TYPE_JSON);
    struct cbor item;
    int instance;
    const char *label = label_base(o->r->a, box->label, &instance);
    val *v;

    if ((!json && !box_cbor(box, &item)) || o->left == 0)
        return;
    v = yyjson_mut_arr_add_obj(o->doc, list);
    /* Actions are shown in today's form, whichever they were written in. */
    put(o, v, "label", label_is(label, "c2pa.actions") ? "c2pa.actions.v2" : label);
    yyjson_mut_obj_add_val(o->doc, v, "data", json ? copy_json(o, json->body) : convert_or_note(o, &item));
    if (instance > 0)
        yyjson_mut_obj_add_int(o->doc, v, "instance", instance);
    if (json)
        yyjson_mut_obj_add_str(o->doc, v, "kind", "Json");
}

static const char *time_text(struct arena *a, int64_t at)
{
    time_t t = (time_t)at;
    struct tm tm;
    char text[64];

    if (at <= 0 || !gmtime_r(&t, &tm) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S+00:00", &tm) == 0)
        return NULL;
    return arena_strdup(a, text);
}

static void put_signature(struct render *o, val *obj, const struct signature_info *s)
{
    val *v = yyjson_mut_obj(o->doc);

    put(o, v, "alg", s->alg);
    put(o, v, "issuer", s->issuer);
    put(o, v, "common_name", s->common_name);
    put(o, v, "cert_serial_number", s->serial);
    put(o, v, "time", time_text(o->r->a, s->stamped_at));
    if (yyjson_mut_obj_size(v) > 0)
        yyjson_mut_obj_add_val(o->doc, obj, "signature_info", v);
}

static void put_lists(struct render *o, val *v, const struct manifest *m)
{
    val *list = yyjson_mut_obj_add_arr(o->doc, v, "ingredients");

    for (size_t i = 0; i < m->ningredients && o->left > 0; i++)
        put_ingredient(o, list, m, &m->ingredients[i]);
    list = yyjson_mut_obj_add_arr(o->doc, v, "assertions");
    for (size_t i = 0; i < m->claim.nassertions; i++)
        if (m->claim.boxes[i] && is_shown(m->claim.boxes[i]->label))
            put_assertion(o, list, m->claim.boxes[i]);
    if (m->claim.nredacted == 0)
        return;
    list = yyjson_mut_obj_add_arr(o->doc, v, "redactions");
    for (size_t i = 0; i < m->claim.nredacted; i++)
        if (charge(o, cost_of(m->claim.redacted[i], strlen(m->claim.redacted[i]))))
            yyjson_mut_arr_add_str(o->doc, list, m->claim.redacted[i]);
}

static void put_manifest(struct render *o, val *all, const struct manifest *m)
{
    const struct claim *c = &m->claim;
    val *v = yyjson_mut_obj(o->doc);

    if (c->version > 0)
        yyjson_mut_obj_add_int(o->doc, v, "claim_version", c->version);
    if (c->version == 1)
        put(o, v, "claim_generator", c->generator);
    put_generator_info(o, v, c);
    put(o, v, "title", c->title);
    put(o, v, "format", c->format);
    put(o, v, "instance_id", c->instance_id);
    put_claim_thumbnail(o, v, m);
    put_lists(o, v, m);
    put_signature(o, v, &m->signature);
    put(o, v, "label", m->label);
    if (charge(o, cost_of(m->label, strlen(m->label))))
        yyjson_mut_obj_add(all, yyjson_mut_str(o->doc, m->label), v);
}

void render_json(const struct reading *r, struct c2pa_result *ret)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct render o = {.r = r, .doc = doc, .left = C2PA_MAX_JSON};
    val *root = yyjson_mut_obj(doc), *manifests = yyjson_mut_obj(doc);
    struct bytes text;

    yyjson_mut_doc_set_root(doc, root);
    if (r->active)
        put(&o, root, "active_manifest", r->active->label);
    yyjson_mut_obj_add_val(doc, root, "manifests", manifests);
    put_results(&o, root);
    for (size_t i = r->nmanifests; i-- > 0;)
        put_manifest(&o, manifests, &r->manifests[i]);
    yyjson_mut_obj_add_str(doc, root, "validation_state", c2pa_state_name(ret->state));
    text = json_write(r->a, doc);
    ret->json = (const char *)text.data;
    ret->json_len = text.len;
}
