#include "camera.h"

#include <stdio.h>

static struct camera first_camera(struct rng *r, bool night, int hour)
{
    return (struct camera){
        .noise = night ? rng_float(r, 0.018f, 0.034f) : rng_float(r, 0.006f, 0.014f),
        .softness = rng_float(r, 0.04f, 0.10f),
        .vignette = night ? rng_float(r, 0.35f, 0.6f) : rng_float(r, 0.05f, 0.18f),
        .grey = night,
        .stamp = rng_int(r, 2) == 0,
        .clock = hour * 3600 + rng_int(r, 3600),
    };
}

static struct tone some_tone(struct rng *r)
{
    return (struct tone){true,
                         rng_float(r, 0.7f, 1.5f),
                         rng_float(r, 0.7f, 1.25f),
                         rng_float(r, 0.0f, 1.5f),
                         {rng_float(r, 0.9f, 1.1f), rng_float(r, 0.93f, 1.07f), rng_float(r, 0.9f, 1.1f)}};
}

static struct camera varied_camera(struct rng *r, bool night, int hour, int width, int height)
{
    struct camera c = first_camera(r, night, hour);
    float room;

    c.noise *= rng_float(r, 0.4f, 2.2f);
    c.softness = rng_float(r, -0.10f, 0.17f);
    c.vignette *= rng_float(r, 0.0f, 1.5f);
    c.tone = some_tone(r);
    c.crop.zoom = rng_int(r, 2) ? rng_float(r, 1.0f, 1.35f) : 1.0f;
    room = 0.5f * (1.0f - 1.0f / c.crop.zoom);
    c.crop.shift =
        (struct vec2){rng_float(r, -room, room) * (float)width, rng_float(r, -room, room) * (float)height};
    c.crop.mirror = rng_int(r, 2);
    return c;
}

/* Old or cheap ones: smeared rows, striped sensors, few colours, a lamp that leaves the corners dark. */
static struct camera second_camera(struct rng *r, bool night, int hour)
{
    struct camera c = {
        .noise = night ? rng_float(r, 0.010f, 0.050f) : rng_float(r, 0.003f, 0.022f),
        .softness = rng_float(r, -0.07f, 0.14f),
        .vignette = night ? rng_float(r, 0.1f, 0.8f) : rng_float(r, 0.0f, 0.3f),
        .grey = night || rng_int(r, 5) == 0,
        .stamp = rng_int(r, 3) == 0,
        .clock = hour * 3600 + rng_int(r, 3600),
        .smear = rng_int(r, 2) ? rng_float(r, 0.2f, 0.6f) : 0,
        .columns = rng_int(r, 3) == 0 ? rng_float(r, 0.005f, 0.02f) : 0,
    };

    c.tone =
        (struct tone){true,
                      rng_float(r, 0.8f, 1.3f),
                      rng_float(r, 0.75f, 1.15f),
                      rng_float(r, 0.4f, 1.2f),
                      {rng_float(r, 0.85f, 1.1f), rng_float(r, 0.95f, 1.05f), rng_float(r, 0.9f, 1.15f)}};
    return c;
}

struct camera camera_new(struct rng *r, enum style style, bool night, int hour, int width, int height)
{
    return style == STYLE_VARIED || style == STYLE_THIRD ? varied_camera(r, night, hour, width, height)
           : style == STYLE_SECOND                       ? second_camera(r, night, hour)
                                                         : first_camera(r, night, hour);
}

static struct colour at(const struct canvas *c, int x, int y)
{
    x = x < 0 ? 0 : x >= c->width ? c->width - 1 : x;
    y = y < 0 ? 0 : y >= c->height ? c->height - 1 : y;
    return c->px[(size_t)y * (size_t)c->width + (size_t)x];
}

