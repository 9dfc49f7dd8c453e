#include "c2pa/der_int.h"

#include <string.h>

enum { LONG_FORM = 0x80, HIGH_TAG = 0x1f, HEAD_MAX = 6 };

/* The length behind the tag; returns how many bytes it takes, 0 when it makes no sense. */
static size_t read_length(struct bytes b, size_t *ret)
{
    size_t n, width;

    if (b.len < 2)
        return 0;
    width = b.data[1] & ~LONG_FORM;
    if (!(b.data[1] & LONG_FORM)) {
        *ret = b.data[1];
        return 1;
    }
    if (width == 0 || width > 4 || b.len < 2 + width)
        return 0;
    n = 0;
    for (size_t i = 0; i < width; i++)
        n = n << 8 | b.data[2 + i];
    *ret = n;
    return 1 + width;
}

bool der_next(struct bytes *b, struct der *ret)
{
    size_t n = 0, head = read_length(*b, &n);

    if (head == 0 || (b->data[0] & HIGH_TAG) == HIGH_TAG || n > b->len - 1 - head)
        return false;
    ret->tag = b->data[0];
    ret->raw = bytes_of(b->data, 1 + head + n);
    ret->body = bytes_of(b->data + 1 + head, n);
    *b = bytes_of(b->data + ret->raw.len, b->len - ret->raw.len);
    return true;
}

bool der_take(struct bytes *b, enum der_tag tag, struct der *ret)
{
    struct bytes rest = *b;

    if (!der_next(&rest, ret) || ret->tag != tag)
        return false;
    *b = rest;
    return true;
}

/* Tag and length, the shortest way. */
static size_t put_head(uint8_t to[HEAD_MAX], enum der_tag tag, size_t n)
{
    size_t width = n < 0x80 ? 0 : n <= UINT8_MAX ? 1 : n <= UINT16_MAX ? 2 : 4;

    to[0] = (uint8_t)tag;
    to[1] = (uint8_t)(width ? LONG_FORM | width : n);
    for (size_t i = 0; i < width; i++)
        to[2 + i] = (uint8_t)(n >> 8 * (width - 1 - i));
    return 2 + width;
}

struct bytes der_wrap(struct arena *a, enum der_tag tag, const struct bytes *parts, size_t n)
{
    size_t total = 0, at;
    uint8_t *to;

    for (size_t i = 0; i < n; i++)
        total += parts[i].len;
    to = arena_alloc(a, HEAD_MAX + total);
    at = put_head(to, tag, total);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len > 0)
            memcpy(to + at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    return bytes_of(to, at);
}
