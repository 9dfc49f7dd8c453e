/* How well boxes of a detector meet those which are there: mean average precision as COCO has it, of one
 * picture. A box meets a truth of its label when they overlap by at least t (area of both / area of either),
 * the best scored box first, each truth once; t goes from 0.5 to 0.95 by 0.05. The average precision of a
 * label is the mean over the recalls 0, 0.01 ... 1 of the highest precision with at least that recall; the
 * result the mean over labels that are there, and t. Pure. */
#ifndef ASSAY_ANALYSIS_AVERAGE_PRECISION_H
#define ASSAY_ANALYSIS_AVERAGE_PRECISION_H

#include "report/sensor.h"

/* 0..1; 0 without truths. Uses n, boxes, scores, ntruths and truths. */
double average_precision(const struct window_boxes *w);
double box_overlap(const struct sensor_box *a, const struct sensor_box *b);

#endif
