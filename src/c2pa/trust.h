/* Whom the operator trusts: read once from files, before anything is locked in, then only looked at.
 *
 *     anchors   PEM certificates of authorities: who is signed by one of them is trusted
 *     allowed   PEM certificates of signers which are trusted by themselves, and lines with the Base64 of the
 *               SHA-256 of such a certificate
 *     ekus      one OID a line; lines that begin with // or # are remarks. What a signer's certificate must
 * be made for (extended key usage): one of these. Without such a file a built-in list holds tsa       PEM
 * certificates of authorities for time stamps; the anchors count for them, too
 *
 * Nothing is trusted by default and nothing is fetched. Opening also prepares OpenSSL, so that no file is
 * opened later. Any number of threads may read with one trust. */
#ifndef ASSAY_C2PA_TRUST_H
#define ASSAY_C2PA_TRUST_H

#include "base/err.h"

enum { TRUST_MAX_FILE = 16 << 20, TRUST_MAX_CERTIFICATES = 4096 };

struct c2pa_trust;
struct c2pa_trust_files {
    const char *const *anchors, *const *allowed, *const *ekus, *const *tsa; /* each ended by NULL, or NULL */
};

/* ERR_IO: a file cannot be read; ERR_INPUT: it is not what it should be, or is empty of it. */
int c2pa_trust_open(const struct c2pa_trust_files *files, struct c2pa_trust **ret, struct err *err);
struct c2pa_trust *c2pa_trust_free(struct c2pa_trust *t); /* NULL is fine; returns NULL */
void c2pa_trust_freep(struct c2pa_trust **t);

/* Prepares OpenSSL for readings without any trust: whatever it looks for in files is looked for now. */
void c2pa_prepare(void);

#endif
