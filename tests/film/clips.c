/* Shots of real clips, decoded and kept. */
#include <fcntl.h>
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "film.h"
#include "film_random.h"
#include "media/video.h"

enum { MAX_CLIPS = 32 };
static const double longest = 4; /* seconds kept of a clip */

struct taken {
    size_t n, cap;
    struct sheet *sheets;
    double *times;
    size_t ntimes, times_cap;
};

struct clips {
    struct taken clips[MAX_CLIPS];
    int n;
    uint64_t seed;
};

static const struct film_clip half_a[] = {
    {"asl_walk.mkv", 0, 9},       {"bgs_demo.avi", 0, 9},      {"bikes.mp4", 0, 1.18},
    {"bikes.mp4", 3.06, 5.46},    {"bikes.mp4", 7.5, 9.66},    {"carphone.mp4", 0, 9},
    {"conveyor_fruit.mp4", 0, 9}, {"faces-walking.gif", 0, 9}, {"mma_demo.mp4", 0, 9},
    {"mmtrack_demo.mp4", 0, 9},   {"newtonscradle.gif", 0, 9}, {"person-bicycle-car.gif", 0, 9},
    {"realshort.mp4", 0, 9},      {"still_dog.mp4", 0, 9},     {"worker_zone.mp4", 0, 9},
};
static const struct film_clip half_b[] = {
    {"asl_yes.mkv", 0, 9},           {"bgs_video.avi", 0, 9},      {"bigbuckbunny.mp4", 0, 9},
    {"bikes.mp4", 1.22, 3.02},       {"bikes.mp4", 5.5, 7.46},     {"car-detection.mp4", 0, 9},
    {"classroom.mp4", 0, 9},         {"empty_scene_ir.mp4", 0, 9}, {"head-female.gif", 0, 9},
    {"mma_structuralize.mp4", 0, 9}, {"moonwalk.01.avi", 0, 9},    {"people-detection.gif", 0, 9},
    {"person_in_room.avi", 0, 9},    {"still_fox_ir.mp4", 0, 9},   {"store_aisle.mp4", 0, 9},
};

const struct film_clip *film_half(int half, size_t *ret_n)
{
    *ret_n = half ? sizeof half_b / sizeof half_b[0] : sizeof half_a / sizeof half_a[0];
    return half ? half_b : half_a;
}

static void swsp(struct SwsContext **s)
{
    sws_freeContext(*s);
}

static void take_frame(struct arena *a, struct taken *t, struct SwsContext **sws, const AVFrame *f,
                       const struct sheet *size, double time)
{
    struct sheet s = sheet_new(a, size->width, size->height);

    *sws = sws_getCachedContext(*sws, f->width, f->height, f->format, s.width, s.height, AV_PIX_FMT_YUV420P,
                                SWS_AREA, NULL, NULL, NULL);
    if (!*sws)
        abort();
    sws_scale(*sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height,
              (uint8_t *const[4]){s.y, s.u, s.v}, (const int[4]){s.width, s.width / 2, s.width / 2});
    ARENA_PUSH(a, t->sheets, t->n, t->cap) = s;
    ARENA_PUSH(a, t->times, t->ntimes, t->times_cap) = time;
}

static bool take(struct arena *a, struct taken *t, const char *folder, const struct film_clip *c,
                 const struct sheet *size)
{
    CLEANUP(fd_closep) int fd = open(arena_printf(a, "%s/%s", folder, c->name), O_RDONLY | O_CLOEXEC);
    CLEANUP(video_freep) struct video *v = NULL;
    CLEANUP(swsp) struct SwsContext *sws = NULL;
    struct video_opts o = video_opts_defaults();
    struct video_frame f;

    if (fd < 0 || video_open(&v, fd, &o, NULL) < 0)
        return false;
    while (video_next(v, &f, NULL) > 0 && f.pts < c->until && f.pts < c->from + longest)
        if (f.pts >= c->from)
            take_frame(a, t, &sws, f.av, size, f.pts - c->from);
    return t->n > 0;
}

static void shuffle(const struct clips *c, int round, int *ret_order)
{
    uint64_t random = c->seed + (uint64_t)round * 77;

    for (int i = 0; i < c->n; i++)
        ret_order[i] = i;
    for (int i = c->n - 1; i > 0; i--) {
        int k = film_one_of(&random, i + 1), kept = ret_order[i];
        ret_order[i] = ret_order[k];
        ret_order[k] = kept;
    }
}

/* Every clip comes once before one comes again, in another order each time, and none follows itself. */
static const struct taken *clip_of(const struct clips *c, int number)
{
    int order[MAX_CLIPS], before[MAX_CLIPS], round = number / c->n, at = number % c->n;

    shuffle(c, round, order);
    if (round > 0 && at < 2 && c->n > 2) {
        shuffle(c, round - 1, before);
        at = order[0] == before[c->n - 1] ? 1 - at : at;
    }
    return &c->clips[order[at]];
}

/* What was on display at t; the last frame stays. */
static void draw(void *of, int number, double t, struct sheet *on)
{
    const struct taken *c = clip_of(of, number);
    size_t i = 0;

    while (i + 1 < c->n && c->times[i + 1] <= t)
        i++;
    memcpy(on->y, c->sheets[i].y, sheet_size(on->width, on->height));
}

bool film_clips(struct arena *a, const char *folder, const struct film_clip *clips, size_t n, uint64_t seed,
                int width, int height, struct film_source *ret)
{
    struct clips *c = arena_alloc(a, sizeof *c);
    const struct sheet size = {.width = width, .height = height};

    for (size_t i = 0; i < n && i < MAX_CLIPS; i++)
        if (!take(a, &c->clips[c->n++], folder, &clips[i], &size))
            return false;
    c->seed = seed;
    *ret = (struct film_source){draw, c, 0};
    return true;
}
