/* assay model tune, its two files: model_tune.c collects what operators said, fits and tells; tune_rules.c
 * makes the candidate: the rules file of now with other thresholds. */
#ifndef ASSAY_CMD_TUNE_INT_H
#define ASSAY_CMD_TUNE_INT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "verdict/fit.h"

enum { TUNE_MAX_CAMERAS = 10000, TUNE_MAX_CASES = 1000000, TUNE_MAX_RULES = 16 << 20 };

/* A camera of the tenant, or all of them together (id NULL). */
struct tune_camera {
    const char *id;
    size_t n, cap;
    struct fit_case *cases; /* the newest first */
    double low, high;       /* as the newest report has them */
    /* --- after the fit --- */
    enum fit_result result;
    double new_low, new_high;
    struct fit_count before, after;
    bool held_out;         /* fitted to the older half ... */
    struct fit_count held; /* ... and counted on the newer one */
};

/* The text of a rules file: `now` (0 bytes: none) with the thresholds of those cameras that were fitted. What
 * else is in it stays. Members of "*" count for a tenant without an entry, so a new entry begins with them.
 * ERR_INPUT when `now` makes no sense. */
int tune_rules(struct arena *a, struct bytes now, const char *tenant, const struct tune_camera *cameras,
               size_t n, struct bytes *ret, struct err *err);

#endif
