#include <math.h>

#include "analysis/shots_int.h"
#include "base/arena.h"

enum { RING = 128 };
static const float full_deviation = 8;    /* least contrast that a shot has to come from or go to */
static const float longest_step = 0.42f;  /* share of the contrast that may come or go in one frame */
static const double tick_seconds = 0.032; /* frames that follow closer are left out */
static const double slope_seconds = 1.2;  /* in which contrast goes or comes back */
static const double longest_seconds = 4;  /* of emptiness; more is a shot of its own, without a fade */

/* What a fade needs to know of a frame. */
struct contrast {
    double pts;
    float deviation, mean;
};

struct fades {
    struct begin_sink sink;
    struct contrast ring[RING]; /* the newest frames */
    int64_t n;
    bool empty;                  /* the newest frame is */
    bool waiting;                /* an empty stretch lies behind; does contrast come back slowly? */
    struct contrast first, last; /* empty frames of the stretch */
    bool left_slowly;            /* contrast before it */
    float before;                /* deviation of the first frame after the stretch */
    float highest, steepest;     /* after the stretch: deviation, and its growth in one frame */
};

struct fades *fades_new(struct arena *a, struct begin_sink sink)
{
    struct fades *f = arena_alloc(a, sizeof *f);

    f->sink = sink;
    return f;
}

/* Whether contrast went down to the newest frame in small steps. */
static bool went_slowly(const struct fades *f)
{
    const struct contrast *now = &f->ring[(f->n - 1) % RING];
    float highest = now->deviation, steepest = 0, later = now->deviation;

    for (int64_t i = f->n - 2; i >= 0 && i > f->n - RING && now->pts - f->ring[i % RING].pts < slope_seconds;
         i--) {
        float deviation = f->ring[i % RING].deviation;
        if (deviation < later - 1) /* it was rising there: another story */
            break;
        steepest = fmaxf(steepest, deviation - later);
        highest = fmaxf(highest, deviation);
        later = deviation;
    }
    return highest >= full_deviation && steepest < longest_step * (highest - now->deviation);
}

static void begin_stretch(struct fades *f, const struct contrast *c)
{
    if (f->waiting) /* what comes back has not settled when it goes again: one stretch */
        f->waiting = false;
    f->first = *c;
    f->left_slowly = went_slowly(f);
}

static void end_stretch(struct fades *f, const struct contrast *last)
{
    f->last = *last;
    f->waiting = true;
    f->before = last->deviation;
    f->highest = last->deviation;
    f->steepest = 0;
}

/* A begin in the middle of the time from..until. */
static void add(struct fades *f, double from, double until)
{
    f->sink.add(f->sink.to, &(struct begin){(from + until) / 2, from, until, true, 1});
}

/* One begin in the middle when both sides are slow; a side that is not is a cut, and found as that. A long
 * stretch is a shot of its own. */
static void finish(struct fades *f)
{
    bool came_slowly =
        f->highest >= full_deviation && f->steepest < longest_step * (f->highest - f->last.deviation);
    bool is_long = f->last.pts - f->first.pts > longest_seconds;

    f->waiting = false;
    if (is_long && f->left_slowly)
        add(f, f->first.pts, f->first.pts);
    if (is_long && came_slowly)
        add(f, f->last.pts, f->last.pts);
    if (!is_long && f->left_slowly && came_slowly)
        add(f, f->first.pts, f->last.pts);
}

/* Contrast rises until it falls, or until the time for it is over. */
static void watch_rise(struct fades *f, const struct contrast *c)
{
    bool falls = c->deviation < f->before - 1;

    if (!falls) {
        f->steepest = fmaxf(f->steepest, c->deviation - f->before);
        f->highest = fmaxf(f->highest, c->deviation);
        f->before = c->deviation;
    }
    if (falls || c->pts - f->last.pts > slope_seconds)
        finish(f);
}

void fades_next(struct fades *f, const struct look *l)
{
    struct contrast c = {l->pts, l->deviation, l->mean};
    struct contrast before = f->n > 0 ? f->ring[(f->n - 1) % RING] : c;
    bool empty = look_is_empty(l);

    if (f->n > 0 && l->pts - before.pts < tick_seconds)
        return;
    f->ring[f->n++ % RING] = c;
    if (empty && !f->empty)
        begin_stretch(f, &c);
    if (!empty && f->empty)
        end_stretch(f, &before);
    if (f->waiting)
        watch_rise(f, &c);
    f->empty = empty;
}

void fades_end(struct fades *f)
{
    if (f->waiting)
        finish(f);
}
