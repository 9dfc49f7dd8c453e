#include "dsp/wavelet_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/stat_int.h"

enum { HISTOGRAM = 100, NUMBERS = 14 };

/* --- splitting --- */

static double mirrored(const double *x, long n, long i)
{
    long period = 2 * n;

    i = (i % period + period) % period;
    return x[i < n ? i : period - 1 - i];
}

static void split(const double *x, size_t n, const double *h, int taps, double *ret)
{
    size_t half = (n + (size_t)taps - 1) / 2;

    for (size_t k = 0; k < half; k++) {
        ret[k] = 0;
        for (int j = 0; j < taps; j++)
            ret[k] += h[j] * mirrored(x, (long)n, 2 * (long)k + 1 - j);
    }
}

/* --- the numbers of a band --- */

/* Which bin a value falls into, true to the edges min + i * step as they are rounded. */
static size_t histogram_bin(double v, double min, double max)
{
    double step = (max - min) / HISTOGRAM;
    size_t i = (size_t)((v - min) * (HISTOGRAM / (max - min)));

    i = i < HISTOGRAM ? i : HISTOGRAM - 1;
    if (i > 0 && v < min + (double)i * step)
        return i - 1;
    if (i + 1 < HISTOGRAM && v >= min + (double)(i + 1) * step)
        return i + 1;
    return i;
}

/* sorted */
static double entropy(const double *x, size_t n)
{
    size_t counts[HISTOGRAM] = {0};
    double min = x[0], max = x[n - 1], sum = 0;

    if (!(max - min > 0) || !isfinite(HISTOGRAM / (max - min)))
        return 0; /* all in one bin */
    for (size_t i = 0; i < n; i++)
        counts[histogram_bin(x[i], min, max)]++;
    for (size_t i = 0; i < HISTOGRAM; i++) {
        double p = (double)counts[i] / (double)n;
        sum -= p > 0 ? p * log(p) : 0;
    }
    return sum;
}

static double crossings(const double *x, size_t n, double level)
{
    size_t count = 0;

    for (size_t i = 1; i < n; i++)
        count += (x[i] > level) != (x[i - 1] > level);
    return (double)count / (double)n;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void put_percentiles(struct dsp_call *c, const double *sorted, size_t n)
{
    static const double percents[] = {5, 25, 75, 95, 50};

    for (size_t i = 0; i < COUNT_OF(percents); i++)
        dsp_put(c, sorted[(size_t)((double)(n - 1) * percents[i] / 100 + 0.5)]);
}

static void put_moments(struct dsp_call *c, const double *x, size_t n)
{
    struct moments m = stat_moments(x, n);

    dsp_put(c, m.mean);
    dsp_put(c, sqrt(m.variance));
    dsp_put(c, m.variance * (double)n / (double)(n - 1));
    dsp_put(c, m.rms);
    dsp_put(c, m.rms == 0 ? 0 : m.skewness);
    dsp_put(c, m.rms == 0 ? 0 : m.kurtosis);
}

/* Sorts the band. n is at least 2. */
static void put_band(struct dsp_call *c, double *x, size_t n)
{
    double zero = crossings(x, n, 0), mean = crossings(x, n, stat_mean(x, n));

    qsort(x, n, sizeof *x, by_value);
    dsp_put(c, entropy(x, n));
    dsp_put(c, zero);
    dsp_put(c, mean);
    put_percentiles(c, x, n);
    put_moments(c, x, n);
}

/* --- all bands --- */

struct bands {
    size_t n;
    struct band {
        double *x;
        size_t n;
    } list[WAVELET_MAX_LEVEL + 1]; /* finest first, the coarse rest last */
};

static int decompose(struct dsp_call *c, const double *x, size_t n, struct bands *ret, struct err *err)
{
    const struct wavelet *w = &wavelet_bank[c->s->spectral.wavelet];
    struct bands b = {0};

    for (int level = 0; level < c->s->spectral.wavelet_level; level++) {
        size_t half = (n + (size_t)w->taps - 1) / 2;
        double *low = dsp_scratch(c, half, err), *high = dsp_scratch(c, half, err);
        if (!low || !high)
            return -1;
        split(x, n, w->low, w->taps, low);
        split(x, n, w->high, w->taps, high);
        b.list[b.n++] = (struct band){high, half};
        b.list[b.n] = (struct band){low, half};
        x = low;
        n = half;
    }
    b.n++;
    *ret = b;
    return 0;
}

size_t wavelet_features(int level)
{
    return NUMBERS * ((size_t)level + 1);
}

int wavelet_put(struct dsp_call *c, const double *x, size_t n, double frequency, struct err *err)
{
    size_t least = (size_t)32 << c->s->spectral.wavelet_level;
    struct bands b;

    if (n < least)
        return FAIL(err, ERR_INPUT, "Wavelet level %d needs a window of at least %.0f ms",
                    c->s->spectral.wavelet_level, ceil((double)least / frequency * 1000));
    if (decompose(c, x, n, &b, err) < 0)
        return -1;
    for (size_t i = b.n; i > 0; i--)
        put_band(c, b.list[i - 1].x, b.list[i - 1].n);
    return 0;
}

void wavelet_label(struct dsp_names *to, int level)
{
    static const char *const names[NUMBERS] = {"entropy", "zcross", "mcross", "n5",      "n25",
                                               "n75",     "n95",    "median", "mean",    "std",
                                               "var",     "rms",    "skew",   "kurtosis"};

    for (int band = 0; band <= level; band++)
        for (size_t i = 0; i < NUMBERS; i++)
            dsp_label(to, "L%d-%s", band, names[i]);
}
