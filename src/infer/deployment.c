#include "infer/deployment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "infer/notes_int.h"

struct deployment {
    struct arena *arena;
    yyjson_val *root, *model; /* model: the first of tfliteModels; NULL: there is none */
    size_t nlabels;
    const char *const *labels;
    struct notes notes;
    struct imported *to;
    struct err *err;
};

/* ---- values ---- */

static int number_in(struct deployment *d, yyjson_val *obj, const char *key, double low, double high,
                     double fallback, double *ret)
{
    *ret = json_num(obj, key, fallback);
    if (!(*ret >= low && *ret <= high))
        return FAIL(d->err, ERR_INPUT, "\"%s\" is %g; %g to %g are possible", key, *ret, low, high);
    return 0;
}

static int whole_in(struct deployment *d, yyjson_val *obj, const char *key, int64_t low, int64_t high,
                    int64_t fallback, int64_t *ret)
{
    *ret = json_int(obj, key, fallback);
    if (*ret < low || *ret > high)
        return FAIL(d->err, ERR_INPUT, "\"%s\" is %lld; %lld to %lld are possible", key, (long long)*ret,
                    (long long)low, (long long)high);
    return 0;
}

static const char *name_in(struct deployment *d, yyjson_val *obj, const char *key, const char *fallback)
{
    const char *s = json_str(d->arena, obj, key, fallback);

    return strlen(s) < SENSOR_NAME ? s : fallback;
}

/* A list of texts, each short; what is no text is refused. */
static int names_of(struct deployment *d, yyjson_val *list, size_t max, const char *what, size_t *ret_n,
                    const char *const **ret)
{
    size_t n = yyjson_arr_size(list), i, count;
    const char **all = arena_array(d->arena, n, sizeof *all);
    yyjson_val *v;

    if (n > max)
        return FAIL(d->err, ERR_LIMIT, "\"%s\" has %zu items; at most %zu are possible", what, n, max);
    yyjson_arr_foreach (list, i, count, v) {
        if (!yyjson_is_str(v) || yyjson_get_len(v) >= SENSOR_NAME)
            return FAIL(d->err, ERR_INPUT, "\"%s\" must be a list of short texts", what);
        all[i] = arena_strndup(d->arena, yyjson_get_str(v), yyjson_get_len(v));
    }
    *ret_n = n;
    *ret = all;
    return 0;
}

static int floats_of(struct deployment *d, yyjson_val *list, const char *what, size_t want, const float **ret)
{
    size_t n = yyjson_arr_size(list), i, count;
    float *all = arena_array(d->arena, n + 1, sizeof *all);
    yyjson_val *v;

    if (!n || n > IMPULSE_FEATURES || (want && n != want))
        return FAIL(d->err, ERR_INPUT, "\"%s\" of the anomaly block has %zu numbers; there must be %zu", what,
                    n, want ? want : (size_t)1);
    yyjson_arr_foreach (list, i, count, v) {
        double x = yyjson_get_num(v);
        if (!yyjson_is_num(v) || !(fabs(x) < 1e30))
            return FAIL(d->err, ERR_INPUT, "\"%s\" of the anomaly block must be a list of numbers", what);
        all[i] = (float)x;
    }
    *ret = all;
    return 0;
}

/* Of an object whose keys are ids of blocks. */
static yyjson_val *of_block(yyjson_val *obj, int64_t id)
{
    char key[24];

    snprintf(key, sizeof key, "%lld", (long long)id);
    return yyjson_obj_get(obj, key);
}

/* ---- input ---- */

static int read_series(struct deployment *d, yyjson_val *in)
{
    struct impulse *to = &d->to->impulse;
    double step;

    if (number_in(d, in, "windowSizeMs", 1e-3, 1e9, 0, &to->window_ms) < 0 ||
        number_in(d, in, "windowIncreaseMs", 0, 1e9, to->window_ms, &to->step_ms) < 0 ||
        number_in(d, in, "classificationWindowIncreaseMs", 0, 1e9, 0, &step) < 0 ||
        number_in(d, in, "frequencyHz", 1e-6, 1e9, json_num(d->root, "frequency", 0), &to->frequency) < 0)
        return -1;
    if (step > 0)
        to->step_ms = step;
    if (to->step_ms <= 0)
        to->step_ms = to->window_ms;
    to->pad = json_bool(in, "padZeros", false);
    to->input = INPUT_SERIES;
    return 0;
}

