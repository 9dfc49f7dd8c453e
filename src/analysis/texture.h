/* What the moving parts of a clip look like, beside how they move (motion.h): fine or broad, sharp or
 * blurred, which way their edges run, their colours, lines, letters; and whether the picture moves as a
 * whole. Made from the pictures that the motion search has read, so nothing is decoded twice. For the
 * nuisance scores.
 *
 * Cells are those of motion.h. "Staying" cells are those that move in a third of all pictures and at least
 * three, "passing" ones all others that ever moved: a web and the person behind it are told apart so. Pure:
 * same pictures, same numbers. One instance per video, one thread; memory from the arena. */
#ifndef ASSAY_ANALYSIS_TEXTURE_H
#define ASSAY_ANALYSIS_TEXTURE_H

#include "analysis/motion.h"

struct texture;

struct texture *texture_new(struct arena *a, int width, int height);
/* After each motion_next, with the same picture and the regions that it gave. */
void texture_next(struct texture *t, const struct motion *m, const struct picture *bgr,
                  const struct region *regions, size_t nregions);

/* Means over visits of one group of cells; 0 when there is none. Levels are / 255. */
struct texture_group {
    float share;      /* of all visits of moving cells that are in this group */
    float detail;     /* mean step between neighbouring pixels */
    float contrast;   /* lightest - darkest pixel of a cell */
    float ridges;     /* bend of the brightness / step: near 2 thin lines and dots, near 0 slopes */
    float coherence;  /* 0 steps in all directions, 1 in one only */
    float upright;    /* -1 edges run level .. 1 upright */
    float two_levels; /* 0 all shades .. 1 only the lightest and the darkest of a cell */
    float crisp;      /* share of steps of more than 48 levels */
    float saturation; /* largest - smallest of red, green and blue */
    float green;      /* green - mean of red and blue */
    float brightness;
};

/* The stir map: mean difference of each half-size pixel from the picture before. "Stirred" are those well
 * above the picture's usual. */
struct texture_stats {
    struct texture_group staying, passing;
    float stirred;        /* share of all */
    float stir;           /* mean of the stirred / 255 */
    float quiet;          /* the usual stir: noise; / 255 */
    float stir_ridges;    /* bend of the map / its value, where stirred: lines and dots against areas */
    float stir_coherence; /* direction of the map's slopes, as above */
    float stir_upright;
    float edge_bound;             /* correlation of the map with the picture's own edges: shaking, swaying */
    float overlap, overlap_two;   /* moving cells of a picture that also moved one, two pictures before */
    float novel;                  /* share of moving cells that never moved before, in the later half */
    float episodes;               /* times that a cell began to move, mean of those that ever did */
    float jitter;                 /* mean change of the moving share from picture to picture / its mean */
    float light_step, light_most; /* change of the mean brightness between pictures, / 255: mean, largest */
    float shift;                  /* mean shift of the whole picture, in cells */
    float shift_explains;         /* share of all change that the shift explains */
    float shift_turns;            /* share of shifts that go against the one before */
    float straight;               /* net path / path of the largest region */
    float size_jitter;            /* mean change of the largest region's size, in powers of e */
    float aside;                  /* mean distance of the largest region from the middle, in widths */
    float low, high;              /* share of moving cells in the lowest, highest eighth */
    float flips;                  /* changes between light and dark per 100 pixels of a row of the regions */
    float flips_down;             /* and of a column */
    float inks;                   /* share of the regions' pixels near the two commonest shades */
    float colour;                 /* mean saturation of the picture; 0 infrared */
    float lightness;              /* mean of the picture */
    float edges;                  /* mean step of the half-size picture, / 255 */
};
struct texture_stats texture_stats(const struct texture *t);

#endif
