#include "analysis/strokes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SMALLEST_CELL = 8, /* pixels */
    STEP = 24,         /* levels between pixels two apart: an edge. 70 misses grey signs. */
    WIDEST = 4,        /* cells: a wider stroke is none */
    FEWEST = 3,        /* ends of strokes in a cell with letters */
    FEWEST_CELLS = 3,  /* of a region */
    REACH_X = 2,       /* cells: gaps between letters and words of a region ... */
    REACH_Y = 1,       /* ... and between its lines */
    BITS = 8,          /* of a mark, either way */
};

struct strokes_work {
    int8_t *step, *before; /* per pixel of a row: 1 brighter, -1 darker, 0 neither; with a margin of one */
    int8_t *edge;          /* ... where the row before says the same */
    uint8_t *col, *bit;    /* per x: cell, bit in its row */
    uint8_t *seen;         /* per cell */
    int *stack;
};

struct strokes *strokes_new(struct arena *a, int width, int height)
{
    struct strokes *s = arena_alloc(a, sizeof *s);
    struct strokes_work *w = s->work = arena_alloc(a, sizeof *w);
    int longer = width > height ? width : height;
    int cell = (longer + STROKES_MAX_SIDE - 1) / STROKES_MAX_SIDE;
    size_t n, line = (size_t)width + 2;

    s->width = width;
    s->height = height;
    s->cell = cell > SMALLEST_CELL ? cell : SMALLEST_CELL;
    s->cols = (width + s->cell - 1) / s->cell;
    s->rows = (height + s->cell - 1) / s->cell;
    n = (size_t)s->cols * (size_t)s->rows;
    s->count = arena_alloc(a, n);
    s->mark = arena_array(a, n, sizeof *s->mark);
    w->step = arena_alloc(a, line);
    w->before = arena_alloc(a, line);
    w->edge = arena_alloc(a, line + sizeof(uint64_t));
    w->col = arena_alloc(a, line);
    w->bit = arena_alloc(a, line);
    w->seen = arena_alloc(a, n);
    w->stack = arena_array(a, n, sizeof *w->stack);
    for (int x = 0; x < width; x++) {
        w->col[x] = (uint8_t)(x / s->cell);
        w->bit[x] = (uint8_t)(x % s->cell * BITS / s->cell);
    }
    return s;
}

/* ---- strokes ---- */

/* The vector units do this and the next one. */
static void find_steps(const uint8_t *row, int width, int8_t *restrict step)
{
    for (int x = 1; x < width - 1; x++) {
        int d = row[x + 1] - row[x - 1];
        step[x] = (int8_t)((d > STEP) - (d < -STEP));
    }
}

static void keep_tall(const int8_t *restrict step, const int8_t *restrict before, int width,
                      int8_t *restrict edge)
{
    for (int x = 1; x < width - 1; x++) {
        int8_t s = step[x];
        edge[x] = (int8_t)(s & -(int)((before[x - 1] == s) | (before[x] == s) | (before[x + 1] == s)));
    }
}

static void add_end(struct strokes *s, int x, int row, int bit_row)
{
    int cell = row * s->cols + s->work->col[x];

    s->count[cell] = (uint8_t)(s->count[cell] + (s->count[cell] < UINT8_MAX));
    s->mark[cell] |= 1ull << (bit_row * BITS + s->work->bit[x]);
}

static bool is_empty_word(const int8_t *edge)
{
    uint64_t word;

    memcpy(&word, edge, sizeof word);
    return word == 0;
}

/* Pairs an edge with the nearest one to its left of the other kind. A run of pixels of one kind is one edge.
 */
static void pair_edges(struct strokes *s, int y)
{
    const int8_t *edge = s->work->edge;
    int row = y / s->cell, bit_row = y % s->cell * BITS / s->cell, widest = WIDEST * s->cell;
    int last = 0, kind = 0;

    for (int x = 1; x < s->width - 1; x++) {
        if (edge[x] == 0) {
            x += is_empty_word(edge + x) ? (int)sizeof(uint64_t) - 1 : 0;
            continue;
        }
        if (edge[x] == edge[x - 1]) {
            last = x;
            continue;
        }
        if (kind == -edge[x] && x - last <= widest) {
            add_end(s, last, row, bit_row);
            add_end(s, x, row, bit_row);
        }
        kind = edge[x];
        last = x;
    }
}

void strokes_look(struct strokes *s, const struct picture *luma)
{
    struct strokes_work *w = s->work;
    size_t n = (size_t)s->cols * (size_t)s->rows;
    int every = s->cell / SMALLEST_CELL; /* rows of a larger picture are not all needed */

    memset(s->count, 0, n);
    memset(s->mark, 0, n * sizeof *s->mark);
    memset(w->before, 0, (size_t)s->width);
    for (int y = 0; y < s->height; y += every) {
        int8_t *swap = w->before;

        find_steps(luma->pixels + (size_t)y * (size_t)s->width, s->width, w->step);
        keep_tall(w->step, w->before, s->width, w->edge);
        pair_edges(s, y);
        w->before = w->step;
        w->step = swap;
    }
}

bool strokes_at(const struct strokes *s, int cell)
{
    return s->count[cell] >= FEWEST;
}

