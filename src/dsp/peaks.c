#include "dsp/peaks_int.h"

#include <math.h>
#include <string.h>

#include "dsp/stat_int.h"

struct peak {
    double at, height;
};

/* Keeps the `max` highest, highest first; the earlier one stays first among equals. */
static size_t insert(struct peak *best, size_t n, size_t max, struct peak p)
{
    size_t i = n < max ? n : max;

    while (i > 0 && best[i - 1].height < p.height)
        i--;
    if (i >= max)
        return n;
    n = n < max ? n + 1 : max;
    memmove(best + i + 1, best + i, (n - i - 1) * sizeof *best);
    best[i] = p;
    return n;
}

/* Local maxima of h[0..n): a run of equal values, higher than both neighbours, counts at its middle. */
static size_t find_peaks(const double *h, size_t n, double step, double threshold, struct peak *best,
                         size_t max)
{
    size_t found = 0;

    for (size_t i = 1, end; i + 1 < n; i = end) {
        for (end = i + 1; end < n && h[end] == h[i];)
            end++;
        if (end < n && h[i - 1] < h[i] && h[end] < h[i] && h[i] >= threshold) {
            size_t middle = (i + end - 1) / 2;
            found = insert(best, found, max, (struct peak){(double)middle * step, h[middle]});
        }
    }
    return found;
}

static void put_peaks(struct dsp_call *c, double *power)
{
    size_t half = (size_t)c->s->spectral.fft_length / 2;
    struct peak best[DSP_MAX_PEAKS] = {0};

    for (size_t i = 0; i < half; i++)
        power[i] = sqrt(power[i]) / (double)half;
    find_peaks(power, half, c->frequency / 2 / (double)(half - 1), c->s->spectral.peak_threshold, best,
               (size_t)c->s->spectral.peaks);
    for (int i = 0; i < c->s->spectral.peaks; i++) {
        dsp_put(c, best[i].at);
        dsp_put(c, best[i].height);
    }
}

static void put_powers(struct dsp_call *c, const double *density)
{
    const double *edges = c->s->spectral.edges;
    int n = c->s->spectral.fft_length;

    for (int k = 0; k + 1 < c->s->spectral.nedges; k++) {
        double sum = 0;
        int bins = 0;
        for (int i = 0; i <= n / 2; i++) {
            double f = i * c->frequency / n;
            if (f >= edges[k] && f < edges[k + 1]) {
                sum += density[i];
                bins++;
            }
        }
        dsp_put(c, bins ? sum / bins / 10 : 0);
    }
}

/* Of the part that the FFT sees. */
static void periodogram(struct dsp_call *c, struct fft *fft, const double *x, size_t n, double *ret_density)
{
    size_t length = (size_t)c->s->spectral.fft_length, used = n < length ? n : length;
    double *part = arena_array(c->scratch, used, sizeof *part);

    memcpy(part, x, used * sizeof *part);
    stat_center(part, used);
    fft_power(fft, part, used, ret_density);
    for (size_t i = 0; i <= length / 2; i++)
        ret_density[i] *= (i == 0 || i == length / 2 ? 1 : 2) / (c->frequency * (double)used);
}

void peaks_put(struct dsp_call *c, struct fft *fft, const double *x, size_t n, double *power)
{
    dsp_put(c, stat_moments(x, n).rms);
    fft_power(fft, x, n, power);
    put_peaks(c, power);
    periodogram(c, fft, x, n, power);
    put_powers(c, power);
}
