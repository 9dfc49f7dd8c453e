/* The canonical JSON of what pipelines "sensor-..." find. */
#include <float.h>
#include <math.h>

#include "base/text.h"
#include "report/json_int.h"

enum { MAX_NUMBERS = 1 << 22, MAX_DIM = 1 << 26, MAX_NOTES = 1000, MAX_PAIRS = 1 << 20, MAX_SIDE = 1024 };

static const char *const kinds[SENSOR_KINDS] = {[SENSOR_SERIES] = "series", [SENSOR_PICTURE] = "picture"};
static const char *const numbers[MODEL_NUMBERS] = {
    [NUMBER_FLOAT] = "float32", [NUMBER_INT8] = "int8", [NUMBER_UINT8] = "uint8"};

static bool has_boxes(enum learn_kind k)
{
    return k == LEARN_FOMO || k == LEARN_SSD;
}

/* ---- writing ---- */

static void write_given(yyjson_mut_doc *d, yyjson_mut_val *o, const char *key, const char *s)
{
    if (s)
        write_str(d, o, key, s);
}

static void write_axes(yyjson_mut_doc *d, yyjson_mut_val *o, const struct recording *r)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, o, "axes"), *one;

    for (size_t i = 0; i < r->naxes; i++) {
        one = yyjson_mut_arr_add_obj(d, all);
        write_str(d, one, "name", r->axes[i].name);
        write_str(d, one, "units", r->axes[i].units);
    }
}

static void write_recording(yyjson_mut_doc *d, yyjson_mut_val *o, const struct recording *r)
{
    write_str(d, o, "kind", kinds[r->kind]);
    write_str(d, o, "format", r->format);
    write_axes(d, o, r);
    write_real(d, o, "interval_ms", r->interval_ms);
    yyjson_mut_obj_add_int(d, o, "readings", r->readings);
    yyjson_mut_obj_add_int(d, o, "width", r->width);
    yyjson_mut_obj_add_int(d, o, "height", r->height);
    write_given(d, o, "device_name", r->device_name);
    write_given(d, o, "device_type", r->device_type);
    yyjson_mut_obj_add_int(d, o, "taken_s", r->taken_s);
    write_given(d, o, "algorithm", r->algorithm);
    yyjson_mut_obj_add_int(d, o, "signature_at", r->signature_at);
    write_given(d, o, "label", r->label);
    write_given(d, o, "note", r->note);
}

static void write_pairs(yyjson_mut_doc *d, yyjson_mut_val *o, const char *key, const struct box_pair *p,
                        size_t n)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, o, key), *one;

    for (size_t i = 0; i < n; i++) {
        one = yyjson_mut_arr_add_arr(d, all);
        yyjson_mut_arr_add_uint(d, one, p[i].predicted);
        yyjson_mut_arr_add_uint(d, one, p[i].actual);
        yyjson_mut_arr_add_real(d, one, isfinite(p[i].distance) ? p[i].distance : 0);
    }
}

static void write_window_boxes(yyjson_mut_doc *d, yyjson_mut_val *o, const struct window_boxes *w)
{
    yyjson_mut_val *scores;

    write_boxes(d, o, "boxes", w->boxes, w->n);
    scores = yyjson_mut_obj_add_arr(d, o, "scores");
    for (size_t i = 0; i < w->n; i++)
        yyjson_mut_arr_add_real(d, scores, isfinite(w->scores[i]) ? w->scores[i] : 0);
    if (!w->ntruths)
        return;
    write_boxes(d, o, "truths", w->truths, w->ntruths);
    write_pairs(d, o, "pairs", w->pairs, w->npairs);
    write_pairs(d, o, "assigned", w->assigned, w->nassigned);
    write_real(d, o, "f1", w->f1);
    write_real(d, o, "precision", w->precision);
    write_real(d, o, "recall", w->recall);
    write_real(d, o, "map", w->map);
}

