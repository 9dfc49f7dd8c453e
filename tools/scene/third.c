/* The third style: drawings with as little as possible fixed, so that what learns from them learns the thing
 * and not one way to draw it. Plants grow from any edge, cloths hang by any side, what sways is of any shape.
 */
#include "base/c23.h"
#include "scene_int.h"

/* -1..1, about. */
static float sway(float t, float pace, float phase, uint32_t seed)
{
    return 0.8f * sinf(t * pace + phase) * (0.3f + noise2(t * 0.45f, 1.5f, seed)) +
           1.2f * (noise2(t * pace * 0.35f, phase * 2, seed + 3) - 0.5f);
}

static struct colour some_colour(struct rng *r, const struct stage *s, struct colour from, struct colour to)
{
    struct colour c = colour_scale(colour_mix(from, to, rng_float(r, 0, 1)), rng_float(r, 0.5f, 1.3f));

    return s->night ? colour_scale(RGB(.8f, .8f, .8f), rng_float(r, 0.4f, 1.2f))
                    : colour_times(c, light_on(&s->backdrop.light, (struct vec3){0, 0.6f, 0.8f}, 1));
}

static struct vec2 ahead(struct vec2 at, float angle, float length)
{
    return (struct vec2){at.x + cosf(angle) * length, at.y + sinf(angle) * length};
}

/* A point on one of the four edges, and the angle into the picture. */
static struct vec2 on_edge(struct rng *r, const struct stage *s, float *ret_angle)
{
    int edge = rng_int(r, 4);
    float u = rng_float(r, 0.05f, 0.95f);

    *ret_angle = (float)edge * PI_F / 2;
    return edge == 0   ? (struct vec2){-0.02f * s->width, u * s->height}
           : edge == 1 ? (struct vec2){u * s->width, -0.02f * s->height}
           : edge == 2 ? (struct vec2){1.02f * s->width, u * s->height}
                       : (struct vec2){u * s->width, 1.02f * s->height};
}

/* --- plants --- */

enum { STEMS = 9, JOINTS = 7 };

struct plant {
    int stems, forks;
    struct vec2 root;
    float angle, spread, length, leaf, narrow, pace, strength, thick;
    uint32_t seed;
    struct colour dark, light;
};

static void plant_setup(struct stage *s)
{
    struct plant *p = arena_alloc(s->clip, sizeof *p);
    struct rng *r = &s->rng;

    p->root = on_edge(r, s, &p->angle);
    p->stems = 1 + rng_int(r, STEMS);
    p->forks = rng_int(r, 3);
    p->spread = rng_float(r, 0.2f, 1.2f);
    p->length = rng_float(r, 0.25f, 0.8f) * s->height;
    p->leaf = rng_float(r, 0.015f, 0.09f) * s->height;
    p->narrow = rng_float(r, 0.12f, 0.7f);
    p->pace = rng_float(r, 2, 8);
    p->strength = rng_float(r, 0.15f, 0.6f);
    p->thick = rng_float(r, 1.5f, 5);
    p->seed = rng_next(r);
    p->dark = some_colour(r, s, RGB(.15f, .28f, .12f), RGB(.35f, .40f, .15f));
    p->light = some_colour(r, s, RGB(.35f, .55f, .20f), RGB(.65f, .60f, .35f));
    s->props = p;
}

static void draw_branch(struct layer *l, const struct plant *p, struct vec2 at, float angle, float length,
                        int k, int forks, float t)
{
    for (int i = 0; i < JOINTS; i++) {
        float part = (float)i / JOINTS, bow = (cell2(k, 1, p->seed) - 0.5f) * 0.25f;
        float turn = p->strength * 0.35f * sway(t, p->pace, (float)k * 1.3f + part, p->seed) * (0.2f + part);
        struct vec2 next = ahead(at, angle += bow + turn * 0.5f, length / JOINTS);
        layer_line(l, at, next, p->thick * (1.1f - part), p->thick * (1 - part), p->dark, 1);
        for (int side = -1; side <= 1 && i > 0; side += 2) {
            float way =
                angle + (float)side * (0.9f + 0.3f * sway(t, p->pace * 1.7f, (float)(k + i), p->seed));
            layer_ellipse(l, ahead(next, way, p->leaf), (struct vec2){p->leaf, p->leaf * p->narrow}, way,
                          colour_mix(p->dark, p->light, cell2(k * 9 + i, side + 5, p->seed)), 1);
        }
        if (forks > 0 && i == 3)
            draw_branch(l, p, next, angle + (k % 2 ? 0.7f : -0.7f), length * 0.6f, k * 3 + 1, forks - 1, t);
        at = next;
    }
}

