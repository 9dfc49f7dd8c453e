/* The wavelet analysis of spectral-analysis: the axis is split `level` times into a coarse and a fine half,
 * and each of the bands [coarse, finest but .., finest] gives 14 numbers.
 *
 * Step: y[k] = sum_j h[j] x[2k + 1 - j], k < floor((n + length - 1) / 2), x mirrored at its ends with the end
 * value twice; h is the low-pass filter for the coarse half, the high-pass for the fine one. Numbers: entropy
 * (natural logarithm) of a histogram of 100 bins from smallest to largest; crossings of 0 and of the mean per
 * value; the values at 5, 25, 75, 95 and 50 % of the sorted list, by index int((n-1) p/100 + 0.5); mean,
 * deviation, variance (n-1 below the line, unlike the deviation), rms, skewness, kurtosis (both 0 when the
 * rms is). */
#ifndef ASSAY_DSP_WAVELET_INT_H
#define ASSAY_DSP_WAVELET_INT_H

#include "dsp/dsp_int.h"

enum { WAVELET_MAX_LEVEL = 16, WAVELET_MAX_TAPS = 20 };

/* Index in both: the name, as in settings, and its two filters for the analysis. dsp/wavelet_bank.c. */
extern const char *const wavelet_names[]; /* ends with NULL */
extern const struct wavelet {
    int taps;
    double low[WAVELET_MAX_TAPS], high[WAVELET_MAX_TAPS];
} wavelet_bank[];
enum { WAVELET_DB4 = 19 }; /* the vendor's default; the unit test looks that it is */

/* Numbers of one axis. */
size_t wavelet_features(int level);
/* ERR_INPUT when n is below 32 * 2^level. */
int wavelet_put(struct dsp_call *c, const double *x, size_t n, double frequency, struct err *err);
void wavelet_label(struct dsp_names *to, int level);

#endif
