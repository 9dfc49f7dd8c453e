/* Things that the wind moves and that return to their place: a plant before the camera, a flag, trees. */
#include "base/c23.h"
#include "scene_int.h"

struct wind {
    float strength, speed; /* 0..1; swings per second */
    uint32_t seed;
};

static struct wind wind_new(struct rng *r)
{
    return (struct wind){rng_float(r, 0.5f, 1.0f), rng_float(r, 0.5f, 1.1f), rng_next(r)};
}

/* -1..1: gusts with a swing of its own for each phase. */
static float wind_at(const struct wind *w, float t, float phase)
{
    float gust = 0.4f + fbm2(t * 0.6f, 1.5f, 2, w->seed);

    return w->strength * gust *
           (0.65f * sinf(2 * PI_F * w->speed * t + phase) +
            0.8f * (noise2(t * w->speed * 1.7f + phase * 3, 7, w->seed) - 0.5f));
}

static struct colour leaf_colour(struct rng *r, const struct backdrop *b, float bright)
{
    struct colour c = colour_mix(RGB(.24f, .40f, .14f), RGB(.50f, .58f, .26f), rng_float(r, 0, 1));
    struct colour lit = light_on(&b->light, (struct vec3){0, 0.8f, 0.6f}, 1);

    return colour_scale(colour_times(c, lit), bright);
}

/* --- a plant near the camera --- */

enum { MAX_STEMS = 14, LEAVES = 9, LEAF_POINTS = 10 };

struct stem {
    struct vec2 root;
    float length, angle, bow, phase, leaf; /* pixels; angle from upright */
    struct colour colour[LEAVES];
};

struct plant {
    struct wind wind;
    int n;
    struct stem stems[MAX_STEMS];
};

static void plant_setup(struct stage *s)
{
    struct plant *p = arena_alloc(s->clip, sizeof *p);
    float side = rng_int(&s->rng, 2) ? 1.0f : -1.0f, where = rng_float(&s->rng, 0.25f, 0.52f),
          size = rng_float(&s->rng, 0.35f, 0.75f);

    p->wind = wind_new(&s->rng);
    p->n = 6 + rng_int(&s->rng, MAX_STEMS - 5);
    for (int i = 0; i < p->n; i++) {
        struct stem *st = &p->stems[i];
        *st = (struct stem){
            .root = {s->width * (0.5f + side * where) + rng_float(&s->rng, -.06f, .06f) * s->width,
                     s->height * rng_float(&s->rng, 1.0f, 1.06f)},
            .length = s->height * size * rng_float(&s->rng, 0.7f, 1.15f),
            .angle = rng_float(&s->rng, -0.75f, 0.75f),
            .bow = rng_float(&s->rng, -0.5f, 0.5f),
            .phase = rng_float(&s->rng, 0, 2.0f),
            .leaf = s->height * rng_float(&s->rng, 0.08f, 0.16f),
        };
        for (int k = 0; k < LEAVES; k++)
            st->colour[k] =
                leaf_colour(&s->rng, &s->backdrop, s->night ? 1.6f : rng_float(&s->rng, 0.7f, 1.2f));
    }
    s->props = p;
}

/* A pointed leaf from its stalk, in two halves of different light. */
static void draw_leaf(struct layer *l, struct vec2 at, float angle, float length, struct colour c)
{
    struct vec2 p[LEAF_POINTS], dir = {sinf(angle), -cosf(angle)};

    for (int half = 0; half < 2; half++) {
        for (int i = 0; i < LEAF_POINTS; i++) {
            float t = (float)i / (LEAF_POINTS - 1),
                  w = (half ? 1 : -1) * 0.17f * length * sinf(PI_F * powf(t, 0.8f));
            float droop = 0.15f * length * t * t;
            p[i] = (struct vec2){at.x + dir.x * length * t - dir.y * w,
                                 at.y + dir.y * length * t + dir.x * w + droop};
        }
        layer_polygon(l, p, LEAF_POINTS, colour_scale(c, half ? 0.78f : 1.0f), 1);
    }
}

static void draw_stem(struct layer *l, const struct stem *st, const struct wind *w, float t)
{
    float sway = wind_at(w, t, st->phase);
    struct vec2 at = st->root;

    for (int i = 0; i < LEAVES; i++) {
        float part = (float)i / LEAVES, angle = st->angle + st->bow * part + sway * 0.45f * part;
        float step = st->length / LEAVES, flutter = 0.25f * wind_at(w, t * 1.9f, st->phase + (float)i);
        struct vec2 next = {at.x + sinf(angle) * step, at.y - cosf(angle) * step};
        layer_line(l, at, next, 4.0f * (1.1f - part), 4.0f * (1.0f - part), colour_scale(st->colour[i], 0.6f),
                   1);
        if (i > 1)
            draw_leaf(l, next, angle + (i & 1 ? 1.0f : -1.0f) * (1.1f - 0.4f * part) + flutter,
                      st->leaf * (1.2f - 0.5f * part), st->colour[i]);
        at = next;
    }
}

