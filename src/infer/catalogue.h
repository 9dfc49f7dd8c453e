/* The catalogue: models that are one `assay model pull` away. For each of them the public address, size and
 * SHA-256 of the weights, the licence, and the card which says how to run them. It ships inside the program
 * with its cards; the weights do not. Another catalogue is a file with its cards beside it (docs/models.md).
 *
 * Parsing is pure; catalogue_load reads a file. Everything lives in the arena. ERR_MODEL with a sentence that
 * names the file and the member. */
#ifndef ASSAY_INFER_CATALOGUE_H
#define ASSAY_INFER_CATALOGUE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/hash.h"

enum { CATALOGUE_MAX_MODELS = 500, CATALOGUE_MAX_BYTES = 1 << 20 };

struct catalogue_entry {
    const char *name, *task;     /* of the card */
    const char *card;            /* its file name */
    const char *map;             /* file name of its tag map; NULL = none */
    const char *file;            /* name of the weights; the same on a mirror */
    int size;                    /* of the weights, 1..MODEL_MAX_BYTES */
    const char *sha256;          /* of the weights, in lower case */
    const char *licence, *terms; /* a short name; what else one must know, NULL = nothing */
    const char *url;             /* NULL: nobody publishes the weights as they are used here ... */
    const char *conversion;      /* ... and this must be done to what is public; NULL = nothing */
};

struct catalogue {
    const char *dir; /* where the cards lie; NULL: inside the program */
    struct catalogue_entry *entries;
    size_t n;
};

int catalogue_parse(struct arena *a, struct bytes json, const char *origin, struct catalogue *ret,
                    struct err *err);
/* path NULL: the one inside the program. */
int catalogue_load(struct arena *a, const char *path, struct catalogue *ret, struct err *err);
const struct catalogue_entry *catalogue_find(const struct catalogue *c, const char *name); /* or NULL */
/* The bytes of a card or of a tag map. */
int catalogue_text(const struct catalogue *c, struct arena *a, const char *name, struct bytes *ret,
                   struct err *err);

/* Files inside the program by name: "catalogue.json", "yunet.json" ...; .data NULL = none of that name. */
struct bytes embedded_file(const char *name);

#endif
