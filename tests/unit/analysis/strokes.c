/* The gate: what gets through, what does not, and what counts as changed. */
#include "analysis/strokes.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "sign.h"
#include "test.h"

enum { WIDTH = 640, HEIGHT = 480 };

/* What is drawn into a picture of one level. */
struct scene {
    const char *what;
    int ground;
    double noise;
    const char *text; /* NULL = none */
    double dot;
    int ink;
    size_t least, most; /* regions */
};

static const struct scene scenes[] = {
    {"flat", 128, 0, NULL, 0, 0, 0, 0},
    {"black", 0, 0, NULL, 0, 0, 0, 0},
    {"noise of a good camera", 128, 4, NULL, 0, 0, 0, 0},
    {"noise of a bad one", 128, 8, NULL, 0, 0, 0, 0},
    {"large dark letters", 200, 0, "EXIT", 10, 20, 1, 4},
    {"bright letters", 30, 0, "NO ENTRY", 4, 230, 1, 2},
    {"grey on grey", 110, 0, "NO DOGS", 5, 150, 1, 2},
    {"small letters", 200, 0, "CAMERA 17", 1.5, 20, 1, 2},
    {"a time stamp on noise", 90, 6, "2024-06-07 11.32.43", 2, 250, 1, 2},
};

static struct picture draw(struct arena *a, const struct scene *s)
{
    struct picture p = sign_blank(a, WIDTH, HEIGHT, s->ground);

    if (s->text)
        sign_draw(&p, s->text, 60, 100, s->dot, s->ink);
    if (s->noise > 0)
        sign_noise(&p, s->noise, 7);
    return p;
}

static void lets_text_through(void)
{
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct picture p = draw(a, &scenes[i]);
        struct strokes *s = strokes_new(a, WIDTH, HEIGHT);
        struct cells regions[STROKES_MAX_REGIONS];
        size_t n;

        strokes_look(s, &p);
        n = strokes_regions(s, regions);
        CHECK(n >= scenes[i].least && n <= scenes[i].most);
        ROW("%s: %zu regions", scenes[i].what, n);
    }
}

static void tells_where(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = sign_blank(a, WIDTH, HEIGHT, 200);
    struct strokes *s = strokes_new(a, WIDTH, HEIGHT);
    struct box upper = sign_draw(&p, "PLATFORM 9", 40, 60, 3, 20),
               lower = sign_draw(&p, "TO THE TRAINS", 300, 400, 3, 20);
    struct cells regions[STROKES_MAX_REGIONS];

    strokes_look(s, &p);
    CHECK_INT(strokes_regions(s, regions), 2);
    for (int i = 0; i < 2 && test_ok; i++) {
        struct box want = i == 0 ? upper : lower, got = strokes_box(s, regions[i], 1);
        CHECK(got.x <= want.x && got.y <= want.y);
        CHECK(got.x + got.w >= want.x + want.w - 0.02f && got.y + got.h >= want.y + want.h);
        CHECK(got.w < want.w + 0.08f && got.h < want.h + 0.12f);
    }
}

static void a_gradient_and_a_single_edge_are_no_text(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = sign_blank(a, WIDTH, HEIGHT, 0);
    struct strokes *s = strokes_new(a, WIDTH, HEIGHT);
    struct cells regions[STROKES_MAX_REGIONS];

    for (int i = 0; i < WIDTH * HEIGHT; i++)
        p.pixels[i] = (uint8_t)(i % WIDTH < WIDTH / 2 ? i % WIDTH / 3 : 255 - i % WIDTH / 6);
    strokes_look(s, &p);
    CHECK_INT(strokes_regions(s, regions), 0);
}

/* Share of the cells with letters that look the same in two pictures. */
static double share_alike(const struct strokes *s, const struct strokes *t)
{
    int all = 0, alike = 0;

    for (int i = 0; i < s->cols * s->rows; i++) {
        if (!strokes_at(s, i) && !strokes_at(t, i))
            continue;
        all++;
        alike += strokes_alike(s->mark[i], t->mark[i]);
    }
    return all ? (double)alike / all : 1;
}