static void write_learn(yyjson_mut_doc *d, yyjson_mut_val *o, const struct learn_result *l, size_t nwindows)
{
    yyjson_mut_val *all;

    yyjson_mut_obj_add_int(d, o, "id", l->id);
    write_str(d, o, "kind", learn_kinds[l->kind]);
    write_names(d, o, "labels", l->labels, l->nlabels);
    if (has_boxes(l->kind)) {
        all = yyjson_mut_obj_add_arr(d, o, "boxes");
        for (size_t i = 0; i < nwindows; i++)
            write_window_boxes(d, yyjson_mut_arr_add_obj(d, all), &l->boxes[i]);
    } else {
        write_float_list(d, o, "scores", l->scores, nwindows * l->nlabels);
    }
    if (l->kind == LEARN_GRID) {
        yyjson_mut_obj_add_uint(d, o, "side", l->side);
        write_float_list(d, o, "grid", l->grid, nwindows * l->side * l->side);
    }
}

static void write_result(yyjson_mut_doc *d, yyjson_mut_val *o, const struct recording_result *r)
{
    yyjson_mut_val *all;

    write_error(d, o, &r->error);
    yyjson_mut_obj_add_int(d, o, "number", r->number);
    yyjson_mut_obj_add_uint(d, o, "part", r->part);
    yyjson_mut_obj_add_uint(d, o, "windows", r->nwindows);
    yyjson_mut_obj_add_uint(d, o, "window", r->window);
    yyjson_mut_obj_add_uint(d, o, "step", r->step);
    yyjson_mut_obj_add_bool(d, o, "resampled", r->resampled);
    yyjson_mut_obj_add_bool(d, o, "padded", r->padded);
    write_stretches(d, o, "expected", r->expected, r->nexpected);
    all = yyjson_mut_obj_add_arr(d, o, "learn");
    for (size_t i = 0; i < r->nlearn; i++)
        write_learn(d, yyjson_mut_arr_add_obj(d, all), &r->learn[i], r->nwindows);
}

static void write_features(yyjson_mut_doc *d, yyjson_mut_val *o, const struct feature_result *f)
{
    write_float_list(d, o, "values", f->values, f->n);
    write_names(d, o, "labels", f->labels, f->nlabels);
    yyjson_mut_obj_add_uint(d, o, "width", f->width);
    yyjson_mut_obj_add_uint(d, o, "height", f->height);
    yyjson_mut_obj_add_uint(d, o, "channels", f->channels);
    write_float_list(d, o, "raw", f->raw, f->nraw);
}

static void write_training(yyjson_mut_doc *d, yyjson_mut_val *o, const struct training *t)
{
    yyjson_mut_val *confusion;

    yyjson_mut_obj_add_int(d, o, "learn", t->learn);
    write_names(d, o, "labels", t->labels, t->nlabels);
    yyjson_mut_obj_add_uint(d, o, "features", t->nfeatures);
    yyjson_mut_obj_add_int(d, o, "train", t->ntrain);
    yyjson_mut_obj_add_int(d, o, "held", t->nheld);
    write_real(d, o, "accuracy", t->accuracy);
    write_real(d, o, "loss", t->loss);
    write_real(d, o, "train_accuracy", t->train_accuracy);
    write_real(d, o, "train_loss", t->train_loss);
    confusion = yyjson_mut_obj_add_arr(d, o, "confusion");
    for (size_t i = 0; t->confusion && i < t->nlabels * t->nlabels; i++)
        yyjson_mut_arr_add_int(d, confusion, t->confusion[i]);
    yyjson_mut_obj_add_int(d, o, "epochs", t->epochs);
    write_learn_block(d, yyjson_mut_obj_add_obj(d, o, "block"), &t->block);
}

static void write_ports(yyjson_mut_doc *d, yyjson_mut_val *o, const char *key, const struct model_port *p,
                        size_t n)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, o, key), *one, *dims;

    for (size_t i = 0; i < n; i++) {
        one = yyjson_mut_arr_add_obj(d, all);
        write_str(d, one, "name", p[i].name);
        write_str(d, one, "number", numbers[p[i].number]);
        dims = yyjson_mut_obj_add_arr(d, one, "dims");
        for (size_t k = 0; k < p[i].ndims; k++)
            yyjson_mut_arr_add_int(d, dims, p[i].dims[k]);
        write_real(d, one, "scale", p[i].scale);
        yyjson_mut_obj_add_int(d, one, "zero", p[i].zero);
    }
}

