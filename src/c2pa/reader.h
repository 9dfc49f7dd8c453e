/* Reads the Content Credentials (C2PA) of a file and judges them: is the claim signed, by whom and when, is
 * it about these very bytes, and does it say that a machine has made them?
 *
 *     struct c2pa_opts opts = {.trust = trust, .now = clock_wall_us() / 1000000};
 *     struct c2pa_result r;
 *     if (c2pa_read(a, &source, &opts, &r, err) < 0)   reading failed, or a ceiling of memory
 *         return -1;
 *
 * What a stranger can spoil is a result, not an error: a malformed store, a wrong hash, a broken signature
 * give C2PA_INVALID with a coded failure in the JSON. Nothing is fetched from anywhere.
 *
 * States (docs/c2pa.md):
 *     NONE      the file carries no manifest store
 *     INVALID   something in it does not hold, or could not be checked
 *     VALID     signature, certificate, assertions and the hash of the file hold; the signer is not known
 *     TRUSTED   the same, and the signer's certificate leads to an anchor of the operator
 *
 * In memory are the store and what is made of it; the file is hashed in pieces. Ceilings: of container.h,
 * jumbf.h, base/cbor.h, and those below. No state: any thread, each with its own arena; same bytes, same
 * answer for the same time. */
#ifndef ASSAY_C2PA_READER_H
#define ASSAY_C2PA_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "c2pa/container.h"
#include "c2pa/trust.h"

enum {
    C2PA_MAX_JSON = 1 << 20,    /* bytes; data of assertions that would exceed it are replaced by a note */
    C2PA_MAX_MANIFESTS = 128,   /* in a store */
    C2PA_MAX_ASSERTIONS = 512,  /* references of a claim */
    C2PA_MAX_BOXES = 1024,      /* in a manifest, in its assertion store, in the store: siblings */
    C2PA_MAX_REDACTIONS = 1024, /* in a store */
    C2PA_MAX_RECORDS = 4096,    /* of what ingredient assertions say was wrong before */
    C2PA_MAX_CLAIM = 1 << 20,   /* bytes */
    C2PA_MAX_STATUSES = 4096,   /* of a reading */
    C2PA_MAX_EXCLUSIONS = 4096, /* of a hash of the file */
};
#define C2PA_MAX_HASHED ((uint64_t)256 << 20) /* bytes of boxes of the store, all manifests together */

struct c2pa_opts {
    const struct c2pa_trust *trust; /* borrowed for the call; NULL: nobody is trusted */
    int64_t now;                    /* seconds since 1970: when is judged what has no time stamp */
};

enum c2pa_state { C2PA_NONE, C2PA_INVALID, C2PA_VALID, C2PA_TRUSTED };

/* Everything lives in the arena; strings are NULL where the file does not say. */
struct c2pa_result {
    enum c2pa_state state;
    bool declares_ai;      /* the active manifest, or one it was made from (parentOf), declares a media source
                              of trained algorithms */
    bool says_ai;          /* that, in the state VALID or TRUSTED: what may force a verdict */
    const char *source;    /* the digitalSourceType that counted, else the first one of the active manifest */
    const char *signer;    /* organisation of the signing certificate, or its common name */
    const char *generator; /* the program that made the claim */
    int64_t signed_at;     /* seconds since 1970, of a time stamp that holds; 0: none */
    bool signed_at_known;  /* the time stamp's authority leads to an anchor */
    const char *json;      /* the reader JSON (docs/c2pa.md); NULL when the state is NONE */
    size_t json_len;
    const struct c2pa_failure {
        const char *code, *explanation;
    } * failures; /* what is wrong, in the order of the JSON's validation_status */
    size_t nfailures;
};

const char *c2pa_state_name(enum c2pa_state state); /* "None", "Invalid", "Valid", "Trusted" */

/* err: what source->read said, ERR_LIMIT for want of memory. */
int c2pa_read(struct arena *a, const struct source *s, const struct c2pa_opts *opts, struct c2pa_result *ret,
              struct err *err);

#endif