static void plant_draw(const struct stage *s, struct instant *m)
{
    const struct plant *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int k = 0; k < p->stems; k++) {
        float aside = p->spread * (cell2(k, 7, p->seed) * 2 - 1), shift = 0.12f * s->width * aside;
        struct vec2 root = {p->root.x - sinf(p->angle) * shift, p->root.y + cosf(p->angle) * shift};
        draw_branch(&l, p, root, p->angle + aside * 0.8f, p->length * (0.6f + 0.5f * cell2(k, 8, p->seed)), k,
                    p->forks, m->t);
    }
    layer_onto(&l, m->canvas);
}

/* --- cloths --- */

enum { CLOTH = 18, CLOTHS = 3 };

struct cloth {
    int n, pattern;
    bool pole;
    struct vec2 at[CLOTHS];
    float angle, length, width, waves, pace, depth;
    uint32_t seed;
    struct colour colours[2];
};

static void flag_setup(struct stage *s)
{
    struct cloth *p = arena_alloc(s->clip, sizeof *p);
    struct rng *r = &s->rng;

    p->n = rng_int(r, 3) ? 1 : 2 + rng_int(r, CLOTHS - 1);
    p->pattern = rng_int(r, 4);
    p->pole = rng_int(r, 2);
    p->angle = rng_float(r, -0.5f, PI_F + 0.5f); /* the way from the fixed edge: aside or down */
    p->length = rng_float(r, 0.12f, 0.5f) * s->height / (p->n > 1 ? 1.6f : 1.0f);
    p->width = p->length * expf(rng_float(r, -0.9f, 0.8f));
    p->waves = rng_float(r, 4, 14);
    p->pace = rng_float(r, 3, 10);
    p->depth = rng_float(r, 0.06f, 0.22f);
    p->seed = rng_next(r);
    for (int i = 0; i < p->n; i++)
        p->at[i] =
            (struct vec2){rng_float(r, 0.15f, 0.85f) * s->width, rng_float(r, 0.05f, 0.6f) * s->height};
    p->colours[0] = some_colour(r, s, RGB(.85f, .15f, .15f), RGB(.15f, .25f, .75f));
    p->colours[1] = some_colour(r, s, RGB(.95f, .95f, .9f), RGB(.9f, .7f, .1f));
    s->props = p;
}

/* u away from the fixed edge, v along it; both 0..1. */
static struct vec2 cloth_point(const struct cloth *p, int k, float u, float v, float t)
{
    float wave = u * p->depth *
                 (sinf(p->waves * u - p->pace * t + v * 1.5f + (float)k) +
                  0.5f * sinf(1.7f * p->waves * u - 1.3f * p->pace * t + 3 * v));
    float lean = p->angle + 0.25f * sway(t, p->pace * 0.3f, (float)k, p->seed) * u;
    float out = p->length * u * (1 - 0.5f * p->depth), across = p->width * (v - 0.5f) + p->length * wave;

    return (struct vec2){p->at[k].x + cosf(lean) * out - sinf(lean) * across,
                         p->at[k].y + sinf(lean) * out + cosf(lean) * across};
}

static int cloth_colour(const struct cloth *p, float u, float v)
{
    int i = (int)(u * 5), k = (int)(v * 5);

    return p->pattern == 0   ? i % 2
           : p->pattern == 1 ? k % 2
           : p->pattern == 2 ? (i + k) % 2
                             : hypotf(u - 0.5f, v - 0.5f) < 0.25f;
}

