#include "body.h"

#include "base/c23.h"
#include "noise.h"

/* The depth map of one figure, in samples of its layer. */
struct relief {
    int width, height;
    float *depth; /* metres towards the camera, NOTHING where there is none */
    struct hit {
        uint8_t limb;
        float along, across;
    } * hits;
};

#define NOTHING (-1e9f)

struct body body_new(float heading)
{
    float c = cosf(heading), s = sinf(heading);

    return (struct body){.forward = {c, 0, s}, .left = {s, 0, -c}};
}

struct vec3 body_point(const struct body *b, float f, float u, float l)
{
    struct vec3 p = vec3_add(vec3_scale(b->forward, f), vec3_scale(b->left, l));

    p.y = u;
    return p;
}

struct limb *body_limb(struct body *b, struct vec3 from, struct vec3 to, float r_from, float r_to, int group,
                       int material)
{
    struct limb *limb = &b->limbs[b->nlimbs < BODY_MAX_LIMBS ? b->nlimbs++ : BODY_MAX_LIMBS - 1];

    *limb = (struct limb){from, to, r_from, r_to, (uint8_t)group, (uint8_t)material, 0};
    return limb;
}

void body_stand(struct body *b)
{
    float lowest = INFINITY;

    for (int i = 0; i < b->nlimbs; i++) {
        const struct limb *limb = &b->limbs[i];
        lowest = fminf(lowest, fminf(limb->a.y - limb->ra, limb->b.y - limb->rb));
    }
    for (int i = 0; i < b->nlimbs; i++) {
        b->limbs[i].a.y -= lowest;
        b->limbs[i].b.y -= lowest;
    }
}

struct place place_at(const struct view *v, float x, float z)
{
    return (struct place){view_project(v, (struct vec3){x, 0, z}), v->focal / z, atan2f(v->height - 0.9f, z)};
}

static struct vec2 place_point(const struct place *at, struct vec3 p)
{
    return (struct vec2){at->feet.x + at->scale * p.x,
                         at->feet.y - at->scale * (p.y * cosf(at->tilt) - p.z * sinf(at->tilt))};
}

struct bounds body_bounds(const struct body *b, const struct place *at)
{
    struct bounds out = {INFINITY, INFINITY, -INFINITY, -INFINITY};

    for (int i = 0; i < b->nlimbs; i++) {
        const struct limb *limb = &b->limbs[i];
        struct vec2 ends[2] = {place_point(at, limb->a), place_point(at, limb->b)};
        float radii[2] = {limb->ra * at->scale, limb->rb * at->scale};
        for (int e = 0; e < 2; e++) {
            out.x0 = fminf(out.x0, ends[e].x - radii[e]);
            out.y0 = fminf(out.y0, ends[e].y - radii[e]);
            out.x1 = fmaxf(out.x1, ends[e].x + radii[e]);
            out.y1 = fmaxf(out.y1, ends[e].y + radii[e]);
        }
    }
    return out;
}

/* Soft maximum of two depths, k metres wide (polynomial, after Quilez). */
static float soft_max(float a, float b, float k)
{
    float h = clampf(0.5f + 0.5f * (a - b) / k, 0.0f, 1.0f);

    return mixf(b, a, h) + k * h * (1.0f - h);
}

struct limb_view {
    const struct limb *limb;
    struct vec2 a, ab; /* samples */
    float length2, ra, rb, za, zb, scale;
    int index;
};

static void relief_add(struct relief *r, const struct body *b, const struct limb_view *v, int x, int y)
{
    float px = (float)x + 0.5f - v->a.x, py = (float)y + 0.5f - v->a.y;
    float t = clampf((px * v->ab.x + py * v->ab.y) / v->length2, 0.0f, 1.0f);
    float dx = px - v->ab.x * t, dy = py - v->ab.y * t, radius = mixf(v->ra, v->rb, t);
    float room = radius * radius - dx * dx - dy * dy, across, z;
    size_t at = (size_t)y * (size_t)r->width + (size_t)x;
    const struct limb *before = &b->limbs[r->hits[at].limb];

    if (room <= 0)
        return;
    across = (dx * v->ab.y - dy * v->ab.x) / (sqrtf(v->length2) * radius);
    z = mixf(v->za, v->zb, t) + sqrtf(room) / v->scale;
    if (v->limb->folds > 0)
        z += v->limb->folds *
             (fbm2(t * 5.0f + across, across * 2.5f + t * 2.0f, 3, b->seed + (uint32_t)v->index) - 0.5f);
    if (r->depth[at] > z) {
        if (before->group == v->limb->group)
            r->depth[at] = soft_max(r->depth[at], z, 0.03f);
        return;
    }
    r->depth[at] =
        r->depth[at] > NOTHING && before->group == v->limb->group ? soft_max(z, r->depth[at], 0.03f) : z;
    r->hits[at] = (struct hit){(uint8_t)v->index, t, across};
}

