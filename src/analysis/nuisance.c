#include "analysis/nuisance.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "analysis/nuisance_weights.h"
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

static_assert(COUNT_OF(features) == NUISANCE_FEATURES, "train anew: models/train/train_nuisance.py");

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
    float value;

    memcpy(&value, (const char *)stats + features[i].at, sizeof value);
    return features[i].floor > 0 ? logf(features[i].floor + value) : value;
}

static float logistic(float z)
{
    return 1 / (1 + expf(-z));
}

/* A feature counts as far as the rendered clips tell what it means. */
static float standard(const struct motion_stats *stats, size_t i)
{
    const struct nuisance_input *in = &nuisance_inputs[i];

    return fminf(fmaxf((nuisance_feature(stats, i) - in->mean) / in->deviation, -nuisance_limit),
                 nuisance_limit);
}

static float head_score(const struct nuisance_head *head, const struct motion_stats *stats)
{
    float z = head->constant;

    for (size_t i = 0; i < COUNT_OF(features); i++)
        z += head->weights[i] * standard(stats, i);
    return logistic(z);
}

size_t nuisance_scores(const struct motion_stats *stats, struct nuisance_score *ret_scores)
{
    static_assert(COUNT_OF(nuisance_heads) <= NUISANCE_MAX, "too many concepts");

    if (stats->pictures < NUISANCE_LEAST_PICTURES)
        return 0;
    for (size_t i = 0; i < COUNT_OF(nuisance_heads); i++)
        ret_scores[i] =
            (struct nuisance_score){nuisance_heads[i].label, head_score(&nuisance_heads[i], stats)};
    return COUNT_OF(nuisance_heads);
}

const char *nuisance_source(void)
{
    return "motion/1";
}
