/* Who a face is, as a vector: faces of one person point in the same direction. Needs a model whose card has
 * the task "face-embedding" (docs/models.md).
 *
 * A face is turned upright first: the similarity (turn, scale, shift) that brings its five points nearest to
 * those of the card, in the least-squares sense of S. Umeyama, "Least-squares estimation of transformation
 * parameters between two point patterns", IEEE PAMI 13(4), 1991, without mirroring.
 *
 * Vectors are biometric data: whoever stores them answers for it. One maker per model and thread. */
#ifndef ASSAY_INFER_EMBEDDING_H
#define ASSAY_INFER_EMBEDDING_H

#include "infer/faces.h"

struct embedder;
/* Lives as long as `a`; borrows the model, whose task must be "face-embedding". */
struct embedder *embedder_new(struct arena *a, struct model *m);
/* Numbers of one vector; what the model's output has. 1..1024 */
size_t embedding_length(const struct embedder *e);

/* 1 and a vector of length 1 (L2) in the arena; 0 when the face is smaller than card->embedding.min_face
 * pixels, or has no direction to turn it by; -1 and err (ERR_TIMEOUT, ERR_MODEL). The picture is the BGR one
 * that the face was found in. */
int embedding_make(struct embedder *e, struct arena *a, const struct picture *bgr, const struct face *face,
                   int64_t deadline_mono_us, const float **ret_vector, struct err *err);

/* Cosine of two vectors of length 1: -1..1. Same person from card->embedding.same_from on. */
double faces_alike(const float *x, const float *y, size_t n);

/* The mean direction of n vectors of `length` numbers each, L2-normalised, into ret; false when they cancel
 * out. */
bool embedding_mean(const float *const *vectors, size_t n, size_t length, float *ret);

#endif
