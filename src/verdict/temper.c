#include "verdict/temper.h"

#include <math.h>
#include <stdlib.h>

/* ---- points ---- */

enum { ENDS = 2 };

static int lowest_first(const void *x, const void *y)
{
    const struct measured *a = x, *b = y;

    if (a->score != b->score)
        return a->score < b->score ? -1 : 1;
    return (int)a->shows - (int)b->shows;
}

static int highest_first(const void *x, const void *y)
{
    return lowest_first(y, x);
}

/* Neighbours by score that get one probability. */
struct pool {
    double n, score, shown; /* sums */
};

/* With half an item of each kind beside those that were seen: a few that are all alike prove little. */
static double rate(const struct pool *p)
{
    return (p->shown + .5) / (p->n + 1);
}

static void join(struct pool *p, const struct pool *next)
{
    p->n += next->n;
    p->score += next->score;
    p->shown += next->shown;
}

/* Neither what was seen nor what it counts for rises: a run of one kind is one pool, however it is cut. */
static bool out_of_order(const struct pool *p, const struct pool *next)
{
    return p->shown * next->n >= next->shown * p->n || rate(p) >= rate(next);
}

/* One pool for each score that occurs, then whoever is not below the next is joined with it. */
static size_t make_pools(const struct measured *sorted, size_t n, struct pool *pools)
{
    size_t at = 0;

    for (size_t i = 0; i < n;) {
        struct pool now = {0};
        for (double score = sorted[i].score; i < n && sorted[i].score == score; i++)
            join(&now, &(struct pool){1, score, sorted[i].shows});
        pools[at++] = now;
        for (; at > 1 && out_of_order(&pools[at - 2], &pools[at - 1]); at--)
            join(&pools[at - 2], &pools[at - 1]);
    }
    return at;
}

/* How far the point lies from the line between its neighbours, and for how many items. */
static double matters(const struct pool *p)
{
    double x0 = p[-1].score / p[-1].n, x1 = p[0].score / p[0].n, x2 = p[1].score / p[1].n;
    double line = rate(&p[-1]) + (rate(&p[1]) - rate(&p[-1])) * (x1 - x0) / (x2 - x0);

    return fabs(rate(&p[0]) - line) * p[0].n;
}

static size_t thin(struct pool *pools, size_t n, size_t most)
{
    while (n > most) {
        size_t least = 1;
        for (size_t i = 2; i + 1 < n; i++)
            if (matters(&pools[i]) < matters(&pools[least]))
                least = i;
        n--;
        for (size_t i = least; i < n; i++)
            pools[i] = pools[i + 1];
    }
    return n;
}

static void add_knot(struct calibration *c, double x, double y)
{
    c->knots[c->n++] = (struct knot){x, y};
}

bool temper_points(struct arena *scratch, struct measured *items, size_t n, struct calibration *ret)
{
    struct pool *pools = arena_array(scratch, n + 1, sizeof *pools);
    struct calibration c = {0};
    size_t count;

    qsort(items, n, sizeof *items, lowest_first);
    count = thin(pools, make_pools(items, n, pools), CALIBRATION_KNOTS - ENDS);
    qsort(items, n, sizeof *items, highest_first);
    if (count < 2)
        return false;
    if (pools[0].score > 0)
        add_knot(&c, 0, 0);
    for (size_t i = 0; i < count; i++)
        add_knot(&c, pools[i].score / pools[i].n, rate(&pools[i]));
    if (c.knots[c.n - 1].x < 1)
        add_knot(&c, 1, 1);
    *ret = c;
    return true;
}

