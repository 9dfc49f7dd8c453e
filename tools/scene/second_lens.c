/* Before the lens, in the second style: rain of drops that are followed and splash, midges and moths, a
 * harvestman, cobwebs. */
#include "base/c23.h"
#include "scene_int.h"

static struct colour near_colour(const struct stage *s, struct colour day)
{
    return s->night ? RGB(.85f, .88f, .85f)
                    : colour_times(day, light_on(&s->backdrop.light, (struct vec3){0, 0.5f, 0.8f}, 1));
}

/* --- rain --- */

struct rain {
    int drops, splashes;
    float speed, slant, length, alpha; /* heights per second */
    bool flakes;                       /* big, soft and round: heavy drops near the lamp */
    uint32_t seed;
};

static void rain_setup(struct stage *s)
{
    struct rain *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct rain){.drops = 60 + rng_int(&s->rng, 340),
                       .splashes = rng_int(&s->rng, 60),
                       .speed = rng_float(&s->rng, 2.2f, 7.0f),
                       .slant = rng_float(&s->rng, -0.6f, 0.6f),
                       .length = rng_float(&s->rng, 0.02f, 0.16f),
                       .alpha = s->night ? rng_float(&s->rng, 0.3f, 0.7f) : rng_float(&s->rng, 0.16f, 0.4f),
                       .flakes = s->night && rng_int(&s->rng, 3) == 0,
                       .seed = rng_next(&s->rng)};
    s->backdrop.light.sun_colour = colour_scale(s->backdrop.light.sun_colour, 0.6f);
    s->props = p;
}

static void draw_drop(struct layer *l, const struct stage *s, const struct rain *p, int i, float t)
{
    float depth = 0.35f + 0.65f * cell2(i, 1, p->seed),
          fall = cell2(i, 2, p->seed) + t * p->speed * depth / 1.3f;
    int round = (int)floorf(fall);
    float y = (fall - (float)round) * 1.3f - 0.15f, slant = p->slant * (0.7f + 0.6f * noise2(t, 5, p->seed));
    struct vec2 a = {(cell2(i, 3 + round, p->seed) * 1.3f - 0.15f + slant * y) * s->width * 1.0f,
                     y * s->height};
    float length = p->length * depth * s->height;
    struct colour c = s->night ? RGB(.9f, .9f, .9f) : RGB(.82f, .85f, .88f);

    if (p->flakes)
        layer_ellipse(l, a, (struct vec2){1 + 3 * depth, 1.2f + 4 * depth}, 0, c, p->alpha * depth);
    else
        layer_line(l, a, (struct vec2){a.x + slant * length, a.y + length}, 0.5f + depth, 1.4f * depth, c,
                   p->alpha * depth);
}

static void rain_draw(const struct stage *s, struct instant *m)
{
    const struct rain *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int i = 0; i < p->drops; i++)
        draw_drop(&l, s, p, i, m->t);
    for (int i = 0; i < p->splashes; i++) {
        float y = rng_float(&m->rng, 0.45f, 1), size = (y - 0.3f) * 0.012f * s->height;
        layer_ellipse(&l, (struct vec2){rng_float(&m->rng, 0, 1) * s->width, y * s->height},
                      (struct vec2){size * 2, size}, 0, RGB(.9f, .92f, .95f), 0.4f);
    }
    layer_onto(&l, m->canvas);
}

/* --- insects: midges that dance, or a moth that circles --- */

struct insects {
    int n;
    struct vec2 middle;
    float size, reach, pace;
    uint32_t seed;
    struct colour colour;
};

static void insect_setup(struct stage *s)
{
    struct insects *p = arena_alloc(s->clip, sizeof *p);
    bool moth = rng_int(&s->rng, 2);

    *p = (struct insects){
        moth ? 1 : 3 + rng_int(&s->rng, 9),
        {rng_float(&s->rng, 0.25f, 0.75f) * s->width, rng_float(&s->rng, 0.25f, 0.7f) * s->height},
        (moth ? rng_float(&s->rng, 0.02f, 0.06f) : rng_float(&s->rng, 0.006f, 0.016f)) * s->height,
        rng_float(&s->rng, 0.15f, 0.5f) * s->height,
        rng_float(&s->rng, 2, 6),
        rng_next(&s->rng),
        near_colour(s, moth ? RGB(.60f, .52f, .40f) : RGB(.15f, .15f, .15f))};
    s->props = p;
}

