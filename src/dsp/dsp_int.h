/* What the blocks share: one call, its output, and the row each block adds to the table in dsp/dsp.c. */
#ifndef ASSAY_DSP_DSP_INT_H
#define ASSAY_DSP_DSP_INT_H

#include "dsp/dsp.h"

enum dsp_type { DSP_NUMBER, DSP_INT, DSP_FLAG, DSP_CHOICE, DSP_EDGES };

struct dsp_param {
    const char *name;
    enum dsp_type type;
    size_t offset; /* in struct dsp_settings: double, int, bool, int, spectral.edges */
    double min, max, fallback;
    const char *const *choices; /* DSP_CHOICE: the names, up to a NULL; fallback is an index */
};

/* What a plan remembers of the windows before. */
struct dsp_past {
    double *means; /* of each axis `room` of them, in turn */
    size_t axes, room, n, next;
};

struct dsp_call {
    struct arena *arena;   /* for the features */
    struct arena *scratch; /* gone when the call ends */
    struct fft **fft;      /* of the plan, see dsp_fft */
    struct dsp_past *past;
    const struct dsp_settings *s;
    const float *values;
    size_t n, axes, readings;
    double frequency;
    struct dsp_features out; /* filled by dsp_room and dsp_put */
    size_t room;
};

struct dsp_names {
    struct arena *arena;
    const char **labels;
    size_t n, cap;
};

struct dsp_block {
    const char *name;
    int newest;         /* versions 1..newest */
    bool one_axis;      /* sound: one block per axis */
    bool any_frequency; /* the sampling frequency does not matter */
    const struct dsp_param *params;
    size_t nparams;
    /* What the table of parameters cannot say. May be NULL. */
    int (*check)(const struct dsp_settings *s, double frequency, struct err *err);
    int (*run)(struct dsp_call *c, struct err *err);
    /* May be NULL: no labels. Called after check. */
    int (*label)(struct dsp_names *to, const struct dsp_settings *s, double frequency, struct err *err);
};

extern const struct dsp_block dsp_block_raw, dsp_block_flatten, dsp_block_spectral, dsp_block_mfe,
    dsp_block_mfcc, dsp_block_spectrogram, dsp_block_image;

/* Room for exactly n features; before the first dsp_put. ERR_LIMIT above the ceiling. The shape is flat until
 * the block says otherwise. */
int dsp_room(struct dsp_call *c, size_t n, struct err *err);
void dsp_put(struct dsp_call *c, double v);
void dsp_label(struct dsp_names *to, const char *fmt, ...) PRINTF(2, 3);

/* One axis as an own array of c->readings numbers, each multiplied by scale. In scratch; NULL as dsp_scratch.
 */
double *dsp_axis(struct dsp_call *c, size_t axis, double scale, struct err *err);
/* count doubles in scratch, zeroed. NULL and ERR_LIMIT when there is no memory. */
double *dsp_scratch(struct dsp_call *c, size_t count, struct err *err);
/* The plan's FFT, which is made once; a block has one length. NULL and err. */
struct fft *dsp_fft(struct dsp_call *c, int n, struct err *err);
/* 4..DSP_MAX_FFT and a power of two, or ERR_INPUT. */
int dsp_check_fft(int n, struct err *err);

#endif
