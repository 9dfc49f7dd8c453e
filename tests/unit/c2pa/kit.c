#include "kit.h"

void kit_number(struct buf *b, uint64_t v, size_t n)
{
    while (n-- > 0) {
        char c = (char)(v >> 8 * n);

        buf_add(b, &c, 1);
    }
}

size_t kit_open_box(struct buf *b, const char *type)
{
    size_t at = b->len;

    kit_number(b, 0, 4);
    buf_add(b, type, 4);
    return at;
}

void kit_close_box(struct buf *b, size_t at)
{
    size_t n = b->len - at;

    for (size_t i = 0; i < 4; i++)
        b->data[at + i] = (char)(n >> 8 * (3 - i));
}

void kit_box(struct buf *b, const char *type, const void *body, size_t n)
{
    size_t at = kit_open_box(b, type);

    buf_add(b, body, n);
    kit_close_box(b, at);
}

void kit_description(struct buf *b, const char *letters, int toggles, const char *label, const void *more,
                     size_t n)
{
    size_t at = kit_open_box(b, "jumd");

    buf_add(b, letters, 4);
    buf_add(b, "\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71", 12);
    kit_number(b, (uint64_t)toggles, 1);
    buf_str(b, label);
    kit_number(b, 0, 1);
    buf_add(b, more, n);
    kit_close_box(b, at);
}

size_t kit_open_super(struct buf *b, const char *letters, const char *label)
{
    size_t at = kit_open_box(b, "jumb");

    kit_description(b, letters, 3, label, "", 0);
    return at;
}

void kit_store(struct buf *b, const char *manifest, size_t padding)
{
    size_t store = kit_open_super(b, "c2pa", "c2pa"), m = kit_open_super(b, "c2ma", manifest);
    size_t at = kit_open_box(b, "free");

    for (size_t i = 0; i < padding; i++)
        kit_number(b, i, 1);
    kit_close_box(b, at);
    kit_close_box(b, m);
    kit_close_box(b, store);
}
