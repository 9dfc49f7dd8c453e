/* What the windows of many recordings add up to: how many were right, and what was taken for what. A window
 * below the threshold is uncertain: never right. */
#include <string.h>

#include "api/impulse/upper_int.h"
#include "base/text.h"

enum { CLASSES_MAX = IMPULSE_LABELS + 2 };

/* Rows: what it is. Columns: what was said, then "uncertain". */
struct confusion {
    size_t n;
    const char **labels;
    int64_t *cells; /* n x (n + 1) */
    int64_t windows, good, uncertain;
    double squares; /* of errors, of a regression */
};

static size_t find_label(const struct confusion *c, const char *label)
{
    for (size_t i = 0; i < c->n; i++)
        if (text_is(c->labels[i], label))
            return i;
    return c->n;
}

static void add_label(struct confusion *c, const char *label)
{
    if (label && c->n < CLASSES_MAX && find_label(c, label) == c->n)
        c->labels[c->n++] = label;
}

/* The label of a window; NULL: nobody knows. */
static const char *expected_of(const struct recording_result *res, size_t window)
{
    for (size_t i = 0; i < res->nexpected; i++)
        if (res->expected[i].first <= (int64_t)window && (int64_t)window <= res->expected[i].last)
            return res->expected[i].label;
    return NULL;
}

static bool is_anomaly_block(const struct learn_result *r)
{
    return r->kind == LEARN_CLUSTERS || r->kind == LEARN_MIXTURE;
}

/* Of an anomaly block: whatever is labelled so is none, all else is not known to be one. */
static const char *truth_of(const struct learn_result *r, const struct recording_result *res, size_t window)
{
    const char *label = expected_of(res, window);

    if (!label || !is_anomaly_block(r))
        return label;
    return text_is(label, "anomaly") ? "anomaly" : "no anomaly";
}

static struct confusion confusion_new(struct arena *a, const struct learn_result *block,
                                      const struct judged *all, size_t n, size_t k)
{
    struct confusion c = {.labels = arena_array(a, CLASSES_MAX, sizeof *c.labels)};

    for (size_t i = 0; i < block->nlabels && !is_anomaly_block(block); i++)
        add_label(&c, block->labels[i]);
    for (size_t i = 0; i < n; i++)
        for (size_t w = 0; k < all[i].result->nlearn && w < all[i].result->nwindows; w++)
            add_label(&c, truth_of(&all[i].result->learn[k], all[i].result, w));
    if (is_anomaly_block(block)) {
        add_label(&c, "anomaly");
        add_label(&c, "no anomaly");
    }
    c.cells = arena_array(a, c.n * (c.n + 1), sizeof *c.cells);
    return c;
}

static void count_number(struct confusion *c, const struct learn_result *r, size_t w, const char *truth,
                         double threshold)
{
    double want, off;

    if (!text_to_double(truth, &want) || !r->scores || !r->nlabels)
        return;
    off = (double)r->scores[w * r->nlabels] - want;
    c->windows++;
    c->squares += off * off;
    c->good += off <= threshold && off >= -threshold;
}

static void count_label(struct confusion *c, const char *truth, const char *said)
{
    size_t row = find_label(c, truth), column = find_label(c, said);

    c->windows++;
    c->good += row == column;
    c->uncertain += column == c->n;
    c->cells[row * (c->n + 1) + column]++;
}

static void count(struct confusion *c, const struct recording_result *res, size_t k, double threshold)
{
    const struct learn_result *r = &res->learn[k];

    for (size_t w = 0; w < res->nwindows; w++) {
        const char *truth = truth_of(r, res, w), *said = window_says(r, w, threshold);
        if (!truth)
            continue;
        if (r->kind == LEARN_REGRESSION)
            count_number(c, r, w, truth, threshold);
        else if (said && find_label(c, truth) < c->n)
            count_label(c, truth, said);
    }
}

/* ---- writing ---- */