/* The canvas moved by a fraction of pixels. */
static void shift_canvas(const struct canvas *src, struct vec2 by, struct canvas *dst)
{
    int ix = (int)floorf(by.x), iy = (int)floorf(by.y);
    float u = by.x - (float)ix, v = by.y - (float)iy;

    for (int y = 0; y < dst->height; y++)
        for (int x = 0; x < dst->width; x++) {
            struct colour top = colour_mix(at(src, x + ix, y + iy), at(src, x + ix + 1, y + iy), u);
            struct colour low = colour_mix(at(src, x + ix, y + iy + 1), at(src, x + ix + 1, y + iy + 1), u);
            dst->px[(size_t)y * (size_t)dst->width + (size_t)x] = colour_mix(top, low, v);
        }
}

/* 0 counts as 1. */
static float zoom_of(const struct camera *c, struct exposure e)
{
    return (c->crop.zoom > 0 ? c->crop.zoom : 1) * (e.zoom > 0 ? e.zoom : 1);
}

struct vec2 camera_sees(const struct camera *c, struct exposure e, const struct canvas *seen, struct vec2 p)
{
    float zoom = zoom_of(c, e), cx = 0.5f * (float)seen->width, cy = 0.5f * (float)seen->height;
    float side = c->crop.mirror ? -1.0f : 1.0f;

    return (struct vec2){cx + side * zoom * (p.x - cx - c->crop.shift.x - e.shift.x),
                         cy + zoom * (p.y - cy - c->crop.shift.y - e.shift.y)};
}

static struct colour between(const struct canvas *c, float x, float y)
{
    int ix = (int)floorf(x), iy = (int)floorf(y);
    float u = x - (float)ix, v = y - (float)iy;

    return colour_mix(colour_mix(at(c, ix, iy), at(c, ix + 1, iy), u),
                      colour_mix(at(c, ix, iy + 1), at(c, ix + 1, iy + 1), u), v);
}

/* Part of the canvas, enlarged: the way back of camera_sees. */
static void zoom_canvas(const struct camera *c, struct exposure e, const struct canvas *src,
                        struct canvas *dst)
{
    float zoom = zoom_of(c, e), cx = 0.5f * (float)src->width, cy = 0.5f * (float)src->height;
    float side = c->crop.mirror ? -1.0f : 1.0f;

    for (int y = 0; y < dst->height; y++)
        for (int x = 0; x < dst->width; x++)
            dst->px[(size_t)y * (size_t)dst->width + (size_t)x] =
                between(src, cx + side * ((float)x - cx) / zoom + c->crop.shift.x + e.shift.x,
                        cy + ((float)y - cy) / zoom + c->crop.shift.y + e.shift.y);
}

static void smear_rows(struct canvas *c, float share)
{
    for (int y = 0; y < c->height; y++)
        for (int x = 1; x < c->width; x++) {
            struct colour *p = &c->px[(size_t)y * (size_t)c->width + (size_t)x];
            *p = colour_mix(*p, p[-1], share);
        }
}

/* Three-tap blur in both directions, in place of a lens's own. */
static void soften(struct canvas *c, float w, struct canvas *tmp)
{
    canvas_copy(tmp, c);
    for (int y = 0; y < c->height; y++)
        for (int x = 0; x < c->width; x++) {
            struct colour sides = colour_add(colour_add(at(tmp, x - 1, y), at(tmp, x + 1, y)),
                                             colour_add(at(tmp, x, y - 1), at(tmp, x, y + 1)));
            c->px[(size_t)y * (size_t)c->width + (size_t)x] =
                colour_add(colour_scale(at(tmp, x, y), 1.0f - 4.0f * w), colour_scale(sides, w));
        }
}

/* Digits, colon and dash on a 3x5 grid, one row of three bits per octal digit from the top. */
static const struct {
    char c;
    unsigned rows;
} glyphs[] = {{'0', 075557}, {'1', 026227}, {'2', 071747}, {'3', 071717}, {'4', 055711}, {'5', 074717},
              {'6', 074757}, {'7', 071122}, {'8', 075757}, {'9', 075717}, {':', 002020}, {'-', 000700}};

