#include "verdict/flip.h"

#include "base/c23.h"
#include "base/text.h"

static const char *const names[JUDGEMENTS] = {"safe", "danger", "intrusion", "none"};

enum judgement judgement_of(const char *risk)
{
    for (int i = 0; i < JUDGED_NONE; i++)
        if (text_is(risk, names[i]))
            return (enum judgement)i;
    return JUDGED_NONE;
}

const char *judgement_name(enum judgement o)
{
    return names[o];
}

enum agreement flip_agreement(enum judgement then, enum judgement now, enum truth truth)
{
    bool towards_alarm = then == JUDGED_NONE ? now != JUDGED_SAFE : now > then;

    if (truth == TRUTH_UNKNOWN || now == JUDGED_NONE || then == now)
        return SAYS_NOTHING;
    return towards_alarm == (truth == TRUTH_ALARM) ? AGREES : CONTRADICTS;
}

bool flips_add(struct flips *f, enum judgement then, enum judgement now, enum truth truth)
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

    for (int i = 0; i < JUDGEMENTS; i++)
        for (int k = 0; k < JUDGEMENTS; k++)
            n += f->moves[i][k];
    return n;
}

int64_t flips_flipped(const struct flips *f)
{
    int64_t n = flips_jobs(f);

    for (int i = 0; i < JUDGEMENTS; i++)
        n -= f->moves[i][i];
    return n;
}
