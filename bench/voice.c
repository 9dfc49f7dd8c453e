/* How much of a file the voice gate takes for speech:
 *
 *   voice FILE...                                    the own gate
 *   voice --model CARD WEIGHTS RUNTIME FILE...       a model of task "voice"
 *
 * Prints a line a file: share of frames that are voiced, seconds, clips that a detector would be asked about
 * (1 s of speech or more), clips in all, name; and the processor time of a second of sound. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/listen.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "media/sound.h"

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "voice: %s\n", what);
    exit(1);
}

static int hear(struct listen *l, int fd, struct err *err)
{
    CLEANUP(sound_freep) struct sound *s = NULL;
    struct sound_opts o = sound_opts_defaults();
    struct sound_piece p;
    int r = sound_open(&s, fd, &o, err);

    while (r >= 0 && (r = sound_next(s, &p, err)) > 0)
        if (listen_take(l, p.samples, p.n, err) < 0)
            r = -1;
    return r;
}

static double print_file(const struct listen_tools *tools, const char *path)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct listen *l = listen_new(a, tools, 0);
    struct listen_clip *clips;
    struct err err = {0};
    double voiced = 0, end;
    int asked = 0;
    size_t n;

    if (hear(l, fd, &err) < 0 || listen_end(l, &clips, &n, &err) < 0) {
        printf("- %s: %s\n", path, err.text);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        voiced += clips[i].voiced;
        asked += clips[i].voiced >= 1;
    }
    end = clips[n - 1].end;
    printf("%.2f %7.2f %3d/%-3zu %s\n", voiced / end, end, asked, n, path);
    return end;
}

int main(int argc, char **argv)
{
    bool with_model = argc > 5 && strcmp(argv[1], "--model") == 0;
    struct arena *a = arena_new();
    struct runtime *rt = NULL;
    struct model *m = NULL;
    struct card *card = arena_alloc(a, sizeof *card);
    struct listen_tools tools = {0};
    struct err err = {0};
    int64_t begin;
    double seconds = 0;

    if (argc < 2)
        give_up("usage: voice [--model CARD WEIGHTS RUNTIME] FILE...");
    if (with_model) {
        if (card_load(a, argv[2], card, &err) < 0 || runtime_open(&rt, argv[4], &err) < 0)
            give_up(err.text);
        card->file = argv[3];
        if (model_load(&m, rt, card, (struct bytes){0}, &err) < 0)
            give_up(err.text);
    }
    tools.voice = m;
    begin = clock_cpu_us();
    for (int i = with_model ? 5 : 1; i < argc; i++)
        seconds += print_file(&tools, argv[i]);
    printf("ms_per_second=%.2f\n", (double)(clock_cpu_us() - begin) / 1e3 / seconds);
    model_freep(&m);
    runtime_freep(&rt);
    arena_free(a);
    return 0;
}
