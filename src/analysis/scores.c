#include "analysis/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"

enum { MAX_FINDINGS = 20000 }; /* of a report; the best of each moment come first and are kept */

/* ---- motion as evidence ---- */

static float common_1d(float a, float a_len, float b, float b_len)
{
    return fmaxf(fminf(a + a_len, b + b_len) - fmaxf(a, b), 0);
}

static float common_area(const struct box *a, const struct box *b)
{
    return common_1d(a->x, a->w, b->x, b->w) * common_1d(a->y, a->h, b->y, b->h);
}

float box_cover(const struct box *a, const struct box *b)
{
    float area = a->w * a->h;

    return area > 0 ? common_area(a, b) / area : 0;
}

float boxes_iou(const struct box *a, const struct box *b)
{
    float common = common_area(a, b);
    float both = a->w * a->h + b->w * b->h - common;

    return both > 0 ? common / both : 0;
}

/* Twice the odds. */
static float lifted(float score)
{
    return 2 * score / (1 + score);
}

float score_with_motion(float score, float fit, const struct risk_rule *rule, struct reach *reach)
{
    static const float same_place = 0.3f;

    if (fit < same_place)
        return score;
    reach_lifted(reach, score, lifted(score), risk_quarter(rule));
    return fmaxf(score, fminf(lifted(score), risk_quarter(rule)));
}

/* ---- scores ---- */

/* What a sighting counts for one purpose; negative: not at all. */
typedef float weigh(const struct sighting *s, const void *arg);

static float as_concept(const struct sighting *s, const void *arg)
{
    return s->concept == arg ? s->score : -1;
}

static float as_intrusion(const struct sighting *s, const void *arg)
{
    const struct risk_rule *rule = arg;

    if (text_is(s->concept->name, "person"))
        return s->score;
    if (text_is(s->concept->name, "vehicle"))
        return s->moves ? s->score : fminf(s->score, risk_middle(rule));
    return -1;
}

/* The best of every moment, allocated; 0 where there is none. */
static float *best_of(size_t nmoments, const struct sightings *s, weigh *count, const void *arg)
{
    float *best = mem_alloc((nmoments ? nmoments : 1) * sizeof *best);

    for (size_t i = 0; i < s->n; i++) {
        const struct sighting *seen = &s->all[i];
        float v = seen->excluded ? -1 : count(seen, arg);
        if (v > best[seen->moment] || isnan(v))
            best[seen->moment] = v;
    }
    return best;
}

/* Mean of the two best moments. */
static double top2_of(size_t nmoments, const struct sightings *s, weigh *count, const void *arg)
{
    CLEANUP(freep) float *best = best_of(nmoments, s, count, arg);

    return score_top2(best, nmoments);
}

/* The lower of the two that score_top2 takes. */
static float second_best(const float *values, size_t n)
{
    float best = 0, second = 0;

    for (size_t i = 0; i < n; i++) {
        if (values[i] > best) {
            second = best;
            best = values[i];
        } else if (values[i] > second) {
            second = values[i];
        }
    }
    return n == 1 ? best : second;
}

bool scores_settle_reach(size_t nmoments, const struct risk_rule *rule, const struct sightings *s,
                         struct reach *reach)
{
    CLEANUP(freep) float *best = best_of(nmoments, s, as_intrusion, rule);
    float second = second_best(best, nmoments);

    if (second <= risk_middle(rule))
        return false;
    *reach = reach_any();
    reach->quarter[1] = reach->middle[1] = (double)second;
    reach->high[1] = score_top2(best, nmoments);
    return true;
}

void scores_note_still(const struct risk_rule *rule, const struct sightings *s, struct reach *reach)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->all[i].excluded && !s->all[i].moves && text_is(s->all[i].concept->name, "vehicle"))
            reach_capped(reach, s->all[i].score, risk_middle(rule));
}

double scores_intrusion(size_t nmoments, const struct risk_rule *rule, const struct sightings *s)
{
    return top2_of(nmoments, s, as_intrusion, rule);
}

static double largest_score(const struct report *r)
{
    double largest = 0;

    for (size_t i = 0; i < r->nscores; i++)
        largest = fmax(largest, r->scores[i].value);
    return largest;
}

int scores_add(struct report *r, const struct card *card, const struct risk_rule *rule,
               const struct sightings *s, struct err *err)
{
    report_add_score(r, "intrusion", scores_intrusion(r->nmoments, rule, s), ALARM_RULE);
    for (size_t i = 0; i < card->nconcepts; i++)
        report_add_score(r, card->concepts[i].name, top2_of(r->nmoments, s, as_concept, &card->concepts[i]),
                         card->name);
    for (size_t i = 0; i < r->nscores; i++)
        if (!(r->scores[i].value >= 0 && r->scores[i].value <= 1))
            return FAIL(err, ERR_INTERNAL, "the score for %s is not between 0 and 1", r->scores[i].label);
    report_add_score(r, "nothing", 1 - largest_score(r), ALARM_RULE);
    return 0;
}

/* ---- findings ---- */

static int by_moment(const void *x, const void *y)
{
    const struct sighting *a = x, *b = y;

    if (a->moment != b->moment)
        return a->moment - b->moment;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->box.x != b->box.x)
        return a->box.x < b->box.x ? -1 : 1;
    return a->box.y < b->box.y ? -1 : a->box.y > b->box.y;
}

void scores_add_findings(struct report *r, const struct risk_rule *rule, struct sightings *s)
{
    if (s->n)
        qsort(s->all, s->n, sizeof *s->all, by_moment);
    for (size_t i = 0; i < s->n && r->nfindings < MAX_FINDINGS; i++) {
        const struct sighting *seen = &s->all[i];

        if ((double)seen->score < rule->low)
            continue;
        report_add_finding(r, &(struct finding){.moment = seen->moment,
                                                .label = seen->concept->name,
                                                .score = (double)seen->score,
                                                .box = seen->box,
                                                .excluded = seen->excluded});
    }
}

/* ---- verdict ---- */

static int by_name(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static bool is_label(const struct score *s, const struct risk_rule *rule)
{
    return s->value >= risk_label_from(rule, s->label) && !text_is(s->label, "nothing") &&
           !text_is(s->label, "other");
}

static void list_labels(struct report *r, const struct risk_rule *rule)
{
    struct verdict *v = &r->verdict;

    v->labels = arena_array(r->arena, r->nscores, sizeof *v->labels);
    for (size_t i = 0; i < r->nscores; i++)
        if (is_label(&r->scores[i], rule))
            v->labels[v->nlabels++] = r->scores[i].label;
    qsort(v->labels, v->nlabels, sizeof *v->labels, by_name);
}

int scores_decide(struct report *r, const struct risk_rule *rule, struct err *err)
{
    const struct score *intrusion = report_score(r, "intrusion");
    const char *risk = intrusion ? risk_of(intrusion->value, rule) : "";

    if (!*risk)
        return FAIL(err, ERR_INTERNAL, "there is no intrusion score to decide by");
    r->verdict.rule = ALARM_RULE;
    r->verdict.risk = risk;
    r->verdict.thresholds = *rule;
    list_labels(r, rule);
    return 0;
}
