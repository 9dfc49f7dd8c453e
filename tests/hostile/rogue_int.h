/* What the files of the list share. */
#ifndef ASSAY_TEST_ROGUE_INT_H
#define ASSAY_TEST_ROGUE_INT_H

#include "rogue.h"

struct rogues {
    struct rogues_opts opts;
    struct sample *samples;
    size_t nsamples, missing;
    char **real; /* paths */
    size_t nreal;
};

/* Some of the list: `count` files by number. A group without a file (its sample is missing) has the count 0.
 */
struct rogue_group {
    const char *name;
    bool vital;
    size_t (*count)(const struct rogues *r);
    struct rogue (*make)(const struct rogues *r, struct arena *a, size_t n);
};

/* Ended by a NULL name. */
extern const struct rogue_group rogue_fields[], rogue_made[];

/* An empty file when there is no such sample. */
struct bytes rogue_sample(const struct rogues *r, const char *name);

#endif
