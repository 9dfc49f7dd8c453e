#include "verdict/reach.h"

#include <math.h>

/* Thresholds are 0..1. */
static const double open[2] = {-1, 1};

struct reach reach_any(void)
{
    return (struct reach){
        .known = true,
        .quarter = {open[0], open[1]},
        .middle = {open[0], open[1]},
        .high = {open[0], open[1]},
        .label = {open[0], open[1]},
    };
}

static void from(double interval[2], double value)
{
    interval[0] = fmax(interval[0], value);
}

static void upto(double interval[2], double value)
{
    interval[1] = fmin(interval[1], value);
}

void reach_asked(double interval[2], double value, double threshold)
{
    if (value >= threshold)
        upto(interval, value);
    else
        from(interval, value);
}

static void only(double interval[2], double value)
{
    from(interval, value);
    upto(interval, value);
}

void reach_lifted(struct reach *r, float score, float most, float quarter)
{
    if (most <= quarter)
        from(r->quarter, (double)most);
    else if (score >= quarter)
        upto(r->quarter, (double)score);
    else
        only(r->quarter, (double)quarter);
}

void reach_capped(struct reach *r, float score, float middle)
{
    if (score <= middle)
        from(r->middle, (double)score);
    else
        only(r->middle, (double)middle);
}

static bool inside(const double interval[2], double value)
{
    return value >= interval[0] && value <= interval[1];
}

static bool above(const double interval[2], double value)
{
    return value > interval[0] && value <= interval[1];
}

bool reach_holds(const struct reach *r, const struct risk_rule *rule)
{
    return r->known && inside(r->quarter, (double)risk_quarter(rule)) &&
           inside(r->middle, (double)risk_middle(rule)) && above(r->high, rule->high) &&
           above(r->label, rule->label);
}
