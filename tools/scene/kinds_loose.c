/* Things that are nobody and have no name of their own: smoke, a bag that the wind rolls along, a belt. */
#include "base/c23.h"
#include "scene_int.h"

static struct colour lit(const struct stage *s, struct colour c)
{
    return s->night ? colour_scale(RGB(.75f, .75f, .75f), 0.4f + c.g)
                    : colour_times(c, light_on(&s->backdrop.light, (struct vec3){0, 0.6f, 0.8f}, 1));
}

/* --- smoke or mist --- */

struct smoke {
    struct vec2 from; /* pixels */
    float wide, speed, alpha, tall;
    uint32_t seed;
    struct colour colour;
};

static void smoke_setup(struct stage *s)
{
    struct smoke *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct smoke){
        {rng_float(&s->rng, 0.2f, 0.8f) * s->width, rng_float(&s->rng, 0.7f, 1.1f) * s->height},
        rng_float(&s->rng, 0.12f, 0.4f) * s->width,
        rng_float(&s->rng, 0.15f, 0.5f),
        rng_float(&s->rng, 0.35f, 0.8f),
        rng_float(&s->rng, 0.6f, 1.1f) * s->height,
        rng_next(&s->rng),
        lit(s, colour_scale(RGB(.75f, .75f, .77f), rng_float(&s->rng, 0.5f, 1.1f)))};
    s->props = p;
}

/* How much of it is in the way of one pixel. */
static float smoke_at(const struct stage *s, const struct smoke *p, float x, float y, float t)
{
    float up = (p->from.y - y) / p->tall, wide = p->wide * (0.35f + fmaxf(0.0f, up));
    float bend = 0.25f * s->width * up * (noise2(t * 0.3f, 4, p->seed) - 0.5f);
    float d = (x - p->from.x - bend) / wide;
    float puff = fbm2(x / s->height * 4, y / s->height * 4 + t * p->speed * 4, 3, p->seed);

    if (up < 0 || up > 1)
        return 0;
    return p->alpha * expf(-d * d) * (1 - up) * stepf(0.3f, 0.65f, puff);
}

static void smoke_draw(const struct stage *s, struct instant *m)
{
    const struct smoke *p = s->props;

    for (int y = 0; y < m->canvas->height; y++)
        for (int x = 0; x < m->canvas->width; x++) {
            struct colour *c = &m->canvas->px[(size_t)y * (size_t)m->canvas->width + (size_t)x];
            float a = smoke_at(s, p, (float)x, (float)y, m->t);
            if (a > 0)
                *c = colour_mix(*c, p->colour, a);
        }
}

/* --- a bag or a ball --- */

struct litter {
    float size, from_y, speed, hop, start; /* pixels; widths per second */
    uint32_t seed;
    bool round;
    struct colour colour;
};

static void litter_setup(struct stage *s)
{
    struct litter *p = arena_alloc(s->clip, sizeof *p);
    float way = rng_int(&s->rng, 2) ? 1.0f : -1.0f;

    *p = (struct litter){
        rng_float(&s->rng, 0.025f, 0.07f) * s->height,
        rng_float(&s->rng, 0.5f, 0.9f) * s->height,
        way * rng_float(&s->rng, 0.15f, 0.6f),
        rng_float(&s->rng, 0.0f, 0.2f) * s->height,
        rng_float(&s->rng, 0.0f, 0.3f) * s->seconds,
        rng_next(&s->rng),
        rng_int(&s->rng, 3) == 0,
        lit(s, colour_mix(RGB(.9f, .9f, .9f), RGB(.7f, .3f, .15f), rng_float(&s->rng, 0, 1)))};
    s->props = p;
}