static void draw_cloth(struct layer *l, const struct cloth *p, int k, float t)
{
    for (int i = 0; i < CLOTH; i++)
        for (int j = 0; j < 6; j++) {
            float u0 = (float)i / CLOTH, u1 = (float)(i + 1) / CLOTH, v0 = (float)j / 6,
                  v1 = (float)(j + 1) / 6;
            struct vec2 q[4] = {cloth_point(p, k, u0, v0, t), cloth_point(p, k, u1, v0, t),
                                cloth_point(p, k, u1, v1, t), cloth_point(p, k, u0, v1, t)};
            float shade = 0.9f + 0.9f * p->depth * cosf(p->waves * u0 - p->pace * t + v0 * 1.5f + (float)k);
            layer_polygon(l, q, 4, colour_scale(p->colours[cloth_colour(p, u0, v0)], shade), 1);
        }
}

static void flag_draw(const struct stage *s, struct instant *m)
{
    const struct cloth *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int k = 0; k < p->n; k++) {
        struct vec2 a = cloth_point(p, k, 0, -0.1f, 0), b = cloth_point(p, k, 0, 1.1f, 0);
        if (p->pole)
            layer_line(&l, a, b, 4, 4, RGB(.45f, .45f, .45f), 1);
        draw_cloth(&l, p, k, m->t);
    }
    layer_onto(&l, m->canvas);
}

/* --- what sways in the wind: many small things of one shape, in a few groups --- */

enum { GROUPS = 6, TUFTS = 90 };

struct growth {
    int groups, shape, tufts;
    float size, reach, pace, wave, tall;
    struct vec2 at[GROUPS], wide[GROUPS];
    uint32_t seed;
    struct colour dark, light;
};

static void wind_setup(struct stage *s)
{
    struct growth *p = arena_alloc(s->clip, sizeof *p);
    struct rng *r = &s->rng;

    p->groups = 1 + rng_int(r, GROUPS);
    p->shape = rng_int(r, 4);
    p->tufts = 30 + rng_int(r, TUFTS - 30);
    p->size = rng_float(r, 0.008f, 0.03f) * s->height;
    p->reach = rng_float(r, 0.01f, 0.05f) * s->height;
    p->pace = rng_float(r, 1.5f, 6);
    p->wave = rng_float(r, 0, 6);
    p->seed = rng_next(r);
    for (int i = 0; i < p->groups; i++) {
        p->at[i] = (struct vec2){rng_float(r, 0, 1) * s->width, rng_float(r, 0.15f, 0.8f) * s->height};
        p->wide[i] =
            (struct vec2){rng_float(r, 0.06f, 0.3f) * s->width, rng_float(r, 0.08f, 0.28f) * s->height};
    }
    p->dark = some_colour(r, s, RGB(.12f, .22f, .10f), RGB(.30f, .28f, .15f));
    p->light = some_colour(r, s, RGB(.35f, .50f, .20f), RGB(.70f, .62f, .38f));
    s->props = p;
}

static void draw_tuft(struct layer *l, const struct growth *p, struct vec2 at, float size, float bend,
                      struct colour c)
{
    struct vec2 tip = {at.x + bend * size, at.y - 2.2f * size};

    if (p->shape == 0)
        layer_ellipse(l, at, (struct vec2){size, size * 0.45f}, bend * 2, c, 1);
    else if (p->shape == 1)
        layer_ellipse(l, at, (struct vec2){size * 1.2f, size}, bend, c, 0.9f);
    else if (p->shape == 2)
        layer_polygon(
            l, (struct vec2[]){{at.x - 0.7f * size, at.y}, {at.x + 0.7f * size, at.y + 0.2f * size}, tip}, 3,
            c, 1);
    else
        layer_line(l, at, tip, fmaxf(1.2f, 0.35f * size), 1, c, 1);
}

static void wind_draw(const struct stage *s, struct instant *m)
{
    const struct growth *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int g = 0; g < p->groups; g++)
        for (int i = 0; i < p->tufts; i++) {
            float angle = 2 * PI_F * cell2(i, g, p->seed), out = sqrtf(cell2(i, g + 10, p->seed));
            float high = 0.5f - 0.5f * sinf(angle) * out, phase = p->wave * cosf(angle) * out + (float)g;
            float push = p->reach * high * sway(m->t, p->pace, phase, p->seed) +
                         0.3f * p->reach * sway(m->t * 1.9f, p->pace, (float)i, p->seed + 1);
            struct vec2 at = {p->at[g].x + p->wide[g].x * cosf(angle) * out + push,
                              p->at[g].y + p->wide[g].y * sinf(angle) * out + 0.3f * push};
            draw_tuft(&l, p, at, p->size * (0.6f + 0.8f * cell2(i, g + 20, p->seed)), push / p->reach * 0.4f,
                      colour_mix(p->dark, p->light, cell2(i, g + 30, p->seed)));
        }
    layer_onto(&l, m->canvas);
}

