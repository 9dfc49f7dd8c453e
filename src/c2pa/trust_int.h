/* What certificates are asked: may you sign, were you valid, does the operator know you? */
#ifndef ASSAY_C2PA_TRUST_INT_H
#define ASSAY_C2PA_TRUST_INT_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "c2pa/reader_int.h"
#include "c2pa/trust.h"

/* ---- trust.c ---- */

enum trust_use { TRUST_SIGNING, TRUST_STAMPING };
/* Whether the certificate leads to an anchor at that time (seconds since 1970) over the others of its chain,
 * or is allowed by itself. NULL trusts nobody. */
bool trust_holds(const struct c2pa_trust *t, enum trust_use use, X509 *leaf, STACK_OF(X509) * chain,
                 int64_t at);
/* Whether a certificate made for that OID may sign claims. */
bool trust_allows_eku(const struct c2pa_trust *t, const char *oid);

/* ---- certificate.c ---- */

/* A certificate from its DER, which fills b; the caller frees it. NULL when it is none. */
X509 *certificate_read(struct certificates *kept, struct bytes b);
void certificates_clear(struct certificates *kept);

/* What is wrong with a certificate that signs claims, or time stamps; NULL: nothing. */
const char *certificate_fault(X509 *x, enum trust_use use, const struct c2pa_trust *t);
bool certificate_valid_at(const X509 *x, int64_t at);
/* The last organisation or common name of the subject, UTF-8; NULL when it has none. */
const char *certificate_organisation(struct arena *a, const X509 *x);
const char *certificate_common_name(struct arena *a, const X509 *x);
const char *certificate_serial(struct arena *a, X509 *x); /* decimal */

#endif
