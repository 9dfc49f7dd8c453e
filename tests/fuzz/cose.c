/* A signature box of anybody: what is read of it lies inside it, and nothing in it verifies with our key. */
#include <openssl/ec.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "c2pa/cose_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static EVP_PKEY *key(void)
{
    static EVP_PKEY *kept;

    if (!kept)
        kept = EVP_EC_gen("P-256");
    return kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes b = bytes_of(data, n), message;
    struct cose c;
    struct err err = {0};

    if (cose_read(a, b, &c, &err) < 0) {
        must_be(err.text[0] != '\0');
        return 0;
    }
    must_be(c.nchain <= COSE_MAX_CHAIN && c.signature.len <= COSE_MAX_SIGNATURE);
    for (size_t i = 0; i < c.nchain; i++)
        must_be(c.chain[i].len <= COSE_MAX_CERTIFICATE);
    must_be(!c.alg || cose_alg_name(c.alg));
    must_be(!cose_verify(a, &c, key(), bytes_of("claim", 5)));
    message = cose_message(a, "Signature1", c.protected_, b);
    must_be(message.len > b.len && memcmp(message.data + message.len - b.len, b.data, b.len) == 0);
    return 0;
}
