/* What pipelines "sensor-..." are asked for: names, copies, and what can be refused without looking at the
 * bytes. The JSON of it is in sensor_asked.c, that of what they find in sensor_found.c. */
#include "report/sensor.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/json_int.h"

/* Longest window and highest frequency that anybody measures; products stay far below 2^53. */
static const double window_max_ms = 86400e3, frequency_min = 1e-6, frequency_max = 1e7;
enum { WINDOW_MAX = 1 << 22, PICTURE_MAX = 4096, EPOCHS_MAX = 10000, HIDDEN_MAX = 1024 };

const char *const picture_fits[PICTURE_FITS] = {
    [FIT_SQUASH] = "squash", [FIT_SHORT] = "fit-short", [FIT_LONG] = "fit-long", [FIT_CROP] = "crop"};
const char *const learn_kinds[LEARN_KINDS] = {
    [LEARN_CLASSIFIER] = "classifier",
    [LEARN_REGRESSION] = "regression",
    [LEARN_CLUSTERS] = "clusters",
    [LEARN_MIXTURE] = "mixture",
    [LEARN_FOMO] = "fomo",
    [LEARN_SSD] = "ssd",
    [LEARN_GRID] = "grid",
    [LEARN_FREEFORM] = "freeform",
};
const char *const picture_scales[PICTURE_SCALES] = {
    [SCALE_UNIT] = "0..1",   [SCALE_SIGNED] = "-1..1", [SCALE_INT8] = "-128..127",
    [SCALE_BYTE] = "0..255", [SCALE_TORCH] = "torch",  [SCALE_BGR_MEAN] = "bgr-mean",
};

const char *picture_fit_name(enum picture_fit f)
{
    return picture_fits[f];
}

const char *learn_kind_name(enum learn_kind k)
{
    return learn_kinds[k];
}

const char *picture_scale_name(enum picture_scale s)
{
    return picture_scales[s];
}

struct train_params train_params_defaults(void)
{
    return (struct train_params){
        .epochs = 100, .rate = 0.005, .hidden = {20, 10}, .held = 0.2, .clusters = 32, .seed = 1};
}

/* ---- copies ---- */

static void *copy_array(struct arena *a, const void *from, size_t n, size_t size)
{
    void *to = arena_array(a, n, size);

    if (n)
        memcpy(to, from, n * size);
    return to;
}

static const char *const *copy_texts(struct arena *a, const char *const *from, size_t n)
{
    const char **to = arena_array(a, n, sizeof *to);

    for (size_t i = 0; i < n; i++)
        to[i] = arena_strdup(a, from[i]);
    return to;
}

static struct impulse_dsp dsp_copy(struct arena *a, const struct impulse_dsp *p)
{
    struct impulse_setting *settings = arena_array(a, p->nsettings, sizeof *settings);
    struct impulse_dsp copy = *p;

    for (size_t i = 0; i < p->nsettings; i++)
        settings[i] = (struct impulse_setting){arena_strdup(a, p->settings[i].name),
                                               arena_strdup(a, p->settings[i].value)};
    copy.type = arena_strdup(a, p->type);
    copy.name = arena_strdup(a, p->name);
    copy.axes = copy_texts(a, p->axes, p->naxes);
    copy.settings = settings;
    return copy;
}

static struct impulse_learn learn_copy(struct arena *a, const struct impulse_learn *p)
{
    struct impulse_cluster *clusters = copy_array(a, p->clusters, p->nclusters, sizeof *clusters);
    struct impulse_learn copy = *p;

    for (size_t i = 0; i < p->nclusters; i++)
        clusters[i].centroid = copy_array(a, p->clusters[i].centroid, p->nchosen, sizeof(float));
    copy.type = arena_strdup(a, p->type);
    copy.name = arena_strdup(a, p->name);
    copy.title = arena_strdup(a, p->title);
    copy.dsp = copy_array(a, p->dsp, p->ndsp, sizeof *p->dsp);
    copy.labels = copy_texts(a, p->labels, p->nlabels);
    copy.chosen = copy_array(a, p->chosen, p->nchosen, sizeof *p->chosen);
    copy.mean = copy_array(a, p->mean, p->nchosen, sizeof *p->mean);
    copy.dev = copy_array(a, p->dev, p->nchosen, sizeof *p->dev);
    copy.clusters = clusters;
    return copy;
}

