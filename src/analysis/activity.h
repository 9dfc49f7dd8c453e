/* The activity curve of a video: how much the picture changes between two samples, two samples a second.
 *
 * A sample is the frame on display at a multiple of the step, a value the mean absolute difference of luma of
 * a sample and the one before, / 255: 0..1. n + 1 samples give n values; value i belongs to
 * (i + 1) * duration / (n + 1). The step is 0.5 s and doubles until there are at most SCENERY_MAX_ACTIVITY
 * values, so an hour fits. What the header says about the duration does not matter: every step that might be
 * needed is sampled on the way, for twice the work of one and 64 kB of values.
 *
 * Memory from the arena. One instance per video, one thread; pure. */
#ifndef ASSAY_ANALYSIS_ACTIVITY_H
#define ASSAY_ANALYSIS_ACTIVITY_H

#include "media/glance.h"
#include "report/scenery.h"

struct arena;
struct activity;
struct activity *activity_new(struct arena *a);
/* Every frame in display order, with seconds since the first. */
void activity_next(struct activity *c, const struct glance *g, double pts);
/* The video ends at `end` seconds (media/video.h, video_end): fills activity_step, nactivity and activity.
 * One frame gives none, as does half a second. Without any frame the step stays 0. Once. */
void activity_end(struct activity *c, double end, struct scenery *ret);

#endif
