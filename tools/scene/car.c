#include "car.h"

#include "base/c23.h"

enum { MAX_OUTLINE = 64, SLICES = 40, BANDS = 26, WHEEL_POINTS = 28 };

/* Upper outline from the rear bumper over the roof to the front bumper; x from the rear, y from the ground,
 * metres. */
struct car_shape {
    float length, width, belt, wheel;    /* belt: height of the windows' lower edge; wheel: radius */
    float rear_axle, front_axle, pillar; /* x; the pillar parts the side windows */
    float glass[2];                      /* x where the side windows begin and end */
    int n;
    struct vec2 outline[14];
};

static const struct car_shape shapes[] = {
    {4.15f,
     1.78f,
     .98f,
     .32f,
     .78f,
     3.35f,
     1.95f,
     {.55f, 3.0f},
     12,
     {{.06f, .32f},
      {0, .52f},
      {.03f, .86f},
      {.18f, 1.06f},
      {.62f, 1.42f},
      {1.4f, 1.50f},
      {2.2f, 1.45f},
      {3.0f, 1.03f},
      {3.75f, .90f},
      {4.08f, .72f},
      {4.15f, .48f},
      {4.08f, .28f}}},
    {4.65f,
     1.82f,
     .96f,
     .33f,
     .98f,
     3.72f,
     2.25f,
     {1.05f, 3.35f},
     12,
     {{.06f, .32f},
      {0, .56f},
      {.04f, .93f},
      {.75f, 1.02f},
      {1.38f, 1.38f},
      {2.0f, 1.46f},
      {2.65f, 1.41f},
      {3.4f, 1.00f},
      {4.25f, .88f},
      {4.58f, .70f},
      {4.65f, .46f},
      {4.56f, .28f}}},
    {4.45f,
     1.86f,
     1.10f,
     .36f,
     .86f,
     3.55f,
     2.10f,
     {.40f, 3.2f},
     12,
     {{.06f, .40f},
      {0, .62f},
      {.03f, 1.00f},
      {.14f, 1.22f},
      {.45f, 1.62f},
      {1.3f, 1.68f},
      {2.35f, 1.62f},
      {3.1f, 1.14f},
      {4.0f, 1.02f},
      {4.38f, .84f},
      {4.45f, .54f},
      {4.36f, .34f}}},
    {4.90f,
     1.95f,
     1.20f,
     .34f,
     .98f,
     3.95f,
     2.95f,
     {2.2f, 4.15f},
     11,
     {{.04f, .34f},
      {0, .60f},
      {.02f, 1.30f},
      {.08f, 1.88f},
      {.5f, 1.96f},
      {2.4f, 1.97f},
      {3.3f, 1.90f},
      {4.1f, 1.22f},
      {4.72f, 1.05f},
      {4.90f, .56f},
      {4.84f, .30f}}},
};
static const struct colour paints[] = {RGB(.80f, .80f, .80f), RGB(.92f, .92f, .91f), RGB(.12f, .12f, .13f),
                                       RGB(.62f, .10f, .10f), RGB(.14f, .22f, .46f), RGB(.40f, .42f, .44f),
                                       RGB(.24f, .30f, .26f)};

struct car_look car_look(struct rng *r, int night)
{
    return (struct car_look){
        .shape = &shapes[rng_int(r, (int)COUNT_OF(shapes))],
        .paint = paints[rng_int(r, (int)COUNT_OF(paints))],
        .lamps_on = night || rng_int(r, 3) == 0,
        .tint = rng_float(r, 0.2f, 0.8f),
    };
}

float car_length(const struct car_look *look)
{
    return look->shape->length;
}

struct drawing {
    const struct car_look *look;
    const struct car_shape *shape;
    const struct car_place *at;
    const struct view *view;
    const struct light *light;
    struct layer *layer;
    struct bounds bounds;
    struct vec2 outline[MAX_OUTLINE];
    int n;
    float near; /* +1 or -1: the side that faces the camera */
};

