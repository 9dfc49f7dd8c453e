#include "film.h"

#include <libavutil/frame.h>
#include <math.h>
#include <string.h>

#include "film_random.h"

enum { MAX_FRAMES = 20000, MAX_EVENTS = 1000, MAX_SHOTS = 1000 };

struct shot_plan {
    double start; /* seconds: the shot is drawn from here on */
};

struct film {
    struct film_opts o;
    struct film_source source;
    double *times; /* of frames */
    int64_t frames, next;
    double end;
    struct shot_plan shots[MAX_SHOTS];
    struct film_event events[MAX_EVENTS]; /* transition i leads from shot i to i + 1; the others follow */
    double strength[MAX_EVENTS];          /* of flashes and changes of light */
    double hold[MAX_EVENTS];              /* share of a fade that is all black */
    size_t ntransitions, nevents;
    struct sheet a, b;
    struct AVFrame *av;
};

size_t sheet_size(int width, int height)
{
    return (size_t)width * (size_t)height * 3 / 2;
}

struct sheet sheet_new(struct arena *a, int width, int height)
{
    size_t n = (size_t)width * (size_t)height;
    uint8_t *y = arena_alloc(a, sheet_size(width, height));

    return (struct sheet){width, height, y, y + n, y + n + n / 4};
}

struct film_opts film_opts_defaults(void)
{
    return (struct film_opts){
        .width = 320, .height = 180, .seconds = 20, .cuts = true, .gradual = true, .disturbed = true};
}

/* ---- the plan ---- */

static void plan_times(struct film *f, struct arena *a, uint64_t *random)
{
    static const double rates[] = {24, 25, 30, 15};
    double fps = f->o.fps > 0 ? f->o.fps : rates[film_one_of(random, 4)], tick = 0;

    f->times = arena_array(a, MAX_FRAMES, sizeof *f->times);
    for (; f->frames < MAX_FRAMES && tick / fps < f->o.seconds; tick++) {
        double early = f->o.variable && tick > 0 ? film_between(random, -0.3, 0.3) : 0;
        bool lost = f->o.variable && tick > 0 && film_chance(random, 0.15);

        if (!lost)
            f->times[f->frames++] = (tick + early) / fps;
    }
    f->end = tick / fps;
}

/* Index of the first frame at or after t. */
static int64_t frame_at(const struct film *f, double t)
{
    int64_t i = 0;

    while (i < f->frames - 1 && f->times[i] < t)
        i++;
    return i;
}

static struct film_event event_between(const struct film *f, enum film_kind kind, int64_t first, int64_t last)
{
    last = last < f->frames - 1 ? last : f->frames - 1;
    last = last < first ? first : last;
    return (struct film_event){kind, first, last, f->times[first], f->times[last]};
}

static void plan_transition(struct film *f, double at, uint64_t *random)
{
    bool gradual = f->o.gradual && (!f->o.cuts || film_chance(random, 0.4));
    enum film_kind kinds[] = {FILM_DISSOLVE, FILM_DISSOLVE, FILM_BLACK, FILM_WHITE};
    enum film_kind kind = gradual ? kinds[film_one_of(random, film_chance(random, 0.8) ? 3 : 4)] : FILM_CUT;
    double seconds = kind == FILM_DISSOLVE ? film_between(random, 0.35, 2) : film_between(random, 0.6, 2.5);
    int64_t first = frame_at(f, at), last = gradual ? frame_at(f, at + seconds) : first;

    f->hold[f->ntransitions] = film_chance(random, 0.5) ? film_between(random, 0, 0.4) : 0;
    f->events[f->ntransitions++] = event_between(f, kind, first, last);
    f->shots[f->ntransitions].start = at;
}

/* Flashes of one to five frames, and light that is switched, kept away from transitions. */
static void plan_disturbance(struct film *f, double from, double until, uint64_t *random)
{
    bool flash = film_chance(random, 0.7);
    double at = film_between(random, from + 0.6, until - 0.8);
    int64_t first = frame_at(f, at);

    if (until - from < 1.6 || !film_chance(random, 0.6))
        return;
    f->strength[f->nevents] = film_between(random, 0.35, 1) * (film_chance(random, 0.15) ? -1 : 1);
    f->events[f->nevents++] = event_between(f, flash ? FILM_FLASH : FILM_LIGHT, first,
                                            first + (flash ? film_one_of(random, 4) : 0));
}

static void plan(struct film *f, uint64_t *random)
{
    double at = film_between(random, 1, 3), from = 0;

    f->shots[0].start = 0;
    while (at < f->o.seconds - 2 && f->ntransitions < MAX_SHOTS / 2 &&
           (!f->source.shots || (int)f->ntransitions + 1 < f->source.shots)) {
        plan_transition(f, at, random);
        at = f->events[f->ntransitions - 1].end +
             (film_chance(random, 0.2) ? film_between(random, 0.7, 1.2) : film_between(random, 1.2, 5));
    }
    f->nevents = f->ntransitions;
    for (size_t i = 0; f->o.disturbed && i <= f->ntransitions; i++) {
        double until = i < f->ntransitions ? f->events[i].start : f->end;

        plan_disturbance(f, from, until, random);
        from = i < f->ntransitions ? f->events[i].end : f->end;
    }
}

struct film *film_new(struct arena *a, const struct film_opts *o, const struct film_source *source)
{
    struct film *f = arena_alloc(a, sizeof *f);
    uint64_t random = o->seed * 0x2545f4914f6cdd1du + 99;

