/* Scores into probabilities: fitting what a model card has as `calibration`. Pure; the same items in any
 * order give the same fit, up to rounding. Scores are numbers of 0..1 unless said otherwise. */
#ifndef ASSAY_VERDICT_TEMPER_H
#define ASSAY_VERDICT_TEMPER_H

#include "base/arena.h"
#include "verdict/measure.h"
#include "verdict/risk.h"

/* Points for a calibration that only rises: isotonic regression (pool adjacent violators), one point for each
 * pool at its mean score, thinned by leaving out those that are nearest to the line between their neighbours.
 * A pool counts half an item of each kind beside its own (Jeffreys' prior), so that few prove little. From
 * the outer pools the curve goes straight to 0 at 0 and 1 at 1: two scores never become one probability.
 * Sorts the items, the highest score first. false: there are not both kinds, or all scores are the same. */
bool temper_points(struct arena *scratch, struct measured *items, size_t n, struct calibration *ret);

/* scale and offset of probability = sigmoid(scale * logit + offset) with the highest likelihood; the items'
 * scores are logits, any numbers. scale > 0. false: there are not both kinds, or a higher score does not mean
 * it more. */
bool temper_line(const struct measured *items, size_t n, double *ret_scale, double *ret_offset);
/* Of a probability, which is taken for one of .00005 to .99995: reports round to four digits. */
double temper_logit(double p);

/* In place: probabilities of labels that exclude each other (softmax) or not (sigmoid), as if their logits
 * had been divided by the temperature. 1 changes nothing. */
void temper(float *p, size_t n, double temperature, bool exclusive);

/* The temperature of a classifier, by the truth about its tags: each is a sum (or, where labels do not
 * exclude each other, the largest) of labels. */
struct temper_tag {
    size_t n;
    const int *labels;
};
struct temper_set {
    size_t nlabels, ntags, n;
    bool exclusive;
    const struct temper_tag *tags;
    const float *p;    /* [n][nlabels], at temperature 1 */
    const bool *shows; /* [n][ntags] */
};
/* The probability of a tag of an item at a temperature. */
double temper_tag(struct arena *scratch, const struct temper_set *s, size_t item, size_t tag,
                  double temperature);
/* The one with the lowest log loss over items and tags, 0.2 to 5. */
double temper_fit(struct arena *scratch, const struct temper_set *s);

#endif
