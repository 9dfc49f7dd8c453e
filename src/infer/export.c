#include "infer/export.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "infer/cdecl_int.h"
#include "infer/convert.h"
#include "infer/notes_int.h"

struct export
{
    struct arena *arena;
    struct cfile file;
    const struct cvalue *impulse; /* of the ei_impulse_t; NULL: there is none */
    size_t nlabels, naxes;
    const char **labels, **axes;
    struct notes notes;
    struct impulse *to;
    struct err *err;
};

/* ---- what it is ---- */

static bool contains(struct bytes text, const char *word)
{
    return memmem(text.data, text.len, word, strlen(word)) != NULL;
}

bool export_is(struct bytes text)
{
    return contains(text, "ei_impulse_t") || contains(text, "ei_dsp_config_") ||
           contains(text, "EI_CLASSIFIER_");
}

bool export_is_compiled(struct bytes text)
{
    return !contains(text, "ei_impulse_t") &&
           (contains(text, "TfLiteEvalTensor") || contains(text, "TfLiteRegistration") ||
            contains(text, "_learn_") || contains(text, "trained_model_")) &&
           contains(text, "TfLiteStatus");
}

/* ---- a model as an array ---- */

/* One byte as C writes it, and past the comma. */
static bool next_byte(const char **at, const char *end, uint8_t *ret)
{
    const char *s = *at;
    unsigned v = 0, base = 10, digits = 0;

    while (s < end && (isspace((unsigned char)*s) || *s == ','))
        s++;
    if (end - s > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        base = 16;
        s += 2;
    }
    for (; s < end && isxdigit((unsigned char)*s) && digits < 4; s++, digits++) {
        unsigned d = (unsigned)text_hex_digit(*s);
        if (d >= base)
            return false;
        v = v * base + d;
    }
    *at = s;
    *ret = (uint8_t)v;
    return digits && v < 256;
}

static size_t array_at(const char *s, const char *end, uint8_t *to)
{
    size_t n = 0;
    uint8_t byte;

    for (; next_byte(&s, end, &byte); n++)
        if (to)
            to[n] = byte;
    return n;
}

bool export_tflite(struct arena *a, struct bytes text, struct bytes *ret)
{
    const char *begin = (const char *)text.data, *end = begin + text.len;

    for (const char *s = begin; s < end && (s = memchr(s, '{', (size_t)(end - s)));) {
        uint8_t head[8] = {0};
        const char *at = ++s;
        size_t n = 0;
        uint8_t *all;
        while (n < sizeof head && next_byte(&at, end, &head[n]))
            n++;
        if (n < sizeof head || !convert_is_tflite(bytes_of(head, sizeof head)))
            continue;
        n = array_at(s, end, NULL);
        if (!(all = arena_try(a, n)))
            return false;
        array_at(s, end, all);
        *ret = bytes_of(all, n);
        return true;
    }
    return false;
}

/* ---- values ---- */

static const struct cvalue *value_named(const struct export *x, const struct cvalue *name)
{
    const struct cdecl *d = name && name->kind == CVALUE_WORD ? cfile_named(&x->file, name->text) : NULL;

    return d ? &d->value : NULL;
}

/* A member of the impulse, else a #define of the metadata. */
static bool setting(const struct export *x, const char *member, const char *define, double *ret)
{
    const struct cvalue *v = cvalue_member(x->impulse, member);
    struct cvalue word = {.kind = CVALUE_WORD, .text = define};

    return (v && cvalue_number(&x->file, v, ret)) || cvalue_number(&x->file, &word, ret);
}

/* A list that stands there itself or by its name. */
static const struct cvalue *list_of(const struct export *x, const struct cvalue *v)
{
    const struct cvalue *named = value_named(x, v);

    if (v && v->kind == CVALUE_LIST)
        return v;
    return named && named->kind == CVALUE_LIST ? named : NULL;
}

