/* Nuisance scores: how much the motion of a clip looks like rain, wind, a spider ... rather than like
 * somebody. They explain a verdict to the operator; they never lower the intrusion score. Pure.
 *
 * Each concept is one logistic function of the motion statistics. Its weights are made by
 * models/train/train_nuisance.py from rendered clips; docs/accuracy.md tells how well they do, and which
 * concepts have no score because nothing justified one. */
#ifndef ASSAY_ANALYSIS_NUISANCE_H
#define ASSAY_ANALYSIS_NUISANCE_H

#include "analysis/motion.h"

enum { NUISANCE_MAX = 8 };

struct nuisance_score {
    const char *label; /* "rain", "wind", "spider", "web", "flag", "plant" */
    float value;       /* 0..1 */
};

/* At most NUISANCE_MAX scores; returns how many. A concept that nothing is known about is left out, and so
 * are all when too few pictures were compared. */
size_t nuisance_scores(const struct motion_stats *stats, struct nuisance_score *ret_scores);
/* What the scores are called in a report: "motion/1". */
const char *nuisance_source(void);

/* What the logistic functions see of the statistics, for the training program. */
size_t nuisance_features(void);
const char *nuisance_feature_name(size_t i);
float nuisance_feature(const struct motion_stats *stats, size_t i);

#endif