/* Each bit and its neighbours to the left and right. */
static uint64_t widen(uint64_t mark)
{
    const uint64_t first = 0x0101010101010101, last = first << 7;

    return mark | (mark & ~last) << 1 | (mark & ~first) >> 1;
}

bool strokes_alike(uint64_t mark, uint64_t other)
{
    int both = __builtin_popcountll(mark & widen(other)) + __builtin_popcountll(other & widen(mark));
    int all = __builtin_popcountll(mark) + __builtin_popcountll(other);

    return both * 10 >= all * 6;
}

/* ---- regions ---- */

static void grow(const struct strokes *s, int start, struct cells *ret, int *ret_n)
{
    struct strokes_work *w = s->work;
    int depth = 0;

    w->seen[start] = 1;
    w->stack[depth++] = start;
    while (depth > 0) {
        int i = w->stack[--depth], x = i % s->cols, y = i / s->cols;

        ++*ret_n;
        *ret = (struct cells){x < ret->x0 ? x : ret->x0, y < ret->y0 ? y : ret->y0, x > ret->x1 ? x : ret->x1,
                              y > ret->y1 ? y : ret->y1};
        for (int v = y - REACH_Y; v <= y + REACH_Y; v++)
            for (int u = x - REACH_X; u <= x + REACH_X; u++) {
                int k = v * s->cols + u;
                if (u < 0 || v < 0 || u >= s->cols || v >= s->rows || w->seen[k] || !strokes_at(s, k))
                    continue;
                w->seen[k] = 1;
                w->stack[depth++] = k;
            }
    }
}

static int gap_of(int a0, int a1, int b0, int b1)
{
    return (a0 > b0 ? a0 - b1 : b0 - a1) - 1;
}

static int lower_of(const struct cells *a, const struct cells *b)
{
    int ha = a->y1 - a->y0 + 1, hb = b->y1 - b->y0 + 1;

    return ha < hb ? ha : hb;
}

/* Words of a line are at most one and a half of its height apart, lines of a text one: what is read alone
 * loses its neighbours. The lower of the two counts, it is the one that is a line. */
static bool are_near(const struct cells *a, const struct cells *b)
{
    int beside = gap_of(a->x0, a->x1, b->x0, b->x1), below = gap_of(a->y0, a->y1, b->y0, b->y1);
    int height = lower_of(a, b);

    return (below < 0 && beside * 2 <= height * 3) || (beside < 0 && below < height);
}

static void join(struct cells *a, const struct cells *b)
{
    a->x0 = b->x0 < a->x0 ? b->x0 : a->x0;
    a->y0 = b->y0 < a->y0 ? b->y0 : a->y0;
    a->x1 = b->x1 > a->x1 ? b->x1 : a->x1;
    a->y1 = b->y1 > a->y1 ? b->y1 : a->y1;
}

static size_t join_near(struct cells *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            if (are_near(&c[i], &c[k])) {
                join(&c[i], &c[k]);
                memmove(&c[k], &c[k + 1], (--n - k) * sizeof *c);
                k = i; /* the grown one may reach others */
            }
    return n;
}

size_t strokes_regions(const struct strokes *s, struct cells ret[STROKES_MAX_REGIONS])
{
    int n = s->cols * s->rows;
    size_t found = 0;

    memset(s->work->seen, 0, (size_t)n);
    for (int i = 0; i < n; i++) {
        struct cells c = {s->cols, s->rows, 0, 0};
        int cells = 0;

        if (!strokes_at(s, i) || s->work->seen[i])
            continue;
        grow(s, i, &c, &cells);
        if (cells < FEWEST_CELLS)
            continue;
        if (found == STROKES_MAX_REGIONS)
            join(&ret[found - 1], &c);
        else
            ret[found++] = c;
    }
    return join_near(ret, found);
}

struct box strokes_box(const struct strokes *s, struct cells c, int margin)
{
    float w = (float)s->width, h = (float)s->height;
    int x0 = c.x0 > margin ? (c.x0 - margin) * s->cell : 0,
        y0 = c.y0 > margin ? (c.y0 - margin) * s->cell : 0;
    int x1 = (c.x1 + 1 + margin) * s->cell, y1 = (c.y1 + 1 + margin) * s->cell;

    x1 = x1 < s->width ? x1 : s->width;
    y1 = y1 < s->height ? y1 : s->height;
    return (struct box){(float)x0 / w, (float)y0 / h, (float)(x1 - x0) / w, (float)(y1 - y0) / h};
}

/* Of `at` (0..1) in `size` pixels: the cell, within 0..n-1. */
static int cell_of(float at, int size, int cell, int n)
{
    int i = (int)(fminf(fmaxf(at, 0), 1) * (float)size) / cell;

    return i < n ? i : n - 1;
}

struct cells strokes_cells(const struct strokes *s, const struct box *b)
{
    return (struct cells){
        cell_of(b->x, s->width, s->cell, s->cols), cell_of(b->y, s->height, s->cell, s->rows),
        cell_of(b->x + b->w, s->width, s->cell, s->cols), cell_of(b->y + b->h, s->height, s->cell, s->rows)};
}
