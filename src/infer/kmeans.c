#include "infer/kmeans.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "infer/random_int.h"

struct clustering {
    const float *points;
    size_t n, width, k; /* k: centroids so far */
    double *centroids;  /* k x width */
    size_t *nearest;    /* of each point */
    double *away;       /* squared distance to it */
    struct random random;
};

static double squared(const struct clustering *c, size_t point, size_t centroid)
{
    const float *p = c->points + point * c->width;
    const double *q = c->centroids + centroid * c->width;
    double sum = 0;

    for (size_t i = 0; i < c->width; i++)
        sum += ((double)p[i] - q[i]) * ((double)p[i] - q[i]);
    return sum;
}

/* ---- seeds ---- */

static void put_centroid(struct clustering *c, size_t at, size_t point)
{
    for (size_t i = 0; i < c->width; i++)
        c->centroids[at * c->width + i] = (double)c->points[point * c->width + i];
}

/* The new centroid takes those that are nearer to it. */
static double attract(struct clustering *c, size_t centroid)
{
    double sum = 0;

    for (size_t i = 0; i < c->n; i++) {
        double d = squared(c, i, centroid);
        if (centroid == 0 || d < c->away[i]) {
            c->away[i] = d;
            c->nearest[i] = centroid;
        }
        sum += c->away[i];
    }
    return sum;
}

/* A point, with a chance that grows with its squared distance to what there is; sum: of those. */
static size_t draw(struct clustering *c, double sum)
{
    double left = random_unit(&c->random) * sum;
    size_t last = 0;

    for (size_t i = 0; i < c->n; i++) {
        if (!(c->away[i] > 0))
            continue;
        last = i;
        left -= c->away[i];
        if (left < 0)
            break;
    }
    return last;
}

static void seed(struct clustering *c, size_t most)
{
    double sum;

    put_centroid(c, 0, random_below(&c->random, c->n));
    sum = attract(c, 0);
    for (c->k = 1; c->k < most && sum > 0; c->k++) {
        put_centroid(c, c->k, draw(c, sum));
        sum = attract(c, c->k);
    }
}

/* ---- rounds ---- */

static bool assign(struct clustering *c)
{
    bool moved = false;

    for (size_t i = 0; i < c->n; i++) {
        size_t best = 0;
        double least = squared(c, i, 0);
        for (size_t k = 1; k < c->k; k++) {
            double d = squared(c, i, k);
            if (d < least) {
                least = d;
                best = k;
            }
        }
        moved = moved || best != c->nearest[i];
        c->nearest[i] = best;
        c->away[i] = least;
    }
    return moved;
}

/* Into the middle of its points; without any it goes to the point that is farthest from its own centroid. */
static void settle(struct clustering *c, size_t *counts)
{
    memset(counts, 0, c->k * sizeof *counts);
    for (size_t i = 0; i < c->n; i++)
        counts[c->nearest[i]]++;
    for (size_t k = 0; k < c->k; k++)
        if (counts[k])
            memset(c->centroids + k * c->width, 0, c->width * sizeof *c->centroids);
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = 0; j < c->width; j++)
            c->centroids[c->nearest[i] * c->width + j] +=
                (double)c->points[i * c->width + j] / (double)counts[c->nearest[i]];
    for (size_t k = 0; k < c->k; k++) {
        size_t far = 0;
        if (counts[k])
            continue;
        for (size_t i = 1; i < c->n; i++)
            far = c->away[i] > c->away[far] ? i : far;
        put_centroid(c, k, far);
        c->away[far] = 0;
    }
}

static int rounds(struct clustering *c, struct arena *scratch, int64_t deadline, struct err *err)
{
    size_t *counts = arena_array(scratch, c->k, sizeof *counts);

    for (int i = 0; i < KMEANS_MAX_ROUNDS; i++) {
        if (deadline && clock_mono_us() > deadline)
            return FAIL(err, ERR_TIMEOUT, "The deadline passed while clusters were looked for.");
        settle(c, counts);
        if (!assign(c))
            return 0;
    }
    return 0;
}

/* ---- the result ---- */

/* Measured against the centroid as it is kept, in floats, so that no point of its own lies outside. */
static size_t take(struct arena *a, const struct clustering *c, struct impulse_cluster *ret)
{
    size_t n = 0;

    for (size_t k = 0; k < c->k; k++) {
        float *centroid = arena_array(a, c->width, sizeof *centroid);
        size_t members = 0;
        ret[n] = (struct impulse_cluster){centroid, 0};
        for (size_t j = 0; j < c->width; j++)
            centroid[j] = (float)c->centroids[k * c->width + j];
        for (size_t i = 0; i < c->n; i++) {
            double outside;
            if (c->nearest[i] != k)
                continue;
            members++;
            outside = kmeans_score(&ret[n], 1, c->points + i * c->width, c->width);
            if (outside > 0)
                ret[n].max_error = nextafterf(ret[n].max_error + (float)outside, INFINITY);
        }
        n += members > 0;
    }
    return n;
}

int kmeans(struct arena *a, const float *points, size_t n, size_t width, const struct kmeans_opts *opts,
           struct impulse_cluster **ret, size_t *ret_n, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    size_t most = opts->clusters < n ? opts->clusters : n;
    struct clustering c = {.points = points, .n = n, .width = width, .random = random_of(opts->seed)};

    if (!most || !width)
        return FAIL(err, ERR_INPUT, "There is nothing to make clusters of.");
    c.centroids = arena_array(scratch, most * width, sizeof *c.centroids);
    c.nearest = arena_array(scratch, n, sizeof *c.nearest);
    c.away = arena_array(scratch, n, sizeof *c.away);
    seed(&c, most);
    if (rounds(&c, scratch, opts->deadline_mono_us, err) < 0)
        return -1;
    *ret = arena_array(a, c.k, sizeof **ret);
    *ret_n = take(a, &c, *ret);
    return 0;
}

double kmeans_score(const struct impulse_cluster *clusters, size_t n, const float *point, size_t width)
{
    double least = 1000;

    for (size_t k = 0; k < n; k++) {
        double sum = 0, score;
        for (size_t i = 0; i < width; i++) {
            double d = (double)point[i] - (double)clusters[k].centroid[i];
            sum += d * d;
        }
        score = sqrt(sum) - (double)clusters[k].max_error;
        least = score < least ? score : least;
    }
    return least;
}
