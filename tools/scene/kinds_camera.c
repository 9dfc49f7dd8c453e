/* Clips in which only the camera or the light changes, or the picture as a whole, or nothing at all. */
#include "scene_int.h"

struct shaking {
    float reach, period; /* pixels, seconds */
    uint32_t seed;
};

static void shake_setup(struct stage *s)
{
    struct shaking *p = arena_alloc(s->clip, sizeof *p);

    *p = (struct shaking){rng_float(&s->rng, 0.006f, 0.025f) * s->width, rng_float(&s->rng, 0.15f, 0.4f),
                          rng_next(&s->rng)};
    s->props = p;
}

static void shake_draw(const struct stage *s, struct instant *m)
{
    const struct shaking *p = s->props;
    float t = m->t / p->period, strength = p->reach * (0.35f + fbm2(m->t * 0.9f, 2, 2, p->seed + 1));

    m->exposure.shift = (struct vec2){strength * 2 * (noise2(t, 0, p->seed) - 0.5f) * 2,
                                      strength * 2 * (noise2(t, 9, p->seed) - 0.5f)};
}

struct lighting {
    int sweep;         /* headlights over the scene, else a step of the exposure */
    float start, step; /* seconds; factor of the light after the step */
    float speed, y;    /* of the beam, widths per second; row */
};

static void light_setup(struct stage *s)
{
    struct lighting *p = arena_alloc(s->clip, sizeof *p);
    float brighter = rng_int(&s->rng, 2) ? 1.0f : -1.0f;

    *p = (struct lighting){
        .sweep = s->night || rng_int(&s->rng, 2),
        .start = rng_float(&s->rng, 0.2f, 0.6f) * s->seconds,
        .step = brighter > 0 ? rng_float(&s->rng, 1.3f, 1.8f) : rng_float(&s->rng, 0.35f, 0.7f),
        .speed = brighter * rng_float(&s->rng, 0.6f, 1.1f),
        .y = rng_float(&s->rng, 0.35f, 0.55f) * s->height,
    };
    s->props = p;
}

/* Brightens the picture around (x, y): an oval pool of light. */
static void add_beam(struct canvas *c, float x, float y, float strength)
{
    float wide = 0.20f * (float)c->width, tall = 0.22f * (float)c->height;

    for (int j = 0; j < c->height; j++)
        for (int i = 0; i < c->width; i++) {
            float dx = ((float)i - x) / wide, dy = ((float)j - y) / tall;
            struct colour *p = &c->px[(size_t)j * (size_t)c->width + (size_t)i];
            float add = strength * expf(-(dx * dx + dy * dy));
            *p = colour_add(colour_scale(*p, 1.0f + 1.6f * add), colour_scale(RGB(.22f, .21f, .18f), add));
        }
}

static void light_draw(const struct stage *s, struct instant *m)
{
    const struct lighting *p = s->props;
    float x = (p->speed > 0 ? -0.4f : 1.4f) + p->speed * (m->t - 0.5f * p->start);

    if (!p->sweep) {
        m->exposure.gain = mixf(1.0f, p->step, stepf(p->start, p->start + 0.5f, m->t));
        return;
    }
    add_beam(m->canvas, x * s->width, p->y, 1.0f);
    add_beam(m->canvas, (x - 0.22f) * s->width, p->y, 0.8f);
}

/* --- an operator turns the camera or zooms --- */

struct panning {
    bool zooms;
    float from, to, tilt; /* zoom; or widths aside */
};

static void pan_setup(struct stage *s)
{
    struct panning *p = arena_alloc(s->clip, sizeof *p);

    p->zooms = rng_int(&s->rng, 2);
    p->from = p->zooms ? rng_float(&s->rng, 1.0f, 1.3f) : rng_float(&s->rng, -0.12f, 0.12f);
    p->to = p->zooms ? rng_float(&s->rng, 1.0f, 1.9f) : rng_float(&s->rng, -0.12f, 0.12f);
    p->tilt = rng_float(&s->rng, -0.08f, 0.08f);
    s->props = p;
}

static void pan_draw(const struct stage *s, struct instant *m)
{
    const struct panning *p = s->props;
    float at = mixf(p->from, p->to, m->t / s->seconds);

    m->exposure.zoom = p->zooms ? at : 1.35f;
    if (!p->zooms)
        m->exposure.shift = (struct vec2){at * s->width, p->tilt * s->height * m->t / s->seconds};
}

/* --- cuts to another place --- */

struct cutting {
    struct canvas other;
    float every;
};

static void cut_prepare(struct stage *s)
{
    struct cutting *p = arena_alloc(s->clip, sizeof *p);
    struct backdrop b = s->backdrop;

    b.seed = rng_next(&s->rng);
    b.offset += 3;
    b.view.horizon_y *= rng_float(&s->rng, 0.6f, 1.6f);
    b.view.focal *= rng_float(&s->rng, 0.8f, 1.8f);
    p->other = canvas_new(s->clip, s->background.width, s->background.height);
    p->every = rng_float(&s->rng, 0.25f, 0.8f) * s->seconds;
    backdrop_draw(&b, &p->other);
    s->props = p;
}

static void cut_draw(const struct stage *s, struct instant *m)
{
    const struct cutting *p = s->props;

    if ((int)(m->t / p->every) % 2)
        canvas_copy(m->canvas, &p->other);
}

const struct kind kind_pan = {{"pan", NULL, "the camera turns or zooms"}, pan_setup, NULL, pan_draw};
const struct kind kind_cut = {
    {"cut", NULL, "the picture cuts to another place and back"}, NULL, cut_prepare, cut_draw};
const struct kind kind_shake = {{"shake", NULL, "the camera shakes"}, shake_setup, NULL, shake_draw};
const struct kind kind_light = {
    {"light", NULL, "headlights sweep over, or the exposure jumps"}, light_setup, NULL, light_draw};
const struct kind kind_empty = {{"empty", NULL, "nothing happens"}, NULL, NULL, NULL};