/* ---- a line ---- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

double temper_logit(double p)
{
    p = fmin(fmax(p, .00005), .99995);
    return log(p / (1 - p));
}

/* One step of Newton's method; a little of the identity keeps it going where the kinds do not overlap. */
static double step(const struct measured *items, size_t n, double *scale, double *offset)
{
    double g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0, det, ds, d0;
    const double ridge = 1e-3;

    for (size_t i = 0; i < n; i++) {
        double x = items[i].score, p = sigmoid(*scale * x + *offset), w = p * (1 - p);
        double off = p - items[i].shows;
        g0 += off;
        g1 += off * x;
        h00 += w;
        h01 += w * x;
        h11 += w * x * x;
    }
    g1 += ridge * *scale;
    g0 += ridge * *offset;
    h11 += ridge;
    h00 += ridge;
    det = h00 * h11 - h01 * h01;
    ds = (h00 * g1 - h01 * g0) / det;
    d0 = (h11 * g0 - h01 * g1) / det;
    *scale -= fmin(fmax(ds, -1), 1);
    *offset -= fmin(fmax(d0, -1), 1);
    return fabs(ds) + fabs(d0);
}

bool temper_line(const struct measured *items, size_t n, double *ret_scale, double *ret_offset)
{
    double scale = 0, offset = 0;
    size_t shown = 0;

    for (size_t i = 0; i < n; i++)
        shown += items[i].shows;
    if (!shown || shown == n)
        return false;
    for (int i = 0; i < 500 && step(items, n, &scale, &offset) > 1e-10; i++)
        continue;
    if (!(scale > 1e-6) || !isfinite(scale) || !isfinite(offset))
        return false;
    *ret_scale = scale;
    *ret_offset = offset;
    return true;
}

/* ---- a temperature ---- */

void temper(float *p, size_t n, double temperature, bool exclusive)
{
    double sum = 0;

    if (temperature == 1)
        return;
    for (size_t i = 0; i < n; i++) {
        double q = (double)p[i];
        p[i] = (float)(exclusive ? pow(q, 1 / temperature) : sigmoid(temper_logit(q) / temperature));
        sum += (double)p[i];
    }
    for (size_t i = 0; exclusive && sum > 0 && i < n; i++)
        p[i] = (float)((double)p[i] / sum);
}

static double fold(const float *p, const struct temper_tag *t, bool exclusive)
{
    double all = 0;

    for (size_t i = 0; i < t->n; i++)
        all = exclusive ? all + (double)p[t->labels[i]] : fmax(all, (double)p[t->labels[i]]);
    return fmin(all, 1);
}

/* `row` has room for the labels. */
static void temper_item(const struct temper_set *s, size_t item, double temperature, float *row)
{
    for (size_t i = 0; i < s->nlabels; i++)
        row[i] = s->p[item * s->nlabels + i];
    temper(row, s->nlabels, temperature, s->exclusive);
}

double temper_tag(struct arena *scratch, const struct temper_set *s, size_t item, size_t tag,
                  double temperature)
{
    float *row = arena_array(scratch, s->nlabels, sizeof *row);

    temper_item(s, item, temperature, row);
    return fold(row, &s->tags[tag], s->exclusive);
}

static double loss(const struct temper_set *s, double temperature, float *row)
{
    double sum = 0;

    for (size_t i = 0; i < s->n; i++) {
        temper_item(s, i, temperature, row);
        for (size_t k = 0; k < s->ntags; k++) {
            double q = fmin(fmax(fold(row, &s->tags[k], s->exclusive), .00005), .99995);
            sum -= s->shows[i * s->ntags + k] ? log(q) : log(1 - q);
        }
    }
    return sum;
}

/* Golden section over the logarithm: the loss has one valley. */
double temper_fit(struct arena *scratch, const struct temper_set *s)
{
    const double golden = (sqrt(5) - 1) / 2;
    double low = log(.2), high = log(5);
    double a = high - golden * (high - low), b = low + golden * (high - low);
    float *row = arena_array(scratch, s->nlabels, sizeof *row);
    double of_a = loss(s, exp(a), row), of_b = loss(s, exp(b), row);

    while (high - low > 1e-4) {
        if (of_a <= of_b) {
            high = b;
            b = a;
            of_b = of_a;
            a = high - golden * (high - low);
            of_a = loss(s, exp(a), row);
        } else {
            low = a;
            a = b;
            of_a = of_b;
            b = low + golden * (high - low);
            of_b = loss(s, exp(b), row);
        }
    }
    return exp((low + high) / 2);
}
