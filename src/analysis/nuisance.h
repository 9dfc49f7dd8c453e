/* Nuisance scores: how much a clip looks like rain, wind, a spider ... and not like somebody. They explain a
 * verdict to the operator; they never lower the intrusion score. Pure.
 *
 * Each concept is a sum over a few dozen small decision trees, which look at how things move (motion.h) and
 * at what the moving parts look like (texture.h). The tables are made by models/train/train_nuisance.py from
 * rendered clips; docs/accuracy.md tells how well they do, what 0.5 means, and which concepts have no score
 * because nothing justified one. */
#ifndef ASSAY_ANALYSIS_NUISANCE_H
#define ASSAY_ANALYSIS_NUISANCE_H

#include "analysis/texture.h"

enum { NUISANCE_MAX = 8 };

struct nuisance_score {
    const char *label; /* "flag", "other", "plant", "rain", "spider", "text", "web", "wind" */
    float value;       /* 0..1 */
};

/* All that is known of a clip. */
struct nuisance_signs {
    struct motion_stats motion;
    struct texture_stats texture;
};

/* At most NUISANCE_MAX scores; returns how many. A concept that nothing is known about is left out, and so
 * are all when too few pictures were compared. */
size_t nuisance_scores(const struct nuisance_signs *signs, struct nuisance_score *ret_scores);
/* What the scores are called in a report: "motion/3". */
const char *nuisance_source(void);

/* What the trees see of the signs, for the training program. */
size_t nuisance_features(void);
const char *nuisance_feature_name(size_t i);
float nuisance_feature(const struct nuisance_signs *signs, size_t i);

#endif
