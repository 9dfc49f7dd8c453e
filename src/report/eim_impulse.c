/* Impulses and results in the terms of the .eim protocol, and back. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/eim_int.h"

static const char *const value_label[] = {"value"};
static const char *const anomaly_label[] = {"anomaly"};

/* What the protocol makes of each sort of learn block. */
static const struct {
    bool labels;
    enum eim_model model;
    enum eim_anomaly anomaly;
    const char *type, *key; /* of its threshold; NULL: it has none */
} kinds[LEARN_KINDS] = {
    [LEARN_CLASSIFIER] = {true, EIM_SCORES, EIM_NO_ANOMALY, "classification", "min_score"},
    [LEARN_REGRESSION] = {true, EIM_SCORES, EIM_NO_ANOMALY, NULL, NULL},
    [LEARN_CLUSTERS] = {false, EIM_SCORES, EIM_KMEANS, "anomaly_kmeans", "min_anomaly_score"},
    [LEARN_MIXTURE] = {false, EIM_SCORES, EIM_GMM, "anomaly_gmm", "min_anomaly_score"},
    [LEARN_FOMO] = {true, EIM_CENTROIDS, EIM_NO_ANOMALY, "object_detection", "min_score"},
    [LEARN_SSD] = {true, EIM_BOXES, EIM_NO_ANOMALY, "object_detection", "min_score"},
    [LEARN_GRID] = {false, EIM_SCORES, EIM_VISUAL_GMM, "anomaly_gmm", "min_anomaly_score"},
    [LEARN_FREEFORM] = {true, EIM_FREEFORM, EIM_NO_ANOMALY, NULL, NULL},
};

static int first_block(const struct impulse *p, bool labels)
{
    for (size_t i = 0; i < p->nlearn; i++)
        if (p->learn[i].kind < LEARN_KINDS && kinds[p->learn[i].kind].labels == labels)
            return (int)i;
    return -1;
}

int eim_label_block(const struct impulse *p)
{
    return first_block(p, true);
}

int eim_anomaly_block(const struct impulse *p)
{
    return first_block(p, false);
}

/* ---- an impulse as a program ---- */

static enum eim_sensor sensor_of(const struct impulse *p, size_t naxes, const char *const *axes)
{
    if (p->input == INPUT_PICTURE)
        return EIM_CAMERA;
    if (naxes == 1 && text_is(axes[0], "audio"))
        return EIM_MICROPHONE;
    for (size_t i = 0; i < naxes; i++)
        if (!text_starts(axes[i], "acc"))
            return EIM_UNKNOWN;
    return naxes ? EIM_ACCELEROMETER : EIM_UNKNOWN;
}

static bool is_grey(const struct impulse *p)
{
    for (size_t i = 0; i < p->ndsp; i++)
        for (size_t k = 0; k < p->dsp[i].nsettings; k++)
            if (text_is(p->dsp[i].settings[k].name, "channels"))
                return text_is_nocase(p->dsp[i].settings[k].value, "grayscale");
    return false;
}

static int picture_input(const struct impulse *p, struct eim_about *about, struct err *err)
{
    size_t pixels;

    if (p->width < 1 || p->height < 1 || ckd_mul(&pixels, (size_t)p->width, (size_t)p->height) ||
        pixels > EIM_FEATURES)
        return FAIL(err, ERR_INPUT, "pictures of %d x %d are not possible over this protocol", p->width,
                    p->height);
    about->nfeatures = pixels;
    about->naxes = 1;
    about->interval_ms = 1;
    about->width = p->width;
    about->height = p->height;
    about->fit = p->fit;
    about->channels = is_grey(p) ? 1 : 3;
    return 0;
}

