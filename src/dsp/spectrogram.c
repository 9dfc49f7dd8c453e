/* spectrogram, versions 1 to 4: the power spectrum of each frame (dsp/frames_int.h), frame after frame.
 *   1, 2  between the smallest and the largest of the window, 0..1; all 0 when these are the same
 *   3     values divided by 32768 when any is outside -1..1; dB, (dB - floor) / (12 - floor), cut to 0..1
 *   4     the same without the division, and cut only at 0
 * Source: the vendor's public reference implementation. */
#include <math.h>

#include "dsp/frames_int.h"
#include "dsp/loud_int.h"

static bool is_sound(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fabs(x[i]) > 1)
            return true;
    return false;
}

static void into_range(double *x, size_t n)
{
    if (is_sound(x, n))
        for (size_t i = 0; i < n; i++)
            x[i] = (double)(float)(x[i] / 32768);
}

static void put_loudness(struct dsp_call *c, const struct frames *f)
{
    double top = c->s->version == 3 ? 1 : HUGE_VAL;

    for (size_t i = 0; i < f->n * f->bins; i++)
        dsp_put(c, fmin(loudness(f->power[i], c->s->spectrogram.noise_floor), top));
}

static void put_stretched(struct dsp_call *c, struct frames *f)
{
    stretch(f->power, f->n * f->bins);
    for (size_t i = 0; i < f->n * f->bins; i++)
        dsp_put(c, f->power[i]);
}

static int spectrogram_run(struct dsp_call *c, struct err *err)
{
    double *x = dsp_axis(c, 0, 1, err);
    struct frames f;

    if (!x)
        return -1;
    if (c->s->version == 3)
        into_range(x, c->readings);
    if (frames_power(c, &c->s->spectrogram.frames, x, &f, err) < 0 || dsp_room(c, f.n * f.bins, err) < 0)
        return -1;
    c->out.width = f.n;
    c->out.height = f.bins;
    if (c->s->version >= 3)
        put_loudness(c, &f);
    else
        put_stretched(c, &f);
    return 0;
}

static int spectrogram_check(const struct dsp_settings *s, double frequency, struct err *err)
{
    const struct dsp_frames *f = &s->spectrogram.frames;

    if (f->length < 4 / frequency || f->stride < 4 / frequency)
        return FAIL(err, ERR_INPUT, "Frame length and stride are at least 4 readings, %g s", 4 / frequency);
    return frames_check(f, err);
}

static const struct dsp_param spectrogram_params[] = {
    FRAMES_PARAMS(spectrogram.frames, 0.01, 128),
    {"noise_floor_db", DSP_NUMBER, offsetof(struct dsp_settings, spectrogram.noise_floor), -1000, 11, -52,
     NULL},
};

const struct dsp_block dsp_block_spectrogram = {
    .name = "spectrogram",
    .newest = 4,
    .one_axis = true,
    .params = spectrogram_params,
    .nparams = COUNT_OF(spectrogram_params),
    .check = spectrogram_check,
    .run = spectrogram_run,
};
