#include "analysis/shots.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/shots_int.h"
#include "base/arena.h"

/* A gradual transition has no other begin nearer than this; a cut within it is what really happened. */
static const double least_gradual_seconds = 0.6;
static const double longest_seconds = 8;

struct shots {
    struct arena *arena;
    struct cuts *cuts;
    struct dissolves *dissolves;
    struct fades *fades;
    struct look look;
    struct begin *begins;
    size_t n, cap;
    double last_pts;
    bool started;
};

static void add_begin(void *to, const struct begin *b)
{
    struct shots *s = to;

    if (s->n < 2 * SCENERY_MAX_SHOTS)
        ARENA_PUSH(s->arena, s->begins, s->n, s->cap) = *b;
}

struct shots *shots_new(struct arena *a)
{
    struct shots *s = arena_alloc(a, sizeof *s);
    struct begin_sink sink = {add_begin, s};

    s->arena = a;
    s->cuts = cuts_new(a, sink);
    s->dissolves = dissolves_new(a, sink);
    s->fades = fades_new(a, sink);
    return s;
}

void shots_next(struct shots *s, const struct glance *g, double pts)
{
    look_at(&s->look, g, pts);
    cuts_next(s->cuts, &s->look);
    dissolves_next(s->dissolves, &s->look);
    fades_next(s->fades, &s->look);
    s->last_pts = pts;
    s->started = true;
}

/* ---- from begins to shots ---- */

static int by_time(const void *x, const void *y)
{
    const struct begin *a = x, *b = y;

    if (a->pts != b->pts)
        return a->pts < b->pts ? -1 : 1;
    return a->gradual - b->gradual;
}

static bool is_stronger(const struct begin *a, const struct begin *b)
{
    return !a->gradual || a->weight > b->weight || (a->weight == b->weight && a->pts < b->pts);
}

/* Whether a cut lies inside the gradual transition or near its middle, or a stronger transition. Begins are
 * by time, and no transition is longer than `longest_seconds`. */
static bool is_beaten(const struct shots *s, size_t i)
{
    const struct begin *b = &s->begins[i];
    size_t first = i;

    while (first > 0 && b->pts - s->begins[first - 1].pts < longest_seconds)
        first--;
    for (size_t k = first; k < s->n && s->begins[k].pts - b->pts < longest_seconds; k++) {
        const struct begin *other = &s->begins[k];
        bool inside = other->pts > b->from && other->pts <= b->until;
        bool near = fabs(other->pts - b->pts) < least_gradual_seconds;

        if (k != i && (inside || near) && is_stronger(other, b))
            return true;
    }
    return false;
}

static void add_shot(struct scenery *to, double start, enum shot_begin begin)
{
    if (to->nshots > 0)
        to->shots[to->nshots - 1].time.end = start;
    to->shots[to->nshots++] = (struct shot){.time.start = start, .begin = begin};
}

void shots_end(struct shots *s, double end, struct scenery *ret)
{
    if (!s->started)
        return;
    cuts_end(s->cuts);
    dissolves_end(s->dissolves);
    fades_end(s->fades);
    end = isfinite(end) && end > s->last_pts ? end : s->last_pts;
    qsort(s->begins, s->n, sizeof *s->begins, by_time);
    ret->has_shots = true;
    ret->shots = arena_array(s->arena, s->n + 1, sizeof *ret->shots);
    add_shot(ret, 0, SHOT_START);
    for (size_t i = 0; i < s->n && ret->nshots < SCENERY_MAX_SHOTS; i++)
        if (s->begins[i].pts > 0 && s->begins[i].pts < end && !(s->begins[i].gradual && is_beaten(s, i)))
            add_shot(ret, s->begins[i].pts, s->begins[i].gradual ? SHOT_GRADUAL : SHOT_CUT);
    ret->shots[ret->nshots - 1].time.end = end;
}
