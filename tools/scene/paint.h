/* Pictures of the renderer. A canvas is the whole frame in floats; a layer is a rectangle of it, several
 * samples per pixel and transparent, where things are drawn before they are laid onto the canvas: that is the
 * anti-aliasing.
 *
 * Colours are as displayed (gamma encoded), 0..1, blue first as in the BGR frames that go to the encoder. */
#ifndef SCENE_PAINT_H
#define SCENE_PAINT_H

#include "base/arena.h"
#include "geom.h"

struct colour {
    float b, g, r;
};

#define RGB(red, green, blue) ((struct colour){(blue), (green), (red)})

static inline struct colour colour_mix(struct colour a, struct colour b, float t)
{
    return (struct colour){mixf(a.b, b.b, t), mixf(a.g, b.g, t), mixf(a.r, b.r, t)};
}

static inline struct colour colour_scale(struct colour a, float s)
{
    return (struct colour){a.b * s, a.g * s, a.r * s};
}

static inline struct colour colour_add(struct colour a, struct colour b)
{
    return (struct colour){a.b + b.b, a.g + b.g, a.r + b.r};
}

static inline struct colour colour_times(struct colour a, struct colour b)
{
    return (struct colour){a.b * b.b, a.g * b.g, a.r * b.r};
}

struct canvas {
    int width, height;
    struct colour *px;
};

struct canvas canvas_new(struct arena *a, int width, int height);
void canvas_copy(struct canvas *dst, const struct canvas *src); /* same size */

struct sample {
    struct colour c; /* not premultiplied */
    float a;
};

struct layer {
    int x, y;          /* of the top left pixel on the canvas */
    int width, height; /* samples */
    int ss;            /* samples per pixel in each direction */
    struct sample *px;
};

/* A transparent layer over the part of x0..x1, y0..y1 (pixels) that lies on the canvas; width 0 when none
 * does. */
struct layer layer_new(struct arena *a, const struct canvas *on, float x0, float y0, float x1, float y1,
                       int ss);
void layer_onto(const struct layer *l, struct canvas *dst);
/* Box blur of colour and alpha, `radius` in pixels, three passes (close to Gaussian). */
void layer_blur(struct layer *l, struct arena *a, float radius);
/* Lays one sample over what is there. */
void sample_over(struct sample *dst, struct colour c, float alpha);

/* Shapes in canvas pixels. */
void layer_polygon(struct layer *l, const struct vec2 *pts, int n, struct colour c, float alpha);
void layer_ellipse(struct layer *l, struct vec2 centre, struct vec2 radius, float angle, struct colour c,
                   float alpha);
/* A line that tapers from width wa to wb. */
void layer_line(struct layer *l, struct vec2 a, struct vec2 b, float wa, float wb, struct colour c,
                float alpha);

#endif