static int numbers(struct export *x, const struct cvalue *list, size_t max, const char *what, float **ret,
                   size_t *ret_n)
{
    size_t n = cvalue_count(list), i = 0;
    float *all = arena_array(x->arena, n + 1, sizeof *all);

    if (!n || n > max)
        return FAIL(x->err, ERR_INPUT, "%s of the export holds %zu numbers; 1 to %zu are possible", what, n,
                    max);
    for (const struct cvalue *v = list->first; v; v = v->next) {
        double d;
        if (!cvalue_number(&x->file, v, &d) || d > 1e30 || d < -1e30)
            return FAIL(x->err, ERR_INPUT, "%s of the export holds something that is no number", what);
        all[i++] = (float)d;
    }
    *ret = all;
    *ret_n = n;
    return 0;
}

static int whole(struct export *x, const struct cvalue *v, int64_t low, int64_t high, const char *what,
                 int64_t *ret)
{
    double d;

    if (!cvalue_number(&x->file, v, &d) || !(d >= (double)low && d <= (double)high))
        return FAIL(x->err, ERR_INPUT, "%s of the export is no whole number of %lld to %lld", what,
                    (long long)low, (long long)high);
    *ret = (int64_t)d;
    return 0;
}

static const char *short_text(struct export *x, const char *s)
{
    return strlen(s) < SENSOR_NAME ? s : arena_strndup(x->arena, s, 0);
}

/* ---- labels and axes ---- */

static void read_labels(struct export *x)
{
    const struct cvalue *list = list_of(x, cvalue_member(x->impulse, "categories"));
    size_t n;

    for (const struct cdecl *d = x->file.decls; !list && d; d = d->next)
        if (text_starts(d->name, "ei_classifier_inferencing_categories") && d->value.kind == CVALUE_LIST)
            list = &d->value;
    n = cvalue_count(list);
    x->labels = arena_array(x->arena, n < IMPULSE_LABELS ? n : IMPULSE_LABELS, sizeof *x->labels);
    for (const struct cvalue *v = list ? list->first : NULL; v && x->nlabels < IMPULSE_LABELS; v = v->next)
        if (v->kind == CVALUE_TEXT)
            x->labels[x->nlabels++] = short_text(x, v->text);
}

/* "accX + accY + accZ" */
static void read_axes(struct export *x)
{
    const struct cvalue *v = cvalue_member(x->impulse, "fusion_string");
    const char *s =
        v && v->kind == CVALUE_TEXT ? v->text : cfile_define(&x->file, "EI_CLASSIFIER_FUSION_AXES_STRING");

    x->axes = arena_array(x->arena, SENSOR_AXES, sizeof *x->axes);
    while (s && *s && x->naxes < SENSOR_AXES) {
        const char *end = strstr(s, " + ");
        size_t n = end ? (size_t)(end - s) : strlen(s);
        x->axes[x->naxes++] = n < SENSOR_NAME ? arena_strndup(x->arena, s, n) : "";
        s = end ? end + 3 : NULL;
    }
}

/* ---- the input ---- */

static void read_fit(struct export *x)
{
    static const struct {
        const char *word;
        enum picture_fit fit;
    } fits[] = {{"EI_CLASSIFIER_RESIZE_SQUASH", FIT_SQUASH},
                {"EI_CLASSIFIER_RESIZE_FIT_SHORTEST", FIT_SHORT},
                {"EI_CLASSIFIER_RESIZE_FIT_LONGEST", FIT_LONG},
                {"EI_CLASSIFIER_RESIZE_CROP", FIT_CROP}};
    const struct cvalue *v = cvalue_member(x->impulse, "resize_mode");
    const char *word = v ? v->text : cfile_define(&x->file, "EI_CLASSIFIER_RESIZE_MODE");

    for (size_t i = 0; i < COUNT_OF(fits); i++)
        if (text_is(fits[i].word, word)) {
            x->to->fit = fits[i].fit;
            return;
        }
    notes_add(&x->notes, "The export does not say how pictures are fitted; they are squashed.");
}

