#include "analysis/activity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { LEVELS = 20 }; /* of steps, each twice the one before: 6 days fit into the eleventh */
static const double first_step = 0.5;

struct sample {
    int height;
    uint8_t luma[GLANCE_WIDTH * GLANCE_MAX_HEIGHT];
};

/* The curve at one step. */
struct level {
    double step;
    int64_t samples;     /* taken so far; values are one less, as long as they fit */
    struct sample *last; /* sample number samples - 1; NULL = the first frame */
    float *values;
    size_t n, cap;
    bool full; /* needs more values than there may be */
};

struct activity {
    struct arena *arena;
    bool started;
    double pts;           /* of the frame on display */
    struct sample now;    /* the frame on display */
    struct sample *first; /* the first frame, shared by all levels that have taken nothing else */
    struct level levels[LEVELS];
};

struct activity *activity_new(struct arena *a)
{
    struct activity *c = arena_alloc(a, sizeof *c);

    c->arena = a;
    for (int i = 0; i < LEVELS; i++)
        c->levels[i].step = ldexp(first_step, i);
    return c;
}

static void set_sample(struct sample *s, const struct glance *g)
{
    s->height = g->height;
    memcpy(s->luma, g->luma, (size_t)g->height * GLANCE_WIDTH);
}

static int64_t row_difference(const uint8_t *a, const uint8_t *b)
{
    int sum = 0;

    for (int x = 0; x < GLANCE_WIDTH; x++)
        sum += abs(a[x] - b[x]);
    return sum;
}

/* Frames of another shape are compared row by row as if they were stretched. */
static float difference(const struct sample *a, const struct sample *b)
{
    int64_t sum = 0;

    for (int y = 0; y < a->height; y++)
        sum += row_difference(a->luma + (ptrdiff_t)y * GLANCE_WIDTH,
                              b->luma + (ptrdiff_t)(y * b->height / a->height) * GLANCE_WIDTH);
    return (float)((double)sum / (255.0 * GLANCE_WIDTH * a->height));
}

static void add_value(struct activity *c, struct level *l, float value)
{
    l->samples++;
    l->full = l->n == SCENERY_MAX_ACTIVITY;
    if (!l->full)
        ARENA_PUSH(c->arena, l->values, l->n, l->cap) = value;
}

/* Takes the frame on display for all moments before `until`; from the second on nothing can have changed. */
static void sample_until(struct activity *c, struct level *l, double until)
{
    if (l->full || (double)l->samples * l->step >= until)
        return;
    add_value(c, l, difference(&c->now, l->last ? l->last : c->first));
    if (!l->last)
        l->last = arena_alloc(c->arena, sizeof *l->last);
    l->last->height = c->now.height;
    memcpy(l->last->luma, c->now.luma, (size_t)c->now.height * GLANCE_WIDTH);
    while (!l->full && (double)l->samples * l->step < until)
        add_value(c, l, 0);
}

static void start(struct activity *c, const struct glance *g)
{
    c->started = true;
    c->first = arena_alloc(c->arena, sizeof *c->first);
    set_sample(c->first, g);
    for (int i = 0; i < LEVELS; i++)
        c->levels[i].samples = 1;
}

void activity_next(struct activity *c, const struct glance *g, double pts)
{
    if (!c->started)
        start(c, g);
    else
        for (int i = 0; i < LEVELS; i++)
            sample_until(c, &c->levels[i], pts);
    set_sample(&c->now, g);
    c->pts = pts;
}

/* Samples that cover the video best when each stands for one step, so that a value is never further than half
 * a step from the place that its number tells. */
static int64_t samples_wanted(const struct level *l, double end)
{
    double n = round(end / l->step);

    return n < 1 ? 1 : n > SCENERY_MAX_ACTIVITY + 2 ? SCENERY_MAX_ACTIVITY + 2 : (int64_t)n;
}

void activity_end(struct activity *c, double end, struct scenery *ret)
{
    struct level *l = c->levels;
    int64_t wanted;

    if (!c->started)
        return;
    end = isfinite(end) && end > c->pts ? end : c->pts;
    while (l < c->levels + LEVELS - 1 && samples_wanted(l, end) > SCENERY_MAX_ACTIVITY + 1)
        l++;
    sample_until(c, l, end);
    wanted = samples_wanted(l, end);
    ret->nactivity = l->n < (size_t)(wanted - 1) ? l->n : (size_t)(wanted - 1);
    ret->activity = l->values;
    ret->activity_step = end > 0 ? end / (double)(ret->nactivity + 1) : first_step;
}
