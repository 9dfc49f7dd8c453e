/* A borrowed run of bytes, and a buffer that grows up to a ceiling. */
#ifndef ASSAY_BASE_BYTES_H
#define ASSAY_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/c23.h"

struct bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){data, len};
}

/* Grows by doubling up to `max` bytes; a write beyond it stores nothing and sets `overflow`, which stays set.
 * Always NUL-terminated for convenience (the NUL is not counted). Zero-initialise with BUF(max). */
struct buf {
    char *data;
    size_t len, cap, max;
    bool overflow;
};
#define BUF(limit) ((struct buf){.max = (limit)})

void buf_clear(struct buf *b); /* frees; NULL-safe; usable with CLEANUP */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
struct bytes buf_bytes(const struct buf *b);

#endif
