/* mfe: energies of mel bands, frame after frame. Frames: dsp/frames_int.h, bands: dsp/mel_int.h.
 *   1, 2  energies minus their sliding mean, then stretched to 0..1 (only when neither end is 0)
 *   3, 4  the sound divided by 32768 and pre-emphasised, y[i] = x[i] - 0.98 x[i-1], where the one before the
 * first is the last; energies in dB, (dB - floor) / (12 - floor), cut to 0..1, rounded to 1/256 The vendor's
 * two implementations differ at the top: 1 stays 1 in C++ and becomes 0 in Python. Here it stays 1. Source:
 * the vendor's public reference implementation. */
#include <math.h>

#include "dsp/loud_int.h"
#include "dsp/mel_int.h"

/* In float, as in training: the rounding to 1/256 would show the difference. */
static void emphasise(double *x, size_t n)
{
    float before = (float)(x[n - 1] / 32768);

    for (size_t i = 0; i < n; i++) {
        float now = (float)(x[i] / 32768), part = 0.98f * before;
        x[i] = (double)(now - part);
        before = now;
    }
}

static double quantised(double v)
{
    return rint(fmin(v, 1) * 256) / 256;
}

static bool has_zero_end(const double *v, size_t n)
{
    double min = v[0], max = v[0];

    for (size_t i = 1; i < n; i++) {
        min = fmin(min, v[i]);
        max = fmax(max, v[i]);
    }
    return min == 0 || max == 0;
}

static int old_scale(struct dsp_call *c, double *v, size_t rows, size_t cols, struct err *err)
{
    if (mel_normalise(c, v, rows, cols, c->s->mfe.mel.window, false, err) < 0)
        return -1;
    if (!has_zero_end(v, rows * cols))
        stretch(v, rows * cols);
    return 0;
}

static void new_scale(const struct dsp_settings *s, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = quantised(loudness(v[i], s->mfe.noise_floor));
}

static int put_all(struct dsp_call *c, const double *v, size_t rows, size_t cols, struct err *err)
{
    if (dsp_room(c, rows * cols, err) < 0)
        return -1;
    c->out.width = rows;
    c->out.height = cols;
    for (size_t i = 0; i < rows * cols; i++)
        dsp_put(c, v[i]);
    return 0;
}

static int mfe_run(struct dsp_call *c, struct err *err)
{
    double *x = dsp_axis(c, 0, 1, err), *v;
    size_t filters = (size_t)c->s->mfe.mel.filters;
    struct frames f;

    if (!x)
        return -1;
    if (c->s->version >= 3)
        emphasise(x, c->readings);
    if (frames_power(c, &c->s->mfe.frames, x, &f, err) < 0)
        return -1;
    v = mel_energies(c, &c->s->mfe.mel, &f, err);
    if (!v)
        return -1;
    if (c->s->version >= 3)
        new_scale(c->s, v, f.n * filters);
    else if (old_scale(c, v, f.n, filters, err) < 0)
        return -1;
    return put_all(c, v, f.n, filters, err);
}

static int mfe_check(const struct dsp_settings *s, double frequency, struct err *err)
{
    if (s->version < 3 && s->mfe.mel.window == 0)
        return FAIL(err, ERR_INPUT, "The window of the normalisation is an odd number of frames, not 0");
    if (mel_check(&s->mfe.mel, frequency, err) < 0)
        return -1;
    return frames_check(&s->mfe.frames, err);
}

static const struct dsp_param mfe_params[] = {
    FRAMES_PARAMS(mfe.frames, 0.01, 256),
    MEL_PARAMS(mfe.mel, 40),
    {"noise_floor_db", DSP_NUMBER, offsetof(struct dsp_settings, mfe.noise_floor), -1000, 11, -52, NULL},
};

const struct dsp_block dsp_block_mfe = {
    .name = "mfe",
    .newest = 4,
    .one_axis = true,
    .params = mfe_params,
    .nparams = COUNT_OF(mfe_params),
    .check = mfe_check,
    .run = mfe_run,
};
