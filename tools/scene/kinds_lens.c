/* What comes between lens and scene: rain, an insect, a spider, its web. Near things are out of focus, and
 * bright at night because the infrared lamp sits beside the lens. */
#include "base/c23.h"
#include "scene_int.h"

static struct colour near_colour(const struct stage *s, struct colour day)
{
    return s->night ? RGB(.92f, .92f, .92f)
                    : colour_times(day, light_on(&s->backdrop.light, (struct vec3){0, 0.5f, 0.8f}, 1));
}

/* --- rain --- */

struct rain {
    float slant, speed, length, density; /* speed in heights per second */
    uint32_t seed;
    int drops; /* on the glass */
};

static void rain_setup(struct stage *s)
{
    struct rain *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct rain){rng_float(&s->rng, -0.35f, 0.35f),
                       rng_float(&s->rng, 3.5f, 6.0f),
                       rng_float(&s->rng, 0.05f, 0.12f),
                       rng_float(&s->rng, 120, 420),
                       rng_next(&s->rng),
                       rng_int(&s->rng, 3) == 0 ? 4 + rng_int(&s->rng, 10) : 0};
    s->backdrop.light.sun_colour = colour_scale(s->backdrop.light.sun_colour, 0.5f);
    s->backdrop.sky_top = colour_mix(s->backdrop.sky_top, s->backdrop.sky_low, 0.8f);
    s->props = p;
}

/* Streaks are new in every frame: at these speeds nothing is seen twice. */
static void draw_streak(struct layer *l, const struct stage *s, const struct rain *p, struct rng *r)
{
    float depth = rng_float(r, 0.3f, 1.0f), length = p->length * s->height * depth * rng_float(r, 0.7f, 1.4f);
    struct vec2 a = {rng_float(r, -0.1f, 1.1f) * s->width, rng_float(r, -0.1f, 1.0f) * s->height};
    struct vec2 b = {a.x + p->slant * length, a.y + length};
    float alpha = (s->night ? 0.45f : 0.22f) * depth;

    layer_line(l, a, b, 0.6f + 1.0f * depth, 0.9f + 1.2f * depth,
               s->night ? RGB(.95f, .95f, .95f) : RGB(.88f, .90f, .92f), alpha);
}

/* A drop on the glass shows the scene as a bright blob that now and then runs down. */
static void draw_drop(struct layer *l, const struct stage *s, const struct rain *p, int i, float t)
{
    float run = fmaxf(0.0f, t - s->seconds * cell2(i, 1, p->seed)) * 0.25f * s->height *
                (cell2(i, 2, p->seed) > 0.6f ? 1.0f : 0.03f);
    struct vec2 at = {cell2(i, 3, p->seed) * s->width, cell2(i, 4, p->seed) * 0.7f * s->height + run};
    float size = (0.008f + 0.016f * cell2(i, 5, p->seed)) * s->height;

    layer_ellipse(l, at, (struct vec2){size, size * 1.25f}, 0, colour_scale(s->backdrop.sky_low, 0.8f),
                  0.35f);
    layer_ellipse(l, (struct vec2){at.x - size * 0.2f, at.y + size * 0.4f},
                  (struct vec2){size * 0.6f, size * 0.5f}, 0, RGB(.9f, .9f, .9f), 0.4f);
}

static void rain_draw(const struct stage *s, struct instant *m)
{
    const struct rain *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int i = 0; i < (int)p->density; i++)
        draw_streak(&l, s, p, &m->rng);
    for (int i = 0; i < p->drops; i++)
        draw_drop(&l, s, p, i, m->t);
    layer_onto(&l, m->canvas);
}

/* --- an insect flies near the lens or walks on it --- */

struct insect {
    int walks;
    float size, speed, blur; /* pixels; widths per second; pixels */
    uint32_t seed;
    struct colour body, wing;
};

static void insect_setup(struct stage *s)
{
    struct insect *p = arena_alloc(s->clip, sizeof *p);
    int walks = rng_int(&s->rng, 3) == 0;

    *p = (struct insect){walks,
                         rng_float(&s->rng, 0.02f, 0.05f) * s->height * (walks ? 1.3f : 1.0f),
                         walks ? rng_float(&s->rng, 0.05f, 0.15f) : rng_float(&s->rng, 0.5f, 1.1f),
                         rng_float(&s->rng, 1.5f, 4.0f),
                         rng_next(&s->rng),
                         near_colour(s, RGB(.10f, .09f, .08f)),
                         near_colour(s, RGB(.45f, .43f, .40f))};
    s->props = p;
}

static struct vec2 insect_at(const struct stage *s, const struct insect *p, float t)
{
    float u = t * p->speed * 1.6f;

    return (struct vec2){s->width * (fbm2(u, 3, 3, p->seed) * 1.9f - 0.45f),
                         s->height * (fbm2(u, 8, 3, p->seed + 5) * 1.7f - 0.35f)};
}

