/* For which other rules a score stays what it is. An analysis consults its rule on the way (where to look
 * again, how far motion may lift a weak score), so a score made under one rule need not be the score under
 * another. The analysis notes every such question here, and what comes out is a region of rules under which
 * it would have gone the very same way: inside of it the score needs no second analysis, only the comparison.
 * Pure. */
#ifndef ASSAY_VERDICT_REACH_H
#define ASSAY_VERDICT_REACH_H

#include "verdict/risk.h"

struct reach {
    bool known; /* false: nothing is promised */
    /* Bounds; quarter and middle (risk.h) include both ends, high and label only the upper one. */
    double quarter[2], middle[2], high[2], label[2];
};

/* Any rule, so far. */
struct reach reach_any(void);
/* It was asked whether the value is at least the threshold; interval: high or label. */
void reach_asked(double interval[2], double value, double threshold);
/* A score became max(score, min(most, quarter)). */
void reach_lifted(struct reach *r, float score, float most, float quarter);
/* A score became min(score, middle). */
void reach_capped(struct reach *r, float score, float middle);
bool reach_holds(const struct reach *r, const struct risk_rule *rule);

#endif
