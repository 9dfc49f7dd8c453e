#include "report/report.h"

#include <math.h>

#include "base/text.h"

struct report *report_new(struct arena *a, const struct job_spec *spec)
{
    struct report *r = arena_alloc(a, sizeof *r);

    r->arena = a;
    r->pipeline = arena_strdup(a, spec->pipeline);
    r->subject = spec->subject;
    r->subject.name = arena_strdup(a, spec->subject.name);
    r->verdict.risk = "";
    return r;
}

void report_add_score(struct report *r, const char *label, double value, const char *source)
{
    ARENA_PUSH(r->arena, r->scores, r->nscores, r->scores_cap) = (struct score){
        .label = arena_strdup(r->arena, label), .value = value, .source = arena_strdup(r->arena, source)};
}

int report_add_moment(struct report *r, int64_t frame, double pts)
{
    ARENA_PUSH(r->arena, r->moments, r->nmoments, r->moments_cap) = (struct moment){frame, pts};
    return (int)r->nmoments - 1;
}

void report_add_finding(struct report *r, const struct finding *f)
{
    struct finding copy = *f;

    copy.label = arena_strdup(r->arena, f->label);
    ARENA_PUSH(r->arena, r->findings, r->nfindings, r->findings_cap) = copy;
}

void report_add_model(struct report *r, const struct model_ref *m)
{
    for (size_t i = 0; i < r->nmodels; i++)
        if (text_is(r->models[i].sha256, m->sha256))
            return;
    ARENA_PUSH(r->arena, r->models, r->nmodels, r->models_cap) = (struct model_ref){
        .name = arena_strdup(r->arena, m->name),
        .version = arena_strdup(r->arena, m->version),
        .task = arena_strdup(r->arena, m->task),
        .sha256 = arena_strdup(r->arena, m->sha256),
        .card = arena_strdup(r->arena, m->card),
    };
}

void report_set_config(struct report *r, const struct configuration *c)
{
    r->config = *c;
    r->config.known = true;
    r->config.alarm = alarm_params_copy(r->arena, &c->alarm);
    r->config.origin = origin_params_copy(r->arena, &c->origin);
    r->config.scenes.nparts = r->config.scenes.nknown = r->config.tamper.nparts = 0;
}

void report_set_rule(struct report *r, const struct risk_rule *rule)
{
    r->config.alarm.rule = *rule;
    r->config.alarm = alarm_params_copy(r->arena, &r->config.alarm);
}

const struct score *report_score(const struct report *r, const char *label)
{
    for (size_t i = 0; i < r->nscores; i++)
        if (text_is(r->scores[i].label, label))
            return &r->scores[i];
    return NULL;
}

bool report_may_decide(const struct report *r)
{
    if (r->sampling.judged < 1)
        return false;
    return r->error.kind == ERR_NONE ||
           (r->error.kind == ERR_TIMEOUT && risk_rank(r->verdict.risk) > risk_rank("safe"));
}

void report_fail(struct report *r, const struct err *why)
{
    r->error = *why;
    if (r->error.kind == ERR_NONE)
        err_set(&r->error, ERR_INTERNAL, "the analysis failed without saying why");
    if (report_may_decide(r))
        return;
    r->verdict = (struct verdict){.risk = ""};
    r->nscores = 0; /* a low score without a verdict would read like one */
}

static bool same_number(double a, double b)
{
    return !(a < b || a > b);
}

static bool same_model(const struct model_ref *a, const struct model_ref *b)
{
    return a->card && text_is(a->card, b->card) && text_is(a->sha256, b->sha256) &&
           text_is(a->name, b->name) && text_is(a->version, b->version) && text_is(a->task, b->task);
}

static bool same_models(const struct report *r, const struct makers *m)
{
    if (r->nmodels != m->nmodels)
        return false;
    for (size_t i = 0; i < r->nmodels; i++)
        if (!same_model(&r->models[i], &m->models[i]))
            return false;
    return r->nmodels > 0;
}

bool report_made_by(const struct report *r, const struct makers *m)
{
    return r->config.known && r->config.max_pixels == m->max_pixels && r->config.cpu_us == m->cpu_us &&
           same_number(r->config.max_seconds, m->max_seconds) && r->runtime &&
           text_is(r->runtime, m->runtime) && text_is(r->decoder, m->decoder) && r->program.version &&
           text_is(r->program.version, m->program.version) && text_is(r->program.commit, m->program.commit) &&
           same_models(r, m);
}

bool report_same_makers(const struct report *a, const struct report *b)
{
    return report_made_by(a, &(struct makers){
                                 .nmodels = b->nmodels,
                                 .models = b->models,
                                 .decoder = b->decoder,
                                 .runtime = b->runtime,
                                 .program = b->program,
                                 .max_pixels = b->config.max_pixels,
                                 .max_seconds = b->config.max_seconds,
                                 .cpu_us = b->config.cpu_us,
                             });
}

/* ---- the same subject under another rule ---- */

static bool same_zone(const struct zone *a, const struct zone *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!same_number(a->points[i].x, b->points[i].x) || !same_number(a->points[i].y, b->points[i].y))
            return false;
    return true;
}

/* What frames are taken and where nothing counts. */
static bool same_view(const struct alarm_params *a, const struct alarm_params *b)
{
    if (!same_number(a->fps, b->fps) || a->height != b->height || a->max_frames != b->max_frames ||
        a->nzones != b->nzones)
        return false;
    for (size_t i = 0; i < a->nzones; i++)
        if (!same_zone(&a->zones[i], &b->zones[i]))
            return false;
    return true;
}

/* The rule in force is the model card's under the job's own. Where the job had one of its own, the card's is
 * not known from here. */
static struct risk_rule card_rule(const struct risk_rule *in_force, const struct risk_rule *own)
{
    return (struct risk_rule){
        .low = isnan(own->low) ? in_force->low : (double)NAN,
        .high = isnan(own->high) ? in_force->high : (double)NAN,
        .label = isnan(own->label) ? in_force->label : (double)NAN,
    };
}

bool report_answers(const struct report *r, const struct alarm_params *asked, const struct alarm_params *now,
                    const char **ret_risk)
{
    const struct score *intrusion = report_score(r, "intrusion");
    struct risk_rule card = card_rule(&r->config.alarm.rule, &asked->rule);
    struct risk_rule rule = risk_rule_over(&card, &now->rule);

    if (!intrusion || !r->verdict.rule || r->error.kind != ERR_NONE || r->media.truncated || !r->config.known)
        return false;
    if (risk_rule_check(&rule, NULL) < 0 || !same_view(&r->config.alarm, now) ||
        !reach_holds(&r->reach, &rule))
        return false;
    *ret_risk = risk_of(intrusion->value, &rule);
    return true;
}
