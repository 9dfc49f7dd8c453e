#include "verdict/zone.h"

#include <math.h>

/* A millionth of the frame: boxes are floats, so a foot point "on" an edge is on it only nearly. */
static const double edge = 1e-6;

static bool on_segment(const struct zone_point *a, const struct zone_point *b, double x, double y)
{
    double dx = b->x - a->x, dy = b->y - a->y, length = hypot(dx, dy);
    double along = length > 0 ? ((x - a->x) * dx + (y - a->y) * dy) / length : 0;

    if (length > 0 && fabs((x - a->x) * dy - (y - a->y) * dx) > edge * length)
        return false;
    if (!(length > 0))
        return hypot(x - a->x, y - a->y) <= edge;
    return along >= -edge && along <= length + edge;
}

/* Whether the ray from (x, y) to the right crosses the side a-b. */
static bool crosses(const struct zone_point *a, const struct zone_point *b, double x, double y)
{
    if ((a->y > y) == (b->y > y))
        return false;
    return x < a->x + (b->x - a->x) * (y - a->y) / (b->y - a->y);
}

bool zone_contains(const struct zone *z, double x, double y)
{
    bool inside = false;

    for (size_t i = 0, last = z->n - 1; i < z->n; last = i++) {
        if (on_segment(&z->points[last], &z->points[i], x, y))
            return true;
        if (crosses(&z->points[last], &z->points[i], x, y))
            inside = !inside;
    }
    return inside;
}

static double clamp01(double v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

bool zones_exclude(const struct zone *zones, size_t n, double x, double y, double w, double h)
{
    double foot_x = clamp01(x + w / 2), foot_y = clamp01(y + h);

    for (size_t i = 0; i < n; i++)
        if (zone_contains(&zones[i], foot_x, foot_y))
            return true;
    return false;
}
