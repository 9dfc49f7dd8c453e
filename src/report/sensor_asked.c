/* The canonical JSON of what pipelines "sensor-..." are asked for. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/json_int.h"

static const char *const inputs[IMPULSE_INPUTS] = {
    [INPUT_SERIES] = "series", [INPUT_PICTURE] = "picture", [INPUT_FEATURES] = "features"};
static const char *const part_kinds[SENSOR_PART_KINDS] = {
    [PART_MODEL] = "model", [PART_SERIES] = "series", [PART_PICTURE] = "picture"};

/* ---- writing ---- */

static void write_settings(yyjson_mut_doc *d, yyjson_mut_val *o, const struct impulse_dsp *p)
{
    for (size_t i = 0; i < p->nsettings; i++) /* names outlive the document */
        write_str(d, o, p->settings[i].name, p->settings[i].value);
}

static void write_dsp(yyjson_mut_doc *d, yyjson_mut_val *all, const struct impulse_dsp *p)
{
    yyjson_mut_val *o = yyjson_mut_arr_add_obj(d, all), *settings = yyjson_mut_obj(d);

    yyjson_mut_obj_add_int(d, o, "id", p->id);
    write_str(d, o, "type", p->type);
    write_str(d, o, "name", p->name);
    yyjson_mut_obj_add_int(d, o, "version", p->version);
    write_names(d, o, "axes", p->axes, p->naxes);
    write_settings(d, settings, p);
    yyjson_mut_obj_add_val(d, o, "settings", settings);
}

static void write_clusters(yyjson_mut_doc *d, yyjson_mut_val *o, const struct impulse_learn *l)
{
    yyjson_mut_val *chosen = yyjson_mut_obj_add_arr(d, o, "chosen"), *all, *one;

    for (size_t i = 0; i < l->nchosen; i++)
        yyjson_mut_arr_add_int(d, chosen, l->chosen[i]);
    write_float_list(d, o, "mean", l->mean, l->nchosen);
    write_float_list(d, o, "dev", l->dev, l->nchosen);
    all = yyjson_mut_obj_add_arr(d, o, "clusters");
    for (size_t i = 0; i < l->nclusters; i++) {
        one = yyjson_mut_arr_add_obj(d, all);
        write_float_list(d, one, "centroid", l->clusters[i].centroid, l->nchosen);
        write_float(d, one, "max_error", l->clusters[i].max_error);
    }
}

void write_learn_block(yyjson_mut_doc *d, yyjson_mut_val *o, const struct impulse_learn *l)
{
    yyjson_mut_val *dsp;

    yyjson_mut_obj_add_int(d, o, "id", l->id);
    write_str(d, o, "kind", learn_kinds[l->kind]);
    write_str(d, o, "type", l->type);
    write_str(d, o, "name", l->name);
    write_str(d, o, "title", l->title);
    dsp = yyjson_mut_obj_add_arr(d, o, "dsp");
    for (size_t i = 0; i < l->ndsp; i++)
        yyjson_mut_arr_add_int(d, dsp, l->dsp[i]);
    write_names(d, o, "labels", l->labels, l->nlabels);
    write_real(d, o, "min_score", l->min_score);
    yyjson_mut_obj_add_int(d, o, "model", l->model);
    write_str(d, o, "scale", picture_scales[l->scale]);
    if (l->nchosen)
        write_clusters(d, o, l);
}

static void write_input(yyjson_mut_doc *d, yyjson_mut_val *o, const struct impulse *p)
{
    write_str(d, o, "input", inputs[p->input]);
    if (p->input == INPUT_SERIES) {
        write_real(d, o, "window_ms", p->window_ms);
        write_real(d, o, "step_ms", p->step_ms);
        write_real(d, o, "frequency", p->frequency);
        yyjson_mut_obj_add_bool(d, o, "pad", p->pad);
    } else if (p->input == INPUT_PICTURE) {
        yyjson_mut_obj_add_int(d, o, "width", p->width);
        yyjson_mut_obj_add_int(d, o, "height", p->height);
        write_str(d, o, "fit", picture_fits[p->fit]);
    }
}

void write_impulse(yyjson_mut_doc *d, yyjson_mut_val *o, const struct impulse *p)
{
    yyjson_mut_val *all;

    yyjson_mut_obj_add_int(d, o, "id", p->id);
    write_str(d, o, "name", p->name);
    write_input(d, o, p);
    all = yyjson_mut_obj_add_arr(d, o, "dsp");
    for (size_t i = 0; i < p->ndsp; i++)
        write_dsp(d, all, &p->dsp[i]);
    all = yyjson_mut_obj_add_arr(d, o, "learn");
    for (size_t i = 0; i < p->nlearn; i++)
        write_learn_block(d, yyjson_mut_arr_add_obj(d, all), &p->learn[i]);
}

