/* Clips with something to see: a person, a vehicle, an animal passes through. */
#include "base/c23.h"
#include "car.h"
#include "figures.h"
#include "scene_int.h"

/* A straight walk over the ground. */
struct path {
    struct vec2 from, to; /* x, z in metres */
    float speed, heading;
    float start; /* seconds */
};

struct walker {
    union {
        struct person_look person;
        struct animal_look animal;
        struct car_look car;
    } look;
    struct path path;
    float phase; /* metres already walked, for the legs */
};

/* Lowers or raises the camera until the ground at distance z lies in the given row of the picture. */
static void put_ground(struct stage *s, float z, float row)
{
    struct view *v = &s->backdrop.view;

    v->height = clampf((row * s->height - v->horizon_y) * z / v->focal, 1.3f, 6.0f);
}

/* Crosses the picture at about distance z, from one edge to the other, somewhat towards or away from the
 * camera. */
static struct path cross(struct stage *s, float z, float speed, float slant, float half_length)
{
    float side = rng_int(&s->rng, 2) ? 1.0f : -1.0f, z0 = z * (1 + slant), z1 = z * (1 - slant);
    float reach = 0.5f * s->width / s->backdrop.view.focal;
    float x0 = -side * (reach * z0 * 0.80f + half_length * 0.4f),
          x1 = side * (reach * z1 * 0.80f + half_length * 0.4f);
    struct path p = {{x0, z0}, {x1, z1}, speed, atan2f(z0 - z1, x1 - x0), 0};
    float length = hypotf(x1 - x0, z1 - z0), time = length / speed;

    if (time > s->seconds) { /* short clips show the middle of the way */
        float cut = 0.5f * (1.0f - s->seconds / time);
        p.from = (struct vec2){mixf(x0, x1, cut), mixf(z0, z1, cut)};
        p.to = (struct vec2){mixf(x1, x0, cut), mixf(z1, z0, cut)};
    } else {
        p.start = 0.35f * (s->seconds - time);
    }
    return p;
}

/* Distance walked at t, and where that is. */
static float path_at(const struct path *p, float t, struct vec2 *ret)
{
    float length = hypotf(p->to.x - p->from.x, p->to.y - p->from.y), way = (t - p->start) * p->speed;
    float part = length > 0 ? way / length : 0;

    *ret = (struct vec2){mixf(p->from.x, p->to.x, part), mixf(p->from.y, p->to.y, part)};
    return way;
}

static void person_with(struct stage *s, float low, float high, float row)
{
    struct walker *w = arena_alloc(s->clip, sizeof *w);
    float size = rng_float(&s->rng, low, high) * s->height, z;

    w->look.person = person_look(&s->rng);
    z = view_distance(&s->backdrop.view, w->look.person.height, size);
    put_ground(s, z, row);
    if (z > s->backdrop.wall_z * 0.9f)
        s->backdrop.wall_z = z * 1.25f;
    w->path = cross(s, z, rng_float(&s->rng, 1.1f, 1.5f), rng_float(&s->rng, -0.08f, 0.16f), 0.3f);
    w->phase = rng_float(&s->rng, 0, 1.4f);
    s->props = w;
}

static void person_setup(struct stage *s)
{
    person_with(s, 0.42f, 0.60f, rng_float(&s->rng, 0.86f, 0.95f));
}

static void person_far_setup(struct stage *s)
{
    person_with(s, 0.12f, 0.20f, rng_float(&s->rng, 0.48f, 0.62f));
}

static void person_draw(const struct stage *s, struct instant *m)
{
    const struct walker *w = s->props;
    struct vec2 at;
    float way = path_at(&w->path, m->t, &at);
    struct body body = person_pose(&w->look.person, w->path.heading, way + w->phase);
    struct place place = place_at(&s->backdrop.view, at.x, at.y);
    struct light light = backdrop_light(&s->backdrop, at.y);

    body_draw(&body, &place, &light, m->canvas, m->frame);
    instant_box(s, m, "person", body_bounds(&body, &place));
}

/* Somebody close to the camera who sways and turns on the spot: more of the picture moves than moves on. */
struct loiterer {
    struct person_look look;
    float x, z, reach, pace, heading;
    uint32_t seed;
};

