/* Moving regions: a background model over luma pictures, per-pixel running mean and deviation, blobs of what differs.
 * Gives the detector the places worth a closer look, and the motion features behind the nuisance scores.
 * Pure: same pictures, same regions. One instance per video, one thread. */
#ifndef ASSAY_ANALYSIS_MOTION_H
#define ASSAY_ANALYSIS_MOTION_H

#include "media/image.h"

struct motion;

struct region {
    struct box box;   /* 0..1 of the picture */
    float area;       /* moving pixels / pixels of the picture */
};

enum { MOTION_MAX_REGIONS = 16 };

struct motion *motion_new(struct arena *a, int width, int height);
/* Feeds the next luma picture (width x height of motion_new), seconds since the last one. Returns regions of this picture, largest
 * first. The first picture gives none. */
size_t motion_next(struct motion *m, const struct picture *luma, double seconds, struct region *ret_regions);

/* Statistics over all pictures so far, for the rules behind the nuisance scores. */
struct motion_stats {
    int pictures;
    float moving_share;   /* mean share of moving pixels */
    float global_share;   /* share of pictures where nearly everything moved: camera shake, light switched */
    float scatter;        /* many small regions all over: 0..1 */
    float persistence;    /* share of motion that comes back to the same place: swaying things */
    float travel;         /* largest net path of one region, in picture widths */
};
struct motion_stats motion_stats(const struct motion *m);

#endif
