#include "analysis/strip.h"

#include <math.h>

#include "analysis/artefact.h"
#include "base/cleanup.h"
#include "media/thumbnail.h"

enum { CHANNELS = 3, FRAME_BYTES = STRIP_SIDE * STRIP_SIDE * CHANNELS };
/* Times in the file are whole microseconds that grow. */
static const double least_step = 2e-6, longest = 1e7;

struct kept {
    double pts;
    double sharpness;
    struct picture small; /* its pixels have room for FRAME_BYTES, and move with it */
};

struct strip {
    struct arena *arena;
    size_t n;                        /* the last one is the running shot's */
    struct kept kept[STRIP_MAX + 1]; /* by time */
    double last_pts;
};

struct strip *strip_new(struct arena *a)
{
    struct strip *s = arena_alloc(a, sizeof *s);

    s->arena = a;
    s->last_pts = -least_step;
    return s;
}

/* ---- taking samples ---- */

static int scaled(int n, int longer)
{
    return longer > STRIP_SIDE ? (int)fmax(round((double)n * STRIP_SIDE / longer), 1) : n;
}

static bool keep(struct strip *s, struct kept *k, const struct picture *bgr, double pts, double sharpness)
{
    int longer = bgr->width > bgr->height ? bgr->width : bgr->height;
    struct picture small = {scaled(bgr->width, longer), scaled(bgr->height, longer), CHANNELS,
                            k->small.pixels};

    if (!small.pixels)
        small.pixels = arena_alloc(s->arena, FRAME_BYTES);
    if (picture_scale(bgr, 0, 0, bgr->width, bgr->height, &small, NULL) < 0)
        return false;
    *k = (struct kept){pts, sharpness, small};
    return true;
}

/* Takes one out; its pixels go to the end, for the next one. */
static void drop(struct strip *s, size_t at)
{
    struct kept gone = s->kept[at];

    for (size_t i = at; i + 1 < s->n; i++)
        s->kept[i] = s->kept[i + 1];
    s->kept[--s->n] = gone;
}

/* One of the two finished ones that lie closest together. */
static void make_room(struct strip *s)
{
    size_t closest = 0;

    for (size_t i = 1; i + 2 < s->n; i++)
        if (s->kept[i + 1].pts - s->kept[i].pts < s->kept[closest + 1].pts - s->kept[closest].pts)
            closest = i;
    drop(s, s->kept[closest].sharpness < s->kept[closest + 1].sharpness ? closest : closest + 1);
}

void strip_sample(struct strip *s, const struct picture *bgr, double pts, bool changed, double sharpness)
{
    struct kept *running = s->n ? &s->kept[s->n - 1] : NULL;

    if (!(pts >= s->last_pts + least_step && pts <= longest))
        return;
    s->last_pts = pts;
    if (!running || changed) {
        if (keep(s, &s->kept[s->n], bgr, pts, sharpness) && ++s->n > STRIP_MAX)
            make_room(s);
    } else if (sharpness > running->sharpness)
        keep(s, running, bgr, pts, sharpness);
}

/* ---- the file ---- */

static bool make_jpeg(struct arena *a, const struct kept *k, struct strip_frame *ret)
{
    static const struct box whole = {0, 0, 1, 1};
    struct thumbnail_opts opts = thumbnail_defaults();

    opts.longest = 0;
    ret->pts = k->pts;
    return thumbnail_make(a, &k->small, whole, &opts, &ret->jpeg, NULL) == 0 &&
           ret->jpeg.len <= STRIP_MAX_JPEG;
}

int strip_end(struct strip *s, int fd, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strip_frame frames[STRIP_MAX];
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        if (make_jpeg(a, &s->kept[i], &frames[n]))
            n++;
    return artefact_write(fd, strip_write(a, frames, n), "the thumbnails", err);
}
