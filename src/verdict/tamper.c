#include "verdict/tamper.h"

static const struct {
    const char *name, *description;
    size_t least; /* so many must speak against the file */
    bool most;    /* and be more than half of those asked */
    bool pixels;  /* only these are asked */
} rules[TAMPER_HEURISTICS] = {
    [TAMPER_ANY] = {"AnyEvidence", "At least one look found what is above its threshold.", 1, false, false},
    [TAMPER_AGREEMENT] = {"Agreement", "At least two looks found what is above their thresholds.", 2, false,
                          false},
    [TAMPER_MAJORITY] = {"Majority",
                         "More than half of the looks that could judge are above their thresholds.", 1, true,
                         false},
    [TAMPER_PIXELS] = {"Pixels", "At least one look at the pixels is above its threshold.", 1, false, true},
};

const char *tamper_heuristic_name(enum tamper_heuristic h)
{
    return rules[h].name;
}

const char *tamper_heuristic_description(enum tamper_heuristic h)
{
    return rules[h].description;
}

struct tamper_answer tamper_decide(enum tamper_heuristic h, const struct tamper_vote *votes, size_t n)
{
    size_t asked = 0, against = 0;
    double highest = 0, worst = 0;
    bool tampered;

    for (size_t i = 0; i < n; i++) {
        const struct tamper_vote *v = &votes[i];
        if (v->unknown || (rules[h].pixels && !v->pixels))
            continue;
        asked++;
        highest = v->score > highest ? v->score : highest;
        if (v->score < v->threshold)
            continue;
        against++;
        worst = v->score > worst ? v->score : worst;
    }
    tampered = against >= rules[h].least && (!rules[h].most || 2 * against > asked);
    if (!asked)
        return (struct tamper_answer){.unknown = true};
    return (struct tamper_answer){.tampered = tampered, .confidence = tampered ? worst : 1 - highest};
}
