/* What a learn block is trained on: the features of every window of every recording, and what is there. Each
 * recording is cut as for classification (analysis/window_features.h), and belongs as a whole to those that
 * are trained on or to those that are held out: windows overlap, and one of a recording that was trained on
 * proves nothing.
 *
 * Which recordings are held out depends on their numbers and labels alone, not on the seed: those of each
 * label stand in the order of a hash of their number, and the first `held` of them, at least one of two, are
 * held out. A label that would have nothing to be trained
 * on gets its held-out recordings back. */
#ifndef ASSAY_ANALYSIS_LESSONS_H
#define ASSAY_ANALYSIS_LESSONS_H

#include "report/sensor.h"

enum { LESSONS_MAX_NUMBERS = 1 << 25 }; /* features of all windows */

struct lessons {
    size_t n, nfeatures;
    size_t nblocks, of_block[IMPULSE_BLOCKS]; /* features of each DSP block */
    float *features;                          /* n x nfeatures */
    int *labels;                              /* of each window; -1: none */
    size_t *recordings;                       /* of each window: index of its part */
    bool *held;                               /* of each part */
    size_t nlabels;
    const char **names; /* alphabetical */
};

struct lessons_opts {
    const struct impulse *impulse;
    const struct impulse_learn *block; /* whose features are wanted */
    size_t nparts;
    const struct sensor_part *parts;
    double held;
    bool labelled; /* windows without a label are left out, and every label has windows */
    int64_t deadline_mono_us;
    void (*progress)(void *arg, int done, int planned); /* after every recording; may be NULL */
    void *progress_arg;
    int planned; /* for progress: steps in all */
};

/* Recordings are read from the descriptor. ERR_INPUT what the user can mend, with the number of the
 * recording; the errors of analysis/window_features.h. */
int lessons_read(struct arena *a, int fd, const struct lessons_opts *opts, struct lessons *ret,
                 struct err *err);
/* Names of the features as the DSP blocks give them, one for each feature, NULL where there is none. */
int lessons_names(struct arena *a, const struct lessons_opts *opts, const struct lessons *l,
                  const char ***ret, struct err *err);

#endif
