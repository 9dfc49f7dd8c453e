#include "analysis/judge.h"

#include <math.h>
#include <string.h>

#include "analysis/average_precision.h"
#include "analysis/fomo.h"
#include "base/clock.h"
#include "infer/kmeans.h"

/* One window, on its way through. */
struct sitting {
    const struct judge *j;
    struct arena *arena; /* of the result */
    const struct taken *taken;
    const float *features;
    size_t n;
    const struct dsp_features *shape;
    size_t at;
    struct learn_result *to;
};

struct kind {
    bool model, picture;
    size_t outputs; /* 0: any number of them */
    int (*open)(struct judge *j, struct arena *a, struct err *err);
    int (*say)(const struct sitting *s, struct err *err);
};
static const struct kind kinds[LEARN_KINDS];

static long long id_of(const struct judge *j)
{
    return (long long)j->block->id;
}

/* ---- scores ---- */

static float *scores_of(const struct sitting *s)
{
    /* The room is ours: judge_room made it. */
    return (float *)(uintptr_t)s->to->scores + s->at * s->j->nlabels;
}

static int no_number(const struct judge *j, struct err *err)
{
    return FAIL(err, ERR_MODEL, "the model of block %lld gives what is no number", id_of(j));
}

static int keep(const struct judge *j, float *to, const float *v, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(v[i]))
            return no_number(j, err);
        to[i] = v[i];
    }
    return 0;
}

/* The first numbers of output i, as many as there are labels. */
static int say_scores(const struct sitting *s, struct err *err)
{
    size_t n;
    const float *v = graph_out(s->j->graph, 0, &n);

    if (n < s->j->nlabels)
        return FAIL(err, ERR_MODEL, "the model of block %lld gives %zu numbers and not %zu", id_of(s->j), n,
                    s->j->nlabels);
    return keep(s->j, scores_of(s), v, s->j->nlabels, err);
}

static int open_classifier(struct judge *j, struct arena *a UNUSED, struct err *err)
{
    size_t n = port_count(graph_output(j->graph, 0));

    j->nlabels = j->block->nlabels;
    j->labels = j->block->labels;
    if (n != j->nlabels || !n)
        return FAIL(err, ERR_INPUT, "the model of block %lld gives %zu scores, and the block has %zu labels",
                    id_of(j), n, j->nlabels);
    return 0;
}

static int one_label(struct judge *j, const char *const *label)
{
    j->nlabels = 1;
    j->labels = label;
    return 0;
}

static int open_regression(struct judge *j, struct arena *a UNUSED, struct err *err UNUSED)
{
    static const char *const value[] = {"value"};

    return one_label(j, value);
}

static int open_anomaly(struct judge *j, struct arena *a UNUSED, struct err *err UNUSED)
{
    static const char *const anomaly[] = {"anomaly"};

    return one_label(j, anomaly);
}

static int open_freeform(struct judge *j, struct arena *a, struct err *err)
{
    const char **labels = arena_array(a, IMPULSE_LABELS, sizeof *labels);

    for (size_t i = 0; i < graph_noutputs(j->graph); i++)
        j->nlabels += port_count(graph_output(j->graph, i));
    if (j->nlabels > IMPULSE_LABELS)
        return FAIL(err, ERR_LIMIT, "the model of block %lld gives %zu numbers; at most %d are shown",
                    id_of(j), j->nlabels, IMPULSE_LABELS);
    for (size_t i = 0; i < j->nlabels; i++)
        labels[i] = arena_printf(a, "%zu", i);
    j->labels = labels;
    return 0;
}