static int read_picture(struct export *x, double width, double height)
{
    enum { MAX_SIDE = 4096 };

    if (!(width >= 1 && width <= MAX_SIDE && height >= 1 && height <= MAX_SIDE))
        return FAIL(x->err, ERR_INPUT, "the export's pictures are of %g x %g; 1 to %d are possible", width,
                    height, MAX_SIDE);
    x->to->input = INPUT_PICTURE;
    x->to->width = (int)width;
    x->to->height = (int)height;
    read_fit(x);
    return 0;
}

static int read_series(struct export *x)
{
    double samples = 0, interval = 0, frequency = 0, slices = 4;

    if (!setting(x, "raw_sample_count", "EI_CLASSIFIER_RAW_SAMPLE_COUNT", &samples) || samples < 1)
        return FAIL(x->err, ERR_INPUT,
                    "the export does not say how many readings a window has; upload model_metadata.h and "
                    "model_variables.h as one file");
    setting(x, "interval_ms", "EI_CLASSIFIER_INTERVAL_MS", &interval);
    setting(x, "frequency", "EI_CLASSIFIER_FREQUENCY", &frequency);
    setting(x, "slices_per_model_window", "EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW", &slices);
    if (frequency <= 0 && interval > 0)
        frequency = 1000 / interval;
    if (!(frequency > 1e-6 && frequency < 1e9 && samples < 1e9)) {
        x->to->input = INPUT_FEATURES;
        return 0;
    }
    x->to->input = INPUT_SERIES;
    x->to->frequency = frequency;
    x->to->window_ms = samples * 1000 / frequency;
    x->to->step_ms = slices >= 1 && slices <= 100 ? x->to->window_ms / slices : x->to->window_ms;
    notes_add(&x->notes, "The export does not say how far windows move; %g ms is taken.", x->to->step_ms);
    return 0;
}

static int read_input(struct export *x)
{
    double width = 0, height = 0;

    setting(x, "input_width", "EI_CLASSIFIER_INPUT_WIDTH", &width);
    setting(x, "input_height", "EI_CLASSIFIER_INPUT_HEIGHT", &height);
    return width > 0 && height > 0 ? read_picture(x, width, height) : read_series(x);
}

/* ---- DSP blocks ---- */

/* "ei_dsp_config_spectral_analysis_t " -> "spectral-analysis" */
static const char *dsp_type(struct export *x, const struct cdecl *d)
{
    static const char prefix[] = "ei_dsp_config_";
    const char *at = strstr(d->type, prefix);
    char *s;
    size_t n;

    if (!at)
        return NULL;
    at += strlen(prefix);
    n = strcspn(at, " ");
    if (n < 3 || n > 60 || memcmp(at + n - 2, "_t", 2) != 0)
        return NULL;
    s = arena_strndup(x->arena, at, n - 2);
    for (char *c = s; *c; c++)
        if (*c == '_')
            *c = '-';
    return s;
}

/* "1.0f" -> "1.0"; others as they are. */
static const char *plain(struct export *x, const struct cvalue *v)
{
    size_t n = strlen(v->text);
    double d;

    if (v->kind == CVALUE_WORD && n > 1 && (v->text[n - 1] == 'f' || v->text[n - 1] == 'F') &&
        cvalue_number(&(struct cfile){0}, v, &d))
        return arena_strndup(x->arena, v->text, n - 1 - (v->text[n - 2] == '.'));
    return v->text;
}

/* Where a value's name stands: "// float filter-cutoff" behind it, two words; or in the type of the block, if
 * that is in the file, as older exports have it. */
static const char *setting_name(struct export *x, const char *type, const struct cvalue *v, size_t at)
{
    const char *blank = strchr(v->comment, ' ');
    const char *member = *v->comment ? NULL : cfile_member(x->arena, &x->file, type, at);

    if (*v->designator)
        return v->designator;
    if (blank && !strchr(blank + 1, ' '))
        return blank + 1;
    return member ? member : "";
}

static bool is_version(const char *name)
{
    return text_is(name, "implementationVersion") || text_is(name, "implementation_version");
}

