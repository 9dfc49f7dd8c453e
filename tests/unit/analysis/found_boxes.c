/* Boxes on pictures: of a grid of centroids, against what is there, who belongs to whom, where they lie in a
 * fitted picture. */
#include <math.h>

#include "analysis/assign.h"
#include "analysis/average_precision.h"
#include "analysis/fit.h"
#include "analysis/fomo.h"
#include "base/cleanup.h"
#include "base/text.h"

#include "test.h"

/* ---- who belongs to whom ---- */

static double cheapest(const double *cost, size_t rows, size_t columns, double most, size_t row,
                       unsigned used, int *ret_pairs)
{
    double best = 0, c;
    int pairs = 0, p;

    *ret_pairs = 0;
    if (row == rows)
        return 0;
    best = cheapest(cost, rows, columns, most, row + 1, used, &pairs);
    *ret_pairs = pairs;
    for (size_t j = 0; j < columns; j++) {
        if (used >> j & 1 || cost[row * columns + j] > most)
            continue;
        c = cost[row * columns + j] + cheapest(cost, rows, columns, most, row + 1, used | 1u << j, &p);
        if (p + 1 > *ret_pairs || (p + 1 == *ret_pairs && c < best)) {
            best = c;
            *ret_pairs = p + 1;
        }
    }
    return best;
}

/* Against all possibilities. */
static void as_cheap_as_possible(void)
{
    uint32_t seed = 3;

    for (int round = 0; round < 400; round++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        size_t rows = 1 + (size_t)round % 6, columns = 1 + (size_t)round / 7 % 6;
        double cost[36], sum = 0;
        int of[6], pairs = 0, want_pairs;
        unsigned used = 0;
        for (size_t i = 0; i < rows * columns; i++) {
            seed = seed * 1664525 + 1013904223;
            cost[i] = (double)(seed >> 24) / 256;
        }
        CHECK_INT(assign(a, cost, rows, columns, 0.6, 0, of, NULL), 0);
        for (size_t i = 0; i < rows; i++)
            if (of[i] >= 0) {
                CHECK(!(used >> of[i] & 1) && cost[i * columns + (size_t)of[i]] <= 0.6);
                used |= 1u << of[i];
                sum += cost[i * columns + (size_t)of[i]];
                pairs++;
            }
        CHECK_NEAR(sum, cheapest(cost, rows, columns, 0.6, 0, 0, &want_pairs), 1e-9);
        CHECK_INT(pairs, want_pairs);
        ROW("round %d, %zu x %zu", round, rows, columns);
    }
}

static void nobody_to_pair(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const double far[] = {1, 2};
    struct err err = {0};
    int of[2000];

    CHECK_INT(assign(a, far, 1, 2, 0.5, 0, of, NULL), 0);
    CHECK_INT(of[0], -1);
    CHECK_INT(assign(a, NULL, 2, 0, 0.5, 0, of, NULL), 0);
    CHECK_INT(of[1], -1);
    CHECK(assign(a, far, 2000, 1, 0.5, 0, of, &err) < 0);
    CHECK_INT(err.kind, ERR_LIMIT);
    CHECK(assign(a, far, 1, 2, 0.5, 1, of, &err) < 0);
    CHECK_INT(err.kind, ERR_TIMEOUT);
}

/* ---- centroids ---- */

enum { SIDE = 6 };
static const char *const names[] = {"cup", "lamp"};

/* A letter for each cell: . background, c cup 0.9, C cup 0.99, l lamp. */
static void draw(const char *drawing, float *ret)
{
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        float *p = ret + 3 * i;
        p[1] = drawing[i] == 'c' ? 0.9f : drawing[i] == 'C' ? 0.99f : 0;
        p[2] = drawing[i] == 'l' ? 0.7f : 0;
        p[0] = 1 - p[1] - p[2];
    }
}

static char *boxes_of(struct arena *a, const char *drawing)
{
    float scores[SIDE * SIDE * 3];
    struct fomo_grid g = {scores, SIDE, SIDE, 2, names, 0.5, 48, 48};
    struct window_boxes w = {0};
    char *text = arena_strdup(a, "");

    draw(drawing, scores);
    CHECK_INT(fomo_boxes(a, &g, &w, NULL), 0);
    for (size_t i = 0; i < w.n; i++)
        text = arena_printf(a, "%s%s%s %g,%g %gx%g %.2f", text, i ? "; " : "", w.boxes[i].label, w.boxes[i].x,
                            w.boxes[i].y, w.boxes[i].width, w.boxes[i].height, w.scores[i]);
    return text;
}

