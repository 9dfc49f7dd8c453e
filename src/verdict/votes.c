#include "verdict/votes.h"

#include <math.h>

#include "base/text.h"

const char *origin_name(enum origin o)
{
    return o == ORIGIN_ARTIFICIAL ? "artificial" : "human";
}

/* Written so that NaN fails. */
static bool is_share(double p)
{
    return p >= 0 && p <= 1;
}

struct vote vote_of(double human, double artificial, double floor)
{
    struct vote v = {.score = {[ORIGIN_HUMAN] = human, [ORIGIN_ARTIFICIAL] = artificial}};

    v.unknown = !is_share(human) || !is_share(artificial) || fmax(human, artificial) < floor;
    return v;
}

bool vote_known(const struct vote *v)
{
    return !v->unknown && is_share(v->score[ORIGIN_HUMAN]) && is_share(v->score[ORIGIN_ARTIFICIAL]);
}

static int check_models(const struct votes *v, struct err *err)
{
    if (v->nmodels < 1 || v->nmodels > VOTES_MODELS_MAX)
        return FAIL(err, ERR_INPUT, "votes come from 1 to %d models, not from %zu", VOTES_MODELS_MAX,
                    v->nmodels);
    for (size_t i = 0; i < v->nmodels; i++) {
        if (!v->models[i].model || !*v->models[i].model)
            return FAIL(err, ERR_INPUT, "model %zu of those that vote has no name", i);
        for (size_t k = 0; k < i; k++)
            if (text_is(v->models[i].model, v->models[k].model))
                return FAIL(err, ERR_INPUT, "two models that vote are named %s", v->models[i].model);
    }
    return 0;
}

int votes_check(const struct votes *v, struct err *err)
{
    if (check_models(v, err) < 0)
        return -1;
    for (size_t t = 0; v->weights && t < v->nmoments; t++)
        if (!(v->weights[t] >= 0 && isfinite(v->weights[t])))
            return FAIL(err, ERR_INPUT, "the weight of moment %zu is no number from 0 on", t);
    return 0;
}

const struct vote *votes_of_moment(const struct votes *v, size_t moment)
{
    return v->cast + moment * v->nmodels;
}

struct vote_answer vote_answer(const struct vote *v)
{
    double human = v->score[ORIGIN_HUMAN], artificial = v->score[ORIGIN_ARTIFICIAL];

    if (!vote_known(v))
        return (struct vote_answer){ORIGIN_HUMAN, 0, true};
    if (artificial > human)
        return (struct vote_answer){ORIGIN_ARTIFICIAL, artificial, false};
    return (struct vote_answer){ORIGIN_HUMAN, human, !(human > artificial)};
}

/* What the model's vote of a moment weighs; 0 when it is unknown. Weights of 1 leave sums as they are. */
static double weight_of(const struct votes *v, size_t moment, size_t model)
{
    double w = v->weights ? v->weights[moment] : 1;

    return w > 0 && isfinite(w) && vote_known(&votes_of_moment(v, moment)[model]) ? w : 0;
}

static double mean_of(const struct votes *v, size_t model, enum origin o)
{
    double sum = 0, total = 0;

    for (size_t t = 0; t < v->nmoments; t++) {
        double w = weight_of(v, t, model);
        if (!(w > 0)) /* the score may be no number: 0 times it is none either */
            continue;
        sum += w * votes_of_moment(v, t)[model].score[o];
        total += w;
    }
    return sum / total;
}

/* In two passes: no cancellation. */
static double deviation_of(const struct votes *v, size_t model, double mean)
{
    double sum = 0, total = 0;

    for (size_t t = 0; t < v->nmoments; t++) {
        double w = weight_of(v, t, model), d;
        if (!(w > 0))
            continue;
        d = votes_of_moment(v, t)[model].score[ORIGIN_ARTIFICIAL] - mean;
        sum += w * (d * d);
        total += w;
    }
    return sqrt(sum / total);
}

struct summary votes_summary(const struct votes *v, size_t model)
{
    struct summary s = {.mean.unknown = true};

    for (size_t t = 0; t < v->nmoments; t++)
        s.known += weight_of(v, t, model) > 0;
    if (!s.known)
        return s;
    /* A mean of many shares may end one bit above 1. */
    for (int o = 0; o < ORIGINS; o++)
        s.mean.score[o] = fmin(mean_of(v, model, (enum origin)o), 1);
    s.mean.unknown = false;
    s.deviation = deviation_of(v, model, s.mean.score[ORIGIN_ARTIFICIAL]);
    return s;
}
