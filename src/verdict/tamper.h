/* Was a picture or a document changed after it was made? What classical evidence says, and what follows.
 *
 *   evidence   one look at one thing: a score 0..1 and the threshold from which it speaks against the file;
 *              or unknown, and then it says nothing at all
 *   heuristic  a rule over the evidence that is known:
 *                AnyEvidence   at least one is at or above its threshold
 *                Agreement     at least two
 *                Majority      more than half of those that are known
 *                Pixels        at least one of those that look at pixels
 *              the confidence of "tampered" is the highest score that spoke against the file, that of
 *              "authentic" is 1 minus the highest score of all that were asked
 *
 * Nothing known: authentic, confidence 0, unknown. "Authentic" means that nothing was found, never that
 * something was proved. All of it is ours: the API it serves does not say how its verdicts are made. Pure. */
#ifndef ASSAY_VERDICT_TAMPER_H
#define ASSAY_VERDICT_TAMPER_H

#include <stdbool.h>
#include <stddef.h>

struct tamper_vote {
    bool unknown;
    bool pixels; /* it looks at pixels or coefficients, not at what is written beside them */
    double score, threshold;
};

enum tamper_heuristic { TAMPER_ANY, TAMPER_AGREEMENT, TAMPER_MAJORITY, TAMPER_PIXELS, TAMPER_HEURISTICS };
enum { TAMPER_MAIN = TAMPER_ANY }; /* the verdict */

const char *tamper_heuristic_name(enum tamper_heuristic h);
const char *tamper_heuristic_description(enum tamper_heuristic h); /* one sentence */

struct tamper_answer {
    bool unknown, tampered;
    double confidence; /* 0..1 */
};
struct tamper_answer tamper_decide(enum tamper_heuristic h, const struct tamper_vote *votes, size_t n);

#endif
