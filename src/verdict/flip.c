#include "verdict/flip.h"

#include "base/c23.h"
#include "base/text.h"

static const char *const names[OUTCOMES] = {"safe", "danger", "intrusion", "none"};

enum outcome outcome_of(const char *risk)
{
    for (int i = 0; i < OUTCOME_NONE; i++)
        if (text_is(risk, names[i]))
            return (enum outcome)i;
    return OUTCOME_NONE;
}

const char *outcome_name(enum outcome o)
{
    return names[o];
}

enum agreement flip_agreement(enum outcome then, enum outcome now, enum truth truth)
{
    bool towards_alarm = then == OUTCOME_NONE ? now != OUTCOME_SAFE : now > then;

    if (truth == TRUTH_UNKNOWN || now == OUTCOME_NONE || then == now)
        return SAYS_NOTHING;
    return towards_alarm == (truth == TRUTH_ALARM) ? AGREES : CONTRADICTS;
}

bool flips_add(struct flips *f, enum outcome then, enum outcome now, enum truth truth)
{
    enum agreement label = flip_agreement(then, now, truth);

    f->moves[then][now]++;
    f->agree += label == AGREES;
    f->contradict += label == CONTRADICTS;
    return then != now;
}

int64_t flips_jobs(const struct flips *f)
{
    int64_t n = 0;

    for (int i = 0; i < OUTCOMES; i++)
        for (int k = 0; k < OUTCOMES; k++)
            n += f->moves[i][k];
    return n;
}

int64_t flips_flipped(const struct flips *f)
{
    int64_t n = flips_jobs(f);

    for (int i = 0; i < OUTCOMES; i++)
        n -= f->moves[i][i];
    return n;
}
