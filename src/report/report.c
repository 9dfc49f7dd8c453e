#include "report/report.h"

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
    };
}

const struct score *report_score(const struct report *r, const char *label)
{
    for (size_t i = 0; i < r->nscores; i++)
        if (text_is(r->scores[i].label, label))
            return &r->scores[i];
    return NULL;
}

void report_fail(struct report *r, const struct err *why)
{
    r->error = *why;
    if (r->error.kind == ERR_NONE)
        err_set(&r->error, ERR_INTERNAL, "the analysis failed without saying why");
    r->verdict = (struct verdict){.risk = ""};
}
