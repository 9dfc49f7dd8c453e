/* Energies in bands of the mel scale, mel(f) = 1127 ln(1 + f/700), and the sliding normalisation after them.
 *
 * filters + 2 points stand evenly in mel from low to high (0 = half the frequency); in Hz the last one is
 * moved down by 0.001; each falls to bin floor((M + 1) f / fs), with M the FFT length in version 4, and by a
 * mistake that trained models rely on half of it plus one in 1 to 3. Filter i is a triangle over points i,
 * i+1, i+2 with peak 1. A filter without any bin is a mistake of the settings. An energy of 0 counts as
 * 1e-10. */
#ifndef ASSAY_DSP_MEL_INT_H
#define ASSAY_DSP_MEL_INT_H

#include "dsp/frames_int.h"

/* frames->n rows of mel->filters energies, in scratch. NULL and err. */
double *mel_energies(struct dsp_call *c, const struct dsp_mel *mel, const struct frames *f, struct err *err);
int mel_check(const struct dsp_mel *mel, double frequency, struct err *err);

/* rows x cols in place: minus the mean of the `window` rows around (odd; beyond the ends the rows mirror, the
 * last one twice), then, with `variance`, divided by their deviation + 1e-10, itself taken over what is
 * mean-free. Rounded to float after each step as in training. */
int mel_normalise(struct dsp_call *c, double *v, size_t rows, size_t cols, int window, bool variance,
                  struct err *err);

#define MEL_PARAMS(member, count)                                                                       \
    {                                                                                                   \
        "num_filters", DSP_INT, offsetof(struct dsp_settings, member.filters), 2, DSP_MAX_FILTERS,      \
        count,         NULL},                                                                           \
        {"low_frequency", DSP_NUMBER, offsetof(struct dsp_settings, member.low), 0, 1e9, 0, NULL},      \
        {"high_frequency", DSP_NUMBER, offsetof(struct dsp_settings, member.high), 0, 1e9, 0, NULL},    \
    {                                                                                                   \
        "win_size", DSP_INT, offsetof(struct dsp_settings, member.window), 0, DSP_MAX_WINDOW, 101, NULL \
    }

#endif
