/* PDF: the store is an embedded file stream, which must not be compressed or encrypted; so it is found by
 * looking for its beginning, without reading PDF. */
#include <string.h>

#include "c2pa/container_int.h"
#include "c2pa/jumbf.h"

/* From the start of a store to the type of its description, with a short and a long size. */
enum { BLOCK = 1 << 16, START = 40, BEFORE = 12, LONG_BEFORE = 20 };

static bool is(struct bytes first)
{
    return first.len >= 5 && memcmp(first.data, "%PDF-", 5) == 0;
}

/* The size that the box at b says it has. */
static uint64_t box_size(const uint8_t *b)
{
    return find_big(b, 4) == 1 ? find_big(b + 8, 8) : find_big(b, 4);
}

/* A store may hold an embedded file which has one of its own. */
static bool is_inside_found(const struct find *f, uint64_t at)
{
    return f->n > 0 && at < f->pieces[0].at + f->pieces[0].len;
}

/* A store may begin in the first `starts` of the n bytes at b, which are those from `at` on in the file. */
static int scan(struct find *f, const uint8_t *b, size_t n, size_t starts, uint64_t at, struct err *err)
{
    static const uint8_t needle[] = "jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71";
    const uint8_t *p = b, *hit;

    while ((hit = memmem(p, (size_t)(b + n - p), needle, sizeof needle - 1))) {
        p = hit + 1;
        for (size_t back = BEFORE; back <= LONG_BEFORE; back += LONG_BEFORE - BEFORE) {
            size_t from = (size_t)(hit - b) - back; /* wraps when there is no room, and is no start then */

            if (from < starts && !is_inside_found(f, at + from) &&
                jumbf_is_store(bytes_of(b + from, n - from)) &&
                find_whole(f, at + from, box_size(b + from), err) < 0)
                return -1;
        }
    }
    return 0;
}

static int find(struct find *f, struct err *err)
{
    uint8_t *b = arena_alloc(f->a, BLOCK + START);

    if (f->s->size > CONTAINER_MAX_SCAN)
        return FAIL(err, ERR_LIMIT, "A PDF above %d MB is not searched for a manifest store.",
                    (int)(CONTAINER_MAX_SCAN >> 20));
    for (uint64_t at = 0; at < f->s->size; at += BLOCK) {
        uint64_t left = f->s->size - at;
        size_t n = left < BLOCK + START ? (size_t)left : BLOCK + START;

        if (find_read(f, at, b, n, err) < 0 || scan(f, b, n, BLOCK, at, err) < 0)
            return -1;
    }
    return 0;
}

const struct container container_pdf = {.name = "pdf", .is = is, .find = find};
