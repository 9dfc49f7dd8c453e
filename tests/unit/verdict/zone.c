/* Exclusion zones: even-odd rule, edges inside, foot points. */
#include "verdict/zone.h"

#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct zone square = {4, {{0.2, 0.2}, {0.6, 0.2}, {0.6, 0.6}, {0.2, 0.6}}};
/* An L: the upper right quarter of the square (0..0.8) is missing. */
static const struct zone corner = {6, {{0, 0}, {0.4, 0}, {0.4, 0.4}, {0.8, 0.4}, {0.8, 0.8}, {0, 0.8}}};
/* A pentagram drawn in one line: by the even-odd rule its middle is outside. */
static const struct zone star = {5, {{0.5, 0.1}, {0.75, 0.9}, {0.1, 0.4}, {0.9, 0.4}, {0.25, 0.9}}};
static const struct zone lower_half = {4, {{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}}};

static void points_are_inside_or_not(void)
{
    static const struct {
        const char *what;
        const struct zone *z;
        double x, y;
        bool inside;
    } rows[] = {
        {"middle", &square, 0.4, 0.4, true},
        {"left of it", &square, 0.1, 0.4, false},
        {"right of it", &square, 0.7, 0.4, false},
        {"above", &square, 0.4, 0.1, false},
        {"below", &square, 0.4, 0.7, false},
        {"left edge", &square, 0.2, 0.4, true},
        {"right edge", &square, 0.6, 0.4, true},
        {"upper edge", &square, 0.4, 0.2, true},
        {"lower edge", &square, 0.4, 0.6, true},
        {"a corner", &square, 0.2, 0.2, true},
        {"the other corner", &square, 0.6, 0.6, true},
        {"just outside the edge", &square, 0.601, 0.4, false},
        {"on the line of an edge, beyond it", &square, 0.7, 0.2, false},
        {"L, the missing quarter", &corner, 0.6, 0.2, false},
        {"L, its foot", &corner, 0.6, 0.6, true},
        {"L, the inner corner", &corner, 0.4, 0.4, true},
        {"level with a vertex, outside", &corner, 0.9, 0.4, false},
        {"a star's point", &star, 0.5, 0.2, true},
        {"a star's middle", &star, 0.5, 0.5, false},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK(zone_contains(rows[i].z, rows[i].x, rows[i].y) == rows[i].inside);
        ROW("%s", rows[i].what);
    }
}

static void the_foot_point_decides(void)
{
    static const struct {
        const char *what;
        double x, y, w, h;
        bool excluded;
    } rows[] = {
        {"stands in the square", 0.3, 0, 0.2, 0.4, true},
        {"head in the square, feet below", 0.3, 0.3, 0.2, 0.6, true}, /* in the lower half */
        {"feet above both", 0.7, 0.1, 0.1, 0.2, false},
        {"whole frame, feet on the lower border", 0, 0, 1, 1, true},
        {"rounded a little beyond the frame", 0.5, 0.2, 0.1, (double)0.8f + 1e-7, true},
    };
    const struct zone zones[] = {square, lower_half};

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK(zones_exclude(zones, 2, rows[i].x, rows[i].y, rows[i].w, rows[i].h) == rows[i].excluded);
        ROW("%s", rows[i].what);
    }
    CHECK(!zones_exclude(NULL, 0, 0.3, 0, 0.2, 0.4));
}

int main(void)
{
    RUN(points_are_inside_or_not);
    RUN(the_foot_point_decides);
    return test_end();
}
