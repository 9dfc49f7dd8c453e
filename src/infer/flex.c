#include "infer/flex_int.h"

#include <string.h>

/* Kinds of values, as their packed byte has them above two bits of width. */
enum { FLEX_INT = 1, FLEX_UINT, FLEX_FLOAT, FLEX_INDIRECT_INT = 6, FLEX_INDIRECT_UINT, FLEX_INDIRECT_FLOAT };
enum { FLEX_MAP = 9, FLEX_BOOL = 26, MAX_KEYS = 64 };

/* A vector: `n` items of `width` bytes from `at`. */
struct vector {
    size_t at, width, n;
};

static bool is_width(uint64_t w)
{
    return w == 1 || w == 2 || w == 4 || w == 8;
}

static bool read_uint(struct bytes all, size_t at, size_t width, uint64_t *ret)
{
    *ret = 0;
    if (at > all.len || width > all.len - at)
        return false;
    memcpy(ret, all.data + at, width); /* little endian, as everywhere we run */
    return true;
}

/* Offsets count backwards from where they stand. */
static bool follow(struct bytes all, size_t at, size_t width, size_t *ret)
{
    uint64_t off;

    if (!read_uint(all, at, width, &off) || off > at)
        return false;
    *ret = at - (size_t)off;
    return true;
}

/* Its length stands before it. */
static bool read_vector(struct bytes all, size_t at, size_t width, struct vector *ret)
{
    uint64_t n;

    if (!is_width(width) || at < width || !read_uint(all, at - width, width, &n) || n > MAX_KEYS ||
        n * width > all.len - at)
        return false;
    *ret = (struct vector){at, width, (size_t)n};
    return true;
}

/* The map and its keys: before its length stand an offset to the keys and their width. */
static bool open_map(struct bytes all, struct vector *ret_values, struct vector *ret_keys)
{
    size_t root, width, at, keys;
    uint64_t keys_width;

    if (all.len < 3 || !is_width(width = all.data[all.len - 1]) || all.len < 2 + width ||
        all.data[all.len - 2] >> 2 != FLEX_MAP)
        return false;
    root = all.len - 2 - width;
    if (!follow(all, root, width, &at) ||
        !read_vector(all, at, (size_t)1 << (all.data[all.len - 2] & 3), ret_values))
        return false;
    width = ret_values->width;
    return at >= 3 * width && follow(all, at - 3 * width, width, &keys) &&
           read_uint(all, at - 2 * width, width, &keys_width) &&
           read_vector(all, keys, (size_t)keys_width, ret_keys) && ret_keys->n == ret_values->n;
}

static bool key_is(struct bytes all, const struct vector *keys, size_t i, const char *want)
{
    size_t at, n = strlen(want) + 1;

    return follow(all, keys->at + i * keys->width, keys->width, &at) && n <= all.len - at &&
           !memcmp(all.data + at, want, n);
}

static double signed_of(uint64_t v, size_t width)
{
    unsigned rest = (unsigned)(64 - 8 * width);

    return (double)((int64_t)(v << rest) >> rest);
}

static bool float_of(uint64_t v, size_t width, double *ret)
{
    float f;

    if (width == 4) {
        memcpy(&f, &v, sizeof f);
        *ret = (double)f;
    } else if (width == 8)
        memcpy(ret, &v, sizeof *ret);
    return width >= 4;
}

static bool value_at(struct bytes all, size_t at, size_t width, unsigned packed, double *ret)
{
    unsigned kind = packed >> 2;
    uint64_t v;

    if (kind >= FLEX_INDIRECT_INT && kind <= FLEX_INDIRECT_FLOAT) {
        if (!follow(all, at, width, &at))
            return false;
        width = (size_t)1 << (packed & 3);
        kind -= FLEX_INDIRECT_INT - FLEX_INT;
    }
    if (!read_uint(all, at, width, &v))
        return false;
    if (kind == FLEX_FLOAT)
        return float_of(v, width, ret);
    *ret = kind == FLEX_INT ? signed_of(v, width) : (double)v;
    return kind == FLEX_INT || kind == FLEX_UINT || kind == FLEX_BOOL;
}

bool flex_number(struct bytes all, const char *key, double *ret)
{
    struct vector values, keys;
    uint64_t packed;

    if (!open_map(all, &values, &keys))
        return false;
    for (size_t i = 0; i < keys.n; i++)
        if (key_is(all, &keys, i, key))
            return read_uint(all, values.at + values.n * values.width + i, 1, &packed) &&
                   value_at(all, values.at + i * values.width, values.width, (unsigned)packed, ret);
    return false;
}
