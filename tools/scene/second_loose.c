/* Camera, light and loose things in the second style: jolts, lightning, lamps and cloud shadows, fog banks,
 * leaves that whirl. */
#include "base/c23.h"
#include "scene_int.h"

struct jolts {
    float every, reach, ring; /* seconds; pixels; swings per second */
    uint32_t seed;
};

static void shake_setup(struct stage *s)
{
    struct jolts *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct jolts){rng_float(&s->rng, 0.5f, 1.8f), rng_float(&s->rng, 0.008f, 0.03f) * s->width,
                        rng_float(&s->rng, 1.5f, 5), rng_next(&s->rng)};
    s->props = p;
}

/* A mast that is hit and rings out, again and again. */
static void shake_draw(const struct stage *s, struct instant *m)
{
    const struct jolts *p = s->props;
    int blow = (int)(m->t / p->every);
    float since = m->t - (float)blow * p->every,
          swing = p->reach * expf(-1.5f * since) * sinf(2 * PI_F * p->ring * since);
    float angle = 2 * PI_F * cell2(blow, 1, p->seed);

    m->exposure.shift = (struct vec2){cosf(angle) * swing, 0.6f * sinf(angle) * swing};
}

enum lamp { LIGHTNING, SHADOW, BLINKER, LAMPS };

struct lamp_light {
    enum lamp how;
    struct vec2 at;
    float speed, wide, strength, period;
    uint32_t seed;
};

static void light_setup(struct stage *s)
{
    struct lamp_light *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct lamp_light){
        s->night ? (rng_int(&s->rng, 2) ? LIGHTNING : BLINKER) : rng_int(&s->rng, LAMPS),
        {rng_float(&s->rng, 0.1f, 0.9f) * s->width, rng_float(&s->rng, 0.1f, 0.6f) * s->height},
        rng_float(&s->rng, 0.15f, 0.5f) * s->width,
        rng_float(&s->rng, 0.15f, 0.5f) * s->width,
        rng_float(&s->rng, 0.3f, 0.9f),
        rng_float(&s->rng, 0.5f, 1.6f),
        rng_next(&s->rng)};
    s->props = p;
}

/* Scales a pixel's light by distance from a moving edge or from a lamp. */
static float light_at(const struct lamp_light *p, float x, float y, float t)
{
    float dx = (x - p->at.x) / p->wide, dy = (y - p->at.y) / p->wide;

    if (p->how == SHADOW) {
        float edge = (x + 0.4f * y - (p->speed * t * 2 - p->wide)) / (0.5f * p->wide);
        return 1 - 0.6f * p->strength * expf(-edge * edge);
    }
    return fmodf(t, p->period) < 0.5f * p->period ? 1 + 1.8f * p->strength * expf(-dx * dx - dy * dy) : 1;
}

static void light_draw(const struct stage *s UNUSED, struct instant *m)
{
    const struct lamp_light *p = s->props;

    if (p->how == LIGHTNING) {
        float flash = cell2((int)(m->t * 6), 2, p->seed);
        m->exposure.gain = flash > 0.75f ? 1 + 2.5f * p->strength * flash : 1;
        return;
    }
    for (int y = 0; y < m->canvas->height; y++)
        for (int x = 0; x < m->canvas->width; x++) {
            struct colour *c = &m->canvas->px[(size_t)y * (size_t)m->canvas->width + (size_t)x];
            *c = colour_scale(*c, light_at(p, (float)x, (float)y, m->t));
        }
}

struct fog {
    float line, speed, alpha, scale;
    uint32_t seed;
};

static void smoke_setup(struct stage *s)
{
    struct fog *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct fog){rng_float(&s->rng, 0.2f, 0.6f) * s->height, rng_float(&s->rng, -0.6f, 0.6f),
                      rng_float(&s->rng, 0.5f, 0.9f), rng_float(&s->rng, 1.5f, 4.0f), rng_next(&s->rng)};
    s->props = p;
}

static void smoke_draw(const struct stage *s, struct instant *m)
{
    const struct fog *p = s->props;
    struct colour grey = s->night ? RGB(.5f, .5f, .5f) : RGB(.80f, .82f, .84f);

    for (int y = 0; y < m->canvas->height; y++)
        for (int x = 0; x < m->canvas->width; x++) {
            struct colour *c = &m->canvas->px[(size_t)y * (size_t)m->canvas->width + (size_t)x];
            float bank = fbm2(((float)x / s->height + p->speed * m->t) * p->scale,
                              (float)y / s->height * p->scale * 2, 3, p->seed + (uint32_t)(p->speed > 0));
            *c = colour_mix(*c, grey,
                            p->alpha *
                                stepf(p->line - 0.2f * s->height, p->line + 0.2f * s->height, (float)y) *
                                stepf(0.4f, 0.7f, bank));
        }
}

enum { MOST_LEAVES = 16 };

struct whirl {
    int n;
    float x, y, reach, pace, size;
    uint32_t seed;
    struct colour colour;
};

static void litter_setup(struct stage *s)
{
    struct whirl *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct whirl){
        4 + rng_int(&s->rng, MOST_LEAVES - 4),
        rng_float(&s->rng, 0.2f, 0.8f),
        rng_float(&s->rng, 0.5f, 0.85f),
        rng_float(&s->rng, 0.05f, 0.2f),
        rng_float(&s->rng, 2, 6),
        rng_float(&s->rng, 0.008f, 0.022f) * s->height,
        rng_next(&s->rng),
        s->night ? RGB(.7f, .7f, .7f)
                 : colour_mix(RGB(.60f, .35f, .12f), RGB(.45f, .42f, .18f), rng_float(&s->rng, 0, 1))};
    s->props = p;
}

static void litter_draw(const struct stage *s, struct instant *m)
{
    const struct whirl *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 1);
    float drift = 0.25f * (noise2(m->t * 0.7f, 1, p->seed) - 0.5f) + 0.05f * m->t;

    for (int i = 0; i < p->n; i++) {
        float t = m->t * p->pace * (0.6f + 0.8f * cell2(i, 1, p->seed)) + 6 * cell2(i, 2, p->seed),
              out = p->reach * (0.3f + cell2(i, 3, p->seed));
        struct vec2 at = {(p->x + drift + out * cosf(t)) * s->width,
                          (p->y + 0.35f * out * sinf(t) - 0.2f * out * (1 + sinf(0.7f * t))) * s->height};
        layer_ellipse(&l, at, (struct vec2){p->size, p->size * (0.2f + 0.6f * fabsf(sinf(2 * t)))}, 1.7f * t,
                      colour_scale(p->colour, 0.7f + 0.5f * cell2(i, 4, p->seed)), 1);
    }
    layer_onto(&l, m->canvas);
}

const struct kind second_shake = {{"shake", NULL, "the mast is hit"}, shake_setup, NULL, shake_draw};
const struct kind second_light = {
    {"light", NULL, "lightning, a lamp that blinks, a cloud's shadow"}, light_setup, NULL, light_draw};
const struct kind second_smoke = {{"smoke", NULL, "a bank of fog drifts"}, smoke_setup, NULL, smoke_draw};
const struct kind second_litter = {{"litter", NULL, "leaves whirl"}, litter_setup, NULL, litter_draw};