void impulse_sum(const struct impulse *p, char ret_hex[HASH_HEX])
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *d = json_doc_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    yyjson_mut_val *root = yyjson_mut_obj(d);

    yyjson_mut_doc_set_root(d, root);
    write_impulse(d, root, p);
    hash_hex(json_write(a, d), ret_hex);
}

static void write_part(yyjson_mut_doc *d, yyjson_mut_val *o, const struct sensor_part *p)
{
    write_str(d, o, "kind", part_kinds[p->kind]);
    yyjson_mut_obj_add_int(d, o, "offset", p->offset);
    yyjson_mut_obj_add_int(d, o, "size", p->size);
    if (p->kind == PART_MODEL) {
        write_str(d, o, "sha256", p->sha256);
        return;
    }
    yyjson_mut_obj_add_int(d, o, "number", p->number);
    if (p->kind == PART_SERIES) {
        write_names(d, o, "axes", p->axes, p->naxes);
        write_real(d, o, "frequency", p->frequency);
    }
    if (p->label)
        write_str(d, o, "label", p->label);
    if (p->nstretches)
        write_stretches(d, o, "stretches", p->stretches, p->nstretches);
    if (p->nboxes)
        write_boxes(d, o, "boxes", p->boxes, p->nboxes);
}

static void write_train(yyjson_mut_doc *d, yyjson_mut_val *o, const struct train_params *t)
{
    yyjson_mut_val *hidden;

    yyjson_mut_obj_add_int(d, o, "learn", t->learn);
    yyjson_mut_obj_add_int(d, o, "epochs", t->epochs);
    write_real(d, o, "rate", t->rate);
    hidden = yyjson_mut_obj_add_arr(d, o, "hidden");
    yyjson_mut_arr_add_int(d, hidden, t->hidden[0]);
    yyjson_mut_arr_add_int(d, hidden, t->hidden[1]);
    write_real(d, o, "held", t->held);
    yyjson_mut_obj_add_int(d, o, "clusters", t->clusters);
    yyjson_mut_obj_add_uint(d, o, "seed", t->seed);
}

/* Of a pipeline that has no use for them, the impulse and the training are left out. */
void write_sensor_params(yyjson_mut_doc *d, yyjson_mut_val *o, const struct sensor_params *p)
{
    yyjson_mut_val *all;

    if (p->file)
        write_str(d, o, "file", p->file);
    if (p->impulse.ndsp)
        write_impulse(d, yyjson_mut_obj_add_obj(d, o, "impulse"), &p->impulse);
    if (p->nparts) {
        all = yyjson_mut_obj_add_arr(d, o, "parts");
        for (size_t i = 0; i < p->nparts; i++)
            write_part(d, yyjson_mut_arr_add_obj(d, all), &p->parts[i]);
    }
    yyjson_mut_obj_add_int(d, o, "first", p->first);
    yyjson_mut_obj_add_int(d, o, "only", p->only);
    if (p->train.learn)
        write_train(d, yyjson_mut_obj_add_obj(d, o, "train"), &p->train);
}

/* ---- reading: what is in range by itself; impulse_check and sensor_params_check know the rest ---- */

static int64_t read_id(struct reader *rd, yyjson_val *o, const char *key)
{
    return read_int(rd, o, key, 0, INT64_MAX / 2);
}

static void read_settings(struct reader *rd, yyjson_val *o, struct impulse_dsp *p)
{
    yyjson_val *all = read_obj(rd, o, "settings"), *key, *value;
    struct impulse_setting *settings;
    size_t i, n;

    if (!yyjson_is_obj(all) || yyjson_obj_size(all) > IMPULSE_SETTINGS) {
        read_refuse(rd, "settings");
        return;
    }
    p->settings = settings = arena_array(rd->arena, yyjson_obj_size(all), sizeof *settings);
    yyjson_obj_foreach (all, i, n, key, value) {
        const char *s = yyjson_get_str(value);
        if (!s || strlen(s) != yyjson_get_len(value))
            read_refuse(rd, "settings");
        settings[p->nsettings++] = (struct impulse_setting){arena_strdup(rd->arena, yyjson_get_str(key)),
                                                            arena_strdup(rd->arena, s ? s : "")};
    }
}

static struct impulse_dsp read_dsp(struct reader *rd, yyjson_val *o)
{
    struct impulse_dsp p = {
        .id = read_id(rd, o, "id"),
        .type = read_name(rd, o, "type"),
        .name = read_name(rd, o, "name"),
        .version = (int)read_int(rd, o, "version", 0, 1000),
    };

