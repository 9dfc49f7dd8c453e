/* Variants: other weights of a model, quicker on processors that have what they need. Its card names them
 * ("variants", docs/models.md), and everything else it says holds for all of them. Which one judged is seen
 * in the SHA-256 of a report's models. */
#ifndef ASSAY_INFER_VARIANT_H
#define ASSAY_INFER_VARIANT_H

#include "infer/card.h"

/* The first variant that needs nothing beyond `features` (base/cpu.h) and whose weights are there; NULL: the
 * plain weights are the ones to use. */
const struct card_variant *variant_choose(const struct card *card, unsigned features);
/* The card with the weights of the variant as its own: file, sha256, variant. Shares everything else. */
struct card variant_card(const struct card *card, const struct card_variant *v);
/* The weights, of a variant of an embedded model; empty when they are a file, or not there. */
struct bytes variant_embedded(const struct card_variant *v);

#endif
