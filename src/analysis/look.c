#include "analysis/look.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    BLOCK = 8,
    ACROSS = LOOK_WIDTH / BLOCK,
    DOWN = LOOK_HEIGHT / BLOCK,
    REACH = 8, /* cells that a block may have moved */
    /* Colours crowd around grey: the bins cover 64..191, the rest belongs to the outermost. */
    COLOUR_LOW = 64,
    COLOUR_BIN = 4,
};
static const float empty_deviation = 5, dark = 50, bright = 205; /* levels */
static const float strongest_gain = 2.5f; /* light that is switched; more is another picture */

/* ---- making ---- */

static void shrink(struct look *l, const struct glance *g)
{
    for (int y = 0; y < LOOK_HEIGHT; y++) {
        int y0 = y * g->height / LOOK_HEIGHT, y1 = (y + 1) * g->height / LOOK_HEIGHT;
        uint16_t sums[LOOK_WIDTH] = {0};

        y1 = y1 > y0 ? y1 : y0 + 1;
        for (int row = y0; row < y1; row++)
            for (int x = 0; x < LOOK_WIDTH; x++)
                sums[x] = (uint16_t)(sums[x] + g->luma[row * GLANCE_WIDTH + 2 * x] +
                                     g->luma[row * GLANCE_WIDTH + 2 * x + 1]);
        for (int x = 0; x < LOOK_WIDTH; x++)
            l->luma[y * LOOK_WIDTH + x] = (uint8_t)((sums[x] + y1 - y0) / (2 * (y1 - y0)));
    }
}

static void shrink_again(struct look *l)
{
    for (int y = 0; y < LOOK_HEIGHT / 2; y++)
        for (int x = 0; x < LOOK_WIDTH / 2; x++) {
            const uint8_t *p = l->luma + 2 * y * LOOK_WIDTH + 2 * x;
            l->small[y * LOOK_WIDTH / 2 + x] =
                (uint8_t)((p[0] + p[1] + p[LOOK_WIDTH] + p[LOOK_WIDTH + 1] + 2) / 4);
        }
}

/* Each share spreads a little to its neighbours, so that a level over the edge of a bin is no change. */
static void set_bins(float *bins, const int *counts, int total)
{
    for (int i = 0; i < LOOK_BINS; i++) {
        int left = counts[i > 0 ? i - 1 : i], right = counts[i < LOOK_BINS - 1 ? i + 1 : i];
        bins[i] = (float)(left + 2 * counts[i] + right) / (float)(4 * total);
    }
}

static void count_colours(float *bins, const uint8_t *colours)
{
    int counts[LOOK_BINS] = {0};

    for (int i = 0; i < GLANCE_COLOURS; i++) {
        int bin = (colours[i] - COLOUR_LOW) / COLOUR_BIN;
        counts[bin < 0 ? 0 : bin >= LOOK_BINS ? LOOK_BINS - 1 : bin]++;
    }
    set_bins(bins, counts, GLANCE_COLOURS);
}

static void measure_luma(struct look *l)
{
    int counts[LOOK_BINS] = {0};
    int sum = 0, squares = 0; /* 3840 * 255 * 255 fits */
    double mean;

    for (int i = 0; i < LOOK_CELLS; i++) {
        counts[l->luma[i] / (256 / LOOK_BINS)]++;
        sum += l->luma[i];
        squares += l->luma[i] * l->luma[i];
    }
    set_bins(l->bins[0], counts, LOOK_CELLS);
    mean = (double)sum / LOOK_CELLS;
    l->mean = (float)mean;
    l->level = (int)(mean + 0.5);
    l->deviation = (float)sqrt(fmax(0, (double)squares / LOOK_CELLS - mean * mean));
}

static void measure_texture(struct look *l)
{
    int squares = 0; /* twice as much fits, too */

    for (int i = 0; i < LOOK_CELLS - LOOK_WIDTH; i++) {
        int right = l->luma[i + 1] - l->luma[i], down = l->luma[i + LOOK_WIDTH] - l->luma[i];
        squares += right * right + down * down;
    }
    l->texture = (float)squares / LOOK_CELLS;
}

void look_at(struct look *l, const struct glance *g, double pts)
{
    l->pts = pts;
    shrink(l, g);
    shrink_again(l);
    memcpy(l->u, g->u, sizeof l->u);
    memcpy(l->v, g->v, sizeof l->v);
    measure_luma(l);
    measure_texture(l);
    count_colours(l->bins[1], l->u);
    count_colours(l->bins[2], l->v);
}

bool look_is_empty(const struct look *l)
{
    return l->deviation < empty_deviation && (l->mean < dark || l->mean > bright);
}

/* ---- plain differences ---- */

static int sum_differences(const uint8_t *a, const uint8_t *b, int n)
{
    int sum = 0;

    for (int i = 0; i < n; i++)
        sum += abs(a[i] - b[i]);
    return sum;
}

float look_luma_difference(const struct look *a, const struct look *b)
{
    return (float)sum_differences(a->luma, b->luma, LOOK_CELLS) / LOOK_CELLS;
}

float look_colour_difference(const struct look *a, const struct look *b)
{
    return (float)(sum_differences(a->u, b->u, GLANCE_COLOURS) +
                   sum_differences(a->v, b->v, GLANCE_COLOURS)) /
           (2 * GLANCE_COLOURS);
}

