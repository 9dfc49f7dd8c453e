/* Exclusion zones: polygons in which a detection does not count. A box is inside when its foot point (the
 * middle of its lower edge) is inside; points on an edge count as inside. Pure. */
#ifndef ASSAY_VERDICT_ZONE_H
#define ASSAY_VERDICT_ZONE_H

#include <stdbool.h>
#include <stddef.h>

enum { ZONE_MAX_POINTS = 64, ZONE_MAX = 32 };

struct zone {
    size_t n; /* 3..ZONE_MAX_POINTS */
    struct zone_point {
        double x, y;
    } points[ZONE_MAX_POINTS]; /* 0..1 of the displayed frame */
};

/* Even-odd rule. x, y in 0..1. */
bool zone_contains(const struct zone *z, double x, double y);
/* Whether the foot point of the box (left, top, width, height in 0..1) lies in any of the zones. */
bool zones_exclude(const struct zone *zones, size_t n, double x, double y, double w, double h);

#endif
