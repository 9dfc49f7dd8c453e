/* Signs small files of its own, for the tests of this folder: keys and certificates are made on the spot.
 * Whatever fails in here ends the test program. */
#ifndef ASSAY_TESTS_C2PA_SIGNER_H
#define ASSAY_TESTS_C2PA_SIGNER_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

/* A certificate with its key. Times are seconds since 1970. */
struct identity {
    X509 *cert;
    EVP_PKEY *key;
};
struct identity_opts {
    const char *key;               /* "P-256", "P-384", "P-521", "secp256k1", "RSA", "RSA-1024", "ED25519" */
    const char *basic, *usage;     /* extensions as OpenSSL writes them; NULL: CA:FALSE, digitalSignature */
    const char *purpose;           /* extended key usage; NULL: emailProtection; "": none */
    int64_t from, to;              /* 0: 2020 to 2040 */
    const struct identity *issuer; /* NULL: itself */
};
struct identity identity_new(const struct identity_opts *o);
struct identity identity_root(const char *key); /* an authority */
void identity_clear(struct identity *i);
void identity_save(const struct identity *i, const char *path); /* the certificate as PEM */

/* ---- CBOR ---- */

void cb_head(struct buf *b, unsigned major, uint64_t n);
void cb_text(struct buf *b, const char *s);
void cb_bytes(struct buf *b, struct bytes v);
void cb_pair(struct buf *b, const char *key, const char *text);
/* {url, hash} */
void cb_reference(struct buf *b, const char *url, struct bytes hash);

/* ---- manifests ---- */

enum { MORE_MAX = 4 };
struct made {
    const char *label; /* NULL: "urn:uuid:one" */
    int version;       /* 0: 1 */
    int64_t alg;       /* of COSE */
    const struct identity *signer, *issuer;
    const struct identity *stamper; /* NULL: no time stamp */
    int64_t stamped_at;
    const struct identity *answerer; /* who tells about revocation; NULL: nobody. As the issuer, or for it */
    int64_t revoked_at;              /* 0: not */
    bool stamp_other;                /* something else than it should be */
    bool bare;                       /* the token alone, and no answer around it */
    bool der;                        /* ECDSA signatures as DER, which is wrong */
    bool untagged;
    const char
        *chain_key;     /* of the certificates in the unprotected headers; NULL: 33 in the protected ones */
    const char *sort;   /* "c2ma" unless NULL */
    const char *source; /* a digitalSourceType in an action; NULL: none */
    bool unbound;       /* without a hash of the file */
    struct {
        const char *label;
        struct bytes cbor;
    } more[MORE_MAX];       /* assertions */
    const char *skip;       /* the label of an assertion that is not put into the store */
    bool undeclared;        /* an assertion that the claim does not know */
    struct bytes file_hash; /* filled by signed_png */
    uint64_t exclude;       /* likewise: length of the exclusion */
};

/* Appends the manifest box; *ret_claim is its claim. */
void made_manifest(struct buf *b, const struct made *m);
/* A PNG of some bytes with a store of these manifests; the last one is active. */
struct bytes signed_png(struct arena *a, struct made *m, size_t n);
/* SHA-256 over the content of a manifest made alone. */
struct bytes made_hash(struct arena *a, const struct made *m);

#endif
