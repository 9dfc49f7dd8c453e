/* From recordings to the features of their windows: the DSP blocks of one impulse made ready, then one
 * recording after the other.
 *
 *     if (features_new(&f, &impulse, &err) < 0) ...
 *     for (each recording) {
 *         features_open(f, a, fd, &part, deadline, &taken, &err);
 *         for (k = 0; k < taken.windows.count; k++) {
 *             arena_rewind(w);
 *             features_make(f, w, &taken, k, &made, &err);
 *             v = features_joined(f, w, &made, &impulse.learn[0], &n);
 *         }
 *     }
 *
 * The impulse is borrowed and outlives it; impulse_check has seen it. One thread. No allocation for a window
 * once a few have been made, where features and values fit into arenas that are rewound. */
#ifndef ASSAY_ANALYSIS_WINDOW_FEATURES_H
#define ASSAY_ANALYSIS_WINDOW_FEATURES_H

#include "analysis/fit.h"
#include "analysis/windows.h"
#include "dsp/dsp.h"

struct features;

/* ERR_INPUT names the block whose type, version or setting is not possible. */
int features_new(struct features **ret_features, const struct impulse *p, struct err *err);
void features_freep(struct features **f);

/* A recording as its windows need it. */
struct taken {
    const struct sensor_part *part;
    struct windows windows;
    size_t naxes;
    const float *numbers; /* at the impulse's frequency, filled up where it is padded; a picture: its width
                           * and height, then 0xRRGGBB for each pixel */
    size_t n;
    struct placing placing; /* of a picture */
    struct {
        size_t n;
        unsigned char of[SENSOR_AXES];
    } axes[IMPULSE_BLOCKS]; /* of each DSP block, places in `numbers` */
};

/* Reads part `part` of the subject, brings it to the impulse's frequency or size, and finds the axes by name.
 * `a` holds the numbers. ERR_INPUT, ERR_DECODE, ERR_LIMIT: this recording cannot be judged; ERR_TIMEOUT,
 * ERR_IO. */
int features_open(struct features *f, struct arena *a, int fd, const struct sensor_part *part,
                  int64_t deadline_mono_us, struct taken *ret, struct err *err);

/* What all DSP blocks make of one window; lives in the arena. */
struct made {
    struct dsp_features of[IMPULSE_BLOCKS];
};
int features_make(struct features *f, struct arena *a, const struct taken *t, size_t window, struct made *ret,
                  struct err *err);
/* The values that the DSP block at place `block` gets of a window which begins at reading `first`. */
struct dsp_input features_input(const struct features *f, struct arena *a, const struct taken *t,
                                size_t first, size_t block);
/* Of the one DSP block at place `block`, and of a window that begins at any reading of the recording. */
int features_make_one(struct features *f, struct arena *a, const struct taken *t, size_t first, size_t block,
                      struct dsp_features *ret, struct err *err);
/* Those that a learn block wants, one behind the other. */
const float *features_joined(const struct features *f, struct arena *a, const struct made *m,
                             const struct impulse_learn *l, size_t *ret_n);
/* The place of the DSP block with this id. */
size_t features_place(const struct features *f, int64_t id);
const struct dsp_settings *features_settings(const struct features *f, size_t block);

#endif
