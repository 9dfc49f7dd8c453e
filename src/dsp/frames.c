#include "dsp/frames_int.h"

#include <math.h>

#include "dsp/fft_int.h"

static double readings(double seconds, double frequency)
{
    double v = seconds * frequency;

    return v > floor(v) && v - floor(v) < 0.001 ? floor(v) : ceil(v);
}

int frames_check(const struct dsp_frames *how, struct err *err)
{
    return dsp_check_fft(how->fft_length, err);
}

struct cut {
    size_t n, length, stride;
};

static int cut_up(const struct dsp_call *c, const struct dsp_frames *how, struct cut *ret, struct err *err)
{
    double length =
        c->s->version == 1 ? rint(how->length * c->frequency) : readings(how->length, c->frequency);
    double stride = readings(how->stride, c->frequency), n = (double)c->readings;
    double count = floor((c->s->version == 1 ? n - length : n - (length - stride)) / stride);

    if (length < 1)
        return FAIL(err, ERR_INPUT, "A frame of %g s holds no reading at %g Hz", how->length, c->frequency);
    if (length > n || count < 1)
        return FAIL(err, ERR_INPUT, "A frame of %g s is longer than the window of %g s", how->length,
                    n / c->frequency);
    if (count > DSP_MAX_FRAMES)
        return FAIL(err, ERR_INPUT, "%.0f frames are more than %d: take a longer stride or a shorter window",
                    count, DSP_MAX_FRAMES);
    *ret = (struct cut){(size_t)count, (size_t)length, (size_t)stride};
    return 0;
}

int frames_power(struct dsp_call *c, const struct dsp_frames *how, const double *x, struct frames *ret,
                 struct err *err)
{
    struct frames f = {.bins = (size_t)how->fft_length / 2 + 1};
    struct fft *fft;
    struct cut cut;

    if (cut_up(c, how, &cut, err) < 0 || !(fft = dsp_fft(c, how->fft_length, err)))
        return -1;
    f.n = cut.n;
    f.power = dsp_scratch(c, f.n * f.bins, err);
    if (!f.power)
        return -1;
    for (size_t i = 0; i < f.n; i++)
        fft_power(fft, x + i * cut.stride, cut.length, f.power + i * f.bins);
    for (size_t i = 0; i < f.n * f.bins; i++)
        f.power[i] /= how->fft_length;
    *ret = f;
    return 0;
}
