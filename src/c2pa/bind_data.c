/* c2pa.hash.data: the file without some ranges, of which one is the manifest store.
 *
 *     {exclusions: [{start, length}], alg, hash, pad, name}
 *
 * When an update manifest has made the store longer, the range of the store is longer than its maker wrote,
 * and what lies behind it has moved on. */
#include <string.h>

#include "base/text.h"
#include "c2pa/bind_int.h"
#include "c2pa/digest_int.h"

/* What a container puts behind the last piece of a store and the store's range includes. */
static uint64_t trailer(const struct container_store *store, const struct extent *last)
{
    if (text_is(store->container, "png"))
        return 4; /* the chunk's CRC */
    return text_is(store->container, "riff") ? last->len & 1 : 0;
}

static void stretch(struct reading *r, struct exclusion *x, size_t n)
{
    const struct extent *first = r->store.pieces, *last = &r->store.pieces[r->store.npieces - 1];
    uint64_t end = last->at + last->len + trailer(&r->store, last), was = 0, more = 0;

    for (size_t i = 0; i < n; i++)
        if (x[i].at <= first->at && first->at - x[i].at < x[i].len) {
            was = x[i].at + x[i].len;
            more = end > was ? end - was : 0;
            x[i].len += more;
        }
    for (size_t i = 0; i < n; i++)
        if (more > 0 && x[i].at >= was)
            x[i].at += more;
}

/* False when it is malformed, or has too many. */
static bool read_exclusions(struct bind *b, struct exclusion **ret, size_t *ret_n)
{
    struct exclusion *x = NULL;
    size_t n = 0, cap = 0;
    struct cbor list, item;
    struct cbor_cursor at;

    *ret = NULL;
    *ret_n = 0;
    if (!cbor_get(&b->map, "exclusions", &list) || cbor_is_simple(&list, CBOR_NULL))
        return true;
    at = cbor_items(&list);
    while (cbor_next(&at, &item)) {
        struct exclusion one = {0};

        if (n == C2PA_MAX_EXCLUSIONS || !cbor_count(&item, "start", &one.at) ||
            !cbor_count(&item, "length", &one.len))
            return false;
        ARENA_PUSH(b->r->a, x, n, cap) = one;
    }
    *ret = x;
    *ret_n = n;
    return list.kind == CBOR_ARRAY;
}

static bool fit(const struct exclusion *x, size_t n, uint64_t size)
{
    uint64_t end;

    for (size_t i = 0; i < n; i++)
        if (ckd_add(&end, x[i].at, x[i].len) || end > size)
            return false;
    return true;
}

static int compare(struct bind *b, enum bind_result *ret, struct err *err)
{
    const EVP_MD *md = digest_named(b->alg);
    struct exclusion *x;
    struct file_hash h = {0};
    size_t n, i = 0;
    int done;

    *ret = md ? BIND_MALFORMED : BIND_ALGORITHM;
    if (!md || !read_exclusions(b, &x, &n))
        return 0;
    if (n > 1)
        status_add(b->r, DATA_HASH_MORE_EXCLUSIONS, NULL, b->url, "extra data hash exclusions found");
    *ret = BIND_MISMATCH;
    if (!fit(x, n, b->r->s->size))
        return 0;
    if (b->r->binding != b->r->active && b->r->store.npieces > 0)
        stretch(b->r, x, n);
    exclusions_sort(x, n);
    if (!fit(x, n, b->r->s->size) || !file_hash_begin(&h, b->r, md)) {
        file_hash_clear(&h);
        return 0;
    }
    done = file_hash_range(&h, 0, b->r->s->size, x, n, &i, err);
    if (done == 0 && file_hash_is(&h, &b->map, b->r->a))
        *ret = BIND_MATCH;
    file_hash_clear(&h);
    return done;
}

const struct bind_kind bind_data = {
    .label = "c2pa.hash.data",
    .match = DATA_HASH_MATCH,
    .mismatch = DATA_HASH_MISMATCH,
    .malformed = DATA_HASH_MALFORMED,
    .word = "data hash valid",
    .compare = compare,
};
