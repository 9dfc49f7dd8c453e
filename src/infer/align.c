#include "infer/align_int.h"

#include <math.h>
#include <string.h>

enum { CHANNELS = 3 };

bool similarity_between(const double (*from)[2], const double (*to)[2], size_t n, struct similarity *ret)
{
    double fx = 0, fy = 0, tx = 0, ty = 0, along = 0, across = 0, spread = 0;

    for (size_t i = 0; i < n; i++) {
        fx += from[i][0] / (double)n;
        fy += from[i][1] / (double)n;
        tx += to[i][0] / (double)n;
        ty += to[i][1] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double ux = from[i][0] - fx, uy = from[i][1] - fy, vx = to[i][0] - tx, vy = to[i][1] - ty;

        along += ux * vx + uy * vy;
        across += ux * vy - uy * vx;
        spread += ux * ux + uy * uy;
    }
    if (!(spread > 0) || !(hypot(along, across) > 1e-9 * spread))
        return false;
    ret->c = along / spread;
    ret->s = across / spread;
    ret->x = tx - ret->c * fx + ret->s * fy;
    ret->y = ty - ret->s * fx - ret->c * fy;
    return isfinite(ret->c) && isfinite(ret->s) && isfinite(ret->x) && isfinite(ret->y);
}

struct similarity similarity_inverse(const struct similarity *t)
{
    double square = t->c * t->c + t->s * t->s;
    struct similarity r = {t->c / square, -t->s / square, 0, 0};

    r.x = -(r.c * t->x - r.s * t->y);
    r.y = -(r.s * t->x + r.c * t->y);
    return r;
}

/* ---- cutting ---- */

/* The part of src that dst can see, and how many of its pixels the shrunken copy has. */
struct view {
    int x, y, w, h;
    struct picture shrunk;
    double fx, fy; /* shrunken pixels of one pixel */
};

static int clamp_int(double v, int low, int high)
{
    return (int)fmin(fmax(v, low), high);
}

/* The corners of dst in src, one pixel wider, cut to src. */
static struct view view_of(const struct picture *src, const struct similarity *t, const struct picture *dst)
{
    double left = HUGE_VAL, right = -HUGE_VAL, top = HUGE_VAL, bottom = -HUGE_VAL;
    struct view v = {0};

    for (int i = 0; i < 4; i++) {
        double u = i & 1 ? dst->width : 0, w = i & 2 ? dst->height : 0;
        double x = t->c * u - t->s * w + t->x, y = t->s * u + t->c * w + t->y;

        left = fmin(left, x);
        right = fmax(right, x);
        top = fmin(top, y);
        bottom = fmax(bottom, y);
    }
    v.x = clamp_int(floor(left) - 1, 0, src->width - 1);
    v.y = clamp_int(floor(top) - 1, 0, src->height - 1);
    v.w = clamp_int(ceil(right) + 1, v.x + 1, src->width) - v.x;
    v.h = clamp_int(ceil(bottom) + 1, v.y + 1, src->height) - v.y;
    return v;
}

/* Above that many pixels of src for one of dst, bilinear alone would skip some. */
static const double shrink_from = 1.5;

static void shrink(struct arena *a, const struct picture *src, double scale, struct view *v)
{
    v->shrunk = (struct picture){v->w, v->h, CHANNELS, NULL};
    if (scale > shrink_from) {
        v->shrunk.width = clamp_int(ceil(v->w / scale), 1, v->w);
        v->shrunk.height = clamp_int(ceil(v->h / scale), 1, v->h);
        v->shrunk.pixels = arena_alloc(a, (size_t)v->shrunk.width * (size_t)v->shrunk.height * CHANNELS);
        if (picture_scale(src, v->x, v->y, v->w, v->h, &v->shrunk, NULL) < 0)
            v->shrunk.pixels = NULL;
    }
    if (!v->shrunk.pixels) { /* the picture itself */
        v->shrunk = *src;
        v->x = v->y = 0;
        v->w = src->width;
        v->h = src->height;
    }
    v->fx = (double)v->shrunk.width / v->w;
    v->fy = (double)v->shrunk.height / v->h;
}

/* The value at x, y, counted from the middle of the first pixel; black beyond the border. */
static void sample(const struct picture *p, double x, double y, uint8_t ret[CHANNELS])
{
    int x0 = clamp_int(floor(x), -2, p->width), y0 = clamp_int(floor(y), -2, p->height);
    double wx = x - x0, wy = y - y0, sum[CHANNELS] = {0};

    for (int i = 0; i < 4; i++) {
        int px = x0 + (i & 1), py = y0 + (i >> 1);
        double w = (i & 1 ? wx : 1 - wx) * (i >> 1 ? wy : 1 - wy);
        const uint8_t *at = p->pixels + ((ptrdiff_t)py * p->width + px) * CHANNELS;

        if (px < 0 || py < 0 || px >= p->width || py >= p->height)
            continue;
        for (int c = 0; c < CHANNELS; c++)
            sum[c] += w * at[c];
    }
    for (int c = 0; c < CHANNELS; c++)
        ret[c] = (uint8_t)fmin(fmax(sum[c] + 0.5, 0), 255);
}

void similarity_cut(struct arena *scratch, const struct picture *src, const struct similarity *t,
                    struct picture *dst)
{
    struct view v = view_of(src, t, dst);
    uint8_t *to = dst->pixels;

    shrink(scratch, src, hypot(t->c, t->s), &v);
    for (int j = 0; j < dst->height; j++)
        for (int i = 0; i < dst->width; i++, to += CHANNELS) {
            double u = i + 0.5, w = j + 0.5;
            double x = t->c * u - t->s * w + t->x, y = t->s * u + t->c * w + t->y;

            sample(&v.shrunk, (x - v.x) * v.fx - 0.5, (y - v.y) * v.fy - 0.5, to);
        }
}
