/* The canonical JSON of what pipeline "tampering" is asked for and finds. */
#include "report/tampering.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/json_int.h"

static const double longest = 1e7; /* seconds */

static const char *const models[TAMPER_MODELS] = {[TAMPER_ERROR_LEVEL] = "error-level",
                                                  [TAMPER_DOUBLE_JPEG] = "double-jpeg",
                                                  [TAMPER_COPY_MOVE] = "copy-move",
                                                  [TAMPER_METADATA] = "metadata"};

const char *tamper_model_name(enum tamper_model m)
{
    return models[m];
}

bool tamper_model_parse(const char *name, size_t len, enum tamper_model *ret)
{
    for (int m = 0; m < TAMPER_MODELS; m++)
        if (strlen(models[m]) == len && memcmp(models[m], name, len) == 0) {
            *ret = (enum tamper_model)m;
            return true;
        }
    return false;
}

void tamper_item_decide(struct tamper_item *item)
{
    struct tamper_vote votes[TAMPER_MODELS];

    for (size_t i = 0; i < item->nevidence; i++) {
        const struct tamper_evidence *e = &item->evidence[i];
        votes[i] = (struct tamper_vote){e->code != NULL, e->model != TAMPER_METADATA, e->score, e->threshold};
    }
    for (int h = 0; h < TAMPER_HEURISTICS; h++)
        item->rulings[h] = tamper_decide((enum tamper_heuristic)h, votes, item->nevidence);
}

/* ---- asked for ---- */

void write_tamper_params(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct tamper_params *p)
{
    yyjson_mut_obj_add_uint(d, obj, "models", p->models);
    yyjson_mut_obj_add_int(d, obj, "at", p->at);
    if (p->nparts)
        write_parts(d, obj, p->parts, p->nparts);
}

struct tamper_params read_tamper_params(struct reader *rd, yyjson_val *o)
{
    struct tamper_params p = {
        .models = (unsigned)read_int(rd, o, "models", 0, TAMPER_ALL),
        .at = read_int(rd, o, "at", 0, INT64_MAX / 2),
    };

    if (yyjson_obj_get(o, "parts"))
        p.parts = read_parts(rd, o, &p.nparts);
    return p;
}

/* ---- found: writing ---- */

static void write_evidence(yyjson_mut_doc *d, yyjson_mut_val *o, const struct tamper_evidence *e)
{
    yyjson_mut_val *numbers, *one;

    write_str(d, o, "model", models[e->model]);
    if (e->code)
        write_str(d, o, "code", e->code);
    yyjson_mut_obj_add_real(d, o, "score", e->score);
    yyjson_mut_obj_add_real(d, o, "threshold", e->threshold);
    yyjson_mut_obj_add_real(d, o, "seconds", e->seconds);
    if (e->has_box)
        write_box(d, o, &e->box);
    numbers = yyjson_mut_obj_add_arr(d, o, "numbers");
    for (size_t i = 0; i < e->nnumbers; i++) {
        one = yyjson_mut_arr_add_obj(d, numbers);
        write_str(d, one, "name", e->numbers[i].name);
        yyjson_mut_obj_add_real(d, one, "value", e->numbers[i].value);
    }
}

static void write_item(yyjson_mut_doc *d, yyjson_mut_val *o, const struct tamper_item *item)
{
    yyjson_mut_val *all;

    yyjson_mut_obj_add_uint(d, o, "part", item->part);
    yyjson_mut_obj_add_uint(d, o, "picture", item->picture);
    write_error(d, o, &item->error);
    write_str(d, o, "format", item->format);
    yyjson_mut_obj_add_int(d, o, "width", item->width);
    yyjson_mut_obj_add_int(d, o, "height", item->height);
    write_str(d, o, "sha256", item->sha256);
    all = yyjson_mut_obj_add_arr(d, o, "evidence");
    for (size_t i = 0; i < item->nevidence; i++)
        write_evidence(d, yyjson_mut_arr_add_obj(d, all), &item->evidence[i]);
    if (item->credentials_read)
        write_credentials_found(d, yyjson_mut_obj_add_obj(d, o, "credentials"), &item->credentials);
}

void write_tampering(yyjson_mut_doc *d, yyjson_mut_val *root, const struct report *r)
{
    yyjson_mut_val *all;

    if (!r->tampering)
        return;
    all = yyjson_mut_obj_add_arr(d, yyjson_mut_obj_add_obj(d, root, "tampering"), "items");
    for (size_t i = 0; i < r->tampering->nitems; i++)
        write_item(d, yyjson_mut_arr_add_obj(d, all), &r->tampering->items[i]);
}

/* ---- found: reading ---- */

static void read_numbers(struct reader *rd, yyjson_val *o, struct tamper_evidence *e)
{
    yyjson_val *all = read_arr(rd, o, "numbers", TAMPER_NUMBERS, &e->nnumbers), *one;
    size_t i, n;

    yyjson_arr_foreach (all, i, n, one)
        e->numbers[i] =
            (struct tamper_number){read_str(rd, one, "name"), read_num(rd, one, "value", -1e15, 1e15)};
}

static struct tamper_evidence read_evidence(struct reader *rd, yyjson_val *o)
{
    struct tamper_evidence e = {
        .model = (enum tamper_model)read_word(rd, o, "model", models, COUNT_OF(models)),
        .code = read_optional(rd, o, "code"),
        .score = read_num(rd, o, "score", 0, 1),
        .threshold = read_num(rd, o, "threshold", 0, 1),
        .seconds = read_num(rd, o, "seconds", 0, longest),
        .has_box = yyjson_obj_get(o, "box"),
    };

    if (e.has_box)
        e.box = read_box(rd, o);
    read_numbers(rd, o, &e);
    return e;
}

/* The rulings follow from the rest. */
static void read_item(struct reader *rd, yyjson_val *o, struct tamper_item *item)
{
    const char *sha256 = read_str(rd, o, "sha256");
    yyjson_val *all, *one;
    size_t i, n;

    if (*sha256 && !text_is_hex(sha256, HASH_HEX - 1))
        read_refuse(rd, "sha256");
    text_copy(item->sha256, sizeof item->sha256, sha256);
    item->part = (size_t)read_int(rd, o, "part", 0, PARTS_MAX - 1);
    item->picture = (size_t)read_int(rd, o, "picture", 0, TAMPERING_MAX_ITEMS);
    read_error(rd, o, &item->error);
    item->format = read_str(rd, o, "format");
    item->width = (int)read_int(rd, o, "width", 0, INT32_MAX);
    item->height = (int)read_int(rd, o, "height", 0, INT32_MAX);
    all = read_arr(rd, o, "evidence", TAMPER_MODELS, &item->nevidence);
    yyjson_arr_foreach (all, i, n, one)
        item->evidence[i] = read_evidence(rd, one);
    item->credentials_read = yyjson_obj_get(o, "credentials");
    if (item->credentials_read)
        item->credentials = read_credentials_found(rd, read_obj(rd, o, "credentials"));
    if (!rd->failed)
        tamper_item_decide(item);
}

void read_tampering(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *o = read_optional_obj(rd, root, "tampering"), *all, *one;
    struct tampering *t;
    size_t i, n;

    if (!o)
        return;
    r->tampering = t = arena_alloc(rd->arena, sizeof *t);
    all = read_arr(rd, o, "items", TAMPERING_MAX_ITEMS, &t->nitems);
    t->items = arena_array(rd->arena, t->nitems, sizeof *t->items);
    yyjson_arr_foreach (all, i, n, one)
        read_item(rd, one, &t->items[i]);
}
