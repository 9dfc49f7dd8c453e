/* scene: renders a clip like an alarm camera's, and what is true about it. See docs/scenes.md. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "media/mp4.h"
#include "truth.h"

struct order {
    struct scene_opts scene;
    const char *out, *truth;
    int crf;
};

static int option_size(const char *value, struct scene_opts *o)
{
    char left[8];
    const char *x = strchr(value, 'x');
    int64_t w, h;

    if (!x || (size_t)(x - value) >= sizeof left)
        return -1;
    text_copy(left, (size_t)(x - value) + 1, value);
    if (!text_to_i64(left, &w) || !text_to_i64(x + 1, &h) || w < 0 || h < 0 || w > 8192 || h > 8192)
        return -1;
    o->width = (int)w;
    o->height = (int)h;
    return 0;
}

static int option_int(const char *value, int64_t max, int64_t *ret)
{
    return text_to_i64(value, ret) && *ret >= 0 && *ret <= max ? 0 : -1;
}

/* -1 when the value makes no sense or nobody knows the name. */
static int option_set(struct order *o, const char *name, const char *value)
{
    int64_t n = 0;
    int r = 0;

    if (text_is(name, "--kind"))
        o->scene.kind = value;
    else if (text_is(name, "--style"))
        o->scene.style = value;
    else if (text_is(name, "--with"))
        o->scene.with = value;
    else if (text_is(name, "--site"))
        o->scene.site = value;
    else if (text_is(name, "--out"))
        o->out = value;
    else if (text_is(name, "--truth"))
        o->truth = value;
    else if (text_is(name, "--seconds"))
        r = text_to_double(value, &o->scene.seconds) ? 0 : -1;
    else if (text_is(name, "--size"))
        r = option_size(value, &o->scene);
    else if (text_is(name, "--seed") && (r = option_int(value, INT64_MAX, &n)) == 0)
        o->scene.seed = (uint64_t)n;
    else if (text_is(name, "--fps") && (r = option_int(value, 60, &n)) == 0)
        o->scene.fps = (int)n;
    else if (text_is(name, "--crf") && (r = option_int(value, 51, &n)) == 0)
        o->crf = (int)n;
    else
        r = -1;
    return r;
}

static int usage(FILE *to)
{
    fputs("usage: scene --kind NAME --out FILE.mp4 [--seed N] [--truth FILE.json] [--seconds S] [--fps F]\n"
          "             [--size WxH] [--site NAME] [--with NAME] [--style NAME] [--night] [--dusk]\n"
          "             [--crf N]\n"
          "       scene --list\n"
          "Renders a clip like an alarm camera's, the same for the same options.\n",
          to);
    return to == stderr ? 2 : 0;
}

static int list(void)
{
    for (int i = 0; scene_kind(i)->name; i++)
        printf("%-11s %s\n", scene_kind(i)->name, scene_kind(i)->about);
    return 0;
}

static int create(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    return fd >= 0 ? fd : FAIL_ERRNO(err, "Cannot create %s", path);
}

static int write_text(const char *path, struct bytes text, struct err *err)
{
    CLEANUP(fd_closep) int fd = create(path, err);

    if (fd < 0)
        return -1;
    for (size_t done = 0; done < text.len;) {
        ssize_t n = write(fd, text.data + done, text.len - done);
        if (n < 0 && errno != EINTR)
            return FAIL_ERRNO(err, "Cannot write %s", path);
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int encode(struct scene *scene, struct mp4_writer *out, struct truth *truth, struct err *err)
{
    struct scene_frame frame;

    while (scene_next(scene, &frame)) {
        if (mp4_add(out, &frame.picture, err) < 0)
            return -1;
        truth_add(truth, &frame);
    }
    return mp4_finish(out, err);
}

static int render(const struct order *o, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(scene_freep) struct scene *scene = NULL;
    CLEANUP(mp4_freep) struct mp4_writer *out = NULL;
    CLEANUP(fd_closep) int fd = -1;
    struct mp4_opts opts = mp4_opts_defaults();
    struct truth *truth;

    if (scene_open(&scene, &o->scene, err) < 0 || (fd = create(o->out, err)) < 0)
        return -1;
    opts.width = o->scene.width;
    opts.height = o->scene.height;
    opts.rate_num = o->scene.fps;
    opts.crf = o->crf;
    truth = truth_new(a, &o->scene, scene);
    if (mp4_open(&out, fd, &opts, err) < 0 || encode(scene, out, truth, err) < 0)
        return -1;
    return o->truth ? write_text(o->truth, truth_json(truth), err) : 0;
}

static int parse(int argc, char **argv, struct order *o)
{
    for (int i = 1; i < argc; i++) {
        if (text_is(argv[i], "--night"))
            o->scene.night = true;
        else if (text_is(argv[i], "--dusk"))
            o->scene.dusk = true;
        else if (i + 1 >= argc || option_set(o, argv[i], argv[i + 1]) < 0)
            return -1;
        else
            i++;
    }
    return o->scene.kind && o->out ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct order o = {.scene = scene_opts_defaults(), .crf = 26};
    struct err err = {0};

    if (argc == 2 && text_is(argv[1], "--list"))
        return list();
    if (argc == 2 && text_is(argv[1], "--help"))
        return usage(stdout);
    if (parse(argc, argv, &o) < 0)
        return usage(stderr);
    if (render(&o, &err) < 0) {
        fprintf(stderr, "scene: %s\n", err.text);
        return 1;
    }
    return 0;
}
