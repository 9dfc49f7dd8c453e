/* What a camera makes of the light: softness, vignette, grey infrared, noise, a burned-in clock, 8 bits. */
#ifndef SCENE_CAMERA_H
#define SCENE_CAMERA_H

#include <stdbool.h>

#include "media/image.h"
#include "noise.h"
#include "paint.h"

struct camera {
    float noise;    /* deviation at middle grey, 0..1 */
    float softness; /* weight of the neighbours, 0 = sharp */
    float vignette; /* darkening in the corners, 0..1 */
    bool grey;      /* infrared night picture */
    bool stamp;     /* clock in a corner */
    int clock;      /* seconds of the day at the first frame */
};
struct camera camera_new(struct rng *r, bool night, int hour); /* hour of the day, for the clock */

/* How this instant differs: hand-shake and light. */
struct exposure {
    struct vec2 shift; /* pixels */
    float gain;
};

/* Takes the picture at `seconds`; ret has the canvas's size and 3 channels, pixels in the arena. */
void camera_take(const struct camera *c, const struct canvas *seen, struct exposure e, double seconds,
                 struct rng *r, struct arena *a, struct picture *ret);

#endif
