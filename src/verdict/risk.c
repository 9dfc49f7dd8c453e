#include "verdict/risk.h"

#include <math.h>

#include "base/c23.h"
#include "base/text.h"

/* Everything that is said about a risk level in one place; worst last. */
static const struct level {
    const char *name;
    int exit_status;
} levels[] = {{"safe", 0}, {"danger", 10}, {"intrusion", 20}};

enum { NO_VERDICT_STATUS = 30 };

struct risk_rule risk_rule_defaults(void)
{
    return (struct risk_rule){.low = 0.2, .high = 0.8, .label = 0.5};
}

int risk_rule_check(const struct risk_rule *rule, struct err *err)
{
    /* Written so that NaN fails every test. */
    if (!(rule->low >= 0 && rule->high <= 1))
        return FAIL(err, ERR_INPUT, "the risk thresholds must lie between 0 and 1");
    if (!(rule->low <= rule->high))
        return FAIL(err, ERR_INPUT, "the low risk threshold (%g) must not be above the high one (%g)",
                    rule->low, rule->high);
    if (!(rule->label > 0 && rule->label <= 1))
        return FAIL(err, ERR_INPUT, "the label threshold must be above 0 and at most 1");
    for (size_t i = 0; i < rule->nlabels; i++)
        if (!(rule->labels[i].from > 0 && rule->labels[i].from <= 1))
            return FAIL(err, ERR_INPUT, "the label threshold of %s must be above 0 and at most 1",
                        rule->labels[i].label);
    return 0;
}

double risk_label_from(const struct risk_rule *rule, const char *label)
{
    for (size_t i = 0; i < rule->nlabels; i++)
        if (text_is(rule->labels[i].label, label))
            return rule->labels[i].from;
    return rule->label;
}

struct risk_rule risk_rule_unset(void)
{
    return (struct risk_rule){.low = (double)NAN, .high = (double)NAN, .label = (double)NAN};
}

bool risk_rule_is_unset(const struct risk_rule *rule)
{
    return isnan(rule->low) && isnan(rule->high) && isnan(rule->label) && !rule->nlabels;
}

struct risk_rule risk_rule_over(const struct risk_rule *base, const struct risk_rule *own)
{
    return (struct risk_rule){
        .low = isnan(own->low) ? base->low : own->low,
        .high = isnan(own->high) ? base->high : own->high,
        .label = isnan(own->label) ? base->label : own->label,
        .nlabels = own->nlabels ? own->nlabels : base->nlabels,
        .labels = own->nlabels ? own->labels : base->labels,
    };
}

int risk_rule_check_partial(const struct risk_rule *rule, struct err *err)
{
    static const struct risk_rule widest = {.low = 0, .high = 1, .label = 1};
    struct risk_rule whole = risk_rule_over(&widest, rule);

    return risk_rule_check(&whole, err);
}

float risk_quarter(const struct risk_rule *rule)
{
    return (float)(rule->low + (rule->high - rule->low) / 4);
}

float risk_middle(const struct risk_rule *rule)
{
    return (float)((rule->low + rule->high) / 2);
}

const char *risk_of(double intrusion, const struct risk_rule *rule)
{
    if (!(intrusion >= 0)) /* also NaN: no score, no verdict, and never "safe" */
        return "";
    if (!(intrusion < rule->high))
        return "intrusion";
    if (!(intrusion < rule->low))
        return "danger";
    return "safe";
}

int risk_rank(const char *risk)
{
    for (int i = 0; i < (int)COUNT_OF(levels); i++)
        if (text_is(risk, levels[i].name))
            return i;
    return -1;
}

int risk_exit_status(const char *risk)
{
    int rank = risk_rank(risk);

    return rank < 0 ? NO_VERDICT_STATUS : levels[rank].exit_status;
}

double score_top2(const float *values, size_t n)
{
    double best = 0, second = 0;

    for (size_t i = 0; i < n; i++) {
        double v = (double)values[i];

        if (isnan(v))
            return v; /* a broken frame must not look like an empty one */
        if (i == 0 || v > best) {
            second = i == 0 ? v : best;
            best = v;
        } else if (i == 1 || v > second) {
            second = v;
        }
    }
    return n ? (best + second) / 2 : 0;
}

double calibrate(const struct calibration *c, double raw)
{
    const struct knot *k = c->knots;
    size_t i = 1;

    if (!c->n || isnan(raw))
        return raw;
    if (raw <= k[0].x)
        return k[0].y;
    while (i < c->n && raw > k[i].x)
        i++;
    if (i == c->n)
        return k[i - 1].y;
    return k[i - 1].y + (k[i].y - k[i - 1].y) * (raw - k[i - 1].x) / (k[i].x - k[i - 1].x);
}
