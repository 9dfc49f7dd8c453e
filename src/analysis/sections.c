#include "analysis/sections.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"

struct sample {
    double pts, sharpness;
    const float *probabilities;
};

struct sections {
    struct arena *arena;
    struct sections_opts opts;
    size_t n, cap;
    struct sample *samples;
};

struct sections *sections_new(struct arena *a, const struct sections_opts *opts)
{
    struct sections *s = arena_alloc(a, sizeof *s);

    s->arena = a;
    s->opts = *opts;
    return s;
}

void sections_sample(struct sections *s, double pts, const float *probabilities, double sharpness)
{
    float *copy = arena_array(s->arena, s->opts.ntags, sizeof *copy);

    for (size_t i = 0; i < s->opts.ntags; i++)
        copy[i] = probabilities[i];
    ARENA_PUSH(s->arena, s->samples, s->n, s->cap) = (struct sample){pts, sharpness, copy};
}

double sharpness_of(const struct glance *g)
{
    long sum = 0;
    int rows = g->height - 2;

    for (int y = 1; y <= rows; y++)
        for (int x = 1; x < GLANCE_WIDTH - 1; x++) {
            const uint8_t *at = g->luma + y * GLANCE_WIDTH + x;
            sum += labs(4L * at[0] - at[-1] - at[1] - at[-GLANCE_WIDTH] - at[GLANCE_WIDTH]);
        }
    return rows > 0 ? (double)sum / ((double)rows * (GLANCE_WIDTH - 2) * 4 * 255) : 0;
}

/* ---- shots ---- */

/* Samples of a shot; the nearest one before it when none falls into it. */
struct range {
    size_t first, end;
};

static struct range samples_of(const struct sections *s, const struct segment *time, size_t from)
{
    struct range r = {from, from};

    while (r.first < s->n && s->samples[r.first].pts < time->start)
        r.first++;
    for (r.end = r.first; r.end < s->n && s->samples[r.end].pts < time->end;)
        r.end++;
    if (r.first == r.end && s->n) {
        r.first = r.first ? r.first - 1 : 0;
        r.end = r.first + 1;
    }
    return r;
}

static double mean_of(const struct sections *s, struct range r, size_t tag)
{
    double sum = 0;

    for (size_t i = r.first; i < r.end; i++)
        sum += (double)s->samples[i].probabilities[tag];
    return r.end > r.first ? sum / (double)(r.end - r.first) : 0;
}

/* The best tag of a shot; ntags when none is probable enough. */
static size_t best_tag(const struct sections *s, struct range r, double *ret_mean)
{
    size_t best = s->opts.ntags;

    *ret_mean = 0;
    for (size_t i = 0; i < s->opts.ntags; i++) {
        double mean = mean_of(s, r, i);
        if (mean >= s->opts.from && mean > *ret_mean) {
            best = i;
            *ret_mean = mean;
        }
    }
    return best;
}

/* ---- sections ---- */

/* A section while it grows. */
struct draft {
    size_t tag;
    struct section section;
    size_t segments_cap;
    double seconds, weighed, best; /* confidence times duration; score times sharpness of the best sample */
};

struct drafts {
    size_t n, cap;
    struct draft *all;
};

static struct draft *draft_of(struct sections *s, struct drafts *d, size_t tag)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->all[i].tag == tag)
            return &d->all[i];
    ARENA_PUSH(s->arena, d->all, d->n, d->cap) = (struct draft){
        .tag = tag,
        .section = {.tag = s->opts.tags[tag].name, .critical = s->opts.tags[tag].critical},
        .best = -1,
    };
    return &d->all[d->n - 1];
}

static void add_segment(struct sections *s, struct draft *d, const struct segment *time)
{
    struct section *sec = &d->section;

    if (sec->nsegments && sec->segments[sec->nsegments - 1].end >= time->start)
        sec->segments[sec->nsegments - 1].end = time->end;
    else
        ARENA_PUSH(s->arena, sec->segments, sec->nsegments, d->segments_cap) = *time;
}

static void show_best(const struct sections *s, struct draft *d, struct range r, const struct segment *time)
{
    for (size_t i = r.first; i < r.end; i++) {
        const struct sample *now = &s->samples[i];
        double score = (double)now->probabilities[d->tag] * now->sharpness;
        if (score <= d->best)
            continue;
        d->best = score;
        d->section.best_pts = now->pts > time->start ? now->pts : time->start;
    }
}

static void add_shot(struct sections *s, struct drafts *all, const struct segment *time, struct range r)
{
    double mean, seconds = time->end - time->start;
    size_t tag = best_tag(s, r, &mean);
    struct draft *d;

    if (tag == s->opts.ntags)
        return;
    d = draft_of(s, all, tag);
    add_segment(s, d, time);
    show_best(s, d, r, time);
    d->seconds += seconds;
    d->weighed += mean * seconds;
    d->section.confidence = d->seconds > 0 ? d->weighed / d->seconds : mean;
}

/* ---- activity ---- */

/* Mean of the values of the curve that lie in the section. */
static double activity_in(const struct scenery *sc, const struct section *sec)
{
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < sc->nactivity; i++)
        for (size_t k = 0; k < sec->nsegments; k++) {
            double at = (double)(i + 1) * sc->activity_step;
            if (at >= sec->segments[k].start && at < sec->segments[k].end) {
                sum += (double)sc->activity[i];
                n++;
            }
        }
    return n ? sum / (double)n : 0;
}

static void relate_activity(struct scenery *sc)
{
    double most = 0;

    for (size_t i = 0; i < sc->nsections; i++) {
        sc->sections[i].activity = activity_in(sc, &sc->sections[i]);
        most = fmax(most, sc->sections[i].activity);
    }
    for (size_t i = 0; i < sc->nsections; i++)
        sc->sections[i].activity = most > 0 ? sc->sections[i].activity / most : 0;
}

void sections_end(struct sections *s, struct scenery *ret)
{
    struct drafts all = {0};
    struct range r = {0, 0};

    for (size_t i = 0; s->n && i < ret->nshots; i++) {
        r = samples_of(s, &ret->shots[i].time, r.first);
        add_shot(s, &all, &ret->shots[i].time, r);
    }
    ret->has_sections = true;
    ret->nsections = all.n;
    ret->sections = arena_array(s->arena, all.n, sizeof *ret->sections);
    for (size_t i = 0; i < all.n; i++)
        ret->sections[i] = all.all[i].section;
    relate_activity(ret);
}
