#include "verdict/flip.h"

#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void risks_become_outcomes(void)
{
    static const struct {
        const char *risk;
        enum judgement judgement;
    } rows[] = {
        {"safe", JUDGED_SAFE}, {"danger", JUDGED_DANGER}, {"intrusion", JUDGED_INTRUSION}, {"", JUDGED_NONE},
        {NULL, JUDGED_NONE},   {"none", JUDGED_NONE},     {"Safe", JUDGED_NONE},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_INT(judgement_of(rows[i].risk), rows[i].judgement);
        ROW("%zu", i);
    }
    for (int o = 0; o < JUDGEMENTS; o++)
        CHECK_INT(judgement_of(judgement_name((enum judgement)o)), o);
}

static void labels_speak_for_or_against(void)
{
    static const struct {
        enum judgement then, now;
        enum truth truth;
        enum agreement want;
    } rows[] = {
        {JUDGED_SAFE, JUDGED_INTRUSION, TRUTH_ALARM, AGREES},
        {JUDGED_SAFE, JUDGED_DANGER, TRUTH_ALARM, AGREES},
        {JUDGED_SAFE, JUDGED_DANGER, TRUTH_HARMLESS, CONTRADICTS},
        {JUDGED_DANGER, JUDGED_INTRUSION, TRUTH_HARMLESS, CONTRADICTS},
        {JUDGED_INTRUSION, JUDGED_DANGER, TRUTH_HARMLESS, AGREES},
        {JUDGED_INTRUSION, JUDGED_SAFE, TRUTH_ALARM, CONTRADICTS},
        {JUDGED_NONE, JUDGED_INTRUSION, TRUTH_ALARM, AGREES},
        {JUDGED_NONE, JUDGED_SAFE, TRUTH_ALARM, CONTRADICTS},
        {JUDGED_NONE, JUDGED_SAFE, TRUTH_HARMLESS, AGREES},
        {JUDGED_NONE, JUDGED_DANGER, TRUTH_HARMLESS, CONTRADICTS},
        {JUDGED_SAFE, JUDGED_NONE, TRUTH_HARMLESS, SAYS_NOTHING},
        {JUDGED_INTRUSION, JUDGED_NONE, TRUTH_ALARM, SAYS_NOTHING},
        {JUDGED_SAFE, JUDGED_INTRUSION, TRUTH_UNKNOWN, SAYS_NOTHING},
        {JUDGED_DANGER, JUDGED_DANGER, TRUTH_ALARM, SAYS_NOTHING},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_INT(flip_agreement(rows[i].then, rows[i].now, rows[i].truth), rows[i].want);
        ROW("%zu: %s -> %s", i, judgement_name(rows[i].then), judgement_name(rows[i].now));
    }
}

static void jobs_are_counted(void)
{
    struct flips f = {0};

    CHECK_INT(flips_jobs(&f), 0);
    CHECK(!flips_add(&f, JUDGED_SAFE, JUDGED_SAFE, TRUTH_HARMLESS));
    CHECK(!flips_add(&f, JUDGED_NONE, JUDGED_NONE, TRUTH_ALARM));
    CHECK(flips_add(&f, JUDGED_SAFE, JUDGED_INTRUSION, TRUTH_ALARM));
    CHECK(flips_add(&f, JUDGED_SAFE, JUDGED_INTRUSION, TRUTH_HARMLESS));
    CHECK(flips_add(&f, JUDGED_INTRUSION, JUDGED_SAFE, TRUTH_UNKNOWN));
    CHECK(flips_add(&f, JUDGED_DANGER, JUDGED_NONE, TRUTH_ALARM));
    CHECK_INT(flips_jobs(&f), 6);
    CHECK_INT(flips_flipped(&f), 4);
    CHECK_INT(f.moves[JUDGED_SAFE][JUDGED_INTRUSION], 2);
    CHECK_INT(f.moves[JUDGED_INTRUSION][JUDGED_SAFE], 1);
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
