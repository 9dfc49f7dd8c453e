/* Inside of shots: the three searches, each over looks that come one by one. */
#ifndef ASSAY_ANALYSIS_SHOTS_INT_H
#define ASSAY_ANALYSIS_SHOTS_INT_H

#include <stdbool.h>

#include "analysis/look.h"

struct arena;

struct begin {
    double pts;         /* of the first frame; of a gradual transition its middle */
    double from, until; /* all of it */
    bool gradual;
    float weight; /* of the evidence, > 0; a fade has 1 */
};

/* Called with every transition that is sure, each search in order of time. */
struct begin_sink {
    void (*add)(void *to, const struct begin *b);
    void *to;
};

/* Hard cuts. */
struct cuts;
struct cuts *cuts_new(struct arena *a, struct begin_sink sink);
void cuts_next(struct cuts *c, const struct look *l);
void cuts_end(struct cuts *c);
/* What a frame is judged by: differences to the frame before, and how that compares with the neighbours. */
struct cut_signs {
    float luma, ratio, colour, histogram, structure;
    bool back; /* the picture before it comes back soon, or was there a little earlier */
};
/* > 0: a cut. */
float cut_weigh(const struct cut_signs *s);

/* Dissolves. */
struct dissolves;
struct dissolves *dissolves_new(struct arena *a, struct begin_sink sink);
void dissolves_next(struct dissolves *d, const struct look *l);
void dissolves_end(struct dissolves *d);
struct dissolve_signs {
    float residual;     /* of the mixtures, share of the change; mean over the middle */
    float correlation;  /* of both ends */
    float motion_left;  /* share of the change which motion does not explain */
    float texture_left; /* in the middle, share of the mean of both ends */
    float evenness;     /* in the middle, share of the change that is everywhere the same part */
    float change;       /* root mean square of the change, levels */
};
float dissolve_weigh(const struct dissolve_signs *s);

/* Fades through black and white. */
struct fades;
struct fades *fades_new(struct arena *a, struct begin_sink sink);
void fades_next(struct fades *f, const struct look *l);
void fades_end(struct fades *f);

#endif
