#include "analysis/nuisance.h"

#include <math.h>
#include <stddef.h>

#include "base/c23.h"

/* Statistics that range over several powers of ten count by their logarithm, from `floor` on. */
struct feature {
    const char *name;
    size_t at;   /* in struct motion_stats, a float */
    float floor; /* > 0: log(floor + value) */
};
#define PLAIN(field)                                    \
    {                                                   \
#field, offsetof(struct motion_stats, field), 0 \
    }
#define LOG(field, floor)                                   \
    {                                                       \
#field, offsetof(struct motion_stats, field), floor \
    }
static const struct feature features[] = {
    LOG(moving_share, 0.0005f),
    PLAIN(global_share),
    PLAIN(still_share),
    LOG(regions, 0.5f),
    LOG(region_size, 0.0005f),
    PLAIN(scatter),
    PLAIN(persistence),
    PLAIN(oscillation),
    PLAIN(travel),
    LOG(speed, 0.02f),
    PLAIN(vertical),
    LOG(sharpness, 0.005f),
    LOG(spread, 0.001f),
    PLAIN(once),
    PLAIN(width),
    PLAIN(height),
    PLAIN(middle_y),
    LOG(unsteady, 0.1f),
    PLAIN(grain),
    PLAIN(tall),
    PLAIN(fill),
    PLAIN(brightness),
};

size_t nuisance_features(void)
{
    return COUNT_OF(features);
}

const char *nuisance_feature_name(size_t i)
{
    return features[i].name;
}

float nuisance_feature(const struct motion_stats *stats, size_t i)
{
    float value = *(const float *)((const char *)stats + features[i].at);

    return features[i].floor > 0 ? logf(features[i].floor + value) : value;
}

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
