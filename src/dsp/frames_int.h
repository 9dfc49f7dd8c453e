/* A sound cut into frames, and the power spectrum of each: what mfe, mfcc and spectrogram begin with.
 *
 * Length and stride in readings are seconds times frequency, rounded up, but down when that is less than
 * 0.001 too much (version 1 rounds the length to the nearest). Number of frames with N readings, length L,
 * stride S: floor((N - L) / S) in version 1, which forgets the last one, floor((N - (L - S)) / S) later. 1 to
 * 500 or ERR_INPUT. No window function; a frame longer than the FFT is cut to it, a shorter one padded; power
 * |X|^2 / n. */
#ifndef ASSAY_DSP_FRAMES_INT_H
#define ASSAY_DSP_FRAMES_INT_H

#include "dsp/dsp_int.h"

struct frames {
    size_t n, bins; /* bins = fft_length / 2 + 1 */
    double *power;  /* n rows of bins, in the call's scratch */
};

/* x: the call's readings. */
int frames_power(struct dsp_call *c, const struct dsp_frames *how, const double *x, struct frames *ret,
                 struct err *err);
int frames_check(const struct dsp_frames *how, struct err *err);

/* The three parameters of every such block; `member` is the one of struct dsp_settings. */
#define FRAMES_PARAMS(member, seconds, points)                                                                \
    {"frame_length", DSP_NUMBER, offsetof(struct dsp_settings, member.length), 1e-9, 1e6, 0.02, NULL},        \
        {"frame_stride", DSP_NUMBER, offsetof(struct dsp_settings, member.stride), 1e-9, 1e6, seconds, NULL}, \
    {                                                                                                         \
        "fft_length", DSP_INT, offsetof(struct dsp_settings, member.fft_length), 4, DSP_MAX_FFT, points,      \
            NULL                                                                                              \
    }

#endif