struct impulse impulse_copy(struct arena *a, const struct impulse *p)
{
    struct impulse_dsp *dsp = arena_array(a, p->ndsp, sizeof *dsp);
    struct impulse_learn *learn = arena_array(a, p->nlearn, sizeof *learn);
    struct impulse copy = *p;

    for (size_t i = 0; i < p->ndsp; i++)
        dsp[i] = dsp_copy(a, &p->dsp[i]);
    for (size_t i = 0; i < p->nlearn; i++)
        learn[i] = learn_copy(a, &p->learn[i]);
    copy.name = arena_strdup(a, p->name);
    copy.dsp = dsp;
    copy.learn = learn;
    return copy;
}

static struct sensor_part part_copy(struct arena *a, const struct sensor_part *p)
{
    struct sensor_stretch *stretches = copy_array(a, p->stretches, p->nstretches, sizeof *stretches);
    struct sensor_box *boxes = copy_array(a, p->boxes, p->nboxes, sizeof *boxes);
    struct sensor_part copy = *p;

    for (size_t i = 0; i < p->nstretches; i++)
        stretches[i].label = arena_strdup(a, p->stretches[i].label);
    for (size_t i = 0; i < p->nboxes; i++)
        boxes[i].label = arena_strdup(a, p->boxes[i].label);
    copy.axes = copy_texts(a, p->axes, p->naxes);
    copy.label = arena_strdup(a, p->label);
    copy.stretches = stretches;
    copy.boxes = boxes;
    return copy;
}

struct sensor_params sensor_params_copy(struct arena *a, const struct sensor_params *p)
{
    struct sensor_part *parts = arena_array(a, p->nparts, sizeof *parts);
    struct sensor_params copy = *p;

    for (size_t i = 0; i < p->nparts; i++)
        parts[i] = part_copy(a, &p->parts[i]);
    copy.file = arena_strdup(a, p->file);
    copy.impulse = impulse_copy(a, &p->impulse);
    copy.parts = parts;
    return copy;
}

/* ---- checks ---- */

static bool is_name(const char *s)
{
    return s && *s && strlen(s) < SENSOR_NAME;
}

static int names_check(const char *what, const char *const *names, size_t n, size_t max, struct err *err)
{
    if (n > max)
        return FAIL(err, ERR_LIMIT, "there are more than %zu %s", max, what);
    for (size_t i = 0; i < n; i++) {
        if (!is_name(names[i]))
            return FAIL(err, ERR_INPUT, "each of the %s has a name of 1 to %d bytes", what, SENSOR_NAME - 1);
        for (size_t k = 0; k < i; k++)
            if (text_is(names[i], names[k]))
                return FAIL(err, ERR_INPUT, "\"%.40s\" is there twice among the %s", names[i], what);
    }
    return 0;
}

static int series_check(const struct impulse *p, struct err *err)
{
    double readings;

    if (!(p->frequency >= frequency_min && p->frequency <= frequency_max))
        return FAIL(err, ERR_INPUT, "the impulse's frequency is a number of Hz from %g to %g", frequency_min,
                    frequency_max);
    if (!(p->window_ms > 0 && p->window_ms <= window_max_ms))
        return FAIL(err, ERR_INPUT, "the window is above 0 and at most %.0f milliseconds", window_max_ms);
    if (!(p->step_ms > 0 && p->step_ms <= window_max_ms))
        return FAIL(err, ERR_INPUT, "the window's increase is above 0 and at most %.0f milliseconds",
                    window_max_ms);
    readings = p->window_ms * p->frequency / 1000;
    if (!(readings >= 0.5 && readings <= WINDOW_MAX))
        return FAIL(err, ERR_INPUT, "a window of %g ms at %g Hz holds %.0f readings; 1 to %d are possible",
                    p->window_ms, p->frequency, readings, WINDOW_MAX);
    return 0;
}

static int input_check(const struct impulse *p, struct err *err)
{
    if (p->input == INPUT_SERIES)
        return series_check(p, err);
    if (p->input == INPUT_PICTURE && !(p->width >= 1 && p->width <= PICTURE_MAX && p->height >= 1 &&
                                       p->height <= PICTURE_MAX && (unsigned)p->fit < PICTURE_FITS))
        return FAIL(err, ERR_INPUT, "the impulse's pictures are 1 to %d pixels wide and high", PICTURE_MAX);
    if ((unsigned)p->input >= IMPULSE_INPUTS)
        return FAIL(err, ERR_INPUT, "the impulse's input is of no known sort");
    return 0;
}