static int series_input(const struct impulse *p, size_t naxes, struct eim_about *about, struct err *err)
{
    double readings = p->input == INPUT_SERIES ? round(p->window_ms * p->frequency / 1000) : 1;

    if (naxes < 1 || naxes > SENSOR_AXES)
        return FAIL(err, ERR_INPUT, "the impulse needs 1 to %d axes, not %zu", SENSOR_AXES, naxes);
    if (!(readings >= 1 && readings <= EIM_FEATURES / (double)naxes))
        return FAIL(err, ERR_INPUT, "a window of %g readings of %zu axes is not possible over this protocol",
                    readings, naxes);
    about->naxes = naxes;
    about->nfeatures = (size_t)readings * naxes;
    about->slice = (size_t)readings / 4 * naxes;
    about->frequency = p->input == INPUT_SERIES ? p->frequency : 0;
    about->interval_ms = p->input == INPUT_SERIES ? 1000 / p->frequency : 0;
    return 0;
}

static void add_threshold(const struct impulse_learn *b, struct eim_threshold *all, size_t *n)
{
    if (kinds[b->kind].key)
        all[(*n)++] = (struct eim_threshold){b->id, kinds[b->kind].type, kinds[b->kind].key, b->min_score};
}

static void label_output(const struct impulse_learn *b, struct eim_about *about)
{
    bool named = b->kind != LEARN_FREEFORM && b->nlabels;

    about->model = kinds[b->kind].model;
    about->labels = named ? b->labels : value_label;
    about->nlabels = named ? b->nlabels : b->kind == LEARN_REGRESSION;
}

int eim_about_impulse(struct arena *a, const struct impulse *p, size_t naxes, const char *const *axes,
                      struct eim_about *ret, struct err *err)
{
    struct eim_about about = {.project = {.impulse = p->id, .impulse_name = p->name}};
    struct eim_threshold *thresholds = arena_array(a, 2, sizeof *thresholds);
    int labels = eim_label_block(p), anomaly = eim_anomaly_block(p);

    if (labels < 0 && anomaly < 0)
        return FAIL(err, ERR_INPUT, "the impulse has no learn block, so there is nothing to answer");
    if ((p->input == INPUT_PICTURE ? picture_input(p, &about, err) : series_input(p, naxes, &about, err)) < 0)
        return -1;
    about.sensor = sensor_of(p, naxes, axes);
    if (labels >= 0) {
        label_output(&p->learn[labels], &about);
        add_threshold(&p->learn[labels], thresholds, &about.nthresholds);
    }
    if (anomaly >= 0) {
        about.anomaly = kinds[p->learn[anomaly].kind].anomaly;
        add_threshold(&p->learn[anomaly], thresholds, &about.nthresholds);
    }
    about.thresholds = thresholds;
    *ret = about;
    return 0;
}

/* ---- a program as an impulse ---- */

static const struct eim_threshold *threshold_of(const struct eim_about *about, const char *key)
{
    for (size_t i = 0; i < about->nthresholds; i++)
        if (text_is(about->thresholds[i].key, key))
            return &about->thresholds[i];
    return NULL;
}

static bool is_regression(const struct eim_about *about)
{
    return about->model == EIM_SCORES && about->nlabels == 1 && text_is(about->labels[0], value_label[0]);
}

static enum learn_kind label_kind(const struct eim_about *about)
{
    static const enum learn_kind of[EIM_MODELS] = {[EIM_SCORES] = LEARN_CLASSIFIER,
                                                   [EIM_BOXES] = LEARN_SSD,
                                                   [EIM_CENTROIDS] = LEARN_FOMO,
                                                   [EIM_FREEFORM] = LEARN_FREEFORM};

    return is_regression(about) ? LEARN_REGRESSION : of[about->model];
}

static enum learn_kind anomaly_kind(const struct eim_about *about)
{
    static const enum learn_kind of[] = {
        [EIM_NO_ANOMALY] = LEARN_CLUSTERS, [EIM_KMEANS] = LEARN_CLUSTERS,
        [EIM_GMM] = LEARN_MIXTURE,         [EIM_VISUAL_GMM] = LEARN_GRID,
        [EIM_VISUAL] = LEARN_GRID,         [EIM_OTHER_ANOMALY] = LEARN_MIXTURE};

    return of[about->anomaly];
}

