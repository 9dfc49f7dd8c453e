#include "verdict/heuristic.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

const struct heuristic heuristics[HEURISTICS] = {
    {.name = "Majority", .way = WAY_MAJORITY},
    {.name = "Average"},
    {.name = "AverageExclude10", .band = 0.1},
    {.name = "AverageExclude20", .band = 0.2},
    {.name = "AverageExclude30", .band = 0.3},
    {.name = "TopRelevant", .way = WAY_TOP, .digits = DIGITS_CUT, .decimals = 2},
    {.name = "AverageExcludeObsolete", .without_obsolete = true},
};
const char *const heuristic_default = "AverageExcludeObsolete";

/* 0.6 - 0.5 is a little less than 0.1 in binary, 0.29 * 100 a little less than 29, and three times a third as
 * people type it a little less than 1. */
static const double slack = 1e-9;

static const struct heuristic *find_in(const struct heuristic *h, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(h[i].name, name))
            return &h[i];
    return NULL;
}

const struct heuristic *heuristic_find(const char *name, const struct heuristic *own, size_t n)
{
    const struct heuristic *h = find_in(heuristics, HEURISTICS, name);

    return h ? h : find_in(own, n, name);
}

/* ---- an operator's rules ---- */

static bool is_name(const char *s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t n = s ? strlen(s) : 0;

    return n >= 1 && n <= HEURISTIC_NAME_MAX && strspn(s, allowed) == n;
}

static int check_models(const struct heuristic *h, struct err *err)
{
    if (h->nmodels > VOTES_MODELS_MAX)
        return FAIL(err, ERR_INPUT, "heuristic %s names more than %d models", h->name, VOTES_MODELS_MAX);
    for (size_t i = 0; i < h->nmodels; i++) {
        if (!h->models[i] || !*h->models[i])
            return FAIL(err, ERR_INPUT, "heuristic %s names a model without a name", h->name);
        for (size_t k = 0; k < i; k++)
            if (text_is(h->models[i], h->models[k]))
                return FAIL(err, ERR_INPUT, "heuristic %s names the model %s twice", h->name, h->models[i]);
    }
    return 0;
}

/* Written so that NaN fails every test. */
static int check_numbers(const struct heuristic *h, struct err *err)
{
    int least = h->digits == DIGITS_ALL ? 0 : 1, most = h->digits == DIGITS_ALL ? 0 : HEURISTIC_DECIMALS_MAX;

    if (!(h->band >= 0 && h->band <= 1))
        return FAIL(err, ERR_INPUT, "heuristic %s: the band must lie between 0 and 1", h->name);
    if (!(h->trim >= 0 && h->trim < 0.5))
        return FAIL(err, ERR_INPUT, "heuristic %s: the trimmed share must be from 0 on and below 0.5",
                    h->name);
    if (!(h->threshold >= 0 && h->threshold <= 1))
        return FAIL(err, ERR_INPUT, "heuristic %s: the threshold must lie between 0 and 1", h->name);
    if (h->decimals < least || h->decimals > most)
        return FAIL(err, ERR_INPUT, "heuristic %s: decimals must be %d to %d", h->name, least, most);
    return 0;
}

static int check(const struct heuristic *h, struct err *err)
{
    if (!is_name(h->name))
        return FAIL(err, ERR_INPUT, "a heuristic's name is 1 to %d letters, digits, '-', '_' and '.'",
                    HEURISTIC_NAME_MAX);
    if (find_in(heuristics, HEURISTICS, h->name))
        return FAIL(err, ERR_INPUT, "heuristic %s is the service's own and cannot be changed", h->name);
    return check_numbers(h, err) < 0 ? -1 : check_models(h, err);
}

int heuristics_check(const struct heuristic *own, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (check(&own[i], err) < 0)
            return -1;
        if (find_in(own, i, own[i].name))
            return FAIL(err, ERR_INPUT, "two heuristics are named %s", own[i].name);
    }
    return 0;
}

/* ---- who is asked ---- */

static uint64_t bit(size_t i)
{
    return (uint64_t)1 << i;
}

