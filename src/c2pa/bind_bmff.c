/* c2pa.hash.bmff, versions 1 to 3: the file without some boxes, named by their paths.
 *
 *     {exclusions: [{xpath, length, version, flags, exact, data: [{offset, value}], subset: [{offset,
 * length}]}], alg, hash, merkle, name}
 *
 * A box is excluded when all that the exclusion says of it holds; with a subset only those parts of it are.
 * From version 2 on the offset of each box of the top level that is not excluded as a whole is hashed in
 * front of it (8 bytes, big endian), so that boxes cannot change places. Fragmented files carry hashes of
 * their pieces in Merkle trees; those are not computed here, and then nothing is said about the rest either.
 */
#include <string.h>

#include "base/text.h"
#include "c2pa/bind_int.h"
#include "c2pa/container_int.h"
#include "c2pa/digest_int.h"

enum { HEADER = 8, LONG_HEADER = 16, TYPE = 4, FULL = 4, PATH_DEPTH = 16 };
enum { MAX_VALUE = 4096, MAX_VALUES = 16, MAX_SUBSET = 64 }; /* of one exclusion */

struct box {
    uint8_t type[TYPE];
    uint64_t at, body, end;
};

/* "/moov/trak[2]/mdia": a type, and which of its brothers of that type (0: any). */
struct path {
    struct step {
        char type[TYPE];
        uint64_t nth;
    } steps[PATH_DEPTH];
    size_t n;
};

struct bmff {
    struct bind *b;
    struct find find; /* reads headers and counts boxes */
    struct exclusion *x;
    size_t n, cap;
};

/* ---- boxes ---- */

/* The box at `at`, inside what ends at `end`. 1; 0 when there is none that makes sense; -1. */
static int read_box(struct bmff *f, uint64_t at, uint64_t end, struct box *ret, struct err *err)
{
    uint8_t b[LONG_HEADER];
    uint64_t size, header = HEADER;
    int r = at < end && end - at >= HEADER ? find_read(&f->find, at, b, HEADER, err) : 0;

    if (r <= 0)
        return r;
    if (find_step(&f->find, err) < 0)
        return -1;
    size = find_big(b, 4);
    memcpy(ret->type, b + 4, TYPE);
    if (size == 0)
        size = end - at;
    if (size == 1) {
        header = LONG_HEADER;
        if (end - at < LONG_HEADER || (r = find_read(&f->find, at, b, LONG_HEADER, err)) <= 0)
            return end - at < LONG_HEADER ? 0 : r;
        size = find_big(b + 8, 8);
    }
    if (size < header || size > end - at)
        return 0;
    ret->at = at;
    ret->body = at + header;
    ret->end = at + size;
    return 1;
}

/* Boxes that begin with a version and flags and hold other boxes, or are named in exclusions with flags. */
static bool is_full(const uint8_t *type)
{
    static const char types[][TYPE + 1] = {
        "meta", "pdin", "mvhd", "tkhd", "mdhd", "hdlr", "stsd", "stts", "ctts", "stsc", "stsz",
        "stz2", "stco", "co64", "stss", "dref", "url ", "urn ", "elst", "mehd", "trex", "mfhd",
        "tfhd", "tfdt", "tfra", "mfro", "sbgp", "sgpd", "saiz", "saio", "iloc", "iinf", "infe",
        "pitm", "iref", "vmhd", "smhd", "hmhd", "nmhd", "emsg", "sidx", "ssix", "prft"};

    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (memcmp(type, types[i], TYPE) == 0)
            return true;
    return false;
}

static bool read_path(const char *text, struct path *ret)
{
    struct path p = {0};

    while (*text == '/') {
        size_t n = strcspn(++text, "/[");
        struct step *s = &p.steps[p.n];

        if (n != TYPE || ++p.n == PATH_DEPTH)
            return false;
        memcpy(s->type, text, TYPE);
        text += n;
        for (text += *text == '['; *text >= '0' && *text <= '9' && s->nth < UINT32_MAX; text++)
            s->nth = s->nth * 10 + (uint64_t)(*text - '0');
        text += *text == ']';
    }
    *ret = p;
    return p.n > 0 && *text == '\0';
}

/* ---- what an exclusion says ---- */

/* Read once: it is held against every box of its path. */
struct rule {
    struct path path;
    bool has_length, has_version, has_flags, exact;
    uint64_t length, version;
    uint8_t flags[3];
    struct value {
        uint64_t offset; /* from the beginning of the box */
        struct bytes bytes;
    } values[MAX_VALUES];
    size_t nvalues;
    bool has_subset;
    struct extent subset[MAX_SUBSET];
    size_t nsubset;
};

/* A list that may be missing, or null. */
static bool get_list(const struct cbor *map, const char *key, struct cbor *ret)
{
    return cbor_get(map, key, ret) && !cbor_is_simple(ret, CBOR_NULL);
}

