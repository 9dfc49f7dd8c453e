#include "report/strip.h"

#include <math.h>
#include <string.h>

enum { MAGIC = 16, HEAD = MAGIC + 4, ENTRY = 8 + 4 };

static const uint8_t magic[MAGIC] = "assay.strip/1\n";
static const double million = 1e6, longest_us = 1e13;

/* ---- numbers ---- */

static uint8_t *put(uint8_t *at, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(v >> 8 * i);
    return at + n;
}

static uint64_t get(const uint8_t *at, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)at[i] << 8 * i;
    return v;
}

/* ---- writing ---- */

struct bytes strip_write(struct arena *a, const struct strip_frame *frames, size_t n)
{
    size_t len = HEAD + n * ENTRY;
    uint8_t *file, *at;

    for (size_t i = 0; i < n; i++)
        len += frames[i].jpeg.len;
    file = arena_alloc(a, len);
    memcpy(file, magic, MAGIC);
    at = put(file + MAGIC, n, 4);
    for (size_t i = 0; i < n; i++) {
        at = put(at, (uint64_t)llround(frames[i].pts * million), 8);
        at = put(at, frames[i].jpeg.len, 4);
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(at, frames[i].jpeg.data, frames[i].jpeg.len);
        at += frames[i].jpeg.len;
    }
    return bytes_of(file, len);
}

/* ---- reading ---- */

static bool is_jpeg(struct bytes b)
{
    return b.len >= 4 && b.len <= STRIP_MAX_JPEG && memcmp(b.data, "\xff\xd8\xff", 3) == 0 &&
           memcmp(b.data + b.len - 2, "\xff\xd9", 2) == 0;
}

/* How many frames the head promises; -1 when it is no head, or when there is no room for so many. */
static int count_of(struct bytes file)
{
    uint64_t n;

    if (file.len < HEAD || file.len > STRIP_MAX_BYTES || memcmp(file.data, magic, MAGIC) != 0)
        return -1;
    n = get(file.data + MAGIC, 4);
    return n <= STRIP_MAX && HEAD + n * ENTRY <= file.len ? (int)n : -1;
}

int strip_read(struct arena *a, struct bytes file, struct strip_frame **ret_frames, size_t *ret_n,
               struct err *err)
{
    int n = count_of(file);
    struct strip_frame *frames;
    size_t at;

    if (n < 0)
        return FAIL(err, ERR_INPUT, "these are no thumbnails");
    frames = arena_array(a, (size_t)n, sizeof *frames);
    at = HEAD + (size_t)n * ENTRY;
    for (int i = 0; i < n; i++) {
        const uint8_t *entry = file.data + HEAD + i * ENTRY;
        double us = (double)get(entry, 8);
        size_t len = get(entry + 8, 4);
        if (us > longest_us || (i && us / million <= frames[i - 1].pts) || len > file.len - at)
            return FAIL(err, ERR_INPUT, "thumbnail %d has no place", i + 1);
        frames[i] = (struct strip_frame){us / million, bytes_of(file.data + at, len)};
        if (!is_jpeg(frames[i].jpeg))
            return FAIL(err, ERR_INPUT, "thumbnail %d is no JPEG", i + 1);
        at += len;
    }
    if (at != file.len)
        return FAIL(err, ERR_INPUT, "there is more than thumbnails");
    *ret_frames = frames;
    *ret_n = (size_t)n;
    return 0;
}
