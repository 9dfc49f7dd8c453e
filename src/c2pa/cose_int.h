/* COSE_Sign1 (RFC 9052) as C2PA uses it: the payload is not inside, and the certificates are in a header. */
#ifndef ASSAY_C2PA_COSE_INT_H
#define ASSAY_C2PA_COSE_INT_H

#include <openssl/x509.h>

#include "base/cbor.h"

enum { COSE_MAX_CHAIN = 16, COSE_MAX_CERTIFICATE = 1 << 16, COSE_MAX_SIGNATURE = 4096 };

struct cose {
    struct bytes protected_; /* as it was signed */
    struct cbor headers;     /* what is inside; CBOR_MAP */
    struct cbor unprotected;
    struct bytes signature;
    const struct cose_alg *alg;         /* NULL: none, or one that is not known */
    struct bytes chain[COSE_MAX_CHAIN]; /* DER, the signer's first */
    size_t nchain;
};

/* ERR_DECODE when it is no such thing. Bytes behind it (padding of the first files) are left alone. */
int cose_read(struct arena *a, struct bytes b, struct cose *ret, struct err *err);
const char *cose_alg_name(const struct cose_alg *alg); /* "Es256" */
/* Whether the signature is one of that key over that payload. */
bool cose_verify(struct arena *a, const struct cose *c, EVP_PKEY *key, struct bytes payload);
/* What is signed: [context, protected, h'', payload]. */
struct bytes cose_message(struct arena *a, const char *context, struct bytes protected_,
                          struct bytes payload);
/* The encoding of a byte string: its head, then b. */
struct bytes cose_byte_string(struct arena *a, struct bytes b);

#endif
