/* Sentences for people about what could not be taken over from a foreign file, a few of them. */
#ifndef ASSAY_INFER_NOTES_INT_H
#define ASSAY_INFER_NOTES_INT_H

#include "base/arena.h"
#include "report/sensor.h"

enum { NOTES_MAX = 32 };

struct notes {
    struct arena *arena;
    size_t n;
    const char **all;
};

void notes_add(struct notes *notes, const char *fmt, ...) PRINTF(2, 3);
void notes_give(const struct notes *notes, struct imported *to);

/* What both files of an export have in common. */
/* "keras-regression": LEARN_REGRESSION; LEARN_KINDS for one that we do not know. Object detection is
 * LEARN_FOMO until somebody knows better. */
enum learn_kind learn_kind_of_type(const char *type);
const char *learn_type_of_kind(enum learn_kind k);
/* Labels of a block of that kind: those of the classes, or the one that it always has. */
void learn_label(struct arena *a, struct impulse_learn *l, size_t n, const char *const *classes);
double learn_min_score(enum learn_kind k); /* where the file says nothing */

#endif