static int read_picture(struct deployment *d, yyjson_val *in)
{
    static const char *const fits[PICTURE_FITS] = {
        [FIT_SQUASH] = "squash", [FIT_SHORT] = "fit-short", [FIT_LONG] = "fit-long", [FIT_CROP] = "crop"};
    struct impulse *to = &d->to->impulse;
    const char *mode = json_str(d->arena, in, "resizeMode", "squash");
    int64_t width, height;

    if (whole_in(d, in, "imageWidth", 1, 4096, 0, &width) < 0 ||
        whole_in(d, in, "imageHeight", 1, 4096, 0, &height) < 0)
        return -1;
    to->input = INPUT_PICTURE;
    to->width = (int)width;
    to->height = (int)height;
    for (size_t i = 0; i < PICTURE_FITS; i++)
        if (text_is(fits[i], mode)) {
            to->fit = (enum picture_fit)i;
            return 0;
        }
    return FAIL(d->err, ERR_UNSUPPORTED,
                "\"resizeMode\" is \"%.40s\"; squash, fit-short, fit-long and crop are "
                "supported",
                mode);
}

static int read_input(struct deployment *d, yyjson_val *impulse)
{
    yyjson_val *inputs = yyjson_obj_get(impulse, "inputBlocks"), *in = yyjson_arr_get_first(inputs);
    const char *type = json_str(d->arena, in, "type", "");

    if (yyjson_arr_size(inputs) != 1)
        return FAIL(d->err, ERR_UNSUPPORTED, "the impulse has %zu input blocks; one is possible",
                    yyjson_arr_size(inputs));
    if (text_is(type, "time-series"))
        return read_series(d, in);
    if (text_is(type, "image"))
        return read_picture(d, in);
    if (!text_is(type, "features"))
        return FAIL(d->err, ERR_UNSUPPORTED,
                    "the input block is of type \"%.40s\"; time-series, image and features are supported",
                    type);
    d->to->impulse.input = INPUT_FEATURES;
    return 0;
}

/* ---- DSP blocks ---- */

/* A setting as text, as dsp_set takes it; NULL for what is neither text, number nor truth. */
static const char *setting_text(struct arena *a, yyjson_val *v)
{
    if (yyjson_is_str(v))
        return yyjson_get_len(v) < SENSOR_NAME ? arena_strndup(a, yyjson_get_str(v), yyjson_get_len(v))
                                               : NULL;
    if (yyjson_is_bool(v))
        return yyjson_get_bool(v) ? "true" : "false";
    if (yyjson_is_int(v))
        return arena_printf(a, "%lld", (long long)yyjson_get_sint(v));
    return yyjson_is_real(v) ? arena_printf(a, "%.17g", yyjson_get_real(v)) : NULL;
}

static int read_settings(struct deployment *d, yyjson_val *options, struct impulse_dsp *dsp)
{
    struct impulse_setting *all = arena_array(d->arena, IMPULSE_SETTINGS, sizeof *all);
    size_t i, max;
    yyjson_val *key, *v;

    dsp->settings = all;
    if (!yyjson_is_obj(options))
        return 0;
    yyjson_obj_foreach (options, i, max, key, v) {
        const char *text = setting_text(d->arena, v);
        if (!text || yyjson_get_len(key) >= SENSOR_NAME) {
            if (!yyjson_is_null(v))
                notes_add(&d->notes, "The setting \"%.40s\" of the block \"%.40s\" was left out.",
                          yyjson_get_str(key), dsp->name);
            continue;
        }
        if (dsp->nsettings == IMPULSE_SETTINGS)
            return FAIL(d->err, ERR_LIMIT, "a DSP block has more than %d settings", IMPULSE_SETTINGS);
        all[dsp->nsettings++] =
            (struct impulse_setting){arena_strndup(d->arena, yyjson_get_str(key), yyjson_get_len(key)), text};
    }
    return 0;
}

