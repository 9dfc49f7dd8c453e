/* Where shots begin: hard cuts, dissolves, and fades through black or white. docs/shots.md tells how, with
 * which thresholds, and what cannot be found.
 *
 * In short: a cut is a frame whose colours and structure differ from the frame before, by much more than
 * neighbouring frames do, and to which the picture before does not come back within half a second (that is a
 * flash). A dissolve is a stretch in which every picture is a mixture of its two ends, and motion does not
 * explain the change. A fade is a stretch without contrast which contrast slowly leaves and comes back to.
 *
 * Online: keeps looks at the last four seconds (below 2 MB, however long the video) and the list of shots.
 * Times are those of the frames, so a variable frame rate is fine. One instance per video, one thread; pure;
 * memory from the arena. */
#ifndef ASSAY_ANALYSIS_SHOTS_H
#define ASSAY_ANALYSIS_SHOTS_H

#include "media/glance.h"
#include "report/scenery.h"

struct arena;
struct shots;
struct shots *shots_new(struct arena *a);
/* Every frame in display order, with seconds since the first. */
void shots_next(struct shots *s, const struct glance *g, double pts);
/* The video ends at `end` seconds (media/video.h, video_end): fills nshots, shots and has_shots. Shots are
 * contiguous, the first begins at 0, the last ends at `end`; a gradual transition is cut at its middle.
 * Without any frame there is none. Once. */
void shots_end(struct shots *s, double end, struct scenery *ret);

#endif