/* Chaikin's corner cutting, twice, ends kept. */
static void smooth_outline(struct drawing *d)
{
    struct vec2 cut[MAX_OUTLINE];

    d->n = d->shape->n;
    for (int i = 0; i < d->n; i++)
        d->outline[i] = d->shape->outline[i];
    for (int pass = 0; pass < 2; pass++) {
        int n = 0;
        cut[n++] = d->outline[0];
        for (int i = 0; i + 1 < d->n && n + 2 < MAX_OUTLINE; i++) {
            struct vec2 p = d->outline[i], q = d->outline[i + 1];
            cut[n++] = (struct vec2){mixf(p.x, q.x, .22f), mixf(p.y, q.y, .22f)};
            cut[n++] = (struct vec2){mixf(p.x, q.x, .78f), mixf(p.y, q.y, .78f)};
        }
        cut[n++] = d->outline[d->n - 1];
        for (int i = 0; i < n; i++)
            d->outline[i] = cut[i];
        d->n = n;
    }
}

/* Height of the upper outline at x. */
static float top_at(const struct drawing *d, float x)
{
    float top = 0.3f;

    for (int i = 0; i + 1 < d->n; i++) {
        struct vec2 p = d->outline[i], q = d->outline[i + 1];
        if (p.x <= x && x <= q.x && q.x > p.x)
            top = fmaxf(top, mixf(p.y, q.y, (x - p.x) / (q.x - p.x)));
    }
    return top;
}

/* Half the width at a height: upright to the belt, then the windows lean in; rounded at the sills. */
static float half_width(const struct car_shape *s, float y)
{
    float lean = clampf((y - s->belt) / 0.55f, 0, 1), sill = clampf((0.5f - y) / 0.3f, 0, 1);

    return 0.5f * s->width * (1.0f - 0.17f * lean - 0.04f * sill);
}

/* A point of the car on the canvas: x from the rear, y up, side -1..1 of the width there. */
static struct vec2 on_canvas(struct drawing *d, float x, float y, float side)
{
    float f = x - 0.5f * d->shape->length, l = side * half_width(d->shape, y);
    float c = cosf(d->at->heading), s = sinf(d->at->heading);
    /* Left of the heading is away from the camera at heading 0. */
    struct vec3 world = {d->at->x + f * c + l * s, y, d->at->z - f * s + l * c};
    struct vec2 p = view_project(d->view, world);

    d->bounds.x0 = fminf(d->bounds.x0, p.x);
    d->bounds.y0 = fminf(d->bounds.y0, p.y);
    d->bounds.x1 = fmaxf(d->bounds.x1, p.x);
    d->bounds.y1 = fmaxf(d->bounds.y1, p.y);
    return p;
}

/* The light on a part whose normal is (forward, up, out of the near side) in the car's frame. */
static struct colour lit(const struct drawing *d, struct colour c, float f, float u, float out, float open)
{
    float ch = cosf(d->at->heading), sh = sinf(d->at->heading), l = out * d->near;
    struct vec3 n = vec3_unit((struct vec3){f * ch + l * sh, u, f * sh - l * ch});

    return colour_times(c, light_on(d->light, n, open));
}

static void fill(struct drawing *d, const struct vec2 *p, int n, struct colour c, float alpha)
{
    layer_polygon(d->layer, p, n, c, alpha);
}

/* A four-cornered patch on the near side. */
static void side_patch(struct drawing *d, float x0, float y0, float x1, float y1, struct colour c,
                       float alpha)
{
    struct vec2 p[4] = {on_canvas(d, x0, y0, d->near), on_canvas(d, x1, y0, d->near),
                        on_canvas(d, x1, y1, d->near), on_canvas(d, x0, y1, d->near)};

    fill(d, p, 4, c, alpha);
}

/* A patch across the front or rear: from side a to side b, heights y0 to y1. */
static void end_patch(struct drawing *d, float x, float a, float b, float y0, float y1, struct colour c,
                      float alpha)
{
    struct vec2 p[4] = {on_canvas(d, x, y0, a), on_canvas(d, x, y0, b), on_canvas(d, x, y1, b),
                        on_canvas(d, x, y1, a)};

    fill(d, p, 4, c, alpha);
}

