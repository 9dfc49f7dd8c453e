/* Numbers that look random and are the same each time: xorshift64* (Vigna, 2014). For training, never for
 * secrets. */
#ifndef ASSAY_INFER_RANDOM_INT_H
#define ASSAY_INFER_RANDOM_INT_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state; /* never 0 */
};

static inline uint64_t random_next(struct random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545f4914f6cdd1dULL;
}

/* Neighbouring seeds must not begin alike: a few numbers are thrown away. */
static inline struct random random_of(uint64_t seed)
{
    struct random r = {seed * 0x9e3779b97f4a7c15ULL + 0x632be59bd9b4e019ULL};

    if (!r.state)
        r.state = 1;
    for (int i = 0; i < 8; i++)
        random_next(&r);
    return r;
}

/* 0 <= x < 1 */
static inline double random_unit(struct random *r)
{
    return (double)(random_next(r) >> 11) * 0x1p-53;
}

/* 0..n-1; n > 0 */
static inline size_t random_below(struct random *r, size_t n)
{
    return (size_t)(random_unit(r) * (double)n);
}

#endif
