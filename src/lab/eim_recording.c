/* A whole recording, judged by a foreign program: cut as pipeline sensor-classify cuts it. */
#include <string.h>

#include "analysis/windows.h"
#include "lab/eim.h"

/* What goes to the program: its axes in its order, at its frequency. */
struct cut {
    struct windows windows;
    size_t naxes;
    const float *values;
};

static float *choose_axes(struct arena *a, const float *in, size_t readings, size_t naxes, const size_t *axes,
                          size_t nwanted)
{
    float *out = arena_array(a, readings * nwanted, sizeof *out);

    for (size_t r = 0; r < readings; r++)
        for (size_t i = 0; i < nwanted; i++)
            out[r * nwanted + i] = in[r * naxes + axes[i]];
    return out;
}

static int cut_up(struct arena *a, const struct impulse *p, const struct sensor_part *part,
                  const float *values, int64_t deadline_us, struct cut *ret, struct err *err)
{
    size_t readings = (size_t)part->size / sizeof(float) / part->naxes, axes[SENSOR_AXES], n;
    float *chosen, *fitted;
    struct windows *w = &ret->windows;

    if (windows_axes(part, p->dsp[0].naxes, p->dsp[0].axes, axes, &ret->naxes, err) < 0 ||
        windows_of(p, readings, part->frequency, w, err) < 0)
        return -1;
    if (w->count > SENSOR_WINDOWS)
        return FAIL(err, ERR_LIMIT, "the recording has more than %d windows; choose a larger step",
                    SENSOR_WINDOWS);
    ret->values = chosen = choose_axes(a, values, readings, part->naxes, axes, ret->naxes);
    if (!w->resampled)
        return 0;
    if (resample_series(a, chosen, readings, ret->naxes, &w->ratio, deadline_us, &fitted, &n, err) < 0)
        return -1;
    ret->values = fitted;
    return 0;
}

/* The k-th window; one that is filled up is the only one. */
static const float *window_at(struct arena *a, const struct cut *c, size_t k)
{
    const struct windows *w = &c->windows;
    float *filled;

    if (!w->padded)
        return c->values + k * w->step * c->naxes;
    filled = arena_array(a, w->window * c->naxes, sizeof *filled);
    memcpy(filled, c->values, w->readings * c->naxes * sizeof *filled); /* at least one reading */
    return filled;
}

int eim_recording(struct eim *e, const struct impulse *p, const struct sensor_part *part, const float *values,
                  struct arena *a, int64_t deadline_mono_us, struct recording_result *ret, struct err *err)
{
    struct eim_result *results;
    struct cut c = {0};

    if (part->kind != PART_SERIES || p->input == INPUT_PICTURE)
        return FAIL(err, ERR_UNSUPPORTED,
                    "recordings of pictures are not judged by .eim programs here, only series of numbers");
    if (cut_up(a, p, part, values, deadline_mono_us, &c, err) < 0)
        return -1;
    results = arena_array(a, c.windows.count, sizeof *results);
    for (size_t k = 0; k < c.windows.count; k++)
        if (eim_classify(e, window_at(a, &c, k), c.windows.window * c.naxes, a, deadline_mono_us, &results[k],
                         err) < 0)
            return -1;
    *ret = (struct recording_result){.number = part->number,
                                     .nwindows = c.windows.count,
                                     .window = c.windows.window,
                                     .step = c.windows.step,
                                     .resampled = c.windows.resampled,
                                     .padded = c.windows.padded,
                                     .nlearn = p->nlearn,
                                     .learn = eim_learn_results(a, p, results, c.windows.count)};
    ret->expected = windows_expected(a, part, &c.windows, &ret->nexpected);
    return 0;
}