    p.axes = read_names(rd, o, "axes", SENSOR_AXES, &p.naxes);
    read_settings(rd, o, &p);
    return p;
}

static const int *read_chosen(struct reader *rd, yyjson_val *o, size_t *ret_n)
{
    yyjson_val *all = read_arr(rd, o, "chosen", IMPULSE_FEATURES, ret_n), *v;
    int *list = arena_array(rd->arena, *ret_n, sizeof *list);
    size_t i, n;

    yyjson_arr_foreach (all, i, n, v) {
        if (!yyjson_is_uint(v) || yyjson_get_uint(v) > INT32_MAX)
            read_refuse(rd, "chosen");
        else
            list[i] = (int)yyjson_get_uint(v);
    }
    return list;
}

static const float *read_exactly(struct reader *rd, yyjson_val *o, const char *key, size_t want)
{
    size_t n;
    const float *list = read_float_list(rd, o, key, want, &n);

    if (n != want)
        read_refuse(rd, key);
    return n == want ? list : arena_array(rd->arena, want, sizeof *list);
}

static void read_clusters(struct reader *rd, yyjson_val *o, struct impulse_learn *l)
{
    yyjson_val *all, *one;
    struct impulse_cluster *clusters;
    size_t i, n;

    l->chosen = read_chosen(rd, o, &l->nchosen);
    l->mean = read_exactly(rd, o, "mean", l->nchosen);
    l->dev = read_exactly(rd, o, "dev", l->nchosen);
    all = read_arr(rd, o, "clusters", IMPULSE_CLUSTERS, &l->nclusters);
    l->clusters = clusters = arena_array(rd->arena, l->nclusters, sizeof *clusters);
    yyjson_arr_foreach (all, i, n, one)
        clusters[i] = (struct impulse_cluster){read_exactly(rd, one, "centroid", l->nchosen),
                                               read_float(rd, one, "max_error")};
}

static const int64_t *read_ids(struct reader *rd, yyjson_val *o, size_t *ret_n)
{
    yyjson_val *all = read_arr(rd, o, "dsp", IMPULSE_BLOCKS, ret_n), *v;
    int64_t *list = arena_array(rd->arena, *ret_n, sizeof *list);
    size_t i, n;

    yyjson_arr_foreach (all, i, n, v) {
        if (!yyjson_is_uint(v) || yyjson_get_uint(v) > INT64_MAX / 2)
            read_refuse(rd, "dsp");
        else
            list[i] = (int64_t)yyjson_get_uint(v);
    }
    return list;
}

struct impulse_learn read_learn_block(struct reader *rd, yyjson_val *o)
{
    struct impulse_learn l = {
        .id = read_id(rd, o, "id"),
        .kind = (enum learn_kind)read_word(rd, o, "kind", learn_kinds, COUNT_OF(learn_kinds)),
        .type = read_name(rd, o, "type"),
        .name = read_name(rd, o, "name"),
        .title = read_name(rd, o, "title"),
        .min_score = read_real(rd, o, "min_score"),
        .model = (int)read_int(rd, o, "model", -1, SENSOR_PARTS),
        .scale = (enum picture_scale)read_word(rd, o, "scale", picture_scales, COUNT_OF(picture_scales)),
    };

    l.dsp = read_ids(rd, o, &l.ndsp);
    l.labels = read_names(rd, o, "labels", IMPULSE_LABELS, &l.nlabels);
    if (yyjson_obj_get(o, "chosen"))
        read_clusters(rd, o, &l);
    return l;
}

static void read_input(struct reader *rd, yyjson_val *o, struct impulse *p)
{
    p->input = (enum impulse_input)read_word(rd, o, "input", inputs, COUNT_OF(inputs));
    if (p->input == INPUT_SERIES) {
        p->window_ms = read_real(rd, o, "window_ms");
        p->step_ms = read_real(rd, o, "step_ms");
        p->frequency = read_real(rd, o, "frequency");
        p->pad = read_bool(rd, o, "pad");
    } else if (p->input == INPUT_PICTURE) {
        p->width = (int)read_int(rd, o, "width", 0, INT32_MAX);
        p->height = (int)read_int(rd, o, "height", 0, INT32_MAX);
        p->fit = (enum picture_fit)read_word(rd, o, "fit", picture_fits, COUNT_OF(picture_fits));
    }
}

