/* Detectors: picture in, boxes out. Fits the picture into the model's input as the card says, runs it,
 * decodes the output, drops what is below the label's threshold, and suppresses overlapping boxes per label
 * (NMS). */
#ifndef ASSAY_INFER_DETECT_H
#define ASSAY_INFER_DETECT_H

#include "infer/model.h"
#include "media/image.h"

enum { DETECT_MAX = 300 };

struct detection {
    const struct card_label *label; /* one with a concept */
    float score;                    /* raw, 0..1 */
    struct box box;                 /* 0..1 of the picture, inside it */
};

/* What one model needs between pictures: the fitted picture. One per model and thread. */
struct detector;
struct detector *detector_new(struct arena *a, struct model *m);

/* Detections go to the arena, best first, at most DETECT_MAX. The picture is BGR. Errors: ERR_TIMEOUT,
 * ERR_MODEL (also for an output that is not a number). */
int detect(struct detector *d, struct arena *a, const struct picture *pic, int64_t deadline_mono_us,
           struct detection **ret_found, size_t *ret_n, struct err *err);

/* Output decoders, by the card's output.decoder; pure, for tests. N cells, C labels.
 * "yolox-raw": [1,N,5+C] raw grid form of YOLOX (github.com/Megvii-BaseDetection/YOLOX, demo_utils.py): cx =
 * (v + grid) * stride, w = exp(v) * stride, strides 8, 16, 32 one after the other, score = objectness *
 * class. "boxes":     [1,N,4+C] cx, cy, w, h in input pixels, score = class. */
struct raw_box {
    float cx, cy, w, h; /* input pixels */
    float score;
    int label; /* index into card->labels */
};
/* The best label of each cell for each concept, where that reaches its threshold; best first. ret_boxes has
 * room for N per concept of the card, and one more. ERR_MODEL when the shape does not fit the card, or a
 * score is not a probability: one such number, and nothing of the output can be believed. */
int decode_output(const struct card *card, const struct tensor *out, struct raw_box *ret_boxes, size_t *ret_n,
                  struct err *err);
/* Greedy per-label NMS in place over boxes sorted best first; returns how many stay. */
size_t nms(struct raw_box *boxes, size_t n, double iou);

#endif
