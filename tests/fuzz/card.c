/* Model cards from anywhere: refused or sensible. What is accepted has to hold what the header promises. */
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "infer/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct card *c)
{
    if (!c->name || !c->file || !c->input.name || !c->output.decoder || !c->nlabels || !c->nconcepts)
        abort();
    if (c->input.width < 32 || c->input.width > 2048 || c->input.pad < 0 || c->input.pad > 255)
        abort();
    if (risk_rule_check(&c->rule, NULL) < 0)
        abort();
    for (size_t i = 0; i < c->nconcepts; i++)
        for (int k = 0; k <= 10; k++) {
            double p = calibrate(&c->concepts[i].calibration, k / 10.0);
            if (!(p >= 0 && p <= 1))
                abort();
        }
    for (size_t i = 0; i < c->nlabels; i++)
        if (c->labels[i].concept && !card_concept(c, c->labels[i].concept))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct card card;

    if (card_parse(a, bytes_of(data, n), "models", "fuzz", &card, &err) < 0) {
        if (err.kind != ERR_MODEL || !err.text[0])
            abort();
        return 0;
    }
    check(&card);
    return 0;
}
