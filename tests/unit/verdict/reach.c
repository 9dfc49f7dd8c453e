#include "verdict/reach.h"

#include <math.h>
#include <string.h>

#include "test.h"

/* A little analysis of its own: everything it asks its rule, and what came out. */
enum { SCORES = 6 };
struct trace {
    float lifted[SCORES], capped[SCORES];
    bool high[SCORES], label[SCORES];
};

static struct trace go(const float scores[SCORES], const struct risk_rule *rule, struct reach *reach)
{
    struct trace t;

    memset(&t, 0, sizeof t);
    for (int i = 0; i < SCORES; i++) {
        float s = scores[i], most = 2 * s / (1 + s);
        reach_lifted(reach, s, most, risk_quarter(rule));
        t.lifted[i] = fmaxf(s, fminf(most, risk_quarter(rule)));
        reach_capped(reach, t.lifted[i], risk_middle(rule));
        t.capped[i] = fminf(t.lifted[i], risk_middle(rule));
        reach_asked(reach->high, (double)t.lifted[i], rule->high);
        t.high[i] = (double)t.lifted[i] >= rule->high;
        reach_asked(reach->label, (double)s, rule->label);
        t.label[i] = (double)s >= rule->label;
    }
    return t;
}

static double between(unsigned *seed, double min, double max)
{
    *seed = *seed * 1664525u + 1013904223u;
    return min + (max - min) * (*seed >> 8) / (1 << 24);
}

static struct risk_rule some_rule(unsigned *seed)
{
    double low = between(seed, 0, 0.6);

    return (struct risk_rule){.low = low, .high = between(seed, low, 1), .label = between(seed, 0.01, 1)};
}

/* Wherever the region says "the same", it is the same to the last bit; and it says so often enough to be of
 * use, and not always. */
static void inside_the_reach_nothing_changes(void)
{
    unsigned seed = 20261121;
    int held = 0, others = 0;

    for (int round = 0; round < 3000; round++) {
        struct risk_rule rule = some_rule(&seed);
        struct reach reach = reach_any(), unused = reach_any();
        float scores[SCORES];
        struct trace first;

        for (int i = 0; i < SCORES; i++)
            scores[i] = (float)(round % 2 ? between(&seed, 0, 0.15) : between(&seed, 0, 1));
        first = go(scores, &rule, &reach);
        CHECK(reach_holds(&reach, &rule));
        for (int k = 0; k < 20; k++) {
            struct risk_rule other = some_rule(&seed);
            struct trace now = go(scores, &other, &unused);
            if (reach_holds(&reach, &other)) {
                held++;
                CHECK(memcmp(&now, &first, sizeof now) == 0);
            } else {
                others++;
            }
        }
        ROW("round %d", round);
    }
    printf("# %d rules inside, %d outside\n", held, others);
    CHECK(held > 1000 && others > 1000);
}

static void bounds_are_exact(void)
{
    static const struct {
        double high;
        bool holds;
    } rows[] = {{0.31, true}, {0.3, false}, {0.9, true}, {0.91, false}, {0.6, true}};
    struct reach r = reach_any();

    reach_asked(r.high, 0.9, 0.8);
    reach_asked(r.high, 0.3, 0.8);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct risk_rule rule = {.low = 0.2, .high = rows[i].high, .label = 0.5};
        CHECK_INT(reach_holds(&r, &rule), rows[i].holds);
        ROW("%g", rows[i].high);
    }
}

static void nothing_is_promised_when_nothing_is_known(void)
{
    struct risk_rule rule = risk_rule_defaults();

    CHECK(!reach_holds(&(struct reach){.known = false}, &rule));
}

int main(void)
{
    RUN(inside_the_reach_nothing_changes);
    RUN(bounds_are_exact);
    RUN(nothing_is_promised_when_nothing_is_known);
    return test_end();
}