static int read_setting(struct export *x, struct impulse_dsp *dsp, struct impulse_setting *settings,
                        const char *name, const struct cvalue *v)
{
    int64_t n;

    if (v->kind == CVALUE_LIST || !*name || text_is(name, "axes") || strlen(name) >= SENSOR_NAME ||
        strlen(v->text) >= SENSOR_NAME)
        return 0;
    if (text_is(name, "blockId") || text_is(name, "block_id"))
        return whole(x, v, 1, INT32_MAX, "the id of a DSP block", &dsp->id);
    if (is_version(name)) {
        if (whole(x, v, 0, 1000, "the version of a DSP block", &n) < 0)
            return -1;
        dsp->version = (int)n;
        return 0;
    }
    if (dsp->nsettings == IMPULSE_SETTINGS)
        return FAIL(x->err, ERR_LIMIT, "a DSP block of the export has over %d settings", IMPULSE_SETTINGS);
    settings[dsp->nsettings++] = (struct impulse_setting){name, plain(x, v)};
    return 0;
}

/* Indices into the axes of the recording. Those that have no name are left to the order of the recording. */
static int read_dsp_axes(struct export *x, const struct cdecl *config, struct impulse_dsp *dsp)
{
    const struct cdecl *d = cfile_named(&x->file, arena_printf(x->arena, "%s_axes", config->name));
    const char **axes;
    float *at;
    size_t n;

    if (!d || d->value.kind != CVALUE_LIST || !x->naxes || x->to->input != INPUT_SERIES)
        return 0;
    if (numbers(x, &d->value, SENSOR_AXES, "the list of axes", &at, &n) < 0)
        return -1;
    axes = arena_array(x->arena, n, sizeof *axes);
    for (size_t i = 0; i < n; i++) {
        if (at[i] < 0 || at[i] >= (float)x->naxes)
            return 0;
        axes[i] = x->axes[(size_t)at[i]];
        if (!*axes[i])
            return 0;
    }
    dsp->naxes = n;
    dsp->axes = axes;
    return 0;
}

/* Above all ids so far; Studio begins with 2, too. */
static int64_t free_id(const struct export *x)
{
    int64_t id = 2;

    for (size_t i = 0; i < x->to->ndsp; i++)
        id = x->to->dsp[i].id >= id ? x->to->dsp[i].id + 1 : id;
    for (size_t i = 0; i < x->to->nlearn; i++)
        id = x->to->learn[i].id >= id ? x->to->learn[i].id + 1 : id;
    return id;
}

/* "ei_dsp_config_3": 3 */
static int64_t id_of_name(const struct export *x, const char *name)
{
    const char *last = strrchr(name, '_');
    int64_t id;

    return last && text_to_i64(last + 1, &id) && id >= 1 && id <= INT32_MAX ? id : free_id(x);
}

static int read_dsp(struct export *x, const struct cdecl *d, const char *type, struct impulse_dsp *dsp)
{
    struct impulse_setting *settings = arena_array(x->arena, IMPULSE_SETTINGS, sizeof *settings);
    const char *words = strstr(d->type, "ei_dsp_config_");
    size_t at = 0;

    words = arena_strndup(x->arena, words, strcspn(words, " "));
    dsp->id = id_of_name(x, d->name);
    dsp->type = dsp->name = type;
    dsp->settings = settings;
    for (const struct cvalue *v = d->value.first; v; v = v->next, at++)
        if (read_setting(x, dsp, settings, setting_name(x, words, v, at), v) < 0)
            return -1;
    if (at > 1 && !dsp->nsettings)
        notes_add(
            &x->notes,
            "The settings of the DSP block %lld have no names; put model_metadata.h in front of the file.",
            (long long)dsp->id);
    return read_dsp_axes(x, d, dsp);
}

