/* Rows whose figures were counted by hand. */
#include "verdict/agree.h"

#include <math.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "test.h"

enum { MAX = 3, TAGS = 4 };

/* x, y, side; a side of 0 ends the list. IoU of two squares of side s that lie d apart: (s - d) / (s + d). */
static const struct {
    const char *what;
    double told[MAX][3], other[MAX][3];
    size_t there, small, found, said, wrong, wrong_large;
} rows[] = {
    {"nobody", {{0}}, {{0}}, 0, 0, 0, 0, 0, 0},
    {"found", {{0, 0, 30}}, {{0, 0, 30}}, 1, 0, 1, 1, 0, 0},
    {"2 of 5 of both is enough", {{0, 0, 70}}, {{30, 0, 70}}, 1, 0, 1, 1, 0, 0}, /* 40 / 100 */
    {"less is not", {{0, 0, 70}}, {{31, 0, 70}}, 1, 0, 0, 1, 1, 1},
    {"missed", {{0}}, {{0, 0, 24}}, 1, 0, 0, 0, 0, 0},
    {"too small to count", {{0}}, {{0, 0, 23}}, 0, 1, 0, 0, 0, 0},
    {"a small one that was found is no mistake", {{0, 0, 23}}, {{0, 0, 23}}, 0, 1, 0, 0, 0, 0},
    {"a false one, and it is small", {{100, 0, 20}}, {{0, 0, 30}}, 1, 0, 0, 1, 1, 0},
    {"one face is found once", {{0, 0, 30}, {1, 0, 30}}, {{0, 0, 30}}, 1, 0, 1, 2, 1, 1},
    {"the nearest of two", {{10, 0, 40}}, {{0, 0, 40}, {12, 0, 40}}, 2, 0, 1, 1, 0, 0},
    {"each its own", {{0, 0, 40}, {100, 0, 40}}, {{100, 0, 40}, {0, 0, 40}}, 2, 0, 2, 2, 0, 0},
};

/* Eyes a third of the side apart. */
static struct agree_face face(const double at[3])
{
    struct agree_face f = {at[0], at[1], at[2], at[2], {{0}}};

    for (size_t i = 0; i < AGREE_POINTS; i++) {
        f.points[i][0] = at[0] + (i % 2 ? 2 : 1) * at[2] / 3;
        f.points[i][1] = at[1] + at[2] / 2;
    }
    return f;
}

static size_t faces(const double list[MAX][3], struct agree_face *ret)
{
    size_t n = 0;

    for (; n < MAX && list[n][2] > 0; n++)
        ret[n] = face(list[n]);
    return n;
}

static void faces_that_meet(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct agree_faces sum = {.arena = a, .overlap = .4, .min_face = 24};
        struct agree_face told[MAX], other[MAX];
        size_t ntold = faces(rows[i].told, told), nother = faces(rows[i].other, other);

        agree_faces_add(&sum, told, ntold, other, nother);
        CHECK_INT(sum.photos, 1);
        CHECK_INT(sum.there, rows[i].there);
        CHECK_INT(sum.small, rows[i].small);
        CHECK_INT(sum.found, rows[i].found);
        CHECK_INT(sum.said, rows[i].said);
        CHECK_INT(sum.wrong, rows[i].wrong);
        CHECK_INT(sum.wrong_large, rows[i].wrong_large);
        CHECK_INT(sum.ndistances, rows[i].found);
        ROW("%s", rows[i].what);
    }
}

/* Three photos: found 3 pixels beside where the eyes are 30 apart, found at its place, and a false one. */
static void figures_of_faces(void)
{
    static const double photos[][2][3] = {{{3, 0, 90}, {0, 0, 90}}, {{0, 0, 90}, {0, 0, 90}}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct agree_faces sum = {.arena = a, .overlap = .4, .min_face = 24};
    struct agree_faces_result r = agree_faces_end(&sum);
    struct agree_face told, other;

    CHECK(isnan(r.recall) && isnan(r.precision) && isnan(r.wrong_per_20) && isnan(r.distance) &&
          isnan(r.distance_median));
    for (size_t i = 0; i < COUNT_OF(photos); i++) {
        told = face(photos[i][0]);
        other = face(photos[i][1]);
        agree_faces_add(&sum, &told, 1, &other, 1);
    }
    agree_faces_add(&sum, &told, 1, NULL, 0);
    r = agree_faces_end(&sum);
    CHECK_NEAR(r.recall, 1, 0);
    CHECK_NEAR(r.precision, 2 / 3., 1e-12);
    CHECK_NEAR(r.wrong_per_20, 20 / 3., 1e-12);
    CHECK_NEAR(r.distance, .05, 1e-12); /* 3 / 30 and 0 */
    CHECK_NEAR(r.distance_median, .05, 1e-12);
}

static void eyes_in_one_place_have_no_distance(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct agree_faces sum = {.arena = a, .overlap = .4, .min_face = 24};
    struct agree_face one = {0, 0, 40, 40, {{0}}};

    agree_faces_add(&sum, &one, 1, &one, 1);
    CHECK_INT(sum.found, 1);
    CHECK_INT(sum.ndistances, 0);
    CHECK(isnan(agree_faces_end(&sum).distance));
}

/* ---- tags ---- */

static void best_tags(void)
{
    static const double photos[][2][TAGS] = {
        {{.7, .1, .1, .1}, {.6, .2, .1, .1}},         /* both the first, surely */
        {{.4, .3, .2, .1}, {.1, .2, .4, .3}},         /* the other's is the third */
        {{.4, .3, .2, .1}, {.1, .1, .1, .7}},         /* the other's is the last, and it is sure */
        {{.25, .25, .25, .25}, {.4, .4, .1, .1}},     /* of equal ones the first */
        {{.25, .25, .25, .25}, {.1, .1, .1, .49999}}, /* and the fourth is not among three */
    };
    struct agree_tag tags[TAGS] = {{0}};
    struct agree_tags sum = {.ntags = TAGS, .tags = tags, .sure_from = .5};

    for (size_t i = 0; i < COUNT_OF(photos); i++)
        agree_tags_add(&sum, photos[i][0], photos[i][1]);
    CHECK_INT(sum.photos, 5);
    CHECK_INT(sum.first, 2);
    CHECK_INT(sum.three, 3);
    CHECK_INT(sum.sure, 2);
    CHECK_INT(sum.sure_first, 1);
    CHECK_INT(tags[0].told, 5);
    CHECK_INT(tags[0].other, 2);
    CHECK_INT(tags[0].both, 2);
    CHECK_INT(tags[2].other, 1);
    CHECK_INT(tags[3].other, 2);
    CHECK_INT(tags[3].both, 0);
}

int main(void)
{
    RUN(faces_that_meet);
    RUN(figures_of_faces);
    RUN(eyes_in_one_place_have_no_distance);
    RUN(best_tags);
    return test_end();
}
