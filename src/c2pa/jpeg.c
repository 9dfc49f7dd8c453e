/* JPEG: APP11 segments with boxes (ISO 19566-5, annex D). A segment is
 *
 *     FF EB  length:2  "JP"  instance:2  sequence:4  box header:8 or 16  part of the box
 *
 * A box that is larger than a segment goes on in further ones of the same instance, in the order of their
 * sequence, and each repeats the header. */
#include <stdlib.h>
#include <string.h>

#include "c2pa/container_int.h"
#include "c2pa/jumbf.h"

enum { SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP11 = 0xeb, PACKET = 8, BOX = 8, LONG_BOX = 16, START = 40 };
enum { MAX_PACKETS = 1 << 14 };

/* One APP11 segment with a part of a box. */
struct packet {
    unsigned instance;
    uint32_t sequence;
    uint64_t at, len; /* of the box part, with its header */
    size_t header;    /* bytes of the box header */
};

/* All of them, in the order of the file. */
struct packets {
    struct packet *all;
    size_t n, cap;
};

static bool is(struct bytes first)
{
    return first.len >= 3 && memcmp(first.data, "\xff\xd8\xff", 3) == 0;
}

static bool has_no_length(unsigned marker)
{
    return marker == 0x01 || (marker >= 0xd0 && marker <= SOI);
}

/* Keeps the packet that a segment's payload may be. */
static int look_at(struct find *f, struct packets *p, uint64_t at, uint64_t len, struct err *err)
{
    uint8_t b[PACKET + BOX];
    struct packet k;
    int r = len < sizeof b ? 0 : find_read(f, at, b, sizeof b, err);

    if (r <= 0 || memcmp(b, "JP", 2) != 0)
        return r < 0 ? -1 : 0;
    if (p->n == MAX_PACKETS)
        return FAIL(err, ERR_LIMIT, "The JPEG has more than %d segments of boxes.", MAX_PACKETS);
    k = (struct packet){(unsigned)find_big(b + 2, 2), (uint32_t)find_big(b + 4, 4), at + PACKET, len - PACKET,
                        BOX};
    if (find_big(b + PACKET, 4) == 1)
        k.header = LONG_BOX;
    if (k.len >= k.header)
        ARENA_PUSH(f->a, p->all, p->n, p->cap) = k;
    return 0;
}

/* Walks the segments up to the picture's data. */
static int collect(struct find *f, struct packets *p, struct err *err)
{
    uint64_t at = 2, len;
    uint8_t b[4];
    int r;

    while ((r = find_read(f, at, b, sizeof b, err)) > 0) {
        if (find_step(f, err) < 0)
            return -1;
        if (b[0] != 0xff || b[1] == SOS || b[1] == EOI)
            return 0;
        if (b[1] == 0xff || has_no_length(b[1])) {
            at += b[1] == 0xff ? 1 : 2;
            continue;
        }
        len = find_big(b + 2, 2);
        if (len < 2 || (b[1] == APP11 && look_at(f, p, at + 4, len - 2, err) < 0))
            return len < 2 ? 0 : -1;
        at += 2 + len;
    }
    return r;
}

static int by_sequence(const void *a, const void *b)
{
    const struct packet *x = a, *y = b;

    if (x->instance != y->instance)
        return x->instance < y->instance ? -1 : 1;
    if (x->sequence != y->sequence)
        return x->sequence < y->sequence ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* 1 when the box that begins in this packet is a manifest store. */
static int begins_store(struct find *f, const struct packet *k, struct err *err)
{
    uint8_t b[START];
    size_t n = k->len < sizeof b ? (size_t)k->len : sizeof b;
    int r = find_read(f, k->at, b, n, err);

    return r <= 0 ? r : jumbf_is_store(bytes_of(b, n));
}

/* The n packets of one box, sorted: the first whole, of the others what follows the repeated header. */
static int add_packets(struct find *f, const struct packet *k, size_t n, struct err *err)
{
    if (find_whole(f, k->at, k->len, err) < 0)
        return -1;
    for (size_t i = 1; i < n; i++) {
        if (k[i].sequence != k[i - 1].sequence + 1)
            return FAIL(err, ERR_DECODE,
                        "A part of the manifest store is missing or there twice in the JPEG.");
        if (find_piece(f, k[i].at + k[i].header, k[i].len - k[i].header, err) < 0)
            return -1;
    }
    return 0;
}

static int find(struct find *f, struct err *err)
{
    struct packets p = {0};
    size_t n;
    int r;

    if (collect(f, &p, err) < 0)
        return -1;
    if (p.n > 0)
        qsort(p.all, p.n, sizeof *p.all, by_sequence);
    for (size_t i = 0; i < p.n; i += n) {
        for (n = 1; i + n < p.n && p.all[i + n].instance == p.all[i].instance; n++)
            ;
        if ((r = begins_store(f, &p.all[i], err)) < 0 || (r > 0 && add_packets(f, &p.all[i], n, err) < 0))
            return -1;
    }
    return 0;
}

const struct container container_jpeg = {.name = "jpeg", .is = is, .find = find};