static int read_dsps(struct export *x)
{
    struct impulse_dsp *all = arena_array(x->arena, IMPULSE_BLOCKS, sizeof *all);

    x->to->dsp = all;
    for (const struct cdecl *d = x->file.decls; d; d = d->next) {
        const char *type = dsp_type(x, d);
        if (!type || d->value.kind != CVALUE_LIST)
            continue;
        if (x->to->ndsp == IMPULSE_BLOCKS)
            return FAIL(x->err, ERR_LIMIT, "the export has more than %d DSP blocks", IMPULSE_BLOCKS);
        if (read_dsp(x, d, type, &all[x->to->ndsp]) < 0)
            return -1;
        x->to->ndsp++;
    }
    return x->to->ndsp
               ? 0
               : FAIL(x->err, ERR_INPUT, "the export has no DSP blocks in it; upload its model_variables.h");
}

/* ---- learn blocks ---- */

/* Clusters stand in the block's configuration, or, in older exports, under names of their own. */
static const struct cvalue *cluster_list(const struct export *x, const struct cvalue *config,
                                         const char *member, const char *name)
{
    const struct cvalue *list = list_of(x, cvalue_member(config, member));

    for (const struct cdecl *d = x->file.decls; !list && d; d = d->next)
        if (strcasestr(d->name, name) && d->value.kind == CVALUE_LIST)
            list = &d->value;
    return list;
}

static const struct cvalue *axis_list(const struct export *x, const struct cvalue *config)
{
    const struct cvalue *list = cluster_list(x, config, "anom_axis", "anom_axis");

    return list ? list : cluster_list(x, config, "anom_axes", "anom_axes");
}

static int read_chosen(struct export *x, const struct cvalue *config, struct impulse_learn *l)
{
    const struct cvalue *list = axis_list(x, config);
    float *at;
    int *chosen;

    if (numbers(x, list, IMPULSE_FEATURES, "the list of an anomaly block's axes", &at, &l->nchosen) < 0)
        return -1;
    chosen = arena_array(x->arena, l->nchosen, sizeof *chosen);
    for (size_t i = 0; i < l->nchosen; i++) {
        if (!(at[i] >= 0 && at[i] < 1 << 22))
            return FAIL(x->err, ERR_INPUT, "an axis of an anomaly block of the export is out of range");
        chosen[i] = (int)at[i];
    }
    l->chosen = chosen;
    return 0;
}

/* { { 1.1, -0.1, 0.3 }, 0.45 }: the centre, itself or by its name, and the largest distance. */
static int read_cluster(struct export *x, const struct cvalue *v, const struct impulse_learn *l,
                        struct impulse_cluster *ret)
{
    const struct cvalue *centre = cvalue_at(v, 0), *error = cvalue_at(v, 1);
    float *numbers_of;
    double max = 0;
    size_t n;

    if (cvalue_member(v, "centroid"))
        centre = cvalue_member(v, "centroid");
    if (cvalue_member(v, "max_error"))
        error = cvalue_member(v, "max_error");
    if (numbers(x, list_of(x, centre), IMPULSE_FEATURES, "a cluster", &numbers_of, &n) < 0)
        return -1;
    if (n != l->nchosen || !cvalue_number(&x->file, error, &max) || !(max > -1e30 && max < 1e30))
        return FAIL(x->err, ERR_INPUT, "a cluster of the export has another count of numbers than axes");
    *ret = (struct impulse_cluster){numbers_of, (float)max};
    return 0;
}

static int read_clusters(struct export *x, const struct cvalue *config, struct impulse_learn *l)
{
    const struct cvalue *list = cluster_list(x, config, "anom_clusters", "anom_clusters");
    const struct cvalue *mean = cluster_list(x, config, "anom_mean", "anom_mean");
    const struct cvalue *dev = cluster_list(x, config, "anom_scale", "anom_scale");
    size_t nmean, ndev, n = cvalue_count(list);
    struct impulse_cluster *all;
    float *means, *devs;

    if (!list || !mean || !dev || !axis_list(x, config)) {
        notes_add(
            &x->notes,
            "The clusters of block %lld are not in the file; put anomaly_metadata.h (anomaly_clusters.h) in "
            "front of it, or train the block.",
            (long long)l->id);
        return 0;
    }
    if (read_chosen(x, config, l) < 0 ||
        numbers(x, mean, IMPULSE_FEATURES, "the mean of the clusters", &means, &nmean) < 0 ||
        numbers(x, dev, IMPULSE_FEATURES, "the scale of the clusters", &devs, &ndev) < 0)
        return -1;
    if (nmean != l->nchosen || ndev != l->nchosen || !n || n > IMPULSE_CLUSTERS)
        return FAIL(x->err, ERR_INPUT,
                    "the export's clusters, their mean and their scale do not fit together");
    all = arena_array(x->arena, n, sizeof *all);
    for (const struct cvalue *v = list->first; v; v = v->next)
        if (read_cluster(x, v, l, &all[l->nclusters]) < 0)
            return -1;
        else
            l->nclusters++;
    l->mean = means;
    l->dev = devs;
    l->clusters = all;
    return 0;
}