static int say_all(const struct sitting *s, struct err *err)
{
    float *to = scores_of(s);
    size_t done = 0, n;

    for (size_t i = 0; i < graph_noutputs(s->j->graph); i++, done += n) {
        const float *v = graph_out(s->j->graph, i, &n);
        if (n > s->j->nlabels - done)
            n = s->j->nlabels - done;
        if (keep(s->j, to + done, v, n, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- clusters ---- */

/* z = (x - mean) / dev of the chosen features. */
static int choose(const struct judge *j, const float *features, size_t n, float *ret, struct err *err)
{
    const struct impulse_learn *l = j->block;

    for (size_t i = 0; i < l->nchosen; i++) {
        if ((size_t)l->chosen[i] >= n)
            return FAIL(err, ERR_INPUT, "block %lld is made of feature %d, and there are %zu", id_of(j),
                        l->chosen[i], n);
        ret[i] = (features[l->chosen[i]] - l->mean[i]) / l->dev[i];
    }
    return 0;
}

static int open_clusters(struct judge *j, struct arena *a, struct err *err)
{
    if (!j->block->nclusters)
        return FAIL(err, ERR_CONFLICT, "block %lld has no clusters yet: train it first", id_of(j));
    return open_anomaly(j, a, err);
}

static int say_distance(const struct sitting *s, struct err *err)
{
    const struct impulse_learn *l = s->j->block;
    float z[IMPULSE_FEATURES], score;

    if (choose(s->j, s->features, s->n, z, err) < 0)
        return -1;
    score = (float)kmeans_score(l->clusters, l->nclusters, z, l->nchosen);
    return keep(s->j, scores_of(s), &score, 1, err);
}

/* ---- boxes ---- */

static int add_truths(const struct sitting *s, struct window_boxes *w)
{
    const struct sensor_part *part = s->taken->part;
    struct sensor_box *truths = arena_array(s->arena, part->nboxes, sizeof *truths);

    for (size_t i = 0; i < part->nboxes; i++)
        w->ntruths += fit_box(&s->taken->placing, s->j->impulse->width, s->j->impulse->height,
                              &part->boxes[i], &truths[w->ntruths]);
    w->truths = truths;
    return 0;
}

static int open_boxes(struct judge *j, struct arena *a UNUSED, struct err *err)
{
    if (!j->block->nlabels)
        return FAIL(err, ERR_INPUT, "block %lld has no labels", id_of(j));
    j->labels = j->block->labels;
    return 0;
}

static int open_fomo(struct judge *j, struct arena *a, struct err *err)
{
    const struct model_port *out = graph_output(j->graph, 0);

    if (out->ndims != 4 || out->dims[0] != 1 || out->dims[3] != (int64_t)j->block->nlabels + 1)
        return FAIL(err, ERR_INPUT,
                    "the model of block %lld gives no grid of a background and %zu labels for each cell",
                    id_of(j), j->block->nlabels);
    return open_boxes(j, a, err);
}

static int say_centroids(const struct sitting *s, struct err *err)
{
    const struct model_port *out = graph_output(s->j->graph, 0);
    struct window_boxes *w = &s->to->boxes[s->at];
    struct fomo_grid g = {.rows = (size_t)out->dims[1],
                          .columns = (size_t)out->dims[2],
                          .nlabels = s->j->block->nlabels,
                          .labels = s->j->block->labels,
                          .least = s->j->block->min_score,
                          .width = s->j->impulse->width,
                          .height = s->j->impulse->height};
    size_t n;

    g.scores = graph_out(s->j->graph, 0, &n);
    if (n != g.rows * g.columns * (g.nlabels + 1))
        return FAIL(err, ERR_MODEL, "the model of block %lld gives %zu numbers and no grid", id_of(s->j), n);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(g.scores[i]))
            return no_number(s->j, err);
    if (fomo_boxes(s->arena, &g, w, err) < 0)
        return -1;
    add_truths(s, w);
    return w->ntruths ? fomo_compare(s->arena, g.width, g.height, s->j->deadline_mono_us, w, err) : 0;
}

/* The four outputs of a detector. The count and the boxes are known by their sizes, whatever their order;
 * classes come before scores. */
struct detections {
    const float *boxes, *classes, *scores;
    size_t n;
};

static int read_detections(const struct judge *j, struct detections *ret, struct err *err)
{
    const float *out[4], *count = NULL, *lists[2] = {NULL, NULL};
    size_t n[4], longest = 0, shortest = 0, found = 0;

    for (size_t i = 0; i < 4; i++) {
        out[i] = graph_out(j->graph, i, &n[i]);
        longest = n[i] > n[longest] ? i : longest;
        shortest = n[i] < n[shortest] ? i : shortest;
    }
    ret->boxes = out[longest];
    ret->n = n[longest] / 4;
    count = out[shortest];
    for (size_t i = 0; i < 4; i++)
        if (i != longest && i != shortest && found < 2 && n[i] == ret->n)
            lists[found++] = out[i];
    if (found != 2 || n[shortest] != 1 || n[longest] % 4 || !isfinite(*count))
        return FAIL(err, ERR_MODEL, "the model of block %lld gives no boxes, classes, scores and count",
                    id_of(j));
    ret->classes = lists[0];
    ret->scores = lists[1];
    if (*count < (float)ret->n)
        ret->n = *count > 0 ? (size_t)*count : 0;
    return 0;
}

static double unit(float v)
{
    return v > 0 ? (v < 1 ? (double)v : 1) : 0; /* NaN is 0 */
}

static struct sensor_box detection(const struct sitting *s, const float *at, size_t label)
{
    const struct impulse *p = s->j->impulse;
    double top = unit(at[0]) * p->height, left = unit(at[1]) * p->width, bottom = unit(at[2]) * p->height,
           right = unit(at[3]) * p->width;

    return (struct sensor_box){s->j->block->labels[label], left, top, fmax(0, right - left),
                               fmax(0, bottom - top)};
}

static int say_detections(const struct sitting *s, struct err *err)
{
    struct window_boxes *w = &s->to->boxes[s->at];
    const struct impulse_learn *l = s->j->block;
    struct sensor_box *boxes;
    struct detections d;
    double *scores;

    if (read_detections(s->j, &d, err) < 0)
        return -1;
    if (d.n > SENSOR_BOXES)
        d.n = SENSOR_BOXES; /* the best come first */
    w->boxes = boxes = arena_array(s->arena, d.n, sizeof *boxes);
    w->scores = scores = arena_array(s->arena, d.n, sizeof *scores);
    for (size_t i = 0; i < d.n; i++) {
        if (!isfinite(d.scores[i]) || !isfinite(d.classes[i]))
            return no_number(s->j, err);
        if ((double)d.scores[i] < l->min_score || !(d.classes[i] >= 0 && d.classes[i] < (float)l->nlabels))
            continue;
        scores[w->n] = unit(d.scores[i]);
        boxes[w->n++] = detection(s, d.boxes + 4 * i, (size_t)d.classes[i]);
    }
    add_truths(s, w);
    w->map = average_precision(w);
    return 0;
}

/* ---- a grid ---- */

static int open_grid(struct judge *j, struct arena *a, struct err *err)
{
    size_t n = port_count(graph_output(j->graph, 0));

    j->side = (size_t)lround(sqrt((double)n));
    if (j->side * j->side != n || j->side > 1024)
        return FAIL(err, ERR_INPUT, "the model of block %lld gives %zu numbers, which are no square",
                    id_of(j), n);
    return open_anomaly(j, a, err);
}

static int say_grid(const struct sitting *s, struct err *err)
{
    size_t cells = s->j->side * s->j->side, n;
    float *grid = (float *)(uintptr_t)s->to->grid + s->at * cells, *score = scores_of(s);
    const float *v = graph_out(s->j->graph, 0, &n);

    if (n != cells)
        return FAIL(err, ERR_MODEL, "the model of block %lld gives %zu numbers and not %zu", id_of(s->j), n,
                    cells);
    if (keep(s->j, grid, v, n, err) < 0)
        return -1;
    *score = grid[0];
    for (size_t i = 1; i < cells; i++)
        *score = fmaxf(*score, grid[i]);
    return 0;
}

static const struct kind kinds[LEARN_KINDS] = {
    [LEARN_CLASSIFIER] = {.model = true, .outputs = 1, .open = open_classifier, .say = say_scores},
    [LEARN_REGRESSION] = {.model = true, .open = open_regression, .say = say_scores},
    [LEARN_CLUSTERS] = {.open = open_clusters, .say = say_distance},
    [LEARN_MIXTURE] = {.model = true, .open = open_anomaly, .say = say_scores},
    [LEARN_FOMO] = {.model = true, .picture = true, .outputs = 1, .open = open_fomo, .say = say_centroids},
    [LEARN_SSD] = {.model = true, .picture = true, .outputs = 4, .open = open_boxes, .say = say_detections},
    [LEARN_GRID] = {.model = true, .picture = true, .open = open_grid, .say = say_grid},
    [LEARN_FREEFORM] = {.model = true, .open = open_freeform, .say = say_all},
};

/* ---- what goes into a model ---- */

static bool takes_chosen(const struct judge *j)
{
    return j->block->kind == LEARN_MIXTURE && j->block->nchosen;
}

/* Models of some makers want all of one colour first: 1 x 3 x height x width. */
static bool wants_planes(const struct judge *j, const struct dsp_features *shape)
{
    const struct model_port *in = graph_input(j->graph, 0);

    return shape->channels == 3 && in->ndims == 4 && in->dims[1] == 3 && in->dims[3] != 3;
}

struct scaling {
    float mul, add[3], div[3];
    bool reversed; /* B G R */
};

/* From 0..1. */
static const struct scaling scalings[PICTURE_SCALES] = {
    [SCALE_UNIT] = {1, {0, 0, 0}, {1, 1, 1}, false},
    [SCALE_SIGNED] = {2, {-1, -1, -1}, {1, 1, 1}, false},
    [SCALE_INT8] = {255, {-128, -128, -128}, {1, 1, 1}, false},
    [SCALE_BYTE] = {255, {0, 0, 0}, {1, 1, 1}, false},
    [SCALE_TORCH] = {1, {-0.485f, -0.456f, -0.406f}, {0.229f, 0.224f, 0.225f}, false},
    [SCALE_BGR_MEAN] = {255, {-103.939f, -116.779f, -123.68f}, {1, 1, 1}, true},
};

static void feed_pixels(const struct sitting *s, float *in)
{
    const struct scaling *how = &scalings[s->j->block->scale];
    size_t channels = s->shape->channels, pixels = s->n / channels;
    bool planes = wants_planes(s->j, s->shape);

    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < channels; c++) {
            size_t from = how->reversed && channels == 3 ? 2 - c : c;
            float v = s->features[i * channels + from] * how->mul + how->add[c % 3];
            in[planes ? c * pixels + i : i * channels + c] = v / how->div[c % 3];
        }
}

static bool plain(const struct sitting *s)
{
    return s->j->impulse->input != INPUT_PICTURE ||
           (s->j->block->scale == SCALE_UNIT && !wants_planes(s->j, s->shape));
}

static int feed(const struct sitting *s, struct err *err)
{
    size_t wanted = port_count(graph_input(s->j->graph, 0)),
           n = takes_chosen(s->j) ? s->j->block->nchosen : s->n;
    float *in = graph_in(s->j->graph, 0);

    if (n != wanted)
        return FAIL(err, ERR_INPUT,
                    "the model of block %lld takes %zu numbers, and its DSP blocks make %zu: settings, axes "
                    "or window are not those of its training",
                    id_of(s->j), wanted, n);
    if (takes_chosen(s->j))
        return choose(s->j, s->features, s->n, in, err);
    if (plain(s))
        memcpy(in, s->features, n * sizeof *in);
    else
        feed_pixels(s, in);
    return 0;
}

/* ---- for everybody ---- */

int judge_open(struct judge *j, struct arena *a, const struct impulse *p, const struct impulse_learn *l,
               struct graph *graph, struct err *err)
{
    const struct kind *k = &kinds[l->kind];

    *j = (struct judge){.impulse = p, .block = l, .graph = k->model ? graph : NULL};
    if (k->model && !graph)
        return FAIL(err, ERR_CONFLICT, "block %lld has no model yet: train it or upload one", id_of(j));
    if (k->picture && p->input != INPUT_PICTURE)
        return FAIL(err, ERR_INPUT, "block %lld looks for things on pictures, and the impulse takes none",
                    id_of(j));
    if (k->model && (graph_ninputs(graph) != 1 || !graph_noutputs(graph)))
        return FAIL(err, ERR_UNSUPPORTED, "the model of block %lld has %zu inputs and not one", id_of(j),
                    graph_ninputs(graph));
    if (k->outputs && graph_noutputs(graph) != k->outputs)
        return FAIL(err, ERR_INPUT, "the model of block %lld has %zu outputs; a block of this kind has %zu",
                    id_of(j), graph_noutputs(graph), k->outputs);
    return k->open(j, a, err);
}

struct learn_result judge_room(const struct judge *j, struct arena *a, size_t nwindows)
{
    bool boxes = j->block->kind == LEARN_FOMO || j->block->kind == LEARN_SSD;

    return (struct learn_result){
        .id = j->block->id,
        .kind = j->block->kind,
        .nlabels = boxes ? j->block->nlabels : j->nlabels,
        .labels = j->labels,
        .scores = boxes ? NULL : arena_array(a, nwindows * j->nlabels, sizeof(float)),
        .boxes = boxes ? arena_array(a, nwindows, sizeof(struct window_boxes)) : NULL,
        .side = j->side,
        .grid = j->side ? arena_array(a, nwindows * j->side * j->side, sizeof(float)) : NULL,
    };
}

int judge_window(const struct judge *j, struct arena *a, const struct taken *t, const float *features,
                 size_t n, const struct dsp_features *shape, size_t at, struct learn_result *to,
                 struct err *err)
{
    struct sitting s = {j, a, t, features, n, shape, at, to};

    if (!j->graph) {
        if (j->deadline_mono_us && clock_mono_us() >= j->deadline_mono_us)
            return FAIL(err, ERR_TIMEOUT, "the deadline passed before all windows were judged");
        return kinds[j->block->kind].say(&s, err);
    }
    if (feed(&s, err) < 0 || graph_run(j->graph, j->deadline_mono_us, err) < 0)
        return -1;
    return kinds[j->block->kind].say(&s, err);
}
