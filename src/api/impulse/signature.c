#include <string.h>
#include <unistd.h>

#include "api/impulse/sample_int.h"
#include "base/cleanup.h"
#include "base/text.h"

enum { BLOCK = 64, DIGITS = 64, PIECE = 64 << 10 };

/* HMAC by its definition (RFC 2104): the file is not whole in memory. */
static void add_key(struct hasher *h, const char *key, uint8_t with)
{
    uint8_t block[BLOCK] = {0};
    size_t n = strlen(key);

    memcpy(block, key, n < BLOCK ? n : BLOCK); /* the store's keys have 32 bytes */
    for (size_t i = 0; i < BLOCK; i++)
        block[i] ^= with;
    hasher_add(h, bytes_of(block, sizeof block));
}

/* '0' where the digits lie, as far as they lie in this piece. */
static void blank(uint8_t *piece, int64_t from, size_t n, int64_t at)
{
    for (int64_t i = at; i < at + DIGITS; i++)
        if (i >= from && i < from + (int64_t)n)
            piece[i - from] = '0';
}

static int add_file(struct hasher *h, int fd, int64_t size, int64_t at, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    uint8_t *piece = arena_alloc(a, PIECE);
    ssize_t n;

    for (int64_t from = 0; from < size; from += n) {
        n = pread(fd, piece, PIECE, from);
        if (n <= 0)
            return n < 0 ? FAIL_ERRNO(err, "cannot read a file to check its signature")
                         : FAIL(err, ERR_INTERNAL, "a stored file is shorter than it should be");
        blank(piece, from, (size_t)n, at);
        hasher_add(h, bytes_of(piece, (size_t)n));
    }
    return 0;
}

int signed_with(int fd, int64_t size, int64_t at, const char *key, bool *ret_good, struct err *err)
{
    CLEANUP(hasher_freep) struct hasher *h = hasher_new();
    uint8_t claimed[HASH_SIZE], made[HASH_SIZE];
    char digits[DIGITS + 1] = "";

    *ret_good = false;
    if (at < 0 || size < DIGITS || at > size - DIGITS)
        return 0;
    if (pread(fd, digits, DIGITS, at) != DIGITS)
        return FAIL_ERRNO(err, "cannot read a signature");
    if (!text_unhex(claimed, sizeof claimed, digits))
        return 0;
    add_key(h, key, 0x36);
    if (add_file(h, fd, size, at, err) < 0)
        return -1;
    hasher_sum(h, made);
    add_key(h, key, 0x5c);
    hasher_add(h, bytes_of(made, sizeof made));
    hasher_sum(h, made);
    *ret_good = hash_equal(claimed, made, sizeof made);
    return 0;
}
