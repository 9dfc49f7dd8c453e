/* Small vectors and the camera. World and object space are in metres: x to the right, y up, z away from the
 * camera in the world, towards the camera in object space (as a viewer sees depth on a figure). Pure. */
#ifndef SCENE_GEOM_H
#define SCENE_GEOM_H

#include <math.h>

#define PI_F 3.14159265f

struct vec2 {
    float x, y;
};

struct vec3 {
    float x, y, z;
};

static inline float clampf(float v, float lo, float hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static inline float mixf(float a, float b, float t)
{
    return a + (b - a) * t;
}

/* 0 below lo, 1 above hi, smooth between. */
static inline float stepf(float lo, float hi, float v)
{
    float t = clampf((v - lo) / (hi - lo), 0.0f, 1.0f);

    return t * t * (3.0f - 2.0f * t);
}

static inline struct vec3 vec3_add(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.x + b.x, a.y + b.y, a.z + b.z};
}

static inline struct vec3 vec3_scale(struct vec3 a, float s)
{
    return (struct vec3){a.x * s, a.y * s, a.z * s};
}

static inline float vec3_dot(struct vec3 a, struct vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline struct vec3 vec3_unit(struct vec3 a)
{
    float n = sqrtf(vec3_dot(a, a));

    return n > 1e-9f ? vec3_scale(a, 1.0f / n) : (struct vec3){0, 0, 1};
}

/* A pinhole camera that looks level; the horizon is moved by shifting the sensor, so walls stay upright. */
struct view {
    float focal;     /* pixels */
    float centre_x;  /* pixels */
    float horizon_y; /* pixels from the top */
    float height;    /* metres above the ground */
};

static inline struct vec2 view_project(const struct view *v, struct vec3 p)
{
    return (struct vec2){v->centre_x + v->focal * p.x / p.z,
                         v->horizon_y + v->focal * (v->height - p.y) / p.z};
}

/* Distance at which something `metres` tall fills `pixels`. */
static inline float view_distance(const struct view *v, float metres, float pixels)
{
    return v->focal * metres / pixels;
}

#endif