static void insect_draw(const struct stage *s, struct instant *m)
{
    const struct insect *p = s->props;
    struct vec2 at = insect_at(s, p, m->t), before = insect_at(s, p, m->t - 0.03f);
    float angle = atan2f(at.y - before.y, at.x - before.x), reach = p->size * 5 + 8,
          beat = p->walks ? 0.5f : 0.3f + 0.7f * rng_float(&m->rng, 0, 1);
    struct layer l =
        layer_new(m->frame, m->canvas, fminf(at.x, before.x) - reach, fminf(at.y, before.y) - reach,
                  fmaxf(at.x, before.x) + reach, fmaxf(at.y, before.y) + reach, 2);

    if (!l.px)
        return;
    for (int side = -1; side <= 1; side += 2) {
        struct vec2 wing = {at.x - sinf(angle) * p->size * (float)side,
                            at.y + cosf(angle) * p->size * (float)side};
        layer_ellipse(&l, wing, (struct vec2){p->size * 1.3f, p->size * 0.6f * beat},
                      angle + (float)side * 0.9f, p->wing, 0.55f);
    }
    for (int i = 0; i < 6 && p->walks; i++) {
        float leg = angle + (i < 3 ? 1.0f : -1.0f) * (0.7f + 0.8f * (float)(i % 3)) +
                    0.2f * sinf(m->t * 20 + (float)i * 2);
        layer_line(&l, at,
                   (struct vec2){at.x + cosf(leg) * p->size * 2.2f, at.y + sinf(leg) * p->size * 2.2f}, 3,
                   1.5f, p->body, 0.9f);
    }
    layer_ellipse(&l, at, (struct vec2){p->size, p->size * 0.42f}, angle, p->body, 0.95f);
    if (!p->walks) /* a streak while the shutter is open */
        layer_line(&l, before, at, p->size * 0.7f, p->size * 0.8f, p->body, 0.4f);
    layer_blur(&l, m->frame, p->blur);
    layer_onto(&l, m->canvas);
}

/* --- threads, for spider and web --- */

static void draw_thread(struct layer *l, struct vec2 a, struct vec2 b, float sag, struct colour c,
                        float alpha)
{
    struct vec2 before = a;

    for (int i = 1; i <= 8; i++) {
        float t = (float)i / 8;
        struct vec2 at = {mixf(a.x, b.x, t), mixf(a.y, b.y, t) + sag * 4 * t * (1 - t)};
        layer_line(l, before, at, 1.6f, 1.6f, c, alpha);
        before = at;
    }
}

/* --- a spider --- */

struct spider {
    struct vec2 from, to;
    float size, gait, blur;
    int hangs; /* on a thread from above, else walks over the glass */
    struct colour body;
};

static void spider_setup(struct stage *s)
{
    struct spider *p = arena_alloc(s->clip, sizeof *p);
    int hangs = rng_int(&s->rng, 2);
    float x = rng_float(&s->rng, 0.25f, 0.75f) * s->width, y = rng_float(&s->rng, 0.2f, 0.4f) * s->height;

    *p = (struct spider){
        .from = {x, y},
        .to = hangs ? (struct vec2){x, y + rng_float(&s->rng, 0.15f, 0.45f) * s->height}
                    : (struct vec2){x + rng_float(&s->rng, -.4f, .4f) * s->width,
                                    y + rng_float(&s->rng, 0.1f, 0.5f) * s->height},
        .size = rng_float(&s->rng, 0.035f, 0.08f) * s->height,
        .gait = rng_float(&s->rng, 5, 9),
        .blur = rng_float(&s->rng, 1.0f, 2.5f),
        .hangs = hangs,
        .body = near_colour(s, RGB(.13f, .10f, .08f)),
    };
    s->props = p;
}

static void draw_spider_leg(struct layer *l, const struct spider *p, struct vec2 at, float heading, int i,
                            float t)
{
    float side = i < 4 ? 1.0f : -1.0f, spread = 0.45f + 0.75f * (float)(i % 4);
    float step = 0.22f * sinf(p->gait * t + (float)(i % 4) * 1.7f + (side > 0 ? 0 : PI_F)),
          angle = heading + side * (spread + step);
    struct vec2 knee = {at.x + cosf(angle) * p->size * 1.5f, at.y + sinf(angle) * p->size * 1.5f};
    struct vec2 foot = {knee.x + cosf(angle + side * 0.5f) * p->size * 1.5f,
                        knee.y + sinf(angle + side * 0.5f) * p->size * 1.5f};

    layer_line(l, at, knee, p->size * 0.22f, p->size * 0.16f, p->body, 0.95f);
    layer_line(l, knee, foot, p->size * 0.15f, p->size * 0.06f, p->body, 0.95f);
}