/* The words of the vendor's interface for such blocks. */
static const char *block_type(enum learn_kind k)
{
    static const char *const types[LEARN_KINDS] = {[LEARN_CLASSIFIER] = "keras",
                                                   [LEARN_REGRESSION] = "keras-regression",
                                                   [LEARN_CLUSTERS] = "anomaly",
                                                   [LEARN_MIXTURE] = "anomaly-gmm",
                                                   [LEARN_FOMO] = "keras-object-detection",
                                                   [LEARN_SSD] = "keras-object-detection",
                                                   [LEARN_GRID] = "keras-visual-anomaly",
                                                   [LEARN_FREEFORM] = "keras-freeform"};

    return types[k];
}

/* An id that no other block has. */
static int64_t free_id(const struct impulse_learn *blocks, size_t n, int64_t wanted)
{
    for (size_t i = 0; i < n; i++)
        if (blocks[i].id == wanted)
            return free_id(blocks, n, wanted + 1);
    return wanted;
}

static struct impulse_learn learn_block(const struct eim_about *about, enum learn_kind kind, double fallback,
                                        const struct impulse_learn *others, size_t nothers)
{
    static const int64_t dsp[] = {1};
    const struct eim_threshold *t = kinds[kind].key ? threshold_of(about, kinds[kind].key) : NULL;
    bool own = t && t->block > 1 && t->block <= INT32_MAX, anomaly = !kinds[kind].labels;
    /* A score is a probability; nonsense of a program is not taken over. */
    bool sane = t && (anomaly ? fabs(t->value) <= (double)FLT_MAX : t->value >= 0 && t->value <= 1);

    return (struct impulse_learn){
        .id = free_id(others, nothers, own ? t->block : 2),
        .kind = kind,
        .type = block_type(kind),
        .name = kinds[kind].labels ? "Classifier" : "Anomaly",
        .title = ".eim program",
        .ndsp = 1,
        .dsp = dsp,
        .nlabels = kinds[kind].labels ? about->nlabels : 0,
        .labels = about->labels,
        .min_score = sane ? t->value : fallback,
        .model = -1,
    };
}

static void input_of(const struct eim_about *about, double step_ms, struct impulse *p)
{
    size_t readings = about->nfeatures / about->naxes;

    p->input = about->width ? INPUT_PICTURE : about->interval_ms > 0 ? INPUT_SERIES : INPUT_FEATURES;
    p->width = about->width;
    p->height = about->height;
    p->fit = about->fit;
    if (p->input != INPUT_SERIES)
        return;
    p->frequency = 1000 / about->interval_ms;
    p->window_ms = (double)readings * about->interval_ms;
    p->step_ms = step_ms > 0 ? step_ms : p->window_ms;
}

struct impulse eim_impulse_about(struct arena *a, const struct eim_about *about, double step_ms)
{
    static const struct impulse_setting grey = {"channels", "Grayscale"}, colour = {"channels", "RGB"};
    struct impulse_dsp *dsp = arena_alloc(a, sizeof *dsp);
    struct impulse_learn *learn = arena_array(a, 2, sizeof *learn);
    struct impulse p = {.id = 1, .name = about->project.impulse_name, .ndsp = 1, .dsp = dsp, .learn = learn};

    input_of(about, step_ms, &p);
    *dsp = (struct impulse_dsp){.id = 1, .type = "raw", .name = "Raw data"};
    if (about->width)
        *dsp = (struct impulse_dsp){.id = 1,
                                    .type = "image",
                                    .name = "Image",
                                    .nsettings = 1,
                                    .settings = about->channels == 1 ? &grey : &colour};
    if (about->nlabels || about->model == EIM_FREEFORM)
        learn[p.nlearn++] = learn_block(about, label_kind(about), about->width ? 0.5 : 0.6, learn, 0);
    if (about->anomaly) {
        learn[p.nlearn] = learn_block(about, anomaly_kind(about), 0.3, learn, p.nlearn);
        p.nlearn++;
    }
    return p;
}

