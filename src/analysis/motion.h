/* Moving regions: a background model over small luma pictures (running mean and deviation per cell), and
 * blobs of what differs both from the background and from the picture before. Gives the detector the places
 * worth a closer look, and the motion features behind the nuisance scores.
 *
 * A cell is a block of the picture, such that about 80 cells are its height; a cell's value is the mean luma
 * of its pixels, 0..255. Pure: same pictures, same regions. One instance per video, one thread; memory from
 * the arena. */
#ifndef ASSAY_ANALYSIS_MOTION_H
#define ASSAY_ANALYSIS_MOTION_H

#include <stdbool.h>

#include "media/image.h"

struct motion;

struct region {
    struct box box; /* 0..1 of the picture */
    float area;     /* moving cells / all cells */
};

enum { MOTION_MAX_REGIONS = 16 };

struct motion *motion_new(struct arena *a, int width, int height);
/* Feeds the next BGR picture (width x height of motion_new) and the seconds since the last one. Returns the
 * regions of this picture, largest first. The first picture gives none, and neither does one in which nearly
 * everything changed. */
size_t motion_next(struct motion *m, const struct picture *bgr, double seconds, struct region *ret_regions);
/* Share of the cells inside the box that moved in the last picture, 0..1; 1 when nearly everything changed.
 */
float motion_inside(const struct motion *m, const struct box *box);

/* The cells of the last picture, borrowed until the next motion_next; rows of `cols`. */
struct motion_cells {
    int cols, rows, block;         /* block: pixels of a cell's side */
    const uint8_t *moving;         /* 0 or 1 */
    const uint8_t *value, *before; /* mean luma of this picture and of the one before */
    bool all_changed;              /* nearly everything: nothing can be said of single cells */
};
struct motion_cells motion_cells(const struct motion *m);

/* Statistics over all pictures so far, for the rules behind the nuisance scores. Shares are 0..1. "Moving
 * pictures" are those with at least one region; means over none are 0. */
struct motion_stats {
    int pictures;       /* compared with the one before: one less than were fed */
    float moving_share; /* mean share of moving cells */
    float global_share; /* share of pictures where nearly everything changed: camera shake, light switched */
    float still_share;  /* share of pictures without any region */
    float regions;      /* mean number of regions of the moving pictures */
    float region_size;  /* mean area of the largest region of the moving pictures */
    float scatter; /* 1 - largest region / all moving cells, mean over the moving pictures: many small ones
                      near 1 */
    float persistence; /* share of motion in cells which move in a third of all pictures and at least three:
                          swaying things */
    float oscillation; /* share of a cell's successive changes that go the other way (brighter, darker,
                          brighter) */
    float travel;      /* largest net path of one region, in picture widths */
    float speed;       /* mean path per second of regions seen in two pictures, in picture widths */
    float vertical;    /* horizontal gradient / (both), of the change in moving cells: 0.5 no direction, 1
                          vertical streaks */
    float sharpness; /* mean difference of neighbouring cells where it moves, / 255: things near the lens are
                        blurred */
    float spread;    /* share of all cells that ever moved */
    float once;      /* of them: share that moved in one picture only, as rain does */
    float width, height; /* deviation of the moving cells from their middle, in picture widths and heights */
    float middle_y;      /* of the moving cells, 0 top .. 1 bottom */
    float unsteady; /* deviation of the share of moving cells over the pictures / its mean: something passes
                       by */
    float
        grain;  /* change between neighbouring moving cells / change: leaves and drops near 1, cloth near 0 */
    float tall; /* mean of log(height / width) of the regions, in cells */
    float fill; /* mean share of a region's box that moves */
    float brightness; /* mean change against the background of moving cells, / 255; positive: brighter */
};
struct motion_stats motion_stats(const struct motion *m);

#endif
