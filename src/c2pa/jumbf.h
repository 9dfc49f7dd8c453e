/* JUMBF (ISO 19566-5): the boxes of a manifest store as a tree of windows into its bytes.
 *
 * A superbox `jumb` begins with its description `jumd` (type UUID, toggles, label, ...), then come content
 * boxes (cbor, json, bfdb and bidb for an embedded file, uuid, ...) and further superboxes. In C2PA:
 *
 *     c2pa                          the store        JUMBF_STORE
 *       urn:...                     a manifest       JUMBF_MANIFEST, JUMBF_UPDATE; the last is the active one
 *         c2pa.assertions           the assertions   each with its own label and one or two content boxes
 *         c2pa.claim                cbor
 *         c2pa.signature            cbor
 *
 * The tree lives in the arena and borrows the bytes. Ceilings: JUMBF_MAX_DEPTH, JUMBF_MAX_BOXES,
 * JUMBF_MAX_LABEL. No recursion. Pure functions, any thread. */
#ifndef ASSAY_C2PA_JUMBF_H
#define ASSAY_C2PA_JUMBF_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { JUMBF_MAX_DEPTH = 16, JUMBF_MAX_BOXES = 1 << 16, JUMBF_MAX_LABEL = 1024 };

/* A box type or the first four bytes of a type UUID as a number: JUMBF_TYPE('c', 'b', 'o', 'r'). */
#define JUMBF_TYPE(a, b, c, d) \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* What is in a superbox, by its type UUID. Those of C2PA end in 0011-0010-8000-00AA00389B71. */
enum jumbf_sort {
    JUMBF_OTHER,      /* a UUID that is not in this list */
    JUMBF_STORE,      /* c2pa */
    JUMBF_MANIFEST,   /* c2ma */
    JUMBF_UPDATE,     /* c2um: changes nothing but metadata */
    JUMBF_COMPRESSED, /* c2cm: a manifest inside a brob box */
    JUMBF_ASSERTIONS, /* c2as */
    JUMBF_CLAIM,      /* c2cl */
    JUMBF_SIGNATURE,  /* c2cs */
    JUMBF_VCS,        /* c2vc: credentials, old */
    JUMBF_DATABOXES,  /* c2db */
    JUMBF_CBOR,
    JUMBF_JSON,
    JUMBF_FILE, /* bfdb and bidb */
    JUMBF_UUID,
};

struct jumbf_box {
    uint32_t type;     /* JUMBF_TYPE */
    struct bytes raw;  /* with its header */
    struct bytes body; /* without: of a superbox from the description on, which is what its hash covers */

    /* Of a superbox, type jumb; else zero. */
    enum jumbf_sort sort;
    const uint8_t *uuid; /* 16 bytes */
    const char *label;   /* UTF-8; "" when it has none */
    bool requestable;    /* may be referred to by its label */
    bool has_id;
    uint32_t id;
    const uint8_t *sha256; /* 32 bytes, NULL when there is none */
    struct bytes salt;     /* of a private c2sh box; empty when there is none */
    struct jumbf_box *first, *last;

    struct jumbf_box *parent, *next;
};

/* The superbox at the start of b; what follows it (padding) is left alone, root->raw.len says where it ends.
 * ERR_DECODE when the boxes do not fit into each other or a description is malformed, ERR_LIMIT above a
 * ceiling. */
int jumbf_read(struct arena *a, struct bytes b, struct jumbf_box **ret_root, struct err *err);

/* The superbox that a reference means: "self#jumbf=/c2pa/<manifest>/..." from the store, else relative to
 * `manifest` (may be NULL when there is none). NULL when there is no such box, or more than one of a name. */
const struct jumbf_box *jumbf_find(const struct jumbf_box *store, const struct jumbf_box *manifest,
                                   const char *url);
/* The child superbox with that label; NULL when there is none, or more than one. */
const struct jumbf_box *jumbf_child(const struct jumbf_box *in, const char *label);
/* The first content box of a type; NULL when there is none. */
const struct jumbf_box *jumbf_content(const struct jumbf_box *in, uint32_t type);
/* Whether b begins like the superbox of a manifest store; 32 bytes are enough to tell (40 with a 64-bit
 * size). */
bool jumbf_is_store(struct bytes b);

#endif
