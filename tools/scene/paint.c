#include "paint.h"

#include <string.h>

struct canvas canvas_new(struct arena *a, int width, int height)
{
    return (struct canvas){width, height,
                           arena_array(a, (size_t)width * (size_t)height, sizeof(struct colour))};
}

void canvas_copy(struct canvas *dst, const struct canvas *src)
{
    memcpy(dst->px, src->px, (size_t)src->width * (size_t)src->height * sizeof *src->px);
}

struct layer layer_new(struct arena *a, const struct canvas *on, float x0, float y0, float x1, float y1,
                       int ss)
{
    int left = (int)floorf(clampf(x0, 0, (float)on->width)),
        top = (int)floorf(clampf(y0, 0, (float)on->height));
    int right = (int)ceilf(clampf(x1, 0, (float)on->width)),
        bottom = (int)ceilf(clampf(y1, 0, (float)on->height));
    struct layer l = {left, top, (right - left) * ss, (bottom - top) * ss, ss, NULL};

    if (l.width <= 0 || l.height <= 0)
        return (struct layer){.ss = ss};
    l.px = arena_array(a, (size_t)l.width * (size_t)l.height, sizeof *l.px);
    return l;
}

void sample_over(struct sample *dst, struct colour c, float alpha)
{
    float out = alpha + dst->a * (1.0f - alpha);

    if (out <= 0)
        return;
    dst->c = colour_mix(dst->c, c, alpha / out);
    dst->a = out;
}

/* The mean of one pixel's samples. */
static struct sample pixel_mean(const struct layer *l, int x, int y)
{
    struct sample sum = {{0, 0, 0}, 0};

    for (int j = 0; j < l->ss; j++) {
        const struct sample *s = l->px + (size_t)(y * l->ss + j) * (size_t)l->width + (size_t)(x * l->ss);
        for (int i = 0; i < l->ss; i++) {
            sum.c = colour_add(sum.c, colour_scale(s[i].c, s[i].a));
            sum.a += s[i].a;
        }
    }
    if (sum.a > 0)
        sum.c = colour_scale(sum.c, 1.0f / sum.a);
    sum.a /= (float)(l->ss * l->ss);
    return sum;
}

void layer_onto(const struct layer *l, struct canvas *dst)
{
    int w = l->width / l->ss, h = l->height / l->ss;

    for (int y = 0; y < h; y++) {
        struct colour *row = dst->px + (size_t)(l->y + y) * (size_t)dst->width + (size_t)l->x;
        for (int x = 0; x < w; x++) {
            struct sample s = pixel_mean(l, x, y);
            if (s.a > 0)
                row[x] = colour_mix(row[x], s.c, s.a);
        }
    }
}

/* One running mean over n samples that lie `stride` apart; premultiplied values. */
static void blur_run(struct sample *p, size_t n, size_t stride, int radius, struct sample *copy)
{
    struct sample sum = {{0, 0, 0}, 0};
    float scale = 1.0f / (float)(2 * radius + 1);

    for (size_t i = 0; i < n; i++)
        copy[i] = p[i * stride];
    for (int i = 0; i < radius && (size_t)i < n; i++) {
        sum.c = colour_add(sum.c, copy[i].c);
        sum.a += copy[i].a;
    }
    for (size_t i = 0; i < n; i++) {
        if (i + (size_t)radius < n) {
            sum.c = colour_add(sum.c, copy[i + (size_t)radius].c);
            sum.a += copy[i + (size_t)radius].a;
        }
        if (i > (size_t)radius) {
            sum.c = colour_add(sum.c, colour_scale(copy[i - (size_t)radius - 1].c, -1.0f));
            sum.a -= copy[i - (size_t)radius - 1].a;
        }
        p[i * stride] = (struct sample){colour_scale(sum.c, scale), clampf(sum.a * scale, 0.0f, 1.0f)};
    }
}

static void layer_premultiply(struct layer *l)
{
    size_t n = (size_t)l->width * (size_t)l->height;

    for (size_t i = 0; i < n; i++)
        l->px[i].c = colour_scale(l->px[i].c, l->px[i].a);
}

static void layer_unpremultiply(struct layer *l)
{
    size_t n = (size_t)l->width * (size_t)l->height;

    for (size_t i = 0; i < n; i++)
        if (l->px[i].a > 1e-6f)
            l->px[i].c = colour_scale(l->px[i].c, 1.0f / l->px[i].a);
}