/* ---- results ---- */

static const struct learn_result *found_of(const struct recording_result *found, int64_t id)
{
    for (size_t i = 0; i < found->nlearn; i++)
        if (found->learn[i].id == id)
            return &found->learn[i];
    return NULL;
}

static void cells_of(struct arena *a, const struct impulse *p, const struct learn_result *l, size_t window,
                     double least, struct eim_result *r)
{
    const float *grid = l->grid + window * l->side * l->side;
    struct sensor_box *cells = arena_array(a, l->side * l->side, sizeof *cells);
    double *scores = arena_array(a, l->side * l->side, sizeof *scores), sum = 0;
    int width = p->width / (int)l->side, height = p->height / (int)l->side;

    r->visual_max = (double)grid[0];
    for (size_t i = 0; i < l->side * l->side; i++) {
        double v = (double)grid[i];
        sum += v;
        r->visual_max = v > r->visual_max ? v : r->visual_max;
        if (!(v >= least))
            continue;
        scores[r->ncells] = v;
        cells[r->ncells++] = (struct sensor_box){"anomaly", (double)(i % l->side * (size_t)width),
                                                 (double)(i / l->side * (size_t)height), width, height};
    }
    r->visual_mean = sum / (double)(l->side * l->side);
    r->cells = cells;
    r->cell_scores = scores;
}

static int labels_result(const struct impulse_learn *b, const struct learn_result *l, size_t window,
                         struct eim_result *r, struct err *err)
{
    size_t want = b->nlabels || b->kind == LEARN_FREEFORM ? b->nlabels : 1;

    if (b->kind == LEARN_FOMO || b->kind == LEARN_SSD) {
        if (!l->boxes)
            return FAIL(err, ERR_INTERNAL, "block %lld found no boxes", (long long)b->id);
        r->nboxes = l->boxes[window].n;
        r->boxes = l->boxes[window].boxes;
        r->box_scores = l->boxes[window].scores;
        return 0;
    }
    if (!l->scores || (b->kind != LEARN_FREEFORM && l->nlabels != want))
        return FAIL(err, ERR_INTERNAL, "block %lld has %zu labels, and %zu scores were found",
                    (long long)b->id, want, l->nlabels);
    r->nscores = l->nlabels;
    r->scores = l->scores + window * l->nlabels;
    return 0;
}

static int anomaly_result(struct arena *a, const struct impulse *p, const struct impulse_learn *b,
                          const struct learn_result *l, size_t window, struct eim_result *r, struct err *err)
{
    if (l->kind == LEARN_GRID && l->grid && l->side && l->side <= INT32_MAX) {
        cells_of(a, p, l, window, b->min_score, r);
        return 0;
    }
    if (!l->scores || l->nlabels != 1)
        return FAIL(err, ERR_INTERNAL, "block %lld found no anomaly score", (long long)b->id);
    r->has_anomaly = true;
    r->anomaly = (double)l->scores[window];
    return 0;
}

int eim_result_of(struct arena *a, const struct impulse *p, const struct recording_result *found,
                  size_t window, struct eim_result *ret, struct err *err)
{
    int at[] = {eim_label_block(p), eim_anomaly_block(p)};
    struct eim_result r = {0};

    if (found->error.kind != ERR_NONE)
        return FAIL(err, found->error.kind, "%s", found->error.text);
    if (window >= found->nwindows)
        return FAIL(err, ERR_INPUT, "the recording is shorter than a window");
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        const struct impulse_learn *b = at[i] < 0 ? NULL : &p->learn[at[i]];
        const struct learn_result *l = b ? found_of(found, b->id) : NULL;
        if (b && !l)
            return FAIL(err, ERR_INTERNAL, "block %lld found nothing", (long long)b->id);
        if (b &&
            (i == 0 ? labels_result(b, l, window, &r, err) : anomaly_result(a, p, b, l, window, &r, err)) < 0)
            return -1;
    }
    *ret = r;
    return 0;
}