static bool read_values(struct arena *a, const struct cbor *x, struct rule *r)
{
    struct cbor list, entry, v;
    struct cbor_cursor at;

    if (!get_list(x, "data", &list))
        return true;
    at = cbor_items(&list);
    while (cbor_next(&at, &entry)) {
        struct value one;

        if (r->nvalues == MAX_VALUES || !cbor_count(&entry, "offset", &one.offset) ||
            !cbor_get(&entry, "value", &v) || v.kind != CBOR_BYTES)
            return false;
        one.bytes = cbor_string(a, &v);
        if (one.bytes.len > MAX_VALUE)
            return false;
        r->values[r->nvalues++] = one;
    }
    return true;
}

static bool read_subset(const struct cbor *x, struct rule *r)
{
    struct cbor list, entry;
    struct cbor_cursor at;

    r->has_subset = get_list(x, "subset", &list);
    if (!r->has_subset)
        return true;
    at = cbor_items(&list);
    while (cbor_next(&at, &entry)) {
        struct extent *one = &r->subset[r->nsubset];

        if (r->nsubset == MAX_SUBSET || !cbor_count(&entry, "offset", &one->at) ||
            !cbor_count(&entry, "length", &one->len))
            return false;
        r->nsubset++;
    }
    return true;
}

static bool read_flags(struct arena *a, const struct cbor *x, struct rule *r)
{
    struct cbor v;
    struct bytes b;

    r->exact = !cbor_get(x, "exact", &v) || !cbor_is_simple(&v, CBOR_FALSE);
    r->has_flags = get_list(x, "flags", &v);
    if (!r->has_flags)
        return true;
    b = cbor_string(a, &v);
    if (v.kind != CBOR_BYTES || b.len < sizeof r->flags)
        return false;
    memcpy(r->flags, b.data, sizeof r->flags);
    return true;
}

static bool read_rule(struct arena *a, const struct cbor *x, struct rule *r)
{
    const char *text = field_text(a, x, "xpath");

    r->has_length = cbor_count(x, "length", &r->length);
    r->has_version = cbor_count(x, "version", &r->version);
    return text && read_path(text, &r->path) && read_flags(a, x, r) && read_values(a, x, r) &&
           read_subset(x, r);
}

/* ---- whether it means a box ---- */

static bool flags_fit(const struct rule *r, const uint8_t *has)
{
    if (!r->has_flags)
        return true;
    if (r->exact)
        return memcmp(r->flags, has, sizeof r->flags) == 0;
    for (size_t i = 0; i < sizeof r->flags; i++)
        if (has[i] & ~r->flags[i])
            return false;
    return true;
}

/* 1, 0, -1. Boxes without version and flags fit any. */
static int has_version(struct bmff *f, const struct rule *rule, const struct box *box, struct err *err)
{
    uint8_t b[FULL];
    int r;

    if ((!rule->has_version && !rule->has_flags) || !is_full(box->type) || box->end - box->body < FULL)
        return 1;
    if ((r = find_read(&f->find, box->body, b, FULL, err)) <= 0)
        return r;
    return (!rule->has_version || rule->version == b[0]) && flags_fit(rule, b + 1);
}

/* 1, 0, -1. */
static int has_values(struct bmff *f, const struct rule *rule, const struct box *box, struct err *err)
{
    uint8_t b[MAX_VALUE];
    uint64_t at;
    int r = 1;

    for (size_t i = 0; i < rule->nvalues && r > 0; i++) {
        const struct value *v = &rule->values[i];

        if (ckd_add(&at, box->at, v->offset))
            return 0;
        if (v->bytes.len > 0 && (r = find_read(&f->find, at, b, v->bytes.len, err)) > 0)
            r = memcmp(b, v->bytes.data, v->bytes.len) == 0;
    }
    return r;
}

static int means(struct bmff *f, const struct rule *rule, const struct box *box, struct err *err)
{
    int r = !rule->has_length || rule->length == box->end - box->at;

    if (r > 0)
        r = has_version(f, rule, box, err);
    return r > 0 ? has_values(f, rule, box, err) : r;
}

/* ---- the exclusions ---- */

/* False when there are too many. */
static bool add(struct bmff *f, uint64_t at, uint64_t len, bool whole)
{
    if (f->n == CONTAINER_MAX_STEPS)
        return false;
    ARENA_PUSH(f->b->r->a, f->x, f->n, f->cap) = (struct exclusion){at, len, whole};
    return true;
}

static bool exclude(struct bmff *f, const struct rule *rule, const struct box *box)
{
    uint64_t size = box->end - box->at;

    if (!rule->has_subset)
        return add(f, box->at, size, true);
    for (size_t i = 0; i < rule->nsubset; i++) {
        struct extent e = rule->subset[i];

        if (e.at >= size)
            continue;
        if (e.len == 0 || e.len > size - e.at)
            e.len = size - e.at;
        if (!add(f, box->at + e.at, e.len, false))
            return false;
    }
    return true;
}

/* What is open on the way down a path. */
struct level {
    uint64_t at, end;
    uint64_t seen; /* boxes of the type that is looked for */
};

static struct level inside(const struct box *box)
{
    uint64_t skip = is_full(box->type) ? FULL : 0;