static void relief_limb(struct relief *r, const struct body *b, const struct place *at, const struct layer *l,
                        int index)
{
    const struct limb *limb = &b->limbs[index];
    float ss = (float)l->ss, tilt = sinf(at->tilt), upright = cosf(at->tilt);
    struct vec2 pa = place_point(at, limb->a), pb = place_point(at, limb->b);
    struct limb_view v = {
        .limb = limb,
        .a = {(pa.x - (float)l->x) * ss, (pa.y - (float)l->y) * ss},
        .ab = {(pb.x - pa.x) * ss, (pb.y - pa.y) * ss},
        .ra = limb->ra * at->scale * ss,
        .rb = limb->rb * at->scale * ss,
        .za = limb->a.z * upright + limb->a.y * tilt,
        .zb = limb->b.z * upright + limb->b.y * tilt,
        .scale = at->scale * ss,
        .index = index,
    };
    float reach = fmaxf(v.ra, v.rb);
    int x0 = (int)clampf(fminf(v.a.x, v.a.x + v.ab.x) - reach, 0, (float)r->width);
    int x1 = (int)clampf(fmaxf(v.a.x, v.a.x + v.ab.x) + reach + 1, 0, (float)r->width);
    int y0 = (int)clampf(fminf(v.a.y, v.a.y + v.ab.y) - reach, 0, (float)r->height);
    int y1 = (int)clampf(fmaxf(v.a.y, v.a.y + v.ab.y) + reach + 1, 0, (float)r->height);

    v.length2 = fmaxf(v.ab.x * v.ab.x + v.ab.y * v.ab.y, 1e-3f);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            relief_add(r, b, &v, x, y);
}

static float relief_at(const struct relief *r, int x, int y)
{
    if (x < 0 || y < 0 || x >= r->width || y >= r->height)
        return NOTHING;
    return r->depth[(size_t)y * (size_t)r->width + (size_t)x];
}

/* Slope of the depth from one sample to the next, by the neighbour on the same surface. */
static float slope(float before, float here, float after, float jump)
{
    float back = here - before, on = after - here;
    int back_ok = fabsf(back) < jump, on_ok = fabsf(on) < jump;

    if (back_ok && on_ok)
        return 0.5f * (back + on);
    return back_ok ? back : on_ok ? on : 0.0f;
}

static struct vec3 relief_normal(const struct relief *r, int x, int y, float scale)
{
    float here = relief_at(r, x, y), jump = 6.0f / scale;
    float sx = slope(relief_at(r, x - 1, y), here, relief_at(r, x + 1, y), jump) * scale;
    float sy = slope(relief_at(r, x, y - 1), here, relief_at(r, x, y + 1), jump) * scale;

    return vec3_unit((struct vec3){-sx, sy, 1.0f});
}

/* Share of the sky that is not hidden by nearer parts around the sample. */
static float relief_open(const struct relief *r, int x, int y, float scale)
{
    static const struct vec2 around[] = {{1, 0},     {-1, 0},     {0, 1},      {0, -1},
                                         {.7f, .7f}, {-.7f, .7f}, {.7f, -.7f}, {-.7f, -.7f}};
    float here = relief_at(r, x, y), hidden = 0, reach = 0.045f * scale;

    for (size_t i = 0; i < COUNT_OF(around); i++) {
        float there = relief_at(r, x + (int)(around[i].x * reach), y + (int)(around[i].y * reach));
        hidden += clampf((there - here - 0.03f) / 0.12f, 0.0f, 1.0f);
    }
    return 1.0f - 0.75f * hidden / (float)COUNT_OF(around);
}

