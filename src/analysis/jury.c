#include "analysis/jury.h"

#include "base/text.h"

struct jury jury_new(struct arena *a, const struct origin_params *params)
{
    struct jury j = {.arena = a, .n = HEURISTICS + params->nown};

    j.all = arena_array(a, j.n, sizeof *j.all);
    for (size_t i = 0; i < j.n; i++) {
        j.all[i] = i < HEURISTICS ? &heuristics[i] : &params->own[i - HEURISTICS];
        if (text_is(j.all[i]->name, params->heuristic))
            j.main = i;
    }
    return j;
}

static struct origin_ruling ruling_of(const struct ruling *r)
{
    return (struct origin_ruling){r->by->name, r->answer, r->count, r->models};
}

static const struct vote *votes_of(const struct jury *j, const struct opinion *opinions, size_t n)
{
    struct vote *row = arena_array(j->arena, n, sizeof *row);

    for (size_t i = 0; i < n; i++)
        row[i] = opinions[i].vote;
    return row;
}

void jury_on_part(const struct jury *j, const struct origin_stream *s, struct origin_part *part)
{
    const struct vote *row = votes_of(j, part->opinions, s->nmodels);

    part->rulings = arena_array(j->arena, j->n, sizeof *part->rulings);
    for (size_t i = 0; i < j->n; i++) {
        struct ruling r = heuristic_on(j->all[i], s->models, row, s->nmodels);

        part->rulings[i] = ruling_of(&r);
    }
}

struct origin_ruling jury_on_face(const struct jury *j, const struct voter *models, size_t n,
                                  const struct opinion *opinions)
{
    struct ruling r = heuristic_on(j->all[j->main], models, votes_of(j, opinions, n), n);

    return ruling_of(&r);
}

static struct votes all_votes(const struct jury *j, const struct origin_stream *s, bool weighted)
{
    struct vote *cast = arena_array(j->arena, s->nparts * s->nmodels, sizeof *cast);
    double *weights = arena_array(j->arena, s->nparts, sizeof *weights);

    for (size_t i = 0; i < s->nparts; i++) {
        weights[i] = s->parts[i].time.end - s->parts[i].time.start;
        for (size_t m = 0; m < s->nmodels; m++)
            cast[i * s->nmodels + m] = s->parts[i].opinions[m].vote;
    }
    return (struct votes){s->nmodels, s->models, s->nparts, cast, weighted ? weights : NULL};
}

typedef struct ruling ruling_over(const struct heuristic *h, const struct votes *v);

static struct origin_ruling *rule_over(const struct jury *j, const struct votes *v, ruling_over *over)
{
    struct origin_ruling *all = arena_array(j->arena, j->n, sizeof *all);

    for (size_t i = 0; i < j->n; i++) {
        struct ruling r = over(j->all[i], v);

        all[i] = ruling_of(&r);
    }
    return all;
}

void jury_on_stream(const struct jury *j, struct origin_stream *s, enum jury_way way)
{
    struct votes v = all_votes(j, s, way == JURY_CLIPS);

    s->summaries = arena_array(j->arena, s->nmodels, sizeof *s->summaries);
    for (size_t m = 0; m < s->nmodels; m++)
        s->summaries[m] = votes_summary(&v, m);
    if (way == JURY_FRAMES) {
        s->rulings = rule_over(j, &v, heuristic_on_moments);
        s->on_means = rule_over(j, &v, heuristic_on_means);
    } else {
        s->rulings = rule_over(j, &v, heuristic_on_means);
    }
}