static void insect_draw(const struct stage *s, struct instant *m)
{
    const struct insects *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 1);

    for (int i = 0; i < p->n; i++) {
        float t = m->t * p->pace * (0.7f + 0.6f * cell2(i, 1, p->seed)), phase = 6 * cell2(i, 2, p->seed);
        float out = p->reach * (0.5f + noise2(t * 0.4f, (float)i, p->seed));
        struct vec2 at = {p->middle.x + out * (cosf(t + phase) + 0.6f * sinf(2.7f * t)),
                          p->middle.y + 0.7f * out * (sinf(1.3f * t + phase) + 0.4f * cosf(3.1f * t))};
        float flap = 0.25f + 0.75f * rng_float(&m->rng, 0, 1);
        layer_ellipse(&l, at, (struct vec2){p->size, p->size * 0.45f}, t, p->colour, 0.9f);
        if (p->n == 1)
            for (int side = -1; side <= 1; side += 2)
                layer_ellipse(
                    &l, (struct vec2){at.x + (float)side * p->size * 0.8f * flap, at.y - 0.3f * p->size},
                    (struct vec2){p->size * 0.9f * flap, p->size}, (float)side * 0.4f, p->colour, 0.7f);
    }
    layer_blur(&l, m->frame, 1.5f);
    layer_onto(&l, m->canvas);
}

/* --- a harvestman: a small body on eight long legs that walks and stops --- */

struct harvestman {
    struct vec2 from, to;
    float body, reach, pace, blur;
    uint32_t seed;
    bool thread; /* climbs on a thread instead */
    struct colour colour;
};

static void spider_setup(struct stage *s)
{
    struct harvestman *p = arena_alloc(s->clip, sizeof *p);
    float body = rng_float(&s->rng, 0.018f, 0.042f) * s->height, pale = rng_float(&s->rng, 0, 1);
    struct vec2 from = {rng_float(&s->rng, 0.15f, 0.85f) * s->width,
                        rng_float(&s->rng, 0.15f, 0.85f) * s->height};

    *p = (struct harvestman){from,
                             {from.x + rng_float(&s->rng, -0.35f, 0.35f) * s->width,
                              from.y + rng_float(&s->rng, -0.5f, 0.5f) * s->height},
                             body,
                             body * rng_float(&s->rng, 4, 7),
                             rng_float(&s->rng, 5, 11),
                             rng_float(&s->rng, 0.6f, 2.2f),
                             rng_next(&s->rng),
                             rng_int(&s->rng, 3) == 0,
                             near_colour(s, colour_mix(RGB(.14f, .09f, .06f), RGB(.75f, .62f, .45f), pale))};
    if (p->thread)
        p->to.x = from.x;
    s->props = p;
}

static void draw_legs(struct layer *l, const struct harvestman *p, struct vec2 at, float walked)
{
    for (int i = 0; i < 8; i++) {
        float side = i % 2 ? 1.0f : -1.0f, row = (float)(i / 2) - 1.5f;
        float step = 0.16f * sinf(walked + (float)i * 2.4f), angle = side * (PI_F / 2 + row * 0.5f) + step;
        struct vec2 knee = {at.x + sinf(angle) * p->reach * 0.5f,
                            at.y - fabsf(cosf(angle)) * p->reach * 0.2f - 0.3f * p->reach +
                                row * 0.2f * p->reach};
        struct vec2 foot = {at.x + sinf(angle) * p->reach,
                            at.y + row * 0.45f * p->reach + 0.3f * p->reach * step};
        layer_line(l, at, knee, p->body * 0.25f, p->body * 0.18f, p->colour, 0.9f);
        layer_line(l, knee, foot, p->body * 0.18f, p->body * 0.12f, p->colour, 0.9f);
    }
}

