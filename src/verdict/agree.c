#include "verdict/agree.h"

#include <math.h>

#include "verdict/measure.h"

/* ---- faces ---- */

static double overlap(const struct agree_face *a, const struct agree_face *b)
{
    double w = fmin(a->x + a->w, b->x + b->w) - fmax(a->x, b->x);
    double h = fmin(a->y + a->h, b->y + b->h) - fmax(a->y, b->y);
    double both = w > 0 && h > 0 ? w * h : 0;
    double all = a->w * a->h + b->w * b->h - both;

    return all > 0 ? both / all : 0;
}

/* The face that it meets, of those that nobody has met yet; n: none. */
static size_t meets(const struct agree_faces *sum, const struct agree_face *told,
                    const struct agree_face *other, size_t n, const bool *met)
{
    double best = sum->overlap;
    size_t at = n;

    for (size_t i = 0; i < n; i++) {
        double o = met[i] ? 0 : overlap(told, &other[i]);
        if (o < best || (at < n && o == best))
            continue;
        best = o;
        at = i;
    }
    return at;
}

static bool is_large(const struct agree_faces *sum, const struct agree_face *f)
{
    return fmin(f->w, f->h) >= sum->min_face;
}

static void add_distance(struct agree_faces *sum, const struct agree_face *a, const struct agree_face *b)
{
    double eyes = hypot(b->points[1][0] - b->points[0][0], b->points[1][1] - b->points[0][1]);
    double all = 0;

    if (!(eyes > 0)) /* eyes that are one say nothing */
        return;
    for (size_t i = 0; i < AGREE_POINTS; i++)
        all += hypot(a->points[i][0] - b->points[i][0], a->points[i][1] - b->points[i][1]);
    ARENA_PUSH(sum->arena, sum->distances, sum->ndistances, sum->distances_cap) = all / AGREE_POINTS / eyes;
}

void agree_faces_add(struct agree_faces *sum, const struct agree_face *told, size_t ntold,
                     const struct agree_face *other, size_t nother)
{
    bool *met = arena_array(sum->arena, nother + 1, sizeof *met);

    sum->photos++;
    for (size_t i = 0; i < nother; i++)
        *(is_large(sum, &other[i]) ? &sum->there : &sum->small) += 1;
    for (size_t i = 0; i < ntold; i++) {
        size_t at = meets(sum, &told[i], other, nother, met);
        if (at == nother) {
            sum->said++;
            sum->wrong++;
            sum->wrong_large += is_large(sum, &told[i]);
            continue;
        }
        met[at] = true;
        if (!is_large(sum, &other[at]))
            continue;
        sum->said++;
        sum->found++;
        add_distance(sum, &told[i], &other[at]);
    }
}

static double part(double n, size_t of)
{
    return of ? n / (double)of : (double)NAN;
}

struct agree_faces_result agree_faces_end(struct agree_faces *sum)
{
    double all = 0;

    for (size_t i = 0; i < sum->ndistances; i++)
        all += sum->distances[i];
    return (struct agree_faces_result){
        .recall = part((double)sum->found, sum->there),
        .precision = part((double)sum->found, sum->said),
        .wrong_per_20 = part(20 * (double)sum->wrong, sum->photos),
        .distance = part(all, sum->ndistances),
        .distance_median = measure_median(sum->distances, sum->ndistances),
    };
}

/* ---- tags ---- */

static size_t best_of(const double *p, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (p[i] > p[best])
            best = i;
    return best;
}

/* Whether fewer than three come before it, in the order in which best_of would take them. */
static bool is_among_three(const double *p, size_t n, size_t at)
{
    size_t before = 0;

    for (size_t i = 0; i < n; i++)
        before += p[i] > p[at] || (i < at && p[i] == p[at]);
    return before < 3;
}

void agree_tags_add(struct agree_tags *sum, const double *told, const double *other)
{
    size_t mine = best_of(told, sum->ntags), its = best_of(other, sum->ntags);

    sum->photos++;
    sum->first += mine == its;
    sum->three += is_among_three(told, sum->ntags, its);
    sum->tags[mine].told++;
    sum->tags[its].other++;
    sum->tags[its].both += mine == its;
    if (other[its] < sum->sure_from)
        return;
    sum->sure++;
    sum->sure_first += mine == its;
}
