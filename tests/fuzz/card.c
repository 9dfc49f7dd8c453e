/* Model cards from anywhere: refused or sensible. What is accepted has to hold what the header promises. */
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "infer/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_calibration(const struct calibration *c)
{
    for (int k = 0; k <= 10; k++) {
        double p = calibrate(c, k / 10.0);
        if (!(p >= 0 && p <= 1))
            abort();
    }
}

static void check_detect(const struct card *c)
{
    if (!c->output.decoder || !c->nlabels || !c->nconcepts || risk_rule_check(&c->rule, NULL) < 0)
        abort();
    for (size_t i = 0; i < c->nconcepts; i++)
        check_calibration(&c->concepts[i].calibration);
    for (size_t i = 0; i < c->nlabels; i++)
        if (c->labels[i].concept && !card_concept(c, c->labels[i].concept))
            abort();
}

static void check_faces(const struct card *c)
{
    if (c->noutputs != 12 || c->input.width % 32 || c->input.height % 32 || !(c->faces.threshold > 0))
        abort();
    check_calibration(&c->faces.calibration);
}

static void check_embedding(const struct card *c)
{
    if (!(c->embedding.same_from >= -1 && c->embedding.same_from <= 1) || c->embedding.min_face < 1)
        abort();
}

static void check_traits(const struct card *c)
{
    if (c->noutputs != 2 || c->traits.gender_floor < 0.5 || !(c->traits.enlarge > 0))
        abort();
}

static void check_tags(const struct card *c)
{
    if (!c->output.decoder || c->nlabels < 2 || !c->tags.map || c->tags.ntags || !(c->tags.temperature > 0))
        abort();
}

static void check_voice(const struct card *c)
{
    if (c->noutputs != 2 || c->nfeeds < 1 || !c->feeds[0].is_state || c->speech.context < 0 ||
        c->speech.context > CARD_VOICE_FRAME)
        abort();
}

static void check_speech(const struct card *c)
{
    if (c->noutputs != 1 || c->nfeeds || c->input.samples < 1 || c->speech.hop < 1 ||
        !(c->origin.floor >= 0.5) || !(c->origin.scale > 0))
        abort();
}

static void check_origin(const struct card *c)
{
    bool spectrum = text_is(c->origin.method, "spectrum");

    if (c->origin.patches < 1 || c->origin.patches > CARD_MAX_PATCHES || !(c->origin.scale > 0) ||
        !(c->origin.floor >= 0.5) || (spectrum && !c->origin.weights))
        abort();
}

static void check_origin_face(const struct card *c)
{
    if (c->noutputs != 1 || !(c->origin.enlarge > 0) || !(c->origin.floor >= 0.5))
        abort();
}

static void check_nsfw(const struct card *c)
{
    check_calibration(&c->nsfw.calibration);
    if (c->nlabels < 2 || c->nsfw.nunsafe < 1 || c->nsfw.nunsafe > c->nlabels)
        abort();
}

static const struct {
    const char *task;
    void (*check)(const struct card *c);
} tasks[] = {
    {"origin-image", check_origin}, {"origin-face", check_origin_face},
    {"nsfw", check_nsfw},           {"detect", check_detect},
    {"faces", check_faces},         {"face-embedding", check_embedding},
    {"face-traits", check_traits},  {"tags", check_tags},
    {"voice", check_voice},         {"origin-speech", check_speech},
};

static void check(const struct card *c)
{
    bool known = false, alone = text_is(c->origin.method, "spectrum"); /* its weights are in the card */

    if (!c->name || (!alone && (!c->file || !c->input.name || !c->noutputs)))
        abort();
    if (!alone && !c->input.samples &&
        (c->input.width < 32 || c->input.width > 2048 || c->input.pad < 0 || c->input.pad > 255))
        abort();
    for (size_t i = 0; i < c->noutputs; i++)
        if (!c->outputs[i])
            abort();
    for (size_t i = 0; i < c->nvariants; i++)
        if (!c->file || !c->variants[i].name || !c->variants[i].file || !c->variants[i].needs)
            abort();
    for (size_t i = 0; i < COUNT_OF(tasks); i++)
        if (text_is(tasks[i].task, c->task)) {
            tasks[i].check(c);
            known = true;
        }
    if (!known)
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
