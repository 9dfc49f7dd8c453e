#include "infer/variant.h"

#include <string.h>
#include <unistd.h>

#include "infer/catalogue.h"

struct bytes variant_embedded(const struct card_variant *v)
{
    struct bytes none = {0};

    return v->file ? none : embedded_file(v->name);
}

/* A card may come without them: its plain weights are enough. */
static bool is_there(const struct card_variant *v)
{
    return v->file ? access(v->file, F_OK) == 0 : variant_embedded(v).len > 0;
}

const struct card_variant *variant_choose(const struct card *card, unsigned features)
{
    for (size_t i = 0; i < card->nvariants; i++)
        if (!(card->variants[i].needs & ~features) && is_there(&card->variants[i]))
            return &card->variants[i];
    return NULL;
}

struct card variant_card(const struct card *card, const struct card_variant *v)
{
    struct card with = *card;

    with.file = v->file;
    with.variant = v->name;
    memcpy(with.sha256, v->sha256, sizeof with.sha256);
    return with;
}
