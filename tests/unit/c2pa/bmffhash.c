/* c2pa.hash.bmff over a file of a few boxes: which bytes count, by exclusion. What should be hashed is
 * written down by hand in every row: a letter for each part of the file, and its offset in front of it where
 * one is hashed, too. */
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "c2pa/bind_int.h"
#include "kit.h"
#include "signer.h"
#include "test.h"

enum { LARGEST = 1 << 16, PARTS = 7 };

/* The parts of the file, from a on: ftyp, the heads of moov and of its first trak, tkhd (version 1, flags 3)
 * in it, the second trak with another (version 0, flags 1), a uuid box, and mdat. */
struct file {
    struct buf bytes;
    size_t at[PARTS + 1];
};

static void make(struct file *f)
{
    struct buf *b = &f->bytes;
    size_t moov, trak;

    *f = (struct file){.bytes = BUF(LARGEST)};
    kit_box(b, "ftyp", "isomisom", 8);
    f->at[1] = b->len;
    moov = kit_open_box(b, "moov");
    f->at[2] = b->len;
    trak = kit_open_box(b, "trak");
    f->at[3] = b->len;
    kit_box(b, "tkhd", "\1\0\0\3abcdefgh", 12);
    kit_close_box(b, trak);
    f->at[4] = b->len;
    trak = kit_open_box(b, "trak");
    kit_box(b, "tkhd", "\0\0\0\1ijkl", 8);
    kit_close_box(b, trak);
    kit_close_box(b, moov);
    f->at[5] = b->len;
    kit_box(b, "uuid", "0123456789abcdef store", 22);
    f->at[6] = b->len;
    kit_box(b, "mdat", "pictures", 8);
    f->at[7] = b->len;
}

/* ---- exclusions as CBOR ---- */

static void path(struct buf *b, const char *xpath, unsigned more)
{
    cb_head(b, 5, 1 + more);
    cb_pair(b, "xpath", xpath);
}

static void number(struct buf *b, const char *key, uint64_t n)
{
    cb_text(b, key);
    cb_head(b, 0, n);
}

static void flags(struct buf *b, const char *three)
{
    cb_text(b, "flags");
    cb_bytes(b, bytes_of(three, 3));
}

static void inexact(struct buf *b)
{
    cb_text(b, "exact");
    kit_number(b, 0xf4, 1);
}

static void data(struct buf *b, uint64_t offset, const char *value)
{
    cb_text(b, "data");
    cb_head(b, 4, 1);
    cb_head(b, 5, 2);
    number(b, "offset", offset);
    cb_text(b, "value");
    cb_bytes(b, bytes_of(value, strlen(value)));
}

static void subset(struct buf *b, uint64_t offset, uint64_t length)
{
    cb_text(b, "subset");
    cb_head(b, 4, 1);
    cb_head(b, 5, 2);
    number(b, "offset", offset);
    number(b, "length", length);
}

/* ---- rows ---- */

static void none(struct buf *b UNUSED)
{
}
static void top_box(struct buf *b)
{
    path(b, "/uuid", 0);
}
static void with_value(struct buf *b)
{
    path(b, "/uuid", 1);
    data(b, 8, "0123456789abcdef");
}
static void with_other_value(struct buf *b)
{
    path(b, "/uuid", 1);
    data(b, 8, "0123456789abcdeX");
}
static void value_beyond(struct buf *b)
{
    path(b, "/mdat", 1);
    data(b, 1000, "x");
}
static void inner(struct buf *b)
{
    path(b, "/moov/trak/tkhd", 0);
}
static void of_first(struct buf *b)
{
    path(b, "/moov/trak[1]/tkhd", 0);
}
static void by_length(struct buf *b)
{
    path(b, "/moov/trak/tkhd", 1);
    number(b, "length", 20);
}
static void by_version(struct buf *b)
{
    path(b, "/moov/trak/tkhd", 1);
    number(b, "version", 1);
}
static void by_flags(struct buf *b)
{
    path(b, "/moov/trak/tkhd", 1);
    flags(b, "\0\0\3");
}
static void by_mask(struct buf *b)
{
    path(b, "/moov/trak/tkhd", 2);
    flags(b, "\0\0\3");
    inexact(b);
}
static void end_of_box(struct buf *b)
{
    path(b, "/mdat", 1);
    subset(b, 8, 0);
}
static void whole_as_subset(struct buf *b)
{
    path(b, "/mdat", 1);
    subset(b, 0, 0);
}
static void beyond_box(struct buf *b)
{
    path(b, "/mdat", 1);
    subset(b, 100, 4);
}
static void no_such(struct buf *b)
{
    path(b, "/moov/udta", 0);
}
static void no_path(struct buf *b)
{
    path(b, "moov", 0);
}

/* Capitals are whole parts; "5" is the offset of part 5. h: the first eight bytes of part 6 (g would be all
 * of it). */
