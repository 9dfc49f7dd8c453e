/* spectral-analysis, versions 1 to 4. Sources: the vendor's public reference implementation
 * (edgeimpulse/processing-blocks, Clear BSD), read for what it computes; and the golden vectors made with it.
 *
 * Each axis: times the scale; version 4 may decimate it; Butterworth filter if wanted; minus its mean. Then
 *   wavelet (versions 3, 4)  see dsp/wavelet_int.h
 *   version 1                rms; the highest peaks of the FFT (frequency, height); power between edges
 *   versions 2, 3, 4         rms, skewness, kurtosis; version 4 also skewness and kurtosis of the spectrum,
 * before the logarithm and with bin 0; then the bins the filter lets pass Version 4 with extra-low-freq: the
 * filtered axis decimated by ten, without its mean, gives the same list once more; these stand behind those
 * of all axes.
 *
 * The spectrum is the element-wise maximum of |X|^2/n over the segments which start at 0, h, 2h, ... <= N, h
 * = n, or n/2 with overlap; what is missing at the end is zeros (a segment may be nothing but zeros). */
#include <math.h>
#include <stdio.h>

#include "dsp/dsp_int.h"
#include "dsp/fft_int.h"
#include "dsp/filter_int.h"
#include "dsp/peaks_int.h"
#include "dsp/stat_int.h"
#include "dsp/wavelet_int.h"

/* --- which bins, at which frequency --- */

struct bins {
    int first, end; /* of the spectrum */
};

static bool filters(const struct dsp_settings *s)
{
    return s->spectral.filter != DSP_FILTER_NONE && s->spectral.order > 0;
}

static bool by_wavelet(const struct dsp_settings *s)
{
    return s->version >= 3 && s->spectral.analysis == DSP_WAVELET;
}

static bool has_low_part(const struct dsp_settings *s)
{
    return s->version >= 4 && s->spectral.extra_low && !by_wavelet(s);
}

/* The bins whose middle is not beyond the cutoff by half a bin or more; never bin 0, the mean is gone. */
static struct bins passed_bins(const struct dsp_settings *s, double frequency)
{
    double cutoff = fmin(s->spectral.cutoff, frequency / 2), at = cutoff * s->spectral.fft_length / frequency;
    int half = s->spectral.fft_length / 2;

    if (s->spectral.filter == DSP_FILTER_HIGH)
        return (struct bins){at < 0.5 ? 1 : (int)(at - 0.5) + 1, half + 1};
    if (s->spectral.filter == DSP_FILTER_LOW)
        return (struct bins){1, (int)(at + 0.5) + 1};
    return (struct bins){1, half + 1};
}

/* Features of one axis at one frequency. */
static size_t list_length(const struct dsp_settings *s, double frequency)
{
    struct bins b = passed_bins(s, frequency);

    if (by_wavelet(s))
        return wavelet_features(s->spectral.wavelet_level);
    if (s->version == 1)
        return 1 + 2 * (size_t)s->spectral.peaks + (size_t)s->spectral.nedges - 1;
    return (s->version >= 4 ? 5 : 3) + (size_t)(b.end - b.first);
}

static double used_frequency(const struct dsp_settings *s, double frequency)
{
    return frequency / s->spectral.decimation;
}

static int check_decimation(const struct dsp_settings *s, double frequency, struct err *err)
{
    int d = s->spectral.decimation;
    double highest = frequency / 2 / d * 0.9;

    if (d == 1)
        return 0;
    if (d != 3 && d != 10 && d != 30 && d != 100 && d != 1000)
        return FAIL(err, ERR_INPUT, "The decimation ratio is 1, 3, 10, 30, 100 or 1000, not %d", d);
    if (s->version < 4)
        return FAIL(err, ERR_INPUT, "Only version 4 of spectral-analysis decimates its input");
    if (s->spectral.filter != DSP_FILTER_NONE && s->spectral.cutoff > highest)
        return FAIL(err, ERR_INPUT, "A decimation by %d leaves nothing above %g Hz: lower it or the cutoff",
                    d, highest);
    return 0;
}

static int check_filter(const struct dsp_settings *s, double frequency, struct err *err)
{
    if (s->spectral.filter == DSP_FILTER_NONE)
        return 0;
    if (s->spectral.order % 2 != 0)
        return FAIL(err, ERR_INPUT, "The filter order is 2, 4, 6 or 8, not %d", s->spectral.order);
    if (filters(s) && s->spectral.cutoff >= frequency / 2)
        return FAIL(err, ERR_INPUT, "The cutoff of %g Hz is not below half the sampling frequency, %g Hz",
                    s->spectral.cutoff, frequency / 2);
    return 0;
}

static int check_bins(const struct dsp_settings *s, double frequency, struct err *err)
{
    struct bins b = passed_bins(s, frequency);

    if (b.first >= b.end)
        return FAIL(err, ERR_INPUT, "A cutoff of %g Hz leaves no bin of the FFT at %g Hz", s->spectral.cutoff,
                    frequency);
    return 0;
}

