/* Maps of numbers over a picture's blocks of 8x8, and the one region that stands out. Pure. */
#ifndef ASSAY_ANALYSIS_TAMPER_GRID_H
#define ASSAY_ANALYSIS_TAMPER_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "media/image.h"

/* sum[i] / weight[i] is the value of block i; weight 0: nobody knows. Both have w * h entries. */
struct grid {
    int w, h;
    float *sum, *weight;
};
struct grid grid_new(struct arena *a, int w, int h);
/* Sums over the (2r+1) x (2r+1) blocks around each, cut at the edges. */
struct grid grid_spread(struct arena *a, const struct grid *g, int r);
/* The middle value over the blocks with a weight of at least `least`; 0 when there are none. */
double grid_median(struct arena *a, const struct grid *g, float least, size_t *ret_n);

struct region {
    size_t n;           /* blocks; 0: there is none */
    int x0, y0, x1, y1; /* blocks, the last ones are inside */
    double sum, weight; /* over its blocks */
};
/* The region of most blocks that hang together by their edges where mask is not 0; takes mask as scratch. */
struct region grid_largest(struct arena *a, const struct grid *g, uint8_t *mask);

/* Blocks of a BGR picture with pixels that reach either end of the range: there every rule about what
 * compression leaves behind fails. w * h entries, 1 = clipped; blocks that the picture has not are not. */
uint8_t *grid_clipped(struct arena *a, const struct picture *bgr, int w, int h);

#endif
