/* Pipeline "sensor-features": an impulse and one recording -> what goes into one window and the features that
 * come out, of one DSP block or of all, for people who want to see why. The window may begin at any reading;
 * the numbers shown as `raw` are those of the block's axes at the impulse's frequency, all axes for all
 * blocks. */
#include "analysis/analysis.h"
#include "analysis/pipelines_int.h"
#include "analysis/window_features.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum { NUMBER_BYTES = 14 };

struct view {
    const struct sensor_params *params;
    struct features *features;
    struct taken taken;
    size_t first;        /* reading at the impulse's frequency */
    struct arena *arena; /* of the report */
};

/* `first` is a reading of the recording as it was. */
static int place_window(struct view *v, struct err *err)
{
    const struct windows *w = &v->taken.windows;
    int64_t first = v->params->first;

    if (v->taken.part->kind == PART_PICTURE)
        return 0;
    if (first > INT32_MAX)
        first = INT32_MAX;
    if (w->resampled)
        first = first * w->ratio.up / w->ratio.down;
    v->first = (size_t)first;
    if (!w->count || v->first > (w->padded ? 0 : w->readings - w->window))
        return FAIL(err, ERR_INPUT,
                    "no whole window of %zu readings begins at reading %lld; the recording has %zu%s",
                    w->window, (long long)v->params->first, w->readings,
                    w->resampled ? " at the impulse's frequency" : "");
    return 0;
}

static void take_labels(struct view *v, size_t block, struct feature_result *to)
{
    const char **labels;

    if (dsp_labels(v->arena, features_settings(v->features, block), v->params->impulse.frequency, &labels,
                   &to->nlabels, NULL) < 0)
        to->nlabels = 0;
    else
        to->labels = labels;
}

static int of_block(struct view *v, size_t block, struct feature_result *to, struct err *err)
{
    struct dsp_input in = features_input(v->features, v->arena, &v->taken, v->first, block);
    struct dsp_features f;

    if (features_make_one(v->features, v->arena, &v->taken, v->first, block, &f, err) < 0)
        return -1;
    take_labels(v, block, to);
    to->n = f.n;
    to->values = f.values;
    to->width = f.width;
    to->height = f.height;
    to->channels = f.channels;
    to->raw = in.values;
    to->nraw = in.n;
    return 0;
}

static bool too_many(const struct feature_result *f, struct err *err)
{
    if (f->n + f->nraw <= SENSOR_ANSWER_BYTES / NUMBER_BYTES)
        return false;
    err_set(err, ERR_LIMIT, "%zu features of %zu numbers are too many to be shown", f->n, f->nraw);
    return true;
}

/* One behind the other. */
static int of_all(struct view *v, struct feature_result *to, struct err *err)
{
    const struct impulse *p = &v->params->impulse;
    struct feature_result one[IMPULSE_BLOCKS] = {0};
    float *values;

    for (size_t i = 0; i < p->ndsp; i++) {
        if (of_block(v, i, &one[i], err) < 0)
            return -1;
        to->n += one[i].n;
    }
    if (too_many(to, err))
        return -1;
    to->values = values = arena_array(v->arena, to->n, sizeof *values);
    for (size_t i = 0; i < p->ndsp; i++)
        for (size_t k = 0; k < one[i].n; k++)
            *values++ = one[i].values[k];
    to->width = to->n;
    to->height = to->channels = 1;
    to->raw = v->taken.numbers + v->first * v->taken.naxes;
    to->nraw = v->taken.part->kind == PART_PICTURE ? v->taken.n : v->taken.windows.window * v->taken.naxes;
    return 0;
}

static int show(struct view *v, struct feature_result *to, struct err *err)
{
    const struct impulse *p = &v->params->impulse;
    int64_t only = p->ndsp == 1 ? p->dsp[0].id : v->params->only;
    int r = only ? of_block(v, features_place(v->features, only), to, err) : of_all(v, to, err);

    return r < 0 || too_many(to, err) ? -1 : 0;
}

static int sensor_features_run(const struct toolbox *tools UNUSED, const struct job_spec *spec,
                               struct subject_fds fds, int64_t deadline_mono_us, struct report *report,
                               struct err *err)
{
    CLEANUP(features_freep) struct features *features = NULL;
    struct view v = {.params = &spec->sensor, .arena = report->arena};
    const struct sensor_part *part = &spec->sensor.parts[spec->sensor.nparts - 1];
    struct feature_result *found = arena_alloc(report->arena, sizeof *found);
    int64_t begin = clock_cpu_us();

    report->sensing = arena_alloc(report->arena, sizeof *report->sensing);
    report->media = (struct media_info){.container = "", .codec = ""};
    report->sampling.planned = 1;
    if (features_new(&features, &spec->sensor.impulse, err) < 0)
        return -1;
    v.features = features;
    if (features_open(features, report->arena, fds.media, part, deadline_mono_us, &v.taken, err) < 0 ||
        place_window(&v, err) < 0 || show(&v, found, err) < 0)
        return -1;
    report->sensing->features = found;
    report->sampling.judged = 1;
    report->infer_us = clock_cpu_us() - begin;
    return 0;
}

const struct pipeline pipeline_sensor_features = {.name = "sensor-features", .run = sensor_features_run};
