/* What a text reader says, as words with places: whatever the bytes, texts are UTF-8 without control
 * characters and below their ceiling, and comparing them ends. */
#include "analysis/wording.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/scenery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

/* Each word: confidence, line, place, and the bytes up to the next NUL. */
static size_t words_of(struct arena *a, const uint8_t *data, size_t n, struct ocr_word *words, size_t max)
{
    enum { HEAD = 6 };
    size_t count = 0;

    while (n > HEAD && count < max) {
        size_t len = strnlen((const char *)data + HEAD, n - HEAD);

        words[count++] = (struct ocr_word){
            arena_strndup(a, (const char *)data + HEAD, len),
            (float)data[0] / 200,
            (int8_t)data[1],
            {(float)data[2] / 250, (float)data[3] / 250, (float)data[4] / 250, (float)data[5] / 250}};
        len += HEAD + (len < n - HEAD);
        data += len;
        n -= len;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct ocr_word words[64];
    struct wording *got = NULL;
    size_t count = wordings_of(a, words, words_of(a, data, n, words, 64), 0.6f, 1.5, &got);

    for (size_t i = 0; i < count; i++) {
        const char *s = got[i].words;
        must_be(*s && strlen(s) < SCENERY_MAX_TEXT && text_is_utf8(s, strlen(s)));
        for (; *s; s++)
            must_be((unsigned char)*s >= 0x20 && *s != 0x7f);
        must_be(got[i].confidence >= 0 && got[i].confidence <= 1 && got[i].nkey <= WORDING_MAX_KEY);
        must_be(wording_same(&got[i], &got[i]));
        must_be(i == 0 || wording_same(&got[i], &got[i - 1]) == wording_same(&got[i - 1], &got[i]));
    }
    return 0;
}
