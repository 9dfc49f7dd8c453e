/* What a camera makes of the light: softness, vignette, grey infrared, noise, a burned-in clock, 8 bits. */
#ifndef SCENE_CAMERA_H
#define SCENE_CAMERA_H

#include <stdbool.h>

#include "media/image.h"
#include "noise.h"
#include "paint.h"
#include "style.h"

struct camera {
    float noise;    /* deviation at middle grey, 0..1 */
    float softness; /* weight of the neighbours, 0 = sharp */
    float vignette; /* darkening in the corners, 0..1 */
    bool grey;      /* infrared night picture */
    bool stamp;     /* clock in a corner */
    int clock;      /* seconds of the day at the first frame */
    struct tone {
        bool on; /* else the members below are not looked at */
        float gamma, contrast, saturation;
        struct colour tint;
    } tone;
    float smear;   /* 0..1: how far a pixel lingers in its row, as over an analogue line */
    float columns; /* deviation of the columns' own brightness, 0..1 */
    struct crop {
        float zoom;        /* 1 = all of the canvas; 0 counts as 1 */
        struct vec2 shift; /* of the middle, canvas pixels */
        bool mirror;
    } crop;
};
/* `hour` of the day, for the clock. */
struct camera camera_new(struct rng *r, enum style style, bool night, int hour, int width, int height);

/* How this instant differs: hand-shake, light, and what the operator does with the lens. */
struct exposure {
    struct vec2 shift; /* pixels */
    float gain, zoom;  /* zoom 0 counts as 1 */
};

/* Where a point of the canvas lies in the picture. */
struct vec2 camera_sees(const struct camera *c, struct exposure e, const struct canvas *seen, struct vec2 p);

/* Takes the picture at `seconds`; ret has the canvas's size and 3 channels, pixels in the arena. */
void camera_take(const struct camera *c, const struct canvas *seen, struct exposure e, double seconds,
                 struct rng *r, struct arena *a, struct picture *ret);

#endif
