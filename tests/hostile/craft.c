#include "craft.h"

#include <stdlib.h>
#include <string.h>

struct bytes craft_text(struct arena *a, const char *text)
{
    return bytes_of(arena_strdup(a, text), strlen(text));
}

uint8_t *craft_room(struct arena *a, size_t n)
{
    return arena_alloc(a, n + 1);
}

struct bytes craft_join(struct arena *a, struct bytes x, struct bytes y)
{
    uint8_t *all = craft_room(a, x.len + y.len);

    memcpy(all, x.data, x.len);
    memcpy(all + x.len, y.data, y.len);
    return bytes_of(all, x.len + y.len);
}

uint8_t *craft_copy(struct arena *a, struct bytes b)
{
    uint8_t *all = craft_room(a, b.len);

    memcpy(all, b.data, b.len);
    return all;
}

uint64_t craft_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct bytes craft_random(struct arena *a, size_t n, uint64_t seed)
{
    uint8_t *all = craft_room(a, n);

    for (size_t i = 0; i < n; i++)
        all[i] = (uint8_t)craft_next(&seed);
    return bytes_of(all, n);
}

void craft_put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

uint32_t craft_get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

uint8_t *craft_box(uint8_t *clip, size_t len, const char *type)
{
    uint8_t *at = memmem(clip, len, type, 4);

    if (!at)
        abort();
    return at - 4;
}

/* Every entry of the track's stco and co64 boxes moves by `by`. */
static void shift_offsets(uint8_t *moov, size_t len, uint32_t by)
{
    uint8_t *stco = craft_box(moov, len, "stco");

    for (uint32_t i = 0; i < craft_get32(stco + 12); i++)
        craft_put32(stco + 16 + 4 * i, craft_get32(stco + 16 + 4 * i) + by);
}

struct bytes craft_index_first(struct arena *a, struct bytes clip)
{
    uint8_t *copy = craft_copy(a, clip), *moov = craft_box(copy, clip.len, "moov"),
            *mdat = craft_box(copy, clip.len, "mdat");
    size_t moov_len = craft_get32(moov), mdat_len = craft_get32(mdat);
    struct bytes head = bytes_of(copy, (size_t)(mdat - copy));

    shift_offsets(moov, moov_len, (uint32_t)moov_len);
    return craft_join(a, craft_join(a, head, bytes_of(moov, moov_len)), bytes_of(mdat, mdat_len));
}

/* Deflate with fixed codes: one zero, then the longest match again and again. 13 bits for 258 bytes. */
struct bytes craft_deflated_zeros(struct arena *a, size_t bytes)
{
    size_t bit = 0;
    uint8_t *all = craft_room(a, bytes);
    /* last block, fixed codes, literal 0; then "length 258" (11000101) and "distance 1" (00000) */
    static const char start[] = "11000110000", again[] = "1100010100000";

    for (const char *p = start; *p; p++, bit++)
        all[bit / 8] |= (uint8_t)((*p == '1') << bit % 8);
    while (bit / 8 + 4 < bytes)
        for (const char *p = again; *p; p++, bit++)
            all[bit / 8] |= (uint8_t)((*p == '1') << bit % 8);
    return bytes_of(all, bit / 8 + 2); /* end of block: seven zeros, already there */
}

struct bytes craft_boxed(struct arena *a, const char *type, struct bytes content)
{
    uint8_t head[8];

    craft_put32(head, (uint32_t)content.len + 8);
    memcpy(head + 4, type, 4);
    return craft_join(a, bytes_of(head, 8), content);
}
