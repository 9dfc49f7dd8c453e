#include "noise.h"

#include <math.h>

/* splitmix64, Steele, Lea, Flood 2014. */
static uint64_t mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct rng rng_new(uint64_t seed, uint32_t purpose)
{
    return (struct rng){mix64(seed * 0x9e3779b97f4a7c15u + purpose + 1)};
}

uint32_t rng_next(struct rng *r)
{
    r->state += 0x9e3779b97f4a7c15u;
    return (uint32_t)(mix64(r->state) >> 32);
}

float rng_float(struct rng *r, float lo, float hi)
{
    return lo + (hi - lo) * (float)(rng_next(r) >> 8) * (1.0f / 16777216.0f);
}

int rng_int(struct rng *r, int below)
{
    return (int)(((uint64_t)rng_next(r) * (uint64_t)below) >> 32);
}

float rng_normal(struct rng *r)
{
    float sum = 0;

    for (int i = 0; i < 4; i++)
        sum += rng_float(r, -1.0f, 1.0f);
    return sum * 0.8660254f; /* the variance of the sum is 4/3 */
}

float cell2(int x, int y, uint32_t seed)
{
    uint32_t h = (uint32_t)x * 0x8da6b343u ^ (uint32_t)y * 0xd8163841u ^ seed * 0xcb1ab31fu;

    h = (h ^ (h >> 16)) * 0x7feb352du;
    h = (h ^ (h >> 15)) * 0x846ca68bu;
    return (float)((h ^ (h >> 16)) >> 8) * (1.0f / 16777216.0f);
}

float noise2(float x, float y, uint32_t seed)
{
    float fx = floorf(x), fy = floorf(y), u = x - fx, v = y - fy;
    int ix = (int)fx, iy = (int)fy;
    float a = cell2(ix, iy, seed), b = cell2(ix + 1, iy, seed);
    float c = cell2(ix, iy + 1, seed), d = cell2(ix + 1, iy + 1, seed);

    u = u * u * (3.0f - 2.0f * u);
    v = v * v * (3.0f - 2.0f * v);
    return a + (b - a) * u + (c - a) * v + (a - b - c + d) * u * v;
}

float fbm2(float x, float y, int octaves, uint32_t seed)
{
    float sum = 0, weight = 0.5f, total = 0;

    for (int i = 0; i < octaves; i++) {
        sum += weight * noise2(x, y, seed + (uint32_t)i * 17u);
        total += weight;
        weight *= 0.5f;
        x = x * 2.03f + 5.1f;
        y = y * 2.03f + 3.7f;
    }
    return sum / total;
}