static void shade(const struct relief *r, const struct body *b, const struct place *at,
                  const struct light *light, struct layer *l, int x, int y)
{
    size_t i = (size_t)y * (size_t)r->width + (size_t)x;
    float scale = at->scale * (float)l->ss, tilt = sinf(at->tilt), upright = cosf(at->tilt);
    float sx = ((float)l->x + ((float)x + 0.5f) / (float)l->ss - at->feet.x) / at->scale;
    float sy = (at->feet.y - ((float)l->y + ((float)y + 0.5f) / (float)l->ss)) / at->scale;
    struct vec3 object = {sx, sy * upright + r->depth[i] * tilt, r->depth[i] * upright - sy * tilt};
    struct surface s = {
        &b->limbs[r->hits[i].limb],
        r->hits[i].along,
        r->hits[i].across,
        {vec3_dot(object, b->forward), object.y, vec3_dot(object, b->left)},
    };
    struct colour lit = light_on(light, relief_normal(r, x, y, scale), relief_open(r, x, y, scale));

    l->px[i] = (struct sample){colour_times(b->paint(b->look, &s), lit), 1.0f};
}

/* The shadow on the ground: the silhouette laid down away from the sun. */
static void draw_shadow(const struct relief *r, const struct layer *figure, const struct place *at,
                        const struct light *light, struct canvas *on, struct arena *a)
{
    float across = -light->sun.x / fmaxf(light->sun.y, 0.25f),
          down = -light->sun.z / fmaxf(light->sun.y, 0.25f);
    float tall = at->scale * 1.9f, flat = sinf(at->tilt) + 0.12f;
    float along = down * flat;
    float reach = 0.4f * at->scale;
    struct layer l = layer_new(a, on, at->feet.x - fabsf(across) * tall - 2 * reach, at->feet.y - tall * 0.8f,
                               at->feet.x + fabsf(across) * tall + 2 * reach, at->feet.y + tall * 0.8f, 1);

    if (!l.px)
        return;
    if (fabsf(along) < 0.08f)
        along = along < 0 ? -0.08f : 0.08f;
    for (int y = 0; y < l.height; y++)
        for (int x = 0; x < l.width; x++) {
            float dy = (float)(l.y + y) - at->feet.y, tall_at = dy / along;
            float fx = (float)(l.x + x) - across * tall_at, fy = at->feet.y - tall_at;
            int ix = (int)((fx - (float)figure->x) * (float)figure->ss),
                iy = (int)((fy - (float)figure->y) * (float)figure->ss);
            if (tall_at > -0.05f * at->scale && relief_at(r, ix, iy) > NOTHING)
                l.px[(size_t)y * (size_t)l.width + (size_t)x].a =
                    light->shadow * clampf(1.0f - tall_at / tall * 0.6f, 0.2f, 1.0f);
        }
    layer_ellipse(&l, (struct vec2){at->feet.x, at->feet.y}, (struct vec2){reach, reach * 0.4f}, 0,
                  (struct colour){0, 0, 0}, 0.35f);
    layer_blur(&l, a, 0.03f * at->scale);
    layer_onto(&l, on);
}

void body_draw(const struct body *b, const struct place *at, const struct light *light, struct canvas *on,
               struct arena *a)
{
    struct bounds box = body_bounds(b, at);
    struct layer l = layer_new(a, on, box.x0 - 2, box.y0 - 2, box.x1 + 2, box.y1 + 2, at->scale > 60 ? 2 : 3);
    size_t n = (size_t)l.width * (size_t)l.height;
    struct relief r = {l.width, l.height, NULL, NULL};

    if (!l.px)
        return;
    r.depth = arena_array(a, n, sizeof *r.depth);
    r.hits = arena_array(a, n, sizeof *r.hits);
    for (size_t i = 0; i < n; i++)
        r.depth[i] = NOTHING;
    for (int i = 0; i < b->nlimbs; i++)
        relief_limb(&r, b, at, &l, i);
    draw_shadow(&r, &l, at, light, on, a);
    for (int y = 0; y < l.height; y++)
        for (int x = 0; x < l.width; x++)
            if (relief_at(&r, x, y) > NOTHING)
                shade(&r, b, at, light, &l, x, y);
    layer_onto(&l, on);
}
