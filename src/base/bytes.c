#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST = 256 };

void buf_clear(struct buf *b)
{
    if (!b)
        return;
    free(b->data);
    *b = BUF(b->max);
}

/* Room for `more` bytes and the NUL; false when that would pass the ceiling. */
static bool reserve(struct buf *b, size_t more)
{
    size_t need, cap = b->cap ? b->cap : FIRST;

    if (b->overflow || ckd_add(&need, b->len, more) || need > b->max) {
        b->overflow = true;
        return false;
    }
    if (need < b->cap)
        return true;
    while (cap <= need)
        cap *= 2;
    b->data = mem_resize(b->data, cap, 1);
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    if (!reserve(b, len))
        return;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    if (n >= 0 && reserve(b, (size_t)n)) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

struct bytes buf_bytes(const struct buf *b)
{
    return bytes_of(b->data, b->len);
}
