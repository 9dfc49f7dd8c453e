#include "verdict/fit.h"

#include <math.h>
#include <stdlib.h>

/* The lowest score first. */
static int by_score(const void *x, const void *y)
{
    const struct fit_case *a = x, *b = y;

    if (a->score != b->score)
        return a->score < b->score ? -1 : 1;
    return (int)a->alarm - (int)b->alarm;
}

/* A share of n, downwards; what rounding makes of 5 % of 20 is 1. */
static size_t share(double rate, size_t n)
{
    return (size_t)floor(rate * (double)n + 1e-9);
}

/* The score of the alarm that must not be missed, the lowest of those. */
static double lowest_alarm(const struct fit_case *sorted, size_t n, size_t skip)
{
    for (size_t i = 0; i < n; i++)
        if (sorted[i].alarm && skip-- == 0)
            return sorted[i].score;
    return 1;
}

/* The highest harmless score that must not be an intrusion. */
static double highest_harmless(const struct fit_case *sorted, size_t n, size_t skip)
{
    for (size_t i = n; i-- > 0;)
        if (!sorted[i].alarm && skip-- == 0)
            return sorted[i].score;
    return 0;
}

/* The next score below; 0 = there is none. */
static double below(const struct fit_case *sorted, size_t n, double score)
{
    double found = 0;

    for (size_t i = 0; i < n && sorted[i].score < score; i++)
        found = sorted[i].score;
    return found;
}

/* The next score above; 1 = there is none. */
static double above(const struct fit_case *sorted, size_t n, double score)
{
    for (size_t i = 0; i < n; i++)
        if (sorted[i].score > score)
            return sorted[i].score;
    return 1;
}

/* In hundredths, and still between the two; else the halfway itself. */
static double low_between(double from, double to)
{
    double half = (from + to) / 2, rounded = floor(half * 100 + 1e-9) / 100;

    return rounded > from ? rounded : half;
}

static double high_between(double from, double to)
{
    double half = (from + to) / 2, rounded = ceil(half * 100 - 1e-9) / 100;

    return rounded <= to ? rounded : half;
}

enum fit_result fit_thresholds(struct fit_case *cases, size_t n, const struct fit_opts *opts, double *ret_low,
                               double *ret_high)
{
    struct fit_count all = fit_count(cases, n, 0, 0);
    double alarm, harmless;

    if (all.alarms < opts->least || all.harmless < opts->least || !n)
        return FIT_FEW;
    qsort(cases, n, sizeof *cases, by_score);
    alarm = lowest_alarm(cases, n, share(opts->miss_rate, all.alarms));
    harmless = highest_harmless(cases, n, share(opts->false_rate, all.harmless));
    if (harmless >= 1)
        return FIT_IMPOSSIBLE;
    *ret_low = alarm > 0 ? low_between(below(cases, n, alarm), alarm) : 0;
    *ret_high = fmax(high_between(harmless, above(cases, n, harmless)), *ret_low);
    return FIT_FINE;
}

struct fit_count fit_count(const struct fit_case *cases, size_t n, double low, double high)
{
    struct fit_count c = {0};

    for (size_t i = 0; i < n; i++) {
        const struct fit_case *one = &cases[i];
        if (one->alarm) {
            c.alarms++;
            c.missed += one->score < low;
            c.found += one->score >= high;
        } else {
            c.harmless++;
            c.false_dangers += one->score >= low;
            c.false_intrusions += one->score >= high;
        }
    }
    return c;
}
