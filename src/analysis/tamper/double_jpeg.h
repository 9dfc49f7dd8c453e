/* Double quantisation: which part of a JPEG was compressed once, where the rest was compressed twice?
 *
 * Whoever opens a JPEG (steps q1), puts something in and saves it again (steps q2) leaves a picture whose
 * old part was quantised twice: its histograms of coefficients have gaps or peaks with a period of q1/q2. The
 * part that was put in has none. For each of the low frequencies, with h(k) the histogram and s(k) its mean
 * over one period:
 *
 *     w(k)  = chance that a value is at k after q1 and then q2, against q2 alone      (noise of pixels: sigma
 * 0.4) gain  = 1/N sum over k of h(k) log w(k) - s(k) (w(k) - 1)                       highest over all q1
 *
 * From LEAST_GAIN on, the frequency was quantised twice. When a third of them were, each block has its own
 * odds for "once": the sum of -log w(k) over its coefficients, divided by what a part that was quantised once
 * would have on average. The largest region of 5x5 blocks with odds above 0.3 is what was put in. Its mean
 * odds (1: just as what was quantised once), times how much of the full size it has, are the score, with 0.8
 * at the threshold. Source: Z. Lin et al., "Fast, automatic and fine-grained tampered JPEG image detection
 * via DCT coefficient analysis" (Pattern Recognition 42, 2009); the search for q1 by likelihood is ours.
 *
 * Limits: a picture which was compressed twice as a whole is no finding (every messenger does that), but
 * its number `twice` says so. Sees nothing when the second saving was the harder one, or when the picture was
 * cropped between both off the grid of 8x8. */
#ifndef ASSAY_ANALYSIS_TAMPER_DOUBLE_JPEG_H
#define ASSAY_ANALYSIS_TAMPER_DOUBLE_JPEG_H

#include "media/image.h"
#include "media/jpeg_blocks.h"
#include "report/tampering.h"

/* bgr: the picture, as stored; its clipped blocks are left out. Unknown: "too_small", "flat". ERR_TIMEOUT. */
int double_jpeg(const struct jpeg_blocks *b, const struct picture *bgr, int64_t deadline_mono_us,
                struct tamper_evidence *ret, struct err *err);

#endif