static int read_dsp(struct deployment *d, yyjson_val *block, struct impulse_dsp *dsp)
{
    yyjson_val *meta = yyjson_obj_get(block, "metadata"), *config = yyjson_obj_get(meta, "dspConfig");
    yyjson_val *axes = yyjson_obj_get(block, "axes");
    int64_t version;

    if (whole_in(d, block, "id", 1, INT32_MAX, 0, &dsp->id) < 0 ||
        whole_in(d, block, "implementationVersion", 0, 1000, 0, &version) < 0)
        return -1;
    dsp->version = (int)version;
    dsp->type = name_in(d, block, "type", "");
    dsp->name = name_in(d, block, "name", dsp->type);
    if (!*dsp->type)
        return FAIL(d->err, ERR_INPUT, "a DSP block has no type");
    if (d->to->impulse.input == INPUT_SERIES &&
        names_of(d, axes, SENSOR_AXES, "axes", &dsp->naxes, &dsp->axes) < 0)
        return -1;
    return read_settings(d, yyjson_obj_get(config, "options"), dsp);
}

static int read_dsps(struct deployment *d, yyjson_val *blocks)
{
    size_t n = yyjson_arr_size(blocks), i, max;
    struct impulse_dsp *all = arena_array(d->arena, n < IMPULSE_BLOCKS ? n : 0, sizeof *all);
    yyjson_val *block;

    if (n < 1 || n >= IMPULSE_BLOCKS)
        return FAIL(d->err, ERR_INPUT, "the impulse has %zu DSP blocks; 1 to %d are possible", n,
                    IMPULSE_BLOCKS - 1);
    yyjson_arr_foreach (blocks, i, max, block) {
        if (read_dsp(d, block, &all[i]) < 0)
            return -1;
    }
    d->to->impulse.ndsp = n;
    d->to->impulse.dsp = all;
    return 0;
}

/* ---- learn blocks ---- */

static int read_chosen(struct deployment *d, yyjson_val *axes, struct impulse_learn *l)
{
    size_t n = yyjson_arr_size(axes), i, max;
    int *all = arena_array(d->arena, n, sizeof *all);
    yyjson_val *v;

    if (n < 1 || n > IMPULSE_FEATURES)
        return FAIL(d->err, ERR_INPUT, "\"axes\" of the anomaly block has %zu items; 1 to %d are possible", n,
                    IMPULSE_FEATURES);
    yyjson_arr_foreach (axes, i, max, v) {
        if (!yyjson_is_int(v) || yyjson_get_sint(v) < 0 || yyjson_get_sint(v) >= 1 << 22)
            return FAIL(d->err, ERR_INPUT, "\"axes\" of the anomaly block must be a list of indices");
        all[i] = (int)yyjson_get_sint(v);
    }
    l->nchosen = n;
    l->chosen = all;
    return 0;
}

static int read_clusters(struct deployment *d, yyjson_val *anomaly, struct impulse_learn *l)
{
    yyjson_val *list = yyjson_obj_get(anomaly, "clusters"), *v;
    size_t n = yyjson_arr_size(list), i, max;
    struct impulse_cluster *all = arena_array(d->arena, n <= IMPULSE_CLUSTERS ? n : 0, sizeof *all);
    double error;

    if (!anomaly) {
        notes_add(&d->notes, "The clusters of block %lld are not in the file; train it, or import them.",
                  (long long)l->id);
        return 0;
    }
    if (n < 1 || n > IMPULSE_CLUSTERS)
        return FAIL(d->err, ERR_INPUT, "\"clusters\" has %zu items; 1 to %d are possible", n,
                    IMPULSE_CLUSTERS);
    if (read_chosen(d, yyjson_obj_get(anomaly, "axes"), l) < 0 ||
        floats_of(d, yyjson_obj_get(anomaly, "mean"), "mean", l->nchosen, &l->mean) < 0 ||
        floats_of(d, yyjson_obj_get(anomaly, "scale"), "scale", l->nchosen, &l->dev) < 0)
        return -1;
    yyjson_arr_foreach (list, i, max, v) {
        if (floats_of(d, yyjson_obj_get(v, "centroid"), "centroid", l->nchosen, &all[i].centroid) < 0 ||
            number_in(d, v, "max_error", -1e30, 1e30, json_num(v, "maxError", 0), &error) < 0)
            return -1;
        all[i].max_error = (float)error;
    }
    l->nclusters = n;
    l->clusters = all;
    return 0;
}

