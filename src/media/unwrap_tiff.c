/* TIFF: a directory of tags, of which only those are read that say how large the picture is, how it lies, and
 * where its strips or tiles are, so that a file that was cut off is told from a whole one. TIFF 6.0. */
#include "media/exif_int.h"
#include "media/unwrap_int.h"

enum { TIFF_HEADER = 8, TIFF_ENTRY = 12, TIFF_SHORT = 3, TIFF_LONG = 4, TIFF_MOST_PIECES = 1 << 20 };
enum {
    TAG_WIDTH = 256,
    TAG_HEIGHT = 257,
    TAG_STRIPS = 273,
    TAG_STRIP_BYTES = 279,
    TAG_TILES = 324,
    TAG_TILE_BYTES = 325,
};

struct tiff {
    struct bytes file;
    bool big; /* endian */
};

/* The values of one tag; n is 0 when it is absent or not of a kind that is read. */
struct values {
    const uint8_t *at;
    uint32_t n;
    int size; /* bytes of one */
};

static uint32_t number(const struct tiff *t, const uint8_t *p, int bytes)
{
    uint32_t v = 0;

    for (int i = 0; i < bytes; i++)
        v |= (uint32_t)p[i] << 8 * (t->big ? bytes - 1 - i : i);
    return v;
}

static bool holds(const struct tiff *t, uint64_t at, uint64_t n)
{
    return at <= t->file.len && n <= t->file.len - at;
}

static struct values values_of(const struct tiff *t, const uint8_t *entry)
{
    uint32_t type = number(t, entry + 2, 2), n = number(t, entry + 4, 4);
    int size = type == TIFF_SHORT ? 2 : type == TIFF_LONG ? 4 : 0;
    uint64_t bytes = (uint64_t)n * (uint64_t)size, at = number(t, entry + 8, 4);

    if (!size || n > TIFF_MOST_PIECES)
        return (struct values){0};
    if (bytes <= 4)
        return (struct values){entry + 8, n, size};
    return holds(t, at, bytes) ? (struct values){t->file.data + at, n, size} : (struct values){0};
}

static struct values find(const struct tiff *t, const uint8_t *entries, uint32_t n, uint32_t tag)
{
    for (uint32_t i = 0; i < n; i++)
        if (number(t, entries + (size_t)i * TIFF_ENTRY, 2) == tag)
            return values_of(t, entries + (size_t)i * TIFF_ENTRY);
    return (struct values){0};
}

static uint32_t value(const struct tiff *t, const struct values *v, uint32_t i)
{
    return i < v->n ? number(t, v->at + (size_t)i * (size_t)v->size, v->size) : 0;
}

/* All strips or tiles lie in the file. */
static bool is_whole(const struct tiff *t, const struct values *at, const struct values *bytes)
{
    if (at->n == 0 || at->n != bytes->n)
        return false;
    for (uint32_t i = 0; i < at->n; i++)
        if (!holds(t, value(t, at, i), value(t, bytes, i)))
            return false;
    return true;
}

int unwrap_tiff(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err)
{
    struct tiff t = {file, file.len > 0 && file.data[0] == 'M'};
    uint32_t first = file.len >= TIFF_HEADER ? number(&t, file.data + 4, 4) : UINT32_MAX, n;
    struct values width, height, at, bytes;
    const uint8_t *entries;

    (void)a;
    if (!holds(&t, first, 2))
        return FAIL(err, ERR_DECODE, "The TIFF image was cut off: its directory is missing.");
    n = number(&t, file.data + first, 2);
    entries = file.data + first + 2;
    if (!holds(&t, (uint64_t)first + 2, (uint64_t)n * TIFF_ENTRY + 4)) /* and where the next one is */
        return FAIL(err, ERR_DECODE, "The TIFF image was cut off: its directory is not whole.");
    width = find(&t, entries, n, TAG_WIDTH);
    height = find(&t, entries, n, TAG_HEIGHT);
    at = find(&t, entries, n, TAG_STRIPS);
    bytes = find(&t, entries, n, TAG_STRIP_BYTES);
    if (!at.n) {
        at = find(&t, entries, n, TAG_TILES);
        bytes = find(&t, entries, n, TAG_TILE_BYTES);
    }
    if (!is_whole(&t, &at, &bytes))
        return FAIL(err, ERR_DECODE,
                    "The TIFF image is damaged or was cut off: a part of its picture is missing.");
    *ret = (struct unwrapped){.width = value(&t, &width, 0),
                              .height = value(&t, &height, 0),
                              .orientation = exif_orientation(file),
                              .core = file};
    return 0;
}
