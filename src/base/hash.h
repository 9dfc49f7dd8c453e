/* SHA-256, HMAC, random bytes, constant-time comparison: OpenSSL behind a few calls. Thread safe. */
#ifndef ASSAY_BASE_HASH_H
#define ASSAY_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum { HASH_SIZE = 32, HASH_HEX = 65, HASH_SHA1_SIZE = 20 };

/* A running SHA-256. */
struct hasher;
struct hasher *hasher_new(void);
struct hasher *hasher_free(struct hasher *h); /* NULL is fine; returns NULL */
void hasher_freep(struct hasher **h);
void hasher_add(struct hasher *h, struct bytes b);
/* Ends it: lower-case hex, HASH_HEX characters with the NUL. Once. */
void hasher_hex(struct hasher *h, char ret_hex[HASH_HEX]);

/* What it would be if it ended here; it goes on. */
void hasher_peek(const struct hasher *h, char ret_hex[HASH_HEX]);

/* Ends it and begins anew: cheaper than a new one for many short texts. */
void hasher_sum(struct hasher *h, uint8_t ret[HASH_SIZE]);

void hash_hex(struct bytes b, char ret_hex[HASH_HEX]);
/* SHA-256 of a whole file through its descriptor (pread from 0); -1 and errno on a read error. */
int hash_fd(int fd, char ret_hex[HASH_HEX]);
void hash_hmac(struct bytes key, struct bytes message, uint8_t ret[HASH_SIZE]);
bool hash_equal(const void *a, const void *b, size_t n);     /* time does not depend on the content */
void hash_random(void *dst, size_t n);                       /* from the kernel */
void hash_sha1(struct bytes b, uint8_t ret[HASH_SHA1_SIZE]); /* only where a protocol wants it */
uint32_t hash_crc32(struct bytes b);                         /* IEEE 802.3 */

#endif
