/* Thumbnails of what was looked at, for people: the sharpest sample of every shot, small. They are the
 * artefact of pipelines "scenes" and "pictures" when somebody wants one; the format is report/strip.h's.
 *
 * Where a shot's middle lies is only known at its end, and a blurred picture shows little, so each shot keeps
 * the sharpest of its samples, and of equally sharp ones the first. When there are more shots than STRIP_MAX,
 * one of the two that lie closest together goes, the less sharp one: what is left is spread over the whole
 * video. The running shot always stays.
 *
 * One instance per video or batch, one thread; at most 5 MB from the arena, however long the video. Pure but
 * for the writes of strip_end: the same samples, the same bytes. */
#ifndef ASSAY_ANALYSIS_STRIP_H
#define ASSAY_ANALYSIS_STRIP_H

#include "media/image.h"
#include "report/strip.h"

enum { STRIP_SIDE = 160 }; /* longest side of a thumbnail in pixels; a smaller sample is not enlarged */

struct strip;
struct strip *strip_new(struct arena *a);
/* The next sample: a BGR picture, borrowed for the call, with growing pts (seconds since the first frame; of
 * a batch the index of the picture). `changed`: it belongs to another shot than the sample before.
 * `sharpness` is the caller's measure, larger = sharper; it is only compared within this strip. A sample that
 * cannot be scaled is left out. */
void strip_sample(struct strip *s, const struct picture *bgr, double pts, bool changed, double sharpness);
/* Writes the file from offset 0; also when there was no sample at all. ERR_IO when it cannot be written.
 * Once.
 */
int strip_end(struct strip *s, int fd, struct err *err);

#endif
