/* Error level analysis: which part of a picture would lose another amount by compression than the rest?
 *
 * What was a JPEG before has coefficients that lie on the steps of its table, and loses next to nothing when
 * it is quantised by the same steps again; what comes from elsewhere loses as much as chance. For each of a
 * few fixed qualities Q, over the blocks of 8x8 of the brightness, with c a coefficient and q its step:
 *
 *     loss(block) = sum of (c - q round(c/q))^2 / sum of q^2/12     over the c (not c00) of at least q/2
 *
 * 1 = as much as chance, 0 = nothing. The largest region whose loss over 5x5 blocks is more than GAP away
 * from the picture's median is the outlier; the score is how far it is away (of both, what is above 1 counts
 * as 1), times how much of the full size it has. Blocks that are clipped are left out. Source: N. Krawetz, "A
 * picture's worth" (2007), error level analysis; H. Farid, "Exposing digital forgeries from JPEG ghosts"
 * (2009), the sweep of qualities. The normalisation by q^2/12 is ours: it takes the texture out, which alone
 * makes most of what such pictures show.
 *
 * Limits: sees only what differs in its history of compression on the 8x8 grid. A picture that was saved hard
 * after the change, scaled or turned has lost that. A change of more than half of the picture is not seen.
 * Drawings and letters over a photo are seen, as what they are: put on it. */
#ifndef ASSAY_ANALYSIS_TAMPER_ERROR_LEVEL_H
#define ASSAY_ANALYSIS_TAMPER_ERROR_LEVEL_H

#include "media/image.h"
#include "report/tampering.h"

/* bgr and luma: the same picture, as stored and at its own size, in 3 channels and in 1. Unknown:
 * "too_small", "flat" (too little to look at). ERR_TIMEOUT, ERR_LIMIT. */
int error_level(const struct picture *bgr, const struct picture *luma, int64_t deadline_mono_us,
                struct tamper_evidence *ret, struct err *err);

#endif
