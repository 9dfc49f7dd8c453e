#include "analysis/tamper/copy_move.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/tamper/dct.h"
#include "analysis/tamper/evidence_int.h"
#include "analysis/tamper/grid.h"
#include "base/c23.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum {
    MOST_SIDE = 2048,
    LARGE = 1024, /* from this side on blocks lie further apart */
    SIDE = 96,    /* below it there is no room for two */
    BLOCK = 16,
    HALF = 8, /* the blocks' transform is one of 8x8 means of 2x2 */
    TERMS = 10,
    NEAR = 32,    /* pixels: a shift must be longer */
    PARTNERS = 4, /* sorted neighbours a block is compared with */
    SHIFTS = 24,  /* that are looked at closely */
    LEAST_VOTES = 20,
    LEAST_TEXTURE = 40, /* variance, to count at all */
    LEAST_BLOCKS = 200, /* with a texture */
    CELL = 8,
    LEAST_CELLS = 12, /* of a copy, and 3 each way */
    FULL = 80,        /* cells of a copy that counts fully */
    MANY = 4,         /* copies by as many unlike shifts are a pattern */
};
static const double same = 3.0; /* mean difference of pixels in a cell that is a copy */
static const double threshold = 0.5;

/* ---- blocks ---- */

struct block {
    int8_t terms[TERMS];
    uint16_t x, y;
};

static int by_terms(const void *a, const void *b)
{
    const struct block *p = a, *q = b;
    int d = memcmp(p->terms, q->terms, sizeof p->terms);

    if (d)
        return d;
    return p->y != q->y ? (p->y > q->y) - (p->y < q->y) : (p->x > q->x) - (p->x < q->x);
}

/* Means of 2x2 keep the transform at 8x8. */
static void halve_block(const struct picture *p, int x, int y, uint8_t ret[HALF * HALF])
{
    for (int j = 0; j < HALF; j++)
        for (int i = 0; i < HALF; i++) {
            const uint8_t *at = p->pixels + (size_t)(y + 2 * j) * (size_t)p->width + (size_t)(x + 2 * i);
            ret[j * HALF + i] = (uint8_t)((at[0] + at[1] + at[p->width] + at[p->width + 1] + 2) / 4);
        }
}

static bool describe(const struct picture *p, int x, int y, struct block *ret)
{
    static const uint8_t zigzag[TERMS] = {0, 1, 8, 16, 9, 2, 3, 10, 17, 24};
    uint8_t small[HALF * HALF];
    float c[64], energy = 0;

    halve_block(p, x, y, small);
    dct8(small, HALF, c);
    for (int i = 1; i < 64; i++)
        energy += c[i] * c[i];
    if (energy / 64 < LEAST_TEXTURE)
        return false;
    *ret = (struct block){.x = (uint16_t)x, .y = (uint16_t)y};
    for (int i = 0; i < TERMS; i++) {
        float step = i ? 12.0F : 16.0F, v = roundf(c[zigzag[i]] / step);
        ret->terms[i] = (int8_t)(v < -127 ? -127 : v > 127 ? 127 : v);
    }
    return true;
}

/* Two rasters whose steps have no common factor: every shift leads from one to the other somewhere. */
struct rasters {
    int one, two;
};

static struct rasters rasters_of(const struct picture *p)
{
    bool large = p->width > LARGE || p->height > LARGE;

    return large ? (struct rasters){4, 5} : (struct rasters){2, 3};
}

static bool on_raster(int x, int y, int step)
{
    return x % step == 0 && y % step == 0;
}

static size_t most_blocks(const struct picture *p, struct rasters r)
{
    size_t one = (size_t)(p->width / r.one + 1) * (size_t)(p->height / r.one + 1);

    return one + (size_t)(p->width / r.two + 1) * (size_t)(p->height / r.two + 1);
}

static size_t describe_all(const struct picture *p, struct rasters r, struct block *all)
{
    size_t n = 0;

    for (int y = 0; y + BLOCK <= p->height; y++)
        for (int x = 0; x + BLOCK <= p->width; x++)
            if (on_raster(x, y, r.one) || on_raster(x, y, r.two))
                n += describe(p, x, y, &all[n]);
    return n;
}

/* ---- votes ---- */

/* Of all shifts to the right, and straight down; dx in -MOST_SIDE..MOST_SIDE, dy in 0..MOST_SIDE. */
enum { ACROSS = 2 * MOST_SIDE + 1, DOWN = MOST_SIDE + 1 };

static void vote(uint32_t *votes, const struct block *a, const struct block *b)
{
    int dx = b->x - a->x, dy = b->y - a->y;

    if (dy < 0 || (dy == 0 && dx < 0)) {
        dx = -dx;
        dy = -dy;
    }
    if (dx * dx + dy * dy >= NEAR * NEAR)
        votes[(size_t)dy * ACROSS + (size_t)(dx + MOST_SIDE)]++;
}

static void vote_all(uint32_t *votes, const struct block *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n && k <= i + PARTNERS; k++)
            if (memcmp(all[i].terms, all[k].terms, TERMS) == 0)
                vote(votes, &all[i], &all[k]);
}

