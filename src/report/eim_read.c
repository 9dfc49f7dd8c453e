/* Answers of the .eim protocol, read: foreign input. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/eim_int.h"
#include "report/json_int.h"

enum { MAX_SIDE = 4096, MAX_SAID = 120 }; /* a side as report/sensor.h has it */

/* An answer on its way. */
struct answer {
    yyjson_doc *doc;
    yyjson_val *root;
    struct err why; /* of the reader */
    struct reader reader;
};

static void answer_clear(struct answer *w)
{
    json_freep(&w->doc);
}

/* What a program complains of, fit for a sentence. */
static const char *said(struct arena *a, const char *error)
{
    char *s = arena_strdup(a, error);

    for (size_t i = 0; s[i]; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            s[i] = ' ';
    if (strlen(s) > MAX_SAID) {
        s[MAX_SAID] = '\0';
        while (*s && !text_is_utf8(s, strlen(s)))
            s[strlen(s) - 1] = '\0';
    }
    return s;
}

/* As eim_hello_read: 0, 1, -1. */
static int answer_open(struct answer *w, struct arena *a, struct bytes message, int64_t id, struct err *err)
{
    yyjson_val *number;

    *w = (struct answer){.doc = eim_parse(a, message, &w->why)};
    w->reader = (struct reader){.arena = a, .err = &w->why};
    if (!w->doc)
        return FAIL(err, ERR_MODEL, "its answer is not JSON that can be read: %.150s", w->why.text);
    w->root = yyjson_doc_get_root(w->doc);
    number = yyjson_obj_get(w->root, "id");
    if (!yyjson_is_bool(yyjson_obj_get(w->root, "success")))
        return FAIL(err, ERR_MODEL, "its answer does not say whether it is a success");
    if (number ? yyjson_get_sint(number) != id : json_bool(w->root, "success", true))
        return FAIL(err, ERR_MODEL, "its answer is to another request");
    if (json_bool(w->root, "success", false))
        return 0;
    err_set(err, ERR_MODEL, "it says: %s", said(a, json_str(a, w->root, "error", "no reason given")));
    return 1;
}

static int answer_end(struct answer *w, struct err *err)
{
    if (w->reader.failed)
        return FAIL(err, ERR_MODEL, "its answer is not valid: %.100s", w->why.text);
    return 0;
}

/* ---- hello ---- */

static int64_t optional_int(struct reader *rd, yyjson_val *o, const char *key, int64_t min, int64_t max,
                            int64_t fallback)
{
    return yyjson_is_num(yyjson_obj_get(o, key)) ? read_int(rd, o, key, min, max) : fallback;
}

static const char *name_of(struct reader *rd, yyjson_val *v, const char *what)
{
    const char *s = yyjson_get_str(v);

    if (!s || strlen(s) != yyjson_get_len(v) || !*s || strlen(s) >= SENSOR_NAME) {
        read_refuse(rd, what);
        return "";
    }
    return arena_strdup(rd->arena, s);
}

static void read_project(struct reader *rd, yyjson_val *o, struct eim_project *p)
{
    *p = (struct eim_project){
        .id = json_int(o, "id", 0),
        .impulse = json_int(o, "impulse_id", 0),
        .version = (int)optional_int(rd, o, "deploy_version", 0, INT32_MAX, 0),
        .name = json_str(rd->arena, o, "name", ""),
        .owner = json_str(rd->arena, o, "owner", ""),
        .impulse_name = json_str(rd->arena, o, "impulse_name", ""),
    };
}

static size_t word_of(yyjson_val *v, const char *const words[], size_t n, size_t fallback)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(yyjson_get_str(v), words[i]))
            return i;
    return fallback;
}

static void read_labels(struct reader *rd, yyjson_val *o, struct eim_about *about)
{
    yyjson_val *all = read_arr(rd, o, "labels", IMPULSE_LABELS, &about->nlabels), *one;
    const char **labels;
    size_t i, n;

    about->nlabels = rd->failed ? 0 : about->nlabels;
    labels = arena_array(rd->arena, about->nlabels, sizeof *labels);
    about->labels = labels;
    if (rd->failed)
        return;
    yyjson_arr_foreach (all, i, n, one) {
        labels[i] = name_of(rd, one, "labels");
        for (size_t k = 0; k < i; k++)
            if (text_is(labels[k], labels[i]))
                read_refuse(rd, "labels, one of them twice");
    }
}

/* Members of a threshold that are numbers; newer programs have more of them than we know. */
static void read_threshold(struct reader *rd, yyjson_val *o, struct eim_about *about,
                           struct eim_threshold *all)
{
    const char *type = json_str(rd->arena, o, "type", "");
    yyjson_val *key, *value;
    size_t i, n;

    yyjson_obj_foreach (o, i, n, key, value) {
        const char *word = yyjson_get_str(key);
        if (yyjson_is_num(value) && !text_is(word, "id") && about->nthresholds < EIM_THRESHOLDS)
            all[about->nthresholds++] = (struct eim_threshold){
                json_int(o, "id", 0), type, name_of(rd, key, "thresholds"), yyjson_get_num(value)};
    }
}