static void spider_draw(const struct stage *s, struct instant *m)
{
    const struct spider *p = s->props;
    float go = stepf(0, 1, m->t / s->seconds * 0.9f + 0.05f * sinf(m->t * 2.1f)),
          sway = p->hangs ? sinf(m->t * 2.6f) * 0.012f * s->width : 0;
    struct vec2 at = {mixf(p->from.x, p->to.x, go) + sway, mixf(p->from.y, p->to.y, go)};
    float heading = p->hangs ? PI_F / 2 : atan2f(p->to.y - p->from.y, p->to.x - p->from.x),
          ca = cosf(heading), sa = sinf(heading);
    struct layer l =
        layer_new(m->frame, m->canvas, at.x - p->size * 4 - 12, p->hangs ? 0 : at.y - p->size * 4 - 12,
                  at.x + p->size * 4 + 12, at.y + p->size * 4 + 12, 2);

    if (!l.px)
        return;
    if (p->hangs)
        draw_thread(&l, (struct vec2){p->from.x, 0}, at, 0, near_colour(s, RGB(.8f, .8f, .8f)), 0.5f);
    for (int i = 0; i < 8; i++)
        draw_spider_leg(&l, p, at, heading, i, m->t);
    layer_ellipse(&l, (struct vec2){at.x - ca * p->size * 0.8f, at.y - sa * p->size * 0.8f},
                  (struct vec2){p->size * 0.85f, p->size * 0.65f}, heading, p->body, 1);
    layer_ellipse(&l, (struct vec2){at.x + ca * p->size * 0.3f, at.y + sa * p->size * 0.3f},
                  (struct vec2){p->size * 0.5f, p->size * 0.4f}, heading, colour_scale(p->body, 0.85f), 1);
    layer_blur(&l, m->frame, p->blur);
    layer_onto(&l, m->canvas);
}

/* --- a web --- */

enum { SPOKES = 13, RINGS = 9 };

struct web {
    struct vec2 hub;
    float reach, sway, speed, alpha, blur;
    uint32_t seed;
    struct colour colour;
};

static void web_setup(struct stage *s)
{
    struct web *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct web){{rng_float(&s->rng, 0.1f, 0.9f) * s->width, rng_float(&s->rng, 0.1f, 0.6f) * s->height},
                      rng_float(&s->rng, 0.35f, 0.7f) * s->height,
                      rng_float(&s->rng, 0.015f, 0.04f) * s->height,
                      rng_float(&s->rng, 1.5f, 3.5f),
                      s->night ? 0.55f : 0.4f,
                      rng_float(&s->rng, 0.8f, 1.6f),
                      rng_next(&s->rng),
                      near_colour(s, RGB(.95f, .95f, .97f))};
    s->props = p;
}

/* The web bulges with the air: its middle moves most, its ends hold fast. */
static struct vec2 web_point(const struct web *p, int spoke, float part, float t)
{
    float angle = 2 * PI_F * ((float)spoke + 0.4f * cell2(spoke, 0, p->seed)) / SPOKES,
          reach = p->reach * (0.8f + 0.5f * cell2(spoke, 1, p->seed));
    float loose = (1 - part) * p->sway,
          x = sinf(p->speed * t) + 0.6f * sinf(2.3f * p->speed * t + 1 + part * 2),
          y = cosf(1.3f * p->speed * t + part);

    return (struct vec2){p->hub.x + cosf(angle) * reach * part + loose * x,
                         p->hub.y + sinf(angle) * reach * part + loose * 0.6f * y};
}

static void web_draw(const struct stage *s, struct instant *m)
{
    const struct web *p = s->props;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    for (int i = 0; i < SPOKES; i++) {
        draw_thread(&l, web_point(p, i, 0, m->t), web_point(p, i, 1, m->t), 0, p->colour, p->alpha);
        for (int ring = 1; ring <= RINGS; ring++) {
            float part = (float)ring / (RINGS + 1);
            if (cell2(i, ring + 10, p->seed) > 0.12f)
                draw_thread(&l, web_point(p, i, part, m->t), web_point(p, (i + 1) % SPOKES, part, m->t),
                            -0.015f * p->reach, p->colour, p->alpha * 0.8f);
        }
    }
    layer_blur(&l, m->frame, p->blur);
    layer_onto(&l, m->canvas);
}

const struct kind kind_rain = {
    {"rain", NULL, "rain falls, sometimes with drops on the glass"}, rain_setup, NULL, rain_draw};
const struct kind kind_insect = {
    {"insect", NULL, "an insect flies near the lens or walks on it"}, insect_setup, NULL, insect_draw};
const struct kind kind_spider = {
    {"spider", NULL, "a spider walks over the glass or hangs before it"}, spider_setup, NULL, spider_draw};
const struct kind kind_web = {{"web", NULL, "a spider's web moves in the air"}, web_setup, NULL, web_draw};
