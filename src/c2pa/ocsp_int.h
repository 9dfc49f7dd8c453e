/* Answers about the revocation of the signer's certificate that the signature brings along (rVals). */
#ifndef ASSAY_C2PA_OCSP_INT_H
#define ASSAY_C2PA_OCSP_INT_H

#include "c2pa/cose_int.h"
#include "c2pa/reader_int.h"

bool ocsp_has(const struct cose *c);
/* Nothing is asked over the net: without an answer inside, nothing is said. `at`: seconds since 1970, when
 * the certificate was used. */
void ocsp_check(struct reading *r, const struct manifest *m, const struct cose *c, X509 *leaf,
                STACK_OF(X509) * others, int64_t at);

#endif
