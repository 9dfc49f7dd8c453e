#include "infer/tags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "infer/fit_int.h"
#include "infer/number_int.h"
#include "verdict/temper.h"

struct tagger {
    struct model *model;
    struct fitter *fitter;
    float *labels; /* probabilities */
};

struct tagger *tagger_new(struct arena *a, struct model *m)
{
    struct tagger *t = arena_alloc(a, sizeof *t);

    t->model = m;
    t->fitter = fitter_new(a, m);
    t->labels = arena_array(a, model_card(m)->nlabels, sizeof *t->labels);
    return t;
}

/* ---- from the output to probabilities, and from labels to a tag ---- */

static bool as_is(const float *out, size_t n, float *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_probability(out[i]))
            return false;
        ret[i] = fminf(fmaxf(out[i], 0), 1);
    }
    return true;
}

static bool softmax(const float *out, size_t n, float *ret)
{
    float most = -INFINITY;
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        if (!isfinite(out[i]))
            return false;
        most = fmaxf(most, out[i]);
    }
    for (size_t i = 0; i < n; i++)
        sum += exp((double)out[i] - (double)most);
    for (size_t i = 0; i < n; i++)
        ret[i] = (float)(exp((double)out[i] - (double)most) / sum);
    return true;
}

static bool sigmoid(const float *out, size_t n, float *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(out[i]))
            return false;
        ret[i] = (float)(1 / (1 + exp(-(double)out[i])));
    }
    return true;
}

/* Labels that exclude each other add up. */
static double add(double sum, double p)
{
    return fmin(sum + p, 1);
}

/* Of labels that may hold together, the surest speaks. */
static double larger(double most, double p)
{
    return fmax(most, p);
}

static const struct decoder {
    const char *name;
    bool (*probabilities)(const float *out, size_t n, float *ret); /* false: it gave what cannot be */
    double (*join)(double so_far, double p);
    bool exclusive; /* the labels exclude each other */
} decoders[] = {
    {"softmax", as_is, add, true},
    {"sigmoid", as_is, larger, false},
    {"softmax-logits", softmax, add, true},
    {"sigmoid-logits", sigmoid, larger, false},
};

static const struct decoder *decoder_of(const struct card *card)
{
    for (size_t i = 0; i < COUNT_OF(decoders); i++)
        if (text_is(decoders[i].name, card->output.decoder))
            return &decoders[i];
    return &decoders[0];
}

void tags_fold(const struct card *card, const float *labels, struct tag *ret)
{
    const struct decoder *d = decoder_of(card);

    for (size_t i = 0; i < card->tags.ntags; i++) {
        const struct card_tag *tag = &card->tags.tags[i];
        double p = 0;

        for (size_t k = 0; k < tag->nfrom; k++)
            p = d->join(p, (double)labels[tag->from[k]]);
        ret[i] = (struct tag){tag->name, (float)p, tag->critical};
    }
}

/* ---- all together ---- */

int tags_judge(struct tagger *t, struct arena *a, const struct picture *bgr, int64_t deadline_mono_us,
               struct tag **ret_tags, size_t *ret_n, struct err *err)
{
    const struct card *card = model_card(t->model);
    struct placement placed;
    struct tensor out;

    if (fitter_put(t->fitter, bgr, &placed, err) < 0 || model_run(t->model, deadline_mono_us, &out, err) < 0)
        return -1;
    if (!decoder_of(card)->probabilities(out.data, card->nlabels, t->labels))
        return FAIL(err, ERR_MODEL, "the model %s gave a score that is not a probability", card->name);
    temper(t->labels, card->nlabels, card->tags.temperature, decoder_of(card)->exclusive);
    *ret_tags = arena_array(a, card->tags.ntags, sizeof **ret_tags);
    *ret_n = card->tags.ntags;
    tags_fold(card, t->labels, *ret_tags);
    return 0;
}

static int by_probability(const void *x, const void *y)
{
    const struct tag *a = x, *b = y;

    if (a->probability != b->probability)
        return a->probability > b->probability ? -1 : 1;
    return strcmp(a->name, b->name);
}

size_t tags_above(struct tag *tags, size_t n, double threshold)
{
    size_t above = 0;

    qsort(tags, n, sizeof *tags, by_probability);
    while (above < n && (double)tags[above].probability >= threshold)
        above++;
    return above;
}
