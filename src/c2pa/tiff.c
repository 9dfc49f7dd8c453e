/* TIFF, DNG and BigTIFF: the tag 0xCD41 of a directory on the main chain. */
#include <string.h>

#include "c2pa/container_int.h"

enum { TAG = 0xcd41, TYPE_BYTE = 1, TYPE_UNDEFINED = 7, MAX_DIRECTORIES = 64, LARGEST_ENTRY = 20 };

/* Byte order and widths of one file. */
struct tiff {
    bool little;
    size_t count;  /* bytes of a directory's count */
    size_t offset; /* bytes of an offset, and of an entry's count */
    size_t entry;  /* bytes of an entry */
};

static const struct tiff classic = {.count = 2, .offset = 4, .entry = 12};
static const struct tiff big = {.count = 8, .offset = 8, .entry = LARGEST_ENTRY};

static bool is(struct bytes first)
{
    return first.len >= 8 && (memcmp(first.data, "II*\0", 4) == 0 || memcmp(first.data, "MM\0*", 4) == 0 ||
                              memcmp(first.data, "II+\0", 4) == 0 || memcmp(first.data, "MM\0+", 4) == 0);
}

static uint64_t number(const struct tiff *t, const uint8_t *p, size_t n)
{
    return t->little ? find_little(p, n) : find_big(p, n);
}

/* A number of n bytes at `at` in the file; as find_read. */
static int read_number(struct find *f, const struct tiff *t, uint64_t at, size_t n, uint64_t *ret,
                       struct err *err)
{
    uint8_t b[8];
    int r = find_read(f, at, b, n, err);

    if (r > 0)
        *ret = number(t, b, n);
    return r;
}

static int look_at(struct find *f, const struct tiff *t, const uint8_t *entry, struct err *err)
{
    uint64_t type = number(t, entry + 2, 2), len = number(t, entry + 4, t->offset);

    if (number(t, entry, 2) != TAG || (type != TYPE_BYTE && type != TYPE_UNDEFINED))
        return 0;
    return find_whole(f, number(t, entry + 4 + t->offset, t->offset), len, err);
}

/* Walks one directory; *at becomes the offset of the next, 0 at the end. As find_read. */
static int read_directory(struct find *f, const struct tiff *t, uint64_t *at, struct err *err)
{
    uint8_t entry[LARGEST_ENTRY];
    uint64_t n, p = *at + t->count;
    int r = read_number(f, t, *at, t->count, &n, err);

    for (; r > 0 && n > 0; n--, p += t->entry) {
        if (find_step(f, err) < 0)
            return -1;
        if ((r = find_read(f, p, entry, t->entry, err)) > 0 && look_at(f, t, entry, err) < 0)
            return -1;
    }
    return r <= 0 ? r : read_number(f, t, p, t->offset, at, err);
}

static int find(struct find *f, struct err *err)
{
    uint8_t b[4];
    struct tiff t;
    uint64_t at;
    int r = find_read(f, 0, b, sizeof b, err);

    if (r <= 0)
        return r;
    t = b[2] == '+' || b[3] == '+' ? big : classic;
    t.little = b[0] == 'I';
    r = read_number(f, &t, t.offset, t.offset, &at, err);
    for (int i = 0; r > 0 && at > 0 && i < MAX_DIRECTORIES; i++)
        r = read_directory(f, &t, &at, err);
    return r < 0 ? -1 : 0;
}

const struct container container_tiff = {.name = "tiff", .is = is, .find = find};
