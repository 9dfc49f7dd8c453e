/* The living things: a walking person and a four-legged animal, posed for one moment. Pure. */
#ifndef SCENE_FIGURES_H
#define SCENE_FIGURES_H

#include "body.h"
#include "noise.h"

struct person_look {
    float height; /* metres */
    float build;  /* width, 1 = average */
    struct colour skin, hair, jacket, trousers, shoes, bag;
    int headgear; /* 0 hair, 1 cap, 2 hood */
    int has_bag;  /* backpack */
    int long_hair;
    uint32_t seed;
};
struct person_look person_look(struct rng *r);
/* Two steps take this many metres. */
float person_stride(const struct person_look *look);
/* `heading`: 0 walks to the right, pi/2 towards the camera. `walked`: metres since the start. */
struct body person_pose(const struct person_look *look, float heading, float walked);

struct animal_look {
    float height; /* at the shoulder, metres: cat .25, dog .35 to .65 */
    int cat;
    struct colour coat, belly, patch;
    uint32_t seed;
};
struct animal_look animal_look(struct rng *r);
float animal_stride(const struct animal_look *look);
struct body animal_pose(const struct animal_look *look, float heading, float walked);

#endif
