#include "analysis/nuisance.h"

/* No rule has been measured yet, and a score nobody can justify is worse than none. */
size_t nuisance_scores(const struct motion_stats *stats, struct nuisance_score *ret_scores)
{
    (void)stats;
    (void)ret_scores;
    return 0;
}

const char *nuisance_source(void)
{
    return "motion/1";
}
