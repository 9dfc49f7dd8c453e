/* Classifications as clients see them (section 3 of the wire API in docs/api-impulse.md). */
#include <math.h>
#include <string.h>

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/text.h"

double window_step_ms(const struct definition *d)
{
    return d->classify_step_ms > 0 ? d->classify_step_ms : d->impulse.step_ms;
}

int64_t window_readings(const struct impulse *p)
{
    return (int64_t)round(p->window_ms * p->frequency / 1000);
}

static bool has_boxes(const struct learn_result *r)
{
    return r->kind == LEARN_FOMO || r->kind == LEARN_SSD;
}

/* ---- what a window says ---- */

static size_t best_of(const float *scores, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (scores[i] > scores[best])
            best = i;
    return best;
}

const char *window_says(const struct learn_result *r, size_t window, double threshold)
{
    const float *scores = r->scores ? r->scores + window * r->nlabels : NULL;
    size_t best;

    if (!scores || !r->nlabels)
        return NULL;
    if (r->kind == LEARN_CLUSTERS || r->kind == LEARN_MIXTURE)
        return (double)scores[0] > threshold ? "anomaly" : "no anomaly";
    if (r->kind != LEARN_CLASSIFIER)
        return NULL;
    best = best_of(scores, r->nlabels);
    return (double)scores[best] < threshold ? "uncertain" : r->labels[best];
}

/* ---- learn blocks ---- */

val_t *learn_block_render(doc_t *doc, const struct loaded *l, size_t at)
{
    const struct impulse_learn *block = &l->def.impulse.learn[at];
    const struct learn_more *more = &l->def.learn[at];
    val_t *o = yyjson_mut_obj(doc), *ids;

    yyjson_mut_obj_add_int(doc, o, "id", block->id);
    yyjson_mut_obj_add_str(doc, o, "type", block->type);
    yyjson_mut_obj_add_str(doc, o, "name", block->name);
    ids = yyjson_mut_obj_add_arr(doc, o, "dsp");
    for (size_t i = 0; i < block->ndsp; i++)
        yyjson_mut_arr_add_int(doc, ids, block->dsp[i]);
    yyjson_mut_obj_add_str(doc, o, "title", block->title);
    yyjson_mut_obj_add_bool(doc, o, "primaryVersion", true);
    yyjson_mut_obj_add_str(doc, o, "createdBy", more->created_by);
    if (more->created_at)
        yyjson_mut_obj_add_str(doc, o, "createdAt", more->created_at);
    return o;
}

/* One object for each window, label -> number. */
static void add_results(doc_t *doc, val_t *to, const struct learn_result *r, size_t nwindows)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "result");

    for (size_t w = 0; w < nwindows; w++) {
        val_t *o = yyjson_mut_arr_add_obj(doc, list);
        for (size_t i = 0; r->scores && i < r->nlabels; i++)
            yyjson_mut_obj_add(o, yyjson_mut_str(doc, r->labels[i]),
                               impulse_float(doc, r->scores[w * r->nlabels + i]));
    }
}

static void add_expected(doc_t *doc, val_t *to, const struct recording_result *res)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "expectedLabels");

    for (size_t i = 0; i < res->nexpected; i++) {
        val_t *o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_int(doc, o, "startIndex", res->expected[i].first);
        yyjson_mut_obj_add_int(doc, o, "endIndex", res->expected[i].last);
        yyjson_mut_obj_add_str(doc, o, "label", res->expected[i].label);
    }
}

/* ---- objects ---- */

/* From 1 on: 0 is the background. */
static int64_t label_number(const struct learn_result *r, const char *label)
{
    for (size_t i = 0; i < r->nlabels; i++)
        if (text_is(r->labels[i], label))
            return (int64_t)i + 1;
    return 0;
}

static void add_quadruples(doc_t *doc, val_t *to, const struct window_boxes *b)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "boxes");

    for (size_t i = 0; i < b->n; i++) {
        const double side[] = {b->boxes[i].x, b->boxes[i].y, b->boxes[i].width, b->boxes[i].height};
        val_t *box = yyjson_mut_arr_add_arr(doc, list);
        for (size_t k = 0; k < COUNT_OF(side); k++)
            yyjson_mut_arr_add_real(doc, box, side[k]);
    }
}

static void add_scores(doc_t *doc, val_t *to, const struct window_boxes *b)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "scores");

    for (size_t i = 0; i < b->n; i++)
        yyjson_mut_arr_add_val(list, impulse_float(doc, (float)b->scores[i]));
}

/* ---- debugInfoJson: a text of JSON, with centroids in 0..1 ---- */