static int spectral_check(const struct dsp_settings *s, double frequency, struct err *err)
{
    double used;

    if (dsp_check_fft(s->spectral.fft_length, err) < 0 || check_decimation(s, frequency, err) < 0)
        return -1;
    used = used_frequency(s, frequency);
    if (check_filter(s, used, err) < 0)
        return -1;
    if (s->version == 1 || by_wavelet(s))
        return 0;
    if (check_bins(s, used, err) < 0)
        return -1;
    return has_low_part(s) ? check_bins(s, used / 10, err) : 0;
}

/* --- one axis --- */

struct work {
    struct dsp_call *c;
    struct fft *fft;
    struct filter filter;
    double *spectrum, *segment; /* fft_length/2 + 1 each */
    double frequency;           /* after decimation */
};

static size_t decimate(double *x, size_t n, int ratio)
{
    if (ratio % 3 == 0)
        n = filter_decimate(x, n, 3);
    for (int r = ratio % 3 == 0 ? ratio / 3 : ratio; r >= 10; r /= 10)
        n = filter_decimate(x, n, 10);
    return n;
}

static void hold_maximum(struct work *w, const double *x, size_t n)
{
    size_t length = (size_t)w->c->s->spectral.fft_length, bins = length / 2 + 1;
    size_t step = w->c->s->spectral.overlap ? length / 2 : length;

    for (size_t i = 0; i < bins; i++)
        w->spectrum[i] = 0;
    for (size_t at = 0; at < n; at += step) { /* a segment from n on is only zeros and changes nothing */
        fft_power(w->fft, x + at, n - at, w->segment);
        for (size_t i = 0; i < bins; i++)
            w->spectrum[i] = fmax(w->spectrum[i], w->segment[i] / (double)length);
    }
}

static double level(double power)
{
    return log10(power == 0 ? 1e-10 : power);
}

static void put_spectrum(struct work *w, const double *x, size_t n, double frequency)
{
    const struct dsp_settings *s = w->c->s;
    struct moments m = stat_moments(x, n);
    struct bins b = passed_bins(s, frequency);

    hold_maximum(w, x, n);
    dsp_put(w->c, m.rms);
    dsp_put(w->c, m.skewness);
    dsp_put(w->c, m.kurtosis);
    if (s->version >= 4) {
        m = stat_moments(w->spectrum, (size_t)s->spectral.fft_length / 2 + 1);
        dsp_put(w->c, m.skewness);
        dsp_put(w->c, m.kurtosis);
    }
    for (int i = b.first; i < b.end; i++)
        dsp_put(w->c, s->spectral.log ? level(w->spectrum[i]) : w->spectrum[i]);
}

/* The axis as all analyses want it. */
static double *prepared(struct work *w, size_t axis, size_t *ret_n, struct err *err)
{
    const struct dsp_settings *s = w->c->s;
    double *x = dsp_axis(w->c, axis, s->spectral.scale, err);
    size_t n;

    if (!x)
        return NULL;
    n = decimate(x, w->c->readings, s->spectral.decimation);
    if (filters(s))
        filter_run(&w->filter, x, n);
    stat_center(x, n);
    *ret_n = n;
    return x;
}

static int put_axis(struct work *w, const double *x, size_t n, struct err *err)
{
    const struct dsp_settings *s = w->c->s;

    if (by_wavelet(s))
        return wavelet_put(w->c, x, n, w->frequency, err);
    if (s->version == 1)
        peaks_put(w->c, w->fft, x, n, w->segment);
    else
        put_spectrum(w, x, n, w->frequency);
    return 0;
}

/* --- all axes --- */

static int put_low_part(struct work *w, double **axes, size_t n, struct err *err)
{
    size_t length = (size_t)w->c->s->spectral.fft_length;

    for (size_t axis = 0; axis < w->c->axes; axis++) {
        size_t kept = filter_decimate(axes[axis], n, 10);
        if (kept < length / 2)
            return FAIL(err, ERR_INPUT, "Extra low frequencies need at least %zu readings", length / 2 * 10);
        stat_center(axes[axis], kept);
        put_spectrum(w, axes[axis], kept, w->frequency / 10);
    }
    return 0;
}

static int put_all(struct work *w, struct err *err)
{
    double **axes = arena_array(w->c->scratch, w->c->axes, sizeof *axes);
    size_t n = 0;

    for (size_t axis = 0; axis < w->c->axes; axis++) {
        axes[axis] = prepared(w, axis, &n, err);
        if (!axes[axis] || put_axis(w, axes[axis], n, err) < 0)
            return -1;
    }
    return has_low_part(w->c->s) ? put_low_part(w, axes, n, err) : 0;
}