static const struct impulse_dsp *find_dsp(const struct impulse *p, int64_t id)
{
    for (size_t i = 0; i < p->ndsp; i++)
        if (p->dsp[i].id == id)
            return &p->dsp[i];
    return NULL;
}

/* Its own place among all blocks is `at`: DSP blocks first. */
static int id_check(const struct impulse *p, int64_t id, size_t at, struct err *err)
{
    if (id < 1)
        return FAIL(err, ERR_INPUT, "the id of a block is a whole number above 0");
    for (size_t i = 0; i < at; i++)
        if ((i < p->ndsp ? p->dsp[i].id : p->learn[i - p->ndsp].id) == id)
            return FAIL(err, ERR_INPUT, "two blocks have the id %lld", (long long)id);
    return 0;
}

static int dsp_check(const struct impulse *p, size_t at, struct err *err)
{
    const struct impulse_dsp *d = &p->dsp[at];

    if (id_check(p, d->id, at, err) < 0)
        return -1;
    if (!is_name(d->type) || (d->name && strlen(d->name) >= SENSOR_NAME))
        return FAIL(err, ERR_INPUT, "the DSP block %lld has no type", (long long)d->id);
    if (d->version < 0 || d->version > 1000)
        return FAIL(err, ERR_INPUT, "the DSP block %lld has no version %d", (long long)d->id, d->version);
    if (d->nsettings > IMPULSE_SETTINGS)
        return FAIL(err, ERR_LIMIT, "the DSP block %lld has more than %d settings", (long long)d->id,
                    IMPULSE_SETTINGS);
    for (size_t i = 0; i < d->nsettings; i++)
        if (!is_name(d->settings[i].name) || !d->settings[i].value ||
            strlen(d->settings[i].value) >= SENSOR_NAME)
            return FAIL(err, ERR_INPUT, "a setting of the DSP block %lld has no name or is too long",
                        (long long)d->id);
    return names_check("axes of a DSP block", d->axes, d->naxes, SENSOR_AXES, err);
}

static int clusters_check(const struct impulse_learn *l, struct err *err)
{
    if (l->nclusters > IMPULSE_CLUSTERS || l->nchosen > IMPULSE_FEATURES)
        return FAIL(err, ERR_LIMIT, "the block %lld has more than %d clusters or %d features",
                    (long long)l->id, IMPULSE_CLUSTERS, IMPULSE_FEATURES);
    if (l->nclusters && !l->nchosen)
        return FAIL(err, ERR_INPUT, "the clusters of the block %lld are made of no feature",
                    (long long)l->id);
    for (size_t i = 0; i < l->nchosen; i++)
        if (l->chosen[i] < 0 || !isfinite(l->mean[i]) || !isfinite(l->dev[i]) || !(l->dev[i] > 0))
            return FAIL(err, ERR_INPUT,
                        "feature %zu of the clusters of the block %lld needs an index, a mean, and a scale "
                        "above 0",
                        i + 1, (long long)l->id);
    for (size_t i = 0; i < l->nclusters; i++)
        for (size_t k = 0; k < l->nchosen; k++)
            if (!isfinite(l->clusters[i].centroid[k]) || !isfinite(l->clusters[i].max_error))
                return FAIL(err, ERR_INPUT, "cluster %zu of the block %lld is not made of numbers", i + 1,
                            (long long)l->id);
    return 0;
}

static bool has_probabilities(enum learn_kind k)
{
    return k == LEARN_CLASSIFIER || k == LEARN_FOMO || k == LEARN_SSD;
}

