#include "analysis/nuisance.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analysis/nuisance_weights.h"
#include "base/c23.h"

static const struct feature {
    const char *name;
    size_t at; /* in struct nuisance_signs, a float */
} features[] = {
#define MOTION(field)                                         \
    {                                                         \
#field, offsetof(struct nuisance_signs, motion.field) \
    }
    MOTION(moving_share),    MOTION(global_share),  MOTION(still_share),
    MOTION(regions),         MOTION(region_size),   MOTION(scatter),
    MOTION(persistence),     MOTION(oscillation),   MOTION(travel),
    MOTION(speed),           MOTION(vertical),      MOTION(sharpness),
    MOTION(spread),          MOTION(once),          MOTION(width),
    MOTION(height),          MOTION(middle_y),      MOTION(unsteady),
    MOTION(grain),           MOTION(tall),          MOTION(fill),
    MOTION(brightness),
#define TEXTURE(field)                                         \
    {                                                          \
#field, offsetof(struct nuisance_signs, texture.field) \
    }
#define GROUP(group)                                                                                       \
    TEXTURE(group.share), TEXTURE(group.detail), TEXTURE(group.contrast), TEXTURE(group.ridges),           \
        TEXTURE(group.coherence), TEXTURE(group.upright), TEXTURE(group.two_levels), TEXTURE(group.crisp), \
        TEXTURE(group.saturation), TEXTURE(group.green), TEXTURE(group.brightness)
    GROUP(staying),          GROUP(passing),        TEXTURE(stirred),
    TEXTURE(stir),           TEXTURE(quiet),        TEXTURE(stir_ridges),
    TEXTURE(stir_coherence), TEXTURE(stir_upright), TEXTURE(edge_bound),
    TEXTURE(overlap),        TEXTURE(overlap_two),  TEXTURE(novel),
    TEXTURE(episodes),       TEXTURE(jitter),       TEXTURE(light_step),
    TEXTURE(light_most),     TEXTURE(shift),        TEXTURE(shift_explains),
    TEXTURE(shift_turns),    TEXTURE(straight),     TEXTURE(size_jitter),
    TEXTURE(aside),          TEXTURE(low),          TEXTURE(high),
    TEXTURE(flips),          TEXTURE(flips_down),   TEXTURE(inks),
    TEXTURE(colour),         TEXTURE(lightness),    TEXTURE(edges),
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

float nuisance_feature(const struct nuisance_signs *signs, size_t i)
{
    float value;

    memcpy(&value, (const char *)signs + features[i].at, sizeof value);
    return value;
}

/* All comparisons of a tree are made; their outcomes are the number of the leaf. */
static float tree_value(const struct nuisance_tree *tree, const float *x)
{
    unsigned leaf = 0;

    for (unsigned i = 0; i < NUISANCE_DEPTH; i++)
        leaf |= (unsigned)(x[tree->feature[i]] > tree->from[i]) << i;
    return tree->leaf[leaf];
}

static float head_score(const struct nuisance_head *head, const float *x)
{
    float sum = 0, z;

    for (size_t i = 0; i < head->ntrees; i++)
        sum += tree_value(&head->trees[i], x);
    z = head->scale * sum + head->offset;
    return 1 / (1 + expf(-fminf(fmaxf(z, -40), 40)));
}

size_t nuisance_scores(const struct nuisance_signs *signs, struct nuisance_score *ret_scores)
{
    float x[COUNT_OF(features)];

    static_assert(COUNT_OF(nuisance_heads) <= NUISANCE_MAX, "too many concepts");
    if (signs->motion.pictures < NUISANCE_LEAST_PICTURES)
        return 0;
    for (size_t i = 0; i < COUNT_OF(features); i++)
        x[i] = nuisance_feature(signs, i);
    for (size_t i = 0; i < COUNT_OF(nuisance_heads); i++)
        ret_scores[i] = (struct nuisance_score){nuisance_heads[i].label, head_score(&nuisance_heads[i], x)};
    return COUNT_OF(nuisance_heads);
}

const char *nuisance_source(void)
{
    return "motion/3";
}