static void write_imported(yyjson_mut_doc *d, yyjson_mut_val *o, const struct imported *p)
{
    write_str(d, o, "format", p->format);
    yyjson_mut_obj_add_bool(d, o, "quantised", p->quantised);
    write_ports(d, o, "inputs", p->inputs, p->ninputs);
    write_ports(d, o, "outputs", p->outputs, p->noutputs);
    if (p->has_impulse)
        write_impulse(d, yyjson_mut_obj_add_obj(d, o, "impulse"), &p->impulse);
    write_names(d, o, "notes", p->notes, p->nnotes);
}

void write_sensing(yyjson_mut_doc *d, yyjson_mut_val *root, const struct report *r)
{
    const struct sensing *s = r->sensing;
    yyjson_mut_val *o, *all;

    if (!s)
        return;
    o = yyjson_mut_obj_add_obj(d, root, "sensing");
    if (s->recording)
        write_recording(d, yyjson_mut_obj_add_obj(d, o, "recording"), s->recording);
    if (s->nresults) {
        all = yyjson_mut_obj_add_arr(d, o, "results");
        for (size_t i = 0; i < s->nresults; i++)
            write_result(d, yyjson_mut_arr_add_obj(d, all), &s->results[i]);
    }
    if (s->features)
        write_features(d, yyjson_mut_obj_add_obj(d, o, "features"), s->features);
    if (s->training)
        write_training(d, yyjson_mut_obj_add_obj(d, o, "training"), s->training);
    if (s->imported)
        write_imported(d, yyjson_mut_obj_add_obj(d, o, "imported"), s->imported);
}

/* ---- how long that becomes ---- */

enum { FLOAT_CHARS = 12, DOUBLE_CHARS = 20, KEY_CHARS = 200 }; /* with the comma */

static size_t name_bytes(const char *s)
{
    size_t n = 3;

    for (; s && *s; s++)
        n += (unsigned char)*s < ' ' ? 6 : *s == '"' || *s == '\\' ? 2 : 1;
    return n;
}

static size_t boxes_bytes(const struct sensor_box *boxes, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += name_bytes(boxes[i].label) + 5 * DOUBLE_CHARS;
    return sum;
}

static size_t window_bytes(const struct window_boxes *w)
{
    return KEY_CHARS + boxes_bytes(w->boxes, w->n) + boxes_bytes(w->truths, w->ntruths) +
           (w->npairs + w->nassigned) * (DOUBLE_CHARS + 14);
}

size_t learn_result_bytes(const struct learn_result *l, size_t nwindows)
{
    size_t n = KEY_CHARS;

    for (size_t i = 0; i < l->nlabels && l->labels; i++)
        n += name_bytes(l->labels[i]);
    if (!has_boxes(l->kind))
        return n + nwindows * FLOAT_CHARS * (l->nlabels + l->side * l->side);
    for (size_t i = 0; i < nwindows && l->boxes; i++)
        n += window_bytes(&l->boxes[i]);
    return n;
}

/* ---- reading ---- */

static size_t read_size(struct reader *rd, yyjson_val *o, const char *key, int64_t max)
{
    return (size_t)read_int(rd, o, key, 0, max);
}

static void read_axes(struct reader *rd, yyjson_val *o, struct recording *r)
{
    yyjson_val *all = read_arr(rd, o, "axes", SENSOR_AXES, &r->naxes), *one;
    struct sensor_axis *axes = arena_array(rd->arena, r->naxes, sizeof *axes);
    size_t i, n;

    r->axes = axes;
    yyjson_arr_foreach (all, i, n, one)
        axes[i] = (struct sensor_axis){read_name(rd, one, "name"), read_name(rd, one, "units")};
}

static struct recording *read_recording(struct reader *rd, yyjson_val *o)
{
    struct recording *r = arena_alloc(rd->arena, sizeof *r);

