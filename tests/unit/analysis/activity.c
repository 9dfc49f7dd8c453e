/* The activity curve: values, times, and how many there are, whatever the frames. */
#include "analysis/activity.h"

#include <math.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t luma[GLANCE_WIDTH * GLANCE_MAX_HEIGHT], colour[GLANCE_COLOURS];

static struct glance flat(int level, int height)
{
    memset(luma, level, sizeof luma);
    return (struct glance){.height = height, .luma = luma, .u = colour, .v = colour};
}

/* Frames at a rate whose level is a function of time. */
static struct scenery curve(struct arena *a, int (*level)(double t), double rate, double seconds, double end)
{
    struct activity *c = activity_new(a);
    struct scenery s = {0};

    for (int i = 0; i < seconds * rate; i++) {
        struct glance g = flat(level(i / rate), 90);
        activity_next(c, &g, i / rate);
    }
    activity_end(c, end, &s);
    return s;
}

static int dark(double t)
{
    (void)t;
    return 20;
}

/* 51 levels = 0.2, at second 3. */
static int switched(double t)
{
    return t < 3 ? 20 : 71;
}

/* A level more every half second. */
static int rising(double t)
{
    return (int)(t * 2 + 1e-6) % 256;
}

static void as_many_values_as_the_duration_wants(void)
{
    static const struct {
        double rate, seconds, end;
        size_t n;
        double step;
    } rows[] = {
        {25, 10, 10, 19, 0.5},
        {25, 10.2, 10.2, 19, 0.51},      /* 20.4 samples */
        {25, 10.4, 10.4, 20, 10.4 / 21}, /* 20.8 */
        {25, 10, 0, 19, 9.96 / 20},      /* no end: that of the last frame */
        {25, 10, NAN, 19, 9.96 / 20},
        {25, 10, 20, 39, 0.5}, /* the last frame stays */
        {1, 10, 10, 19, 0.5},  /* fewer frames than samples */
        {120, 2, 2, 3, 0.5},
        {25, 0.04, 0.04, 0, 0.04}, /* one frame */
        {25, 0.04, 0, 0, 0.5},
        {25, 0.5, 0.5, 0, 0.5},
        {2, 3600, 3600, 7199, 0.5},
        {2, 3600.5, 3600.5, 7200, 0.5},
        {2, 3601.5, 3601.5, 3601, 3601.5 / 3602}, /* one more would be too many: every second one */
        {0.01, 1e6, 1e6, 3905, 1e6 / 3906},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct scenery s = curve(a, dark, rows[i].rate, rows[i].seconds, rows[i].end);

        CHECK_INT(s.nactivity, rows[i].n);
        CHECK_NEAR(s.activity_step, rows[i].step, 1e-9);
        for (size_t k = 0; k < s.nactivity; k++)
            CHECK(s.activity[k] == 0);
        ROW("%g frames a second, %g s, end %g", rows[i].rate, rows[i].seconds, rows[i].end);
    }
}

static void a_change_stands_at_its_time(void)
{
    static const double rates[] = {1, 2, 5, 12.5, 25, 29.97, 60};

    for (size_t i = 0; i < LENGTH(rates); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct scenery s = curve(a, switched, rates[i], 8, 8);

        CHECK_INT(s.nactivity, 15);
        for (size_t k = 0; k < s.nactivity; k++) {
            double t = (double)(k + 1) * s.activity_step;
            bool here = t >= 3 - 1e-9 && t < 3.5 + 1e-9 && s.activity[k] > 0;

            if (here)
                CHECK_NEAR((double)s.activity[k], 0.2, 1e-6);
            else
                CHECK(s.activity[k] == 0);
            ROW("%g frames a second, value %zu", rates[i], k);
        }
        CHECK(s.activity[5] > 0 || s.activity[6] > 0);
    }
}

/* When every second sample is left out, a value is the difference of those that stay, not of two halves. */
static void long_videos_are_sampled_wider(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct scenery s = curve(a, rising, 4, 10000, 10000);

    CHECK_INT(s.nactivity, 4999);
    CHECK_NEAR(s.activity_step, 2, 1e-9);
    for (size_t k = 0; k < s.nactivity; k++)
        CHECK_NEAR((double)s.activity[k], (k + 1) % 64 ? 4 / 255.0 : 252 / 255.0, 1e-6);
}

static void the_shape_may_change(void)
{
    static const int heights[] = {90, 2, 320, 160, 90};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct activity *c = activity_new(a);
    struct scenery s = {0};

    for (int i = 0; i < 10; i++) {
        struct glance g = flat(i < 5 ? 100 : 151, heights[i % 5]);
        activity_next(c, &g, i * 0.5);
    }
    activity_end(c, 5, &s);
    CHECK_INT(s.nactivity, 9);
    for (size_t k = 0; k < s.nactivity; k++)
        CHECK_NEAR((double)s.activity[k], k == 4 ? 0.2 : 0, 1e-6);
}

static void nothing_gives_nothing(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct scenery s = {0};

    activity_end(activity_new(a), 10, &s);
    CHECK_INT(s.nactivity, 0);
    CHECK(s.activity_step == 0);
}

int main(void)
{
    RUN(as_many_values_as_the_duration_wants);
    RUN(a_change_stands_at_its_time);
    RUN(long_videos_are_sampled_wider);
    RUN(the_shape_may_change);
    RUN(nothing_gives_nothing);
    return test_end();
}