    return (struct level){.at = box->body + skip, .end = box->end};
}

/* Walks to every box of that path. 0, -1; *ret_many when there are too many. */
static int walk(struct bmff *f, const struct rule *rule, bool *ret_many, struct err *err)
{
    const struct path *p = &rule->path;
    struct level levels[PATH_DEPTH] = {{.end = f->b->r->s->size}};
    size_t depth = 0;
    struct box box;
    int r;

    for (;;) {
        struct level *l = &levels[depth];
        const struct step *s = &p->steps[depth];

        if ((r = read_box(f, l->at, l->end, &box, err)) < 0)
            return -1;
        if (r == 0) {
            if (depth-- == 0)
                return 0;
            continue;
        }
        l->at = box.end;
        if (memcmp(box.type, s->type, TYPE) != 0 || (++l->seen != s->nth && s->nth != 0))
            continue;
        if (depth + 1 < p->n) {
            levels[++depth] = inside(&box);
            continue;
        }
        if ((r = means(f, rule, &box, err)) < 0)
            return -1;
        if (r > 0 && !exclude(f, rule, &box)) {
            *ret_many = true;
            return 0;
        }
    }
}

/* False: malformed, or too many. */
static int read_exclusions(struct bmff *f, bool *ret_fine, struct err *err)
{
    struct cbor list, item;
    struct cbor_cursor at;
    bool many = false;
    size_t n = 0;

    *ret_fine = cbor_get(&f->b->map, "exclusions", &list) && list.kind == CBOR_ARRAY;
    if (!*ret_fine)
        return 0;
    at = cbor_items(&list);
    while (*ret_fine && cbor_next(&at, &item)) {
        struct rule rule = {0};

        *ret_fine = ++n <= C2PA_MAX_EXCLUSIONS && read_rule(f->b->r->a, &item, &rule);
        if (*ret_fine && walk(f, &rule, &many, err) < 0)
            return -1;
        *ret_fine &= !many;
    }
    exclusions_sort(f->x, f->n);
    return 0;
}

/* ---- the hash ---- */

static bool is_excluded(const struct bmff *f, size_t i, uint64_t at)
{
    for (; i < f->n && f->x[i].at <= at; i++)
        if (f->x[i].at == at && f->x[i].whole)
            return true;
    return false;
}

static int hash_boxes(struct bmff *f, struct file_hash *h, bool with_offsets, struct err *err)
{
    uint64_t size = f->b->r->s->size, at = 0;
    struct box box;
    size_t i = 0;
    int r;

    while ((r = read_box(f, at, size, &box, err)) > 0) {
        uint8_t offset[8];

        for (int k = 0; k < 8; k++)
            offset[k] = (uint8_t)(at >> 8 * (7 - k));
        if (with_offsets && !is_excluded(f, i, at))
            file_hash_bytes(h, offset, sizeof offset);
        if (file_hash_range(h, at, box.end, f->x, f->n, &i, err) < 0)
            return -1;
        at = box.end;
    }
    return r < 0 ? -1 : file_hash_range(h, at, size, f->x, f->n, &i, err);
}

static bool has_offsets(const char *label)
{
    return text_starts(label, "c2pa.hash.bmff.v");
}

static int compare_boxes(struct bmff *f, const EVP_MD *md, enum bind_result *ret, struct err *err)
{
    struct file_hash h = {0};
    int done = 0;
    bool fine;

    if (read_exclusions(f, &fine, err) < 0)
        return -1;
    *ret = fine ? BIND_MISMATCH : BIND_MALFORMED;
    if (fine && file_hash_begin(&h, f->b->r, md))
        done = hash_boxes(f, &h, has_offsets(f->b->box->label), err);
    if (fine && done == 0 && h.md && file_hash_is(&h, &f->b->map, f->b->r->a))
        *ret = BIND_MATCH;
    file_hash_clear(&h);
    return done;
}

static int compare(struct bind *b, enum bind_result *ret, struct err *err)
{
    struct bmff f = {.b = b, .find = {.a = b->r->a, .s = b->r->s}};
    const EVP_MD *md = digest_named(b->alg);
    struct err why = {0};
    struct cbor merkle;

    *ret = md ? BIND_NOT_CHECKED : BIND_ALGORITHM;
    if (!md || (cbor_get(&b->map, "merkle", &merkle) && !cbor_is_simple(&merkle, CBOR_NULL)))
        return 0;
    if (compare_boxes(&f, md, ret, &why) == 0)
        return 0;
    if (why.kind != ERR_LIMIT)
        return FAIL(err, why.kind, "%s", why.text);
    *ret = BIND_NOT_CHECKED; /* more boxes than anybody looks through */
    return 0;
}

const struct bind_kind bind_bmff = {
    .label = "c2pa.hash.bmff",
    .match = BMFF_HASH_MATCH,
    .mismatch = BMFF_HASH_MISMATCH,
    .malformed = BMFF_HASH_MALFORMED,
    .word = "BMFF hash valid",
    .compare = compare,
};
