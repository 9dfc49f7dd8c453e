/* The real FFT, of libavutil (av_tx, in double); dsp/fft.c is the only file that sees it. A plan costs about
 * 15 us, a transform of 128 less than one: make one plan and keep it for all segments of a window. */
#ifndef ASSAY_DSP_FFT_INT_H
#define ASSAY_DSP_FFT_INT_H

#include <stddef.h>

#include "base/err.h"

struct fft;

/* n: a power of two, 4..DSP_MAX_FFT. NULL and err (ERR_INTERNAL) when the library will not. */
struct fft *fft_new(int n, struct err *err);
void fft_freep(struct fft **f);

/* |X|^2 of the bins 0..n/2. An x shorter than n is padded with zeros, a longer one is cut to its first n. */
void fft_power(struct fft *f, const double *x, size_t len, double *ret_power);

#endif
