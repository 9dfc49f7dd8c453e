/* Tag maps from anywhere: refused, or tags that are made of labels of the card. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "infer/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct card_label labels[] = {{"a", NULL, 0}, {"b", NULL, 0}, {"c", NULL, 0}};

static void check(struct arena *a, const struct card *card)
{
    const float all[] = {0.5f, 0.25f, 0.5f};
    struct tag *tags = arena_array(a, card->tags.ntags, sizeof *tags);

    if (!card->tags.ntags || card->tags.ntags > CARD_MAX_TAGS)
        abort();
    tags_fold(card, all, tags);
    for (size_t i = 0; i < card->tags.ntags; i++)
        if (!tags[i].name || !tags[i].name[0] || !(tags[i].probability > 0 && tags[i].probability <= 1))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct card card = {
        .name = "fuzz", .output = {"y", "softmax"}, .nlabels = COUNT_OF(labels), .labels = labels};
    struct err err = {0};

    if (card_add_map(a, bytes_of(data, n), "fuzz", &card, &err) < 0) {
        if (err.kind != ERR_MODEL || !err.text[0])
            abort();
        return 0;
    }
    check(a, &card);
    return 0;
}
