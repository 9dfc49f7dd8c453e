/* How a recording becomes windows: how many, where they begin, which axes they take, what is expected in
 * them. Pure arithmetic. The rules are those of the vendor whose impulses we run, see docs/impulses.md:
 *
 *   window   round(window_ms * f / 1000) readings, at least 1
 *   step     window step_ms * f / 1000 rounded down, at least 1 (62.5 Hz and 200 ms are 12 readings,
 * not 12.5) count    floor((readings - window) / step) + 1; a rest shorter than a window is left out. A
 * recording shorter than a window is one window filled up with zeros (`pad`), or none
 *
 * f is the impulse's frequency; a recording of another one is resampled first (analysis/resample.h).
 * Frequencies less than 1/100,000 apart are the same. */
#ifndef ASSAY_ANALYSIS_WINDOWS_H
#define ASSAY_ANALYSIS_WINDOWS_H

#include "analysis/resample.h"
#include "report/sensor.h"

struct windows {
    size_t window, step, count; /* window k is readings k * step .. k * step + window - 1 */
    size_t readings;            /* at the impulse's frequency, without padding */
    bool resampled, padded;
    struct resample ratio; /* when it is resampled */
};

/* Of a recording of so many readings; frequency 0 (a reading without time) counts as the impulse's.
 * INPUT_FEATURES: one window, all of it. ERR_INPUT when the frequencies are too far apart; ERR_LIMIT. */
int windows_of(const struct impulse *p, size_t readings, double frequency, struct windows *ret,
               struct err *err);

/* For each wanted axis its place among those of the recording, by name; none wanted: all in their order.
 * ret: room for SENSOR_AXES. ERR_INPUT names the one that is missing. */
int windows_axes(const struct sensor_part *part, size_t nwanted, const char *const *wanted, size_t *ret,
                 size_t *ret_n, struct err *err);

/* Labels of the windows as stretches, first and last window: each window has the label of its last reading,
 * none where that has none. `part` has labels in its own readings. Neighbours with the same label are one. */
const struct sensor_stretch *windows_expected(struct arena *a, const struct sensor_part *part,
                                              const struct windows *w, size_t *ret_n);

#endif
