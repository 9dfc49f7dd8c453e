/* Hard bindings: hashes of the file itself, without what they exclude. One row per kind (bind.c). */
#ifndef ASSAY_C2PA_BIND_INT_H
#define ASSAY_C2PA_BIND_INT_H

#include <openssl/evp.h>

#include "c2pa/reader_int.h"

enum bind_result { BIND_MATCH, BIND_MISMATCH, BIND_MALFORMED, BIND_ALGORITHM, BIND_NOT_CHECKED };

/* One comparison. */
struct bind {
    struct reading *r;
    const struct jumbf_box *box; /* the assertion */
    struct cbor map;
    const char *url;  /* of the assertion */
    const char *name; /* what the assertion calls itself */
    const char *alg;
};

struct bind_kind {
    const char *label;
    enum c2pa_code match, mismatch, malformed;
    const char *word; /* "data hash valid" */
    /* NULL: this kind is not computed. 0, or -1 when reading fails. */
    int (*compare)(struct bind *b, enum bind_result *ret, struct err *err);
};
extern const struct bind_kind bind_data, bind_bmff;

/* A part of the file that is not hashed. */
struct exclusion {
    uint64_t at, len;
    bool whole; /* a whole box, not a part of one */
};
void exclusions_sort(struct exclusion *x, size_t n);
bool cbor_count(const struct cbor *map, const char *key, uint64_t *ret); /* a number >= 0 */

/* A running hash of the file. */
struct file_hash {
    const struct source *s;
    EVP_MD_CTX *md;
    uint8_t *chunk;
};
bool file_hash_begin(struct file_hash *h, struct reading *r, const EVP_MD *md);
void file_hash_clear(struct file_hash *h);
void file_hash_bytes(struct file_hash *h, const void *data, size_t n);
/* The bytes from..to without those of the exclusions, which are sorted and begin at x[*i]; moves *i on. -1
 * when reading fails. */
int file_hash_range(struct file_hash *h, uint64_t from, uint64_t to, const struct exclusion *x, size_t n,
                    size_t *i, struct err *err);
/* Ends it: whether it is the hash in the assertion. */
bool file_hash_is(struct file_hash *h, const struct cbor *map, struct arena *a);

#endif