/* --- spiders --- */

struct spider {
    struct vec2 from, to;
    float body, reach, thick, gait, blur, rests, wander;
    bool thread;
    uint32_t seed;
    struct colour colour;
};

static void spider_setup(struct stage *s)
{
    struct spider *p = arena_alloc(s->clip, sizeof *p);
    struct rng *r = &s->rng;

    p->body = expf(rng_float(r, logf(0.012f), logf(0.07f))) * s->height;
    p->reach = p->body * rng_float(r, 1.8f, 5.5f);
    p->reach = fminf(p->reach, 0.3f * s->height);
    p->thick = rng_float(r, 0.10f, 0.28f);
    p->gait = rng_float(r, 4, 12);
    p->blur = rng_float(r, 0.3f, 3);
    p->rests = (float)rng_int(r, 4);
    p->wander = rng_float(r, 0, 0.2f) * s->height;
    p->thread = rng_int(r, 3) == 0;
    p->seed = rng_next(r);
    p->from = (struct vec2){rng_float(r, 0.1f, 0.9f) * s->width, rng_float(r, 0.1f, 0.9f) * s->height};
    p->to = (struct vec2){rng_float(r, 0.1f, 0.9f) * s->width, rng_float(r, 0.1f, 0.9f) * s->height};
    if (p->thread) {
        p->to.x = p->from.x;
        p->wander *= 0.2f;
    }
    p->colour = s->night ? colour_scale(RGB(.9f, .9f, .9f), rng_float(r, 0.7f, 1.1f))
                         : some_colour(r, s, RGB(.08f, .06f, .05f), RGB(.55f, .40f, .25f));
    s->props = p;
}

static void spider_draw(const struct stage *s, struct instant *m)
{
    const struct spider *p = s->props;
    float u = m->t / s->seconds, stops = u * (p->rests + 1), room = 2 * p->reach + 14;
    float go = p->rests > 0 ? (floorf(stops) + stepf(0.3f, 0.9f, stops - floorf(stops))) / (p->rests + 1) : u;
    struct vec2 at = {mixf(p->from.x, p->to.x, go) + p->wander * (noise2(go * 6, 1, p->seed) - 0.5f),
                      mixf(p->from.y, p->to.y, go) + p->wander * (noise2(go * 6, 8, p->seed) - 0.5f)};
    float heading = p->thread ? PI_F / 2 : atan2f(p->to.y - p->from.y, p->to.x - p->from.x);
    struct layer l =
        layer_new(m->frame, m->canvas, at.x - room, p->thread ? 0 : at.y - room, at.x + room, at.y + room, 2);

    if (!l.px)
        return;
    if (p->thread)
        layer_line(&l, (struct vec2){p->from.x, 0}, at, 1.2f, 1.2f, RGB(.7f, .7f, .7f), 0.4f);
    for (int i = 0; i < 8; i++) {
        float side = i < 4 ? 1.0f : -1.0f,
              angle = heading + side * (0.5f + 0.7f * (float)(i % 4)) +
                      0.2f * sinf(p->gait * go * s->seconds * 2 + (float)i * 1.9f);
        struct vec2 knee = ahead(at, angle, p->reach * 0.55f),
                    foot = ahead(knee, angle + side * 0.6f, p->reach * 0.5f);
        layer_line(&l, at, knee, p->body * p->thick, p->body * p->thick * 0.8f, p->colour, 0.95f);
        layer_line(&l, knee, foot, p->body * p->thick * 0.8f, p->body * p->thick * 0.3f, p->colour, 0.95f);
    }
    layer_ellipse(&l, at, (struct vec2){p->body, p->body * 0.75f}, heading, p->colour, 1);
    layer_ellipse(&l, ahead(at, heading, p->body), (struct vec2){p->body * 0.5f, p->body * 0.45f}, heading,
                  p->colour, 1);
    layer_blur(&l, m->frame, p->blur);
    layer_onto(&l, m->canvas);
}