float look_histogram_difference(const struct look *a, const struct look *b)
{
    static const float weights[3] = {0.5f, 0.25f, 0.25f};
    float sum = 0;

    for (int k = 0; k < 3; k++)
        for (int i = 0; i < LOOK_BINS; i++)
            sum += weights[k] * fabsf(a->bins[k][i] - b->bins[k][i]) / 2;
    return sum;
}

float look_correlation(const struct look *a, const struct look *b)
{
    int sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    double n = LOOK_SMALL, va, vb;

    for (int i = 0; i < LOOK_SMALL; i++) {
        sa += a->small[i];
        sb += b->small[i];
        saa += a->small[i] * a->small[i];
        sbb += b->small[i] * b->small[i];
        sab += a->small[i] * b->small[i];
    }
    va = n * saa - (double)sa * sa;
    vb = n * sbb - (double)sb * sb;
    return va > 0 && vb > 0 ? (float)((n * sab - (double)sa * sb) / sqrt(va * vb)) : 0;
}

/* ---- search for blocks ---- */

/* Two rows of a block. */
#ifdef __SSE2__
static inline __m128i two_rows(const uint8_t *p)
{
    return _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)p),
                              _mm_loadl_epi64((const void *)(p + LOOK_WIDTH)));
}
#endif

/* The dearest sum of all: compilers make one instruction of it only for whole vectors, and a row is half a
 * one. Both ways give the same. */
static int block_difference(const uint8_t *a, const uint8_t *b)
{
#ifdef __SSE2__
    __m128i sum = _mm_setzero_si128();

    for (ptrdiff_t y = 0; y < BLOCK; y += 2)
        sum = _mm_add_epi64(sum, _mm_sad_epu8(two_rows(a + y * LOOK_WIDTH), two_rows(b + y * LOOK_WIDTH)));
    return _mm_cvtsi128_si32(sum) + _mm_extract_epi16(sum, 4);
#else
    int sum = 0;

    for (ptrdiff_t y = 0; y < BLOCK; y++)
        sum += sum_differences(a + y * LOOK_WIDTH, b + y * LOOK_WIDTH, BLOCK);
    return sum;
#endif
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* The smallest sum of differences of the block of b at x, y to any place near in a. */
static int find_block(const uint8_t *a, const uint8_t *b, int x, int y)
{
    const uint8_t *block = b + (ptrdiff_t)y * LOOK_WIDTH + x;
    int best = block_difference(a + (ptrdiff_t)y * LOOK_WIDTH + x, block);
    int y1 = min_int(LOOK_HEIGHT - BLOCK, y + REACH), x1 = min_int(LOOK_WIDTH - BLOCK, x + REACH);

    for (int py = max_int(0, y - REACH); py <= y1; py++)
        for (int px = max_int(0, x - REACH); px <= x1; px++)
            best = min_int(best, block_difference(a + (ptrdiff_t)py * LOOK_WIDTH + px, block));
    return best;
}

/* Mean absolute deviation of a block, times its cells. */
static int block_texture(const uint8_t *p)
{
    int sum = 0, texture = 0;

    for (int y = 0; y < BLOCK; y++)
        for (int x = 0; x < BLOCK; x++)
            sum += p[y * LOOK_WIDTH + x];
    for (int y = 0; y < BLOCK; y++)
        for (int x = 0; x < BLOCK; x++)
            texture += abs(p[y * LOOK_WIDTH + x] - sum / (BLOCK * BLOCK));
    return texture;
}

/* a's luma with b's mean and, within reason, b's deviation. */
static void equalise(const struct look *a, const struct look *b, uint8_t *ret)
{
    float gain = (b->deviation + 1) / (a->deviation + 1);

    gain = fmaxf(1 / strongest_gain, fminf(strongest_gain, gain));
    for (int i = 0; i < LOOK_CELLS; i++) {
        float level = ((float)a->luma[i] - a->mean) * gain + b->mean + 0.5f;
        ret[i] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
    }
}

float look_structure_difference(const struct look *a, const struct look *b)
{
    uint8_t equal[LOOK_CELLS];
    float sum = 0;

    equalise(a, b, equal);
    for (int y = 0; y < LOOK_HEIGHT; y += BLOCK)
        for (int x = 0; x < LOOK_WIDTH; x += BLOCK) {
            ptrdiff_t at = (ptrdiff_t)y * LOOK_WIDTH + x;
            int texture = (block_texture(equal + at) + block_texture(b->luma + at)) / 2;
            float allowed = 0.7f * (float)texture + 3.0f * BLOCK * BLOCK;

            sum += fminf(1, (float)find_block(equal, b->luma, x, y) / allowed);
        }
    return sum / (ACROSS * DOWN);
}

float look_motion_left(const struct look *a, const struct look *b)
{
    int found = 0, plain = 1;

    for (int y = 0; y < LOOK_HEIGHT; y += BLOCK)
        for (int x = 0; x < LOOK_WIDTH; x += BLOCK) {
            ptrdiff_t at = (ptrdiff_t)y * LOOK_WIDTH + x;
            plain += block_difference(a->luma + at, b->luma + at);
            found += find_block(a->luma, b->luma, x, y);
        }
    return (float)found / (float)plain;
}
