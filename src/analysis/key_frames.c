#include "analysis/key_frames.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "media/glance.h"
#include "media/seek.h"

/* Half a frame of the fastest camera: times that went through rounding still find their frame. */
static const double hair = 0.001;

struct planner {
    struct arena *arena;
    int fd;
    const struct video_opts *opts;
    size_t wanted;
    struct video *video;
    double *keys; /* where shots begin */
    size_t nkeys;
    double end;        /* seconds */
    struct hold ahead; /* the frame that ended a shot, and begins the next */
    bool has_ahead;
};

/* ---- what there is ---- */

static void copy_media(struct planner *p, struct media_info *ret)
{
    *ret = *video_info(p->video);
    ret->container = arena_strdup(p->arena, ret->container);
    ret->codec = arena_strdup(p->arena, ret->codec);
}

/* By decoding all of it. */
static int scan(struct planner *p, struct err *err)
{
    struct video_frame f;
    size_t cap = 0;
    int r;

    while ((r = video_next(p->video, &f, err)) > 0)
        if (video_frame_is_key(&f))
            ARENA_PUSH(p->arena, p->keys, p->nkeys, cap) = f.pts;
    p->end = video_end(p->video);
    return r;
}

static int reopen(struct planner *p, struct err *err)
{
    video_freep(&p->video);
    return video_open(&p->video, p->fd, p->opts, err);
}

/* Where the video ends, by its header where that says so. */
static int find_end(struct planner *p, struct video **ret_unread, struct err *err)
{
    p->end = video_info(p->video)->duration;
    if (!(p->end > 0))
        return scan(p, err);
    *ret_unread = TAKE(p->video);
    return 0;
}

static int find_keys(struct planner *p, struct err *err)
{
    struct video_frame first;

    if (video_next(p->video, &first, err) < 0)
        return -1;
    p->nkeys = video_key_times(p->video, p->arena, &p->keys);
    if (p->nkeys > 0)
        return 0;
    return reopen(p, err) < 0 || scan(p, err) < 0 ? -1 : 0;
}

/* ---- even times, and key frames ---- */

static void plan_even(struct planner *p, struct key_plan *ret)
{
    double *pts = arena_array(p->arena, p->wanted, sizeof *pts);

    for (size_t i = 0; i < p->wanted; i++)
        pts[i] = ((double)i + 0.5) * p->end / (double)p->wanted;
    ret->n = p->wanted;
    ret->pts = pts;
}

/* The place of the i-th of `wanted` things taken evenly of n > wanted. */
static size_t even_place(size_t i, size_t wanted, size_t n)
{
    return (2 * i + 1) * n / (2 * wanted);
}

static void plan_keys(struct planner *p, struct key_plan *ret)
{
    size_t n = p->nkeys < p->wanted ? p->nkeys : p->wanted;
    double *pts = arena_array(p->arena, n, sizeof *pts);

    for (size_t i = 0; i < n; i++)
        pts[i] = p->keys[even_place(i, n, p->nkeys)];
    ret->n = n;
    ret->pts = pts;
    ret->keys = true;
}

/* ---- one frame of a shot ---- */

struct shot_frame {
    double pts, change; /* against the frame before; the first of a shot has none: infinite */
    double colour[3];
};

struct stretch {
    size_t n;
    struct shot_frame frames[STRETCH_MAX];
};

static double mean_of(const uint8_t *v, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += v[i];
    return (double)sum / (double)n;
}

static double change_of(const struct glance *now, const uint8_t *before)
{
    size_t n = (size_t)now->height * GLANCE_WIDTH;
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)abs(now->luma[i] - before[i]);
    return (double)sum / (double)n;
}

static void note_frame(struct stretch *s, double pts, const struct glance *g, const uint8_t *before)
{
    s->frames[s->n] = (struct shot_frame){
        .pts = pts,
        .change = s->n > 0 && before ? change_of(g, before) : (double)INFINITY,
        .colour = {mean_of(g->luma, (size_t)g->height * GLANCE_WIDTH), mean_of(g->u, GLANCE_COLOURS),
                   mean_of(g->v, GLANCE_COLOURS)},
    };
    s->n++;
}

static int next_frame(struct planner *p, struct video_frame *ret, struct err *err)
{
    if (!p->has_ahead)
        return video_next(p->video, ret, err);
    p->has_ahead = false;
    *ret = p->ahead.frame;
    return 1;
}

/* The frames from the first key frame at or after `from` to the one before the next. */
static int read_stretch(struct planner *p, struct glancer *glancer, double from, struct stretch *s,
                        struct err *err)
{
    uint8_t before[GLANCE_WIDTH * GLANCE_MAX_HEIGHT];
    struct video_frame f;
    struct glance g;
    int r = 0, height = 0;

    if (!p->has_ahead || p->ahead.frame.pts < from - hair) {
        p->has_ahead = false;
        r = video_skip_to(p->video, from, err);
    }

