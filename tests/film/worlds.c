#include <math.h>
#include <string.h>

#include "film.h"
#include "film_random.h"

enum { WORLDS = 2, MAX_MOVERS = 4, MAX_SHAPES = 30, SUB = 256 }; /* kept worlds: a transition needs two */

struct mover {
    double x, y, vx, vy, rx, ry; /* shares of the picture's width */
    int luma, u, v, texture;
};

/* One made scene: a map larger than the picture, and a camera over it. */
struct world {
    int number; /* -1 = none yet */
    struct sheet map;
    double x, y, vx, vy, scale, zoom, shake, wave; /* pixels of the map, seconds */
    int noise, nmovers;
    uint64_t seed;
    struct mover movers[MAX_MOVERS];
};

struct worlds {
    uint64_t seed;
    int width, height;
    struct world kept[WORLDS];
};

/* ---- the map ---- */

static double smooth(double t)
{
    return t * t * (3 - 2 * t);
}

static double corner(uint64_t seed, int x, int y)
{
    uint64_t s = seed ^ ((uint64_t)(uint32_t)x << 32 | (uint32_t)y);

    return film_between(&s, -1, 1);
}

/* Value noise with cells of `size` pixels, added to a plane. */
static void add_noise(uint8_t *plane, int width, int height, double size, double strength, uint64_t seed)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int cx = (int)(x / size), cy = (int)(y / size);
            double fx = smooth(x / size - cx), fy = smooth(y / size - cy);
            double top = corner(seed, cx, cy) * (1 - fx) + corner(seed, cx + 1, cy) * fx;
            double low = corner(seed, cx, cy + 1) * (1 - fx) + corner(seed, cx + 1, cy + 1) * fx;
            double v = plane[y * width + x] + strength * (top * (1 - fy) + low * fy);
            plane[y * width + x] = (uint8_t)(v < 16 ? 16 : v > 235 ? 235 : v);
        }
}

static void add_shape(struct sheet *m, uint64_t *random, int contrast, int colourful)
{
    int w = 20 + film_one_of(random, m->width / 3), h = 20 + film_one_of(random, m->height / 2);
    int x0 = film_one_of(random, m->width) - w / 2, y0 = film_one_of(random, m->height) - h / 2;
    int luma = film_one_of(random, 2 * contrast + 1) - contrast, round = film_one_of(random, 2);
    int u = 128 + film_one_of(random, 2 * colourful + 1) - colourful,
        v = 128 + film_one_of(random, 2 * colourful + 1) - colourful;

    for (int y = y0 < 0 ? 0 : y0; y < y0 + h && y < m->height; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x0 + w && x < m->width; x++) {
            double dx = 2.0 * (x - x0) / w - 1, dy = 2.0 * (y - y0) / h - 1;
            int level = m->y[y * m->width + x] + luma;

            if (round && dx * dx + dy * dy > 1)
                continue;
            m->y[y * m->width + x] = (uint8_t)(level < 16 ? 16 : level > 235 ? 235 : level);
            m->u[y / 2 * (m->width / 2) + x / 2] = (uint8_t)u;
            m->v[y / 2 * (m->width / 2) + x / 2] = (uint8_t)v;
        }
}

static void paint_map(struct world *w, uint64_t *random)
{
    struct sheet *m = &w->map;
    int contrast = 15 + film_one_of(random, 80),
        colourful = film_chance(random, 0.2) ? 0 : film_one_of(random, 50);
    int shapes = 3 + film_one_of(random, MAX_SHAPES - 3);
    bool flat = film_chance(random, 0.12);

    memset(m->y, 40 + film_one_of(random, 150), (size_t)m->width * (size_t)m->height);
    memset(m->u, 128 + film_one_of(random, colourful + 1) - colourful / 2,
           (size_t)(m->width * m->height / 4));
    memset(m->v, 128 + film_one_of(random, colourful + 1) - colourful / 2,
           (size_t)(m->width * m->height / 4));
    for (int i = 0; i < shapes; i++)
        add_shape(m, random, contrast, colourful);
    for (double size = 90; size > 3 && !flat; size /= 2.7)
        add_noise(m->y, m->width, m->height, size, film_between(random, 2, 6 + contrast / 3.0),
                  film_random(random));
    add_noise(m->u, m->width / 2, m->height / 2, 60, colourful / 2.0, film_random(random));
    add_noise(m->v, m->width / 2, m->height / 2, 60, colourful / 2.0, film_random(random));
}

/* ---- camera and things that pass ---- */

static void set_camera(struct world *w, uint64_t *random)
{
    int kind = film_one_of(random, 6); /* still, still, shake, pan, zoom, fast pan */
    double speed = kind == 3 ? film_between(random, 10, 60) : kind == 5 ? film_between(random, 60, 200) : 0;
    double direction = film_between(random, 0, 6.283);

    w->x = w->map.width / 2.0;
    w->y = w->map.height / 2.0;
    w->vx = speed * cos(direction);
    w->vy = speed * sin(direction) * 0.4;
    w->scale = film_between(random, 0.8, 1.2);
    w->zoom = kind == 4 ? film_between(random, -0.2, 0.2) : 0;
    w->shake = kind == 2 ? film_between(random, 1, 6) : 0;
    w->wave = film_between(random, 2, 9);
    w->noise = film_one_of(random, 5);
}

static void set_movers(struct world *w, uint64_t *random)
{
    w->nmovers = film_one_of(random, MAX_MOVERS + 1);
    for (int i = 0; i < w->nmovers; i++)
        w->movers[i] = (struct mover){
            .x = film_between(random, 0, 1),
            .y = film_between(random, 0, 0.56),
            .vx = film_between(random, -0.6, 0.6),
            .vy = film_between(random, -0.2, 0.2),
            .rx = film_between(random, 0.03, 0.16),
            .ry = film_between(random, 0.03, 0.2),
            .luma = 30 + film_one_of(random, 180),
            .u = 90 + film_one_of(random, 76),
            .v = 90 + film_one_of(random, 76),
            .texture = film_one_of(random, 40),
        };
}