void layer_blur(struct layer *l, struct arena *a, float radius)
{
    int r = (int)(radius * (float)l->ss / 2.0f + 0.5f);
    size_t w = (size_t)l->width, h = (size_t)l->height;
    struct sample *copy;

    if (r < 1 || !l->px)
        return;
    copy = arena_array(a, w > h ? w : h, sizeof *copy);
    layer_premultiply(l);
    for (int pass = 0; pass < 3; pass++) {
        for (size_t y = 0; y < h; y++)
            blur_run(l->px + y * w, w, 1, r, copy);
        for (size_t x = 0; x < w; x++)
            blur_run(l->px + x, h, w, r, copy);
    }
    layer_unpremultiply(l);
}

enum { MAX_CROSSINGS = 64 };

/* Where the row y cuts the polygon's edges, sorted. */
static int crossings(const struct vec2 *p, int n, float y, float *ret_x)
{
    int found = 0;

    for (int i = 0; i < n; i++) {
        struct vec2 a = p[i], b = p[(i + 1) % n];
        float x;
        int at;
        if ((a.y <= y) == (b.y <= y) || found == MAX_CROSSINGS)
            continue;
        x = a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
        for (at = found++; at > 0 && ret_x[at - 1] > x; at--)
            ret_x[at] = ret_x[at - 1];
        ret_x[at] = x;
    }
    return found;
}

static void fill_span(struct layer *l, int row, float x0, float x1, struct colour c, float alpha)
{
    float ss = (float)l->ss;
    int from = (int)ceilf(clampf((x0 - (float)l->x) * ss - 0.5f, 0.0f, (float)l->width));
    int to = (int)ceilf(clampf((x1 - (float)l->x) * ss - 0.5f, 0.0f, (float)l->width));
    struct sample *s = l->px + (size_t)row * (size_t)l->width;

    for (int x = from; x < to; x++)
        sample_over(s + x, c, alpha);
}

static void row_range(const struct layer *l, float y0, float y1, int *ret_from, int *ret_to)
{
    float ss = (float)l->ss;

    *ret_from = (int)floorf(clampf((y0 - (float)l->y) * ss, 0.0f, (float)l->height));
    *ret_to = (int)ceilf(clampf((y1 - (float)l->y) * ss, 0.0f, (float)l->height));
}

static float row_y(const struct layer *l, int row)
{
    return (float)l->y + ((float)row + 0.5f) / (float)l->ss;
}

void layer_polygon(struct layer *l, const struct vec2 *pts, int n, struct colour c, float alpha)
{
    float top = INFINITY, bottom = -INFINITY, x[MAX_CROSSINGS];
    int from, to;

    for (int i = 0; i < n; i++) {
        top = fminf(top, pts[i].y);
        bottom = fmaxf(bottom, pts[i].y);
    }
    row_range(l, top, bottom, &from, &to);
    for (int row = from; row < to; row++) {
        int found = crossings(pts, n, row_y(l, row), x);
        for (int i = 0; i + 1 < found; i += 2)
            fill_span(l, row, x[i], x[i + 1], c, alpha);
    }
}

void layer_ellipse(struct layer *l, struct vec2 centre, struct vec2 radius, float angle, struct colour c,
                   float alpha)
{
    float ca = cosf(angle), sa = sinf(angle);
    /* The rotated ellipse as A x^2 + 2 B x y + C y^2 = 1. */
    float ia = 1.0f / (radius.x * radius.x), ib = 1.0f / (radius.y * radius.y);
    float A = ca * ca * ia + sa * sa * ib, B = ca * sa * (ia - ib), C = sa * sa * ia + ca * ca * ib;
    float reach = sqrtf(A / (A * C - B * B));
    int from, to;

    row_range(l, centre.y - reach, centre.y + reach, &from, &to);
    for (int row = from; row < to; row++) {
        float y = row_y(l, row) - centre.y, under = B * B * y * y - A * (C * y * y - 1.0f);
        if (under > 0)
            fill_span(l, row, centre.x + (-B * y - sqrtf(under)) / A, centre.x + (-B * y + sqrtf(under)) / A,
                      c, alpha);
    }
}

void layer_line(struct layer *l, struct vec2 a, struct vec2 b, float wa, float wb, struct colour c,
                float alpha)
{
    float dx = b.x - a.x, dy = b.y - a.y, n = sqrtf(dx * dx + dy * dy);
    float ux = n > 1e-6f ? -dy / n * 0.5f : 0.5f, uy = n > 1e-6f ? dx / n * 0.5f : 0.0f;
    struct vec2 p[4] = {{a.x + ux * wa, a.y + uy * wa},
                        {b.x + ux * wb, b.y + uy * wb},
                        {b.x - ux * wb, b.y - uy * wb},
                        {a.x - ux * wa, a.y - uy * wa}};

    layer_polygon(l, p, 4, c, alpha);
}