/* A mixture's graph takes the chosen features as they are. */
static int read_mixture(struct export *x, const struct cvalue *config, struct impulse_learn *l)
{
    float *mean, *dev;

    if (read_chosen(x, config, l) < 0)
        return -1;
    mean = arena_array(x->arena, l->nchosen, sizeof *mean);
    dev = arena_array(x->arena, l->nchosen, sizeof *dev);
    for (size_t i = 0; i < l->nchosen; i++)
        dev[i] = 1;
    l->mean = mean;
    l->dev = dev;
    return 0;
}

/* All words and texts of a block, to be searched. */
static void words_of(const struct cvalue *v, struct buf *to)
{
    for (const struct cvalue *i = v ? v->first : NULL; i; i = i->next) {
        buf_printf(to, "%s ", i->text);
        words_of(i, to);
    }
}

static enum learn_kind kind_of(const struct export *x, const char *words)
{
    static const struct {
        const char *word;
        enum learn_kind kind;
    } signs[] = {
        {"run_kmeans_anomaly", LEARN_CLUSTERS},
        {"visual_anomaly", LEARN_GRID},
        {"VISUAL_ANOMALY", LEARN_GRID},
        {"run_gmm_anomaly", LEARN_MIXTURE},
        {"LAST_LAYER_FOMO", LEARN_FOMO},
        {"process_fomo", LEARN_FOMO},
        {"LAST_LAYER_SSD", LEARN_SSD},
        {"process_ssd", LEARN_SSD},
        {"process_object_detection", LEARN_SSD},
        {"REGRESSION", LEARN_REGRESSION},
        {"process_regression", LEARN_REGRESSION},
        {"FREEFORM", LEARN_FREEFORM},
        {"process_freeform", LEARN_FREEFORM},
        {"LAST_LAYER_YOL", LEARN_KINDS},
        {"process_yol", LEARN_KINDS},
    };

    (void)x;
    for (size_t i = 0; i < COUNT_OF(signs); i++)
        if (strstr(words, signs[i].word))
            return signs[i].kind;
    return LEARN_CLASSIFIER;
}

static enum picture_scale scale_of(const char *words)
{
    static const struct {
        const char *word;
        enum picture_scale scale;
    } signs[] = {{"IMAGE_SCALING_0_255", SCALE_BYTE},
                 {"IMAGE_SCALING_TORCH", SCALE_TORCH},
                 {"IMAGE_SCALING_MIN1_1", SCALE_SIGNED},
                 {"IMAGE_SCALING_MIN128_127", SCALE_INT8},
                 {"IMAGE_SCALING_BGR_SUBTRACT", SCALE_BGR_MEAN}};

    for (size_t i = 0; i < COUNT_OF(signs); i++)
        if (strstr(words, signs[i].word))
            return signs[i].scale;
    return SCALE_UNIT;
}

/* What the post-processing says of the block with that id; its words are joined to the block's. */
static const struct cvalue *postprocessing(const struct export *x, int64_t id, struct buf *words)
{
    const struct cvalue *config = NULL;
    double block;

    for (const struct cdecl *d = NULL; (d = cfile_typed(&x->file, d, "ei_postprocessing_block_t"));)
        for (const struct cvalue *v = d->value.first; v; v = v->next)
            if (cvalue_number(&x->file, cvalue_member(v, "input_block_id"), &block) && (int64_t)block == id) {
                words_of(v, words);
                config = value_named(x, cvalue_member(v, "config"));
                words_of(config, words);
            }
    return config;
}