    *r = (struct recording){
        .kind = (enum sensor_kind)read_word(rd, o, "kind", kinds, COUNT_OF(kinds)),
        .format = read_name(rd, o, "format"),
        .interval_ms = read_num(rd, o, "interval_ms", 0, 1e12),
        .readings = read_int(rd, o, "readings", 0, INT64_MAX / 2),
        .width = (int)read_int(rd, o, "width", 0, INT32_MAX),
        .height = (int)read_int(rd, o, "height", 0, INT32_MAX),
        .device_name = read_optional(rd, o, "device_name"),
        .device_type = read_optional(rd, o, "device_type"),
        .taken_s = read_int(rd, o, "taken_s", 0, INT64_MAX / 2),
        .algorithm = read_optional(rd, o, "algorithm"),
        .signature_at = read_int(rd, o, "signature_at", -1, INT64_MAX / 2),
        .label = read_optional(rd, o, "label"),
        .note = read_optional(rd, o, "note"),
    };
    read_axes(rd, o, r);
    return r;
}

static size_t below(struct reader *rd, yyjson_val *v, size_t n, const char *what)
{
    if (yyjson_is_uint(v) && yyjson_get_uint(v) < n)
        return (size_t)yyjson_get_uint(v);
    read_refuse(rd, what);
    return 0;
}

static const struct box_pair *read_pairs(struct reader *rd, yyjson_val *o, const char *key,
                                         const struct window_boxes *w, size_t *ret_n)
{
    yyjson_val *all = read_arr(rd, o, key, MAX_PAIRS, ret_n), *v, *distance;
    struct box_pair *list = arena_array(rd->arena, *ret_n, sizeof *list);
    size_t i, n;

    yyjson_arr_foreach (all, i, n, v) {
        distance = yyjson_arr_get(v, 2);
        if (!yyjson_is_num(distance))
            read_refuse(rd, key);
        list[i] =
            (struct box_pair){below(rd, yyjson_arr_get(v, 0), w->n, key),
                              below(rd, yyjson_arr_get(v, 1), w->ntruths, key), yyjson_get_num(distance)};
    }
    return list;
}

static void read_truths(struct reader *rd, yyjson_val *o, struct window_boxes *w)
{
    w->truths = read_boxes(rd, o, "truths", &w->ntruths);
    w->pairs = read_pairs(rd, o, "pairs", w, &w->npairs);
    w->assigned = read_pairs(rd, o, "assigned", w, &w->nassigned);
    w->f1 = read_num(rd, o, "f1", 0, 1);
    w->precision = read_num(rd, o, "precision", 0, 1);
    w->recall = read_num(rd, o, "recall", 0, 1);
    w->map = read_num(rd, o, "map", 0, 1);
}

static struct window_boxes read_window_boxes(struct reader *rd, yyjson_val *o)
{
    struct window_boxes w = {0};
    yyjson_val *all, *v;
    double *scores;
    size_t i, n;

    w.boxes = read_boxes(rd, o, "boxes", &w.n);
    w.scores = scores = arena_array(rd->arena, w.n, sizeof *scores);
    all = read_arr(rd, o, "scores", w.n, &n);
    if (n != w.n)
        read_refuse(rd, "scores");
    yyjson_arr_foreach (all, i, n, v) {
        if (!yyjson_is_num(v))
            read_refuse(rd, "scores");
        scores[i] = yyjson_get_num(v);
    }
    if (yyjson_obj_get(o, "truths"))
        read_truths(rd, o, &w);
    return w;
}

/* Exactly that many numbers. */
static float *read_exactly(struct reader *rd, yyjson_val *o, const char *key, size_t want)
{
    size_t n;
    float *list = read_float_list(rd, o, key, want, &n);

    if (n != want)
        read_refuse(rd, key);
    return list;
}

static void read_learn_boxes(struct reader *rd, yyjson_val *o, struct learn_result *l, size_t nwindows)
{
    yyjson_val *all, *one;
    size_t i, n;

    all = read_arr(rd, o, "boxes", nwindows, &n);
    if (n != nwindows)
        read_refuse(rd, "boxes");
    l->boxes = arena_array(rd->arena, n, sizeof *l->boxes);
    yyjson_arr_foreach (all, i, n, one)
        l->boxes[i] = read_window_boxes(rd, one);
}

