#include "infer/notes_int.h"

#include <stdio.h>

#include "base/text.h"

void notes_add(struct notes *notes, const char *fmt, ...)
{
    char text[512];
    va_list args;

    if (notes->n >= NOTES_MAX)
        return;
    if (!notes->all)
        notes->all = arena_array(notes->arena, NOTES_MAX, sizeof *notes->all);
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    notes->all[notes->n++] = arena_strdup(notes->arena, text);
}

void notes_give(const struct notes *notes, struct imported *to)
{
    to->nnotes = notes->n;
    to->notes = notes->all;
}

static const struct {
    enum learn_kind kind;
    const char *type;
} kinds[] = {
    {LEARN_CLASSIFIER, "keras"},
    {LEARN_CLASSIFIER, "keras-transfer-image"},
    {LEARN_CLASSIFIER, "keras-transfer-kws"},
    {LEARN_REGRESSION, "keras-regression"},
    {LEARN_CLUSTERS, "anomaly"},
    {LEARN_MIXTURE, "anomaly-gmm"},
    {LEARN_FOMO, "keras-object-detection"},
    {LEARN_SSD, "keras-object-detection"},
    {LEARN_GRID, "keras-visual-anomaly"},
    {LEARN_FREEFORM, "keras-freeform"},
};

enum learn_kind learn_kind_of_type(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (text_is(kinds[i].type, type))
            return kinds[i].kind;
    return LEARN_KINDS;
}

const char *learn_type_of_kind(enum learn_kind k)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].kind == k)
            return kinds[i].type;
    return "keras";
}

void learn_label(struct arena *a, struct impulse_learn *l, size_t n, const char *const *classes)
{
    static const char *const fixed[LEARN_KINDS] = {[LEARN_REGRESSION] = "value",
                                                   [LEARN_CLUSTERS] = "anomaly",
                                                   [LEARN_MIXTURE] = "anomaly",
                                                   [LEARN_GRID] = "anomaly"};
    const char **one = arena_alloc(a, sizeof *one);

    *one = fixed[l->kind];
    l->nlabels = *one ? 1 : n;
    l->labels = *one ? one : classes;
    if (l->kind == LEARN_FREEFORM)
        l->nlabels = 0;
}

double learn_min_score(enum learn_kind k)
{
    return k == LEARN_FOMO || k == LEARN_SSD                              ? 0.5
           : k == LEARN_CLUSTERS || k == LEARN_MIXTURE || k == LEARN_GRID ? 0.3
                                                                          : 0.6;
}
