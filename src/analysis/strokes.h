/* The gate before the text reader: where a picture has strokes as letters have them. A stroke is a rise and a
 * fall of brightness (or the other way round) within a few pixels of one row, both of which go on in the row
 * above or below; noise does not. Cells of about 1/80 of the width hold how many and where, so that the next
 * picture can be compared with it.
 *
 * It lets foliage, fences and faces through as well; what it must not do is stop a text. Pure; one thread;
 * memory from the arena. */
#ifndef ASSAY_ANALYSIS_STROKES_H
#define ASSAY_ANALYSIS_STROKES_H

#include <stdbool.h>

#include "base/arena.h"
#include "media/image.h"

enum {
    STROKES_MAX_SIDE = 128, /* cells, either way */
    STROKES_MAX_REGIONS = 24,
};

/* Cells, inclusive. */
struct cells {
    int x0, y0, x1, y1;
};

struct strokes {
    int width, height;    /* of the picture */
    int cell, cols, rows; /* pixels of a cell's side; how many there are */
    uint8_t *count;       /* per cell: ends of strokes, at most 255 */
    uint64_t *mark;       /* per cell: 8 x 8 bits, where the ends are */
    struct strokes_work *work;
};

struct strokes *strokes_new(struct arena *a, int width, int height);
/* Looks at a luma picture of that size. */
void strokes_look(struct strokes *s, const struct picture *luma);

/* Whether there may be letters in this cell. */
bool strokes_at(const struct strokes *s, int cell);
/* Whether two cells have their strokes at the same places, give or take one bit sideways. */
bool strokes_alike(uint64_t mark, uint64_t other);
/* Groups of cells that may be texts, top to bottom, apart from each other; more than there is room for become
 * one. */
size_t strokes_regions(const struct strokes *s, struct cells ret[STROKES_MAX_REGIONS]);
/* In 0..1 of the picture, `margin` cells larger on each side. */
struct box strokes_box(const struct strokes *s, struct cells c, int margin);
/* The cells that a box touches. */
struct cells strokes_cells(const struct strokes *s, const struct box *box);

#endif
