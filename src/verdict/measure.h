/* How good scores are when the truth is known: for one label, over items that show it or do not. An item is
 * said to show it when its score is at least the threshold. Pure: no I/O; the same items in any order give
 * the same bits. Scores are numbers of 0..1. What cannot be said (no items of one kind) is NAN. */
#ifndef ASSAY_VERDICT_MEASURE_H
#define ASSAY_VERDICT_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

enum { MEASURE_BINS = 10 };

struct measured {
    double score;
    bool shows; /* the truth */
};

/* At one threshold. */
struct measure_at {
    double threshold;                     /* NAN: none keeps what was asked */
    size_t hits, misses, wrong, silent;   /* shown and said, shown and not, said and not shown, neither */
    double recall, precision, false_rate; /* hits of those shown, of those said; wrong of those not shown */
    double f1;
};

struct measure_bin {
    size_t n;
    double score, rate; /* mean score, and the part of them that shows it */
};

struct measures {
    size_t shown, others;
    double auc;             /* area under the ROC curve: how often one that shows it is above one that does
                             * not; equal scores count half */
    double ece;             /* expected calibration error: mean distance of score and rate, over the bins */
    struct measure_at at;   /* the threshold that was given */
    struct measure_at best; /* the highest F1; of several thresholds the highest */
    struct measure_at kept; /* the lowest threshold whose false rate is at most what was asked */
    struct measure_bin bins[MEASURE_BINS];
};

/* Sorts the items: the highest score first. */
void measure(struct measured *items, size_t n, double threshold, double false_rate, struct measures *ret);
/* The same, of items that are sorted, at any threshold. */
struct measure_at measure_at(const struct measured *sorted, size_t n, double threshold);

/* The ROC curve of sorted items: from 0, 0 to 1, 1, one point for each score that occurs. Returns how many
 * were written; with more scores than `max` allows some are left out, never the ends. max is at least 2. */
struct roc_point {
    double false_rate, recall;
};
size_t measure_roc(const struct measured *sorted, size_t n, struct roc_point *ret, size_t max);

/* Sorts. NAN of none. */
double measure_median(double *values, size_t n);

#endif