static bool has(uint64_t set, size_t i)
{
    return set >> i & 1;
}

static size_t size_of(uint64_t set)
{
    return (size_t)__builtin_popcountll(set);
}

/* The row on which a rule works. */
struct row {
    const struct voter *models;
    const struct vote *votes;
    size_t n;
};

static bool is_chosen(const struct heuristic *h, const struct voter *m)
{
    for (size_t i = 0; i < h->nmodels; i++)
        if (text_is(h->models[i], m->model))
            return true;
    return !h->nmodels && m->counts;
}

static uint64_t chosen(const struct heuristic *h, const struct row *r)
{
    uint64_t set = 0;

    for (size_t i = 0; i < r->n; i++)
        if (is_chosen(h, &r->models[i]) && vote_known(&r->votes[i]))
            set |= bit(i);
    return set;
}

static double artificial(const struct row *r, size_t i)
{
    return r->votes[i].score[ORIGIN_ARTIFICIAL];
}

/* How many of the set score lower for artificial; of equal ones the earlier model is the lower. */
static size_t rank_of(const struct row *r, uint64_t set, size_t i)
{
    size_t rank = 0;

    for (size_t k = 0; k < r->n; k++)
        if (has(set, k) &&
            (artificial(r, k) < artificial(r, i) || (k < i && !(artificial(r, k) > artificial(r, i)))))
            rank++;
    return rank;
}

static uint64_t trimmed(const struct row *r, uint64_t set, double share)
{
    size_t size = size_of(set), gone = (size_t)((double)size * share + slack);
    uint64_t left = 0;

    if (2 * gone >= size) /* a share of nearly a half leaves the middle */
        gone = size ? (size - 1) / 2 : 0;
    for (size_t i = 0; i < r->n; i++) {
        size_t rank = has(set, i) ? rank_of(r, set, i) : 0;
        if (has(set, i) && rank >= gone && rank < size - gone)
            left |= bit(i);
    }
    return left;
}

static uint64_t excluded_by_vote(const struct heuristic *h, const struct row *r, uint64_t set)
{
    uint64_t gone = 0;

    for (size_t i = 0; i < r->n; i++) {
        double margin = has(set, i) ? fabs(artificial(r, i) - r->votes[i].score[ORIGIN_HUMAN]) : 1;
        if (has(set, i) && ((h->without_obsolete && r->models[i].obsolete) || margin < h->band - slack))
            gone |= bit(i);
    }
    return gone;
}

/* ---- what they decide ---- */

/* Per origin the mean over the set, and 0 over nobody. */
static struct vote mean_over(const struct row *r, uint64_t set)
{
    struct vote mean = {.unknown = !set};

    for (size_t i = 0; i < r->n; i++)
        for (int o = 0; has(set, i) && o < ORIGINS; o++)
            mean.score[o] += r->votes[i].score[o];
    for (int o = 0; set && o < ORIGINS; o++)
        mean.score[o] = fmin(mean.score[o] / (double)size_of(set), 1);
    return mean;
}

static struct vote top_over(const struct row *r, uint64_t set)
{
    struct vote top = {.unknown = !set};

    for (size_t i = 0; i < r->n; i++)
        for (int o = 0; has(set, i) && o < ORIGINS; o++)
            top.score[o] = fmax(top.score[o], r->votes[i].score[o]);
    return top;
}

static struct vote_answer answer_from(const struct vote *v, double threshold)
{
    enum origin o = v->score[ORIGIN_ARTIFICIAL] >= threshold ? ORIGIN_ARTIFICIAL : ORIGIN_HUMAN;

    if (!(threshold > 0) || !vote_known(v))
        return vote_answer(v);
    return (struct vote_answer){o, v->score[o], false};
}

static struct vote_answer by_mean(const struct heuristic *h, const struct row *r, uint64_t set)
{
    struct vote mean = mean_over(r, set);

    return answer_from(&mean, h->threshold);
}

static struct vote_answer by_top(const struct heuristic *h, const struct row *r, uint64_t set)
{
    struct vote top = top_over(r, set);

