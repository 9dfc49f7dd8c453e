/* Copy-move: does one part of the picture stand in it twice?
 *
 * The brightness, halved until its longer side is at most MOST_SIDE, is cut into overlapping blocks of 16x16;
 * each is told by its ten lowest DCT coefficients, on coarse steps. Blocks that read the same lie side by
 * side when they are sorted; each such pair votes for the shift between them. For the shifts with most votes
 * every pixel is compared with the one the shift away, and the largest region of blocks of 8x8 that agree,
 * and have a texture, is the copy. The score is its size on a scale to 1. Sources: J. Fridrich, D. Soukal, J.
 * Lukas, "Detection of copy-move forgery in digital images" (2003); the comparison of pixels afterwards is
 * ours.
 *
 * Bounded: at most MOST_SIDE^2 pixels; blocks on two rasters of 2 and 3 pixels (4 and 5 in larger
 * pictures), so that every shift is met; 24 shifts.
 *
 * Limits: finds what was shifted, not what was turned, mirrored or scaled, and nothing below about 32x32
 * pixels. In a picture that had to be halved a copy by an odd number of pixels is no exact copy any more.
 * Printed letters, fences, windows and drawn pictures repeat themselves by nature: when shifts into many
 * directions agree, it is "repetitive", and nobody knows. */
#ifndef ASSAY_ANALYSIS_TAMPER_COPY_MOVE_H
#define ASSAY_ANALYSIS_TAMPER_COPY_MOVE_H

#include "media/image.h"
#include "report/tampering.h"

/* luma: 1 channel, upright, at its own size. Unknown: "too_small", "flat", "repetitive". ERR_TIMEOUT. */
int copy_move(const struct picture *luma, int64_t deadline_mono_us, struct tamper_evidence *ret,
              struct err *err);

#endif
