/* A time stamp token (RFC 3161): CMS signed data around the time and the hash of what is stamped. */
#ifndef ASSAY_C2PA_TOKEN_INT_H
#define ASSAY_C2PA_TOKEN_INT_H

#include <openssl/x509.h>

#include "c2pa/reader_int.h"

enum { TOKEN_MAX_CERTIFICATES = 16 };

struct token {
    X509 *signer; /* the certificate inside that its one signature names */
    int64_t at;   /* seconds since 1970 */
    int imprint;  /* NID of the hash */
    struct bytes hash;
    /* The rest is token.c's. */
    struct bytes signed_data;
    struct bytes certificates[TOKEN_MAX_CERTIFICATES]; /* DER */
    size_t n;
};

/* b is a token, or the answer of an authority with one inside. What it gets lives in the arena of the
 * reading, but for `signer`: token_clear. False when it is neither. */
bool token_read(struct reading *r, struct bytes b, struct token *ret);
void token_clear(struct token *t);
/* Whether its signature is the signer's. */
bool token_verify(const struct token *t);
/* All certificates inside; the caller frees them. */
STACK_OF(X509) * token_certificates(struct reading *r, const struct token *t);

#endif
