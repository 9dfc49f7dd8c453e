/* A picture into the size that an impulse wants, in one of four ways:
 *
 *   squash     both sides become what is wanted, the picture may be distorted
 *   fit-short  the shorter side fits, what is too much of the longer is cut off on both ends
 *   fit-long   the longer side fits, the rest is black, the same on both ends
 *   crop       the middle of that size, not scaled; a picture too small for it as with fit-short
 *
 * Bilinear; where it shrinks, over all pixels that go into one. */
#ifndef ASSAY_ANALYSIS_FIT_H
#define ASSAY_ANALYSIS_FIT_H

#include "base/arena.h"
#include "media/image.h"
#include "report/sensor.h"

/* Where a point of the picture lies in the result: x * scale_x + add_x. */
struct placing {
    double scale_x, scale_y, add_x, add_y;
};

/* 3 channels BGR in and out, in the arena. ERR_LIMIT, ERR_DECODE. */
int fit_picture(struct arena *a, const struct picture *from, enum picture_fit fit, int width, int height,
                struct picture *ret, struct placing *ret_placing, struct err *err);
/* The box as it lies in the result, cut at its edges; false: nothing of it is there. */
bool fit_box(const struct placing *p, int width, int height, const struct sensor_box *box,
             struct sensor_box *ret);

#endif