static struct learn_result read_learn(struct reader *rd, yyjson_val *o, size_t nwindows)
{
    struct learn_result l = {
        .id = read_int(rd, o, "id", 0, INT64_MAX / 2),
        .kind = (enum learn_kind)read_word(rd, o, "kind", learn_kinds, COUNT_OF(learn_kinds)),
    };

    l.labels = read_names(rd, o, "labels", IMPULSE_LABELS, &l.nlabels);
    if (has_boxes(l.kind))
        read_learn_boxes(rd, o, &l, nwindows);
    else
        l.scores = read_exactly(rd, o, "scores", nwindows * l.nlabels);
    if (l.kind == LEARN_GRID) {
        l.side = read_size(rd, o, "side", MAX_SIDE);
        l.grid = read_exactly(rd, o, "grid", nwindows * l.side * l.side);
    }
    return l;
}

static struct recording_result read_result(struct reader *rd, yyjson_val *o)
{
    struct recording_result r = {
        .number = read_int(rd, o, "number", INT64_MIN / 2, INT64_MAX / 2),
        .part = read_size(rd, o, "part", SENSOR_PARTS - 1),
        .nwindows = read_size(rd, o, "windows", SENSOR_WINDOWS),
        .window = read_size(rd, o, "window", INT32_MAX),
        .step = read_size(rd, o, "step", INT32_MAX),
        .resampled = read_bool(rd, o, "resampled"),
        .padded = read_bool(rd, o, "padded"),
    };
    yyjson_val *all, *one;
    size_t i, n;

    read_error(rd, o, &r.error);
    r.expected = read_stretches(rd, o, "expected", &r.nexpected);
    all = read_arr(rd, o, "learn", IMPULSE_BLOCKS, &r.nlearn);
    r.learn = arena_array(rd->arena, r.nlearn, sizeof *r.learn);
    yyjson_arr_foreach (all, i, n, one)
        r.learn[i] = read_learn(rd, one, r.nwindows);
    return r;
}

static void read_results(struct reader *rd, yyjson_val *o, struct sensing *s)
{
    yyjson_val *all = read_arr(rd, o, "results", SENSOR_PARTS, &s->nresults), *one;
    size_t i, n;

    s->results = arena_array(rd->arena, s->nresults, sizeof *s->results);
    yyjson_arr_foreach (all, i, n, one)
        s->results[i] = read_result(rd, one);
}

static struct feature_result *read_features(struct reader *rd, yyjson_val *o)
{
    struct feature_result *f = arena_alloc(rd->arena, sizeof *f);

    f->values = read_float_list(rd, o, "values", MAX_NUMBERS, &f->n);
    f->labels = read_names(rd, o, "labels", MAX_NUMBERS, &f->nlabels);
    f->width = read_size(rd, o, "width", MAX_NUMBERS);
    f->height = read_size(rd, o, "height", MAX_NUMBERS);
    f->channels = read_size(rd, o, "channels", MAX_NUMBERS);
    f->raw = read_float_list(rd, o, "raw", MAX_NUMBERS, &f->nraw);
    return f;
}

/* Empty where nothing was told apart (clusters). */
static const int64_t *read_confusion(struct reader *rd, yyjson_val *o, size_t nlabels)
{
    size_t i, n;
    yyjson_val *all = read_arr(rd, o, "confusion", nlabels * nlabels, &n), *v;
    int64_t *list = arena_array(rd->arena, n, sizeof *list);

    if (n && n != nlabels * nlabels)
        read_refuse(rd, "confusion");
    yyjson_arr_foreach (all, i, n, v) {
        if (!yyjson_is_uint(v) || yyjson_get_uint(v) > INT64_MAX / 2)
            read_refuse(rd, "confusion");
        else
            list[i] = (int64_t)yyjson_get_uint(v);
    }
    return n ? list : NULL;
}

static struct training *read_training(struct reader *rd, yyjson_val *o)
{
    struct training *t = arena_alloc(rd->arena, sizeof *t);

