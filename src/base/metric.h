/* Numbers about the running program, and their text for Prometheus (exposition format 0.0.4).
 *
 * A histogram lives in the struct of the module that measures. Any thread adds, any thread reads; nothing is
 * locked, so a view may miss what is added at the same moment, but its parts always fit each other.
 *
 * The text is written family by family:
 *
 *     metric_family(&b, "assay_analysts", "gauge", "Analysts by what they do.");
 *     metric_value(&b, "assay_analysts", METRIC_LABELS("state", "idle"), 2);
 *     metric_value(&b, "assay_analysts", METRIC_LABELS("state", "busy"), 0); */
#ifndef ASSAY_BASE_METRIC_H
#define ASSAY_BASE_METRIC_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/bytes.h"

/* From half a millisecond (a commit) to an hour (a queue). One set for all, so that they can be compared. */
enum { HISTOGRAM_BOUNDS = 18 };
extern const double histogram_bounds[HISTOGRAM_BOUNDS]; /* seconds, ascending; above the last comes +Inf */

struct histogram {
    atomic_ullong counts[HISTOGRAM_BOUNDS + 1];
    atomic_ullong sum_us;
};
void histogram_add(struct histogram *h, int64_t us); /* negative counts as 0: a clock was set back */

struct histogram_view {
    uint64_t up_to[HISTOGRAM_BOUNDS + 1]; /* cumulative; the last one is the count */
    double sum_seconds;
};
void histogram_read(struct histogram *h, struct histogram_view *ret);

/* Pairs of name and value; values may hold anything. */
#define METRIC_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define METRIC_PLAIN       NULL

/* type: counter, gauge or histogram. Once per family, before its values. */
void metric_family(struct buf *b, const char *name, const char *type, const char *help);
void metric_value(struct buf *b, const char *name, const char *const labels[], double value);
void metric_histogram(struct buf *b, const char *name, const char *const labels[],
                      const struct histogram_view *view);
/* A family with one value and no labels. */
void metric_single(struct buf *b, const char *name, const char *type, const char *help, double value);

#endif