static int is_glass(const struct car_shape *s, struct vec2 p, struct vec2 q)
{
    float mid = 0.5f * (p.y + q.y), slope = fabsf(q.y - p.y) / (fabsf(q.x - p.x) + 1e-3f);

    return mid > s->belt + 0.04f && slope > 0.3f && mid < s->belt + 0.75f;
}

static struct colour glass_colour(const struct drawing *d, float up)
{
    struct colour sky = colour_scale(d->light->sky_colour, 1.1f);

    return colour_mix(RGB(.04f, .05f, .06f), sky, (0.10f + 0.75f * up * up) * (1.0f - 0.5f * d->look->tint));
}

/* Roof, bonnet, windscreens and bumpers: one strip across the car per piece of the outline, far ones first.
 */
static void draw_strip(struct drawing *d, int i)
{
    struct vec2 p = d->outline[i], q = d->outline[i + 1];
    float nf = -(q.y - p.y), nu = q.x - p.x;
    struct vec2 quad[4] = {on_canvas(d, p.x, p.y, -1), on_canvas(d, q.x, q.y, -1), on_canvas(d, q.x, q.y, 1),
                           on_canvas(d, p.x, p.y, 1)};
    struct colour c = d->look->paint;

    if (is_glass(d->shape, p, q))
        c = glass_colour(d, 0.5f);
    else
        c = colour_add(lit(d, c, nf, nu, 0, 1), colour_scale(d->light->sky_colour, 0.18f * fmaxf(0, nu)));
    if (p.y < 0.42f && q.y < 0.6f)
        c = colour_scale(c, 0.5f);
    fill(d, quad, 4, c, 1);
}

static void draw_strips(struct drawing *d)
{
    int rear_is_far = sinf(d->at->heading) > 0;

    for (int k = 0; k + 1 < d->n; k++)
        draw_strip(d, rear_is_far ? k : d->n - 2 - k);
}

static void draw_side(struct drawing *d)
{
    struct vec2 p[2 * (SLICES + 1)];
    float low = 0.24f, high = 2.0f;

    for (int band = 0; band < BANDS; band++) {
        float y0 = mixf(low, high, (float)band / BANDS),
              y1 = mixf(low, high, (float)(band + 1) / BANDS) + 0.01f;
        float crease = expf(-(y0 - 0.72f) * (y0 - 0.72f) * 300.0f), up = stepf(0.3f, d->shape->belt, y0);
        struct colour c = lit(d, colour_scale(d->look->paint, 0.62f + 0.36f * up + 0.22f * crease), 0,
                              0.25f * up, 1, 0.6f + 0.4f * up);
        int n = 0;
        if (y0 < 0.33f)
            c = lit(d, RGB(.10f, .10f, .10f), 0, 0, 1, 0.5f);
        for (int i = 0; i <= SLICES; i++) {
            float x = 0.03f + (d->shape->length - 0.06f) * (float)i / SLICES;
            p[n++] = on_canvas(d, x, fmaxf(y0, fminf(y1, top_at(d, x))), d->near);
        }
        for (int i = SLICES; i >= 0; i--)
            p[n++] = on_canvas(d, 0.03f + (d->shape->length - 0.06f) * (float)i / SLICES, y0, d->near);
        fill(d, p, n, colour_add(c, colour_scale(d->light->sky_colour, 0.08f * up)), 1);
    }
}

static void draw_glass(struct drawing *d, float x0, float x1)
{
    struct vec2 p[2 * SLICES + 2];
    float belt = d->shape->belt;
    int n = 0;

    for (int i = 0; i <= SLICES; i++) {
        float x = mixf(x0, x1, (float)i / SLICES);
        p[n++] = on_canvas(d, x, fmaxf(belt, top_at(d, x) - 0.10f), d->near);
    }
    p[n++] = on_canvas(d, x1, belt, d->near);
    p[n++] = on_canvas(d, x0, belt, d->near);
    fill(d, p, n, glass_colour(d, 0.25f), 1);
    for (int i = 0; i < n - 2; i++) /* the reflection of the sky in the upper half */
        p[i].y = mixf(p[i].y, p[n - 1].y, 0.02f);
    p[n - 2] = on_canvas(d, mixf(x1, x0, 0.5f), belt + 0.16f, d->near);
    p[n - 1] = on_canvas(d, x0, belt + 0.26f, d->near);
    fill(d, p, n, glass_colour(d, 0.8f), 0.55f);
}

