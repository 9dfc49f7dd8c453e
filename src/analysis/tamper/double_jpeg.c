#include "analysis/tamper/double_jpeg.h"

#include <math.h>

#include "analysis/tamper/evidence_int.h"
#include "analysis/tamper/grid.h"
#include "base/c23.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum {
    SIDE = 128,
    REACH = 48, /* bins on either side of 0 */
    BINS = 2 * REACH + 1,
    MOST_STEP = 64,        /* largest q1 */
    LEAST_VALUES = 400,    /* other than 0, to judge a frequency */
    LEAST_FREQUENCIES = 2, /* quantised twice, to look for what was not */
    FULL = 60,             /* blocks of a region that counts fully */
    AROUND = 2,
};
static const double least_gain = 0.08, sigma = 0.4, most = 0.45, threshold = 0.5;
static const float least_odds = 5,
                   share = 0.3F; /* among 5x5 blocks, to judge the middle one; to be called once */

/* By rows: what comes first in the zigzag, without the mean. */
static const uint8_t low[] = {1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4};

/* What is known of one frequency. */
struct frequency {
    double h[BINS];
    double n; /* values other than 0 */
    int q1;   /* 0: quantised once, or nobody knows */
    double gain;
    float odds[BINS]; /* of a value, for "once" */
    float expected;   /* of them, when it was once */
};

