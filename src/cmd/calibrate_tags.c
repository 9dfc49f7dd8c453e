/* assay model calibrate: tags. One temperature for all labels of the model, by what its tags should have
 * said. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/calibrate_int.h"

void calibrate_keep_tags(struct evaluation *e, const struct eval_item *item, const struct report *report)
{
    struct calibration_run *r = e->kept;
    const struct scenery *s = report->nitems ? &report->items[0].scenery : NULL;
    float *to = r->p + (size_t)(item - e->items) * r->work.card.nlabels;

    for (size_t i = 0; s && i < r->work.card.nlabels; i++)
        for (size_t k = 0; k < s->ntags; k++)
            if (text_is(s->tags[k].name, r->work.card.labels[i].name))
                to[i] = (float)s->tags[k].probability;
}

static const struct card_tag *tag_named(const struct card *card, const char *name)
{
    for (size_t i = 0; i < card->tags.ntags; i++)
        if (text_is(card->tags.tags[i].name, name))
            return &card->tags.tags[i];
    return NULL;
}

/* The judged items of one fold, or all (-1). */
static void take_set(struct calibration_run *r, const int *fold, int which, struct temper_set *ret)
{
    struct evaluation *e = &r->e;
    size_t nlabels = r->work.card.nlabels;
    float *p = arena_array(e->arena, e->n * nlabels + 1, sizeof *p);
    bool *shows = arena_array(e->arena, e->n * e->nlabels + 1, sizeof *shows);
    struct temper_tag *tags = arena_array(e->arena, e->nlabels, sizeof *tags);
    size_t n = 0;

    for (size_t k = 0; k < e->nlabels; k++) {
        const struct card_tag *tag = tag_named(&r->work.card, e->labels[k]);
        if (tag) /* calibrate_check_tags has seen to it */
            tags[k] = (struct temper_tag){tag->nfrom, tag->from};
    }
    for (size_t i = 0; i < e->n; i++) {
        if (e->items[i].problem || (which >= 0 && fold[i] != which))
            continue;
        memcpy(p + n * nlabels, r->p + i * nlabels, nlabels * sizeof *p);
        for (size_t k = 0; k < e->nlabels; k++)
            shows[n * e->nlabels + k] = eval_shows(e, &e->items[i], k);
        n++;
    }
    *ret = (struct temper_set){.nlabels = nlabels,
                               .ntags = e->nlabels,
                               .n = n,
                               .exclusive = text_starts(r->work.card.output.decoder, "softmax"),
                               .tags = tags,
                               .p = p,
                               .shows = shows};
}

/* The scores of a tag at a temperature, behind those that are there. */
static size_t tag_items(const struct temper_set *s, size_t tag, double temperature, struct measured *ret)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();

    for (size_t i = 0; i < s->n; i++)
        ret[i] = (struct measured){temper_tag(scratch, s, i, tag, temperature), s->shows[i * s->ntags + tag]};
    return s->n;
}

static void measure_tags(struct calibration_run *r, const struct temper_set *all,
                         const struct temper_set *halves, double temperature, const double *by_half)
{
    struct measured *items = arena_array(r->e.arena, r->e.n + 1, sizeof *items);

    for (size_t k = 0; k < r->e.nlabels; k++) {
        struct calibrated_label *l = &r->labels[k];
        size_t n = 0;
        l->label = r->e.labels[k];
        l->fitted.temperature = temperature;
        calibrate_measure(r, items, tag_items(all, k, 1, items), &l->raw);
        calibrate_measure(r, items, tag_items(all, k, r->work.card.tags.temperature, items), &l->now);
        calibrate_measure(r, items, tag_items(all, k, temperature, items), &l->after);
        for (int f = 0; f < CALIBRATE_FOLDS; f++) /* by what the other half said */
            n += tag_items(&halves[f], k, by_half[(f + 1) % CALIBRATE_FOLDS], items + n);
        calibrate_measure(r, items, n, &l->two_fold);
    }
}

void calibrate_tags(struct calibration_run *r)
{
    int *fold = arena_array(r->e.arena, r->e.n + 1, sizeof *fold);
    struct temper_set all, halves[CALIBRATE_FOLDS];
    double by_half[CALIBRATE_FOLDS];

    for (size_t i = 0, folder = 0, next = 0; i < r->e.n; i++) { /* every other file of each folder */
        next = r->e.items[i].folder == folder ? next : 0;
        folder = r->e.items[i].folder;
        if (!r->e.items[i].problem)
            fold[i] = (int)(next++ % CALIBRATE_FOLDS);
    }
    take_set(r, fold, -1, &all);
    for (int f = 0; f < CALIBRATE_FOLDS; f++) {
        take_set(r, fold, f, &halves[f]);
        by_half[f] = temper_fit(r->e.arena, &halves[f]);
    }
    measure_tags(r, &all, halves, temper_fit(r->e.arena, &all), by_half);
}

int calibrate_check_tags(const struct calibration_run *r, struct err *err)
{
    if (r->work.card.nlabels > CARD_MAX_TAGS)
        return FAIL(err, ERR_UNSUPPORTED, "%s has %zu labels; a temperature is fitted to at most %d",
                    r->work.card.name, r->work.card.nlabels, CARD_MAX_TAGS);
    for (size_t i = 0; i < r->e.nlabels; i++)
        if (!tag_named(&r->work.card, r->e.labels[i]))
            return FAIL(err, ERR_INPUT, "%s has no tag \"%.60s\", after which a folder is named",
                        r->work.card.name, r->e.labels[i]);
    if (r->e.n < 2 * (size_t)r->call->tune.least)
        return FAIL(err, ERR_INPUT, "%zu files are too few; --least %lld asks for twice as many", r->e.n,
                    (long long)r->call->tune.least);
    return 0;
}
