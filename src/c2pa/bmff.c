/* ISO base media (MP4, MOV, M4A, HEIC, AVIF): a uuid box at the top level, of that body:
 *
 *     UUID:16  version and flags:4  purpose, NUL-terminated  offset of the first Merkle box:8  JUMBF
 *
 * Purposes: manifest; merkle (hashes of fragments, no store); original and update share the store out over
 * two boxes, which is not read yet. Only the top level is walked. */
#include <string.h>

#include "c2pa/container_int.h"

enum { HEADER = 8, LONG_HEADER = 16, UUID = 16, FLAGS = 4, OFFSET = 8, PURPOSE_MAX = 32 };

static const uint8_t c2pa_uuid[UUID] = {0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c,
                                        0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81};

/* One box of the top level. */
struct box {
    uint8_t type[4];
    uint64_t at, len; /* of the body */
    uint64_t end;
};

static bool is(struct bytes first)
{
    static const char *const types[] = {"ftyp", "styp", "moov", "moof", "mdat", "free",
                                        "skip", "wide", "sidx", "uuid", "pdin"};

    for (size_t i = 0; first.len >= HEADER && i < COUNT_OF(types); i++)
        if (memcmp(first.data + 4, types[i], 4) == 0)
            return true;
    return false;
}

/* The box at `at`. 1; 0 when there is none or its size makes no sense; -1. */
static int read_box(struct find *f, uint64_t at, struct box *ret, struct err *err)
{
    uint8_t b[LONG_HEADER];
    uint64_t size, header = HEADER;
    int r = find_read(f, at, b, HEADER, err);

    if (r <= 0)
        return r;
    size = find_big(b, 4);
    memcpy(ret->type, b + 4, 4);
    if (size == 0)
        size = f->s->size - at;
    if (size == 1) {
        if ((r = find_read(f, at, b, LONG_HEADER, err)) <= 0)
            return r;
        header = LONG_HEADER;
        size = find_big(b + 8, 8);
    }
    if (size < header || ckd_add(&ret->end, at, size))
        return 0;
    ret->at = at + header;
    ret->len = size - header;
    return 1;
}

static int look_at(struct find *f, const struct box *box, struct err *err)
{
    uint8_t b[UUID + FLAGS + PURPOSE_MAX];
    const char *purpose = (const char *)b + UUID + FLAGS;
    uint64_t before, n = box->len < sizeof b ? box->len : sizeof b;
    int r = find_read(f, box->at, b, (size_t)n, err);

    if (r <= 0 || n <= UUID + FLAGS || memcmp(b, c2pa_uuid, UUID) != 0)
        return r < 0 ? -1 : 0;
    if (!memchr(purpose, 0, (size_t)n - UUID - FLAGS))
        return FAIL(err, ERR_DECODE, "The box of the manifest store has no purpose.");
    if (strcmp(purpose, "original") == 0 || strcmp(purpose, "update") == 0)
        return FAIL(err, ERR_UNSUPPORTED, "A manifest store in several boxes is not read yet.");
    if (strcmp(purpose, "manifest") != 0)
        return 0;
    before = UUID + FLAGS + strlen(purpose) + 1 + OFFSET;
    if (before >= box->len)
        return FAIL(err, ERR_DECODE, "The box of the manifest store is too short.");
    return find_whole(f, box->at + before, box->len - before, err);
}

static int find(struct find *f, struct err *err)
{
    struct box box = {0};
    int r;

    while ((r = read_box(f, box.end, &box, err)) > 0) {
        if (find_step(f, err) < 0)
            return -1;
        if (memcmp(box.type, "uuid", 4) == 0 && look_at(f, &box, err) < 0)
            return -1;
    }
    return r;
}

const struct container container_bmff = {.name = "bmff", .is = is, .find = find};