/* --- webs: a tangle of threads between points of a patch that the air moves --- */

enum { KNOTS = 24, MOST_THREADS = 46 };

struct tangle {
    int threads;
    struct vec2 knots[KNOTS];
    float loose[KNOTS];
    float pace, alpha, blur, thick;
    uint32_t seed;
    struct colour colour;
};

static void web_setup(struct stage *s)
{
    struct tangle *p = arena_alloc(s->clip, sizeof *p);
    struct rng *r = &s->rng;
    struct vec2 middle = {rng_float(r, 0.05f, 0.95f) * s->width, rng_float(r, 0.05f, 0.95f) * s->height};
    float reach = rng_float(r, 0.25f, 0.7f) * s->height, most = rng_float(r, 0.012f, 0.045f) * s->height;

    p->threads = 14 + rng_int(r, MOST_THREADS - 14);
    p->pace = rng_float(r, 1.5f, 5);
    p->alpha = s->night ? rng_float(r, 0.35f, 0.7f) : rng_float(r, 0.3f, 0.6f);
    p->blur = rng_float(r, 0.5f, 1.8f);
    p->thick = rng_float(r, 1.2f, 2.2f);
    p->seed = rng_next(r);
    p->colour = s->night ? RGB(.9f, .9f, .9f) : some_colour(r, s, RGB(.8f, .8f, .8f), RGB(1.1f, 1.1f, 1.1f));
    for (int i = 0; i < KNOTS; i++) {
        float angle = rng_float(r, 0, 2 * PI_F), out = sqrtf(rng_float(r, 0, 1));
        p->knots[i] = ahead(middle, angle, reach * out);
        p->loose[i] = most * (1 - out);
    }
    s->props = p;
}

static struct vec2 knot_at(const struct tangle *p, int i, float t)
{
    float air = p->loose[i] * 2;

    return (struct vec2){p->knots[i].x + air * sway(t, p->pace, (float)i * 0.15f, p->seed),
                         p->knots[i].y + 0.6f * air * sway(t, p->pace * 1.2f, (float)i * 0.15f + 2, p->seed)};
}

static void web_draw(const struct stage *s, struct instant *m)
{
    const struct tangle *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int i = 0; i < p->threads; i++) {
        int from = (int)(cell2(i, 1, p->seed) * KNOTS) % KNOTS,
            to = (int)(cell2(i, 2, p->seed) * KNOTS) % KNOTS;
        float glint = 0.7f + 0.3f * sway(m->t, 2, (float)i, p->seed);
        layer_line(&l, knot_at(p, from, m->t), knot_at(p, to, m->t), p->thick, p->thick, p->colour,
                   p->alpha * clampf(glint, 0.2f, 1));
    }
    layer_blur(&l, m->frame, p->blur);
    layer_onto(&l, m->canvas);
}

/* --- rain --- */

struct rain {
    int drops, kept; /* kept: of them are followed from frame to frame */
    float speed, slant, length, alpha, wide;
    uint32_t seed;
};

static void rain_setup(struct stage *s)
{
    struct rain *p = arena_alloc(s->clip, sizeof *p);
    struct rng *r = &s->rng;

    p->drops = (int)expf(rng_float(r, logf(50), logf(500)));
    p->kept = rng_int(r, 2) ? p->drops : 0;
    p->speed = rng_float(r, 1.5f, 7);
    p->slant = rng_float(r, -0.7f, 0.7f);
    p->length = expf(rng_float(r, logf(0.012f), logf(0.16f))) * s->height;
    p->alpha = s->night ? rng_float(r, 0.3f, 0.65f) : rng_float(r, 0.17f, 0.4f);
    p->wide = rng_float(r, 0.8f, 2.6f);
    p->seed = rng_next(r);
    s->props = p;
}

