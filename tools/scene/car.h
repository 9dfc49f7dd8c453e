/* A car: a side profile given width, drawn from back to front with windows, wheels, lights and reflections.
 * Pure. */
#ifndef SCENE_CAR_H
#define SCENE_CAR_H

#include "body.h"
#include "noise.h"

struct car_shape;

struct car_look {
    const struct car_shape *shape;
    struct colour paint;
    int lamps_on;
    float tint; /* of the glass, 0 clear, 1 black */
};
struct car_look car_look(struct rng *r, int night);
float car_length(const struct car_look *look);

struct car_place {
    float x, z;    /* of the middle, world metres */
    float heading; /* 0 drives to the right, pi/2 towards the camera */
    float rolled;  /* metres, turns the wheels */
};
/* Draws the car and its shadow; returns its bounds on the canvas. */
struct bounds car_draw(const struct car_look *look, const struct car_place *at, const struct view *view,
                       const struct light *light, struct canvas *on, struct arena *a);

#endif
