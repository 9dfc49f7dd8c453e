/* What a picture shows, in the product's own words. Needs a model whose card has the task "tags": a
 * classifier, and a map from its labels to tags, a file that people can edit (docs/models.md).
 *
 * The probability of a tag comes from those of its labels: their sum, at most 1, for a softmax model (its
 * labels exclude each other, so "some dog" is the sum of all breeds), the largest of them for a sigmoid
 * model.
 *
 * One tagger per model and thread. */
#ifndef ASSAY_INFER_TAGS_H
#define ASSAY_INFER_TAGS_H

#include "infer/model.h"
#include "media/image.h"

struct tag {
    const char *name;  /* lives as long as the card */
    float probability; /* 0..1 */
    bool critical;     /* as the map says */
};

struct tagger;
/* Lives as long as `a`; borrows the model, whose task must be "tags". */
struct tagger *tagger_new(struct arena *a, struct model *m);

/* All tags of the map in the map's order, also those with probability 0, into the arena: so several frames
 * can be averaged by index. ret_n is card->tags.ntags. Errors: ERR_TIMEOUT, ERR_MODEL. */
int tags_judge(struct tagger *t, struct arena *a, const struct picture *bgr, int64_t deadline_mono_us,
               struct tag **ret_tags, size_t *ret_n, struct err *err);
/* Sorts in place, the most probable first, equals by name; returns how many reach `threshold` (a good one is
 * card->tags.threshold). */
size_t tags_above(struct tag *tags, size_t n, double threshold);

/* From the probabilities of the labels to those of the tags: pure, for tests. `labels` has card->nlabels
 * values, ret room for card->tags.ntags. */
void tags_fold(const struct card *card, const float *labels, struct tag *ret);

#endif