    f->o = *o;
    f->source = source ? *source : film_worlds(a, o->seed, o->width, o->height);
    f->a = sheet_new(a, o->width, o->height);
    f->b = sheet_new(a, o->width, o->height);
    f->av = av_frame_alloc();
    plan_times(f, a, &random);
    plan(f, &random);
    return f;
}

void film_free_frame(struct film *f)
{
    av_frame_free(&f->av);
}

const struct film_event *film_events(const struct film *f, size_t *ret_n)
{
    *ret_n = f->nevents;
    return f->events;
}

double film_time(const struct film *f, int64_t frame)
{
    return f->times[frame < 0 ? 0 : frame >= f->frames ? f->frames - 1 : frame];
}

double film_end(const struct film *f)
{
    return f->end;
}

/* ---- frames ---- */

static void mix_bytes(uint8_t *a, const uint8_t *b, size_t n, double share)
{
    int w = (int)lround(share * 256);

    for (size_t i = 0; i < n; i++)
        a[i] = (uint8_t)((a[i] * (256 - w) + b[i] * w + 128) >> 8);
}

static void mix(struct sheet *a, const struct sheet *b, double share)
{
    mix_bytes(a->y, b->y, sheet_size(a->width, a->height), share);
}

/* Towards black or white without colour. */
static void drown(struct sheet *s, uint8_t level, double share)
{
    size_t n = (size_t)s->width * (size_t)s->height;
    int w = (int)lround(share * 256);

    for (size_t i = 0; i < n; i++)
        s->y[i] = (uint8_t)((s->y[i] * (256 - w) + level * w + 128) >> 8);
    for (size_t i = 0; i < n / 2; i++)
        s->u[i] = (uint8_t)((s->u[i] * (256 - w) + 128 * w + 128) >> 8);
}

/* Where a change of light in this shot begins, NULL = nowhere. */
static const struct film_event *light_in(const struct film *f, size_t shot, double *ret_strength)
{
    int64_t from = shot > 0 ? f->events[shot - 1].first : 0;
    int64_t until = shot < f->ntransitions ? f->events[shot].last : f->frames;

    for (size_t i = f->ntransitions; i < f->nevents; i++)
        if (f->events[i].kind == FILM_LIGHT && f->events[i].first >= from && f->events[i].first <= until) {
            *ret_strength = f->strength[i];
            return &f->events[i];
        }
    return NULL;
}

static void draw_shot(struct film *f, size_t shot, double t, struct sheet *on)
{
    double strength;
    const struct film_event *light = light_in(f, shot, &strength);

    f->source.draw(f->source.of, (int)shot, t - f->shots[shot].start, on);
    if (light && t >= light->start)
        drown(on, strength > 0 ? 16 : 235, fabs(strength) * 0.6);
}

/* 0 at the last frame of the old shot, 1 at the first of the new one. */
static double progress(const struct film_event *e, int64_t frame)
{
    return (double)(frame - e->first + 1) / (double)(e->last - e->first + 2);
}

static void draw_fade(struct film *f, size_t i, double t, double p)
{
    double out = (1 - f->hold[i]) / 2, in = 1 - out;
    double share = p < out ? p / out : p > in ? (1 - p) / (1 - in) : 1;

    draw_shot(f, p < 0.5 ? i : i + 1, t, &f->a);
    drown(&f->a, f->events[i].kind == FILM_BLACK ? 16 : 235, share);
}

static void draw_transition(struct film *f, size_t i, int64_t frame, double t)
{
    double p = progress(&f->events[i], frame);

    if (f->events[i].kind != FILM_DISSOLVE) {
        draw_fade(f, i, t, p);
        return;
    }
    draw_shot(f, i, t, &f->a);
    draw_shot(f, i + 1, t, &f->b);
    mix(&f->a, &f->b, p);
}

static void draw_still_going(struct film *f, int64_t frame, double t)
{
    size_t i = 0;

    while (i < f->ntransitions && f->events[i].last < frame)
        i++;
    if (i < f->ntransitions && f->events[i].kind == FILM_CUT && f->events[i].first == frame)
        draw_shot(f, i + 1, t, &f->a);
    else if (i < f->ntransitions && f->events[i].first <= frame)
        draw_transition(f, i, frame, t);
    else
        draw_shot(f, i, t, &f->a);
}

static void disturb(struct film *f, int64_t frame)
{
    for (size_t i = f->ntransitions; i < f->nevents; i++) {
        const struct film_event *e = &f->events[i];
        double s = fabs(f->strength[i]);

        if (e->kind == FILM_FLASH && frame >= e->first && frame <= e->last)
            drown(&f->a, f->strength[i] > 0 ? 235 : 16,
                  s * (1 - 0.6 * (double)(frame - e->first) / (double)(e->last - e->first + 1)));
    }
}

bool film_next(struct film *f, const struct AVFrame **ret_frame, double *ret_pts)
{
    double t;

    if (f->next == f->frames)
        return false;
    t = f->times[f->next];
    draw_still_going(f, f->next, t);
    disturb(f, f->next++);
    f->av->width = f->o.width;
    f->av->height = f->o.height;
    f->av->format = AV_PIX_FMT_YUV420P;
    f->av->color_range = AVCOL_RANGE_MPEG;
    f->av->data[0] = f->a.y;
    f->av->data[1] = f->a.u;
    f->av->data[2] = f->a.v;
    f->av->linesize[0] = f->o.width;
    f->av->linesize[1] = f->av->linesize[2] = f->o.width / 2;
    *ret_frame = f->av;
    *ret_pts = t;
    return true;
}
