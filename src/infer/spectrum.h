/* What the noise of a picture looks like, as numbers: the radial power spectrum of the luma residual, lines
 * and points in it that periodic up-sampling leaves, and how neighbouring pixels and channels hang together.
 * No network, no state: the same pixels give the same numbers. models/train/spectrum.py computes the same
 * in the same order; tests/unit/infer/spectrum.c holds the two together.
 *
 * Where the ideas come from: R. Durall and others, "Watch your Up-Convolution" (CVPR 2020): the tail of the
 * radial spectrum; X. Zhang and others, "Detecting and Simulating Artifacts in GAN Fake Images" (WIFS 2019):
 * peaks at fractions of the sampling rate; C. Tan and others, "Rethinking the Up-Sampling Operations" (CVPR
 * 2024): differences within 2x2 blocks. */
#ifndef ASSAY_INFER_SPECTRUM_H
#define ASSAY_INFER_SPECTRUM_H

#include "base/arena.h"
#include "media/image.h"

enum {
    SPECTRUM_SIDE = 128, /* of the patch, pixels */
    SPECTRUM_FEATURES = 44,
    SPECTRUM_WEIGHTS = 2 * SPECTRUM_FEATURES + 1, /* of the features, of their squares, the constant */
};

/* Tables and working memory, about 1.3 MB; lives as long as `a`, used by one thread. */
struct spectrum;
struct spectrum *spectrum_new(struct arena *a);
/* Of the patch whose left top corner is x, y of a BGR picture; it must lie inside. All are finite. */
void spectrum_features(struct spectrum *s, const struct picture *bgr, int x, int y,
                       double ret[SPECTRUM_FEATURES]);

/* The logit of a logistic regression over standardised features (cut off at four deviations) and their
 * squares; above 0: artificial. mean and deviation have SPECTRUM_FEATURES numbers, weights
 * SPECTRUM_WEIGHTS. */
double spectrum_logit(const double *features, const double *mean, const double *deviation,
                      const double *weights);

#endif
