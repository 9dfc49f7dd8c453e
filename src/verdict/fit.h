/* Thresholds for a camera out of what operators said of its clips: from which intrusion score on a clip is
 * danger, and from which intrusion. Pure: the same cases in any order give the same thresholds. Scores are
 * numbers of 0..1.
 *
 *   low   as high as it may be without an alarm below it (but for `miss_rate` of them)
 *   high  as low as it may be with at most `false_rate` of the harmless clips from there on
 *
 * Each lies halfway between the last case on its one side and the first on the other, in hundredths, low
 * rounded down and high up. Nobody is fitted to a handful of clips: with fewer than `least` of either kind
 * there is no fit. */
#ifndef ASSAY_VERDICT_FIT_H
#define ASSAY_VERDICT_FIT_H

#include <stdbool.h>
#include <stddef.h>

struct fit_case {
    double score;
    bool alarm; /* there was somebody; else it was harmless */
};

struct fit_opts {
    double false_rate; /* 0..1 */
    double miss_rate;  /* 0..1 */
    size_t least;      /* of each kind, at least 1 */
};

enum fit_result { FIT_FINE, FIT_FEW, FIT_IMPOSSIBLE /* harmless clips have the highest score there is */ };
/* Sorts the cases. */
enum fit_result fit_thresholds(struct fit_case *cases, size_t n, const struct fit_opts *opts, double *ret_low,
                               double *ret_high);

/* What thresholds do to cases. */
struct fit_count {
    size_t alarms, harmless;
    size_t missed;           /* alarms that are safe */
    size_t found;            /* alarms that are intrusion */
    size_t false_dangers;    /* harmless ones that are danger or more */
    size_t false_intrusions; /* harmless ones that are intrusion */
};
struct fit_count fit_count(const struct fit_case *cases, size_t n, double low, double high);

#endif
