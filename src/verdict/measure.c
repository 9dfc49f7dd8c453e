#include "verdict/measure.h"

#include <math.h>
#include <stdlib.h>

static int by_score(const void *x, const void *y)
{
    const struct measured *a = x, *b = y;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (int)b->shows - (int)a->shows;
}

static double part(size_t n, size_t of)
{
    return of ? (double)n / (double)of : (double)NAN;
}

static size_t count_shown(const struct measured *items, size_t n)
{
    size_t shown = 0;

    for (size_t i = 0; i < n; i++)
        shown += items[i].shows;
    return shown;
}

/* The first `said` of the sorted items are said to show it, `hits` of which do. */
static struct measure_at cut_at(double threshold, size_t n, size_t shown, size_t said, size_t hits)
{
    struct measure_at at = {
        .threshold = threshold, .hits = hits, .misses = shown - hits, .wrong = said - hits};

    at.silent = n - shown - at.wrong;
    at.recall = part(hits, shown);
    at.precision = part(hits, said);
    at.false_rate = part(at.wrong, n - shown);
    at.f1 = part(2 * hits, 2 * hits + at.wrong + at.misses);
    return at;
}

struct measure_at measure_at(const struct measured *sorted, size_t n, double threshold)
{
    size_t said = 0, hits = 0;

    for (; said < n && sorted[said].score >= threshold; said++)
        hits += sorted[said].shows;
    return cut_at(threshold, n, count_shown(sorted, n), said, hits);
}

/* The end of the run of equal scores that begins at `from`; adds to *hits. */
static size_t run_end(const struct measured *sorted, size_t n, size_t from, size_t *hits)
{
    size_t i = from;

    for (; i < n && sorted[i].score == sorted[from].score; i++)
        *hits += sorted[i].shows;
    return i;
}

/* Every score that occurs, as a threshold. */
static void find_thresholds(const struct measured *sorted, size_t n, double false_rate, struct measures *m)
{
    size_t hits = 0, before;

    m->best = cut_at((double)NAN, n, m->shown, 0, 0);
    m->kept = m->best;
    for (size_t i = 0, next; i < n; i = next) {
        struct measure_at at;

        before = hits;
        next = run_end(sorted, n, i, &hits);
        at = cut_at(sorted[i].score, n, m->shown, next, hits);
        if (hits > before && (isnan(m->best.threshold) || at.f1 > m->best.f1))
            m->best = at;
        if (!(at.false_rate > false_rate))
            m->kept = at;
    }
}

static double area(const struct measured *sorted, size_t n, size_t shown)
{
    size_t hits = 0, wrong = 0;
    double sum = 0;

    for (size_t i = 0, next; i < n; i = next) {
        size_t hits_before = hits, wrong_now;
        next = run_end(sorted, n, i, &hits);
        wrong_now = next - i - (hits - hits_before);
        sum += (double)wrong_now * ((double)hits_before + (double)(hits - hits_before) / 2);
        wrong += wrong_now;
    }
    return shown && wrong ? sum / ((double)shown * (double)wrong) : (double)NAN;
}

/* Bins of equal width; a score of 1 is in the last one. */
static double fill_bins(const struct measured *items, size_t n, struct measure_bin bins[MEASURE_BINS])
{
    double off = 0;

    for (size_t i = 0; i < n; i++) {
        int at = (int)(items[i].score * MEASURE_BINS);
        struct measure_bin *b = &bins[at < 0 ? 0 : at < MEASURE_BINS ? at : MEASURE_BINS - 1];
        b->n++;
        b->score += items[i].score;
        b->rate += items[i].shows;
    }
    for (size_t i = 0; i < MEASURE_BINS; i++) {
        struct measure_bin *b = &bins[i];
        off += fabs(b->score - b->rate);
        b->score = b->n ? b->score / (double)b->n : (double)NAN;
        b->rate = b->n ? b->rate / (double)b->n : (double)NAN;
    }
    return n ? off / (double)n : (double)NAN;
}

void measure(struct measured *items, size_t n, double threshold, double false_rate, struct measures *ret)
{
    struct measures m = {0};

    if (n)
        qsort(items, n, sizeof *items, by_score);
    m.shown = count_shown(items, n);
    m.others = n - m.shown;
    m.auc = area(items, n, m.shown);
    m.at = measure_at(items, n, threshold);
    find_thresholds(items, n, false_rate, &m);
    m.ece = fill_bins(items, n, m.bins);
    *ret = m;
}

size_t measure_roc(const struct measured *sorted, size_t n, struct roc_point *ret, size_t max)
{
    size_t shown = count_shown(sorted, n), hits = 0, at = 0, every = n / max + 1, last = 0;

    ret[at++] = (struct roc_point){0, 0};
    for (size_t i = 0, next; i < n && at + 1 < max; i = next) {
        next = run_end(sorted, n, i, &hits);
        if (next < n && next - last < every)
            continue;
        last = next;
        ret[at++] =
            (struct roc_point){n > shown ? part(next - hits, n - shown) : 0, shown ? part(hits, shown) : 0};
    }
    if (last < n || !n)
        ret[at++] = (struct roc_point){1, 1};
    return at;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return (a > b) - (a < b);
}

double measure_median(double *values, size_t n)
{
    if (!n)
        return (double)NAN;
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
