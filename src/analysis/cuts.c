#include <math.h>

#include "analysis/shots_int.h"
#include "base/arena.h"

enum {
    RING = 64,      /* frames kept */
    NEIGHBOURS = 8, /* frames on either side that a cut must stand out from */
    FLASH_FRAMES = 30,
    OUTLIERS = 2, /* of the neighbours, which may be cuts or flashes themselves */
};
static const double flash_seconds = 0.5;
static const float same_structure = 0.35f; /* below that it is the same scene */
static const double closest_seconds = 0.1; /* of two cuts; the clearer one stays */
static const float repeated = 0.1f; /* levels: the frame before was shown again, or nothing at all moves */
static const float least_luma = 2, least_ratio = 1.7f; /* below that nobody looks closer */

struct frame {
    struct look look;
    float luma; /* difference to the frame before; 0 of the first */
};

struct cuts {
    struct begin_sink sink;
    struct frame *ring;
    int64_t n;       /* frames seen */
    int64_t decided; /* the next frame to decide about */
    struct begin last;
    bool has_last;
};

struct cuts *cuts_new(struct arena *a, struct begin_sink sink)
{
    struct cuts *c = arena_alloc(a, sizeof *c);

    c->sink = sink;
    c->ring = arena_array(a, RING, sizeof *c->ring);
    c->decided = 1;
    return c;
}

static struct frame *frame_of(const struct cuts *c, int64_t i)
{
    return &c->ring[i % RING];
}

static const struct look *look_of(const struct cuts *c, int64_t i)
{
    return &frame_of(c, i)->look;
}

/* ---- the neighbours ---- */

/* Keeps the largest at the front. */
static void keep_largest(float *largest, float value)
{
    for (int i = 0; i < OUTLIERS; i++)
        if (value > largest[i]) {
            float smaller = largest[i];
            largest[i] = value;
            value = smaller;
        }
}

/* Mean difference of the neighbours, without the largest ones and without frames that only repeat. */
static float usual_difference(const struct cuts *c, int64_t at)
{
    float largest[OUTLIERS] = {0}, sum = 0;
    int n = 0;

    for (int64_t i = at - NEIGHBOURS; i <= at + NEIGHBOURS; i++) {
        float luma = i > 0 && i < c->n && i != at ? frame_of(c, i)->luma : 0;
        if (luma < repeated)
            continue;
        keep_largest(largest, luma);
        sum += luma;
        n++;
    }
    for (int i = 0; i < OUTLIERS && n > 2 * OUTLIERS; i++, n--)
        sum -= largest[i];
    return n > 0 ? fmaxf(0, sum / (float)n) : 0;
}

/* ---- flashes ---- */

/* Whether b shows again what a showed, measured by how the cut between them differs. */
static bool is_back(const struct look *a, const struct look *b, const struct cut_signs *cut)
{
    float histogram = look_histogram_difference(a, b);

    if (cut->histogram > 0.3f && histogram < 0.3f * cut->histogram)
        return true; /* the camera may move on meanwhile */
    return histogram < 0.6f * cut->histogram + 0.05f && look_luma_difference(a, b) < 0.6f * cut->luma &&
           look_structure_difference(a, b) < fmaxf(same_structure, 0.6f * cut->structure);
}

/* Between `at` - 1 and `at` the picture changes. Does one from before come again soon? */
static bool comes_back(const struct cuts *c, int64_t at, const struct cut_signs *cut)
{
    int64_t oldest = c->n > RING ? c->n - RING : 0;

    for (int64_t a = at - 1; a >= oldest && a >= at - FLASH_FRAMES; a--)
        for (int64_t b = at; b < c->n && b <= at + FLASH_FRAMES; b++) {
            if (look_of(c, b)->pts - look_of(c, a)->pts > flash_seconds)
                break;
            if (b - a > 1 && is_back(look_of(c, a), look_of(c, b), cut))
                return true;
        }
    return false;
}

/* ---- decisions ---- */

float cut_weigh(const struct cut_signs *s)
{
    if (s->back)
        return -1;
    return 1.6f * logf(fminf(s->ratio, 12)) + 0.5f * logf(s->luma) + 0.18f * fminf(s->colour, 12) +
           s->histogram + 7.5f * s->structure - 11.2f;
}

static void add(struct cuts *c, double pts, float weight)
{
    bool close = c->has_last && pts - c->last.pts < closest_seconds;

    if (close && weight <= c->last.weight)
        return;
    if (c->has_last && !close)
        c->sink.add(c->sink.to, &c->last);
    c->last = (struct begin){pts, pts, pts, false, weight};
    c->has_last = true;
}

static void decide(struct cuts *c, int64_t at)
{
    const struct look *before = look_of(c, at - 1), *now = look_of(c, at);
    struct cut_signs s = {.luma = frame_of(c, at)->luma};
    float weight;

    s.ratio = s.luma / (usual_difference(c, at) + 0.5f);
    if (s.luma < least_luma || s.ratio < least_ratio)
        return;
    s.colour = look_colour_difference(before, now);
    s.histogram = look_histogram_difference(before, now);
    s.structure = look_structure_difference(before, now);
    weight = cut_weigh(&s);
    if (weight <= 0)
        return;
    s.back = comes_back(c, at, &s);
    if ((weight = cut_weigh(&s)) > 0)
        add(c, now->pts, weight);
}

/* Enough frames after it are known. */
static bool is_ripe(const struct cuts *c, int64_t at)
{
    int64_t later = c->n - 1 - at;

    return later >= FLASH_FRAMES ||
           (later >= NEIGHBOURS && look_of(c, c->n - 1)->pts - look_of(c, at)->pts >= flash_seconds);
}

void cuts_next(struct cuts *c, const struct look *l)
{
    struct frame *f = frame_of(c, c->n);

    f->look = *l;
    f->luma = c->n > 0 ? look_luma_difference(look_of(c, c->n - 1), l) : 0;
    c->n++;
    while (c->decided < c->n && is_ripe(c, c->decided))
        decide(c, c->decided++);
}

void cuts_end(struct cuts *c)
{
    while (c->decided < c->n)
        decide(c, c->decided++);
    if (c->has_last)
        c->sink.add(c->sink.to, &c->last);
}
