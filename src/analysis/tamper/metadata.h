/* What a file says of itself, and whether that holds together. Each contradiction has a weight; the score is
 *
 *     1 - product of (1 - weight) over the contradictions found
 *
 *   picture (JPEG, PNG)                                                              weight
 *     thumbnail      the small picture in EXIF shows something else                   0.7
 *     editor         EXIF, XMP or a PNG text names a program for changing pictures    0.35
 *     size           EXIF gives other sides than the picture has                      0.25
 *     dates          EXIF: changed more than a minute after it was taken              0.15
 *     tables         EXIF names a camera, but the JPEG's tables are those of the IJG's library 0.1
 *   PDF
 *     after_signature  bytes were added behind what was signed                        0.8
 *     editor           the producer is a program for changing PDFs                    0.35
 *     updates          it was added to, without a signature                           0.25
 *     dates            changed more than a minute after it was made                   0.15
 *
 * One of the small ones alone is no verdict: a photo may well be developed in an editor. The weights are
 * ours. A file that says nothing is unknown, never clean. Source of the facts: media/exif_facts.h,
 * media/pdf.h. */
#ifndef ASSAY_ANALYSIS_TAMPER_METADATA_H
#define ASSAY_ANALYSIS_TAMPER_METADATA_H

#include "media/image.h"
#include "media/pdf.h"
#include "report/tampering.h"

/* picture: BGR, upright, maybe smaller; width and height are those of the file as displayed. Unknown:
 * "no_metadata". Never fails: what is broken in the metadata is left out. */
struct tamper_evidence metadata_of_picture(struct bytes file, const struct picture *bgr, int width,
                                           int height, int64_t deadline_mono_us);
struct tamper_evidence metadata_of_pdf(const struct pdf_facts *f);

#endif