/* A detector with four outputs is an SSD, one with a picture as output finds centroids. */
static enum learn_kind detector_kind(const struct deployment *d, yyjson_val *block)
{
    const char *last = json_str(d->arena, block, "objectDetectionLastLayer", "");

    if (text_is(last, "mobilenet-ssd") || (!*last && d->to->noutputs == 4))
        return LEARN_SSD;
    return !*last || text_is(last, "fomo") ? LEARN_FOMO : LEARN_KINDS;
}

static int read_kind(struct deployment *d, yyjson_val *block, struct impulse_learn *l)
{
    l->kind = learn_kind_of_type(l->type);
    if (l->kind == LEARN_FOMO)
        l->kind = detector_kind(d, block);
    if (l->kind == LEARN_KINDS)
        return FAIL(d->err, ERR_UNSUPPORTED,
                    "the learn block %lld is of type \"%.60s\", which is not supported", (long long)l->id,
                    l->type);
    return 0;
}

/* A number by the block's id, or an object with such keys, or a list of what is set where. */
static double threshold_of(const struct deployment *d, int64_t id, double fallback)
{
    static const char *const keys[] = {"min_score", "min_anomaly_score"};
    yyjson_val *all = yyjson_obj_get(d->root, "thresholds"), *v = of_block(all, id);
    size_t i, max;

    for (size_t k = 0; k < COUNT_OF(keys); k++)
        fallback = json_num(v, keys[k], fallback);
    if (yyjson_is_num(v))
        return yyjson_get_num(v);
    yyjson_arr_foreach (all, i, max, v) {
        if (json_int(v, "blockId", 0) == id)
            fallback = json_num(v, "value", fallback);
    }
    return fallback;
}

static int read_ids(struct deployment *d, yyjson_val *list, struct impulse_learn *l)
{
    size_t n = yyjson_arr_size(list), i, max;
    int64_t *all = arena_array(d->arena, n <= IMPULSE_BLOCKS ? n : 0, sizeof *all);
    yyjson_val *v;

    if (n < 1 || n > IMPULSE_BLOCKS)
        return FAIL(d->err, ERR_INPUT, "the learn block %lld names %zu DSP blocks; 1 to %d are possible",
                    (long long)l->id, n, IMPULSE_BLOCKS);
    yyjson_arr_foreach (list, i, max, v) {
        all[i] = yyjson_is_int(v) ? yyjson_get_sint(v) : 0;
    }
    l->ndsp = n;
    l->dsp = all;
    return 0;
}

static int read_learn(struct deployment *d, yyjson_val *block, struct impulse_learn *l)
{
    if (whole_in(d, block, "id", 1, INT32_MAX, 0, &l->id) < 0)
        return -1;
    l->type = name_in(d, block, "type", "");
    l->name = name_in(d, block, "name", l->type);
    l->title = name_in(d, block, "title", l->name);
    l->model = -1;
    if (read_kind(d, block, l) < 0 || read_ids(d, yyjson_obj_get(block, "dsp"), l) < 0)
        return -1;
    l->min_score = threshold_of(d, l->id, learn_min_score(l->kind));
    learn_label(d->arena, l, d->nlabels, d->labels);
    return l->kind == LEARN_CLUSTERS
               ? read_clusters(d, of_block(yyjson_obj_get(d->root, "anomaly"), l->id), l)
               : 0;
}

static int read_learns(struct deployment *d, yyjson_val *blocks)
{
    size_t n = yyjson_arr_size(blocks), i, max;
    struct impulse_learn *all = arena_array(d->arena, n <= IMPULSE_BLOCKS ? n : 0, sizeof *all);
    yyjson_val *block;

    if (n > IMPULSE_BLOCKS)
        return FAIL(d->err, ERR_LIMIT, "the impulse has %zu learn blocks; at most %d are possible", n,
                    IMPULSE_BLOCKS);
    yyjson_arr_foreach (blocks, i, max, block) {
        if (read_learn(d, block, &all[i]) < 0)
            return -1;
    }
    d->to->impulse.nlearn = n;
    d->to->impulse.learn = all;
    return 0;
}

