/* Detectors: picture in, boxes out. Fits the picture into the model's input as the card says, runs it, decodes the
 * output, drops what is below the label's threshold, and suppresses overlapping boxes per label (NMS). */
#ifndef ASSAY_INFER_DETECT_H
#define ASSAY_INFER_DETECT_H

#include "infer/model.h"
#include "media/image.h"

struct detection {
    const struct card_label *label;
    float score;
    struct box box; /* 0..1 of the picture */
};

/* Detections in the arena, best first, at most 300. The picture is BGR. */
int detect(struct model *m, struct arena *a, const struct picture *pic, int64_t deadline_mono_us,
           struct detection **ret_found, size_t *ret_n, struct err *err);

/* Output decoders, by the card's output.decoder; pure, for tests.
 * "yolox-raw": [1,N,5+C] raw grid form, cx = (v + grid) * stride, w = exp(v) * stride, strides 8/16/32, score = obj * class.
 * "boxes": [1,N,4+C] cx, cy, w, h in input pixels, score = class. */
struct raw_box {
    float cx, cy, w, h; /* input pixels */
    float score;
    int label;
};
size_t decode_output(const struct card *card, const struct tensor *out, struct raw_box *ret_boxes, size_t max,
                     struct err *err);
/* Greedy per-label NMS in place, best first; returns how many stay. */
size_t nms(struct raw_box *boxes, size_t n, double iou);

#endif
