/* A file of anybody: the store that is found lies in the file, in the pieces that are told. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "c2pa/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct container_store *c, struct bytes file)
{
    size_t at = 0;

    for (size_t i = 0; i < c->npieces; i++) {
        const struct extent *e = &c->pieces[i];

        must_be(e->at <= file.len && e->len <= file.len - e->at && e->len <= c->bytes.len - at);
        must_be(e->len == 0 || memcmp(c->bytes.data + at, file.data + e->at, e->len) == 0);
        at += e->len;
    }
    must_be(at == c->bytes.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes file = bytes_of(data, n);
    struct source s = source_of_bytes(&file);
    struct container_store found;
    struct err err = {0};
    int r = container_find(a, &s, &found, &err);

    must_be(r >= 0 || (err.text[0] && err.kind != ERR_INTERNAL && err.kind != ERR_IO));
    if (r >= 0) {
        must_be((found.bytes.len > 0) == (r > 0));
        check(&found, file);
    }
    return 0;
}
