/* What the wind moves, in the second style: hanging twigs and blades of grass, bunting and banners, reeds and
 * firs. */
#include "base/c23.h"
#include "scene_int.h"

/* -1..1, about: two pendulums that a gust drives. */
static float swing(float t, float pace, float phase, uint32_t seed)
{
    float gust = 0.3f + 0.9f * noise2(t * 0.5f, 3.5f, seed);

    return gust * (0.7f * sinf(t * pace + phase) + 0.4f * sinf(t * pace * 1.73f + 2.3f * phase));
}

static struct colour green(struct rng *r, const struct stage *s)
{
    struct colour c = colour_mix(RGB(.16f, .30f, .16f), RGB(.62f, .56f, .30f), rng_float(r, 0, 1));

    return s->night ? colour_scale(RGB(.7f, .7f, .7f), rng_float(r, 0.6f, 1.2f))
                    : colour_times(c, light_on(&s->backdrop.light, (struct vec3){0, 0.7f, 0.7f}, 1));
}

/* --- a plant: twigs that hang into the picture, or grass before the lens --- */

enum { MAX_TWIGS = 26, JOINTS = 8 };

struct twigs {
    bool grass;
    int n;
    float pace, strength;
    uint32_t seed;
    struct twig {
        struct vec2 root;
        float length, lean, wide, phase;
        struct colour colour;
    } all[MAX_TWIGS];
};

static void plant_setup(struct stage *s)
{
    struct twigs *p = arena_alloc(s->clip, sizeof *p);
    float middle = rng_float(&s->rng, 0.1f, 0.9f), spread = rng_float(&s->rng, 0.12f, 0.3f);

    p->grass = rng_int(&s->rng, 2);
    p->n = p->grass ? 14 + rng_int(&s->rng, MAX_TWIGS - 14) : 3 + rng_int(&s->rng, 7);
    p->pace = rng_float(&s->rng, 2, 6);
    p->strength = rng_float(&s->rng, 0.25f, 0.7f);
    p->seed = rng_next(&s->rng);
    for (int i = 0; i < p->n; i++)
        p->all[i] = (struct twig){{(middle + rng_float(&s->rng, -spread, spread)) * s->width,
                                   p->grass ? s->height * 1.03f : -0.03f * s->height},
                                  s->height * rng_float(&s->rng, 0.25f, 0.7f),
                                  rng_float(&s->rng, -0.4f, 0.4f),
                                  s->height * rng_float(&s->rng, 0.008f, 0.022f),
                                  rng_float(&s->rng, 0, 1.5f),
                                  green(&s->rng, s)};
    s->props = p;
}

static void draw_twig(struct layer *l, const struct twigs *p, const struct twig *w, float t)
{
    float sway = p->strength * swing(t, p->pace, w->phase, p->seed), way = p->grass ? -1.0f : 1.0f;
    struct vec2 at = w->root;

    for (int i = 0; i < JOINTS; i++) {
        float part = (float)i / JOINTS, angle = w->lean + sway * (0.2f + part), step = w->length / JOINTS;
        struct vec2 next = {at.x + sinf(angle) * step, at.y + way * cosf(angle) * step};
        float wide = p->grass ? w->wide * (1 - part) : 2.5f;
        layer_line(l, at, next, wide, p->grass ? w->wide * (0.87f - part) : 2, w->colour, 1);
        for (int side = -1; side <= 1 && !p->grass; side += 2)
            layer_ellipse(l, (struct vec2){next.x + (float)side * w->wide * 1.6f, next.y},
                          (struct vec2){w->wide * 1.5f, w->wide * 0.9f},
                          angle + (float)side * 0.5f + 0.4f * sinf(t * 7 + (float)i),
                          colour_scale(w->colour, 0.8f + 0.05f * (float)i), 1);
        at = next;
    }
}

static void plant_draw(const struct stage *s, struct instant *m)
{
    const struct twigs *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int i = 0; i < p->n; i++)
        draw_twig(&l, p, &p->all[i], m->t);
    layer_onto(&l, m->canvas);
}

