/* A strict reader of Prometheus' text format 0.0.4: what it takes, every scraper takes. */
#ifndef ASSAY_TEST_EXPOSITION_H
#define ASSAY_TEST_EXPOSITION_H

#include "base/arena.h"
#include "base/bytes.h"

struct sample {
    const char *series; /* name{labels} as it stands there */
    const char *name;
    int family;
    double value;
};
struct family {
    const char *name, *type, *help;
};
struct exposition {
    size_t nfamilies, nsamples;
    struct family *families;
    struct sample *samples;
};

/* NULL, or what is wrong: HELP and TYPE exactly once and before the samples, families not mixed, names and
 * escapes as they must be, no series twice, counters not negative and named so, buckets of a histogram
 * ascending and cumulative, with +Inf, which is the count, and a sum. */
const char *exposition_read(struct arena *a, struct bytes text, struct exposition *ret);
/* NULL, or a counter (or a part of a histogram) that is less than before, or gone. */
const char *exposition_grows(struct arena *a, const struct exposition *before, const struct exposition *now);
/* -1 when there is no such series. */
double exposition_value(const struct exposition *e, const char *series);

#endif