static void rain_draw(const struct stage *s, struct instant *m)
{
    const struct rain *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);
    struct colour c = s->night ? RGB(.92f, .92f, .92f) : RGB(.84f, .86f, .88f);

    for (int i = 0; i < p->drops; i++) {
        float depth = rng_float(&m->rng, 0.3f, 1), x = rng_float(&m->rng, -0.2f, 1.2f),
              y = rng_float(&m->rng, -0.1f, 1.05f);
        if (i < p->kept) {
            float fall = cell2(i, 1, p->seed) + m->t * p->speed * (0.5f + 0.5f * cell2(i, 2, p->seed));
            depth = 0.4f + 0.6f * cell2(i, 2, p->seed);
            y = (fall - floorf(fall)) * 1.2f - 0.1f;
            x = cell2(i, 3 + (int)floorf(fall), p->seed) * 1.4f - 0.2f + p->slant * y;
        }
        struct vec2 a = {x * s->width, y * s->height};
        layer_line(&l, a, (struct vec2){a.x + p->slant * p->length * depth, a.y + p->length * depth},
                   p->wide * depth * 0.7f, p->wide * depth, c, p->alpha * depth);
    }
    layer_onto(&l, m->canvas);
}

/* --- camera, light, and loose things --- */

struct restless {
    float a[4], pace[4], phase[4];
    bool bands;
    uint32_t seed;
};

static struct restless *restless_new(struct stage *s, float slow, float fast)
{
    struct restless *p = arena_alloc(s->clip, sizeof *p);

    for (int i = 0; i < 4; i++) {
        p->a[i] = rng_float(&s->rng, 0.1f, 1);
        p->pace[i] = rng_float(&s->rng, slow, fast);
        p->phase[i] = rng_float(&s->rng, 0, 6);
    }
    p->bands = rng_int(&s->rng, 2);
    p->seed = rng_next(&s->rng);
    s->props = p;
    return p;
}

static void shake_setup(struct stage *s)
{
    restless_new(s, 4, 30);
}

static void shake_draw(const struct stage *s, struct instant *m)
{
    const struct restless *p = s->props;
    float reach = 0.018f * s->width * p->a[2] * (0.2f + 1.2f * noise2(m->t * p->a[3] * 2, 2, p->seed));

    m->exposure.shift = (struct vec2){reach * sinf(p->pace[0] * m->t + p->phase[0]),
                                      reach * p->a[1] * sinf(p->pace[1] * m->t + p->phase[1])};
}

static void light_setup(struct stage *s)
{
    restless_new(s, 0.4f, 6);
}

/* Spots or bands that wander and swell; or all of it flickers. */
static void light_draw(const struct stage *s, struct instant *m)
{
    const struct restless *p = s->props;
    float swell = sinf(p->pace[2] * m->t + p->phase[2]),
          strength = (s->night ? 1.4f : 0.6f) * (0.4f + p->a[2]);
    float mx = s->width * (0.5f + 0.7f * sinf(0.5f * p->pace[0] * m->t + p->phase[0])),
          my = s->height * (0.5f + 0.4f * sinf(0.5f * p->pace[1] * m->t + p->phase[1])),
          wide = (0.1f + 0.3f * p->a[3]) * s->width;

    if (p->seed % 3 == 0) {
        m->exposure.gain = expf(0.5f * strength * (swell > 0.3f ? swell : 0));
        return;
    }
    for (int y = 0; y < m->canvas->height; y++)
        for (int x = 0; x < m->canvas->width; x++) {
            struct colour *c = &m->canvas->px[(size_t)y * (size_t)m->canvas->width + (size_t)x];
            float dx = ((float)x - mx) / wide, dy = p->bands ? dx * 0.3f : ((float)y - my) / wide;
            *c = colour_scale(
                *c, fmaxf(0.25f, 1 + strength * (p->a[0] > 0.4f ? 1.0f : -0.7f) * expf(-dx * dx - dy * dy)));
        }
}

static void smoke_setup(struct stage *s)
{
    restless_new(s, 0.2f, 1.5f);
}