static void make(struct world *w, uint64_t seed, int number)
{
    uint64_t random = seed * 1000003 + (uint64_t)number;

    film_random(&random);
    w->number = number;
    w->seed = film_random(&random);
    paint_map(w, &random);
    set_camera(w, &random);
    set_movers(w, &random);
}

static struct world *find(struct worlds *ws, int number)
{
    struct world *w = &ws->kept[number % WORLDS];

    if (w->number != number)
        make(w, ws->seed, number);
    return w;
}

/* ---- drawing ---- */

/* Positions over the edge come back, as in a mirror. */
static int fold(int64_t p, int n)
{
    int64_t period = 2 * (int64_t)(n - 2) * SUB;
    int64_t q = p % period;

    q = q < 0 ? q + period : q;
    return (int)(q < period / 2 ? q : period - 1 - q);
}

static int bilinear(const uint8_t *plane, int width, int fx, int fy)
{
    const uint8_t *p = plane + (ptrdiff_t)(fy / SUB) * width + fx / SUB;
    int x = fx % SUB, y = fy % SUB;

    return ((p[0] * (SUB - x) + p[1] * x) * (SUB - y) + (p[width] * (SUB - x) + p[width + 1] * x) * y) /
           (SUB * SUB);
}

struct view {
    double x, y, scale; /* upper left corner on the map, map pixels per pixel */
};

static void draw_plane(const uint8_t *map, int mw, int mh, struct view v, uint8_t *dst, int w, int h)
{
    int64_t step = llround(v.scale * SUB), x0 = llround(v.x * SUB), y0 = llround(v.y * SUB);

    for (int y = 0; y < h; y++) {
        int fy = fold(y0 + y * step, mh);
        for (int x = 0; x < w; x++)
            dst[y * w + x] = (uint8_t)bilinear(map, mw, fold(x0 + x * step, mw), fy);
    }
}

static void draw_mover(const struct mover *m, double t, struct sheet *on)
{
    double w = on->width, span = 1.4, x = fmod(fmod(m->x + m->vx * t, span) + span, span) - 0.2;
    double y = fmod(fmod(m->y + m->vy * t, 0.9) + 0.9, 0.9) - 0.15;
    int x0 = (int)((x - m->rx) * w), x1 = (int)((x + m->rx) * w), y0 = (int)((y - m->ry) * w),
        y1 = (int)((y + m->ry) * w);

    for (int py = y0 < 0 ? 0 : y0; py < y1 && py < on->height; py++)
        for (int px = x0 < 0 ? 0 : x0; px < x1 && px < on->width; px++) {
            double dx = (px / w - x) / m->rx, dy = (py / w - y) / m->ry;
            int stripe = (px - x0) / 6 % 2 ? m->texture : -m->texture / 2, level = m->luma + stripe;

            if (dx * dx + dy * dy > 1)
                continue;
            on->y[py * on->width + px] = (uint8_t)(level < 16 ? 16 : level > 235 ? 235 : level);
            on->u[py / 2 * (on->width / 2) + px / 2] = (uint8_t)m->u;
            on->v[py / 2 * (on->width / 2) + px / 2] = (uint8_t)m->v;
        }
}

/* About normal, `strength` levels of deviation. */
static void grain(struct sheet *on, int strength, uint64_t seed)
{
    size_t n = (size_t)on->width * (size_t)on->height;

    for (size_t i = 0; strength && i < n; i += 4) {
        uint64_t r = film_random(&seed);
        for (size_t k = i; k < i + 4 && k < n; k++, r >>= 16) {
            int noise = (int)(r & 15) + (int)(r >> 4 & 15) + (int)(r >> 8 & 15) + (int)(r >> 12 & 15) - 30;
            int level = on->y[k] + noise * strength / 9;
            on->y[k] = (uint8_t)(level < 16 ? 16 : level > 235 ? 235 : level);
        }
    }
}

static void draw_world(void *of, int number, double t, struct sheet *on)
{
    struct worlds *ws = of;
    const struct world *w = find(ws, number);
    double scale = w->scale * exp(w->zoom * t);
    double x = w->x + w->vx * t + w->shake * sin(w->wave * t) - on->width * scale / 2;
    double y = w->y + w->vy * t + w->shake * cos(1.3 * w->wave * t) - on->height * scale / 2;
    const struct sheet *m = &w->map;

    draw_plane(m->y, m->width, m->height, (struct view){x, y, scale}, on->y, on->width, on->height);
    draw_plane(m->u, m->width / 2, m->height / 2, (struct view){x / 2, y / 2, scale}, on->u, on->width / 2,
               on->height / 2);
    draw_plane(m->v, m->width / 2, m->height / 2, (struct view){x / 2, y / 2, scale}, on->v, on->width / 2,
               on->height / 2);
    for (int i = 0; i < w->nmovers; i++)
        draw_mover(&w->movers[i], t, on);
    grain(on, w->noise, w->seed ^ (uint64_t)llround(t * 90000));
}

struct film_source film_worlds(struct arena *a, uint64_t seed, int width, int height)
{
    struct worlds *ws = arena_alloc(a, sizeof *ws);

    ws->seed = seed;
    ws->width = width;
    ws->height = height;
    for (int i = 0; i < WORLDS; i++) {
        ws->kept[i].number = -1;
        ws->kept[i].map = sheet_new(a, width * 2, height * 2);
    }
    return (struct film_source){draw_world, ws, 0};
}
