/* Clusters of what was seen, and how far something is from all of them: k-means with seeds as far apart as
 * chance has it (k-means++, Arthur and Vassilvitskii, 2007).
 *
 *   score = min over clusters (distance to its centroid - max_error), at most 1000
 *
 * where max_error is the distance of the cluster's own farthest point. So every point that was clustered has
 * a score of 0 or less, and above 0 is outside of all clusters. The same points and seed give the same
 * clusters. */
#ifndef ASSAY_INFER_KMEANS_H
#define ASSAY_INFER_KMEANS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/sensor.h"

enum { KMEANS_MAX_ROUNDS = 300 };

struct kmeans_opts {
    size_t clusters; /* at most; fewer when there are fewer different points */
    uint64_t seed;
    int64_t deadline_mono_us; /* 0: none; asked every round */
};

/* points: n x width. Clusters and centroids live in `a`; none has no points. ERR_INPUT without points,
 * ERR_TIMEOUT. */
int kmeans(struct arena *a, const float *points, size_t n, size_t width, const struct kmeans_opts *opts,
           struct impulse_cluster **ret, size_t *ret_n, struct err *err);
double kmeans_score(const struct impulse_cluster *clusters, size_t n, const float *point, size_t width);

#endif