static int learn_check(const struct impulse *p, size_t at, struct err *err)
{
    const struct impulse_learn *l = &p->learn[at];

    if (id_check(p, l->id, p->ndsp + at, err) < 0)
        return -1;
    if ((unsigned)l->kind >= LEARN_KINDS || (unsigned)l->scale >= PICTURE_SCALES)
        return FAIL(err, ERR_INPUT, "the learn block %lld is of no known sort", (long long)l->id);
    if (l->ndsp < 1 || l->ndsp > IMPULSE_BLOCKS)
        return FAIL(err, ERR_INPUT, "the learn block %lld takes the features of 1 to %d DSP blocks",
                    (long long)l->id, IMPULSE_BLOCKS);
    for (size_t i = 0; i < l->ndsp; i++)
        if (!find_dsp(p, l->dsp[i]))
            return FAIL(err, ERR_INPUT, "the learn block %lld names a DSP block %lld that there is not",
                        (long long)l->id, (long long)l->dsp[i]);
    if (!isfinite(l->min_score) || (has_probabilities(l->kind) && !(l->min_score >= 0 && l->min_score <= 1)))
        return FAIL(err, ERR_INPUT, "the lowest score of the learn block %lld is from 0 to 1",
                    (long long)l->id);
    if (l->model < -1 || l->model >= SENSOR_PARTS)
        return FAIL(err, ERR_INPUT, "the learn block %lld names a model that there is not", (long long)l->id);
    if (names_check("labels", l->labels, l->nlabels, IMPULSE_LABELS, err) < 0)
        return -1;
    return clusters_check(l, err);
}

int impulse_check(const struct impulse *p, struct err *err)
{
    if (input_check(p, err) < 0)
        return -1;
    if (p->name && strlen(p->name) >= SENSOR_NAME)
        return FAIL(err, ERR_LIMIT, "the impulse's name is longer than %d bytes", SENSOR_NAME - 1);
    if (p->ndsp < 1 || p->ndsp > IMPULSE_BLOCKS || p->nlearn > IMPULSE_BLOCKS)
        return FAIL(err, ERR_INPUT, "an impulse has 1 to %d DSP blocks and at most %d learn blocks",
                    IMPULSE_BLOCKS, IMPULSE_BLOCKS);
    for (size_t i = 0; i < p->ndsp; i++)
        if (dsp_check(p, i, err) < 0)
            return -1;
    for (size_t i = 0; i < p->nlearn; i++)
        if (learn_check(p, i, err) < 0)
            return -1;
    return 0;
}

static int labels_check(const struct sensor_part *part, size_t at, struct err *err)
{
    if (part->nstretches > SENSOR_STRETCHES || part->nboxes > SENSOR_BOXES)
        return FAIL(err, ERR_LIMIT, "part %zu has more than %d labels or %d boxes", at, SENSOR_STRETCHES,
                    SENSOR_BOXES);
    if (part->label && strlen(part->label) >= SENSOR_NAME)
        return FAIL(err, ERR_LIMIT, "the label of part %zu is longer than %d bytes", at, SENSOR_NAME - 1);
    for (size_t i = 0; i < part->nstretches; i++)
        if (part->stretches[i].first < 0 || part->stretches[i].last < part->stretches[i].first ||
            !is_name(part->stretches[i].label))
            return FAIL(err, ERR_INPUT, "label %zu of part %zu ends before it begins, or is empty", i + 1,
                        at);
    for (size_t i = 0; i < part->nboxes; i++) {
        const struct sensor_box *b = &part->boxes[i];
        if (!is_name(b->label) || !(fabs(b->x) <= 1e9 && fabs(b->y) <= 1e9 && b->width >= 0 &&
                                    b->width <= 1e9 && b->height >= 0 && b->height <= 1e9))
            return FAIL(err, ERR_INPUT, "box %zu of part %zu has no label or lies nowhere", i + 1, at);
    }
    return 0;
}

static int part_check(const struct sensor_part *part, size_t at, int64_t subject_size, struct err *err)
{
    int64_t reading = (int64_t)sizeof(float) * (int64_t)part->naxes;

    if (part->offset < 0 || part->size < 0 ||
        (subject_size >= 0 && (part->offset > subject_size || part->size > subject_size - part->offset)))
        return FAIL(err, ERR_INPUT, "part %zu does not lie in the subject", at);
    if (labels_check(part, at, err) < 0)
        return -1;
    if (part->kind != PART_SERIES)
        return (unsigned)part->kind < SENSOR_PART_KINDS
                   ? 0
                   : FAIL(err, ERR_INPUT, "part %zu is of no known sort", at);
    if (part->naxes < 1 || part->naxes > SENSOR_AXES)
        return FAIL(err, ERR_INPUT, "a recording has 1 to %d axes, not %zu", SENSOR_AXES, part->naxes);
    if (part->size % reading)
        return FAIL(err, ERR_INPUT, "recording %zu ends within a reading", at);
    /* 0: one reading without time. */
    if (!(part->frequency >= 0 && part->frequency <= frequency_max))
        return FAIL(err, ERR_INPUT, "the frequency of recording %zu is a number of Hz up to %g", at,
                    frequency_max);
    return names_check("axes of a recording", part->axes, part->naxes, SENSOR_AXES, err);
}

