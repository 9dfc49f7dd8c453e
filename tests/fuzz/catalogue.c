/* Catalogues from anywhere: refused or sensible. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "infer/card.h"
#include "infer/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct catalogue c;

    if (catalogue_parse(a, bytes_of(data, n), "fuzz", &c, NULL) < 0)
        return 0;
    for (size_t i = 0; i < c.n; i++)
        if (strlen(c.entries[i].sha256) != HASH_HEX - 1 || c.entries[i].size < 1 ||
            c.entries[i].size > MODEL_MAX_BYTES || strchr(c.entries[i].file, '/') || !c.entries[i].licence)
            abort();
    return 0;
}
