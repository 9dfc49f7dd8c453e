/* CBOR (RFC 8949), read in place: nothing is copied, an item is a window into the bytes it was read from, so
 * that what was signed or hashed is at hand exactly as it was written (`raw`).
 *
 *     struct cbor claim, value;
 *     if (cbor_read(bytes, &claim, err) < 0)             the whole is checked here, once
 *         return -1;
 *     if (cbor_get(&claim, "alg", &value)) ...           from here on nothing can be malformed
 *
 * Everything well-formed is read: definite and indefinite lengths, tags, all widths of integers, half, single
 * and double floats. Text must be UTF-8 (in each chunk). Not asked for: shortest encodings, sorted keys.
 * Ceilings: CBOR_MAX_DEPTH, CBOR_MAX_ITEMS. No recursion, no allocation but in cbor_string.
 *
 * Items borrow the bytes. Pure functions, any thread. */
#ifndef ASSAY_BASE_CBOR_H
#define ASSAY_BASE_CBOR_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { CBOR_MAX_DEPTH = 32, CBOR_MAX_ITEMS = 1 << 20 };

enum cbor_kind {
    CBOR_UINT,   /* n */
    CBOR_NINT,   /* -1 - n */
    CBOR_BYTES,  /* cbor_string */
    CBOR_TEXT,   /* cbor_string */
    CBOR_ARRAY,  /* cbor_items, cbor_next */
    CBOR_MAP,    /* cbor_get, or cbor_items and cbor_next_pair */
    CBOR_TAG,    /* n, cbor_tagged */
    CBOR_SIMPLE, /* n: enum cbor_simple, or one nobody has given a meaning */
    CBOR_FLOAT,  /* real */
};
enum cbor_simple { CBOR_FALSE = 20, CBOR_TRUE = 21, CBOR_NULL = 22, CBOR_UNDEFINED = 23 };

struct cbor {
    enum cbor_kind kind;
    bool indefinite;   /* strings, arrays, maps: in chunks, or ended by a break */
    uint64_t n;        /* by kind; of a definite string, array or map its length in bytes, items, pairs */
    double real;       /* CBOR_FLOAT; may be infinite or no number */
    struct bytes raw;  /* the whole item as encoded */
    struct bytes body; /* without head and break: the string, its chunks, the items, the tagged item */
};

/* The one item that fills b. ERR_DECODE with the offset when it is malformed or bytes follow, ERR_LIMIT above
 * a ceiling. */
int cbor_read(struct bytes b, struct cbor *ret, struct err *err);
/* The same with a ceiling of its own: an item may hold millions of numbers. Each level that a reader goes
 * down costs one more pass over what lies below. */
int cbor_read_upto(struct bytes b, size_t max_items, struct cbor *ret, struct err *err);
/* The item at the start of b; what follows is none of its business. */
int cbor_read_first(struct bytes b, struct cbor *ret, struct err *err);

/* The items of an array or a map, in the order written; of anything else none. */
struct cbor_cursor {
    struct bytes rest;
};
struct cbor_cursor cbor_items(const struct cbor *in);
bool cbor_next(struct cbor_cursor *c, struct cbor *ret);
bool cbor_next_pair(struct cbor_cursor *c, struct cbor *ret_key, struct cbor *ret_value);

/* The value for a text key, or an integer key (COSE headers). False when `map` is no map, or does not have
 * the key exactly once: a key that is there twice could mean either. */
bool cbor_get(const struct cbor *map, const char *key, struct cbor *ret);
bool cbor_get_number(const struct cbor *map, int64_t key, struct cbor *ret);

/* The item inside a tag. */
bool cbor_tagged(const struct cbor *tag, struct cbor *ret);
/* An integer of either sign that fits. */
bool cbor_number(const struct cbor *item, int64_t *ret);
bool cbor_is_text(const struct cbor *item, const char *text);
bool cbor_is_simple(const struct cbor *item, enum cbor_simple value);
/* What a byte or text string holds: borrowed, or joined in `a` when it came in chunks; empty for any other.
 */
struct bytes cbor_string(struct arena *a, const struct cbor *item);
/* The same for text, NUL-terminated in `a`; NULL when it is no text or has a NUL inside. */
const char *cbor_text(struct arena *a, const struct cbor *item);

#endif