/* --- a flag: a banner on a mast, or bunting --- */

enum { ROWS = 22, PENNANTS = 11 };

struct banner {
    bool bunting;
    struct vec2 top;
    float wide, tall, pace;
    uint32_t seed;
    struct colour colours[3];
};

static void flag_setup(struct stage *s)
{
    static const struct colour cloth[] = {RGB(.85f, .45f, .05f), RGB(.35f, .10f, .45f),
                                          RGB(.05f, .45f, .55f), RGB(.85f, .85f, .88f),
                                          RGB(.20f, .20f, .22f), RGB(.75f, .15f, .35f)};
    struct banner *p = arena_alloc(s->clip, sizeof *p);
    int first = rng_int(&s->rng, (int)COUNT_OF(cloth));

    p->bunting = rng_int(&s->rng, 3) == 0;
    p->top = (struct vec2){rng_float(&s->rng, 0.1f, 0.75f) * s->width,
                           rng_float(&s->rng, 0.03f, 0.25f) * s->height};
    p->wide = rng_float(&s->rng, 0.08f, 0.2f) * s->width;
    p->tall = rng_float(&s->rng, 0.35f, 0.6f) * s->height;
    p->pace = rng_float(&s->rng, 3, 8);
    p->seed = rng_next(&s->rng);
    for (int i = 0; i < 3; i++)
        p->colours[i] = cloth[(first + i * 2 + rng_int(&s->rng, 2)) % (int)COUNT_OF(cloth)];
    s->props = p;
}

/* The mast is on the left; the free edge flaps, more so at the foot. */
static struct vec2 banner_point(const struct banner *p, float u, float v, float t)
{
    float wave = sinf(9 * v - p->pace * t + 2 * u) + 0.6f * sinf(15 * v + 1.4f * p->pace * t);
    float fold = 0.8f + 0.25f * swing(t, p->pace * 0.4f, 0, p->seed);

    return (struct vec2){p->top.x + p->wide * u * (fold + 0.16f * wave),
                         p->top.y + p->tall * v + 0.05f * p->tall * u * wave};
}

static void draw_banner(struct layer *l, const struct banner *p, struct colour light, float t)
{
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < 4; k++) {
            float v0 = (float)i / ROWS, v1 = (float)(i + 1) / ROWS, u0 = (float)k / 4,
                  u1 = (float)(k + 1) / 4;
            struct vec2 q[4] = {banner_point(p, u0, v0, t), banner_point(p, u1, v0, t),
                                banner_point(p, u1, v1, t), banner_point(p, u0, v1, t)};
            float fold = sinf(9 * v0 - p->pace * t + 2 * u0);
            struct colour c = p->colours[(i / 8 + (p->seed % 2 ? k / 2 : 0)) % 3];
            layer_polygon(l, q, 4, colour_scale(colour_times(c, light), 0.85f + 0.2f * fold), 1);
        }
}

static void draw_bunting(struct layer *l, const struct stage *s, const struct banner *p, struct colour light,
                         float t)
{
    float step = s->width / PENNANTS, size = 0.5f * p->wide;

    for (int i = 0; i < PENNANTS; i++) {
        float sag = 0.06f * s->height * sinf(PI_F * ((float)i + 0.5f) / PENNANTS),
              turn = 0.8f * swing(t, p->pace, (float)i * 0.9f, p->seed);
        struct vec2 a = {(float)i * step, p->top.y + sag}, b = {a.x + 0.8f * step, a.y};
        struct vec2 tip = {a.x + 0.4f * step + size * sinf(turn), a.y + size * (0.5f + 0.9f * cosf(turn))};
        layer_polygon(l, (struct vec2[]){a, b, tip}, 3, colour_times(p->colours[i % 3], light), 1);
    }
}