static void spider_draw(const struct stage *s, struct instant *m)
{
    const struct harvestman *p = s->props;
    float u = m->t / s->seconds * 4, go = (floorf(u) + stepf(0.2f, 0.8f, u - floorf(u))) / 4,
          room = p->reach + 12;
    struct vec2 at = {mixf(p->from.x, p->to.x, go) + (p->thread ? 0.01f * s->width * sinf(m->t * 3.3f) : 0),
                      mixf(p->from.y, p->to.y, go)};
    struct layer l =
        layer_new(m->frame, m->canvas, at.x - room, p->thread ? 0 : at.y - room, at.x + room, at.y + room, 2);

    if (!l.px)
        return;
    if (p->thread)
        layer_line(&l, (struct vec2){p->from.x, 0}, at, 1, 1, near_colour(s, RGB(.85f, .85f, .85f)), 0.4f);
    draw_legs(&l, p, at, p->pace * go * 8);
    layer_ellipse(&l, at, (struct vec2){p->body, p->body * 1.3f}, 0.2f, p->colour, 1);
    layer_blur(&l, m->frame, p->blur);
    layer_onto(&l, m->canvas);
}

/* --- cobwebs: threads from edge to edge of a corner, some torn and hanging --- */

enum { THREADS = 34 };

struct cobweb {
    float corner_x, corner_y, reach, sway, pace, alpha, blur; /* corner: 0 or 1 */
    int n;
    uint32_t seed;
    struct colour colour;
};

static void web_setup(struct stage *s)
{
    struct cobweb *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct cobweb){(float)rng_int(&s->rng, 2),
                         (float)rng_int(&s->rng, 2) * 0.9f,
                         rng_float(&s->rng, 0.5f, 1.1f) * s->height,
                         rng_float(&s->rng, 0.012f, 0.05f) * s->height,
                         rng_float(&s->rng, 1.2f, 4.5f),
                         s->night ? rng_float(&s->rng, 0.4f, 0.7f) : rng_float(&s->rng, 0.3f, 0.55f),
                         rng_float(&s->rng, 0.5f, 1.8f),
                         12 + rng_int(&s->rng, THREADS - 12),
                         rng_next(&s->rng),
                         near_colour(s, RGB(.92f, .90f, .86f))};
    s->props = p;
}

/* From a point of the upright edge to one of the level edge, in three pieces that the air bends. */
static void draw_cobthread(struct layer *l, const struct stage *s, const struct cobweb *p, int i, float t)
{
    float in_x = p->corner_x > 0.5f ? -1.0f : 1.0f, in_y = p->corner_y > 0.5f ? -1.0f : 1.0f;
    struct vec2 corner = {p->corner_x * s->width, p->corner_y * s->height};
    bool torn = cell2(i, 4, p->seed) < 0.2f;
    struct vec2 a = {corner.x, corner.y + in_y * p->reach * cell2(i, 1, p->seed)};
    struct vec2 b = {corner.x + in_x * p->reach * cell2(i, 2, p->seed),
                     torn ? a.y + 0.3f * p->reach : corner.y};
    float air =
        p->sway * (sinf(p->pace * t + 4 * cell2(i, 3, p->seed)) + noise2(t * 1.5f, (float)i, p->seed) - 0.5f);
    float glint = p->alpha * (0.6f + 0.4f * sinf(t * 2 + 9 * cell2(i, 5, p->seed)));
    struct vec2 before = a;

    for (int k = 1; k <= 3; k++) {
        float part = (float)k / 3, bulge = torn ? part : 4 * part * (1 - part) * 0.75f;
        struct vec2 at = {mixf(a.x, b.x, part) + air * bulge,
                          mixf(a.y, b.y, part) + 0.05f * p->reach * bulge + 0.5f * air * bulge};
        layer_line(l, before, at, 1.6f, 1.6f, p->colour, glint);
        before = at;
    }
    if (cell2(i, 6, p->seed) < 0.3f)
        layer_ellipse(l, before, (struct vec2){2.5f, 2}, 0, p->colour, p->alpha);
}

static void web_draw(const struct stage *s, struct instant *m)
{
    const struct cobweb *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int i = 0; i < p->n; i++)
        draw_cobthread(&l, s, p, i, m->t);
    layer_blur(&l, m->frame, p->blur);
    layer_onto(&l, m->canvas);
}

const struct kind second_rain = {{"rain", NULL, "rain that splashes"}, rain_setup, NULL, rain_draw};
const struct kind second_insect = {{"insect", NULL, "midges or a moth"}, insect_setup, NULL, insect_draw};
const struct kind second_spider = {
    {"spider", NULL, "a harvestman walks, or climbs a thread"}, spider_setup, NULL, spider_draw};
const struct kind second_web = {{"web", NULL, "cobwebs in a corner"}, web_setup, NULL, web_draw};