static void smoke_draw(const struct stage *s, struct instant *m)
{
    const struct restless *p = s->props;
    float scale = 1.5f + 4 * p->a[0], alpha = 0.5f + 0.45f * p->a[1],
          grey = s->night ? 0.45f : 0.4f + 0.5f * p->a[2];
    float mx = s->width * (0.5f + 0.4f * sinf(p->phase[0])),
          my = s->height * (0.6f + 0.35f * sinf(p->phase[1]));

    for (int y = 0; y < m->canvas->height; y++)
        for (int x = 0; x < m->canvas->width; x++) {
            struct colour *c = &m->canvas->px[(size_t)y * (size_t)m->canvas->width + (size_t)x];
            float u = (float)x / s->height, v = (float)y / s->height,
                  dx = ((float)x - mx) / (0.5f * s->width), dy = ((float)y - my) / (0.5f * s->height);
            float here = p->bands ? 1 : expf(-1.5f * (dx * dx + dy * dy));
            float puff = fbm2((u + cosf(p->phase[2]) * p->pace[0] * m->t) * scale,
                              (v + sinf(p->phase[2]) * p->pace[0] * m->t) * scale, 3, p->seed);
            *c = colour_mix(*c, (struct colour){grey, grey, grey}, alpha * here * stepf(0.35f, 0.7f, puff));
        }
}

static void loose_setup(struct stage *s)
{
    restless_new(s, 0.3f, 3);
}

/* One to seven round or angular things that fly, roll or tumble about. */
static void loose_draw(const struct stage *s, struct instant *m, float least, float most, float pace)
{
    const struct restless *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 1);
    int n = 1 + (int)(p->seed % 7);
    float size = mixf(least, most, p->a[0] * p->a[0]) * s->height / sqrtf((float)n);
    struct colour c = s->night ? RGB(.85f, .85f, .85f) : (struct colour){p->a[1], p->a[2], p->a[3]};

    for (int i = 0; i < n; i++) {
        float t = m->t * pace * p->pace[i % 4], k = (float)i;
        struct vec2 at = {s->width * (1.4f * fbm2(t * 0.5f, k * 7 + 1, 2, p->seed) - 0.2f),
                          s->height * (1.4f * fbm2(t * 0.5f, k * 7 + 4, 2, p->seed + 1) - 0.2f)};
        layer_ellipse(&l, at, (struct vec2){size, size * (0.3f + 0.6f * fabsf(sinf(3 * t)))}, 2 * t,
                      colour_scale(c, 0.8f), 0.95f);
        if (p->bands)
            layer_ellipse(&l, ahead(at, 2 * t, size * 0.8f), (struct vec2){size * 0.8f, size * 0.3f}, 3 * t,
                          c, 0.8f);
    }
    if (least < 0.01f)
        layer_blur(&l, m->frame, 0.8f + 2 * p->a[2]);
    layer_onto(&l, m->canvas);
}

static void insect_draw(const struct stage *s, struct instant *m)
{
    loose_draw(s, m, 0.007f, 0.06f, 1.6f);
}

static void litter_draw(const struct stage *s, struct instant *m)
{
    loose_draw(s, m, 0.02f, 0.09f, 0.5f);
}

const struct kind third_plant = {{"plant", NULL, "a plant from any edge"}, plant_setup, NULL, plant_draw};
const struct kind third_flag = {{"flag", NULL, "cloths that flap"}, flag_setup, NULL, flag_draw};
const struct kind third_wind = {{"wind", NULL, "many small things sway"}, wind_setup, NULL, wind_draw};
const struct kind third_spider = {{"spider", NULL, "spiders of all sizes"}, spider_setup, NULL, spider_draw};
const struct kind third_web = {{"web", NULL, "a tangle of threads"}, web_setup, NULL, web_draw};
const struct kind third_rain = {{"rain", NULL, "rain of all sorts"}, rain_setup, NULL, rain_draw};
const struct kind third_insect = {{"insect", NULL, "small things fly about"}, loose_setup, NULL, insect_draw};
const struct kind third_litter = {{"litter", NULL, "things roll or tumble"}, loose_setup, NULL, litter_draw};
const struct kind third_shake = {{"shake", NULL, "the camera shakes"}, shake_setup, NULL, shake_draw};
const struct kind third_light = {{"light", NULL, "light wanders or flickers"}, light_setup, NULL, light_draw};
const struct kind third_smoke = {{"smoke", NULL, "smoke or fog drifts"}, smoke_setup, NULL, smoke_draw};
