/* Age and gender that a model reads in a face. Needs a model whose card has the task "face-traits"
 * (docs/models.md). Estimates with a wide spread: they verify nothing about anybody.
 *
 * One guesser per model and thread. */
#ifndef ASSAY_INFER_TRAITS_H
#define ASSAY_INFER_TRAITS_H

#include "infer/faces.h"
#include "report/scenery.h"

struct traits {
    double age;          /* years, 0..120; NAN = not known: the face is too small */
    double female, male; /* 0..1, their sum is 1; both NAN = not known */
    enum gender gender;  /* the likelier one when it reaches the card's gender_floor, else unidentified */
};

struct trait_guesser;
/* Lives as long as `a`; borrows the model, whose task must be "face-traits". */
struct trait_guesser *trait_guesser_new(struct arena *a, struct model *m);

/* What the model reads in a square around the face, card->traits.enlarge times its longer side. A face
 * smaller than card->traits.min_face pixels gives NAN and unidentified, without a run. Errors: ERR_TIMEOUT,
 * ERR_MODEL. */
int traits_guess(struct trait_guesser *t, const struct picture *bgr, const struct face *face,
                 int64_t deadline_mono_us, struct traits *ret, struct err *err);
/* The gender for two probabilities: pure, also for means over several pictures of one person. */
enum gender traits_gender(const struct card *card, double female, double male);

#endif
