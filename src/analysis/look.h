/* What the search for shots keeps of a frame, and how alike two of those are. Behind shots.c, not a shared
 * analysis of its own.
 *
 * A look has the luma on a grid of 80 x 48 whatever the shape of the frame, the same again at half the size,
 * both colours, and histograms. 6 kB. Pure. */
#ifndef ASSAY_ANALYSIS_LOOK_H
#define ASSAY_ANALYSIS_LOOK_H

#include <stdbool.h>

#include "media/glance.h"

enum {
    LOOK_WIDTH = 80,
    LOOK_HEIGHT = 48,
    LOOK_CELLS = LOOK_WIDTH * LOOK_HEIGHT,
    LOOK_SMALL = LOOK_CELLS / 4,
    LOOK_BINS = 32, /* of each histogram */
};

struct look {
    double pts;
    uint8_t luma[LOOK_CELLS];
    uint8_t small[LOOK_SMALL];
    uint8_t u[GLANCE_COLOURS], v[GLANCE_COLOURS];
    float bins[3][LOOK_BINS]; /* luma, u, v: shares, smoothed over neighbours */
    float mean, deviation;    /* of luma, levels */
    float texture;            /* mean square of the difference of neighbours, levels squared */
};

void look_at(struct look *l, const struct glance *g, double pts);

/* Black or white, or nearly, and nothing to see. */
bool look_is_empty(const struct look *l);

/* All 0 for equal looks. */
float look_luma_difference(const struct look *a, const struct look *b);      /* mean, levels */
float look_colour_difference(const struct look *a, const struct look *b);    /* mean of u and v, levels */
float look_histogram_difference(const struct look *a, const struct look *b); /* 0..1 */
/* How much of b is nowhere near in a, 0..1: each block of b is searched for in a, up to a tenth of the width
 * away, after a's brightness and contrast were set to those of b. A camera or a thing that moves leaves it
 * low, and so does light that is switched. */
float look_structure_difference(const struct look *a, const struct look *b);
/* What the same search leaves of the plain difference, without setting brightness: 0 all of it is motion,
 * 1 none. */
float look_motion_left(const struct look *a, const struct look *b);
/* Correlation of the small ones, -1..1; 0 when one has nothing to see. */
float look_correlation(const struct look *a, const struct look *b);

#endif
