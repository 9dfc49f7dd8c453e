/* What bench/shots needs: films with known shots, our search with its cost, and marks for anybody's list.
 *
 *   film write SEED SECONDS WIDTHxHEIGHT      the film as Y4M on standard output, 25 frames a second
 *   film score FROM UNTIL SECONDS WIDTHxHEIGHT < LISTS
 *                                             F1 over the films of seeds FROM to UNTIL - 1; LISTS has lines
 *                                             "film SEED", then "cut TIME" or "gradual TIME"
 *   film find CLIP...                         our shots as such a list, "film N" per clip, and cpu_ms=
 *   film cost CLIP ROUNDS                     CPU ms of bare decoding, and with a glance, shots and activity
 */
#include <fcntl.h>
#include <libavutil/frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/activity.h"
#include "analysis/shots.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "media/video.h"
#include "score.h"

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "film: %s\n", what);
    exit(1);
}

static struct film_opts opts_of(const char *seconds, const char *size)
{
    struct film_opts o = film_opts_defaults();

    o.seconds = atof(seconds);
    o.fps = 25;
    if (sscanf(size, "%dx%d", &o.width, &o.height) != 2)
        give_up("the size is WIDTHxHEIGHT");
    return o;
}

static void write_film(const char *seed, const char *seconds, const char *size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct film_opts o = opts_of(seconds, size);
    const struct AVFrame *frame;
    struct film *f;
    double pts;

    o.seed = strtoull(seed, NULL, 10);
    f = film_new(a, &o, NULL);
    printf("YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420jpeg\n", o.width, o.height);
    while (film_next(f, &frame, &pts)) {
        fputs("FRAME\n", stdout);
        fwrite(frame->data[0], 1, sheet_size(o.width, o.height), stdout);
    }
    film_free_frame(f);
}

/* ---- marks ---- */

struct list {
    struct shot shots[4000];
    struct scenery found;
};

static void score_one(struct list *l, const struct film_opts *like, uint64_t seed, struct film_score *sum)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct film_opts o = *like;
    struct film *f;

    o.seed = seed;
    f = film_new(a, &o, NULL);
    film_score_add(sum, f, &l->found, NULL);
    film_free_frame(f);
    l->found.nshots = 1;
}

static void add_line(struct list *l, const char *line)
{
    enum shot_begin begin = text_starts(line, "cut ") ? SHOT_CUT : SHOT_GRADUAL;
    const char *number = strchr(line, ' ');

    if (number && l->found.nshots < sizeof l->shots / sizeof l->shots[0])
        l->shots[l->found.nshots++] = (struct shot){{atof(number), 0}, begin};
}

static void score(const char *from, const char *until, const char *seconds, const char *size)
{
    static struct list l;
    struct film_opts o = opts_of(seconds, size);
    struct film_score sum = {0};
    uint64_t seed = strtoull(from, NULL, 10), last = strtoull(until, NULL, 10);
    bool begun = false;
    char line[256];

    l.found = (struct scenery){.shots = l.shots, .nshots = 1};
    while (fgets(line, sizeof line, stdin)) {
        if (!text_starts(line, "film ")) {
            add_line(&l, line);
            continue;
        }
        if (begun)
            score_one(&l, &o, seed++, &sum);
        begun = true;
    }
    score_one(&l, &o, seed++, &sum);
    if (seed != last)
        give_up("not one list for each film");
    film_score_print(&sum, stdout);
}

/* ---- ours ---- */

/* CPU milliseconds: of everything, and of what is not decoding. */
struct cost {
    double all_ms, own_ms;
};

static struct cost read_clip(const char *path, bool look, struct arena *a, struct scenery *ret)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(glancer_freep) struct glancer *g = glancer_new();
    CLEANUP(video_freep) struct video *v = NULL;
    struct video_opts o = video_opts_defaults();
    struct shots *shots = shots_new(a);
    struct activity *activity = activity_new(a);
    int64_t begin = clock_cpu_us(), own = 0, before;
    struct video_frame f;
    struct glance glance;
    int r;

    if (fd < 0 || video_open(&v, fd, &o, NULL) < 0)
        give_up("cannot open the clip");
    while ((r = video_next(v, &f, NULL)) > 0) {
        if (!look)
            continue;
        before = clock_cpu_us();
        if (glance_at(g, f.av, &glance, NULL) < 0)
            give_up("cannot look at a frame");
        shots_next(shots, &glance, f.pts);
        activity_next(activity, &glance, f.pts);
        own += clock_cpu_us() - before;
    }
    if (r < 0)
        give_up("cannot decode the clip");
    shots_end(shots, video_end(v), ret);
    activity_end(activity, video_end(v), ret);
    return (struct cost){(double)(clock_cpu_us() - begin) / 1000, (double)own / 1000};
}

static void find(char **clips)
{
    double cpu_ms = 0;

    for (int i = 0; clips[i]; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct scenery s = {0};

        cpu_ms += read_clip(clips[i], true, a, &s).all_ms;
        printf("film %d\n", i);
        for (size_t k = 1; k < s.nshots; k++)
            printf("%s %.6f\n", s.shots[k].begin == SHOT_CUT ? "cut" : "gradual", s.shots[k].time.start);
    }
    fprintf(stderr, "cpu_ms=%.0f\n", cpu_ms);
}

/* In turns, so that whatever else the machine does disturbs both alike. */
static void cost(const char *clip, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct scenery s = {0};
        double bare = read_clip(clip, false, a, &s).all_ms;
        struct cost c = read_clip(clip, true, a, &s);

        printf("bare_ms=%.1f all_ms=%.1f own_ms=%.1f ratio=%.4f within=%.4f\n", bare, c.all_ms, c.own_ms,
               c.all_ms / bare, c.all_ms / (c.all_ms - c.own_ms));
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (text_is(what, "write") && argc == 5)
        write_film(argv[2], argv[3], argv[4]);
    else if (text_is(what, "score") && argc == 6)
        score(argv[2], argv[3], argv[4], argv[5]);
    else if (text_is(what, "find") && argc > 2)
        find(argv + 2);
    else if (text_is(what, "cost") && argc == 4)
        cost(argv[2], atoi(argv[3]));
    else
        give_up("write, score, find or cost; see the head of bench/film.c");
    return 0;
}
