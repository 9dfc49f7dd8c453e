/* Random numbers and textures, the same on every run: everything follows from a seed. Pure. */
#ifndef SCENE_NOISE_H
#define SCENE_NOISE_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

/* An independent stream per purpose, so that one more number drawn for the grass does not change the walker.
 */
struct rng rng_new(uint64_t seed, uint32_t purpose);
uint32_t rng_next(struct rng *r);
float rng_float(struct rng *r, float lo, float hi);
int rng_int(struct rng *r, int below);
float rng_normal(struct rng *r); /* mean 0, deviation 1, by the sum of four uniform numbers */

/* Value noise on the unit lattice, 0..1. */
float noise2(float x, float y, uint32_t seed);
/* Sum of `octaves` noises, each twice as fine and half as strong, 0..1. */
float fbm2(float x, float y, int octaves, uint32_t seed);
/* Hash of a lattice cell, 0..1: one number per brick, plank or drop. */
float cell2(int x, int y, uint32_t seed);

#endif
