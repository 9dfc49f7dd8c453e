#include <math.h>
#include <stdlib.h>

#include "analysis/shots_int.h"
#include "base/arena.h"

enum {
    RING = 192, /* ticks kept: the longest window and the wait after it */
    FEWEST = 4, /* ticks between both ends */
    MAX_TICKS = RING - 1,
};
static const double tick_seconds = 0.032; /* frames that follow closer are left out */
/* Lengths that are tried: a dissolve fits one that is a little longer than itself. */
static const double lengths[] = {0.3, 0.4, 0.53, 0.7, 0.93, 1.2, 1.55, 2, 2.6, 3.3};
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };
static const double fade_seconds = 0.8; /* from black to what can pass for a picture */
static const float least_change = 6, least_deviation = 5, most_correlation = 0.75f;
/* Of the weaker end. A mixture of unlike pictures has more; black between them has less. */
static const float least_contrast = 0.35f;
static const float most_residual = 0.45f;   /* of one picture */
static const float most_motion_left = 0.9f; /* some of any change looks like motion */
static const float uneven_share = 0.3f;  /* of the change of a cell: further off, it has not changed evenly */
static const float longest_step = 0.42f; /* share of the change in one tick */

struct dissolves {
    struct begin_sink sink;
    struct look *ring;
    int64_t n;
    struct begin best; /* of windows around the same moment, the one with the largest weight */
    bool has_best;
};

struct dissolves *dissolves_new(struct arena *a, struct begin_sink sink)
{
    struct dissolves *d = arena_alloc(a, sizeof *d);

    d->sink = sink;
    d->ring = arena_array(a, RING, sizeof *d->ring);
    return d;
}

static const struct look *tick(const struct dissolves *d, int64_t i)
{
    return &d->ring[i % RING];
}

/* ---- mixtures ---- */

/* The line from picture a to picture b. */
struct line {
    const uint8_t *a;
    int16_t along[LOOK_SMALL];
    float square; /* of its length */
};

static void line_between(struct line *l, const struct look *a, const struct look *b)
{
    int square = 0; /* 960 * 255 * 255 fits, here and below */

    l->a = a->small;
    for (int i = 0; i < LOOK_SMALL; i++) {
        int along = b->small[i] - a->small[i];
        l->along[i] = (int16_t)along;
        square += along * along;
    }
    l->square = (float)square;
}

/* Where on the line a picture lies, 0 at a and 1 at b, and how far from it: the square of the distance as a
 * share of the line's. */
static float project(const struct line *l, const struct look *p, float *ret_residual)
{
    int along = 0, square = 0;
    float share;

    for (int i = 0; i < LOOK_SMALL; i++) {
        int16_t way = (int16_t)(p->small[i] - l->a[i]);
        along += way * l->along[i];
        square += way * way;
    }
    share = (float)along / l->square;
    *ret_residual = fmaxf(0, (float)square / l->square - share * share);
    return share;
}

/* Whether all pictures between lie on the line, one after the other, without a jump. Sets the mean residual
 * of those in the middle, and when half of it was done. */
static bool follows(const struct dissolves *d, int64_t from, int64_t until, const struct line *l,
                    float *ret_residual, const struct look **ret_middle)
{
    float before = 0, furthest = 0, sum = 0, residual;
    float least = least_contrast * fminf(tick(d, from)->deviation, tick(d, until)->deviation);
    int n = 0;

    *ret_middle = NULL;
    for (int64_t i = from + 1; i <= until; i++) {
        float share = project(l, tick(d, i), &residual);

        if (share - before > longest_step || share < furthest - 0.15f || tick(d, i)->deviation < least)
            return false;
        if (share >= 0.5f && !*ret_middle)
            *ret_middle = tick(d, i);
        if (share > 0.15f && share < 0.85f) {
            sum += residual;
            n++;
        }
        before = share;
        furthest = fmaxf(furthest, share);
    }
    *ret_residual = n ? sum / (float)n : 1;
    return n >= 2 && *ret_middle;
}

/* A quick look at three pictures between, before all are looked at. */
static bool is_mixed(const struct dissolves *d, int64_t from, int64_t until, const struct line *l)
{
    float residual, before = 0;

    for (int64_t k = 1; k <= 3; k++) {
        float share = project(l, tick(d, from + (until - from) * k / 4), &residual);

        if (residual > most_residual || share < before - 0.15f)
            return false;
        before = share;
    }
    return before > 0.2f;
}

/* Share of the change that motion between quarters of the window does not explain. */
static float motion_left(const struct dissolves *d, int64_t from, int64_t until)
{
    float sum = 0;

    for (int64_t k = 0; k < 4; k++)
        sum += look_motion_left(tick(d, from + (until - from) * k / 4),
                                tick(d, from + (until - from) * (k + 1) / 4));
    return sum / 4;
}

/* How much of the change has everywhere come as far as on the whole: in a dissolve all of it; where something
 * comes into the picture, or all moves, a cell shows the one or the other. What becomes brighter all over is
 * no part of it: light does that, too. */