/* ---- ports of the first model ---- */

static int read_port(struct deployment *d, yyjson_val *v, struct model_port *p)
{
    yyjson_val *shape = yyjson_obj_get(v, "shape"), *dim;
    const char *number = json_str(d->arena, v, "dataType", "float32");
    size_t i, max;

    p->name = name_in(d, v, "name", "");
    p->number = text_is(number, "int8")    ? NUMBER_INT8
                : text_is(number, "uint8") ? NUMBER_UINT8
                                           : NUMBER_FLOAT;
    yyjson_arr_foreach (shape, i, max, dim) {
        if (i == COUNT_OF(p->dims) || !yyjson_is_int(dim))
            return FAIL(d->err, ERR_INPUT, "the shape of a model's tensor must be at most 8 whole numbers");
        p->dims[i] = yyjson_get_sint(dim);
    }
    p->ndims = yyjson_arr_size(shape);
    if (p->number == NUMBER_FLOAT)
        return 0;
    p->scale = json_num(v, "quantizationScale", 0);
    p->zero = (int)fmax(-1e6, fmin(1e6, json_num(v, "quantizationZeroPoint", 0)));
    return 0;
}

static int read_ports(struct deployment *d, const char *key, size_t *ret_n, struct model_port *ret)
{
    yyjson_val *list = yyjson_obj_get(yyjson_obj_get(d->model, "details"), key), *v;
    size_t i, max;

    yyjson_arr_foreach (list, i, max, v) {
        if (i == MODEL_PORTS)
            return FAIL(d->err, ERR_LIMIT, "a model has more than %d %s", MODEL_PORTS, key);
        if (read_port(d, v, &ret[i]) < 0)
            return -1;
    }
    *ret_n = yyjson_arr_size(list);
    return 0;
}

/* ---- the whole ---- */

static int read_all(struct deployment *d)
{
    yyjson_val *impulse = yyjson_obj_get(d->root, "impulse"), *project = yyjson_obj_get(d->root, "project");
    yyjson_val *models = yyjson_obj_get(d->root, "tfliteModels");

    if (json_int(d->root, "version", 0) != 1 || !yyjson_is_obj(impulse))
        return FAIL(
            d->err, ERR_UNSUPPORTED,
            "the JSON is no deployment-metadata.json of version 1: \"version\" or \"impulse\" is missing");
    d->model = yyjson_arr_get_first(models);
    d->to->impulse.id = json_int(impulse, "id", 1) > 0 ? json_int(impulse, "id", 1) : 1;
    d->to->impulse.name = name_in(d, impulse, "name", name_in(d, project, "name", ""));
    if (names_of(d, yyjson_obj_get(d->root, "classes"), IMPULSE_LABELS, "classes", &d->nlabels, &d->labels) <
            0 ||
        read_ports(d, "inputs", &d->to->ninputs, d->to->inputs) < 0 ||
        read_ports(d, "outputs", &d->to->noutputs, d->to->outputs) < 0)
        return -1;
    d->to->quantised = d->to->ninputs && d->to->inputs[0].number != NUMBER_FLOAT;
    if (yyjson_arr_size(models) > 1)
        notes_add(&d->notes, "The file names %zu models; their ports are told of the first.",
                  yyjson_arr_size(models));
    if (read_input(d, impulse) < 0 || read_dsps(d, yyjson_obj_get(impulse, "dspBlocks")) < 0)
        return -1;
    return read_learns(d, yyjson_obj_get(impulse, "learnBlocks"));
}

int deployment_read(struct arena *a, struct bytes json, struct imported *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, DEPLOYMENT_MAX_BYTES, err);
    struct imported found = {.format = "deployment-metadata", .has_impulse = true};
    struct deployment d = {.arena = a, .notes = {.arena = a}, .to = &found, .err = err};

    if (!doc)
        return -1;
    d.root = yyjson_doc_get_root(doc);
    if (read_all(&d) < 0)
        return -1;
    notes_give(&d.notes, &found);
    *ret = found;
    return 0;
}
