/* The place a camera looks at: ground, what stands behind it, sky, and the light of the day. Drawn once per
 * clip. */
#ifndef SCENE_BACKDROP_H
#define SCENE_BACKDROP_H

#include <stdbool.h>

#include "light.h"
#include "noise.h"
#include "style.h"

struct site;

struct backdrop {
    const struct site *site;
    struct view view;
    struct light light;
    struct colour sky_top, sky_low;
    bool night;                /* infrared lamp beside the lens: light falls off with distance */
    float wall_z, wall_height; /* metres; height 0 = open country */
    float scale;               /* of the wall's pattern, varies per seed */
    float tree_height;         /* of what stands behind the wall, metres */
    int hour;                  /* of the day, fits the light */
    struct colour wall, trim, ground, ground_alt, far;
    float offset; /* metres, shifts everything sideways */
    uint32_t seed;
};

/* "yard", "fence", "wall", "road", "lot"; of the second style "hall", "quay", "sand", "court". By number
 * 0..sites_count() - 1. */
int sites_count(enum style style);
const char *backdrop_name(const struct backdrop *b);
int backdrop_site(enum style style, const char *name); /* its number, -1 when there is none */

enum daylight { DAY_SUN, DAY_CLOUD, DAY_DUSK };
struct backdrop backdrop_new(struct rng *r, enum style style, int site, enum daylight day, bool night,
                             int width, int height);
void backdrop_draw(const struct backdrop *b, struct canvas *on);
/* Light on something at this distance. */
struct light backdrop_light(const struct backdrop *b, float z);

#endif