struct impulse read_impulse(struct reader *rd, yyjson_val *o)
{
    struct impulse p = {.id = read_id(rd, o, "id"), .name = read_name(rd, o, "name")};
    struct impulse_dsp *dsp;
    struct impulse_learn *learn;
    yyjson_val *all, *one;
    size_t i, n;

    read_input(rd, o, &p);
    all = read_arr(rd, o, "dsp", IMPULSE_BLOCKS, &p.ndsp);
    p.dsp = dsp = arena_array(rd->arena, p.ndsp, sizeof *dsp);
    yyjson_arr_foreach (all, i, n, one)
        dsp[i] = read_dsp(rd, one);
    all = read_arr(rd, o, "learn", IMPULSE_BLOCKS, &p.nlearn);
    p.learn = learn = arena_array(rd->arena, p.nlearn, sizeof *learn);
    yyjson_arr_foreach (all, i, n, one)
        learn[i] = read_learn_block(rd, one);
    return p;
}

static void read_model_part(struct reader *rd, yyjson_val *o, struct sensor_part *p)
{
    const char *sha256 = read_str(rd, o, "sha256");

    if (*sha256 && !text_is_hex(sha256, HASH_HEX - 1))
        read_refuse(rd, "sha256");
    text_copy(p->sha256, sizeof p->sha256, sha256);
}

static struct sensor_part read_part(struct reader *rd, yyjson_val *o)
{
    struct sensor_part p = {
        .kind = (enum sensor_part_kind)read_word(rd, o, "kind", part_kinds, COUNT_OF(part_kinds)),
        .offset = read_int(rd, o, "offset", 0, INT64_MAX / 2),
        .size = read_int(rd, o, "size", 0, INT64_MAX / 2),
    };

    if (p.kind == PART_MODEL) {
        read_model_part(rd, o, &p);
        return p;
    }
    p.number = read_int(rd, o, "number", INT64_MIN / 2, INT64_MAX / 2);
    if (p.kind == PART_SERIES) {
        p.axes = read_names(rd, o, "axes", SENSOR_AXES, &p.naxes);
        p.frequency = read_real(rd, o, "frequency");
    }
    p.label = yyjson_obj_get(o, "label") ? read_name(rd, o, "label") : NULL;
    if (yyjson_obj_get(o, "stretches"))
        p.stretches = read_stretches(rd, o, "stretches", &p.nstretches);
    if (yyjson_obj_get(o, "boxes"))
        p.boxes = read_boxes(rd, o, "boxes", &p.nboxes);
    return p;
}

static struct train_params read_train(struct reader *rd, yyjson_val *o)
{
    yyjson_val *seed = yyjson_obj_get(o, "seed"), *hidden;
    struct train_params t = {
        .learn = read_id(rd, o, "learn"),
        .epochs = (int)read_int(rd, o, "epochs", 0, INT32_MAX),
        .rate = read_real(rd, o, "rate"),
        .held = read_real(rd, o, "held"),
        .clusters = (int)read_int(rd, o, "clusters", 0, INT32_MAX),
        .seed = yyjson_get_uint(seed),
    };
    size_t n;

    if (!yyjson_is_uint(seed))
        read_refuse(rd, "seed");
    hidden = read_arr(rd, o, "hidden", COUNT_OF(t.hidden), &n);
    for (size_t i = 0; i < COUNT_OF(t.hidden); i++) {
        yyjson_val *v = yyjson_arr_get(hidden, i);
        if (!yyjson_is_uint(v) || yyjson_get_uint(v) > INT32_MAX)
            read_refuse(rd, "hidden");
        else
            t.hidden[i] = (int)yyjson_get_uint(v);
    }
    return t;
}

struct sensor_params read_sensor_params(struct reader *rd, yyjson_val *o)
{
    struct sensor_params p = {
        .file = read_optional(rd, o, "file"),
        .first = read_int(rd, o, "first", 0, INT64_MAX / 2),
        .only = read_int(rd, o, "only", 0, INT64_MAX / 2),
        .train = train_params_defaults(),
    };
    struct sensor_part *parts;
    yyjson_val *all, *one;
    size_t i, n;

    if (yyjson_obj_get(o, "impulse"))
        p.impulse = read_impulse(rd, read_obj(rd, o, "impulse"));
    if (yyjson_obj_get(o, "parts")) {
        all = read_arr(rd, o, "parts", SENSOR_PARTS, &p.nparts);
        p.parts = parts = arena_array(rd->arena, p.nparts, sizeof *parts);
        yyjson_arr_foreach (all, i, n, one)
            parts[i] = read_part(rd, one);
    }
    if (yyjson_obj_get(o, "train"))
        p.train = read_train(rd, read_obj(rd, o, "train"));
    return p;
}
