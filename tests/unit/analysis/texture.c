/* What moving parts look like, on made pictures: each number rises where it should, and none is out of range.
 */
#include "analysis/texture.h"

#include <math.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "test.h"

enum { WIDTH = 426, HEIGHT = 320, PICTURES = 12 };

/* Paints picture number `i` over a flat grey one. */
typedef void paint(struct picture *p, int i);

static void rect(struct picture *p, int x0, int y0, int w, int h, int b, int g, int r)
{
    for (int y = y0 < 0 ? 0 : y0; y < y0 + h && y < p->height; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x0 + w && x < p->width; x++) {
            uint8_t *v = p->pixels + 3 * (y * p->width + x);
            v[0] = (uint8_t)b;
            v[1] = (uint8_t)g;
            v[2] = (uint8_t)r;
        }
}

static void still(struct picture *p, int i)
{
    (void)p;
    (void)i;
}

static void crossing(struct picture *p, int i)
{
    rect(p, 20 + 30 * i, 200, 24, 60, 60, 200, 60);
}

static void swaying(struct picture *p, int i)
{
    rect(p, i % 2 ? 200 : 212, 100, 24, 60, 220, 220, 220);
}

/* Bars over all of the picture that go to and fro by two pixels. */
static void shaking(struct picture *p, int i)
{
    for (int x = 0; x < WIDTH; x += 32)
        rect(p, x + (i % 2 ? 2 : 0), 0, 16, HEIGHT, 115, 115, 115);
}

static void upright_lines(struct picture *p, int i)
{
    for (int x = 100; x < 300; x += 10)
        rect(p, x + i * 7 % 10, 80, 2, 120, 230, 230, 230);
}

static void level_lines(struct picture *p, int i)
{
    for (int y = 80; y < 200; y += 10)
        rect(p, 100, y + i * 7 % 10, 200, 2, 230, 230, 230);
}

static void flashes(struct picture *p, int i)
{
    if (i % 3 == 0)
        rect(p, 0, 0, WIDTH, HEIGHT, 250, 250, 250);
}

static struct texture_stats watch_size(paint *draw, int width, int height)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = {width, height, 3, arena_alloc(a, (size_t)width * (size_t)height * 3)};
    struct motion *m = motion_new(a, width, height);
    struct texture *t = texture_new(a, width, height);
    struct region regions[MOTION_MAX_REGIONS];

    for (int i = 0; i < PICTURES; i++) {
        memset(p.pixels, 100, (size_t)width * (size_t)height * 3);
        draw(&p, i);
        texture_next(t, m, &p, regions, motion_next(m, &p, 1 / 3.0, regions));
    }
    return texture_stats(t);
}

static struct texture_stats watch(paint *draw)
{
    return watch_size(draw, WIDTH, HEIGHT);
}

static void nothing_moves(void)
{
    struct texture_stats s = watch(still);

    CHECK_NEAR((double)s.staying.share, 0, 0);
    CHECK_NEAR((double)s.passing.share, 0, 0);
    CHECK_NEAR((double)s.stirred, 0, 0);
    CHECK_NEAR((double)s.light_most, 0, 0);
    CHECK_NEAR((double)s.lightness, 100 / 255.0, 1e-3);
}

static void who_passes_is_told_from_what_stays(void)
{
    struct texture_stats passes = watch(crossing), stays = watch(swaying);

    CHECK(passes.passing.share > 0.9f && passes.straight > 0.9f && passes.novel > 0.4f);
    CHECK(stays.staying.share > 0.9f && stays.straight < 0.2f && stays.novel < 0.1f);
    CHECK(stays.overlap > 0.4f && stays.overlap > passes.overlap);
    CHECK(passes.passing.green > 0.05f && passes.passing.saturation > 0.05f);
    CHECK_NEAR((double)stays.staying.saturation, 0, 1e-4);
}

static void a_shaken_picture_shifts_to_and_fro(void)
{
    struct texture_stats shaken = watch(shaking), passes = watch(crossing);

    CHECK(shaken.shift_explains > 0.5f && shaken.shift_turns > 0.8f);
    CHECK(shaken.edge_bound > 0.5f);
    CHECK(passes.shift_explains < shaken.shift_explains);
}

static void lines_have_a_direction(void)
{
    struct texture_stats upright = watch(upright_lines), level = watch(level_lines), broad = watch(crossing);

    CHECK(upright.staying.upright > 0.5f && level.staying.upright < -0.5f);
    CHECK(upright.staying.ridges > broad.passing.ridges);
    CHECK(upright.flips > 4 * upright.flips_down && level.flips_down > 4 * level.flips);
    CHECK(upright.inks > 0.9f);
}

static void flashes_are_light_and_no_motion(void)
{
    struct texture_stats s = watch(flashes);

    CHECK(s.light_step > 0.2f && s.light_most > 0.5f);
    CHECK_NEAR((double)s.stirred, 0, 0);
}

/* Also for pictures of a few pixels. */
static void all_are_numbers_in_range(void)
{
    static paint *const all[] = {still, crossing, swaying, shaking, upright_lines, level_lines, flashes};
    static const struct {
        int width, height;
    } sizes[] = {{WIDTH, HEIGHT}, {64, 320}, {8, 8}, {2, 320}, {3, 3}, {1, 1}, {640, 2}};

    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            struct texture_stats s = watch_size(all[i], sizes[k].width, sizes[k].height);
            float values[sizeof s / sizeof(float)];

            memcpy(values, &s, sizeof values);
            for (size_t f = 0; f < sizeof values / sizeof values[0]; f++)
                CHECK(isfinite(values[f]) && fabsf(values[f]) < 1000);
            CHECK(s.staying.share >= 0 && s.staying.share <= 1 && s.stirred >= 0 && s.stirred <= 1);
            CHECK(s.edge_bound >= -1.001f && s.edge_bound <= 1.001f && s.inks <= 1.001f);
            ROW("%d x %d, paint %zu", sizes[k].width, sizes[k].height, i);
        }
}

int main(void)
{
    RUN(nothing_moves);
    RUN(who_passes_is_told_from_what_stays);
    RUN(a_shaken_picture_shifts_to_and_fro);
    RUN(lines_have_a_direction);
    RUN(flashes_are_light_and_no_motion);
    RUN(all_are_numbers_in_range);
    return test_end();
}