static void read_thresholds(struct reader *rd, yyjson_val *o, struct eim_about *about)
{
    struct eim_threshold *all = arena_array(rd->arena, EIM_THRESHOLDS, sizeof *all);
    yyjson_val *one;
    size_t i, n;

    about->thresholds = all;
    yyjson_arr_foreach (yyjson_obj_get(o, "thresholds"), i, n, one)
        read_threshold(rd, one, about, all);
}

static void read_picture(struct reader *rd, yyjson_val *o, struct eim_about *about)
{
    about->width = (int)optional_int(rd, o, "image_input_width", 0, MAX_SIDE, 0);
    about->height = (int)optional_int(rd, o, "image_input_height", 0, MAX_SIDE, 0);
    about->channels = (int)optional_int(rd, o, "image_channel_count", 0, 4, 0);
    about->fit = (enum picture_fit)word_of(yyjson_obj_get(o, "image_resize_mode"), eim_fit_words,
                                           PICTURE_FITS, FIT_SQUASH);
    if (!about->width != !about->height)
        read_refuse(rd, "image_input_height");
    if (optional_int(rd, o, "image_input_frames", 0, 1000, 1) > 1)
        read_refuse(rd, "image_input_frames, more than one");
}

/* Windows are whole readings, and pictures have as many numbers as pixels. */
static void check_input(struct reader *rd, const struct eim_about *about)
{
    size_t pixels = (size_t)about->width * (size_t)about->height;

    if (about->width ? about->nfeatures != pixels : about->nfeatures % about->naxes != 0)
        read_refuse(rd, "input_features_count");
    if (!about->width && about->interval_ms <= 0 && about->nfeatures != about->naxes)
        read_refuse(rd, "interval_ms");
}

static void read_input(struct reader *rd, yyjson_val *o, struct eim_about *about)
{
    about->nfeatures = (size_t)read_int(rd, o, "input_features_count", 1, EIM_FEATURES);
    about->naxes = (size_t)optional_int(rd, o, "axis_count", 0, SENSOR_AXES, 1);
    about->naxes = about->naxes ? about->naxes : 1;
    about->slice = (size_t)optional_int(rd, o, "slice_size", 0, EIM_FEATURES, 0);
    about->sensor = (int)optional_int(rd, o, "sensor", -1, 1000, EIM_UNKNOWN);
    about->frequency = read_num(rd, o, "frequency", 0, 1e9);
    about->interval_ms = read_num(rd, o, "interval_ms", 0, 1e9);
    read_picture(rd, o, about);
    check_input(rd, about);
}

static void read_model(struct reader *rd, yyjson_val *o, struct eim_about *about)
{
    int64_t anomaly = 0;

    if (yyjson_is_bool(yyjson_obj_get(o, "has_anomaly"))) /* the first programs */
        anomaly = json_bool(o, "has_anomaly", false) ? EIM_KMEANS : EIM_NO_ANOMALY;
    else
        anomaly = optional_int(rd, o, "has_anomaly", 0, 1000, 0);
    about->anomaly = anomaly < EIM_OTHER_ANOMALY ? (enum eim_anomaly)anomaly : EIM_OTHER_ANOMALY;
    about->model =
        (enum eim_model)word_of(yyjson_obj_get(o, "model_type"), eim_model_words, EIM_MODELS, EIM_SCORES);
    read_labels(rd, o, about);
    read_thresholds(rd, o, about);
    if (!about->nlabels && about->model != EIM_FREEFORM && !about->anomaly)
        read_refuse(rd, "labels");
}

int eim_hello_read(struct arena *a, struct bytes message, int64_t id, struct eim_about *ret, struct err *err)
{
    CLEANUP(answer_clear) struct answer w;
    struct eim_about about = {0};
    int r = answer_open(&w, a, message, id, err);
    yyjson_val *o;

    if (r)
        return r;
    read_project(&w.reader, yyjson_obj_get(w.root, "project"), &about.project);
    o = read_obj(&w.reader, w.root, "model_parameters");
    read_input(&w.reader, o, &about);
    read_model(&w.reader, o, &about);
    if (answer_end(&w, err) < 0)
        return -1;
    *ret = about;
    return 0;
}

/* ---- results ---- */

static float score_of(struct reader *rd, yyjson_val *v, const char *what)
{
    double d = yyjson_is_num(v) ? yyjson_get_num(v) : (double)NAN;

    if (!(fabs(d) <= (double)FLT_MAX)) {
        read_refuse(rd, what);
        return 0;
    }
    return (float)d;
}

static void read_scores(struct reader *rd, yyjson_val *result, const struct eim_about *about,
                        struct eim_result *r)
{
    yyjson_val *o = read_obj(rd, result, "classification");
    float *scores = arena_array(rd->arena, about->nlabels, sizeof *scores);