static void plant_draw(const struct stage *s, struct instant *m)
{
    const struct plant *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int i = 0; i < p->n; i++)
        draw_stem(&l, &p->stems[i], &p->wind, m->t);
    layer_onto(&l, m->canvas);
}

/* --- a flag on its pole --- */

enum { CLOTH = 26, STRIPES = 3 };

struct flag {
    struct wind wind;
    struct vec2 top; /* of the pole, pixels */
    float foot_y, length, height, side;
    struct colour stripes[STRIPES];
    int upright; /* stripes from the pole outwards instead of one above the other */
};

static void flag_setup(struct stage *s)
{
    static const struct colour cloth[] = {RGB(.75f, .10f, .12f), RGB(.92f, .92f, .90f),
                                          RGB(.10f, .20f, .55f), RGB(.95f, .80f, .15f),
                                          RGB(.10f, .45f, .25f), RGB(.10f, .10f, .10f)};
    struct flag *f = arena_alloc(s->clip, sizeof *f);
    int first = rng_int(&s->rng, (int)COUNT_OF(cloth));

    f->wind = wind_new(&s->rng);
    f->side = rng_int(&s->rng, 2) ? 1.0f : -1.0f;
    f->length = rng_float(&s->rng, 0.20f, 0.38f) * s->width;
    f->height = f->length * rng_float(&s->rng, 0.5f, 0.7f);
    f->top = (struct vec2){(0.5f - f->side * rng_float(&s->rng, 0.08f, 0.30f)) * s->width,
                           rng_float(&s->rng, 0.04f, 0.25f) * s->height};
    f->foot_y = rng_float(&s->rng, 0.8f, 1.05f) * s->height;
    f->upright = rng_int(&s->rng, 2);
    for (int i = 0; i < STRIPES; i++)
        f->stripes[i] = cloth[(first + i * (1 + rng_int(&s->rng, 2))) % (int)COUNT_OF(cloth)];
    s->props = f;
}

/* A point of the cloth, u from the pole, v from the top, both 0..1. */
static struct vec2 cloth_point(const struct flag *f, float u, float v, float t)
{
    float gust = 0.75f + 0.25f * wind_at(&f->wind, t * 0.5f, 0);
    float wave =
        u * (sinf(7.0f * u - 7.5f * t * f->wind.speed + v) + 0.5f * sinf(12.0f * u - 11.0f * t + 2 * v));

    return (struct vec2){
        f->top.x + f->side * f->length * u * (0.75f + 0.2f * gust) + f->length * 0.02f * wave,
        f->top.y + f->height * (v + 0.16f * wave * f->wind.strength + u * (0.5f - 0.45f * gust))};
}

static void flag_draw(const struct stage *s, struct instant *m)
{
    const struct flag *f = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);
    struct vec2 foot = {f->top.x, f->foot_y};
    struct colour light = light_on(&s->backdrop.light, (struct vec3){0, 0.3f, 0.95f}, 1);

    layer_line(&l, f->top, foot, 5, 7, colour_times(RGB(.75f, .75f, .77f), light), 1);
    for (int i = 0; i < CLOTH; i++)
        for (int k = 0; k < STRIPES * 2; k++) {
            float u0 = (float)i / CLOTH, u1 = (float)(i + 1) / CLOTH, v0 = (float)k / (STRIPES * 2),
                  v1 = (float)(k + 1) / (STRIPES * 2);
            struct vec2 p[4] = {cloth_point(f, u0, v0, m->t), cloth_point(f, u1, v0, m->t),
                                cloth_point(f, u1, v1, m->t), cloth_point(f, u0, v1, m->t)};
            float slope = (p[1].y - p[0].y) / f->length * CLOTH;
            struct colour c = f->stripes[f->upright ? i * STRIPES / CLOTH : k / 2];
            layer_polygon(&l, p, 4,
                          colour_scale(colour_times(c, light), clampf(0.92f - 0.22f * slope, 0.45f, 1.2f)),
                          1);
        }
    layer_onto(&l, m->canvas);
}

/* --- trees and bushes --- */

enum { MAX_TREES = 5, CLUMPS = 26, LEAVES_PER_CLUMP = 34 };

