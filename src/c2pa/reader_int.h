/* What the parts of a reading share. One reading goes through its files in this order:
 *
 *     reader.c       the store, its manifests, and from one manifest to the next
 *     claim.c        the claim's fields                        cose.c         its signature
 *     stamp.c        when it was signed                        certificate.c  may this certificate sign?
 *     trust.c        does the operator know the signer?        ocsp.c         was the certificate revoked?
 *     assertions.c   are they all there and unchanged?         bind_*.c       is the file unchanged?
 *     ingredients.c  what it was made from                     forcing.c      does it say that it is AI?
 *     state.c        Valid, Trusted or Invalid                 render.c       all of it as JSON
 *
 * Whatever is found out is told with status_add; nothing is an error but reading the file and memory. */
#ifndef ASSAY_C2PA_READER_INT_H
#define ASSAY_C2PA_READER_INT_H

#include "base/cbor.h"
#include "c2pa/jumbf.h"
#include "c2pa/reader.h"
#include "c2pa/status_int.h"

enum { TYPE_CBOR = JUMBF_TYPE('c', 'b', 'o', 'r'), TYPE_JSON = JUMBF_TYPE('j', 's', 'o', 'n') };

/* A reference with the hash of what it means. */
struct hashed_uri {
    const char *url;
    const char *alg; /* NULL: that of the claim */
    struct bytes hash;
};

struct claim {
    int version; /* 1, or 2 for c2pa.claim.v2; 0: the manifest has none that can be read */
    enum c2pa_code fault;
    const char *fault_text; /* NULL: none */
    struct bytes signed_bytes;
    const char *alg; /* of hashes that do not name theirs; NULL: none */
    const char *signature, *generator, *title, *format, *instance_id;
    struct cbor generator_info; /* CBOR_MAP or CBOR_ARRAY; anything else: not there */
    struct hashed_uri *assertions;
    const struct jumbf_box **boxes; /* what each of them means; NULL: nothing in this manifest's own store */
    size_t nassertions;
    const char **redacted; /* URIs of assertions of others that were taken out */
    size_t nredacted;
};

/* Of the certificate and the time stamp, for people; NULL where there is none. */
struct signature_info {
    const char *alg; /* "Es256" */
    const char *issuer, *common_name, *serial;
    int64_t stamped_at; /* seconds since 1970; 0: no time stamp that holds */
    bool stamp_trusted;
};

struct ingredient {
    const struct jumbf_box *box; /* the assertion */
    const char *uri;             /* of the assertion, absolute */
    struct cbor map;
    const char *relationship; /* NULL when it has none */
    bool has_manifest;
    struct hashed_uri reference; /* to its manifest */
    struct manifest *manifest;   /* NULL: none, or not in the store */
    bool matched;                /* the reference's hash is that of the manifest */
};

struct manifest {
    const struct jumbf_box *box;
    const char *label;
    const char *uri, *signature_uri, *assertions_uri; /* absolute; the last one ends in '/' */
    struct claim claim;
    struct signature_info signature;
    struct ingredient *ingredients;
    size_t ningredients;
    bool queued;     /* it is, or will be, verified */
    bool linked;     /* it is the active one, or what led here holds its right hash */
    const char *via; /* the ingredient assertion that led here; NULL: the active manifest */
};

/* An assertion that some claim has taken out of another manifest. */
struct redaction {
    const struct manifest *by, *of;
    const char *label;
};

/* Certificates that were decoded once: the manifests of a file tend to be signed by the same. */
enum { CERTIFICATES_KEPT = 32 };
struct certificates {
    struct {
        struct bytes der;
        struct x509_st *x;
    } items[CERTIFICATES_KEPT];
    size_t n;
};

struct reading {
    struct arena *a;
    const struct source *s;
    const struct c2pa_opts *opts;
    struct container_store store;
    struct jumbf_box *root;
    struct manifest *manifests; /* in the order of the store */
    size_t nmanifests;
    struct manifest *active;  /* NULL: none */
    struct manifest *binding; /* the one whose hash of the file counts; NULL: none */
    bool bound;               /* that hash was compared and is right */
    struct redaction *redactions;
    size_t nredactions;
    struct status_list list;
    uint64_t hashed; /* bytes of boxes so far */
    struct certificates certificates;
};

/* Where statuses of a manifest go. url NULL: its signature box. */
void status_add(struct reading *r, enum c2pa_code code, const char *via, const char *url, const char *fmt,
                ...) PRINTF(5, 6);

/* ---- claim.c ---- */

void claim_read(struct reading *r, struct manifest *m);
/* {url, hash, alg}; false when it is no such map. */
bool hashed_uri_read(struct arena *a, const struct cbor *map, struct hashed_uri *ret);
/* The value of a text field; NULL when there is none. */
const char *field_text(struct arena *a, const struct cbor *map, const char *key);
/* The cbor box of a superbox as one item; false when there is none or it is malformed. */
bool box_cbor(const struct jumbf_box *box, struct cbor *ret);

/* ---- signature.c ---- */

/* Signature, time stamp, certificate and trust of a manifest. */
void signature_check(struct reading *r, struct manifest *m);

/* ---- assertions.c ---- */

/* Finds the box of each reference; a fault of the claim when there are too many boxes to look through. */
void assertions_resolve(struct reading *r, struct manifest *m);
/* Collects what the claims have taken out of others. */
void redactions_read(struct reading *r);
void assertions_check(struct reading *r, struct manifest *m);
/* Whether another claim has taken out that assertion of m; any at all, for NULL. */
bool is_redacted(const struct reading *r, const struct manifest *m, const char *label);

/* ---- uri.c ---- */

/* "self#jumbf=/c2pa/<manifest>/<rest>" for a relative reference; an absolute one as it is. */
const char *uri_absolute(struct arena *a, const struct manifest *m, const char *url);
/* The label of the manifest that an absolute reference leads into, there or not; NULL for a relative one. */
const char *uri_manifest(struct arena *a, const char *url);
/* That manifest; NULL: none. */
struct manifest *manifest_of_uri(const struct reading *r, const char *url);
/* The label without "__2" at its end; *ret_instance is that number, or 0. */
const char *label_base(struct arena *a, const char *label, int *ret_instance);
/* "c2pa.hash.data" and "c2pa.hash.data.v2", but not "c2pa.hash.database". */
bool label_is(const char *label, const char *name);
/* The last step of a reference. */
const char *uri_last(const char *url);

/* ---- bind.c ---- */

/* The manifest whose hash of the file counts: the active one, or for an update manifest its parent. */
void binding_find(struct reading *r);
/* Compares the file's bytes with it. -1 only when reading fails. */
int binding_check(struct reading *r, struct err *err);
bool is_hard_binding(const char *label);

/* ---- ingredients.c ---- */

void ingredients_read(struct reading *r, struct manifest *m);
/* References to the manifests of its ingredients; those are queued. */
void ingredients_check(struct reading *r, struct manifest *m);
/* Failures that an ingredient assertion has recorded already are no news: takes them out. */
void ingredients_filter(struct reading *r);

/* ---- forcing.c, state.c, render.c ---- */

void forcing_judge(const struct reading *r, struct c2pa_result *ret);
enum c2pa_state state_judge(const struct reading *r);
void render_json(const struct reading *r, struct c2pa_result *ret);

#endif