static void cells_become_boxes(void)
{
    static const struct {
        const char *what, *drawing, *boxes;
    } rows[] = {
        {"nothing", "....................................", ""},
        {"one cell", ".......c............................", "cup 8,8 8x8 0.90"},
        {"two that touch, the better score", ".......cC...........................", "cup 8,8 16x8 0.99"},
        {"corners touch", ".......c.....c......................", "cup 8,8 8x16 0.90"},
        {"diagonal", ".......c......c.....................", "cup 8,8 16x16 0.90"},
        {"a cell between them", "c.c.................................",
         "cup 0,0 8x8 0.90; cup 16,0 8x8 0.90"},
        {"different labels do not join", ".......cl...........................",
         "cup 8,8 8x8 0.90; lamp 16,8 8x8 0.70"},
        {"grown to the left and not cut on the right", "...c......c.ccc.....................",
         "cup 0,0 40x24 0.90"},
        {"all of it", "cccccccccccccccccccccccccccccccccccc", "cup 0,0 48x48 0.90"},
        {"joined by what came later", "c...c.c...c.ccccc...................", "cup 0,0 40x24 0.90"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CHECK_STR(boxes_of(a, rows[i].drawing), rows[i].boxes);
        ROW("%s", rows[i].what);
    }
}

/* The example of the wire documentation: two things of two labels, one of them found. */
static void as_in_the_example(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct sensor_box truths[] = {{"one", 0.854, 0.453125, 0, 0}, {"two", 0.197, 0.53125, 0, 0}},
                            found[] = {{"one", 0.916, 0.875, 0, 0}, {"two", 0.25, 0.541, 0, 0}};
    struct window_boxes w = {.n = 2, .boxes = found, .ntruths = 2, .truths = truths};

    CHECK_INT(fomo_compare(a, 1, 1, 0, &w, NULL), 0);
    CHECK_INT(w.npairs, 2);
    CHECK_NEAR(w.pairs[0].distance, 0.426, 1e-3);
    CHECK_NEAR(w.pairs[1].distance, 0.053, 1e-2);
    CHECK_INT(w.nassigned, 1);
    CHECK_INT(w.assigned[0].predicted, 1);
    CHECK_INT(w.assigned[0].actual, 1);
    CHECK_NEAR(w.precision, 0.5, 0);
    CHECK_NEAR(w.recall, 0.5, 0);
    CHECK_NEAR(w.f1, 0.5, 1e-12);
}

static void nothing_found_is_no_division(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct sensor_box truth = {"one", 0, 0, 10, 10};
    struct window_boxes w = {.ntruths = 1, .truths = &truth};

    CHECK_INT(fomo_compare(a, 96, 96, 0, &w, NULL), 0);
    CHECK_NEAR(w.f1 + w.precision + w.recall, 0, 0);
}

/* ---- average precision ---- */

static void average_precisions(void)
{
    static const struct {
        const char *what;
        size_t n, ntruths;
        struct sensor_box boxes[3], truths[2];
        double scores[3], want;
    } rows[] = {
        {"all right",
         2,
         2,
         {{"a", 0, 0, 10, 10}, {"b", 20, 0, 10, 10}},
         {{"a", 0, 0, 10, 10}, {"b", 20, 0, 10, 10}},
         {0.9, 0.8},
         1},
        {"nothing there", 1, 0, {{"a", 0, 0, 10, 10}}, {{0}}, {0.9}, 0},
        {"nothing found", 0, 1, {{0}}, {{"a", 0, 0, 10, 10}}, {0}, 0},
        {"the wrong label", 1, 1, {{"b", 0, 0, 10, 10}}, {{"a", 0, 0, 10, 10}}, {0.9}, 0},
        {"one label of two",
         1,
         2,
         {{"a", 0, 0, 10, 10}},
         {{"a", 0, 0, 10, 10}, {"b", 20, 0, 10, 10}},
         {0.9},
         0.5},
        /* overlap 0.7: right for 0.5, 0.55, 0.6, 0.65, 0.7 */
        {"half of the thresholds", 1, 1, {{"a", 0, 0, 10, 7.001}}, {{"a", 0, 0, 10, 10}}, {0.9}, 0.5},
        {"a better scored mistake before it",
         2,
         1,
         {{"a", 0, 0, 10, 10}, {"a", 50, 50, 10, 10}},
         {{"a", 0, 0, 10, 10}},
         {0.5, 0.9},
         0.5},
        {"a worse scored one after it",
         2,
         1,
         {{"a", 0, 0, 10, 10}, {"a", 50, 50, 10, 10}},
         {{"a", 0, 0, 10, 10}},
         {0.9, 0.5},
         1},
        {"twice the same counts once",
         2,
         1,
         {{"a", 0, 0, 10, 10}, {"a", 0, 0, 10, 10}},
         {{"a", 0, 0, 10, 10}},
         {0.9, 0.95},
         1},
        /* recalls 0 to 0.5 of 101: 51 of them */
        {"one of two",
         1,
         2,
         {{"a", 0, 0, 10, 10}},
         {{"a", 0, 0, 10, 10}, {"a", 20, 0, 10, 10}},
         {0.9},
         51.0 / 101},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct window_boxes w = {.n = rows[i].n,
                                 .boxes = rows[i].boxes,
                                 .scores = rows[i].scores,
                                 .ntruths = rows[i].ntruths,
                                 .truths = rows[i].truths};
        CHECK_NEAR(average_precision(&w), rows[i].want, 1e-9);
        ROW("%s", rows[i].what);
    }
}

/* ---- fits ---- */

/* 8 x 4, white but for the middle 4 x 4, which is black. */
static struct picture stripes(struct arena *a)
{
    struct picture p = {8, 4, 3, arena_alloc(a, 8 * 4 * 3)};

    for (int i = 0; i < 8 * 4 * 3; i++)
        p.pixels[i] = i / 3 % 8 >= 2 && i / 3 % 8 < 6 ? 0 : 255;
    return p;
}

static void four_ways_to_fit(void)
{
    static const struct {
        enum picture_fit fit;
        int width, height;
        int left, middle, top; /* of the pixels at the left edge, in the middle, at the top */
        struct placing at;
    } rows[] = {
        {FIT_SQUASH, 4, 4, 255, 0, -1, {0.5, 1, 0, 0}}, {FIT_SHORT, 4, 4, 0, 0, 0, {1, 1, -2, 0}},
        {FIT_LONG, 8, 8, 255, 0, 0, {1, 1, 0, 2}},      {FIT_CROP, 4, 2, 0, 0, 0, {1, 1, -2, -1}},
        {FIT_CROP, 8, 8, 0, 0, 0, {2, 2, -4, 0}}, /* too small for it */
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct picture from = stripes(a), to;
        struct placing at;
        struct err err = {0};
        CHECK_INT(fit_picture(a, &from, rows[i].fit, rows[i].width, rows[i].height, &to, &at, &err), 0);
        CHECK_INT(to.width, rows[i].width);
        CHECK_INT(to.height, rows[i].height);
        CHECK_NEAR(to.pixels[(to.height / 2 * to.width) * 3], rows[i].left, 40);
        CHECK_NEAR(to.pixels[(to.height / 2 * to.width + to.width / 2) * 3], rows[i].middle, 40);
        if (rows[i].top >= 0)
            CHECK_NEAR(to.pixels[to.width / 2 * 3], rows[i].top, 40);
        CHECK_NEAR(at.scale_x, rows[i].at.scale_x, 1e-9);
        CHECK_NEAR(at.scale_y, rows[i].at.scale_y, 1e-9);
        CHECK_NEAR(at.add_x, rows[i].at.add_x, 1e-9);
        CHECK_NEAR(at.add_y, rows[i].at.add_y, 1e-9);
        ROW("%s to %dx%d", picture_fit_name(rows[i].fit), rows[i].width, rows[i].height);
    }
}

static void boxes_go_along(void)
{
    const struct placing at = {2, 2, -4, 0};
    struct sensor_box b = {"x", 1, 1, 3, 2}, out;

    CHECK(fit_box(&at, 8, 8, &b, &out));
    CHECK_NEAR(out.x, 0, 0); /* cut at the edge */
    CHECK_NEAR(out.y, 2, 0);
    CHECK_NEAR(out.width, 4, 0);
    CHECK_NEAR(out.height, 4, 0);
    b.x = -20;
    CHECK(!fit_box(&at, 8, 8, &b, &out));
}

int main(void)
{
    RUN(as_cheap_as_possible);
    RUN(nobody_to_pair);
    RUN(cells_become_boxes);
    RUN(as_in_the_example);
    RUN(nothing_found_is_no_division);
    RUN(average_precisions);
    RUN(four_ways_to_fit);
    RUN(boxes_go_along);
    return test_end();
}
