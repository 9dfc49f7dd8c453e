/* Brings pictures into the input of a model, as its card says: size, padding or cut, channel order, scale,
 * mean and deviation. One per model and thread. */
#ifndef ASSAY_INFER_FIT_INT_H
#define ASSAY_INFER_FIT_INT_H

#include "infer/model.h"
#include "media/image.h"

/* Which part of the picture went where. */
struct placement {
    int x, y, w, h; /* of the picture, pixels */
    int to_w, to_h; /* pixels of the input that show it, from the top left; the rest is padding */
};

struct fitter;
/* Lives as long as `a`. */
struct fitter *fitter_new(struct arena *a, struct model *m);
/* The picture is BGR. ERR_LIMIT, ERR_INTERNAL of picture_scale. */
int fitter_put(struct fitter *f, const struct picture *bgr, struct placement *ret, struct err *err);
/* A BGR picture that has the size of the input already. */
void fitter_fill(struct fitter *f, const struct picture *bgr);

/* What fitter_put does with a picture of that size; pure, for tests. */
struct placement placement_of(const struct card_input *in, int width, int height);

#endif
