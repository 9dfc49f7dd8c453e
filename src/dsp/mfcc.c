/* mfcc, versions 1 to 4: cepstral coefficients, frame after frame. Frames: dsp/frames_int.h, bands:
 * dsp/mel_int.h, whose headers also say in what the versions differ.
 *
 * Pre-emphasis y[i] = x[i] - cof x[i - shift], going round at the start; logarithms of the mel energies;
 * their DCT-II, orthonormal, c_k = sqrt((k ? 2 : 1) / n) sum e_j cos(pi k (2j + 1) / (2n)), of which the
 * first few are kept; c_0 is replaced by the logarithm of the whole power of the frame; then mean and
 * variance are taken out over a sliding window, unless that is 0. Source: the vendor's public reference
 * implementation. */
#include <math.h>

#include "dsp/mel_int.h"

static double *emphasised(struct dsp_call *c, struct err *err)
{
    double *x = dsp_axis(c, 0, 1, err), *y = dsp_scratch(c, c->readings, err);
    size_t shift = (size_t)c->s->mfcc.pre_shift % c->readings;

    if (!x || !y)
        return NULL;
    for (size_t i = 0; i < c->readings; i++)
        y[i] = x[i] - c->s->mfcc.pre_cof * x[(i + c->readings - shift) % c->readings];
    return y;
}

/* cosines: keep rows of n. */
static double *dct_matrix(struct dsp_call *c, size_t keep, size_t n, struct err *err)
{
    double *m = dsp_scratch(c, keep * n, err);

    if (!m)
        return NULL;
    for (size_t k = 0; k < keep; k++)
        for (size_t j = 0; j < n; j++)
            m[k * n + j] =
                sqrt((k ? 2.0 : 1.0) / (double)n) * cos(M_PI * (double)(k * (2 * j + 1)) / (double)(2 * n));
    return m;
}

static double log_energy(const double *power, size_t bins)
{
    double sum = 0;

    for (size_t i = 0; i < bins; i++)
        sum += power[i];
    return log(sum == 0 ? 1e-10 : sum);
}

static void cepstrum(const double *matrix, const double *logs, size_t n, double *ret, size_t keep)
{
    for (size_t k = 1; k < keep; k++) {
        ret[k] = 0;
        for (size_t j = 0; j < n; j++)
            ret[k] += matrix[k * n + j] * logs[j];
    }
}

static int fill(struct dsp_call *c, const struct frames *f, double *energies, double *ret, struct err *err)
{
    size_t n = (size_t)c->s->mfcc.mel.filters, keep = (size_t)c->s->mfcc.cepstral;
    double *matrix = dct_matrix(c, keep, n, err);

    if (!matrix)
        return -1;
    for (size_t i = 0; i < f->n * n; i++)
        energies[i] = log(energies[i]);
    for (size_t row = 0; row < f->n; row++) {
        cepstrum(matrix, energies + row * n, n, ret + row * keep, keep);
        ret[row * keep] = log_energy(f->power + row * f->bins, f->bins);
    }
    return 0;
}

static int put_all(struct dsp_call *c, double *v, size_t rows, struct err *err)
{
    size_t keep = (size_t)c->s->mfcc.cepstral;
    int window = c->s->mfcc.mel.window;

    if (window > 0 && mel_normalise(c, v, rows, keep, window, true, err) < 0)
        return -1;
    if (dsp_room(c, rows * keep, err) < 0)
        return -1;
    c->out.width = rows;
    c->out.height = keep;
    for (size_t i = 0; i < rows * keep; i++)
        dsp_put(c, v[i]);
    return 0;
}

static int mfcc_run(struct dsp_call *c, struct err *err)
{
    double *x = emphasised(c, err), *energies, *v;
    struct frames f;

    if (!x || frames_power(c, &c->s->mfcc.frames, x, &f, err) < 0)
        return -1;
    energies = mel_energies(c, &c->s->mfcc.mel, &f, err);
    v = energies ? dsp_scratch(c, f.n * (size_t)c->s->mfcc.cepstral, err) : NULL;
    if (!v || fill(c, &f, energies, v, err) < 0)
        return -1;
    return put_all(c, v, f.n, err);
}

static int mfcc_check(const struct dsp_settings *s, double frequency, struct err *err)
{
    if (s->mfcc.cepstral > s->mfcc.mel.filters)
        return FAIL(err, ERR_INPUT, "%d filters give no %d coefficients", s->mfcc.mel.filters,
                    s->mfcc.cepstral);
    if (mel_check(&s->mfcc.mel, frequency, err) < 0)
        return -1;
    return frames_check(&s->mfcc.frames, err);
}

static const struct dsp_param mfcc_params[] = {
    FRAMES_PARAMS(mfcc.frames, 0.02, 256),
    MEL_PARAMS(mfcc.mel, 32),
    {"num_cepstral", DSP_INT, offsetof(struct dsp_settings, mfcc.cepstral), 1, DSP_MAX_FILTERS, 13, NULL},
    {"pre_cof", DSP_NUMBER, offsetof(struct dsp_settings, mfcc.pre_cof), -1e3, 1e3, 0.98, NULL},
    {"pre_shift", DSP_INT, offsetof(struct dsp_settings, mfcc.pre_shift), 1, DSP_MAX_VALUES, 1, NULL},
};

const struct dsp_block dsp_block_mfcc = {
    .name = "mfcc",
    .newest = 4,
    .one_axis = true,
    .params = mfcc_params,
    .nparams = COUNT_OF(mfcc_params),
    .check = mfcc_check,
    .run = mfcc_run,
};
