/* The alarm verdict: thresholds, labels, aggregation, calibration. */
#include "verdict/risk.h"

#include <math.h>

#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define RULE(l, h, n)                   \
    {                                   \
        .low = l, .high = h, .label = n \
    }

static void risk_is_inclusive_and_never_safe_without_a_score(void)
{
    static const struct {
        double intrusion;
        struct risk_rule rule;
        const char *risk;
        int rank, status;
    } rows[] = {
        {0, RULE(0.2, 0.8, 0.5), "safe", 0, 0},
        {0.19999, RULE(0.2, 0.8, 0.5), "safe", 0, 0},
        {0.2, RULE(0.2, 0.8, 0.5), "danger", 1, 10},
        {0.79999, RULE(0.2, 0.8, 0.5), "danger", 1, 10},
        {0.8, RULE(0.2, 0.8, 0.5), "intrusion", 2, 20},
        {1, RULE(0.2, 0.8, 0.5), "intrusion", 2, 20},
        {1.5, RULE(0.2, 0.8, 0.5), "intrusion", 2, 20},
        {0, RULE(0, 0.8, 0.5), "danger", 1, 10},
        {0, RULE(0, 0, 0.5), "intrusion", 2, 20},
        {0.5, RULE(0.5, 0.5, 0.5), "intrusion", 2, 20},
        {1, RULE(0.2, 1, 0.5), "intrusion", 2, 20},
        {NAN, RULE(0.2, 0.8, 0.5), "", -1, 30},
        {NAN, RULE(0, 0, 0.5), "", -1, 30},
        {-1, RULE(0.2, 0.8, 0.5), "", -1, 30},
        {-INFINITY, RULE(0.2, 0.8, 0.5), "", -1, 30},
        {INFINITY, RULE(0.2, 0.8, 0.5), "intrusion", 2, 20},
        {0.1, RULE(NAN, 0.8, 0.5), "danger", 1, 10},
        {0.1, RULE(0.2, NAN, 0.5), "intrusion", 2, 20},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        const char *risk = risk_of(rows[i].intrusion, &rows[i].rule);

        CHECK_STR(risk, rows[i].risk);
        CHECK_INT(risk_rank(risk), rows[i].rank);
        CHECK_INT(risk_exit_status(risk), rows[i].status);
        ROW("%zu", i);
    }
}

static void unknown_risks_have_no_rank(void)
{
    CHECK_INT(risk_rank(NULL), -1);
    CHECK_INT(risk_rank("Safe"), -1);
    CHECK_INT(risk_exit_status(NULL), 30);
    CHECK_INT(risk_exit_status("unknown"), 30);
}

static void rules_are_checked(void)
{
    static const struct {
        struct risk_rule rule;
        int result;
    } rows[] = {
        {RULE(0.2, 0.8, 0.5), 0},  {RULE(0, 0, 1), 0},        {RULE(1, 1, 0.01), 0},
        {RULE(0.5, 0.5, 0.5), 0},  {RULE(0.8, 0.2, 0.5), -1}, {RULE(-0.1, 0.8, 0.5), -1},
        {RULE(0.2, 1.1, 0.5), -1}, {RULE(0.2, 0.8, 0), -1},   {RULE(0.2, 0.8, 1.1), -1},
        {RULE(NAN, 0.8, 0.5), -1}, {RULE(0.2, NAN, 0.5), -1}, {RULE(0.2, 0.8, NAN), -1},
    };
    struct risk_rule standard = risk_rule_defaults();

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct err err = {0};

        CHECK_INT(risk_rule_check(&rows[i].rule, &err), rows[i].result);
        CHECK(rows[i].result == 0 || (err.kind == ERR_INPUT && err.text[0]));
        ROW("%zu", i);
    }
    CHECK_INT(risk_rule_check(&standard, NULL), 0);
    CHECK(standard.low == 0.2 && standard.high == 0.8 && standard.label == 0.5);
}

static void a_rule_may_be_given_in_part(void)
{
    static const struct label_threshold animal = {"animal", 0.3}, broken = {"animal", 1.5};
    struct risk_rule base = risk_rule_defaults(), own = risk_rule_unset(), both;

    CHECK(risk_rule_is_unset(&own));
    CHECK_INT(risk_rule_check_partial(&own, NULL), 0);
    CHECK_INT(risk_rule_check(&own, NULL), -1);
    own.high = 0.9;
    own.nlabels = 1;
    own.labels = &animal;
    CHECK(!risk_rule_is_unset(&own));
    CHECK_INT(risk_rule_check_partial(&own, NULL), 0);
    both = risk_rule_over(&base, &own);
    CHECK(both.low == 0.2 && both.high == 0.9 && both.label == 0.5);
    CHECK(risk_label_from(&both, "animal") == 0.3 && risk_label_from(&both, "person") == 0.5);
    own.low = 0.95;
    CHECK_INT(risk_rule_check_partial(&own, NULL), -1);
    own = risk_rule_unset();
    own.nlabels = 1;
    own.labels = &broken;
    CHECK_INT(risk_rule_check_partial(&own, NULL), -1);
}

static void two_best_frames_decide(void)
{
    static const struct {
        float v[5];
        size_t n;
        double mean;
    } rows[] = {
        {{0}, 0, 0},
        {{0.9f}, 1, 0.9},
        {{0.9f, 0}, 2, 0.45},
        {{0, 0.9f}, 2, 0.45},
        {{0.25f, 0.75f, 0.5f}, 3, 0.625},
        {{0.75f, 0.5f, 0.25f}, 3, 0.625},
        {{0.5f, 0.5f, 0.5f, 0.5f, 1}, 5, 0.75},
        {{1, 1, 0, 0, 0}, 5, 1},
    };
    static const float broken[] = {0.1f, NAN, 0.2f}, broken_first[] = {NAN, 0.2f};

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_NEAR(score_top2(rows[i].v, rows[i].n), rows[i].mean, 1e-7);
        ROW("%zu", i);
    }
    CHECK(isnan(score_top2(broken, 3)));
    CHECK(isnan(score_top2(broken_first, 2)));
}

static void calibration_interpolates(void)
{
    static const struct calibration bent = {3, {{0.1, 0}, {0.5, 0.2}, {0.9, 1}}}, none = {0},
                                    flat = {1, {{0.5, 0.7}}};
    static const struct {
        const struct calibration *c;
        double raw, want;
    } rows[] = {
        {&bent, 0, 0},   {&bent, 0.1, 0}, {&bent, 0.3, 0.1},   {&bent, 0.5, 0.2}, {&bent, 0.7, 0.6},
        {&bent, 0.9, 1}, {&bent, 1, 1},   {&none, 0.37, 0.37}, {&flat, 0, 0.7},   {&flat, 1, 0.7},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_NEAR(calibrate(rows[i].c, rows[i].raw), rows[i].want, 1e-12);
        ROW("%zu", i);
    }
    CHECK(isnan(calibrate(&bent, NAN)));
    CHECK(isnan(calibrate(&none, NAN)));
}

int main(void)
{
    RUN(risk_is_inclusive_and_never_safe_without_a_score);
    RUN(unknown_risks_have_no_rank);
    RUN(rules_are_checked);
    RUN(a_rule_may_be_given_in_part);
    RUN(two_best_frames_decide);
    RUN(calibration_interpolates);
    return test_end();
}
