/* The alarm verdict: pure rules, scores in, risk out. No I/O, no clock.
 *
 * Source of the rules: the alarm API's "Risk, labels, and scores". Only the score `intrusion` decides. Both
 * comparisons are inclusive. A job without an intrusion score has no risk (""): an error never ends in
 * "safe". */
#ifndef ASSAY_VERDICT_RISK_H
#define ASSAY_VERDICT_RISK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct label_threshold {
    const char *label; /* a word of verdict/concept.h */
    double from;
};

struct risk_rule {
    double low;   /* intrusion >= low: danger */
    double high;  /* intrusion >= high: intrusion */
    double label; /* a concept is listed as label from this score on ... */
    size_t nlabels;
    const struct label_threshold *labels; /* ... unless it has a threshold of its own here; borrowed */
};

struct risk_rule risk_rule_defaults(void); /* 0.2, 0.8, 0.5 */
/* 0 <= low <= high <= 1 and 0 < label <= 1, else -1 with a sentence. */
int risk_rule_check(const struct risk_rule *rule, struct err *err);
/* The score from which the concept is listed as a label. */
double risk_label_from(const struct risk_rule *rule, const char *label);

/* A rule of which only some members are given: the others are not a number. */
struct risk_rule risk_rule_unset(void);
bool risk_rule_is_unset(const struct risk_rule *rule);
int risk_rule_check_partial(const struct risk_rule *rule, struct err *err);
/* The members of `own` where they are given, else those of `base`. */
struct risk_rule risk_rule_over(const struct risk_rule *base, const struct risk_rule *own);

/* A quarter of the way from low to high, and half of it. */
float risk_quarter(const struct risk_rule *rule);
float risk_middle(const struct risk_rule *rule);

/* "safe", "danger" or "intrusion". */
const char *risk_of(double intrusion, const struct risk_rule *rule);
/* Exit status of `assay check`: 0 safe, 10 danger, 20 intrusion, 30 no verdict ("" or NULL). */
int risk_exit_status(const char *risk);
/* Higher is worse: "" -1, safe 0, danger 1, intrusion 2. */
int risk_rank(const char *risk);

/* Mean of the two highest of n values (the value itself when n is 1, 0 when 0): one frame's flash does not
 * decide. */
double score_top2(const float *values, size_t n);

/* Maps a raw model score to a probability by linear interpolation between knots (x ascending, both in 0..1).
 * Outside the knots the end values hold; without knots the score itself. Knots come from the model card. */
enum { CALIBRATION_KNOTS = 12 };
struct calibration {
    size_t n;
    struct knot {
        double x, y;
    } knots[CALIBRATION_KNOTS];
};
double calibrate(const struct calibration *c, double raw);

#endif
