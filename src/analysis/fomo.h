/* Boxes from a grid of centroids (FOMO), and how they compare with what is there.
 *
 * A model gives for each cell of a grid a probability for the background and for each label. Row by row, a
 * cell with a label of at least `least` joins the first box of its label that it overlaps or touches, corners
 * included, or begins one; its score counts if it is the highest. Boxes of one label that touch in the end
 * are joined once more. Then cells become pixels. The vendor's device library forgets to widen a box that
 * grows to the left or upwards, and loses its right or lower cells; we do not (docs/impulses.md). */
#ifndef ASSAY_ANALYSIS_FOMO_H
#define ASSAY_ANALYSIS_FOMO_H

#include "report/sensor.h"

struct fomo_grid {
    const float *scores; /* rows x columns x (nlabels + 1), the first the background's */
    size_t rows, columns, nlabels;
    const char *const *labels;
    double least;
    int width, height; /* of the model's input, in pixels */
};

/* Fills n, boxes and scores. ERR_LIMIT above SENSOR_BOXES. */
int fomo_boxes(struct arena *a, const struct fomo_grid *g, struct window_boxes *ret, struct err *err);

/* Pairs of one label with the distance of their middles in 0..1 of the picture; of those nearer than
 * FOMO_NEAR as many as possible are assigned, at the least distance together. precision = assigned / boxes,
 * recall = assigned / truths, f1 = their harmonic mean. w has boxes and truths already. */
#define FOMO_NEAR 0.2
int fomo_compare(struct arena *a, int width, int height, int64_t deadline_mono_us, struct window_boxes *w,
                 struct err *err);

#endif
