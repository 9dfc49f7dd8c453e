/* What version 1 of spectral-analysis finds in an axis whose mean is gone: its rms; the `peaks` highest local
 * maxima of 2|X|/n (n the FFT length) that reach the threshold, each as frequency and height, highest first,
 * missing ones as 0, 0; and between each two edges the mean of the periodogram (one-sided density, the mean
 * of what is transformed taken out again), divided by ten, 0 where no bin lies.
 *
 * As in the vendor's reference the frequencies of the n/2 bins run evenly from 0 to half the sampling
 * frequency, both included, which is a little wrong, and kept. A flat top counts at its middle. No golden
 * vector covers version 1. */
#ifndef ASSAY_DSP_PEAKS_INT_H
#define ASSAY_DSP_PEAKS_INT_H

#include "dsp/dsp_int.h"
#include "dsp/fft_int.h"

/* power: room for fft_length/2 + 1 numbers, overwritten. n is at least 1. */
void peaks_put(struct dsp_call *c, struct fft *fft, const double *x, size_t n, double *power);

#endif
