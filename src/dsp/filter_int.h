/* Filters of second-order sections, run once and forward (causal). Sections are float where the vendor stores
 * them as float: near a cutoff of 0 the rounding shows.
 *
 * Butterworth: from the analogue prototype by the bilinear transform with the cutoff pre-warped,
 * a = tan(pi fc/fs), section i of order/2 with r = sin(pi (2i+1) / (2 order)) and s = a^2 + 2ar + 1:
 * gain a^2/s (low) or 1/s (high), zeros at -1 or 1, poles the roots of z^2 - 2(1-a^2)/s z + (a^2 - 2ar +
 * 1)/s.
 *
 * Decimation: Chebyshev of the first kind, order 8, ripple 0.05 dB, cutoff 0.8/ratio of half the frequency,
 * by the same transform; it starts as if the first value had always been there, then every ratio-th value is
 * kept. */
#ifndef ASSAY_DSP_FILTER_INT_H
#define ASSAY_DSP_FILTER_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "dsp/dsp.h"

enum { FILTER_MAX_SECTIONS = 4 };

struct filter {
    size_t n;
    struct section {
        double b0, b1, b2, a1, a2; /* a0 = 1 */
    } sections[FILTER_MAX_SECTIONS];
};

/* kind: low or high; order 2, 4, 6 or 8; cutoff below half the frequency. ERR_INPUT when the cutoff is so
 * near 0 or half the frequency that the rounded filter would not be stable. */
int filter_butterworth(enum dsp_filter kind, int order, double cutoff, double frequency, struct filter *ret,
                       struct err *err);
/* In place, from rest. */
void filter_run(const struct filter *f, double *x, size_t n);
/* In place; returns the new length, ceil(n / ratio). ratio: 3 or 10. */
size_t filter_decimate(double *x, size_t n, size_t ratio);

#endif