static void add_centroids(doc_t *doc, val_t *to, const char *key, const struct loaded *l,
                          const struct learn_result *r, const struct sensor_box *boxes, size_t n)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, key);

    for (size_t i = 0; i < n; i++) {
        val_t *o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_real(doc, o, "x", (boxes[i].x + boxes[i].width / 2) / l->impulse.width);
        yyjson_mut_obj_add_real(doc, o, "y", (boxes[i].y + boxes[i].height / 2) / l->impulse.height);
        yyjson_mut_obj_add_int(doc, o, "label", label_number(r, boxes[i].label));
    }
}

static void add_assignments(doc_t *doc, val_t *to, const struct learn_result *r, const struct window_boxes *b)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "assignments");

    for (size_t i = 0; i < b->nassigned; i++) {
        const struct box_pair *p = &b->assigned[i];
        val_t *o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_uint(doc, o, "yp", p->predicted);
        yyjson_mut_obj_add_uint(doc, o, "yt", p->actual);
        if (p->predicted < b->n)
            yyjson_mut_obj_add_int(doc, o, "label", label_number(r, b->boxes[p->predicted].label));
        yyjson_mut_obj_add_real(doc, o, "distance", p->distance);
    }
}

static void add_pairs(doc_t *doc, val_t *to, const struct window_boxes *b)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "all_pairwise_distances");

    for (size_t i = 0; i < b->npairs; i++) {
        val_t *pair = yyjson_mut_arr_add_arr(doc, list);
        yyjson_mut_arr_add_uint(doc, pair, b->pairs[i].actual);
        yyjson_mut_arr_add_uint(doc, pair, b->pairs[i].predicted);
        yyjson_mut_arr_add_real(doc, pair, b->pairs[i].distance);
    }
}

static bool is_assigned(const struct window_boxes *b, size_t at, bool predicted)
{
    for (size_t i = 0; i < b->nassigned; i++)
        if ((predicted ? b->assigned[i].predicted : b->assigned[i].actual) == at)
            return true;
    return false;
}

static void add_unassigned(doc_t *doc, val_t *to, const char *key, const struct window_boxes *b,
                           bool predicted)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, key);

    for (size_t i = 0; i < (predicted ? b->n : b->ntruths); i++)
        if (!is_assigned(b, i, predicted))
            yyjson_mut_arr_add_uint(doc, list, i);
}

static const double normalised_min_distance = 0.2;

static void add_debug(doc_t *doc, val_t *to, const struct loaded *l, const struct learn_result *r,
                      const struct window_boxes *b)
{
    CLEANUP(json_mut_freep) doc_t *inner = json_doc_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    val_t *root = yyjson_mut_obj(inner);

    yyjson_mut_doc_set_root(inner, root);
    add_centroids(inner, root, "y_trues", l, r, b->truths, b->ntruths);
    add_centroids(inner, root, "y_preds", l, r, b->boxes, b->n);
    add_assignments(inner, root, r, b);
    yyjson_mut_obj_add_real(inner, root, "normalised_min_distance", normalised_min_distance);
    add_pairs(inner, root, b);
    add_unassigned(inner, root, "unassigned_y_true_idxs", b, false);
    add_unassigned(inner, root, "unassigned_y_pred_idxs", b, true);
    yyjson_mut_obj_add_strcpy(doc, to, "debugInfoJson", (const char *)json_write_pretty(a, inner).data);
}

static void add_structured(doc_t *doc, val_t *to, const struct loaded *l, const struct learn_result *r,
                           size_t nwindows, bool debug)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "structuredResult");

    for (size_t w = 0; w < nwindows; w++) {
        const struct window_boxes *b = &r->boxes[w];
        val_t *o = yyjson_mut_arr_add_obj(doc, list), *labels;
        add_quadruples(doc, o, b);
        labels = yyjson_mut_obj_add_arr(doc, o, "labels");
        for (size_t i = 0; i < b->n; i++)
            yyjson_mut_arr_add_str(doc, labels, b->boxes[i].label);
        add_scores(doc, o, b);
        yyjson_mut_obj_add_real(doc, o, "mAP", b->map);
        yyjson_mut_obj_add_real(doc, o, "f1", b->f1);
        yyjson_mut_obj_add_real(doc, o, "precision", b->precision);
        yyjson_mut_obj_add_real(doc, o, "recall", b->recall);
        if (debug && r->kind == LEARN_FOMO)
            add_debug(doc, o, l, r, b);
    }
}

/* The older twin, with numbers for labels. */
static void add_details(doc_t *doc, val_t *to, const struct learn_result *r, size_t nwindows)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "details");

    for (size_t w = 0; w < nwindows; w++) {
        const struct window_boxes *b = &r->boxes[w];
        val_t *o = yyjson_mut_arr_add_obj(doc, list), *labels;
        add_quadruples(doc, o, b);
        labels = yyjson_mut_obj_add_arr(doc, o, "labels");
        for (size_t i = 0; i < b->n; i++)
            yyjson_mut_arr_add_int(doc, labels, label_number(r, b->boxes[i].label));
        add_scores(doc, o, b);
        yyjson_mut_obj_add_real(doc, o, "mAP", b->map);
        yyjson_mut_obj_add_real(doc, o, "f1", b->f1);
    }
}

