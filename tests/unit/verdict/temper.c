/* Rows whose figures were worked out by hand. */
#include "verdict/temper.h"

#include <math.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "test.h"

enum { MAX = 8 };

/* items: + shows it, - does not; scores beside them. */
static const struct {
    const char *what, *truth;
    double scores[MAX];
    size_t n; /* 0: no fit */
    double knots[5][2];
} rows[] = {
    {"none", "", {0}, 0, {{0}}},
    {"one kind", "++", {.1, .2}, 0, {{0}}},
    {"one score", "+-", {.5, .5}, 0, {{0}}},
    {"the wrong way round", "+-", {.1, .2}, 0, {{0}}},
    /* two pools of two: half of three, and two and a half of three */
    {"apart", "--++", {.1, .2, .3, .4}, 4, {{0, 0}, {.15, 1 / 6.}, {.35, 5 / 6.}, {1, 1}}},
    {"in any order", "+-+-", {.4, .2, .3, .1}, 4, {{0, 0}, {.15, 1 / 6.}, {.35, 5 / 6.}, {1, 1}}},
    {"from end to end", "--++", {0, 0, 1, 1}, 2, {{0, 1 / 6.}, {1, 5 / 6.}}},
    {"runs", "---++++", {.1, .2, .3, .4, .5, .6, .7}, 4, {{0, 0}, {.2, .125}, {.55, .9}, {1, 1}}},
    /* .2 shows it and .3 does not: together, a half */
    {"two change places", "-+-+", {.1, .2, .3, .4}, 5, {{0, 0}, {.1, .25}, {.25, .5}, {.4, .75}, {1, 1}}},
    /* .4 has 1 of 2, which the 1 of 1 below is above: 2 of 3 at 1.1 / 3, which counts as 2.5 of 4 */
    {"equal scores",
     "-++-+",
     {.1, .3, .4, .4, .6},
     5,
     {{0, 0}, {.1, .25}, {1.1 / 3, .625}, {.6, .75}, {1, 1}}},
    /* 1 of 1 above 5 of 5, which it is joined with: 6.5 of 7 */
    {"one above many",
     "-++++++",
     {.1, .2, .2, .2, .2, .2, .3},
     4,
     {{0, 0}, {.1, .25}, {1.3 / 6, 6.5 / 7}, {1, 1}}},
};

static void points(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct measured items[MAX];
        struct calibration c = {0};
        size_t n = strlen(rows[i].truth);
        bool fits;

        for (size_t k = 0; k < n; k++)
            items[k] = (struct measured){rows[i].scores[k], rows[i].truth[k] == '+'};
        fits = temper_points(a, items, n, &c);
        CHECK_INT(fits, rows[i].n > 0);
        CHECK_INT(c.n, rows[i].n);
        for (size_t k = 0; k < c.n && k < rows[i].n; k++) {
            CHECK_NEAR(c.knots[k].x, rows[i].knots[k][0], 1e-12);
            CHECK_NEAR(c.knots[k].y, rows[i].knots[k][1], 1e-12);
        }
        ROW("%s", rows[i].what);
    }
}

/* Twenty items at each of 21 scores, and of them as many as the score says: the points lie on one line, and
 * may be left out without changing it. */
static void many_points_become_few(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct measured items[21 * 20];
    struct calibration c = {0};

    for (size_t i = 0; i < COUNT_OF(items); i++)
        items[i] = (struct measured){(double)(i / 20) / 20, i % 20 < i / 20};
    CHECK(temper_points(a, items, COUNT_OF(items), &c));
    CHECK_INT(c.n, CALIBRATION_KNOTS - 2); /* these have both ends */
    for (double x = 0; x < 1.01; x += .05)
        CHECK_NEAR(calibrate(&c, x), (20 * fmin(x, 1) + .5) / 21, 1e-9);
}

/* 3 of 4 at +1 and 1 of 4 at -1: sigmoid(scale) = 3/4, so scale = ln 3. */
static void a_line(void)
{
    struct measured items[8];
    double scale = 0, offset = 0;

    for (size_t i = 0; i < 4; i++) {
        items[i] = (struct measured){1, i < 3};
        items[4 + i] = (struct measured){-1, i < 1};
    }
    CHECK(temper_line(items, 8, &scale, &offset));
    CHECK_NEAR(scale, log(3), 2e-3);
    CHECK_NEAR(offset, 0, 2e-3);
    for (size_t i = 0; i < 8; i++)
        items[i].score = 3 - items[i].score; /* the wrong way round */
    CHECK(!temper_line(items, 8, &scale, &offset));
    CHECK(!temper_line(items, 3, &scale, &offset)); /* all show it */
    CHECK(!temper_line(items, 0, &scale, &offset));
}

/* They can be told apart by a threshold: the steepest line has no end, and the fit has one. */
static void a_line_between_those_that_are_apart(void)
{
    struct measured items[] = {{-4, false}, {-3, false}, {3, true}, {4, true}};
    double scale = 0, offset = 0;

    CHECK(temper_line(items, COUNT_OF(items), &scale, &offset));
    CHECK(scale > 1 && scale < 100 && fabs(offset) < 1e-3);
}

static void temperatures(void)
{
    float both[] = {.8f, .2f, 0}, each[] = {.8f, .5f};

    temper(both, 3, .5, true); /* squares: .64, .04 of .68 */
    CHECK_NEAR((double)both[0], .64 / .68, 1e-6);
    CHECK_NEAR((double)both[1], .04 / .68, 1e-6);
    CHECK_NEAR((double)both[2], 0, 0);
    temper(each, 2, 2, false); /* logit ln 4, halved ln 2 */
    CHECK_NEAR((double)each[0], 2 / 3., 1e-6);
    CHECK_NEAR((double)each[1], .5, 1e-6);
}

/* Nine to one is said, three of four are so: ln 9 / T = ln 3, so T = 2. The third tag is both together. */
static void a_temperature(void)
{
    static const int first[] = {0}, second[] = {1}, all[] = {0, 1};
    static const struct temper_tag tags[] = {{1, first}, {1, second}, {2, all}};
    static const float p[] = {.9f, .1f, .9f, .1f, .9f, .1f, .9f, .1f};
    static const bool shows[] = {true, false, true, true, false, true, true, false, true, false, true, true};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct temper_set s = {
        .nlabels = 2, .ntags = 3, .n = 4, .exclusive = true, .tags = tags, .p = p, .shows = shows};

    CHECK_NEAR(temper_fit(a, &s), 2, 1e-3);
    CHECK_NEAR(temper_tag(a, &s, 0, 0, 2), .75, 1e-6);
    CHECK_NEAR(temper_tag(a, &s, 0, 2, 2), 1, 1e-6);
    s.ntags = 1;
    s.exclusive = false;
    CHECK_NEAR(temper_tag(a, &s, 0, 0, 2), .75, 1e-6);
}

int main(void)
{
    RUN(points);
    RUN(many_points_become_few);
    RUN(a_line);
    RUN(a_line_between_those_that_are_apart);
    RUN(temperatures);
    RUN(a_temperature);
    return test_end();
}
