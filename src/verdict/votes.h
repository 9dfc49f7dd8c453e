/* What several models say of the moments of one subject: made by a machine, or by a human? Statistics over
 * the moments, one model at a time; the rules that make one answer of several models are in heuristic.h.
 *
 * A moment is a frame of a video or a clip of sound; an image is one moment. Scores are what the model gave,
 * 0..1; the two of a vote need not sum to 1, and nothing here makes them. A vote that is unknown, or whose
 * scores are no numbers of 0..1, is as if it had not been cast.
 *
 * Formulas and where they come from: docs/votes.md. Pure; sums run from the first moment to the last in
 * double, so the same votes give the same bits. */
#ifndef ASSAY_VERDICT_VOTES_H
#define ASSAY_VERDICT_VOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum origin { ORIGIN_HUMAN, ORIGIN_ARTIFICIAL, ORIGINS };
const char *origin_name(enum origin o); /* "human", "artificial" */

enum { VOTES_MODELS_MAX = 64 };

struct voter {
    const char *model;
    bool counts;   /* its votes enter verdicts for this kind of media */
    bool obsolete; /* superseded: rules may leave it out */
};

struct vote {
    bool unknown; /* the model could not judge this moment */
    double score[ORIGINS];
};
/* A model's output as a vote: unknown when its better score is below `floor` (0: no floor) or one of the two
 * is no number of 0..1. */
struct vote vote_of(double human, double artificial, double floor);
bool vote_known(const struct vote *v);

/* All borrowed. */
struct votes {
    size_t nmodels; /* 1..VOTES_MODELS_MAX */
    const struct voter *models;
    size_t nmoments;
    const struct vote *cast; /* one row of nmodels per moment */
    const double *weights;   /* of the moments, as seconds of sound; NULL: all alike */
};
/* 0; -1 with a sentence when models are missing, too many, unnamed or named twice, or when a weight is
 * negative or no number. */
int votes_check(const struct votes *v, struct err *err);
/* The row of a moment: nmodels votes. */
const struct vote *votes_of_moment(const struct votes *v, size_t moment);

/* The two scores as an answer. Equal scores are human and unknown: nobody is accused on a coin toss. An
 * unknown vote is human, 0, unknown. Who shows the answer looks at `unknown` first. */
struct vote_answer {
    enum origin origin;
    double confidence; /* 0..1, that origin's score */
    bool unknown;
};
struct vote_answer vote_answer(const struct vote *v);

/* One model over all moments. */
struct summary {
    size_t known;     /* moments it could judge and that weigh something; when 0 the rest says nothing */
    struct vote mean; /* per origin; unknown when known is 0 */
    double deviation; /* population standard deviation of the score for artificial, 0 of one moment */
};
struct summary votes_summary(const struct votes *v, size_t model);

#endif
