/* motion: prints motion statistics of clips as the alarm pipeline sees them, one line per clip. For training
 * and testing the nuisance scores (models/train/train_nuisance.py).
 *
 * Reads one clip per line from stdin, words apart by blanks:
 *
 *     file PATH
 *     scene KIND WITH SEED SECONDS FPS WIDTH HEIGHT LIGHT CRF     WITH: a kind or "-"; LIGHT: day, dusk,
 * night
 *
 * and writes a line of names, then per clip the values; a clip that cannot be read gives a line "error TEXT".
 * Last come the scores which the product gives, -1 for a concept without one. */
#include <fcntl.h>
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

static const char *const concepts[] = {"flag", "plant", "rain", "spider", "web", "wind"};

struct watch {
    struct arena *a;
    struct video *video;
    struct scaler *scaler;
    struct motion *motion;
    struct hold kept;
    int width;
    double last;
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

    if (scaler_bgr(w->scaler, f->av, video_info(w->video)->rotation, w->width, HEIGHT, &pic, err) < 0)
        return -1;
    motion_next(w->motion, &pic, f->pts - w->last, regions);
    w->last = f->pts;
    return 0;
}

static int watch_video(int fd, struct motion_stats *ret, struct err *err)
{
    CLEANUP(watch_clear) struct watch w = {.a = arena_new(), .scaler = scaler_new()};
    struct video_opts opts = video_opts_defaults();
    struct sampler sampler = sampler_new(rate);
    struct video_frame frame;
    int r;

    if (video_open(&w.video, fd, &opts, err) < 0)
        return -1;
    w.width = sample_width(video_info(w.video)->width, video_info(w.video)->height, HEIGHT);
    w.motion = motion_new(w.a, w.width, HEIGHT);
    while ((r = video_next(w.video, &frame, err)) > 0) {
        if (sampler_next(&sampler, frame.pts) && feed(&w, err) < 0)
            return -1;
        hold_put(&w.kept, &frame);
    }
    if (r < 0 || (sampler_end(&sampler, video_end(w.video)) && feed(&w, err) < 0))
        return -1;
    *ret = motion_stats(w.motion);
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

static int watch_scene(const char *words, struct motion_stats *ret, struct err *err)
{
    CLEANUP(fd_closep) int fd = memfd_create("clip", MFD_CLOEXEC);
    struct scene_opts o = scene_opts_defaults();
    char kind[32], with[32], light[32];
    unsigned long long seed;
    int crf;

    if (sscanf(words, "%31s %31s %llu %lf %d %d %d %31s %d", kind, with, &seed, &o.seconds, &o.fps, &o.width,
               &o.height, light, &crf) != 9)
        return FAIL(err, ERR_INPUT, "scene KIND WITH SEED SECONDS FPS WIDTH HEIGHT LIGHT CRF");
    o.kind = kind;
    o.with = text_is(with, "-") ? NULL : with;
    o.seed = seed;
    o.night = text_is(light, "night");
    o.dusk = text_is(light, "dusk");
    return render(fd, &o, crf, err) < 0 ? -1 : watch_video(fd, ret, err);
}

static int watch_file(const char *path, struct motion_stats *ret, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? FAIL_ERRNO(err, "Cannot open %s", path) : watch_video(fd, ret, err);
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

static void print_row(const struct motion_stats *stats)
{
    struct nuisance_score scores[NUISANCE_MAX];
    size_t n = nuisance_scores(stats, scores);

    printf("%d", stats->pictures);
    for (size_t i = 0; i < nuisance_features(); i++)
        printf(" %.9g", (double)nuisance_feature(stats, i));
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
        struct motion_stats stats;
        struct err err = {0};
        int r;

        line[strcspn(line, "\n")] = '\0';
        if (text_starts(line, "scene "))
            r = watch_scene(line + 6, &stats, &err);
        else if (text_starts(line, "file "))
            r = watch_file(line + 5, &stats, &err);
        else
            r = FAIL(&err, ERR_INPUT, "A line begins with \"file\" or \"scene\".");
        if (r < 0)
            printf("error %s\n", err.text);
        else
            print_row(&stats);
        fflush(stdout);
    }
    return 0;
}