static void draw_glyph(struct canvas *c, char ch, int x0, int y0, int size)
{
    unsigned rows = 0;

    for (size_t i = 0; i < sizeof glyphs / sizeof glyphs[0]; i++)
        if (glyphs[i].c == ch)
            rows = glyphs[i].rows;
    for (int y = 0; y < 5 * size; y++)
        for (int x = 0; x < 3 * size; x++)
            if (rows >> (3 * (4 - y / size) + 2 - x / size) & 1 && x0 + x < c->width && y0 + y < c->height)
                c->px[(size_t)(y0 + y) * (size_t)c->width + (size_t)(x0 + x)] = RGB(.95f, .95f, .95f);
}

static void draw_stamp(struct canvas *c, int clock)
{
    char text[32];
    int size = c->height / 160 + 1;

    snprintf(text, sizeof text, "2026-05-14 %02d:%02d:%02d", clock / 3600 % 24, clock / 60 % 60, clock % 60);
    for (int i = 0; text[i]; i++)
        draw_glyph(c, text[i], 8 + i * 4 * size, 8, size);
}

static uint8_t to_byte(float v)
{
    return (uint8_t)(clampf(v, 0.0f, 1.0f) * 255.0f + 0.5f);
}

static float tone_one(const struct tone *t, float v)
{
    return (powf(clampf(v, 0.0f, 1.0f), t->gamma) - 0.5f) * t->contrast + 0.5f;
}

static struct colour toned(const struct tone *t, struct colour v)
{
    float luma = 0.114f * v.b + 0.587f * v.g + 0.299f * v.r;

    if (!t->on)
        return v;
    v = colour_times(colour_mix((struct colour){luma, luma, luma}, v, t->saturation), t->tint);
    return (struct colour){tone_one(t, v.b), tone_one(t, v.g), tone_one(t, v.r)};
}

/* Noise grows with the root of the light, on a dark floor. */
static struct colour grain(const struct camera *c, struct colour v, struct rng *r)
{
    float luma = 0.114f * v.b + 0.587f * v.g + 0.299f * v.r, n = c->noise * (0.5f + sqrtf(fmaxf(luma, 0.0f)));
    float all = rng_normal(r) * n;

    if (c->grey)
        return (struct colour){luma + all, luma + all, luma + all};
    return (struct colour){v.b + all + rng_float(r, -n, n), v.g + all, v.r + all + rng_float(r, -n, n)};
}

void camera_take(const struct camera *c, const struct canvas *seen, struct exposure e, double seconds,
                 struct rng *r, struct arena *a, struct picture *ret)
{
    struct canvas tmp = canvas_new(a, seen->width, seen->height),
                  shot = canvas_new(a, seen->width, seen->height);
    float cx = 0.5f * (float)seen->width, cy = 0.5f * (float)seen->height, reach2 = cx * cx + cy * cy;
    uint8_t *out;

    if (zoom_of(c, e) == 1.0f && !c->crop.mirror)
        shift_canvas(seen, e.shift, &shot);
    else
        zoom_canvas(c, e, seen, &shot);
    soften(&shot, c->softness, &tmp);
    if (c->smear > 0)
        smear_rows(&shot, c->smear);
    if (c->stamp)
        draw_stamp(&shot, c->clock + (int)seconds);
    *ret = (struct picture){seen->width, seen->height, 3,
                            arena_array(a, (size_t)seen->width * (size_t)seen->height, 3)};
    out = ret->pixels;
    for (int y = 0; y < shot.height; y++)
        for (int x = 0; x < shot.width; x++, out += 3) {
            float dx = (float)x - cx, dy = (float)y - cy,
                  dark = 1.0f - c->vignette * (dx * dx + dy * dy) / reach2;
            float column = c->columns > 0 ? c->columns * (cell2(x, 0, 77) * 2 - 1) : 0;
            struct colour lit =
                toned(&c->tone, colour_scale(at(&shot, x, y), e.gain * dark * (1.0f + column)));
            struct colour v = grain(c, lit, r);
            out[0] = to_byte(v.b);
            out[1] = to_byte(v.g);
            out[2] = to_byte(v.r);
        }
}