/* ---- visual anomaly ---- */

/* Cells at the threshold or above, in pixels of the model's input. */
static void add_cells(doc_t *doc, val_t *to, const struct loaded *l, const float *cells, size_t side,
                      double threshold)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "boxes");

    for (size_t i = 0; i < side * side; i++) {
        val_t *o;
        if (!((double)cells[i] >= threshold))
            continue;
        o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, o, "label", "anomaly");
        yyjson_mut_obj_add_int(doc, o, "x", (int64_t)((double)(i % side) * l->impulse.width / (double)side));
        yyjson_mut_obj_add_int(doc, o, "y", (int64_t)((double)(i / side) * l->impulse.height / (double)side));
        yyjson_mut_obj_add_int(doc, o, "width", l->impulse.width / (int64_t)side);
        yyjson_mut_obj_add_int(doc, o, "height", l->impulse.height / (int64_t)side);
        yyjson_mut_obj_add_val(doc, o, "score", impulse_float(doc, cells[i]));
    }
}

static void add_grid(doc_t *doc, val_t *o, const float *cells, size_t side)
{
    val_t *rows = yyjson_mut_obj_add_arr(doc, o, "scores"), *row = NULL;
    double sum = 0, most = -INFINITY;

    for (size_t i = 0; i < side * side; i++) {
        if (i % side == 0)
            row = yyjson_mut_arr_add_arr(doc, rows);
        yyjson_mut_arr_add_val(row, impulse_float(doc, cells[i]));
        sum += (double)cells[i];
        most = fmax(most, (double)cells[i]);
    }
    yyjson_mut_obj_add_real(doc, o, "meanScore", sum / (double)(side * side));
    yyjson_mut_obj_add_real(doc, o, "maxScore", most);
}

static void add_anomalies(doc_t *doc, val_t *to, const struct loaded *l, const struct learn_result *r,
                          size_t nwindows, double threshold)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "anomalyResult");

    for (size_t w = 0; w < nwindows && r->side; w++) {
        const float *cells = r->grid + w * r->side * r->side;
        val_t *o = yyjson_mut_arr_add_obj(doc, list);
        add_cells(doc, o, l, cells, r->side, threshold);
        add_grid(doc, o, cells, r->side);
    }
}

/* ---- all of it ---- */

static val_t *classification(doc_t *doc, const struct loaded *l, const struct recording_result *res, size_t k,
                             bool debug)
{
    const struct learn_result *r = &res->learn[k];
    const struct learn_more *more;
    val_t *o = yyjson_mut_obj(doc);
    size_t at = 0;

    more = definition_learn(&l->def, r->id, &at);
    if (!more)
        return o;
    yyjson_mut_obj_add_val(doc, o, "learnBlock", learn_block_render(doc, l, at));
    add_results(doc, o, r, res->nwindows);
    if (r->kind == LEARN_GRID)
        add_anomalies(doc, o, l, r, res->nwindows, more->threshold);
    if (has_boxes(r)) {
        add_structured(doc, o, l, r, res->nwindows, debug);
        add_details(doc, o, r, res->nwindows);
        yyjson_mut_obj_add_str(doc, o, "objectDetectionLastLayer", more->last_layer);
    }
    yyjson_mut_obj_add_real(doc, o, "minimumConfidenceRating", more->threshold);
    add_expected(doc, o, res);
    yyjson_mut_obj_add_val(doc, o, "thresholds", threshold_render(doc, more));
    return o;
}

val_t *classifications_render(doc_t *doc, const struct loaded *l, const struct recording_result *res,
                              bool debug)
{
    val_t *list = yyjson_mut_arr(doc);

    for (size_t k = 0; k < res->nlearn; k++)
        yyjson_mut_arr_append(list, classification(doc, l, res, k, debug));
    return list;
}

const char *classification_warning(struct arena *a, const struct loaded *l,
                                   const struct recording_result *res)
{
    const char *text = "";

    if (res->resampled)
        text = arena_printf(a, "The sample was resampled to %g Hz, the frequency of the impulse. ",
                            l->impulse.frequency);
    if (res->padded)
        text = arena_printf(a, "%sThe sample is shorter than a window (%g ms) and was filled up with zeros. ",
                            text, l->impulse.window_ms);
    if (!res->nwindows)
        text = arena_printf(a, "%sThe sample is shorter than a window (%g ms), so nothing was classified. ",
                            text, l->impulse.window_ms);
    if (l->left_out)
        text = arena_printf(a, "%sNot classified, as there is no model yet: %s. ", text, l->left_out);
    return *text ? arena_strndup(a, text, strlen(text) - 1) : NULL;
}
