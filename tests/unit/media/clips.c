#include "clips.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "media/mp4.h"

extern char **environ;

int clip_of(const void *data, size_t n)
{
    int fd = memfd_create("clip", 0);

    if (fd < 0 || (n && pwrite(fd, data, n, 0) != (ssize_t)n))
        abort();
    return fd;
}

uint8_t *clip_bytes(int fd, size_t *ret_n)
{
    struct stat st;
    uint8_t *data;

    if (fstat(fd, &st) < 0)
        abort();
    data = mem_alloc((size_t)st.st_size);
    if (pread(fd, data, (size_t)st.st_size, 0) != st.st_size)
        abort();
    *ret_n = (size_t)st.st_size;
    return data;
}

static void paint(struct picture *p, int frame)
{
    memset(p->pixels, 40, (size_t)p->width * (size_t)p->height * 3);
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            bool corner = y < p->height / 4 && x < p->width / 4;
            bool bar = y > p->height / 2 && y < p->height * 3 / 4 && (x + frame * 8) % p->width < 16;

            if (corner || bar)
                memset(p->pixels + 3 * ((size_t)y * (size_t)p->width + (size_t)x), 220, 3);
        }
}

int clip_mp4(int width, int height, int frames, int rate_num, int rate_den)
{
    CLEANUP(mp4_freep) struct mp4_writer *w = NULL;
    struct picture p = {width, height, 3, mem_alloc((size_t)width * (size_t)height * 3)};
    struct mp4_opts o = mp4_opts_defaults();
    int fd = clip_of("", 0);
    struct err err;

    o.width = width;
    o.height = height;
    o.rate_num = rate_num;
    o.rate_den = rate_den;
    if (mp4_open(&w, fd, &o, &err) < 0)
        abort();
    for (int i = 0; i < frames; i++) {
        paint(&p, i);
        if (mp4_add(w, &p, &err) < 0)
            abort();
    }
    if (mp4_finish(w, &err) < 0)
        abort();
    free(p.pixels);
    return fd;
}

static void split(char *command, char **argv)
{
    int n = 0;

    for (char *rest = NULL, *word = strtok_r(command, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (n == CLIP_ARGS - 1)
            abort();
        for (char *c = word; *c; c++)
            if (*c == '|')
                *c = ' ';
        argv[n++] = word;
    }
    argv[n] = NULL;
}

static pid_t start(char **argv, int in, int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int r;

    posix_spawn_file_actions_init(&actions);
    if (in >= 0)
        posix_spawn_file_actions_adddup2(&actions, in, 0);
    else
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return r ? -1 : pid;
}

char *clip_run(int in, const char *command)
{
    CLEANUP(freep) char *words = mem_strdup(command);
    CLEANUP(fd_closep) int out = clip_of("", 0);
    char *argv[CLIP_ARGS], *text;
    int status = -1;
    size_t n;
    pid_t pid;

    split(words, argv);
    pid = start(argv, in, out);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return mem_strdup("");
    text = (char *)clip_bytes(out, &n);
    text = mem_resize(text, n + 1, 1);
    text[n] = '\0';
    return text;
}

bool clip_has(const char *program)
{
    char command[64];
    CLEANUP(freep) char *text = NULL;

    snprintf(command, sizeof command, "%s -version", program);
    text = clip_run(-1, command);
    return *text;
}

int clip_ffmpeg(const char *arguments, const char *suffix)
{
    char path[] = "/tmp/assay-clip-XXXXXX", command[2048], out[64];
    CLEANUP(freep) char *text = NULL;
    int fd = mkstemp(path);

    if (fd < 0)
        abort();
    snprintf(out, sizeof out, "%s%s", path, suffix);
    snprintf(command, sizeof command, "ffmpeg -nostdin -v error -y -bitexact -threads 1 %s %s", arguments,
             out);
    text = clip_run(-1, command);
    close(fd);
    unlink(path);
    fd = open(out, O_RDONLY | O_CLOEXEC);
    unlink(out);
    return fd;
}

const char *clip_path(char text[64], int fd)
{
    snprintf(text, 64, "/proc/%d/fd/%d", (int)getpid(), fd);
    return text;
}

int64_t clip_read(int fd, const struct video_opts *opts, struct media_info *ret_info, struct err *err)
{
    CLEANUP(video_freep) struct video *v = NULL;
    struct video_frame f;
    int64_t n = 0;
    double last = -1;
    int r;

    if (video_open(&v, fd, opts, err) < 0)
        return -1;
    while ((r = video_next(v, &f, err)) > 0) {
        if (f.index != n || !(f.pts > last))
            abort(); /* no input may make that happen */
        last = f.pts;
        n++;
    }
    if (ret_info)
        *ret_info = *video_info(v);
    return r < 0 ? -1 : n;
}
