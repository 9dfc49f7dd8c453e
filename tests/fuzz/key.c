/* The value of an Idempotency-Key: refused, or 1 to 255 visible characters which mean the same when they are
 * quoted. */
#include <stdlib.h>
#include <string.h>

#include "api/idempotent.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void quoted_means_the_same(struct arena *a, const char *key)
{
    char *text = arena_alloc(a, 2 * strlen(key) + 3), *to = text, again[IDEMPOTENCY_KEY_TEXT];

    *to++ = '"';
    for (const char *s = key; *s; s++) {
        if (*s == '"' || *s == '\\')
            *to++ = '\\';
        *to++ = *s;
    }
    *to++ = '"';
    must_be(idempotency_key_parse(text, again) && strcmp(key, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char key[IDEMPOTENCY_KEY_TEXT];

    if (!idempotency_key_parse(arena_strndup(a, (const char *)data, n), key))
        return 0;
    must_be(key[0] && strlen(key) < sizeof key);
    for (const char *s = key; *s; s++)
        must_be(*s > ' ' && *s <= '~');
    quoted_means_the_same(a, key);
    return 0;
}