static int make_room(struct dsp_call *c, double frequency, struct err *err)
{
    size_t n = list_length(c->s, frequency);

    if (has_low_part(c->s))
        n += list_length(c->s, frequency / 10);
    return dsp_room(c, n * c->axes, err);
}

static int spectral_run(struct dsp_call *c, struct err *err)
{
    const struct dsp_settings *s = c->s;
    struct work w = {.c = c, .frequency = used_frequency(s, c->frequency)};
    size_t bins = (size_t)s->spectral.fft_length / 2 + 1;

    if (filters(s) && filter_butterworth((enum dsp_filter)s->spectral.filter, s->spectral.order,
                                         s->spectral.cutoff, w.frequency, &w.filter, err) < 0)
        return -1;
    if (make_room(c, w.frequency, err) < 0)
        return -1;
    if (!by_wavelet(s) && !(w.fft = dsp_fft(c, s->spectral.fft_length, err)))
        return -1;
    w.spectrum = dsp_scratch(c, bins, err);
    w.segment = dsp_scratch(c, bins, err);
    return w.spectrum && w.segment ? put_all(&w, err) : -1;
}

/* --- labels --- */

/* Two decimals at most, as Python writes the rounded number: 1.95, 0.2, 10.0. */
static const char *hertz(double f, char text[32])
{
    size_t n = (size_t)snprintf(text, 32, "%.2f", f);

    if (n > 0 && text[n - 1] == '0')
        text[n - 1] = '\0';
    return text;
}

static void label_spectrum(struct dsp_names *to, const struct dsp_settings *s, double frequency,
                           const char *suffix)
{
    static const char *const names[] = {"RMS", "Skewness", "Kurtosis", "Spectral Skewness",
                                        "Spectral Kurtosis"};
    struct bins b = passed_bins(s, frequency);
    double width = frequency / s->spectral.fft_length;
    char from[32], to_text[32];

    for (size_t i = 0; i < (s->version >= 4 ? 5 : 3); i++)
        dsp_label(to, "%s%s", names[i], suffix);
    for (int i = b.first; i < b.end; i++)
        dsp_label(to, "Spectral Power %s - %s Hz", hertz((i - 0.5) * width, from),
                  hertz((i + 0.5) * width, to_text));
}

static int spectral_label(struct dsp_names *to, const struct dsp_settings *s, double frequency,
                          struct err *err UNUSED)
{
    double used = used_frequency(s, frequency);

    if (by_wavelet(s)) {
        wavelet_label(to, s->spectral.wavelet_level);
    } else if (s->version == 1) {
        dsp_label(to, "RMS");
    } else {
        label_spectrum(to, s, used, "");
        if (has_low_part(s))
            label_spectrum(to, s, used / 10, " LF");
    }
    return 0;
}

/* --- settings --- */

static const char *const filter_names[] = {"none", "low", "high", NULL};
static const char *const analysis_names[] = {"FFT", "Wavelet", NULL};

#define AT(field) offsetof(struct dsp_settings, spectral.field)

static const struct dsp_param spectral_params[] = {
    {"scale-axes", DSP_NUMBER, AT(scale), -1e9, 1e9, 1, NULL},
    {"input-decimation-ratio", DSP_INT, AT(decimation), 1, 1000, 1, NULL},
    {"filter-type", DSP_CHOICE, AT(filter), 0, 0, DSP_FILTER_NONE, filter_names},
    {"filter-cutoff", DSP_NUMBER, AT(cutoff), 0, 1e9, 3, NULL},
    {"filter-order", DSP_INT, AT(order), 0, 8, 6, NULL},
    {"analysis-type", DSP_CHOICE, AT(analysis), 0, 0, DSP_FFT, analysis_names},
    {"fft-length", DSP_INT, AT(fft_length), 4, DSP_MAX_FFT, 16, NULL},
    {"do-log", DSP_FLAG, AT(log), 0, 1, 1, NULL},
    {"do-fft-overlap", DSP_FLAG, AT(overlap), 0, 1, 1, NULL},
    {"extra-low-freq", DSP_FLAG, AT(extra_low), 0, 1, 0, NULL},
    {"wavelet", DSP_CHOICE, AT(wavelet), 0, 0, WAVELET_DB4, wavelet_names},
    {"wavelet-level", DSP_INT, AT(wavelet_level), 1, WAVELET_MAX_LEVEL, 1, NULL},
    {"spectral-peaks-count", DSP_INT, AT(peaks), 0, DSP_MAX_PEAKS, 3, NULL},
    {"spectral-peaks-threshold", DSP_NUMBER, AT(peak_threshold), 0, 1e9, 0.1, NULL},
    {"spectral-power-edges", DSP_EDGES, 0, 0, 1e9, 0, NULL},
};

const struct dsp_block dsp_block_spectral = {
    .name = "spectral-analysis",
    .newest = 4,
    .params = spectral_params,
    .nparams = COUNT_OF(spectral_params),
    .check = spectral_check,
    .run = spectral_run,
    .label = spectral_label,
};