static double below(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

/* How much likelier k is after q1 and q2 than after q2 alone. */
static double likelier(int k, int q1, int q2)
{
    double from = (k - 0.5) * q2, to = (k + 0.5) * q2, sum = 0;
    int first = (int)floor((from - 3 * sigma) / q1), last = (int)ceil((to + 3 * sigma) / q1);

    for (int u = first; u <= last; u++)
        sum += below((to - u * q1) / sigma) - below((from - u * q1) / sigma);
    return 0.03 + 0.97 * sum * q1 / q2;
}

static void weigh(double w[BINS], int q1, int q2)
{
    for (int k = 0; k <= REACH; k++)
        w[REACH + k] = w[REACH - k] = likelier(k, q1, q2);
}

/* The mean over one period around k, without 0, which holds everything that is small. */
static double smooth(const double h[BINS], int k, int around)
{
    double sum = 0;
    int n = 0;

    for (int i = k - around; i <= k + around; i++)
        if (i && i >= -REACH && i <= REACH) {
            sum += h[REACH + i];
            n++;
        }
    return n ? sum / n : 0;
}

static double gain_of(const struct frequency *f, const double w[BINS], int around)
{
    double sum = 0;

    for (int k = -REACH; k <= REACH; k++)
        if (k)
            sum += f->h[REACH + k] * log(w[REACH + k]) - smooth(f->h, k, around) * (w[REACH + k] - 1);
    return sum / f->n;
}

/* Values that were quantised once are spread as the mean is. */
static void expect(struct frequency *f, int around)
{
    double sum = 0, n = 0;

    for (int k = -REACH; k <= REACH; k++) {
        double s = k ? smooth(f->h, k, around) : 0;
        sum += s * (double)f->odds[REACH + k];
        n += s;
    }
    f->expected = (float)fmax(sum / n, 0.01);
}

static void find_first_step(struct frequency *f, int q2)
{
    double w[BINS];

    for (int q1 = 2; q1 <= MOST_STEP; q1++) {
        double gain;
        int around = q1 > q2 ? (q1 + q2 - 1) / q2 : 2;
        if (q2 % q1 == 0 || q1 > 8 * q2)
            continue;
        weigh(w, q1, q2);
        gain = gain_of(f, w, around);
        if (gain <= f->gain || gain < least_gain)
            continue;
        f->gain = gain;
        f->q1 = q1;
    }
    if (!f->q1)
        return;
    weigh(w, f->q1, q2);
    for (int k = 0; k < BINS; k++)
        f->odds[k] = k == REACH ? 0 : (float)-log(w[k]);
    expect(f, f->q1 > q2 ? (f->q1 + q2 - 1) / q2 : 2);
}

static void count(struct frequency *f, const struct jpeg_blocks *b, const uint8_t *clipped, int at)
{
    size_t blocks = (size_t)b->across * (size_t)b->down;

    for (size_t i = 0; i < blocks; i++) {
        int k = b->coefs[i * 64 + (size_t)at];
        if (!clipped[i] && k && k >= -REACH && k <= REACH) {
            f->h[REACH + k]++;
            f->n++;
        }
    }
}

static struct grid odds_of_blocks(struct arena *a, const struct jpeg_blocks *b, const uint8_t *clipped,
                                  const struct frequency *all)
{
    struct grid g = grid_new(a, b->across, b->down);

    for (size_t i = 0; i < (size_t)b->across * (size_t)b->down; i++)
        for (size_t m = 0; m < COUNT_OF(low); m++) {
            int k = b->coefs[i * 64 + low[m]];
            if (clipped[i] || !all[m].q1 || !k || k < -REACH || k > REACH)
                continue;
            g.sum[i] += all[m].odds[REACH + k];
            g.weight[i] += all[m].expected;
        }
    return g;
}

static struct region find_region(struct arena *a, const struct grid *g, size_t *ret_judged)
{
    size_t all = (size_t)g->w * (size_t)g->h;
    uint8_t *mask = arena_alloc(a, all);

    *ret_judged = 0;
    for (size_t i = 0; i < all; i++) {
        bool judged = g->weight[i] >= least_odds;
        mask[i] = judged && g->sum[i] > share * g->weight[i];
        *ret_judged += judged;
    }
    return grid_largest(a, g, mask);
}

/* Old parts that are smooth or dark reach 0.8 now and then: there is the threshold. */
static double score_of(double odds)
{
    return evidence_clamp(odds <= 0.8 ? odds * 0.625 : 0.5 + (odds - 0.8) * 2.5);
}

static void judge(struct arena *a, const struct jpeg_blocks *b, const uint8_t *clipped,
                  const struct frequency *all, struct tamper_evidence *e)
{
    struct grid raw = odds_of_blocks(a, b, clipped, all), g = grid_spread(a, &raw, AROUND);
    struct region r;
    double odds, size;
    size_t judged;

    r = find_region(a, &g, &judged);
    if (!r.n || (double)r.n > most * (double)judged)
        return;
    odds = r.sum / r.weight;
    size = fmin(1, (double)r.n / FULL);
    e->score = score_of(odds * size);
    evidence_add(e, "region_blocks", (double)r.n);
    evidence_add(e, "region_odds", odds);
    evidence_place(e, &r, g.w, g.h);
}

int double_jpeg(const struct jpeg_blocks *b, const struct picture *bgr, int64_t deadline_mono_us,
                struct tamper_evidence *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct frequency *all = arena_array(a, COUNT_OF(low), sizeof *all);
    uint8_t *clipped = grid_clipped(a, bgr, b->across, b->down);
    size_t judged = 0, twice = 0;
    struct tamper_evidence e = {.model = TAMPER_DOUBLE_JPEG, .threshold = threshold};

    *ret = evidence_unknown(TAMPER_DOUBLE_JPEG, "too_small");
    if (b->width < SIDE || b->height < SIDE)
        return 0;
    for (size_t m = 0; m < COUNT_OF(low); m++) {
        if (clock_mono_us() >= deadline_mono_us)
            return FAIL(err, ERR_TIMEOUT, "The deadline passed while a JPEG was judged.");
        count(&all[m], b, clipped, low[m]);
        if (all[m].n < LEAST_VALUES || !b->quant[low[m]])
            continue;
        judged++;
        find_first_step(&all[m], b->quant[low[m]]);
        twice += all[m].q1 != 0;
    }
    if (judged < LEAST_FREQUENCIES) {
        ret->code = "flat";
        return 0;
    }
    evidence_add(&e, "frequencies", (double)judged);
    evidence_add(&e, "twice", (double)twice / (double)judged);
    if (twice >= LEAST_FREQUENCIES && 3 * twice >= judged)
        judge(a, b, clipped, all, &e);
    *ret = e;
    return 0;
}
