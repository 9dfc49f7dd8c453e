/* Compares shots that were found with those of a film. */
#ifndef ASSAY_TEST_FILM_SCORE_H
#define ASSAY_TEST_FILM_SCORE_H

#include <stdio.h>

#include "film.h"
#include "report/scenery.h"

struct film_count {
    int truth, found, hits;
};
struct film_score {
    struct film_count cuts, gradual;
    int flashes, false_on_flashes; /* begins of any kind at a flash or a change of light */
};

/* Cuts: the frame of the cut or one beside it. Gradual: a begin inside the transition, or a fifth of a second
 * beside it. Each counts once; a begin of the wrong kind is a miss and a false one. `tell` gets a line for
 * each mistake, NULL = nobody. */
void film_score_add(struct film_score *s, const struct film *f, const struct scenery *found, FILE *tell);
double film_f1(const struct film_count *c);
void film_score_print(const struct film_score *s, FILE *to); /* one line, "# " before it */

#endif
