/* Another sampling frequency for a recording: up by a whole number, through a low-pass, down by another, all
 * in one step (polyphase). The filter is what scipy's resample_poly takes, on which the features of models
 * were made: a sinc of 20 * max(up, down) + 1 taps under a Kaiser window with beta 5, cut off at the lower of
 * both Nyquist frequencies, gain 1 at 0 Hz; beyond its ends a recording is zeros. The result has
 * ceil(readings * up / down) readings. Pure. */
#ifndef ASSAY_ANALYSIS_RESAMPLE_H
#define ASSAY_ANALYSIS_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { RESAMPLE_MAX_FACTOR = 2000, RESAMPLE_MAX_NUMBERS = 1 << 24 };

struct resample {
    int up, down; /* without a common divisor */
};

/* The fraction nearest to `to` / `from` among those of at most RESAMPLE_MAX_FACTOR. ERR_INPUT when they
 * are further apart than that factor. */
int resample_ratio(double from, double to, struct resample *ret, struct err *err);
/* ERR_LIMIT above RESAMPLE_MAX_NUMBERS. */
int resample_count(size_t readings, const struct resample *r, size_t *ret, struct err *err);
/* readings x axes -> resample_count x axes, in the arena. ERR_LIMIT, ERR_TIMEOUT. */
int resample_series(struct arena *a, const float *in, size_t readings, size_t axes, const struct resample *r,
                    int64_t deadline_mono_us, float **ret_out, size_t *ret_readings, struct err *err);

#endif