static const struct {
    const char *what;
    void (*exclude)(struct buf *b);
    const char *first, *second; /* what counts in version 1, and from version 2 on; NULL: malformed */
} rows[] = {
    {"nothing", none, "ABCDEFG", "0A1BCDE5F6G"},
    {"a box of the top level", top_box, "ABCDEG", "0A1BCDE6G"},
    {"the same with its value", with_value, "ABCDEG", "0A1BCDE6G"},
    {"with another value", with_other_value, "ABCDEFG", "0A1BCDE5F6G"},
    {"with a value beyond the file", value_beyond, "ABCDEFG", "0A1BCDE5F6G"},
    {"boxes inside", inner, "ABCeFG", "0A1BCe5F6G"},
    {"one of its brothers", of_first, "ABCEFG", "0A1BCE5F6G"},
    {"of a length", by_length, "ABCEFG", "0A1BCE5F6G"},
    {"of a version", by_version, "ABCEFG", "0A1BCE5F6G"},
    {"with these flags", by_flags, "ABCEFG", "0A1BCE5F6G"},
    {"with these flags at most", by_mask, "ABCeFG", "0A1BCe5F6G"},
    {"the end of a box", end_of_box, "ABCDEFh", "0A1BCDE5F6h"},
    {"all of a box as a part of it", whole_as_subset, "ABCDEF", "0A1BCDE5F6"},
    {"a part beyond its box", beyond_box, "ABCDEFG", "0A1BCDE5F6G"},
    {"a box that is not there", no_such, "ABCDEFG", "0A1BCDE5F6G"},
    {"no path", no_path, NULL, NULL},
};

static void hash_of(const struct file *f, const char *counts, uint8_t ret[32])
{
    CLEANUP(buf_clear) struct buf b = BUF(LARGEST);

    for (const char *c = counts; *c; c++) {
        const char *part = f->bytes.data;

        if (*c >= '0' && *c <= '6')
            kit_number(&b, f->at[*c - '0'], 8);
        else if (*c >= 'A' && *c <= 'G')
            buf_add(&b, part + f->at[*c - 'A'], f->at[*c - 'A' + 1] - f->at[*c - 'A']);
        else if (*c == 'e') /* the second trak without its tkhd */
            buf_add(&b, part + f->at[4], 8);
        else if (*c == 'h')
            buf_add(&b, part + f->at[6], 8);
    }
    EVP_Digest(b.data ? b.data : "", b.len, ret, NULL, EVP_sha256(), NULL);
}

static enum bind_result compare(const struct file *f, const char *label, void (*exclude)(struct buf *b),
                                const uint8_t hash[32], bool merkle)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_clear) struct buf c = BUF(LARGEST);
    struct bytes file = buf_bytes(&f->bytes);
    struct source s = source_of_bytes(&file);
    struct reading r = {.a = a, .s = &s};
    struct jumbf_box box = {.label = label};
    struct bind b = {.r = &r, .box = &box, .url = "", .name = "", .alg = "sha256"};
    enum bind_result result = BIND_NOT_CHECKED;
    struct err err = {0};

    cb_head(&c, 5, merkle ? 3 : 2);
    cb_text(&c, "exclusions");
    cb_head(&c, 4, exclude != none);
    exclude(&c);
    cb_text(&c, "hash");
    cb_bytes(&c, bytes_of(hash, 32));
    if (merkle) {
        cb_text(&c, "merkle");
        cb_head(&c, 4, 0);
    }
    CHECK_INT(cbor_read(buf_bytes(&c), &b.map, &err), 0);
    CHECK_INT(bind_bmff.compare(&b, &result, &err), 0);
    return result;
}

static void hashes_what_is_not_excluded(void)
{
    uint8_t first[32], second[32];
    struct file f;

    make(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool fine = rows[i].first != NULL;

        hash_of(&f, fine ? rows[i].first : "", first);
        hash_of(&f, fine ? rows[i].second : "", second);
        CHECK_INT(compare(&f, "c2pa.hash.bmff", rows[i].exclude, first, false),
                  fine ? BIND_MATCH : BIND_MALFORMED);
        CHECK_INT(compare(&f, "c2pa.hash.bmff.v2", rows[i].exclude, second, false),
                  fine ? BIND_MATCH : BIND_MALFORMED);
        CHECK_INT(compare(&f, "c2pa.hash.bmff.v3", rows[i].exclude, second, false),
                  fine ? BIND_MATCH : BIND_MALFORMED);
        CHECK_INT(compare(&f, "c2pa.hash.bmff.v3", rows[i].exclude, first, false),
                  fine ? BIND_MISMATCH : BIND_MALFORMED);
        ROW("%s", rows[i].what);
    }
    buf_clear(&f.bytes);
}

static void trees_are_not_computed(void)
{
    uint8_t sum[32];
    struct file f;

    make(&f);
    hash_of(&f, "0A1BCDE5F6G", sum);
    CHECK_INT(compare(&f, "c2pa.hash.bmff.v2", none, sum, true), BIND_NOT_CHECKED);
    buf_clear(&f.bytes);
}

/* What follows the last box that makes sense counts, too. */
static void rubbish_counts(void)
{
    uint8_t sum[32];
    struct file f;

    make(&f);
    hash_of(&f, "0A1BCDE6G", sum);
    CHECK_INT(compare(&f, "c2pa.hash.bmff.v2", top_box, sum, false), BIND_MATCH);
    buf_str(&f.bytes, "xyz");
    CHECK_INT(compare(&f, "c2pa.hash.bmff.v2", top_box, sum, false), BIND_MISMATCH);
    buf_clear(&f.bytes);
}

int main(void)
{
    RUN(hashes_what_is_not_excluded);
    RUN(trees_are_not_computed);
    RUN(rubbish_counts);
    return test_end();
}