/* Seats and heads behind the glass are left out; doors, handles, mirror and lamps are what a detector sees.
 */
static void draw_side_details(struct drawing *d)
{
    const struct car_shape *s = d->shape;
    struct colour seam = colour_scale(d->look->paint, 0.25f),
                  lamp = d->look->lamps_on ? RGB(1, .98f, .9f) : RGB(.80f, .82f, .84f);

    draw_glass(d, s->glass[0], s->pillar - 0.05f);
    draw_glass(d, s->pillar + 0.05f, s->glass[1]);
    side_patch(d, s->pillar - 0.012f, 0.36f, s->pillar + 0.012f, s->belt, seam, 0.8f);
    side_patch(d, s->glass[1] - 0.03f, 0.36f, s->glass[1] - 0.008f, s->belt - 0.03f, seam, 0.8f);
    side_patch(d, s->rear_axle + s->wheel + 0.09f, 0.36f, s->rear_axle + s->wheel + 0.11f, s->belt, seam,
               0.6f);
    side_patch(d, s->glass[0], s->belt - 0.025f, s->glass[1], s->belt + 0.005f, RGB(.08f, .08f, .08f), 0.8f);
    for (int i = 0; i < 2; i++) {
        float x = (i ? s->glass[1] - 0.95f : s->pillar - 0.28f);
        side_patch(d, x, s->belt - 0.15f, x + 0.2f, s->belt - 0.11f, colour_scale(d->look->paint, 0.45f), 1);
    }
    side_patch(d, s->glass[1] - 0.32f, s->belt + 0.01f, s->glass[1] - 0.10f, s->belt + 0.15f,
               colour_scale(d->look->paint, 0.55f), 1);
    side_patch(d, s->length - 0.42f, 0.66f, s->length - 0.10f, 0.78f, lamp, 1);
    side_patch(d, 0.03f, 0.72f, 0.22f, 0.92f,
               d->look->lamps_on ? RGB(.95f, .12f, .10f) : RGB(.55f, .08f, .08f), 1);
}

static void draw_front(struct drawing *d)
{
    float x = d->shape->length - 0.04f;
    struct colour lamp = d->look->lamps_on ? RGB(1, .98f, .9f) : RGB(.80f, .82f, .84f);

    end_patch(d, x, -0.55f, 0.55f, 0.50f, 0.66f, RGB(.07f, .07f, .07f), 1);
    end_patch(d, x, -0.70f, 0.70f, 0.34f, 0.44f, RGB(.07f, .07f, .07f), 1);
    end_patch(d, x + 0.02f, -0.28f, 0.28f, 0.45f, 0.56f, RGB(.90f, .90f, .86f), 1);
    end_patch(d, x - 0.05f, -0.96f, -0.58f, 0.62f, 0.77f, lamp, 1);
    end_patch(d, x - 0.05f, 0.58f, 0.96f, 0.62f, 0.77f, lamp, 1);
}

static void draw_rear(struct drawing *d)
{
    struct colour lamp = d->look->lamps_on ? RGB(.95f, .12f, .10f) : RGB(.55f, .08f, .08f);

    end_patch(d, 0.02f, -0.28f, 0.28f, 0.62f, 0.73f, RGB(.90f, .90f, .86f), 1);
    end_patch(d, 0.03f, -0.96f, -0.62f, 0.72f, 0.92f, lamp, 1);
    end_patch(d, 0.03f, 0.62f, 0.96f, 0.72f, 0.92f, lamp, 1);
    end_patch(d, 0.01f, -0.9f, 0.9f, 0.34f, 0.46f, RGB(.10f, .10f, .10f), 1);
}

static void disc(struct drawing *d, float x, float radius, float side, struct colour c)
{
    struct vec2 p[WHEEL_POINTS];

    for (int i = 0; i < WHEEL_POINTS; i++) {
        float angle = 2 * PI_F * (float)i / WHEEL_POINTS;
        p[i] = on_canvas(d, x + radius * cosf(angle), fmaxf(0, d->shape->wheel + radius * sinf(angle)), side);
    }
    fill(d, p, WHEEL_POINTS, c, 1);
}