static double alike_after(const char *before, double noise_before, const char *after, double noise_after,
                          int shift)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = sign_blank(a, WIDTH, HEIGHT, 200), q = sign_blank(a, WIDTH, HEIGHT, 200);
    struct strokes *s = strokes_new(a, WIDTH, HEIGHT), *t = strokes_new(a, WIDTH, HEIGHT);

    sign_draw(&p, before, 60, 100, 3, 20);
    sign_draw(&q, after, 60 + shift, 100, 3, 20);
    sign_noise(&p, noise_before, 1);
    sign_noise(&q, noise_after, 2);
    strokes_look(s, &p);
    strokes_look(t, &q);
    return share_alike(s, t);
}

static void sees_what_changed(void)
{
    static const struct {
        const char *what, *before, *after;
        double noise;
        int shift;
        double least, most;
    } rows[] = {
        {"nothing", "GATE 14 CLOSED", "GATE 14 CLOSED", 0, 0, 1, 1},
        {"noise", "GATE 14 CLOSED", "GATE 14 CLOSED", 6, 0, 0.85, 1},
        {"one digit", "GATE 14 CLOSED", "GATE 17 CLOSED", 0, 0, 0.85, 0.99},
        {"all of it", "GATE 14 CLOSED", "NO DOGS PLEASE", 0, 0, 0, 0.6},
        {"gone", "GATE 14 CLOSED", "", 0, 0, 0, 0},
        {"moved", "GATE 14 CLOSED", "GATE 14 CLOSED", 0, 5, 0, 0.6},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double share =
            alike_after(rows[i].before, rows[i].noise, rows[i].after, rows[i].noise, rows[i].shift);
        CHECK(share >= rows[i].least && share <= rows[i].most);
        ROW("%s: %.2f alike", rows[i].what, share);
    }
}

static void takes_any_size(void)
{
    static const int sides[][2] = {{1, 1},   {2, 3},   {3, 2},     {7, 9},    {8, 8},
                                   {1, 500}, {500, 1}, {1281, 33}, {4096, 4}, {4, 4096}};

    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct picture p = sign_blank(a, sides[i][0], sides[i][1], 100);
        struct strokes *s = strokes_new(a, p.width, p.height);
        struct cells regions[STROKES_MAX_REGIONS];
        size_t n;

        sign_noise(&p, 60, 3);
        strokes_look(s, &p);
        n = strokes_regions(s, regions);
        CHECK(s->cols <= STROKES_MAX_SIDE && s->rows <= STROKES_MAX_SIDE && n <= STROKES_MAX_REGIONS);
        for (size_t k = 0; k < n; k++) {
            struct box b = strokes_box(s, regions[k], 1);
            CHECK(b.x >= 0 && b.y >= 0 && b.x + b.w <= 1.0001f && b.y + b.h <= 1.0001f && b.w > 0 && b.h > 0);
        }
        ROW("%dx%d", p.width, p.height);
    }
}

static void is_quick(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = draw(a, &scenes[8]);
    struct strokes *s = strokes_new(a, WIDTH, HEIGHT);
    struct cells regions[STROKES_MAX_REGIONS];
    int64_t best = INT64_MAX;

    for (int i = 0; i < 20; i++) {
        int64_t start = clock_cpu_us(), took;

        strokes_look(s, &p);
        strokes_regions(s, regions);
        took = clock_cpu_us() - start;
        best = took < best ? took : best;
    }
    printf("# %dx%d: %lld us of processor time\n", WIDTH, HEIGHT, (long long)best);
}

int main(void)
{
    RUN(lets_text_through);
    RUN(tells_where);
    RUN(a_gradient_and_a_single_edge_are_no_text);
    RUN(sees_what_changed);
    RUN(takes_any_size);
    RUN(is_quick);
    return test_end();
}