static int parts_check(const struct sensor_params *p, int64_t subject_size, size_t *ret_recordings,
                       struct err *err)
{
    size_t models = 0;

    if (p->nparts > SENSOR_PARTS)
        return FAIL(err, ERR_LIMIT, "there are more than %d recordings and models in one job", SENSOR_PARTS);
    for (size_t i = 0; i < p->nparts; i++)
        if (part_check(&p->parts[i], i + 1, subject_size, err) < 0)
            return -1;
    while (models < p->nparts && p->parts[models].kind == PART_MODEL)
        models++;
    for (size_t i = models; i < p->nparts; i++)
        if (p->parts[i].kind == PART_MODEL)
            return FAIL(err, ERR_INPUT, "models come before recordings");
    for (size_t i = 0; i < p->impulse.nlearn; i++)
        if (p->impulse.learn[i].model >= (int)models)
            return FAIL(err, ERR_INPUT, "the learn block %lld names a model that there is not",
                        (long long)p->impulse.learn[i].id);
    *ret_recordings = p->nparts - models;
    return 0;
}

static int train_check(const struct sensor_params *p, struct err *err)
{
    const struct train_params *t = &p->train;
    const struct impulse_learn *block = NULL;

    for (size_t i = 0; i < p->impulse.nlearn; i++)
        if (p->impulse.learn[i].id == t->learn)
            block = &p->impulse.learn[i];
    if (!block)
        return FAIL(err, ERR_INPUT, "there is no learn block %lld to be trained", (long long)t->learn);
    if (block->kind != LEARN_CLASSIFIER && block->kind != LEARN_CLUSTERS)
        return FAIL(err, ERR_UNSUPPORTED,
                    "only classifiers and anomaly clusters are trained here; upload a model for the block "
                    "%lld",
                    (long long)t->learn);
    if (t->epochs < 1 || t->epochs > EPOCHS_MAX)
        return FAIL(err, ERR_INPUT, "the number of epochs is from 1 to %d", EPOCHS_MAX);
    if (!(t->rate > 0 && t->rate <= 1))
        return FAIL(err, ERR_INPUT, "the learning rate is above 0 and at most 1");
    if (t->hidden[0] < 0 || t->hidden[0] > HIDDEN_MAX || t->hidden[1] < 0 || t->hidden[1] > HIDDEN_MAX)
        return FAIL(err, ERR_INPUT, "a layer has 0 to %d neurons", HIDDEN_MAX);
    if (!(t->held >= 0 && t->held <= 0.9))
        return FAIL(err, ERR_INPUT, "the share of windows held out of training is from 0 to 0.9");
    if (t->clusters < 1 || t->clusters > IMPULSE_CLUSTERS)
        return FAIL(err, ERR_INPUT, "the number of clusters is from 1 to %d", IMPULSE_CLUSTERS);
    return 0;
}

static int features_check(const struct sensor_params *p, size_t recordings, struct err *err)
{
    if (recordings != 1)
        return FAIL(err, ERR_INPUT, "features are made of one recording, not of %zu", recordings);
    if (p->first < 0)
        return FAIL(err, ERR_INPUT, "a window begins at reading 0 or later");
    if (p->only && !find_dsp(&p->impulse, p->only))
        return FAIL(err, ERR_INPUT, "there is no DSP block %lld", (long long)p->only);
    return 0;
}

int sensor_params_check(const struct sensor_params *p, const char *pipeline, int64_t subject_size,
                        struct err *err)
{
    size_t recordings;

    if (text_is(pipeline, "sensor-read") || text_is(pipeline, "sensor-import"))
        return 0;
    if (impulse_check(&p->impulse, err) < 0 || parts_check(p, subject_size, &recordings, err) < 0)
        return -1;
    if (text_is(pipeline, "sensor-features"))
        return features_check(p, recordings, err);
    if (recordings < 1)
        return FAIL(err, ERR_INPUT, "there is no recording to work with");
    return text_is(pipeline, "sensor-train") ? train_check(p, err) : 0;
}
