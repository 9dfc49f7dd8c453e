#include "base/hash.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

/* EVP_sha256() would look for the algorithm in OpenSSL's lists at every use, under a lock; for something as
 * short as an API key that takes longer than the hash. Kept until the process ends. */
static EVP_MD *found;

static void find_sha256(void)
{
    found = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!found)
        abort();
}

static const EVP_MD *sha256(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_sha256);
    return found;
}

/* OpenSSL fails here only for want of memory, which ends the process as in base/mem.h: a hash that was not
 * made would be a wrong one, and a context that was not begun again is a crash to come. */
static void must(int done)
{
    if (!done)
        abort();
}

struct hasher {
    EVP_MD_CTX *md;
};

struct hasher *hasher_new(void)
{
    struct hasher *h = mem_alloc(sizeof *h);

    h->md = EVP_MD_CTX_new();
    must(h->md != NULL);
    must(EVP_DigestInit_ex(h->md, sha256(), NULL));
    return h;
}

struct hasher *hasher_free(struct hasher *h)
{
    if (h)
        EVP_MD_CTX_free(h->md);
    free(h);
    return NULL;
}

void hasher_freep(struct hasher **h)
{
    *h = hasher_free(*h);
}

void hasher_add(struct hasher *h, struct bytes b)
{
    must(EVP_DigestUpdate(h->md, b.data, b.len));
}

void hasher_hex(struct hasher *h, char ret_hex[HASH_HEX])
{
    uint8_t sum[HASH_SIZE];

    must(EVP_DigestFinal_ex(h->md, sum, NULL));
    text_hex(ret_hex, sum, sizeof sum);
}

void hasher_peek(const struct hasher *h, char ret_hex[HASH_HEX])
{
    struct hasher copy = {EVP_MD_CTX_new()};

    must(copy.md != NULL);
    must(EVP_MD_CTX_copy_ex(copy.md, h->md));
    hasher_hex(&copy, ret_hex);
    EVP_MD_CTX_free(copy.md);
}

void hasher_sum(struct hasher *h, uint8_t ret[HASH_SIZE])
{
    must(EVP_DigestFinal_ex(h->md, ret, NULL));
    must(EVP_DigestInit_ex(h->md, NULL, NULL));
}

void hash_hex(struct bytes b, char ret_hex[HASH_HEX])
{
    uint8_t sum[HASH_SIZE];

    must(EVP_Digest(b.data, b.len, sum, NULL, sha256(), NULL));
    text_hex(ret_hex, sum, sizeof sum);
}

void hash_sha1(struct bytes b, uint8_t ret[HASH_SHA1_SIZE])
{
    must(EVP_Digest(b.data, b.len, ret, NULL, EVP_sha1(), NULL));
}

int hash_fd(int fd, char ret_hex[HASH_HEX])
{
    enum { CHUNK = 1 << 16 };
    struct hasher *h = hasher_new();
    uint8_t *chunk = mem_alloc(CHUNK);
    off_t at = 0;
    ssize_t n;

    while ((n = pread(fd, chunk, CHUNK, at)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        hasher_add(h, bytes_of(chunk, (size_t)n));
        at += n;
    }
    if (n == 0)
        hasher_hex(h, ret_hex);
    free(chunk);
    hasher_free(h);
    return n == 0 ? 0 : -1;
}

void hash_hmac(struct bytes key, struct bytes message, uint8_t ret[HASH_SIZE])
{
    must(HMAC(EVP_sha256(), key.data, (int)key.len, message.data, message.len, ret, NULL) != NULL);
}

bool hash_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

void hash_random(void *dst, size_t n)
{
    uint8_t *p = dst;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

uint32_t hash_crc32(struct bytes b)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < b.len; i++) {
        crc ^= b.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}