static void read_threshold(const struct export *x, const struct cvalue *config, const struct cvalue *post,
                           struct impulse_learn *l)
{
    static const char *const members[] = {"min_score", "threshold", "anomaly_threshold", "min_anomaly_score"};
    bool boxes = l->kind == LEARN_FOMO || l->kind == LEARN_SSD;
    double v;

    l->min_score = learn_min_score(l->kind);
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (cvalue_number(&x->file, cvalue_member(post, members[i]), &v) ||
            cvalue_number(&x->file, cvalue_member(config, members[i]), &v)) {
            l->min_score = v;
            return;
        }
    if (boxes ? setting(x, "object_detection_threshold", "EI_CLASSIFIER_OBJECT_DETECTION_THRESHOLD", &v)
              : (l->kind == LEARN_CLASSIFIER && setting(x, "threshold", "EI_CLASSIFIER_THRESHOLD", &v)))
        l->min_score = v;
}

/* Ids of the DSP blocks: a list by its name, else all. */
static int read_inputs(struct export *x, const struct cvalue *block, struct impulse_learn *l)
{
    const struct cdecl *d =
        cfile_named(&x->file, arena_printf(x->arena, "ei_learning_block_%lld_inputs", (long long)l->id));
    const struct cvalue *list = d ? &d->value : NULL;
    int64_t *ids = arena_array(x->arena, IMPULSE_BLOCKS, sizeof *ids);

    for (const struct cvalue *v = block->first; !list && v; v = v->next)
        if (strstr(v->text, "_inputs") && !strstr(v->text, "_size"))
            list = list_of(x, v);
    l->dsp = ids;
    for (const struct cvalue *v = list ? list->first : NULL; v; v = v->next)
        if (l->ndsp == IMPULSE_BLOCKS ||
            whole(x, v, 1, INT32_MAX, "the input of a learn block", &ids[l->ndsp++]) < 0)
            return FAIL(x->err, ERR_INPUT, "the inputs of a learn block of the export cannot be read");
    for (size_t i = 0; !list && i < x->to->ndsp; i++)
        ids[l->ndsp++] = x->to->dsp[i].id;
    return 0;
}

static const struct cvalue *block_config(const struct export *x, const struct cvalue *block)
{
    for (const struct cvalue *v = block->first; v; v = v->next)
        if (strstr(v->text, "learning_block_config") && value_named(x, v))
            return value_named(x, v);
    return NULL;
}

static void note_compiled(struct export *x, const struct cvalue *config, const struct impulse_learn *l)
{
    double compiled;

    if (cvalue_number(&x->file, cvalue_member(config, "compiled"), &compiled) && compiled != 0)
        notes_add(
            &x->notes,
            "The model of block %lld was compiled to C++ (EON) and cannot be read; download it in Studio's "
            "Dashboard as \"TensorFlow Lite (float32)\" or \"(int8)\", or export with the \"TensorFlow "
            "Lite\" "
            "engine.",
            (long long)l->id);
}

static int read_learn(struct export *x, const struct cvalue *block, struct impulse_learn *l)
{
    CLEANUP(buf_clear) struct buf words = BUF(1 << 16);
    const struct cvalue *config = block_config(x, block), *post;
    double id;

    l->id =
        cvalue_number(&x->file, block->first, &id) && id >= 1 && id <= INT32_MAX ? (int64_t)id : free_id(x);
    words_of(block, &words);
    words_of(config, &words);
    post = postprocessing(x, l->id, &words);
    buf_str(&words, "");
    l->kind = kind_of(x, words.data ? words.data : "");
    if (l->kind == LEARN_KINDS)
        return FAIL(x->err, ERR_UNSUPPORTED,
                    "the export's detector is of a kind that is not supported; FOMO and SSD are");
    l->type = learn_type_of_kind(l->kind);
    l->name = l->title = arena_printf(x->arena, "%s %lld", l->type, (long long)l->id);
    l->scale = scale_of(words.data ? words.data : "");
    l->model = -1;
    learn_label(x->arena, l, x->nlabels, x->labels);
    read_threshold(x, config, post, l);
    note_compiled(x, config, l);
    if (l->kind == LEARN_CLUSTERS && read_clusters(x, config, l) < 0)
        return -1;
    if (l->kind == LEARN_MIXTURE && cvalue_member(config, "anom_axis") && read_mixture(x, config, l) < 0)
        return -1;
    return read_inputs(x, block, l);
}

