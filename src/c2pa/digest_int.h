/* The hashes that C2PA allows, by their names in claims. */
#ifndef ASSAY_C2PA_DIGEST_INT_H
#define ASSAY_C2PA_DIGEST_INT_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/bytes.h"

/* "sha256", "sha384", "sha512"; NULL for any other. */
const EVP_MD *digest_named(const char *alg);
/* Whether that is the hash of b. */
bool digest_matches(const EVP_MD *md, struct bytes b, struct bytes hash);

#endif