/* ---- results of a program, as learn blocks ---- */

static const char *const *numbered(struct arena *a, size_t n)
{
    const char **labels = arena_array(a, n, sizeof *labels);

    for (size_t i = 0; i < n; i++)
        labels[i] = arena_printf(a, "%zu", i);
    return labels;
}

static void scores_out(struct arena *a, const struct impulse_learn *b, const struct eim_result *all, size_t n,
                       struct learn_result *l)
{
    size_t width = n ? all[0].nscores : b->nlabels;
    float *scores = arena_array(a, n * width, sizeof *scores);

    l->nlabels = width;
    l->labels = b->nlabels == width ? b->labels : numbered(a, width);
    for (size_t w = 0; w < n; w++)
        for (size_t i = 0; i < width && i < all[w].nscores; i++)
            scores[w * width + i] = all[w].scores[i];
    l->scores = scores;
}

static void boxes_out(struct arena *a, const struct impulse_learn *b, const struct eim_result *all, size_t n,
                      struct learn_result *l)
{
    l->nlabels = b->nlabels;
    l->labels = b->labels;
    l->boxes = arena_array(a, n, sizeof *l->boxes);
    for (size_t w = 0; w < n; w++)
        l->boxes[w] =
            (struct window_boxes){.n = all[w].nboxes, .boxes = all[w].boxes, .scores = all[w].box_scores};
}

/* A program lists only the cells that count, so the others are 0 here. How many cells there are follows from
 * the size of one. */
static void grid_out(struct arena *a, const struct impulse *p, const struct eim_result *all, size_t n,
                     struct learn_result *l)
{
    enum { MAX_CELLS = 64 };
    double cell = 0;
    float *grid;

    for (size_t w = 0; w < n && cell <= 0; w++)
        cell = all[w].ncells ? all[w].cells[0].width : 0;
    l->side = 1;
    if (cell > 0 && p->width / cell >= 1)
        l->side = p->width / cell < MAX_CELLS ? (size_t)round(p->width / cell) : MAX_CELLS;
    l->grid = grid = arena_array(a, n * l->side * l->side, sizeof *grid);
    for (size_t w = 0; w < n; w++)
        for (size_t i = 0; i < all[w].ncells; i++) {
            const struct sensor_box *b = &all[w].cells[i];
            double x = floor(b->x * (double)l->side / p->width),
                   y = floor(b->y * (double)l->side / p->height);
            if (x >= 0 && y >= 0 && x < (double)l->side && y < (double)l->side)
                grid[w * l->side * l->side + (size_t)y * l->side + (size_t)x] = (float)all[w].cell_scores[i];
        }
}

static void anomaly_out(struct arena *a, const struct impulse_learn *b UNUSED, const struct eim_result *all,
                        size_t n, struct learn_result *l)
{
    float *scores = arena_array(a, n, sizeof *scores);

    l->nlabels = 1;
    l->labels = anomaly_label;
    for (size_t w = 0; w < n; w++)
        scores[w] = (float)(all[w].has_anomaly ? all[w].anomaly : all[w].visual_max);
    l->scores = scores;
}

struct learn_result *eim_learn_results(struct arena *a, const struct impulse *p, const struct eim_result *all,
                                       size_t nwindows)
{
    struct learn_result *out = arena_array(a, p->nlearn, sizeof *out);

    for (size_t i = 0; i < p->nlearn; i++) {
        const struct impulse_learn *b = &p->learn[i];
        out[i] = (struct learn_result){.id = b->id, .kind = b->kind};
        if (b->kind == LEARN_FOMO || b->kind == LEARN_SSD)
            boxes_out(a, b, all, nwindows, &out[i]);
        else if (b->kind == LEARN_GRID && p->width > 0 && p->height > 0)
            grid_out(a, p, all, nwindows, &out[i]);
        else if (kinds[b->kind].labels)
            scores_out(a, b, all, nwindows, &out[i]);
        else
            anomaly_out(a, b, all, nwindows, &out[i]);
    }
    return out;
}
