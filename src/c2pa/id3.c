/* ID3v2.3 and 2.4 at the front of MP3 and FLAC: a frame GEOB of the type application/x-c2pa-manifest-store:
 *
 *     encoding:1  type, NUL  file name, NUL  description, NUL  the store
 *
 * Names in UTF-16 end with two NULs. Tags with unsynchronisation, and frames that are compressed, encrypted
 * or grouped, are passed over: no writer of C2PA makes them. */
#include <string.h>

#include "c2pa/container_int.h"

enum { HEADER = 10, FRAME = 10, UNSYNC = 0x80, EXTENDED = 0x40, NAMES_MAX = 1024 };

static const char *const types[] = {"application/x-c2pa-manifest-store", "application/c2pa"};

/* The frames of one tag. */
struct tag {
    int version;
    uint64_t at, end;
};

static bool is(struct bytes first)
{
    return first.len >= HEADER && memcmp(first.data, "ID3", 3) == 0;
}

/* Four bytes of seven bits. */
static uint64_t safe_number(const uint8_t *p)
{
    return (uint64_t)(p[0] & 0x7f) << 21 | (uint64_t)(p[1] & 0x7f) << 14 | (uint64_t)(p[2] & 0x7f) << 7 |
           (p[3] & 0x7f);
}

static uint64_t frame_number(const struct tag *t, const uint8_t *p)
{
    return t->version == 4 ? safe_number(p) : find_big(p, 4);
}

/* As find_read; 0 also for a tag that is passed over. */
static int open_tag(struct find *f, struct tag *ret, struct err *err)
{
    uint8_t b[HEADER], size[4];
    int r = find_read(f, 0, b, sizeof b, err);

    if (r <= 0 || (b[3] != 3 && b[3] != 4) || b[5] & UNSYNC)
        return r < 0 ? -1 : 0;
    *ret = (struct tag){.version = b[3], .at = HEADER, .end = HEADER + safe_number(b + 6)};
    if (!(b[5] & EXTENDED))
        return 1;
    r = find_read(f, HEADER, size, sizeof size, err);
    if (r > 0) /* 2.4 counts the four bytes of the size, 2.3 does not */
        ret->at += frame_number(ret, size) + (ret->version == 3 ? sizeof size : 0);
    return r;
}

/* Takes a name off the front of b; false when it does not end there. */
static bool skip_name(struct bytes *b, bool wide)
{
    size_t width = wide ? 2 : 1;

    for (size_t i = 0; i + width <= b->len; i += width)
        if (b->data[i] == 0 && (!wide || b->data[i + 1] == 0)) {
            *b = bytes_of(b->data + i + width, b->len - i - width);
            return true;
        }
    return false;
}

/* How many bytes of a GEOB frame lie before the store; 0 when it holds something else. */
static size_t before_store(struct bytes b)
{
    bool wide = b.len > 0 && (b.data[0] == 1 || b.data[0] == 2), known = false;
    struct bytes rest = b;

    if (b.len == 0)
        return 0;
    rest = bytes_of(b.data + 1, b.len - 1);
    for (size_t i = 0; i < COUNT_OF(types); i++)
        known |= rest.len > strlen(types[i]) && memcmp(rest.data, types[i], strlen(types[i]) + 1) == 0;
    if (!known || !skip_name(&rest, false) || !skip_name(&rest, wide) || !skip_name(&rest, wide))
        return 0;
    return b.len - rest.len;
}

static int look_at(struct find *f, uint64_t at, uint64_t len, struct err *err)
{
    uint8_t b[NAMES_MAX];
    size_t n = len < sizeof b ? (size_t)len : sizeof b, before;
    int r = find_read(f, at, b, n, err);

    if (r <= 0)
        return r;
    before = before_store(bytes_of(b, n));
    return before > 0 ? find_whole(f, at + before, len - before, err) : 0;
}

static int find(struct find *f, struct err *err)
{
    struct tag t = {0};
    uint8_t b[FRAME];
    uint64_t len;
    int r = open_tag(f, &t, err);

    while (r > 0 && t.at < t.end && (r = find_read(f, t.at, b, sizeof b, err)) > 0 && b[0] != 0) {
        if (find_step(f, err) < 0)
            return -1;
        len = frame_number(&t, b + 4);
        t.at += FRAME;
        if (memcmp(b, "GEOB", 4) == 0 && b[9] == 0 && look_at(f, t.at, len, err) < 0)
            return -1;
        t.at += len;
    }
    return r < 0 ? -1 : 0;
}

const struct container container_id3 = {.name = "id3", .is = is, .find = find};
