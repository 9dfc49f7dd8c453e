/* Answers of the .eim protocol, as a program writes them. */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/eim_int.h"

const char *const eim_model_words[EIM_MODELS] = {
    [EIM_SCORES] = "classification",
    [EIM_BOXES] = "object_detection",
    [EIM_CENTROIDS] = "constrained_object_detection",
    [EIM_FREEFORM] = "freeform",
};
const char *const eim_fit_words[PICTURE_FITS] = {
    [FIT_SQUASH] = "squash", [FIT_SHORT] = "fit-shortest", [FIT_LONG] = "fit-longest", [FIT_CROP] = "none"};

enum { NO_ENGINE = 255 };

static const struct bytes answer_end = {(const uint8_t *)"\n", 2}; /* with its NUL */

static void add_real(yyjson_mut_doc *d, yyjson_mut_val *o, const char *key, double v)
{
    yyjson_mut_obj_add_real(d, o, key, isfinite(v) ? v : 0);
}

/* A complaint may quote half a character of what somebody sent. */
static yyjson_mut_val *text_of(yyjson_mut_doc *d, const char *s)
{
    size_t n = s ? strlen(s) : 0;
    CLEANUP(freep) char *plain = NULL;

    if (text_is_utf8(s, n))
        return yyjson_mut_strncpy(d, n ? s : "", n);
    plain = mem_strdup(s);
    for (size_t i = 0; i < n; i++)
        plain[i] = (unsigned char)s[i] < 0x80 ? s[i] : '?';
    return yyjson_mut_strncpy(d, plain, n);
}

static void add_text(yyjson_mut_doc *d, yyjson_mut_val *o, const char *key, const char *s)
{
    yyjson_mut_obj_add_val(d, o, key, text_of(d, s));
}

static void add_whole(yyjson_mut_doc *d, yyjson_mut_val *o, const char *key, size_t v)
{
    yyjson_mut_obj_add_uint(d, o, key, v);
}

static yyjson_mut_val *begin(yyjson_mut_doc *d, int64_t id)
{
    yyjson_mut_val *root = yyjson_mut_obj(d);

    yyjson_mut_doc_set_root(d, root);
    yyjson_mut_obj_add_int(d, root, "id", id);
    yyjson_mut_obj_add_bool(d, root, "success", true);
    return root;
}

/* ---- hello ---- */

static void write_project(yyjson_mut_doc *d, yyjson_mut_val *o, const struct eim_project *p)
{
    yyjson_mut_obj_add_int(d, o, "id", p->id);
    add_text(d, o, "owner", p->owner);
    add_text(d, o, "name", p->name);
    yyjson_mut_obj_add_int(d, o, "deploy_version", p->version);
    yyjson_mut_obj_add_int(d, o, "impulse_id", p->impulse);
    add_text(d, o, "impulse_name", p->impulse_name);
}

static void write_input(yyjson_mut_doc *d, yyjson_mut_val *o, const struct eim_about *about)
{
    add_whole(d, o, "input_features_count", about->nfeatures);
    yyjson_mut_obj_add_int(d, o, "sensor", about->sensor);
    add_real(d, o, "frequency", about->frequency);
    add_real(d, o, "interval_ms", about->interval_ms);
    add_whole(d, o, "axis_count", about->naxes);
    yyjson_mut_obj_add_int(d, o, "image_input_width", about->width);
    yyjson_mut_obj_add_int(d, o, "image_input_height", about->height);
    yyjson_mut_obj_add_int(d, o, "image_input_frames", about->width ? 1 : 0);
    yyjson_mut_obj_add_int(d, o, "image_channel_count", about->channels);
    add_text(d, o, "image_resize_mode", about->width ? eim_fit_words[about->fit] : "none");
    add_whole(d, o, "slice_size", about->slice);
    yyjson_mut_obj_add_bool(d, o, "use_continuous_mode", about->sensor == EIM_MICROPHONE);
}

static void write_thresholds(yyjson_mut_doc *d, yyjson_mut_val *o, const struct eim_about *about)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, o, "thresholds"), *one;

    for (size_t i = 0; i < about->nthresholds; i++) {
        const struct eim_threshold *t = &about->thresholds[i];
        one = yyjson_mut_arr_add_obj(d, all);
        yyjson_mut_obj_add_int(d, one, "id", t->block);
        add_text(d, one, "type", t->type);
        add_real(d, one, t->key, t->value);
    }
}

static void write_model(yyjson_mut_doc *d, yyjson_mut_val *o, const struct eim_about *about)
{
    yyjson_mut_val *labels;

    add_whole(d, o, "label_count", about->nlabels);
    yyjson_mut_obj_add_int(d, o, "has_anomaly", about->anomaly);
    yyjson_mut_obj_add_bool(d, o, "has_object_tracking", false);
    labels = yyjson_mut_obj_add_arr(d, o, "labels");
    for (size_t i = 0; i < about->nlabels; i++)
        yyjson_mut_arr_append(labels, text_of(d, about->labels[i]));
    add_text(d, o, "model_type", eim_model_words[about->model]);
    yyjson_mut_obj_add_bool(d, o, "has_performance_calibration", false);
    yyjson_mut_obj_add_int(d, o, "inferencing_engine", NO_ENGINE);
    write_thresholds(d, o, about);
}