    if (yyjson_obj_size(o) != about->nlabels)
        read_refuse(rd, "classification, its labels");
    for (size_t i = 0; i < about->nlabels; i++)
        scores[i] = score_of(rd, yyjson_obj_get(o, about->labels[i]), "classification");
    r->nscores = about->nlabels;
    r->scores = scores;
}

/* The label as `about` has it; NULL: it has none like that. */
static const char *known_label(const struct eim_about *about, const char *label)
{
    for (size_t i = 0; i < about->nlabels; i++)
        if (text_is(about->labels[i], label))
            return about->labels[i];
    return NULL;
}

static struct sensor_box read_one_box(struct reader *rd, yyjson_val *o, const struct eim_about *about)
{
    struct sensor_box b = {
        .x = read_num(rd, o, "x", -MAX_SIDE, MAX_SIDE),
        .y = read_num(rd, o, "y", -MAX_SIDE, MAX_SIDE),
        .width = read_num(rd, o, "width", 0, MAX_SIDE),
        .height = read_num(rd, o, "height", 0, MAX_SIDE),
    };

    b.label = about ? known_label(about, yyjson_get_str(yyjson_obj_get(o, "label"))) : "anomaly";
    if (!b.label) {
        read_refuse(rd, "label");
        b.label = "";
    }
    return b;
}

/* `about` NULL: cells of an anomaly, whatever their label. */
static size_t read_found(struct reader *rd, yyjson_val *result, const char *key,
                         const struct eim_about *about, const struct sensor_box **ret,
                         const double **ret_scores)
{
    size_t n, i, max;
    yyjson_val *all = read_arr(rd, result, key, SENSOR_BOXES, &n), *one;
    struct sensor_box *boxes;
    double *scores;

    if (rd->failed)
        return 0;
    boxes = arena_array(rd->arena, n, sizeof *boxes);
    scores = arena_array(rd->arena, n, sizeof *scores);
    yyjson_arr_foreach (all, i, max, one) {
        boxes[i] = read_one_box(rd, one, about);
        scores[i] = (double)score_of(rd, yyjson_obj_get(one, "value"), "value");
    }
    *ret = boxes;
    *ret_scores = scores;
    return n;
}

/* The outputs of the model, one after the other. */
static void read_freeform(struct reader *rd, yyjson_val *result, struct eim_result *r)
{
    size_t noutputs, i, k, m, n = 0;
    yyjson_val *all = read_arr(rd, result, "freeform", MODEL_PORTS, &noutputs), *one, *v;
    float *scores;

    if (rd->failed)
        return;
    yyjson_arr_foreach (all, i, m, one)
        n += yyjson_arr_size(one);
    if (n > EIM_FEATURES) {
        read_refuse(rd, "freeform");
        return;
    }
    r->scores = scores = arena_array(rd->arena, n, sizeof *scores);
    yyjson_arr_foreach (all, i, noutputs, one)
        yyjson_arr_foreach (one, k, m, v)
            scores[r->nscores++] = score_of(rd, v, "freeform");
}

static void read_visual(struct reader *rd, yyjson_val *result, struct eim_result *r)
{
    r->ncells = read_found(rd, result, "visual_anomaly_grid", NULL, &r->cells, &r->cell_scores);
    r->visual_max = read_num(rd, result, "visual_anomaly_max", -1e30, 1e30);
    r->visual_mean = read_num(rd, result, "visual_anomaly_mean", -1e30, 1e30);
}

static void read_result(struct reader *rd, yyjson_val *o, const struct eim_about *about, struct eim_result *r)
{
    if (about->model == EIM_BOXES || about->model == EIM_CENTROIDS)
        r->nboxes = read_found(rd, o, "bounding_boxes", about, &r->boxes, &r->box_scores);
    else if (about->model == EIM_FREEFORM)
        read_freeform(rd, o, r);
    else if (about->nlabels)
        read_scores(rd, o, about, r);
    if (yyjson_obj_get(o, "anomaly") || about->anomaly == EIM_KMEANS || about->anomaly == EIM_GMM) {
        r->has_anomaly = true;
        r->anomaly = (double)score_of(rd, yyjson_obj_get(o, "anomaly"), "anomaly");
    }
    if (yyjson_obj_get(o, "visual_anomaly_grid"))
        read_visual(rd, o, r);
}

int eim_result_read(struct arena *a, struct bytes message, int64_t id, const struct eim_about *about,
                    struct eim_result *ret, struct err *err)
{
    CLEANUP(answer_clear) struct answer w;
    struct eim_result result = {0};
    int r = answer_open(&w, a, message, id, err);
    yyjson_val *timing;

    if (r)
        return r;
    read_result(&w.reader, read_obj(&w.reader, w.root, "result"), about, &result);
    if (answer_end(&w, err) < 0)
        return -1;
    timing = yyjson_obj_get(w.root, "timing");
    result.dsp_ms = json_num(timing, "dsp", 0);
    result.model_ms = json_num(timing, "classification", 0);
    result.anomaly_ms = json_num(timing, "anomaly", 0);
    *ret = result;
    return 0;
}
