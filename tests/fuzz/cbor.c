/* CBOR from a manifest of anybody. What reads is walked whole: every item lies inside, and the items of a
 * list fill it. */
#include <stdlib.h>
#include <string.h>

#include "base/cbor.h"
#include "base/cleanup.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void walk(struct arena *a, const struct cbor *item, int depth);

static void walk_list(struct arena *a, const struct cbor *list, int depth)
{
    struct cbor_cursor c = cbor_items(list);
    uint64_t count = 0, per = list->kind == CBOR_MAP ? 2 : 1;
    struct cbor v;

    while (cbor_next(&c, &v)) {
        walk(a, &v, depth + 1);
        count++;
    }
    must_be(c.rest.len == 0 && (list->indefinite || count == list->n * per));
    must_be(list->kind != CBOR_MAP || count % 2 == 0);
    cbor_get(list, "alg", &v);
    cbor_get_number(list, 33, &v);
}

static void walk(struct arena *a, const struct cbor *item, int depth)
{
    struct bytes s = cbor_string(a, item);
    const char *text = cbor_text(a, item);
    struct cbor in;

    must_be(depth <= CBOR_MAX_DEPTH && item->raw.len > 0);
    must_be(item->body.data >= item->raw.data);
    must_be(item->body.data + item->body.len <= item->raw.data + item->raw.len);
    must_be(item->kind != CBOR_TEXT || text_is_utf8((const char *)s.data, s.len));
    must_be(!text || cbor_is_text(item, text));
    if (item->kind == CBOR_ARRAY || item->kind == CBOR_MAP)
        walk_list(a, item, depth);
    if (item->kind == CBOR_TAG) {
        must_be(cbor_tagged(item, &in));
        walk(a, &in, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct cbor item;

    if (cbor_read_first(bytes_of(data, n), &item, &err) < 0) {
        must_be(err.text[0] && (err.kind == ERR_DECODE || err.kind == ERR_LIMIT));
        return 0;
    }
    must_be(item.raw.data == data && item.raw.len <= n);
    must_be((cbor_read(bytes_of(data, n), &item, NULL) == 0) == (item.raw.len == n));
    walk(a, &item, 0);
    return 0;
}