    s->n = 0;
    while (r >= 0 && s->n < STRETCH_MAX && (r = next_frame(p, &f, err)) > 0) {
        bool key = video_frame_is_key(&f);

        if (f.pts < from - hair || (s->n == 0 && !key))
            continue;
        if (s->n > 0 && key) {
            hold_put(&p->ahead, &f);
            p->has_ahead = true;
            return 0;
        }
        if (glance_at(glancer, f.av, &g, err) < 0)
            return -1;
        note_frame(s, f.pts, &g, g.height == height ? before : NULL);
        height = g.height;
        memcpy(before, g.luma, (size_t)height * GLANCE_WIDTH);
    }
    return r < 0 ? -1 : 0;
}

static double stillest(const struct stretch *s)
{
    size_t best = 0;

    for (size_t i = 1; i < s->n; i++)
        if (s->frames[i].change < s->frames[best].change)
            best = i;
    return s->frames[best].pts;
}

static double typical_colour(const struct stretch *s)
{
    double mean[3] = {0}, least = (double)INFINITY;
    size_t best = 0;

    for (size_t i = 0; i < s->n; i++)
        for (int c = 0; c < 3; c++)
            mean[c] += s->frames[i].colour[c] / (double)s->n;
    for (size_t i = 0; i < s->n; i++) {
        double d = 0;
        for (int c = 0; c < 3; c++)
            d += (s->frames[i].colour[c] - mean[c]) * (s->frames[i].colour[c] - mean[c]);
        if (d < least) {
            least = d;
            best = i;
        }
    }
    return s->frames[best].pts;
}

static int plan_shots(struct planner *p, double (*choose)(const struct stretch *), struct key_plan *ret,
                      struct err *err)
{
    CLEANUP(glancer_freep) struct glancer *glancer = glancer_new();
    struct stretch *s = arena_alloc(p->arena, sizeof *s);
    size_t n = p->nkeys < p->wanted ? p->nkeys : p->wanted;
    double *pts = arena_array(p->arena, n, sizeof *pts);

    if (reopen(p, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (read_stretch(p, glancer, p->keys[even_place(i, n, p->nkeys)], s, err) < 0)
            return -1;
        if (s->n > 0)
            pts[ret->n++] = choose(s);
    }
    ret->pts = pts;
    return 0;
}

int key_frames_plan(struct arena *a, int fd, const struct video_opts *opts,
                    const struct origin_params *params, struct key_plan *ret, struct err *err)
{
    struct planner p = {.arena = a, .fd = fd, .opts = opts, .wanted = (size_t)params->frames};
    int r = video_open(&p.video, fd, opts, err);

    *ret = (struct key_plan){0};
    if (r == 0)
        copy_media(&p, &ret->media);
    if (r == 0 && params->choose == FRAMES_EVEN) {
        r = find_end(&p, &ret->video, err);
        plan_even(&p, ret);
    } else if (r == 0) {
        r = find_keys(&p, err);
        if (r == 0 && params->choose == FRAMES_INTRA)
            plan_keys(&p, ret);
        else if (r == 0)
            r = plan_shots(&p, params->choose == FRAMES_FLOW ? stillest : typical_colour, ret, err);
    }
    hold_clear(&p.ahead);
    video_freep(&p.video);
    return r;
}

void key_plan_clear(struct key_plan *plan)
{
    video_freep(&plan->video);
}

/* ---- walking ---- */

int key_reader_open(struct key_reader *r, struct key_plan *plan, int fd, const struct video_opts *opts,
                    struct err *err)
{
    *r = (struct key_reader){.plan = plan};
    r->video = TAKE(plan->video);
    if (r->video)
        return 0;
    return video_open(&r->video, fd, opts, err);
}

void key_reader_clear(struct key_reader *r)
{
    hold_clear(&r->last);
    video_freep(&r->video);
}

static int take(struct key_reader *r, struct video_frame *ret)
{
    r->last_taken = true;
    *ret = r->last.frame;
    return 1;
}

/* The video was over before the plan was. */
static int take_last(struct key_reader *r, struct video_frame *ret)
{
    r->ended = true;
    r->next = r->plan->n;
    return r->last.av && !r->last_taken ? take(r, ret) : 0;
}

/* Whether the newest frame is the one that the plan means. */
static bool is_meant(const struct key_reader *r, const struct video_frame *f)
{
    return f->pts >= r->plan->pts[r->next] - hair && (!r->plan->keys || video_frame_is_key(f));
}

/* The next frame after the newest; 0 at the end. A jump may go back a little. */
static int step(struct key_reader *r, struct err *err)
{
    struct video_frame f;
    int got;

    while ((got = video_next(r->video, &f, err)) > 0)
        if (!r->last.av || f.pts > r->last.frame.pts) {
            hold_put(&r->last, &f);
            r->last_taken = false;
            return 1;
        }
    return got;
}

int key_reader_next(struct key_reader *r, struct video_frame *ret, struct err *err)
{
    int got = 1;

    if (r->ended || r->next >= r->plan->n)
        return 0;
    if (!r->last.av) /* times count from the first frame, so jumps begin with it */
        got = step(r, err);
    if (got > 0 && (r->last_taken || !is_meant(r, &r->last.frame))) {
        if (video_skip_to(r->video, r->plan->pts[r->next], err) < 0)
            return -1;
        while ((got = step(r, err)) > 0 && !is_meant(r, &r->last.frame))
            ;
    }
    if (got <= 0)
        return got < 0 ? -1 : take_last(r, ret);
    r->next++;
    return take(r, ret);
}
