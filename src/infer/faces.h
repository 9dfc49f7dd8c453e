/* Faces of a picture: where they are, how sure the model is, and the five points by which infer/embedding.h
 * turns them upright. Needs a model whose card has the task "faces" (docs/models.md).
 *
 * Pure but for the run of the model: same picture, same faces. A finder is one model's state for one thread;
 * the keeper loads the model, each analyst makes its own finder.
 *
 * Errors: ERR_TIMEOUT when the deadline had passed, ERR_MODEL for a model that fails or gives something that
 * is not a number, or not a probability: then nothing of its output can be believed. */
#ifndef ASSAY_INFER_FACES_H
#define ASSAY_INFER_FACES_H

#include "infer/detect.h"

enum { FACES_MAX = 300, FACE_POINTS = 5 };

struct face {
    struct box box;               /* 0..1 of the picture, inside it */
    float score;                  /* 0..1, calibrated */
    float points[FACE_POINTS][2]; /* x, y in 0..1 of the picture, a little outside at its border: the eye that
                                   * lies left in the picture, the other eye, tip of the nose, left and right
                                   * corner of the mouth, for a face that is upright */
};

struct face_finder;
/* Lives as long as `a`; borrows the model, whose task must be "faces". */
struct face_finder *face_finder_new(struct arena *a, struct model *m);

/* The faces of a BGR picture, best first, at most FACES_MAX, each at least card->faces.min_face pixels wide
 * and high. They go to the arena. No face is 0 and ret_n = 0. */
int faces_find(struct face_finder *f, struct arena *a, const struct picture *bgr, int64_t deadline_mono_us,
               struct face **ret_faces, size_t *ret_n, struct err *err);
/* The shorter side of a face's box in pixels of the picture: what the min_face of cards is compared with. */
double face_pixels(const struct face *f, const struct picture *bgr);

/* The decoder "yunet", pure, for tests. Twelve outputs, for the strides 8, 16 and 32: cls [1,k,1], obj
 * [1,k,1], bbox [1,k,4], kps [1,k,10], one row per cell of the grid. Score = sqrt(cls * obj), centre = (cell
 * + bbox xy) * stride, size = exp(bbox wh) * stride, point = (cell + kps) * stride: as in
 * github.com/opencv/opencv, modules/objdetect/src/face_detect.cpp. */
struct raw_face {
    struct raw_box box;           /* label 0 */
    float points[FACE_POINTS][2]; /* input pixels */
};
/* Faces that reach the threshold, best first. ret_faces has room for one per cell
 * and one more. ERR_MODEL when the shapes do not fit the card, or a score is not a probability. */
int yunet_decode(const struct card *card, const struct tensor_list *out, struct raw_face *ret_faces,
                 size_t *ret_n, struct err *err);

#endif