static void litter_draw(const struct stage *s, struct instant *m)
{
    const struct litter *p = s->props;
    float gust = 0.5f + noise2(m->t * 1.1f, 3, p->seed), t = fmaxf(0.0f, m->t - p->start);
    float x = (p->speed > 0 ? -0.05f : 1.05f) + p->speed * (t + 0.4f * gust), turn = t * 5 * p->speed;
    float y = p->from_y - p->hop * fabsf(sinf(t * 2.7f + (float)(p->seed % 7)));
    struct vec2 at = {x * s->width, y}, points[9];
    struct layer l = layer_new(m->frame, m->canvas, at.x - 2 * p->size, at.y - 2 * p->size,
                               at.x + 2 * p->size, at.y + 2 * p->size, 2);

    if (!l.px)
        return;
    for (int i = 0; i < 9; i++) {
        float crumple = p->round ? 1.0f : 0.6f + 0.7f * noise2((float)i * 0.8f, t * 2, p->seed + 1);
        float angle = turn + 2 * PI_F * (float)i / 9;
        points[i] =
            (struct vec2){at.x + cosf(angle) * p->size * crumple, at.y + sinf(angle) * p->size * crumple};
    }
    layer_polygon(&l, points, 9, p->colour, 0.95f);
    layer_line(&l, points[0], points[4], 2, 1, colour_scale(p->colour, 0.6f), 0.8f);
    layer_onto(&l, m->canvas);
}

/* --- a belt with things on it --- */

enum { THINGS = 14 };

struct belt {
    float y, tall, speed; /* pixels; widths per second */
    uint32_t seed;
};

static void belt_setup(struct stage *s)
{
    struct belt *p = arena_alloc(s->clip, sizeof *p);
    float way = rng_int(&s->rng, 2) ? 1.0f : -1.0f;

    *p = (struct belt){rng_float(&s->rng, 0.3f, 0.8f) * s->height,
                       rng_float(&s->rng, 0.12f, 0.45f) * s->height, way * rng_float(&s->rng, 0.08f, 0.4f),
                       rng_next(&s->rng)};
    s->props = p;
}

static void belt_draw(const struct stage *s, struct instant *m)
{
    static const struct colour fruit[] = {RGB(.80f, .20f, .15f), RGB(.85f, .60f, .15f), RGB(.40f, .55f, .20f),
                                          RGB(.55f, .45f, .35f), RGB(.30f, .35f, .60f)};
    const struct belt *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, p->y - p->tall, s->width, p->y + p->tall, 2);
    struct vec2 bed[] = {{0, p->y - 0.6f * p->tall},
                         {s->width, p->y - 0.6f * p->tall},
                         {s->width, p->y + 0.6f * p->tall},
                         {0, p->y + 0.6f * p->tall}};

    if (!l.px)
        return;
    layer_polygon(&l, bed, 4, lit(s, RGB(.22f, .22f, .24f)), 1);
    for (int i = 0; i < THINGS; i++) {
        float x = cell2(i, 1, p->seed) * 1.4f + p->speed * m->t,
              size = p->tall * (0.15f + 0.2f * cell2(i, 2, p->seed));
        struct vec2 at = {(x - floorf(x / 1.4f) * 1.4f - 0.2f) * s->width,
                          p->y + (cell2(i, 3, p->seed) - 0.5f) * 0.7f * p->tall};
        struct colour c = lit(s, fruit[(int)(cell2(i, 4, p->seed) * COUNT_OF(fruit)) % (int)COUNT_OF(fruit)]);
        layer_ellipse(&l, at, (struct vec2){size, size * (0.6f + 0.4f * cell2(i, 5, p->seed))},
                      6 * cell2(i, 6, p->seed), c, 1);
        layer_ellipse(&l, (struct vec2){at.x - 0.3f * size, at.y - 0.3f * size},
                      (struct vec2){0.2f * size, 0.15f * size}, 0, colour_scale(c, 1.5f), 0.7f);
    }
    layer_onto(&l, m->canvas);
}

const struct kind kind_smoke = {{"smoke", NULL, "smoke or mist drifts"}, smoke_setup, NULL, smoke_draw};
const struct kind kind_litter = {
    {"litter", NULL, "a bag or a ball rolls through"}, litter_setup, NULL, litter_draw};
const struct kind kind_belt = {{"belt", NULL, "things lie on a running belt"}, belt_setup, NULL, belt_draw};
