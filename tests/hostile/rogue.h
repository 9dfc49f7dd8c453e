/* Hostile files by number: the same list in every run with the same libav. Each is made when it is asked for,
 * so that thousands of them need no room.
 *
 *   rogue.c         whole samples, cuts, flipped bits
 *   rogue_fields.c  counts, sizes, times and sides in the heads of containers
 *   rogue_made.c    wrong types, references to elsewhere, nests and crowds */
#ifndef ASSAY_TEST_ROGUE_H
#define ASSAY_TEST_ROGUE_H

#include "sample.h"

/* What must not come out of it. */
enum rogue_rule {
    ROGUE_ANY,      /* whatever the decoder makes of it, with a code or with judged moments */
    ROGUE_WHOLE,    /* nothing is wrong with it and nobody is in it: it must be safe */
    ROGUE_CUT,      /* part of it is missing: never safe */
    ROGUE_OPEN_END, /* as a cut, but between two packets of a flow that declares no end; counted */
    ROGUE_NOTHING,  /* there is nothing to judge: an error */
};

struct rogue {
    const char *what;
    enum rogue_rule rule;
    struct bytes file;
};

struct rogues_opts {
    const char *canary; /* path of a file that nobody may open; references name it */
    int trap_port;      /* where nobody may knock */
    const char *clips;  /* folder with more samples (person.mp4, empty.mp4); NULL = none */
    const char *real;   /* folder with clips of the world, cut at a few points; NULL = none */
};

struct rogues;
struct rogues *rogues_new(struct arena *a, const struct rogues_opts *opts);
size_t rogues_count(const struct rogues *r);
/* The n-th, in the arena; the same every time. */
struct rogue rogue_make(const struct rogues *r, struct arena *a, size_t n);
/* The group it is of ("cut", "mp4 fields"), for statistics; and whether it is one of those that a short run
 * must have. */
const char *rogue_group(const struct rogues *r, size_t n);
bool rogue_is_vital(const struct rogues *r, size_t n);
/* How many samples there are, and how many this libav could not make. */
size_t rogues_samples(const struct rogues *r, size_t *ret_missing);

#endif
