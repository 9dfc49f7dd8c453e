/* Moving regions and motion statistics on made pictures: each kind of motion is told from the others. */
#include "analysis/motion.h"

#include "base/cleanup.h"
#include "test.h"

enum { WIDTH = 426, HEIGHT = 320, PICTURES = 12 };

/* Paints picture number `i` over a flat grey one with sensor noise. */
typedef void paint(struct picture *p, int i);

static uint32_t next_random(uint32_t *state)
{
    return *state = *state * 1664525u + 1013904223u;
}

static void rect(struct picture *p, int x0, int y0, int w, int h, int level)
{
    for (int y = y0 < 0 ? 0 : y0; y < y0 + h && y < HEIGHT; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x0 + w && x < WIDTH; x++)
            memset(p->pixels + 3 * (y * WIDTH + x), level, 3);
}

static void background(struct picture *p, int i)
{
    uint32_t state = (uint32_t)i * 7919u + 1;

    for (size_t k = 0; k < (size_t)WIDTH * HEIGHT; k++)
        memset(p->pixels + 3 * k, 100 + (int)(next_random(&state) >> 28), 3);
}

static void still(struct picture *p, int i)
{
    (void)p;
    (void)i;
}

static void crossing(struct picture *p, int i)
{
    rect(p, 20 + 30 * i, 200, 24, 60, 220);
}

static void swaying(struct picture *p, int i)
{
    rect(p, i % 2 ? 200 : 212, 100, 24, 60, 220);
}

static void raining(struct picture *p, int i)
{
    uint32_t state = (uint32_t)i * 104729u + 5;

    for (int k = 0; k < 40; k++)
        rect(p, (int)(next_random(&state) >> 8) % WIDTH, (int)(next_random(&state) >> 8) % HEIGHT, 4, 22,
             230);
}

static void shaking(struct picture *p, int i)
{
    for (int x = 0; x < WIDTH; x += 16)
        rect(p, x + (i % 2 ? 8 : 0), 0, 8, HEIGHT, 220);
}

static void brighter(struct picture *p, int i)
{
    for (size_t k = 0; k < (size_t)WIDTH * HEIGHT * 3; k++)
        p->pixels[k] = (uint8_t)(p->pixels[k] + (i >= 6 ? 60 : 0));
}

struct seen {
    struct motion_stats stats;
    size_t regions[PICTURES];
    struct region last[MOTION_MAX_REGIONS]; /* of the last picture */
    float inside_left, inside_right;        /* of the halves of the last picture */
};

static struct seen watch(paint *draw)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = {WIDTH, HEIGHT, 3, arena_alloc(a, (size_t)WIDTH * HEIGHT * 3)};
    struct motion *m = motion_new(a, WIDTH, HEIGHT);
    struct box left = {0, 0, 0.5f, 1}, right = {0.5f, 0, 0.5f, 1};
    struct seen s = {0};

    for (int i = 0; i < PICTURES; i++) {
        background(&p, i);
        draw(&p, i);
        s.regions[i] = motion_next(m, &p, 1 / 3.0, s.last);
    }
    s.stats = motion_stats(m);
    s.inside_left = motion_inside(m, &left);
    s.inside_right = motion_inside(m, &right);
    return s;
}

static void sensor_noise_is_no_motion(void)
{
    struct seen s = watch(still);

    for (int i = 0; i < PICTURES; i++)
        CHECK_INT(s.regions[i], 0);
    CHECK_INT(s.stats.pictures, PICTURES - 1);
    CHECK_NEAR((double)s.stats.moving_share, 0, 0);
    CHECK_NEAR((double)s.stats.still_share, 1, 0);
}

static void a_crossing_thing_is_one_region_that_travels(void)
{
    struct seen s = watch(crossing);
    const struct box *b = &s.last[0].box;

    CHECK_INT(s.regions[0], 0);
    CHECK_INT(s.regions[PICTURES - 1], 1);
    /* at 350..374 of 426, 200..260 of 320, where it came from included */
    CHECK(b->x < 350.0f / WIDTH && b->x + b->w > 370.0f / WIDTH && b->y < 0.64f && b->y + b->h > 0.80f);
    CHECK(b->w < 0.25f && b->h < 0.25f);
    CHECK(s.stats.travel > 0.4f);
    CHECK(s.stats.scatter < 0.2f);
    CHECK(s.stats.persistence < 0.2f);
    CHECK(s.stats.spread > 0.1f && s.stats.spread < 0.3f);
    CHECK(s.stats.height < 0.1f && s.stats.width > 0.15f);
    CHECK_NEAR((double)s.stats.middle_y, 230.0 / HEIGHT, 0.02);
    CHECK(s.stats.unsteady < 0.5f);
    CHECK(s.inside_right > 0.01f && s.inside_left == 0);
    CHECK_NEAR((double)s.stats.speed, 3 * 30.0 / WIDTH, 0.03);
}

static void swaying_comes_back_to_the_same_place(void)
{
    struct seen s = watch(swaying);

    CHECK(s.stats.persistence > 0.8f);
    CHECK(s.stats.oscillation > 0.8f);
    CHECK(s.stats.travel < 0.1f);
    CHECK(s.stats.once < 0.1f);
    CHECK(s.stats.width < 0.1f && s.stats.height < 0.1f);
}

static void rain_is_scattered_and_vertical(void)
{
    struct seen s = watch(raining);

    CHECK(s.stats.scatter > 0.6f);
    CHECK(s.stats.regions > 5);
    CHECK(s.stats.vertical > 0.6f);
    CHECK(s.stats.brightness > 0);
    CHECK(s.stats.once > 0.4f);
    CHECK(s.stats.tall > 0.3f);
    CHECK(s.stats.width > 0.2f && s.stats.height > 0.2f);
}

static void shaking_is_global_and_has_no_regions(void)
{
    struct seen s = watch(shaking);

    CHECK(s.stats.global_share > 0.8f);
    CHECK_INT(s.regions[PICTURES - 1], 0);
    CHECK_NEAR((double)s.inside_left, 1, 0);
}

static void an_exposure_step_is_no_motion(void)
{
    struct seen s = watch(brighter);

    CHECK_NEAR((double)s.stats.moving_share, 0, 0.001);
    CHECK_INT(s.regions[6], 0);
}

static void odd_sizes_work(void)
{
    static const int sizes[][2] = {{1, 1}, {2, 3}, {17, 31}, {81, 79}, {1920, 64}, {64, 2160}};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        int w = sizes[i][0], h = sizes[i][1];
        struct picture p = {w, h, 3, arena_alloc(a, (size_t)w * (size_t)h * 3)};
        struct motion *m = motion_new(a, w, h);
        struct region regions[MOTION_MAX_REGIONS];
        struct box outside = {-1, -1, 3, 3};

        CHECK_INT(motion_next(m, &p, 0, regions), 0);
        memset(p.pixels, 255, (size_t)w * (size_t)h);
        motion_next(m, &p, 0, regions);
        CHECK(motion_inside(m, &outside) >= 0 && motion_inside(m, &outside) <= 1);
        ROW("%dx%d", w, h);
    }
}

int main(void)
{
    RUN(sensor_noise_is_no_motion);
    RUN(a_crossing_thing_is_one_region_that_travels);
    RUN(swaying_comes_back_to_the_same_place);
    RUN(rain_is_scattered_and_vertical);
    RUN(shaking_is_global_and_has_no_regions);
    RUN(an_exposure_step_is_no_motion);
    RUN(odd_sizes_work);
    return test_end();
}