static void flag_draw(const struct stage *s, struct instant *m)
{
    const struct banner *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);
    struct colour light = light_on(&s->backdrop.light, (struct vec3){0, 0.3f, 0.95f}, 1);
    struct vec2 foot = {p->top.x, s->height};

    if (p->bunting) {
        draw_bunting(&l, s, p, light, m->t);
    } else {
        layer_line(&l, p->top, foot, 4, 5, colour_times(RGB(.4f, .4f, .42f), light), 1);
        draw_banner(&l, p, light, m->t);
    }
    layer_onto(&l, m->canvas);
}

/* --- wind: reeds or firs --- */

enum { REEDS = 170, FIRS = 5, BOUGHS = 9 };

struct growth {
    bool firs;
    float pace, reach, line; /* line: pixels from the top */
    uint32_t seed;
    struct colour colours[4];
};

static void wind_setup(struct stage *s)
{
    struct growth *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct growth){rng_int(&s->rng, 2),
                         rng_float(&s->rng, 1.8f, 5),
                         rng_float(&s->rng, 0.02f, 0.06f) * s->height,
                         rng_float(&s->rng, 0.5f, 0.85f) * s->height,
                         rng_next(&s->rng),
                         {{0, 0, 0}}};
    for (int i = 0; i < 4; i++)
        p->colours[i] = green(&s->rng, s);
    s->props = p;
}

static void draw_reeds(struct layer *l, const struct stage *s, const struct growth *p, float t)
{
    for (int i = 0; i < REEDS; i++) {
        float x = cell2(i, 1, p->seed) * s->width,
              y = p->line + 0.2f * s->height * (cell2(i, 2, p->seed) - 0.3f),
              tall = s->height * (0.15f + 0.2f * cell2(i, 3, p->seed));
        float lean = p->reach * 1.6f * swing(t, p->pace, x / s->width * 5, p->seed);
        struct vec2 foot = {x, y}, knee = {x + lean * 0.3f, y - tall * 0.6f}, tip = {x + lean, y - tall};
        struct colour c = colour_scale(p->colours[i % 4], 0.7f + 0.5f * cell2(i, 4, p->seed));
        layer_line(l, foot, knee, 3, 2.5f, c, 1);
        layer_line(l, knee, tip, 2.5f, 1, c, 1);
    }
}

static void draw_fir(struct layer *l, const struct stage *s, const struct growth *p, int i, float t)
{
    float x = (cell2(i, 1, p->seed) * 0.9f + 0.05f) * s->width,
          tall = s->height * (0.4f + 0.35f * cell2(i, 2, p->seed));
    float whole = p->reach * swing(t, p->pace * 0.7f, (float)i * 1.1f, p->seed);

    for (int k = 0; k < BOUGHS; k++) {
        float part = (float)k / BOUGHS, wide = tall * 0.32f * (1.05f - part),
              own = 0.4f * p->reach * swing(t * 1.5f, p->pace, (float)(k * 3 + i), p->seed);
        float y = p->line - tall * part, mid = x + whole * part + own * part;
        for (int j = 0; j < 7; j++) {
            float at = ((float)j / 3 - 1) * wide;
            struct vec2 tuft[3] = {{mid, y - tall * 0.2f},
                                   {mid + at - wide * 0.25f + own, y + tall * 0.03f * cell2(j, k, p->seed)},
                                   {mid + at + wide * 0.25f + own, y}};
            layer_polygon(l, tuft, 3,
                          colour_scale(p->colours[(j + k) % 4], 0.5f + 0.5f * cell2(j, k + 20, p->seed)), 1);
        }
    }
}

static void wind_draw(const struct stage *s, struct instant *m)
{
    const struct growth *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    if (p->firs)
        for (int i = 0; i < FIRS; i++)
            draw_fir(&l, s, p, i, m->t);
    else
        draw_reeds(&l, s, p, m->t);
    layer_onto(&l, m->canvas);
}

const struct kind second_plant = {
    {"plant", NULL, "twigs or grass sway before the camera"}, plant_setup, NULL, plant_draw};
const struct kind second_flag = {{"flag", NULL, "a banner or bunting flaps"}, flag_setup, NULL, flag_draw};
const struct kind second_wind = {{"wind", NULL, "reeds or firs in the wind"}, wind_setup, NULL, wind_draw};