struct leaf {
    struct vec2 at; /* from the clump's middle, pixels */
    float size, angle;
    struct colour colour;
};

struct tree {
    struct vec2 foot;
    float height, trunk; /* pixels */
    struct clump {
        struct vec2 at; /* from the foot */
        float phase;
        struct leaf leaves[LEAVES_PER_CLUMP];
    } clumps[CLUMPS];
};

struct grove {
    struct wind wind;
    int n;
    struct tree trees[MAX_TREES];
};

static void tree_make(struct stage *s, struct tree *tr)
{
    int bush = rng_int(&s->rng, 3) == 0;
    float size = rng_float(&s->rng, 0.45f, 0.85f) * (bush ? 0.5f : 1.0f);

    tr->foot = (struct vec2){rng_float(&s->rng, 0.02f, 0.98f) * s->width,
                             rng_float(&s->rng, 0.5f, 0.85f) * s->height};
    tr->height = size * s->height;
    tr->trunk = bush ? 0 : 0.045f * tr->height;
    for (int i = 0; i < CLUMPS; i++) {
        struct clump *c = &tr->clumps[i];
        float angle = rng_float(&s->rng, 0, 2 * PI_F), out = sqrtf(rng_float(&s->rng, 0, 1));
        float middle = bush ? 0.4f : 0.66f;
        c->at = (struct vec2){cosf(angle) * out * 0.30f * tr->height,
                              -tr->height * (middle + 0.30f * out * sinf(angle))};
        c->phase = rng_float(&s->rng, 0, 1.5f);
        for (int k = 0; k < LEAVES_PER_CLUMP; k++) {
            struct leaf *leaf = &c->leaves[k];
            struct vec2 at = {rng_normal(&s->rng) * 0.06f * tr->height,
                              rng_normal(&s->rng) * 0.05f * tr->height};
            float bright = 0.55f - at.y / (0.2f * tr->height) * 0.5f - c->at.y / tr->height * 0.35f;
            *leaf = (struct leaf){
                at, rng_float(&s->rng, 0.012f, 0.026f) * tr->height, rng_float(&s->rng, 0, PI_F),
                leaf_colour(&s->rng, &s->backdrop, clampf(bright, 0.25f, 1.2f) * (s->night ? 0.8f : 1.0f))};
        }
    }
}

static void wind_setup(struct stage *s)
{
    struct grove *g = arena_alloc(s->clip, sizeof *g);

    g->wind = wind_new(&s->rng);
    g->n = 2 + rng_int(&s->rng, MAX_TREES - 1);
    for (int i = 0; i < g->n; i++)
        tree_make(s, &g->trees[i]);
    s->props = g;
}

static void tree_draw(struct layer *l, const struct tree *tr, const struct wind *w, float t)
{
    float whole = wind_at(w, t, tr->foot.x * 0.01f) * 0.05f * tr->height;
    struct vec2 fork = {tr->foot.x + whole * 0.4f, tr->foot.y - 0.6f * tr->height};

    if (tr->trunk > 0)
        layer_line(l, tr->foot, fork, tr->trunk, tr->trunk * 0.5f, RGB(.20f, .16f, .12f), 1);
    for (int i = 0; i < CLUMPS; i++) {
        const struct clump *c = &tr->clumps[i];
        float high = -c->at.y / tr->height, own = wind_at(w, t * 1.3f, c->phase * 4) * 0.025f * tr->height;
        struct vec2 at = {tr->foot.x + c->at.x + (whole + own) * high, tr->foot.y + c->at.y + 0.4f * own};
        for (int k = 0; k < LEAVES_PER_CLUMP; k++) {
            const struct leaf *leaf = &c->leaves[k];
            float turn = leaf->angle + 0.6f * wind_at(w, t * 2.5f, c->phase + (float)k);
            layer_ellipse(l, (struct vec2){at.x + leaf->at.x, at.y + leaf->at.y},
                          (struct vec2){leaf->size, leaf->size * 0.5f}, turn, leaf->colour, 1);
        }
    }
}

static void wind_draw(const struct stage *s, struct instant *m)
{
    const struct grove *g = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int i = 0; i < g->n; i++)
        tree_draw(&l, &g->trees[i], &g->wind, m->t);
    layer_onto(&l, m->canvas);
}

const struct kind kind_plant = {
    {"plant", NULL, "a plant sways before the camera"}, plant_setup, NULL, plant_draw};
const struct kind kind_flag = {{"flag", NULL, "a flag waves"}, flag_setup, NULL, flag_draw};
const struct kind kind_wind = {{"wind", NULL, "trees and bushes in the wind"}, wind_setup, NULL, wind_draw};
