/* motion: prints motion statistics of clips as the alarm pipeline sees them, one line per clip. For training
 * and testing the nuisance scores (models/train/train_nuisance.py).
 *
 * Reads one clip per line from stdin, words apart by blanks:
 *
 *     file PATH
 *     part FROM SECONDS PATH                                       of the clip
 *     scene KIND WITH SEED SECONDS FPS WIDTH HEIGHT LIGHT CRF STYLE
 *
 * (WITH: a kind or "-"; LIGHT: day, dusk, night) *
 * and writes a line of names, then per clip the values; a clip that cannot be read gives a line "error TEXT".
 * Last come the scores which the product gives, -1 for a concept without one. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "analysis/hold.h"
#include "analysis/nuisance.h"
#include "base/c23.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "media/mp4.h"
#include "media/sample.h"
#include "scene.h"

enum { HEIGHT = 320 };        /* of the frames judged, as in the pipeline */
static const double rate = 3; /* per second */

static const char *const concepts[] = {"flag", "other", "plant", "rain", "spider", "text", "web", "wind"};

struct watch {
    struct arena *a;
    struct video *video;
    struct scaler *scaler;
    struct motion *motion;
    struct texture *texture;
    struct hold kept;
    int width;
    double last;
    double from, to; /* seconds of the clip to look at */
};

static void watch_clear(struct watch *w)
{
    hold_clear(&w->kept);
    scaler_freep(&w->scaler);
    video_freep(&w->video);
    arena_freep(&w->a);
}

static int feed(struct watch *w, struct err *err)
{
    const struct video_frame *f = &w->kept.frame;
    struct region regions[MOTION_MAX_REGIONS];
    struct picture pic;
    size_t n;

    if (f->pts < w->from || f->pts >= w->to)
        return 0;
    if (scaler_bgr(w->scaler, f->av, video_info(w->video)->rotation, w->width, HEIGHT, &pic, err) < 0)
        return -1;
    n = motion_next(w->motion, &pic, f->pts - w->last, regions);
    texture_next(w->texture, w->motion, &pic, regions, n);
    w->last = f->pts;
    return 0;
}

/* What the alarm pipeline sees of a clip between two times. */
static int watch_video(int fd, double from, double to, struct nuisance_signs *ret, struct err *err)
{
    CLEANUP(watch_clear) struct watch w = {.a = arena_new(), .scaler = scaler_new(), .from = from, .to = to};
    struct video_opts opts = video_opts_defaults();
    struct sampler sampler = sampler_new(rate);
    struct video_frame frame;
    int r;

    if (video_open(&w.video, fd, &opts, err) < 0)
        return -1;
    w.width = sample_width(video_info(w.video)->width, video_info(w.video)->height, HEIGHT);
    w.motion = motion_new(w.a, w.width, HEIGHT);
    w.texture = texture_new(w.a, w.width, HEIGHT);
    while ((r = video_next(w.video, &frame, err)) > 0) {
        if (sampler_next(&sampler, frame.pts) && feed(&w, err) < 0)
            return -1;
        hold_put(&w.kept, &frame);
        if (frame.pts >= to)
            break;
    }
    if (r < 0 || (sampler_end(&sampler, video_end(w.video)) && feed(&w, err) < 0))
        return -1;
    *ret = (struct nuisance_signs){motion_stats(w.motion), texture_stats(w.texture)};
    return 0;
}

static int render(int fd, const struct scene_opts *o, int crf, struct err *err)
{
    CLEANUP(scene_freep) struct scene *scene = NULL;
    CLEANUP(mp4_freep) struct mp4_writer *out = NULL;
    struct mp4_opts opts = mp4_opts_defaults();
    struct scene_frame frame;

    opts.width = o->width;
    opts.height = o->height;
    opts.rate_num = o->fps;
    opts.crf = crf;
    if (scene_open(&scene, o, err) < 0 || mp4_open(&out, fd, &opts, err) < 0)
        return -1;
    while (scene_next(scene, &frame))
        if (mp4_add(out, &frame.picture, err) < 0)
            return -1;
    return mp4_finish(out, err);
}

static int watch_scene(const char *words, struct nuisance_signs *ret, struct err *err)
{
    CLEANUP(fd_closep) int fd = memfd_create("clip", MFD_CLOEXEC);
    struct scene_opts o = scene_opts_defaults();
    char kind[32], with[32], light[32], style[32];
    unsigned long long seed;
    int crf;

    if (sscanf(words, "%31s %31s %llu %lf %d %d %d %31s %d %31s", kind, with, &seed, &o.seconds, &o.fps,
               &o.width, &o.height, light, &crf, style) != 10)
        return FAIL(err, ERR_INPUT, "scene KIND WITH SEED SECONDS FPS WIDTH HEIGHT LIGHT CRF STYLE");
    o.kind = kind;
    o.with = text_is(with, "-") ? NULL : with;
    o.seed = seed;
    o.style = style;
    o.night = text_is(light, "night");
    o.dusk = text_is(light, "dusk");
    return render(fd, &o, crf, err) < 0 ? -1 : watch_video(fd, 0, INFINITY, ret, err);
}

static int watch_file(const char *path, double from, double to, struct nuisance_signs *ret, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? FAIL_ERRNO(err, "Cannot open %s", path) : watch_video(fd, from, to, ret, err);
}

static int watch_part(const char *words, struct nuisance_signs *ret, struct err *err)
{
    double from, seconds;
    int at = 0;

    if (sscanf(words, "%lf %lf %n", &from, &seconds, &at) < 2 || !at)
        return FAIL(err, ERR_INPUT, "part FROM SECONDS PATH");
    return watch_file(words + at, from, from + seconds, ret, err);
}

static void print_names(void)
{
    printf("pictures");
    for (size_t i = 0; i < nuisance_features(); i++)
        printf(" %s", nuisance_feature_name(i));
    for (size_t i = 0; i < COUNT_OF(concepts); i++)
        printf(" score:%s", concepts[i]);
    printf("\n");
}

static void print_row(const struct nuisance_signs *signs)
{
    struct nuisance_score scores[NUISANCE_MAX];
    size_t n = nuisance_scores(signs, scores);

    printf("%d", signs->motion.pictures);
    for (size_t i = 0; i < nuisance_features(); i++)
        printf(" %.9g", (double)nuisance_feature(signs, i));
    for (size_t i = 0; i < COUNT_OF(concepts); i++) {
        double value = -1;
        for (size_t k = 0; k < n; k++)
            value = text_is(scores[k].label, concepts[i]) ? (double)scores[k].value : value;
        printf(" %.6f", value);
    }
    printf("\n");
}

int main(void)
{
    char line[4096];

    print_names();
    while (fgets(line, sizeof line, stdin)) {
        struct nuisance_signs signs;
        struct err err = {0};
        int r;

        line[strcspn(line, "\n")] = '\0';
        if (text_starts(line, "scene "))
            r = watch_scene(line + 6, &signs, &err);
        else if (text_starts(line, "file "))
            r = watch_file(line + 5, 0, INFINITY, &signs, &err);
        else if (text_starts(line, "part "))
            r = watch_part(line + 5, &signs, &err);
        else
            r = FAIL(&err, ERR_INPUT, "A line begins with \"file\", \"part\" or \"scene\".");
        if (r < 0)
            printf("error %s\n", err.text);
        else
            print_row(&signs);
        fflush(stdout);
    }
    return 0;
}
