/* The frames that are judged when only a few are: the same ones in every container, whether it can be jumped
 * in or not. */
#include "analysis/key_frames.h"

#include <math.h>
#include <unistd.h>

#include "../media/clips.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

enum { MOST = 16 };

struct taken {
    size_t n;
    double pts[MOST];
};

static int take(int fd, const struct origin_params *params, struct taken *ret)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct video_opts opts = video_opts_defaults();
    struct key_reader reader = {0};
    struct video_frame f;
    struct key_plan plan = {0};
    struct err err = {0};
    int r;

    *ret = (struct taken){0};
    r = key_frames_plan(a, fd, &opts, params, &plan, &err);
    if (r == 0)
        r = key_reader_open(&reader, &plan, fd, &opts, &err);
    while (r >= 0 && ret->n < MOST && (r = key_reader_next(&reader, &f, &err)) > 0)
        ret->pts[ret->n++] = f.pts;
    if (r < 0)
        printf("# %s\n", err.text);
    key_reader_clear(&reader);
    key_plan_clear(&plan);
    return r;
}

static void same_frames(const struct taken *t, const double *want, size_t n)
{
    CHECK_INT(t->n, n);
    for (size_t i = 0; i < n && i < t->n; i++) {
        CHECK(fabs(t->pts[i] - want[i]) < 0.0021); /* Matroska counts in milliseconds */
        if (fabs(t->pts[i] - want[i]) >= 0.0021)
            printf("# frame %zu is at %f, not %f\n", i, t->pts[i], want[i]);
    }
}

/* 10 s at 30 frames a second, a key frame every second; in between B-frames. */
#define MOVING \
    "-f lavfi -i testsrc=size=160x120:rate=30:duration=10 -c:v libx264 -g 30 -bf 2 -sc_threshold 0 "

static void the_same_in_every_container(void)
{
    static const char *const suffixes[] = {".mp4", ".mkv", ".ts", ".avi"};
    static const double want[] = {1, 3, 5, 7, 9};

    for (size_t i = 0; i < COUNT_OF(suffixes) && clip_has("ffmpeg"); i++) {
        CLEANUP(fd_closep) int fd = clip_ffmpeg(MOVING, suffixes[i]);
        struct origin_params p = {.frames = 5};
        struct taken t;

        printf("# %s\n", suffixes[i]);
        p.choose = FRAMES_EVEN;
        CHECK_INT(take(fd, &p, &t), 0);
        same_frames(&t, want, COUNT_OF(want));
        p.choose = FRAMES_INTRA;
        CHECK_INT(take(fd, &p, &t), 0);
        same_frames(&t, want, COUNT_OF(want));
    }
}

/* The first half second is plain red: there nothing moves. */
static void one_frame_of_a_shot(void)
{
    static const char *const suffixes[] = {".mp4", ".ts"};

    for (size_t i = 0; i < COUNT_OF(suffixes) && clip_has("ffmpeg"); i++) {
        CLEANUP(fd_closep)
        int fd = clip_ffmpeg(MOVING "-vf drawbox=c=red:t=fill:enable='lt(n,15)' ", suffixes[i]);
        struct origin_params p = {.frames = 16, .choose = FRAMES_FLOW};
        struct taken t;

        printf("# %s\n", suffixes[i]);
        CHECK_INT(take(fd, &p, &t), 0);
        CHECK_INT(t.n, 10);
        CHECK(t.pts[0] > 0 && t.pts[0] < 0.5); /* the red half second is the stillest */
        p.choose = FRAMES_COLOR;
        CHECK_INT(take(fd, &p, &t), 0);
        CHECK_INT(t.n, 10);
        for (size_t k = 1; k < t.n; k++)
            CHECK(t.pts[k] >= (double)k && t.pts[k] < (double)k + 1);
    }
}

static void short_videos_give_fewer(void)
{
    static const int frames[] = {1, 2, 3};

    for (size_t i = 0; i < COUNT_OF(frames); i++)
        for (int k = 0; k < KEY_FRAMES; k++) {
            CLEANUP(fd_closep) int fd = clip_mp4(64, 48, frames[i], 10, 1);
            struct origin_params p = {.frames = 10, .choose = (enum key_frames)k};
            struct taken t;

            CHECK_INT(take(fd, &p, &t), 0);
            CHECK(t.n >= 1 && t.n <= (size_t)frames[i]);
            for (size_t n = 1; n < t.n; n++)
                CHECK(t.pts[n] > t.pts[n - 1]);
        }
}

/* Its index promises ten seconds, the data end after some three. */
static void a_broken_off_video(void)
{
    struct origin_params p = {.frames = 5};
    uint8_t *all;
    struct taken t;
    size_t n;
    int fd, cut;

    if (!clip_has("ffmpeg"))
        return;
    fd = clip_ffmpeg(MOVING "-movflags +faststart ", ".mp4");
    all = clip_bytes(fd, &n);
    cut = clip_of(all, n / 3);
    CHECK_INT(take(cut, &p, &t), 0);
    CHECK(t.n >= 1 && t.n < 5);
    free(all);
    close(cut);
    close(fd);
}

static void rubbish(void)
{
    struct origin_params p = {.frames = 5};
    int fd = clip_of("this is no video", 16);
    struct taken t;

    CHECK_INT(take(fd, &p, &t), -1);
    CHECK_INT(t.n, 0);
    close(fd);
}

int main(void)
{
    RUN(the_same_in_every_container);
    RUN(one_frame_of_a_shot);
    RUN(short_videos_give_fewer);
    RUN(a_broken_off_video);
    RUN(rubbish);
    return test_end();
}