struct bytes eim_hello_write(struct arena *a, int64_t id, const struct eim_about *about)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *d = json_doc_new();
    yyjson_mut_val *root = begin(d, id), *o;

    write_project(d, yyjson_mut_obj_add_obj(d, root, "project"), &about->project);
    o = yyjson_mut_obj_add_obj(d, root, "model_parameters");
    write_input(d, o, about);
    write_model(d, o, about);
    o = yyjson_mut_obj_add_obj(d, root, "inferencing_engine");
    yyjson_mut_obj_add_int(d, o, "engine_type", NO_ENGINE);
    yyjson_mut_obj_add_arr(d, o, "properties");
    return eim_text(a, d, answer_end);
}

/* ---- results ---- */

static void write_scores(yyjson_mut_doc *d, yyjson_mut_val *result, const struct eim_about *about,
                         const struct eim_result *r)
{
    yyjson_mut_val *o = yyjson_mut_obj_add_obj(d, result, "classification");

    for (size_t i = 0; i < about->nlabels && i < r->nscores; i++)
        yyjson_mut_obj_add(o, text_of(d, about->labels[i]),
                           yyjson_mut_real(d, isfinite(r->scores[i]) ? (double)r->scores[i] : 0));
}

static void write_boxes(yyjson_mut_doc *d, yyjson_mut_val *result, const char *key,
                        const struct sensor_box *boxes, const double *scores, size_t n)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, result, key), *o;

    for (size_t i = 0; i < n; i++) {
        o = yyjson_mut_arr_add_obj(d, all);
        add_text(d, o, "label", boxes[i].label);
        add_real(d, o, "value", scores[i]);
        add_real(d, o, "x", boxes[i].x);
        add_real(d, o, "y", boxes[i].y);
        add_real(d, o, "width", boxes[i].width);
        add_real(d, o, "height", boxes[i].height);
    }
}

static void write_freeform(yyjson_mut_doc *d, yyjson_mut_val *result, const struct eim_result *r)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, result, "freeform"),
                   *one = yyjson_mut_arr_add_arr(d, all);

    for (size_t i = 0; i < r->nscores; i++)
        yyjson_mut_arr_add_real(d, one, isfinite(r->scores[i]) ? (double)r->scores[i] : 0);
}

static void write_result(yyjson_mut_doc *d, yyjson_mut_val *o, const struct eim_about *about,
                         const struct eim_result *r)
{
    if (about->model == EIM_BOXES || about->model == EIM_CENTROIDS)
        write_boxes(d, o, "bounding_boxes", r->boxes, r->box_scores, r->nboxes);
    else if (about->model == EIM_FREEFORM)
        write_freeform(d, o, r);
    else if (about->nlabels)
        write_scores(d, o, about, r);
    if (r->has_anomaly)
        add_real(d, o, "anomaly", r->anomaly);
    if (about->anomaly == EIM_VISUAL_GMM || about->anomaly == EIM_VISUAL) {
        write_boxes(d, o, "visual_anomaly_grid", r->cells, r->cell_scores, r->ncells);
        add_real(d, o, "visual_anomaly_max", r->visual_max);
        add_real(d, o, "visual_anomaly_mean", r->visual_mean);
    }
}

struct bytes eim_result_write(struct arena *a, int64_t id, const struct eim_about *about,
                              const struct eim_result *result)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *d = json_doc_new();
    yyjson_mut_val *root = begin(d, id), *o;

    write_result(d, yyjson_mut_obj_add_obj(d, root, "result"), about, result);
    o = yyjson_mut_obj_add_obj(d, root, "timing");
    add_real(d, o, "dsp", result->dsp_ms);
    add_real(d, o, "classification", result->model_ms);
    add_real(d, o, "anomaly", result->anomaly_ms);
    add_real(d, o, "json", 0);
    add_real(d, o, "stdin", 0);
    add_real(d, o, "msg_handler", 0);
    return eim_text(a, d, answer_end);
}

/* ---- yes and no ---- */

struct bytes eim_success_write(struct arena *a, int64_t id)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *d = json_doc_new();

    begin(d, id);
    return eim_text(a, d, answer_end);
}

struct bytes eim_failure_write(struct arena *a, const struct eim_request *to, const char *error)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *d = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(d);

    yyjson_mut_doc_set_root(d, root);
    if (to && to->has_id)
        yyjson_mut_obj_add_int(d, root, "id", to->id);
    yyjson_mut_obj_add_bool(d, root, "success", false);
    add_text(d, root, "error", error);
    return eim_text(a, d, answer_end);
}
