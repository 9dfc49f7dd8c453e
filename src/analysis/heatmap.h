/* Where on a picture a detector sees a machine's hand: overlapping tiles of the size of its patch, each
 * judged by itself, averaged where they overlap, laid over the picture. Red: artificial, blue: human, the
 * more the surer. It explains what one detector looked at, it proves nothing. */
#ifndef ASSAY_ANALYSIS_HEATMAP_H
#define ASSAY_ANALYSIS_HEATMAP_H

#include "analysis/analysis.h"
#include "infer/origin.h"
#include "media/image.h"

enum {
    HEATMAP_TILES = 196,    /* at most: what it costs, whatever the size of the picture */
    HEATMAP_CELL = 16,      /* pixels: the map is that coarse */
    HEATMAP_LONGEST = 1024, /* longer side of the result in pixels */
};

/* Scores for artificial, 0..1, row by row. */
struct heatmap {
    int columns, rows;
    float *scores;
};
/* Of a picture at least a patch wide and high. ERR_TIMEOUT, ERR_MODEL. */
int heatmap_make(struct arena *a, struct origin_judge *judge, int patch, const struct picture *bgr,
                 int64_t deadline_mono_us, struct heatmap *ret, struct err *err);
/* The picture, at most HEATMAP_LONGEST a side, with the map over it; in the arena. */
int heatmap_draw(struct arena *a, const struct heatmap *map, const struct picture *bgr, struct picture *ret,
                 struct err *err);
/* The detector whose map it is, of a picture of that size: the first that counts for images and is not
 * obsolete, else the first; NULL: none can make one. */
const struct origin_seat *heatmap_seat(const struct origin_tools *t, int width, int height);
/* Makes it, draws it, and writes it as PNG to a descriptor. ERR_TIMEOUT, ERR_MODEL, ERR_IO. */
int heatmap_write(const struct origin_seat *seat, const struct picture *bgr, int fd, int64_t deadline_mono_us,
                  struct err *err);
/* Where tiles of `patch` begin along a side, at most `max` of them: both edges are covered. Pure. */
int heatmap_starts(int side, int patch, int max, int i, int *ret_start);

#endif