static double share(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static val_t *good_and_bad(doc_t *doc, int64_t good, int64_t all)
{
    val_t *o = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_int(doc, o, "good", good);
    yyjson_mut_obj_add_int(doc, o, "bad", all - good);
    return o;
}

static int64_t row_sum(const struct confusion *c, size_t row)
{
    int64_t sum = 0;

    for (size_t k = 0; k <= c->n; k++)
        sum += c->cells[row * (c->n + 1) + k];
    return sum;
}

static val_t *matrix(doc_t *doc, const struct confusion *c)
{
    val_t *o = yyjson_mut_obj(doc), *row;

    for (size_t i = 0; i < c->n; i++) {
        row = yyjson_mut_obj(doc);
        for (size_t k = 0; k < c->n; k++)
            yyjson_mut_obj_add(row, yyjson_mut_str(doc, c->labels[k]),
                               yyjson_mut_int(doc, c->cells[i * (c->n + 1) + k]));
        yyjson_mut_obj_add_int(doc, row, "uncertain", c->cells[i * (c->n + 1) + c->n]);
        yyjson_mut_obj_add(o, yyjson_mut_str(doc, c->labels[i]), row);
    }
    return o;
}

static val_t *accuracy(doc_t *doc, const struct confusion *c, bool regression)
{
    val_t *o = yyjson_mut_obj(doc), *classes = yyjson_mut_obj(doc), *labels;

    yyjson_mut_obj_add_val(doc, o, "totalSummary", good_and_bad(doc, c->good, c->windows));
    for (size_t i = 0; i < c->n && !regression; i++)
        yyjson_mut_obj_add(classes, yyjson_mut_str(doc, c->labels[i]),
                           good_and_bad(doc, c->cells[i * (c->n + 1) + i], row_sum(c, i)));
    yyjson_mut_obj_add_val(doc, o, "summaryPerClass", classes);
    yyjson_mut_obj_add_val(doc, o, "confusionMatrixValues",
                           regression ? yyjson_mut_obj(doc) : matrix(doc, c));
    labels = yyjson_mut_obj_add_arr(doc, o, "allLabels");
    for (size_t i = 0; i < c->n && !regression; i++)
        yyjson_mut_arr_add_str(doc, labels, c->labels[i]);
    yyjson_mut_obj_add_real(doc, o, "accuracyScore", share(c->good, c->windows));
    if (regression)
        yyjson_mut_obj_add_real(doc, o, "mseScore", c->windows ? c->squares / (double)c->windows : 0);
    yyjson_mut_obj_add_int(doc, o, "uncertain", c->uncertain);
    return o;
}

static void add_metric(struct arena *a, doc_t *doc, val_t *list, const char *name, double value)
{
    val_t *o = yyjson_mut_arr_add_obj(doc, list);

    yyjson_mut_obj_add_str(doc, o, "type", "metric");
    yyjson_mut_obj_add_str(doc, o, "name", name);
    yyjson_mut_obj_add_str(doc, o, "value", arena_printf(a, "%.4g", value));
    yyjson_mut_obj_add_real(doc, o, "fullPrecisionValue", value);
}

static double f1_of(const struct confusion *c, size_t i)
{
    int64_t hit = c->cells[i * (c->n + 1) + i], said = 0, is = row_sum(c, i);

    for (size_t row = 0; row < c->n; row++)
        said += c->cells[row * (c->n + 1) + i];
    return share(2 * hit, said + is);
}

static val_t *additional(struct arena *a, doc_t *doc, const struct loaded *l, const struct learn_result *r,
                         const struct confusion *c)
{
    val_t *o = yyjson_mut_obj(doc), *list;
    double f1 = 0;
    size_t at;

    yyjson_mut_obj_add_int(doc, o, "learnBlockId", r->id);
    if (definition_learn(&l->def, r->id, &at))
        yyjson_mut_obj_add_str(doc, o, "learnBlockName", l->def.impulse.learn[at].name);
    list = yyjson_mut_obj_add_arr(doc, o, "additionalMetrics");
    add_metric(a, doc, list, "Accuracy", share(c->good, c->windows));
    if (r->kind == LEARN_REGRESSION) {
        add_metric(a, doc, list, "Mean squared error", c->windows ? c->squares / (double)c->windows : 0);
        return o;
    }
    for (size_t i = 0; i < c->n; i++)
        f1 += f1_of(c, i);
    add_metric(a, doc, list, "Average F1 score", c->n ? f1 / (double)c->n : 0);
    add_metric(a, doc, list, "Uncertain", share(c->uncertain, c->windows));
    yyjson_mut_obj_add_val(doc, o, "confusionMatrixValues", matrix(doc, c));
    return o;
}

/* ---- windows one by one, of the first block that says labels ---- */

static void add_predictions(doc_t *doc, val_t *list, const struct loaded *l, const struct judged *j, size_t k,
                            double threshold)
{
    const struct recording_result *res = j->result;
    double step = window_step_ms(&l->def);

    for (size_t w = 0; w < res->nwindows; w++) {
        const char *truth = truth_of(&res->learn[k], res, w),
                   *said = window_says(&res->learn[k], w, threshold);
        val_t *o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_int(doc, o, "sampleId", res->number);
        yyjson_mut_obj_add_real(doc, o, "startMs", (double)w * step);
        yyjson_mut_obj_add_real(doc, o, "endMs", (double)w * step + l->impulse.window_ms);
        if (truth)
            yyjson_mut_obj_add_str(doc, o, "label", truth);
        yyjson_mut_obj_add_str(doc, o, "prediction", said ? said : "");
        if (truth && said)
            yyjson_mut_obj_add_bool(doc, o, "predictionCorrect", text_is(truth, said));
    }
}

/* The block that the accuracy is about: the first classifier, else the first. */
static size_t main_block(const struct recording_result *res)
{
    for (size_t k = 0; k < res->nlearn; k++)
        if (res->learn[k].kind == LEARN_CLASSIFIER)
            return k;
    return 0;
}

void metrics_render(struct arena *a, doc_t *doc, val_t *to, const struct loaded *l, const struct judged *all,
                    size_t n)
{
    val_t *predictions = yyjson_mut_obj_add_arr(doc, to, "predictions"), *blocks = yyjson_mut_arr(doc),
          *main_accuracy = NULL;
    size_t first = 0;

    while (first < n && !all[first].result->nlearn)
        first++;
    for (size_t k = 0; first < n && k < all[first].result->nlearn; k++) {
        const struct learn_result *block = &all[first].result->learn[k];
        struct confusion c = confusion_new(a, block, all, n, k);
        const struct learn_more *more;
        bool is_main = k == main_block(all[first].result);
        size_t at;
        more = definition_learn(&l->def, block->id, &at);
        for (size_t i = 0; i < n && more; i++) {
            if (k >= all[i].result->nlearn)
                continue;
            count(&c, all[i].result, k, more->threshold);
            if (is_main)
                add_predictions(doc, predictions, l, &all[i], k, more->threshold);
        }
        if (is_main)
            main_accuracy = accuracy(doc, &c, block->kind == LEARN_REGRESSION);
        yyjson_mut_arr_append(blocks, additional(a, doc, l, block, &c));
    }
    yyjson_mut_obj_add_val(doc, to, "accuracy",
                           main_accuracy ? main_accuracy : accuracy(doc, &(struct confusion){0}, false));
    yyjson_mut_obj_add_val(doc, to, "additionalMetricsByLearnBlock", blocks);
}