/* The shift with most votes; they and their neighbours' are taken away. */
static bool next_shift(uint32_t *votes, int *ret_dx, int *ret_dy)
{
    size_t best = 0, all = (size_t)ACROSS * DOWN;

    for (size_t i = 0; i < all; i++)
        if (votes[i] > votes[best])
            best = i;
    if (votes[best] < LEAST_VOTES)
        return false;
    *ret_dx = (int)(best % ACROSS) - MOST_SIDE;
    *ret_dy = (int)(best / ACROSS);
    for (int y = *ret_dy - 2; y <= *ret_dy + 2; y++)
        for (int x = *ret_dx - 2; x <= *ret_dx + 2; x++)
            if (y >= 0 && y < DOWN && x >= -MOST_SIDE && x <= MOST_SIDE)
                votes[(size_t)y * ACROSS + (size_t)(x + MOST_SIDE)] = 0;
    return true;
}

/* ---- a closer look ---- */

/* Whether the cell is the same as the one the shift away, and no mere surface. */
static bool is_same(const struct picture *p, int x, int y, int dx, int dy)
{
    int sum = 0, squares = 0, off = 0;

    for (int j = 0; j < CELL; j++)
        for (int i = 0; i < CELL; i++) {
            int v = p->pixels[(size_t)(y + j) * (size_t)p->width + (size_t)(x + i)];
            int w = p->pixels[(size_t)(y + j + dy) * (size_t)p->width + (size_t)(x + i + dx)];
            sum += v;
            squares += v * v;
            off += abs(v - w);
        }
    return off < same * CELL * CELL && squares - sum * sum / (CELL * CELL) >= LEAST_TEXTURE * CELL * CELL / 2;
}

static struct region compare(struct arena *a, const struct picture *p, int dx, int dy)
{
    struct grid g = grid_new(a, p->width / CELL, p->height / CELL);
    uint8_t *mask = arena_alloc(a, (size_t)g.w * (size_t)g.h);

    for (int cy = 0; cy < g.h; cy++)
        for (int cx = 0; cx < g.w; cx++) {
            int x = cx * CELL, y = cy * CELL;
            if (x + dx >= 0 && x + dx + CELL <= p->width && y + dy + CELL <= p->height)
                mask[(size_t)cy * (size_t)g.w + (size_t)cx] = is_same(p, x, y, dx, dy);
        }
    return grid_largest(a, &g, mask);
}

static bool is_copy(const struct region *r)
{
    return r->n >= LEAST_CELLS && r->x1 - r->x0 >= 2 && r->y1 - r->y0 >= 2;
}

/* ---- the whole ---- */

static struct picture reduce(struct arena *a, const struct picture *luma)
{
    struct picture p = *luma;

    while (p.width > MOST_SIDE || p.height > MOST_SIDE) {
        struct picture half = {p.width / 2, p.height / 2, 1, NULL};
        half.pixels = arena_alloc(a, (size_t)half.width * (size_t)half.height);
        for (int y = 0; y < half.height; y++)
            for (int x = 0; x < half.width; x++) {
                const uint8_t *at = p.pixels + (size_t)(2 * y) * (size_t)p.width + (size_t)(2 * x);
                half.pixels[(size_t)y * (size_t)half.width + (size_t)x] =
                    (uint8_t)((at[0] + at[1] + at[p.width] + at[p.width + 1] + 2) / 4);
            }
        p = half;
    }
    return p;
}

static int find_copies(struct arena *a, const struct picture *p, uint32_t *votes, int64_t deadline,
                       struct tamper_evidence *e, struct err *err)
{
    struct region best = {0};
    int copies = 0, dx, dy, best_dx = 0, best_dy = 0;

    for (int i = 0; i < SHIFTS && next_shift(votes, &dx, &dy); i++) {
        struct region r = compare(a, p, dx, dy);
        if (clock_mono_us() >= deadline)
            return FAIL(err, ERR_TIMEOUT, "The deadline passed while a picture was judged.");
        copies += is_copy(&r);
        if (!is_copy(&r) || r.n <= best.n)
            continue;
        best = r;
        best_dx = dx;
        best_dy = dy;
    }
    evidence_add(e, "copies", copies);
    if (copies >= MANY)
        e->code = "repetitive";
    if (!best.n || e->code)
        return 0;
    e->score = fmin(1, (double)best.n / FULL);
    evidence_add(e, "shift_x", best_dx);
    evidence_add(e, "shift_y", best_dy);
    evidence_add(e, "cells", (double)best.n);
    evidence_place(e, &best, p->width / CELL, p->height / CELL);
    return 0;
}

int copy_move(const struct picture *luma, int64_t deadline_mono_us, struct tamper_evidence *ret,
              struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct tamper_evidence e = {.model = TAMPER_COPY_MOVE, .threshold = threshold};
    struct picture p = reduce(a, luma);
    struct block *all;
    uint32_t *votes;
    size_t n;

    *ret = evidence_unknown(TAMPER_COPY_MOVE, "too_small");
    if (p.width < SIDE || p.height < SIDE)
        return 0;
    all = arena_array(a, most_blocks(&p, rasters_of(&p)), sizeof *all);
    n = describe_all(&p, rasters_of(&p), all);
    ret->code = "flat";
    if (n < LEAST_BLOCKS)
        return 0;
    qsort(all, n, sizeof *all, by_terms);
    votes = arena_array(a, (size_t)ACROSS * DOWN, sizeof *votes);
    vote_all(votes, all, n);
    if (find_copies(a, &p, votes, deadline_mono_us, &e, err) < 0)
        return -1;
    *ret = e;
    return 0;
}
