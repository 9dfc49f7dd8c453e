#include "analysis/tamper/grid.h"

#include <stdlib.h>

struct grid grid_new(struct arena *a, int w, int h)
{
    size_t n = (size_t)w * (size_t)h;

    return (struct grid){w, h, arena_array(a, n, sizeof(float)), arena_array(a, n, sizeof(float))};
}

/* Two pixels are noise. */
static bool is_clipped(const struct picture *p, int x, int y)
{
    int n = 0;

    for (int j = 0; j < 8; j++) {
        const uint8_t *at = p->pixels + ((size_t)(y + j) * (size_t)p->width + (size_t)x) * 3;
        for (int i = 0; i < 24; i++)
            n += at[i] <= 6 || at[i] >= 249;
    }
    return n > 2;
}

uint8_t *grid_clipped(struct arena *a, const struct picture *bgr, int w, int h)
{
    uint8_t *all = arena_alloc(a, (size_t)w * (size_t)h);

    for (int y = 0; y < h && y < bgr->height / 8; y++)
        for (int x = 0; x < w && x < bgr->width / 8; x++)
            all[(size_t)y * (size_t)w + (size_t)x] = is_clipped(bgr, x * 8, y * 8);
    return all;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* One direction of the sum: `step` apart, n long. */
static void spread_line(const float *from, float *to, int n, size_t step, int r)
{
    double sum = 0;

    for (int i = 0; i < least(r, n); i++)
        sum += (double)from[(size_t)i * step];
    for (int i = 0; i < n; i++) {
        if (i + r < n)
            sum += (double)from[(size_t)(i + r) * step];
        if (i - r - 1 >= 0)
            sum -= (double)from[(size_t)(i - r - 1) * step];
        to[(size_t)i * step] = (float)sum;
    }
}

static void spread(struct arena *a, const float *from, float *to, int w, int h, int r)
{
    float *rows = arena_array(a, (size_t)w * (size_t)h, sizeof *rows);

    for (int y = 0; y < h; y++)
        spread_line(from + (size_t)y * (size_t)w, rows + (size_t)y * (size_t)w, w, 1, r);
    for (int x = 0; x < w; x++)
        spread_line(rows + x, to + x, h, (size_t)w, r);
}

struct grid grid_spread(struct arena *a, const struct grid *g, int r)
{
    struct grid out = grid_new(a, g->w, g->h);

    spread(a, g->sum, out.sum, g->w, g->h, r);
    spread(a, g->weight, out.weight, g->w, g->h, r);
    return out;
}

static int by_value(const void *x, const void *y)
{
    float a = *(const float *)x, b = *(const float *)y;

    return (a > b) - (a < b);
}

double grid_median(struct arena *a, const struct grid *g, float at_least, size_t *ret_n)
{
    size_t n = 0, all = (size_t)g->w * (size_t)g->h;
    float *values = arena_array(a, all, sizeof *values);

    for (size_t i = 0; i < all; i++)
        if (g->weight[i] >= at_least)
            values[n++] = g->sum[i] / g->weight[i];
    *ret_n = n;
    if (!n)
        return 0;
    qsort(values, n, sizeof *values, by_value);
    return (double)values[n / 2];
}

static void take(struct region *r, const struct grid *g, int x, int y)
{
    size_t i = (size_t)y * (size_t)g->w + (size_t)x;

    if (!r->n)
        *r = (struct region){.x0 = x, .y0 = y, .x1 = x, .y1 = y};
    r->n++;
    r->x0 = x < r->x0 ? x : r->x0;
    r->x1 = x > r->x1 ? x : r->x1;
    r->y0 = y < r->y0 ? y : r->y0;
    r->y1 = y > r->y1 ? y : r->y1;
    r->sum += (double)g->sum[i];
    r->weight += (double)g->weight[i];
}

/* Every block goes onto the stack once: it leaves the mask when it does. */
static struct region flood(const struct grid *g, uint8_t *mask, uint32_t *stack, uint32_t start)
{
    struct region r = {0};
    size_t n = 1;

    stack[0] = start;
    mask[start] = 0;
    while (n > 0) {
        uint32_t at = stack[--n], w = (uint32_t)g->w;
        int x = (int)(at % w), y = (int)(at / w);
        take(&r, g, x, y);
        if (x > 0 && mask[at - 1])
            mask[stack[n++] = at - 1] = 0;
        if (x + 1 < g->w && mask[at + 1])
            mask[stack[n++] = at + 1] = 0;
        if (y > 0 && mask[at - w])
            mask[stack[n++] = at - w] = 0;
        if (y + 1 < g->h && mask[at + w])
            mask[stack[n++] = at + w] = 0;
    }
    return r;
}

struct region grid_largest(struct arena *a, const struct grid *g, uint8_t *mask)
{
    size_t all = (size_t)g->w * (size_t)g->h;
    uint32_t *stack = arena_array(a, all, sizeof *stack);
    struct region best = {0}, r;

    for (size_t i = 0; i < all; i++)
        if (mask[i]) {
            r = flood(g, mask, stack, (uint32_t)i);
            best = r.n > best.n ? r : best;
        }
    return best;
}