static void near_setup(struct stage *s)
{
    struct loiterer *p = arena_alloc(s->clip, sizeof *p);

    p->look = person_look(&s->rng);
    p->z = view_distance(&s->backdrop.view, p->look.height, rng_float(&s->rng, 0.6f, 1.5f) * s->height);
    p->x = rng_float(&s->rng, -0.2f, 0.2f) * s->width / s->backdrop.view.focal * p->z;
    p->reach = rng_float(&s->rng, 0.05f, 0.3f);
    p->pace = rng_float(&s->rng, 0.3f, 1.2f);
    p->heading = PI_F / 2 + rng_float(&s->rng, -0.6f, 0.6f);
    p->seed = rng_next(&s->rng);
    s->backdrop.view.height = clampf(p->look.height * rng_float(&s->rng, 0.75f, 1.1f), 1.2f, 2.2f);
    s->props = p;
}

static void near_draw(const struct stage *s, struct instant *m)
{
    const struct loiterer *p = s->props;
    float t = m->t * p->pace, x = p->x + p->reach * 2 * (fbm2(t, 1, 2, p->seed) - 0.5f),
          turn = 1.6f * (fbm2(t, 5, 2, p->seed) - 0.5f), step = 0.5f * fbm2(t * 1.5f, 9, 2, p->seed);
    struct body body = person_pose(&p->look, p->heading + turn, step);
    struct place place = place_at(&s->backdrop.view, x, p->z);
    struct light light = backdrop_light(&s->backdrop, p->z);

    body_draw(&body, &place, &light, m->canvas, m->frame);
    instant_box(s, m, "person", body_bounds(&body, &place));
}

static void animal_setup(struct stage *s)
{
    struct walker *w = arena_alloc(s->clip, sizeof *w);
    float z;

    w->look.animal = animal_look(&s->rng);
    z = view_distance(&s->backdrop.view, w->look.animal.height * 1.35f,
                      rng_float(&s->rng, 0.20f, 0.34f) * s->height);
    put_ground(s, z, rng_float(&s->rng, 0.76f, 0.90f));
    w->path = cross(s, z, w->look.animal.cat ? 0.9f : 1.4f, rng_float(&s->rng, -0.05f, 0.10f), 0.5f);
    s->props = w;
}

static void animal_draw(const struct stage *s, struct instant *m)
{
    const struct walker *w = s->props;
    struct vec2 at;
    float way = path_at(&w->path, m->t, &at);
    struct body body = animal_pose(&w->look.animal, w->path.heading, way);
    struct place place = place_at(&s->backdrop.view, at.x, at.y);
    struct light light = backdrop_light(&s->backdrop, at.y);

    body_draw(&body, &place, &light, m->canvas, m->frame);
    instant_box(s, m, "animal", body_bounds(&body, &place));
}

static void vehicle_setup(struct stage *s)
{
    struct walker *w = arena_alloc(s->clip, sizeof *w);
    float z;

    w->look.car = car_look(&s->rng, s->night);
    z = view_distance(&s->backdrop.view, car_length(&w->look.car),
                      rng_float(&s->rng, 0.42f, 0.62f) * s->width);
    put_ground(s, z, rng_float(&s->rng, 0.68f, 0.82f));
    if (z > s->backdrop.wall_z * 0.8f)
        s->backdrop.wall_z = z * 1.4f;
    w->path = cross(s, z, rng_float(&s->rng, 3.5f, 5.5f), rng_float(&s->rng, -0.10f, 0.18f), 2.2f);
    s->props = w;
}

static void vehicle_draw(const struct stage *s, struct instant *m)
{
    const struct walker *w = s->props;
    struct vec2 at;
    float way = path_at(&w->path, m->t, &at);
    struct car_place place = {at.x, at.y, w->path.heading, way};
    struct light light = backdrop_light(&s->backdrop, at.y);

    instant_box(s, m, "vehicle",
                car_draw(&w->look.car, &place, &s->backdrop.view, &light, m->canvas, m->frame));
}

const struct kind kind_person = {
    {"person", "person", "a person walks through, near"}, person_setup, NULL, person_draw};
const struct kind kind_person_far = {
    {"person-far", "person", "a person walks through, far away"}, person_far_setup, NULL, person_draw};
const struct kind kind_near = {
    {"near", "person", "a person loiters close to the camera"}, near_setup, NULL, near_draw};
const struct kind kind_vehicle = {
    {"vehicle", "vehicle", "a car drives through"}, vehicle_setup, NULL, vehicle_draw};
const struct kind kind_animal = {
    {"animal", "animal", "a dog or cat walks through"}, animal_setup, NULL, animal_draw};