/* Exports of before there were lists of learn blocks: one network, and perhaps clusters. */
static int read_old_learns(struct export *x, struct impulse_learn *all)
{
    static const struct cvalue network = {.kind = CVALUE_LIST}, word = {.text = "run_kmeans_anomaly"};
    static const struct cvalue clusters = {.kind = CVALUE_LIST, .first = (struct cvalue *)(uintptr_t)&word};

    if (x->nlabels && read_learn(x, &network, &all[x->to->nlearn]) < 0)
        return -1;
    x->to->nlearn += x->nlabels > 0;
    if (!cluster_list(x, NULL, "", "anom_clusters"))
        return 0;
    if (read_learn(x, &clusters, &all[x->to->nlearn]) < 0)
        return -1;
    x->to->nlearn++;
    return 0;
}

static int read_learns(struct export *x)
{
    struct impulse_learn *all = arena_array(x->arena, IMPULSE_BLOCKS, sizeof *all);

    x->to->learn = all;
    for (const struct cdecl *d = NULL; (d = cfile_typed(&x->file, d, "ei_learning_block_t"));)
        for (const struct cvalue *v = d->value.first; v; v = v->next) {
            if (v->kind != CVALUE_LIST)
                continue;
            if (x->to->nlearn == IMPULSE_BLOCKS)
                return FAIL(x->err, ERR_LIMIT, "the export has more than %d learn blocks", IMPULSE_BLOCKS);
            if (read_learn(x, v, &all[x->to->nlearn]) < 0)
                return -1;
            x->to->nlearn++;
        }
    return x->to->nlearn ? 0 : read_old_learns(x, all);
}

/* ---- the whole ---- */

static void read_names(struct export *x)
{
    const struct cvalue *impulse = cvalue_member(x->impulse, "impulse_name");
    const struct cvalue *project = cvalue_member(x->impulse, "project_name");
    const char *name = impulse && *impulse->text   ? impulse->text
                       : project && *project->text ? project->text
                                                   : cfile_define(&x->file, "EI_CLASSIFIER_PROJECT_NAME");
    double id;

    x->to->name = name ? short_text(x, name) : "";
    x->to->id = cvalue_number(&x->file, cvalue_member(x->impulse, "impulse_id"), &id) && id >= 1 && id < 1e15
                    ? (int64_t)id
                    : 1;
}

int export_read(struct arena *a, struct bytes text, struct imported *ret, struct err *err)
{
    struct imported found = {.format = "model-variables", .has_impulse = true};
    struct export x = {.arena = a, .notes = {.arena = a}, .to = &found.impulse, .err = err};
    const struct cdecl *impulse;

    if (cfile_read(a, text, &x.file, err) < 0)
        return -1;
    impulse = cfile_typed(&x.file, NULL, "ei_impulse_t");
    x.impulse = impulse ? &impulse->value : NULL;
    if (impulse && cfile_typed(&x.file, impulse, "ei_impulse_t"))
        return FAIL(err, ERR_UNSUPPORTED, "the export holds several impulses; export them one by one");
    read_names(&x);
    read_labels(&x);
    read_axes(&x);
    if (read_input(&x) < 0 || read_dsps(&x) < 0 || read_learns(&x) < 0)
        return -1;
    notes_give(&x.notes, &found);
    *ret = found;
    return 0;
}
