#include "c2pa/digest_int.h"

#include <string.h>

#include "base/text.h"

static const struct {
    const char *name;
    const EVP_MD *(*md)(void);
} digests[] = {{"sha256", EVP_sha256}, {"sha384", EVP_sha384}, {"sha512", EVP_sha512}};

const EVP_MD *digest_named(const char *alg)
{
    for (size_t i = 0; i < COUNT_OF(digests); i++)
        if (text_is(alg, digests[i].name))
            return digests[i].md();
    return NULL;
}

bool digest_matches(const EVP_MD *md, struct bytes b, struct bytes hash)
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    return md && EVP_Digest(b.data, b.len, sum, &n, md, NULL) == 1 && n == hash.len &&
           memcmp(sum, hash.data, n) == 0;
}
