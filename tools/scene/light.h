/* How a scene is lit. Pure. */
#ifndef SCENE_LIGHT_H
#define SCENE_LIGHT_H

#include "paint.h"

struct light {
    struct vec3 sun; /* direction to the sun or lamp, unit, object space (z towards the camera) */
    struct colour sun_colour, sky_colour;
    float shadow; /* darkness of cast shadows, 0..1 */
};

/* Light on a surface with unit normal n; `open` is the share of the sky it sees, 0..1. */
static inline struct colour light_on(const struct light *l, struct vec3 n, float open)
{
    float sun = fmaxf(0.0f, vec3_dot(n, l->sun));
    struct colour sky = colour_scale(l->sky_colour, open * (0.7f + 0.3f * n.y));

    return colour_add(sky, colour_scale(l->sun_colour, sun * (0.4f + 0.6f * open)));
}

#endif