    *t = (struct training){
        .learn = read_int(rd, o, "learn", 0, INT64_MAX / 2),
        .nfeatures = read_size(rd, o, "features", MAX_NUMBERS),
        .ntrain = read_int(rd, o, "train", 0, INT64_MAX / 2),
        .nheld = read_int(rd, o, "held", 0, INT64_MAX / 2),
        .accuracy = read_num(rd, o, "accuracy", 0, 1),
        .loss = read_real(rd, o, "loss"),
        .train_accuracy = read_num(rd, o, "train_accuracy", 0, 1),
        .train_loss = read_real(rd, o, "train_loss"),
        .epochs = (int)read_int(rd, o, "epochs", 0, INT32_MAX),
        .block = read_learn_block(rd, read_obj(rd, o, "block")),
    };
    t->labels = read_names(rd, o, "labels", IMPULSE_LABELS, &t->nlabels);
    t->confusion = read_confusion(rd, o, t->nlabels);
    return t;
}

static struct model_port read_port(struct reader *rd, yyjson_val *o)
{
    struct model_port p = {
        .name = read_str(rd, o, "name"),
        .number = (enum model_number)read_word(rd, o, "number", numbers, COUNT_OF(numbers)),
        .scale = read_real(rd, o, "scale"),
        .zero = (int)read_int(rd, o, "zero", INT32_MIN, INT32_MAX),
    };
    yyjson_val *dims = read_arr(rd, o, "dims", COUNT_OF(p.dims), &p.ndims), *v;
    size_t i, n;

    yyjson_arr_foreach (dims, i, n, v) {
        p.dims[i] = yyjson_is_int(v) ? yyjson_get_sint(v) : -2;
        if (p.dims[i] < -1 || p.dims[i] > MAX_DIM)
            read_refuse(rd, "dims");
    }
    return p;
}

static size_t read_ports(struct reader *rd, yyjson_val *o, const char *key, struct model_port *ports)
{
    size_t i, n, count;
    yyjson_val *all = read_arr(rd, o, key, MODEL_PORTS, &count), *one;

    yyjson_arr_foreach (all, i, n, one)
        ports[i] = read_port(rd, one);
    return count;
}

static struct imported *read_imported(struct reader *rd, yyjson_val *o)
{
    struct imported *p = arena_alloc(rd->arena, sizeof *p);
    yyjson_val *all, *v;
    const char **notes;
    size_t i, n;

    p->format = read_name(rd, o, "format");
    p->quantised = read_bool(rd, o, "quantised");
    p->ninputs = read_ports(rd, o, "inputs", p->inputs);
    p->noutputs = read_ports(rd, o, "outputs", p->outputs);
    p->has_impulse = yyjson_obj_get(o, "impulse");
    if (p->has_impulse)
        p->impulse = read_impulse(rd, read_obj(rd, o, "impulse"));
    all = read_arr(rd, o, "notes", MAX_NOTES, &p->nnotes);
    p->notes = notes = arena_array(rd->arena, p->nnotes, sizeof *notes);
    yyjson_arr_foreach (all, i, n, v) { /* sentences, longer than a name */
        if (!yyjson_is_str(v))
            read_refuse(rd, "notes");
        notes[i] = arena_strdup(rd->arena, yyjson_is_str(v) ? yyjson_get_str(v) : "");
    }
    return p;
}

void read_sensing(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *o = read_optional_obj(rd, root, "sensing");
    struct sensing *s;

    if (!o)
        return;
    r->sensing = s = arena_alloc(rd->arena, sizeof *s);
    if (yyjson_obj_get(o, "recording"))
        s->recording = read_recording(rd, read_obj(rd, o, "recording"));
    if (yyjson_obj_get(o, "results"))
        read_results(rd, o, s);
    if (yyjson_obj_get(o, "features"))
        s->features = read_features(rd, read_obj(rd, o, "features"));
    if (yyjson_obj_get(o, "training"))
        s->training = read_training(rd, read_obj(rd, o, "training"));
    if (yyjson_obj_get(o, "imported"))
        s->imported = read_imported(rd, read_obj(rd, o, "imported"));
}
