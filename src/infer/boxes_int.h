/* Boxes of any detector between its output and its caller. */
#ifndef ASSAY_INFER_BOXES_INT_H
#define ASSAY_INFER_BOXES_INT_H

#include "infer/detect.h"
#include "infer/fit_int.h"

/* For qsort over structs that begin with a raw_box: best first; equal scores in a fixed order, so that the
 * same picture gives the same list. */
int raw_box_by_score(const void *x, const void *y);
/* Intersection over union. */
double raw_box_iou(const struct raw_box *a, const struct raw_box *b);
/* From input pixels to 0..1 of the picture, cut to it. */
struct box raw_box_place(const struct raw_box *b, const struct placement *p);

#endif