static float evenness(const struct look *a, const struct look *b, const struct look *middle)
{
    int change[LOOK_SMALL], way[LOOK_SMALL];
    int even = 0, all = 1;
    float along = 0, square = 1;

    for (int i = 0; i < LOOK_SMALL; i++) {
        change[i] = b->small[i] - a->small[i] - (b->level - a->level);
        way[i] = middle->small[i] - a->small[i] - (middle->level - a->level);
        along += (float)(change[i] * way[i]);
        square += (float)(change[i] * change[i]);
    }
    for (int i = 0; i < LOOK_SMALL; i++) {
        float off = fabsf((float)way[i] - along / square * (float)change[i]);

        all += abs(change[i]);
        even += off <= uneven_share * fabsf((float)change[i]) ? abs(change[i]) : 0;
    }
    return along > 0.2f * square && along < 0.8f * square ? (float)even / (float)all : 0;
}

/* Half of the texture is gone in the middle of a dissolve between unlike pictures; what moves keeps it. The
 * texture in the middle as a share of what it would be on the way from one end to the other. */
static float texture_left(const struct look *a, const struct look *b, const struct look *middle)
{
    return (middle->texture + 1) / ((a->texture + b->texture) / 2 + 1);
}

/* ---- windows ---- */

float dissolve_weigh(const struct dissolve_signs *s)
{
    return 6.5f * s->motion_left - 14 * s->residual - 5.5f * s->correlation - 4.5f * s->texture_left -
           6 * fmaxf(0, 0.5f - s->evenness) + 0.3f;
}

/* A fade looks like a dissolve between the full picture and the dim one, if only the picture moves enough.
 * Its dim end is next to emptiness. */
static bool is_fade(const struct dissolves *d, const struct begin *b)
{
    int64_t oldest = d->n > MAX_TICKS ? d->n - MAX_TICKS : 0;
    const struct look *a = NULL, *z = NULL;
    bool before = false, after = false;

    for (int64_t i = oldest; i < d->n; i++) {
        const struct look *l = tick(d, i);
        bool empty = look_is_empty(l);

        before |= empty && l->pts < b->from && b->from - l->pts <= fade_seconds;
        after |= empty && l->pts > b->until && l->pts - b->until <= fade_seconds;
        a = l->pts == b->from ? l : a;
        z = l->pts == b->until ? l : z;
    }
    return a && z &&
           ((before && a->deviation < 0.7f * z->deviation) || (after && z->deviation < 0.7f * a->deviation));
}

static void settle(struct dissolves *d)
{
    if (d->has_best && !is_fade(d, &d->best))
        d->sink.add(d->sink.to, &d->best);
    d->has_best = false;
}

/* Windows of one dissolve agree about its middle more or less, and lie around it. */
static bool is_same(const struct dissolves *d, const struct begin *b)
{
    return d->has_best && b->from < d->best.pts;
}

static void add(struct dissolves *d, const struct begin *b)
{
    bool same = is_same(d, b);

    if (same && b->weight <= d->best.weight)
        return;
    if (!same)
        settle(d);
    d->best = *b;
    d->has_best = true;
}

/* Windows that end later may be better, and black may follow. */
static bool is_settled(const struct dissolves *d, double now)
{
    return d->has_best && now - d->best.until >= fmax(fade_seconds, 0.7 * (d->best.until - d->best.from));
}

static void try_window(struct dissolves *d, int64_t from, int64_t until)
{
    const struct look *a = tick(d, from), *b = tick(d, until), *middle;
    struct begin found = {.from = a->pts, .until = b->pts, .gradual = true};
    struct dissolve_signs s;
    struct line line;

    if (a->deviation < least_deviation || b->deviation < least_deviation)
        return;
    line_between(&line, a, b);
    s.change = sqrtf(line.square / LOOK_SMALL);
    if (s.change < least_change || (s.correlation = look_correlation(a, b)) > most_correlation)
        return;
    if (!is_mixed(d, from, until, &line) || !follows(d, from, until, &line, &s.residual, &middle))
        return;
    s.texture_left = texture_left(a, b, middle);
    s.evenness = evenness(a, b, middle);
    found.pts = middle->pts;
    s.motion_left = most_motion_left; /* the search for motion is dear: is it worth it? */
    if (dissolve_weigh(&s) <= (is_same(d, &found) ? d->best.weight : 0))
        return;
    s.motion_left = motion_left(d, from, until);
    if ((found.weight = dissolve_weigh(&s)) > 0)
        add(d, &found);
}

static void try_all(struct dissolves *d)
{
    int64_t until = d->n - 1, from = until, oldest = d->n > MAX_TICKS ? d->n - MAX_TICKS : 0;

    for (int i = 0; i < LENGTHS; i++) {
        int64_t before = from;

        while (from > oldest && tick(d, until)->pts - tick(d, from)->pts < lengths[i])
            from--;
        if (tick(d, until)->pts - tick(d, from)->pts < lengths[i])
            return;
        if (from != before && until - from > FEWEST &&
            tick(d, until)->pts - tick(d, from)->pts < 2 * lengths[i])
            try_window(d, from, until);
    }
}

void dissolves_next(struct dissolves *d, const struct look *l)
{
    if (d->n > 0 && l->pts - tick(d, d->n - 1)->pts < tick_seconds)
        return;
    d->ring[d->n % RING] = *l;
    d->n++;
    if (is_settled(d, l->pts))
        settle(d);
    try_all(d);
}

void dissolves_end(struct dissolves *d)
{
    settle(d);
}