static void draw_wheel(struct drawing *d, float x)
{
    float r = d->shape->wheel, turn = -d->at->rolled / r;
    struct colour metal = lit(d, RGB(.72f, .73f, .75f), 0, 0, 1, 0.8f);

    disc(d, x, r * 1.16f, d->near, RGB(.03f, .03f, .03f));
    disc(d, x, r, d->near, lit(d, RGB(.11f, .11f, .11f), 0, 0.2f, 1, 0.8f));
    disc(d, x, r * 0.68f, d->near, colour_scale(metal, 0.45f));
    for (int spoke = 0; spoke < 5; spoke++) {
        float angle = turn + 2 * PI_F * (float)spoke / 5, c = cosf(angle), s = sinf(angle), w = 0.16f * r,
              reach = r * 0.64f;
        struct vec2 p[4] = {on_canvas(d, x - s * w, r + c * w, d->near),
                            on_canvas(d, x + c * reach - s * w * 0.6f, r + s * reach + c * w * 0.6f, d->near),
                            on_canvas(d, x + c * reach + s * w * 0.6f, r + s * reach - c * w * 0.6f, d->near),
                            on_canvas(d, x + s * w, r - c * w, d->near)};
        fill(d, p, 4, metal, 1);
    }
    disc(d, x, r * 0.2f, d->near, metal);
}

static void ground_shadow(struct drawing *d, struct canvas *on, struct arena *a)
{
    struct bounds keep = d->bounds;
    struct vec2 p[4] = {on_canvas(d, -0.05f, 0, -1.1f), on_canvas(d, d->shape->length + 0.05f, 0, -1.1f),
                        on_canvas(d, d->shape->length + 0.05f, 0, 1.1f), on_canvas(d, -0.05f, 0, 1.1f)};
    float reach = 0.5f * d->view->focal / d->at->z;
    struct layer l;

    l = layer_new(a, on, d->bounds.x0 - reach, d->bounds.y0 - reach, d->bounds.x1 + reach,
                  d->bounds.y1 + reach, 1);
    d->bounds = keep;
    if (!l.px)
        return;
    layer_polygon(&l, p, 4, (struct colour){0, 0, 0}, 0.72f);
    layer_blur(&l, a, 0.10f * d->view->focal / d->at->z);
    layer_onto(&l, on);
}

struct bounds car_draw(const struct car_look *look, const struct car_place *at, const struct view *view,
                       const struct light *light, struct canvas *on, struct arena *a)
{
    static const struct bounds none = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    struct drawing d = {.look = look,
                        .shape = look->shape,
                        .at = at,
                        .view = view,
                        .light = light,
                        .bounds = none,
                        .near = cosf(at->heading) > 0 ? -1.0f : 1.0f};
    struct layer l;

    smooth_outline(&d);
    for (int i = 0; i < d.n; i++)
        for (int side = -1; side <= 1; side += 2)
            on_canvas(&d, d.outline[i].x, i ? d.outline[i].y : 0, (float)side);
    l = layer_new(a, on, d.bounds.x0 - 2, d.bounds.y0 - 2, d.bounds.x1 + 2, d.bounds.y1 + 30, 3);
    if (!l.px)
        return none;
    d.layer = &l;
    ground_shadow(&d, on, a);
    disc(&d, d.shape->rear_axle, d.shape->wheel, -d.near * 0.9f, RGB(.04f, .04f, .04f));
    disc(&d, d.shape->front_axle, d.shape->wheel, -d.near * 0.9f, RGB(.04f, .04f, .04f));
    draw_strips(&d);
    if (sinf(at->heading) > 0.02f)
        draw_front(&d);
    if (sinf(at->heading) < -0.02f)
        draw_rear(&d);
    draw_side(&d);
    draw_side_details(&d);
    draw_wheel(&d, d.shape->rear_axle);
    draw_wheel(&d, d.shape->front_axle);
    layer_onto(&l, on);
    return d.bounds;
}
