/* Cuts a turned square out of a picture. Pure. */
#ifndef ASSAY_INFER_ALIGN_INT_H
#define ASSAY_INFER_ALIGN_INT_H

#include <stdbool.h>

#include "base/arena.h"
#include "media/image.h"

/* (u, v) -> (c u - s v + x, s u + c v + y): turn, scale and shift, no mirroring. */
struct similarity {
    double c, s, x, y;
};

/* The one that brings n points of `from` nearest to those of `to` (least squares; S. Umeyama, IEEE PAMI 13(4)
 * 1991, which for the plane without mirroring has this closed form: the turn is the angle of the summed
 * products of the centred points, as complex numbers). False when the points of one side are all the same, or
 * none is left of a direction. */
bool similarity_between(const double (*from)[2], const double (*to)[2], size_t n, struct similarity *ret);
struct similarity similarity_inverse(const struct similarity *t);

/* Fills dst from src; `t` leads from pixels of dst to pixels of src, both counted from the left top corner
 * (the middle of the first pixel is .5, .5). Bilinear; what is much larger in src is shrunk first, so no
 * pixel is left out. Outside src it is black. The scratch memory comes from the arena. */
void similarity_cut(struct arena *scratch, const struct picture *src, const struct similarity *t,
                    struct picture *dst);

#endif
