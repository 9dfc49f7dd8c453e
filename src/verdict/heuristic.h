/* Heuristics: named rules that make one verdict of the votes of several models. Rules are data: the service's
 * own seven are a table of these structs, and an operator's rule is one more struct of the same kind.
 *
 * A rule first chooses who is asked, then lets them decide:
 *
 *   chosen    the models named by the rule, else those that count in verdicts; of these, those whose vote is
 *             known
 *   excluded  obsolete ones; those whose two scores lie closer together than `band`; the `trim` share at
 *             either end. When nobody is left, all that were chosen decide and the ruling is unknown
 *   decided   by mean, majority, or the single highest score; artificial when its score is the larger one,
 *             or from `threshold` on; equal is human and unknown
 *   written   the confidence as it is, cut or rounded
 *
 * Formulas: docs/votes.md. Source: the provenance API's heuristics; what it leaves open is decided in
 * docs/decisions.md. Pure. */
#ifndef ASSAY_VERDICT_HEURISTIC_H
#define ASSAY_VERDICT_HEURISTIC_H

#include <stdint.h>

#include "verdict/votes.h"

enum heuristic_way {
    WAY_MEAN,     /* per origin the mean over the models */
    WAY_MAJORITY, /* the origin of most models; the mean of its scores over the models that said so */
    WAY_TOP,      /* per origin the highest score of any model */
};
enum heuristic_digits { DIGITS_ALL, DIGITS_CUT, DIGITS_ROUNDED };
enum { HEURISTIC_NAME_MAX = 64, HEURISTIC_DECIMALS_MAX = 6 };

struct heuristic {
    const char *name; /* 1..HEURISTIC_NAME_MAX letters, digits, '-', '_', '.' */
    enum heuristic_way way;
    size_t nmodels;            /* 0: all that count; else exactly these, whether they count or not */
    const char *const *models; /* borrowed */
    bool without_obsolete;
    double band;      /* 0..1: a model is excluded when |artificial - human| is smaller */
    double trim;      /* 0..0.5, below it: this share of the models, cut to whole ones, goes at each end */
    double threshold; /* 0..1, inclusive: artificial from this score on; 0: the larger score decides */
    enum heuristic_digits digits;
    int decimals; /* 1..HEURISTIC_DECIMALS_MAX when cut or rounded, else 0 */
};

/* Majority, Average, AverageExclude10, -20, -30, TopRelevant, AverageExcludeObsolete: in the order of the
 * wire. */
enum { HEURISTICS = 7 };
extern const struct heuristic heuristics[HEURISTICS];
extern const char *const heuristic_default; /* a name of the table */
/* By name among the service's own and n of an operator (which may be NULL when n is 0); NULL when none. */
const struct heuristic *heuristic_find(const char *name, const struct heuristic *own, size_t n);
/* Whether an operator's rules make sense: ranges, names (unique, none of the service's own), models. -1 with
 * a sentence that names the rule. */
int heuristics_check(const struct heuristic *own, size_t n, struct err *err);

struct ruling {
    const struct heuristic *by;
    struct vote_answer answer;
    size_t count;    /* moments that voted for answer.origin; 0 when the ruling is not one over moments */
    uint64_t models; /* bit i: model i took part (which is not: agreed) */
};

/* On one row of n votes: an image, a frame, a face, a clip of sound. Nobody to ask: human, 0, unknown. */
struct ruling heuristic_on(const struct heuristic *h, const struct voter *models, const struct vote *row,
                           size_t n);
/* On each model's mean over the moments, weighted: sound, and videos in the API's old shape. */
struct ruling heuristic_on_means(const struct heuristic *h, const struct votes *v);
/* Moments vote: each with its own ruling, those that are unknown not at all. The confidence is the share of
 * the origin that has more; weights and digits play no part. */
struct ruling heuristic_on_moments(const struct heuristic *h, const struct votes *v);

#endif
