/* The second look: moving places in which the whole frame showed nothing certain, kept as enlarged crops
 * while the video passes, so that the detector can look at the best few of them at the end. At most one place
 * per frame, and at most ZOOM_MAX of a clip: the cost is bounded whatever moves. */
#ifndef ASSAY_ANALYSIS_ZOOM_H
#define ASSAY_ANALYSIS_ZOOM_H

#include "analysis/motion.h"
#include "base/arena.h"

enum { ZOOM_MAX = 12 };

struct zoom {
    int moment;             /* which judged frame */
    float weight;           /* how much it promises */
    struct region place;    /* what moves there */
    struct box box;         /* of the crop in the frame, 0..1 */
    struct picture picture; /* the crop, scaled to the detector's input */
};

struct zooms {
    struct arena *arena;
    int side; /* of the pictures, pixels */
    size_t n;
    struct zoom all[ZOOM_MAX];
};

/* side: smaller side of the detector's input. */
struct zooms zooms_new(struct arena *a, int side);
/* The square around a place, with surroundings; false when it would be nearly the whole frame, which was
 * looked at already. */
bool zoom_square(const struct picture *frame, const struct box *place, struct box *ret_square);
/* Keeps the crop when there is room or when it promises more than the least promising one. */
int zooms_offer(struct zooms *z, const struct picture *frame, const struct zoom *offer, struct err *err);
/* The most promising first. */
void zooms_sort(struct zooms *z);
/* How many of a clip are looked at. */
size_t zooms_budget(int judged);
/* A box of the crop as a box of the frame. */
struct box zoom_to_frame(const struct zoom *z, const struct box *b);

#endif
