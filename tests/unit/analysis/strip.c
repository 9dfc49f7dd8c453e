#include "analysis/strip.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "media/still.h"
#include "test.h"

enum { WIDTH = 320, HEIGHT = 180 };

/* All of one brightness. */
static void sample(struct strip *s, double pts, bool changed, double sharpness, int level)
{
    static uint8_t pixels[WIDTH * HEIGHT * 3];
    struct picture bgr = {WIDTH, HEIGHT, 3, pixels};

    memset(pixels, level, sizeof pixels);
    strip_sample(s, &bgr, pts, changed, sharpness);
}

static struct bytes end(struct strip *s, struct arena *a)
{
    CLEANUP(fd_closep) int fd = memfd_create("strip", MFD_CLOEXEC);
    uint8_t *file = arena_alloc(a, STRIP_MAX_BYTES);
    struct err err = {0};

    CHECK_INT(strip_end(s, fd, &err), 0);
    return bytes_of(file, (size_t)pread(fd, file, STRIP_MAX_BYTES, 0));
}

static size_t frames_of(struct strip *s, struct arena *a, struct strip_frame **ret)
{
    struct err err = {0};
    size_t n = 0;

    CHECK_INT(strip_read(a, end(s, a), ret, &n, &err), 0);
    return n;
}

static int level_of(struct arena *a, const struct strip_frame *f)
{
    struct still_opts opts = still_defaults();
    struct still still;
    struct err err = {0};

    CHECK_INT(still_read(a, f->jpeg, &opts, &still, &err), 0);
    CHECK_INT(still.width, STRIP_SIDE);
    CHECK_INT(still.height, STRIP_SIDE * HEIGHT / WIDTH);
    return still.picture.pixels[0];
}

static void the_sharpest_of_each_shot_stays(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strip *s = strip_new(a);
    struct strip_frame *f;

    sample(s, 0, true, 1, 10);
    sample(s, 1, false, 3, 20);
    sample(s, 2, false, 3, 30); /* no sharper */
    sample(s, 3, true, 0, 200);
    sample(s, 4, false, 0.5, 210);
    CHECK_INT(frames_of(s, a, &f), 2);
    CHECK(f[0].pts == 1 && f[1].pts == 4);
    CHECK_NEAR(level_of(a, &f[0]), 20, 2);
    CHECK_NEAR(level_of(a, &f[1]), 210, 2);
}

static void the_first_need_not_be_a_change(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strip *s = strip_new(a);
    struct strip_frame *f;

    sample(s, 0.5, false, 1, 10);
    CHECK_INT(frames_of(s, a, &f), 1);
    CHECK_INT(frames_of(strip_new(a), a, &f), 0);
}

/* 1000 shots of a second: what is left is spread over the video, and the running one is there. */
static void many_shots_are_thinned_out(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strip *s = strip_new(a);
    struct strip_frame *f;
    double widest = 0;
    size_t n;

    for (int i = 0; i < 1000; i++)
        sample(s, i, true, i * 7 % 13, i % 256);
    n = frames_of(s, a, &f);
    CHECK_INT(n, STRIP_MAX);
    for (size_t i = 1; i < n; i++)
        widest = f[i].pts - f[i - 1].pts > widest ? f[i].pts - f[i - 1].pts : widest;
    CHECK(widest <= 40);
    CHECK(f[0].pts < 40 && f[n - 1].pts == 999);
    CHECK_NEAR(level_of(a, &f[n - 1]), 999 % 256, 2);
    CHECK_NEAR(level_of(a, &f[n / 2]), (int)f[n / 2].pts % 256, 2);
}

static void times_that_do_not_grow_are_left_out(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strip *s = strip_new(a);
    struct strip_frame *f;

    sample(s, 1, true, 1, 10);
    sample(s, 1, true, 1, 10);
    sample(s, 0.5, true, 1, 10);
    sample(s, 0.0 / 0.0, true, 1, 10);
    sample(s, 1e9, true, 1, 10);
    CHECK_INT(frames_of(s, a, &f), 1);
    s = strip_new(a);
    sample(s, -1, true, 1, 10);
    CHECK_INT(frames_of(s, a, &f), 0);
}

static void small_pictures_stay_small(void)
{
    static uint8_t pixels[8 * 6 * 3];
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strip *s = strip_new(a);
    struct still_opts opts = still_defaults();
    struct strip_frame *f;
    struct still still;

    strip_sample(s, &(struct picture){8, 6, 3, pixels}, 0, true, 0);
    CHECK_INT(frames_of(s, a, &f), 1);
    CHECK_INT(still_read(a, f[0].jpeg, &opts, &still, NULL), 0);
    CHECK(still.width == 8 && still.height == 6);
}

static void same_samples_same_bytes(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes files[2];

    for (int k = 0; k < 2; k++) {
        struct strip *s = strip_new(a);
        for (int i = 0; i < 100; i++)
            sample(s, i * 0.5, i % 3 == 0, i * 5 % 7, i);
        files[k] = end(s, a);
    }
    CHECK(files[0].len == files[1].len && memcmp(files[0].data, files[1].data, files[0].len) == 0);
}

static void a_full_disk_is_told(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};

    CHECK_INT(strip_end(strip_new(a), -1, &err), -1);
    CHECK_INT(err.kind, ERR_IO);
}

int main(void)
{
    RUN(the_sharpest_of_each_shot_stays);
    RUN(the_first_need_not_be_a_change);
    RUN(many_shots_are_thinned_out);
    RUN(times_that_do_not_grow_are_left_out);
    RUN(small_pictures_stay_small);
    RUN(same_samples_same_bytes);
    RUN(a_full_disk_is_told);
    return test_end();
}
