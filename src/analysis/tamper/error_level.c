#include "analysis/tamper/error_level.h"

#include <math.h>

#include "analysis/tamper/dct.h"
#include "analysis/tamper/evidence_int.h"
#include "analysis/tamper/grid.h"
#include "base/c23.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum {
    SIDE = 128,         /* pixels; below it there are too few blocks for a median */
    LEAST_BLOCKS = 150, /* that can be judged */
    LEAST_COEFS = 24,   /* among 5x5 blocks, to judge the middle one */
    FULL = 60,          /* blocks of a region that counts fully */
    AROUND = 2,
};
static const int qualities[] = {95, 90, 85, 80, 75, 70, 60, 50};
static const double gap = 0.3, most = 0.4, threshold = 0.5, full_away = 1.2;

/* ---- one quality ---- */

static void lose(const float c[64], const uint16_t q[64], float *ret_lost, float *ret_n)
{
    float lost = 0, n = 0;

    for (int i = 1; i < 64; i++) {
        float step = q[i], steps = fabsf(c[i]) / step, rest;
        if (steps < 0.5F)
            continue;
        rest = steps - roundf(steps);
        lost += rest * rest * 12;
        n++;
    }
    *ret_lost = lost;
    *ret_n = n;
}

/* All transforms, once. */
static float *transform(struct arena *a, const struct picture *luma, int w, int h)
{
    float *all = arena_try(a, (size_t)w * (size_t)h * 64 * sizeof *all);

    for (int y = 0; all && y < h; y++)
        for (int x = 0; x < w; x++)
            dct8(luma->pixels + (size_t)y * 8 * (size_t)luma->width + (size_t)x * 8, luma->width,
                 all + ((size_t)y * (size_t)w + (size_t)x) * 64);
    return all;
}

static struct grid losses(struct arena *a, const float *all, const uint8_t *clipped, int w, int h,
                          int quality)
{
    struct grid g = grid_new(a, w, h);
    uint16_t table[64];

    dct_table(quality, table);
    for (size_t i = 0; i < (size_t)w * (size_t)h; i++)
        if (!clipped[i])
            lose(all + i * 64, table, &g.sum[i], &g.weight[i]);
    return g;
}

/* ---- what stands out ---- */

struct outlier {
    int quality;
    double score, median, loss;
    struct region region;
};

/* side 1: loses more, -1: less. */
static struct outlier stands_out(struct arena *a, const struct grid *g, double median, size_t n, int side)
{
    size_t all = (size_t)g->w * (size_t)g->h;
    uint8_t *mask = arena_alloc(a, all);
    struct outlier o = {.median = median};
    double size;

    for (size_t i = 0; i < all; i++)
        mask[i] = g->weight[i] >= LEAST_COEFS && side * ((double)(g->sum[i] / g->weight[i]) - median) > gap;
    o.region = grid_largest(a, g, mask);
    if (!o.region.n || (double)o.region.n > most * (double)n)
        return o;
    o.loss = o.region.sum / o.region.weight;
    size = fmin(1, (double)o.region.n / FULL);
    o.score = evidence_clamp(fabs(fmin(1, o.loss) - fmin(1, median)) / full_away * size);
    return o;
}

static void look(struct arena *a, const float *all, const uint8_t *clipped, int w, int h, int quality,
                 struct outlier *best, size_t *ret_n)
{
    struct grid raw = losses(a, all, clipped, w, h, quality), g = grid_spread(a, &raw, AROUND);
    double median = grid_median(a, &g, LEAST_COEFS, ret_n);

    for (int side = -1; side <= 1; side += 2) {
        struct outlier o = stands_out(a, &g, median, *ret_n, side);
        o.quality = quality;
        if (o.score > best->score)
            *best = o;
    }
}

static struct tamper_evidence tell(const struct outlier *o, int w, int h)
{
    struct tamper_evidence e = {.model = TAMPER_ERROR_LEVEL, .score = o->score, .threshold = threshold};

    evidence_add(&e, "quality", o->quality);
    evidence_add(&e, "median_loss", o->median);
    evidence_add(&e, "region_loss", o->loss);
    evidence_add(&e, "region_blocks", (double)o->region.n);
    if (o->score > 0)
        evidence_place(&e, &o->region, w, h);
    return e;
}

int error_level(const struct picture *bgr, const struct picture *luma, int64_t deadline_mono_us,
                struct tamper_evidence *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int w = luma->width / 8, h = luma->height / 8;
    struct outlier best = {0};
    size_t judged = 0;
    uint8_t *clipped;
    float *all;

    if (luma->width < SIDE || luma->height < SIDE) {
        *ret = evidence_unknown(TAMPER_ERROR_LEVEL, "too_small");
        return 0;
    }
    if (!(all = transform(a, luma, w, h)))
        return FAIL(err, ERR_LIMIT, "There is no memory to look at a picture of %dx%d.", luma->width,
                    luma->height);
    clipped = grid_clipped(a, bgr, w, h);
    for (size_t i = 0; i < COUNT_OF(qualities); i++) {
        CLEANUP(arena_freep) struct arena *scratch = arena_new();
        size_t n;
        if (clock_mono_us() >= deadline_mono_us)
            return FAIL(err, ERR_TIMEOUT, "The deadline passed while a picture was judged.");
        look(scratch, all, clipped, w, h, qualities[i], &best, &n);
        judged = n > judged ? n : judged;
    }
    *ret = judged < LEAST_BLOCKS ? evidence_unknown(TAMPER_ERROR_LEVEL, "flat") : tell(&best, w, h);
    return 0;
}