    return answer_from(&top, h->threshold);
}

/* A model that cannot tell itself votes for neither. Of two origins with as many voters the one with the
 * higher mean over its voters; still equal, or no voters: human and unknown. */
static struct vote_answer by_majority(const struct heuristic *h, const struct row *r, uint64_t set)
{
    uint64_t voters[ORIGINS] = {0};
    struct vote means = {0};
    size_t human, artificials;

    for (size_t i = 0; i < r->n; i++) {
        struct vote_answer a = answer_from(&r->votes[i], h->threshold);
        if (has(set, i) && !a.unknown)
            voters[a.origin] |= bit(i);
    }
    for (int o = 0; o < ORIGINS; o++)
        means.score[o] = mean_over(r, voters[o]).score[o];
    human = size_of(voters[ORIGIN_HUMAN]);
    artificials = size_of(voters[ORIGIN_ARTIFICIAL]);
    if (human == artificials)
        return vote_answer(&means);
    if (human > artificials)
        return (struct vote_answer){ORIGIN_HUMAN, means.score[ORIGIN_HUMAN], false};
    return (struct vote_answer){ORIGIN_ARTIFICIAL, means.score[ORIGIN_ARTIFICIAL], false};
}

static struct vote_answer (*const ways[])(const struct heuristic *, const struct row *, uint64_t) = {
    [WAY_MEAN] = by_mean,
    [WAY_MAJORITY] = by_majority,
    [WAY_TOP] = by_top,
};

static double written(const struct heuristic *h, double confidence)
{
    double scale = 1;

    for (int i = 0; i < h->decimals; i++)
        scale *= 10;
    if (h->digits == DIGITS_CUT)
        return floor(confidence * scale + slack) / scale;
    return h->digits == DIGITS_ROUNDED ? floor(confidence * scale + 0.5 + slack) / scale : confidence;
}

struct ruling heuristic_on(const struct heuristic *h, const struct voter *models, const struct vote *row,
                           size_t n)
{
    /* Over the ceiling nobody is asked, rather than some: the ruling is unknown. */
    const struct row r = {models, row, n <= VOTES_MODELS_MAX ? n : 0};
    struct ruling out = {.by = h};
    uint64_t all = chosen(h, &r), left = all & ~excluded_by_vote(h, &r, all);

    left = trimmed(&r, left, h->trim);
    out.models = left ? left : all;
    out.answer = ways[h->way](h, &r, out.models);
    out.answer.unknown |= !left;
    out.answer.confidence = written(h, out.answer.confidence);
    return out;
}

struct ruling heuristic_on_means(const struct heuristic *h, const struct votes *v)
{
    struct vote means[VOTES_MODELS_MAX];

    for (size_t i = 0; i < v->nmodels && i < VOTES_MODELS_MAX; i++)
        means[i] = votes_summary(v, i).mean;
    return heuristic_on(h, v->models, means, v->nmodels);
}

struct ruling heuristic_on_moments(const struct heuristic *h, const struct votes *v)
{
    struct ruling out = {.by = h, .answer = {ORIGIN_HUMAN, 0, true}};
    size_t count[ORIGINS] = {0}, voted;

    for (size_t t = 0; t < v->nmoments; t++) {
        struct ruling r = heuristic_on(h, v->models, votes_of_moment(v, t), v->nmodels);
        if (r.answer.unknown)
            continue;
        count[r.answer.origin]++;
        out.models |= r.models;
    }
    voted = count[ORIGIN_HUMAN] + count[ORIGIN_ARTIFICIAL];
    if (!voted)
        return out;
    out.answer.origin = count[ORIGIN_ARTIFICIAL] > count[ORIGIN_HUMAN] ? ORIGIN_ARTIFICIAL : ORIGIN_HUMAN;
    out.answer.unknown = count[ORIGIN_ARTIFICIAL] == count[ORIGIN_HUMAN];
    out.count = count[out.answer.origin];
    out.answer.confidence = (double)out.count / (double)voted;
    return out;
}
