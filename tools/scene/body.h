/* Figures built from limbs: rounded cones between two joints, drawn as a depth map so that limbs join
 * smoothly and cover one another, then shaded by the slope of that map. People and four-legged animals are
 * made of it.
 *
 * Body frame of a figure: f forward, u up, l to its left; origin between the feet on the ground; metres. */
#ifndef SCENE_BODY_H
#define SCENE_BODY_H

#include <stdint.h>

#include "light.h"

enum { BODY_MAX_LIMBS = 64 };

struct limb {
    struct vec3 a, b; /* joints, object space */
    float ra, rb;     /* radii there, metres */
    uint8_t group;    /* limbs of one group melt into one another */
    uint8_t material; /* for body.paint */
    float folds;      /* depth of cloth folds or fur, metres */
};

/* One visible point of a figure. */
struct surface {
    const struct limb *limb;
    float along;     /* 0 at a, 1 at b */
    float across;    /* -1..1 from edge to edge */
    struct vec3 pos; /* body frame: x forward, y up, z left, metres */
};

struct body {
    struct limb limbs[BODY_MAX_LIMBS];
    int nlimbs;
    struct vec3 forward, left; /* of the body frame, object space */
    struct colour (*paint)(const void *look, const struct surface *s);
    const void *look;
    uint32_t seed; /* of its textures */
};

struct body body_new(float heading);
/* A point of the body frame in object space. */
struct vec3 body_point(const struct body *b, float f, float u, float l);
/* Adds a limb and returns it. */
struct limb *body_limb(struct body *b, struct vec3 from, struct vec3 to, float r_from, float r_to, int group,
                       int material);
/* Moves the figure up or down until its lowest point stands on the ground. */
void body_stand(struct body *b);

/* Where a figure stands, seen by a camera. */
struct place {
    struct vec2 feet; /* canvas pixels */
    float scale;      /* pixels per metre */
    float tilt;       /* radians the camera looks down on it */
};
struct place place_at(const struct view *v, float x, float z);

/* Bounds on the canvas in pixels, of the limbs' silhouettes. */
struct bounds {
    float x0, y0, x1, y1;
};
struct bounds body_bounds(const struct body *b, const struct place *at);

/* Draws shadow and figure. */
void body_draw(const struct body *b, const struct place *at, const struct light *light, struct canvas *on,
               struct arena *a);

#endif
