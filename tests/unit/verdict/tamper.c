#include "verdict/tamper.h"

#include "test.h"

/* Votes by a text: a digit d is a score of d/10 of a look at pixels, 'm' and a digit one at metadata, '?' one
 * that is unknown; the threshold is 0.5. */
static size_t votes_of(const char *s, struct tamper_vote *ret)
{
    size_t n = 0;

    for (; *s; s++) {
        bool meta = *s == 'm';
        s += meta;
        ret[n++] = (struct tamper_vote){.unknown = *s == '?',
                                        .pixels = !meta,
                                        .score = *s == '?' ? 0.9 : (*s - '0') / 10.0,
                                        .threshold = 0.5};
    }
    return n;
}

static void rules(void)
{
    static const struct {
        const char *votes;
        enum tamper_heuristic h;
        const char *answer; /* t tampered, a authentic, ? unknown */
        double confidence;
    } rows[] = {
        {"", TAMPER_ANY, "?", 0},           {"??", TAMPER_ANY, "?", 0},
        {"?m?", TAMPER_MAJORITY, "?", 0},   {"14", TAMPER_ANY, "a", 0.6},
        {"15", TAMPER_ANY, "t", 0.5},       {"?8", TAMPER_ANY, "t", 0.8},
        {"08", TAMPER_AGREEMENT, "a", 0.2}, {"78m0", TAMPER_AGREEMENT, "t", 0.8},
        {"70", TAMPER_MAJORITY, "a", 0.3},  {"70?m6", TAMPER_MAJORITY, "t", 0.7},
        {"0m9", TAMPER_PIXELS, "a", 1},     {"m9", TAMPER_PIXELS, "?", 0},
        {"6m9", TAMPER_PIXELS, "t", 0.6},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tamper_vote votes[8];
        size_t n = votes_of(rows[i].votes, votes);
        struct tamper_answer a = tamper_decide(rows[i].h, votes, n);
        CHECK_STR(a.unknown ? "?" : a.tampered ? "t" : "a", rows[i].answer);
        CHECK(!(a.unknown && a.tampered));
        CHECK_NEAR(a.confidence, rows[i].confidence, 1e-12);
        ROW("\"%s\" %s", rows[i].votes, tamper_heuristic_name(rows[i].h));
    }
}

int main(void)
{
    RUN(rules);
    return test_end();
}
