#include "verdict/flip.h"

#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void risks_become_outcomes(void)
{
    static const struct {
        const char *risk;
        enum outcome outcome;
    } rows[] = {
        {"safe", OUTCOME_SAFE}, {"danger", OUTCOME_DANGER}, {"intrusion", OUTCOME_INTRUSION},
        {"", OUTCOME_NONE},     {NULL, OUTCOME_NONE},       {"none", OUTCOME_NONE},
        {"Safe", OUTCOME_NONE},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_INT(outcome_of(rows[i].risk), rows[i].outcome);
        ROW("%zu", i);
    }
    for (int o = 0; o < OUTCOMES; o++)
        CHECK_INT(outcome_of(outcome_name((enum outcome)o)), o);
}

static void labels_speak_for_or_against(void)
{
    static const struct {
        enum outcome then, now;
        enum truth truth;
        enum agreement want;
    } rows[] = {
        {OUTCOME_SAFE, OUTCOME_INTRUSION, TRUTH_ALARM, AGREES},
        {OUTCOME_SAFE, OUTCOME_DANGER, TRUTH_ALARM, AGREES},
        {OUTCOME_SAFE, OUTCOME_DANGER, TRUTH_HARMLESS, CONTRADICTS},
        {OUTCOME_DANGER, OUTCOME_INTRUSION, TRUTH_HARMLESS, CONTRADICTS},
        {OUTCOME_INTRUSION, OUTCOME_DANGER, TRUTH_HARMLESS, AGREES},
        {OUTCOME_INTRUSION, OUTCOME_SAFE, TRUTH_ALARM, CONTRADICTS},
        {OUTCOME_NONE, OUTCOME_INTRUSION, TRUTH_ALARM, AGREES},
        {OUTCOME_NONE, OUTCOME_SAFE, TRUTH_ALARM, CONTRADICTS},
        {OUTCOME_NONE, OUTCOME_SAFE, TRUTH_HARMLESS, AGREES},
        {OUTCOME_NONE, OUTCOME_DANGER, TRUTH_HARMLESS, CONTRADICTS},
        {OUTCOME_SAFE, OUTCOME_NONE, TRUTH_HARMLESS, SAYS_NOTHING},
        {OUTCOME_INTRUSION, OUTCOME_NONE, TRUTH_ALARM, SAYS_NOTHING},
        {OUTCOME_SAFE, OUTCOME_INTRUSION, TRUTH_UNKNOWN, SAYS_NOTHING},
        {OUTCOME_DANGER, OUTCOME_DANGER, TRUTH_ALARM, SAYS_NOTHING},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_INT(flip_agreement(rows[i].then, rows[i].now, rows[i].truth), rows[i].want);
        ROW("%zu: %s -> %s", i, outcome_name(rows[i].then), outcome_name(rows[i].now));
    }
}

static void jobs_are_counted(void)
{
    struct flips f = {0};

    CHECK_INT(flips_jobs(&f), 0);
    CHECK(!flips_add(&f, OUTCOME_SAFE, OUTCOME_SAFE, TRUTH_HARMLESS));
    CHECK(!flips_add(&f, OUTCOME_NONE, OUTCOME_NONE, TRUTH_ALARM));
    CHECK(flips_add(&f, OUTCOME_SAFE, OUTCOME_INTRUSION, TRUTH_ALARM));
    CHECK(flips_add(&f, OUTCOME_SAFE, OUTCOME_INTRUSION, TRUTH_HARMLESS));
    CHECK(flips_add(&f, OUTCOME_INTRUSION, OUTCOME_SAFE, TRUTH_UNKNOWN));
    CHECK(flips_add(&f, OUTCOME_DANGER, OUTCOME_NONE, TRUTH_ALARM));
    CHECK_INT(flips_jobs(&f), 6);
    CHECK_INT(flips_flipped(&f), 4);
    CHECK_INT(f.moves[OUTCOME_SAFE][OUTCOME_INTRUSION], 2);
    CHECK_INT(f.moves[OUTCOME_INTRUSION][OUTCOME_SAFE], 1);
    CHECK_INT(f.agree, 1);
    CHECK_INT(f.contradict, 1);
}

int main(void)
{
    RUN(risks_become_outcomes);
    RUN(labels_speak_for_or_against);
    RUN(jobs_are_counted);
    return test_end();
}
