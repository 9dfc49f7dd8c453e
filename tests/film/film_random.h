/* Random numbers of films: splitmix64, the same everywhere. */
#ifndef ASSAY_TEST_FILM_RANDOM_H
#define ASSAY_TEST_FILM_RANDOM_H

#include <stdint.h>

static inline uint64_t film_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* low..high */
static inline double film_between(uint64_t *state, double low, double high)
{
    return low + (high - low) * (double)(film_random(state) >> 11) / 9007199254740992.0;
}

static inline int film_one_of(uint64_t *state, int n)
{
    return (int)(film_random(state) % (uint64_t)n);
}

static inline int film_chance(uint64_t *state, double p)
{
    return film_between(state, 0, 1) < p;
}

#endif
