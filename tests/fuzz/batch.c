/* POST /v1/images and /v1/allowlist from anybody, read in place; and what is kept of a batch. What is
 * accepted has names, and bytes that lie in the text; the notes can be read again. First byte: which of the
 * three. */
#include <stdlib.h>
#include <string.h>

#include "api/scenes/scenes_int.h"
#include "base/cleanup.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_IMAGE = 1000 };

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void check_item(const struct batch_item *item, const char *text, size_t n)
{
    const char *at = (const char *)item->data.data;

    must_be(item->external_id && *item->external_id && strlen(item->external_id) <= EXTERNAL_ID_BYTES);
    if (item->error.kind != ERR_NONE)
        must_be(item->error.text[0] && !item->data.len);
    else
        must_be(item->data.len && item->data.len <= MAX_IMAGE && at >= text &&
                at + item->data.len <= text + n);
}

static void check_notes(struct arena *a, const struct batch *b)
{
    const char **ids = arena_array(a, b->n, sizeof *ids);
    struct scenes_notes notes = {MEDIA_IMAGE, b->n, ids, b->callback}, back;

    for (size_t i = 0; i < b->n; i++)
        ids[i] = b->items[i].external_id;
    must_be(scenes_notes_from_json(a, scenes_notes_to_json(a, &notes), &back, NULL) == 0);
    must_be(back.media == MEDIA_IMAGE && back.n == b->n);
    for (size_t i = 0; i < b->n; i++)
        must_be(text_is(back.external_ids[i], ids[i]));
    must_be(!back.callback.url == !b->callback.url);
    must_be(!b->callback.url || text_is(back.callback.url, b->callback.url));
}

static void check_batch(struct arena *a, char *text, size_t n)
{
    struct batch b;
    struct err err = {0};
    int status = 0;

    if (scenes_parse_batch(a, text, n, MAX_IMAGE, &b, &status, &err) < 0) {
        must_be((status == 400 || status == 422) && err.text[0]);
        return;
    }
    must_be(b.n > 0 && b.n <= PARTS_MAX);
    for (size_t i = 0; i < b.n; i++)
        check_item(&b.items[i], text, n);
    check_notes(a, &b);
}

static void check_enrolment(struct arena *a, char *text, size_t n)
{
    struct enrolment e;
    struct err err = {0};
    double sum = 0;
    int status = 0;

    if (scenes_parse_enrolment(a, text, n, MAX_IMAGE, &e, &status, &err) < 0) {
        must_be((status == 400 || status == 422) && err.text[0]);
        return;
    }
    must_be(!e.n == (e.picture.data.data != NULL) && !strchr(e.external_id, '/'));
    for (size_t i = 0; i < e.n; i++)
        sum += (double)e.embedding[i] * (double)e.embedding[i];
    must_be(!e.n || (sum > 0.999 && sum < 1.001));
}

/* Of the store: damaged at worst, never foreign; it must not hurt anyway. */
static void check_stored(struct arena *a, const char *text, size_t n)
{
    struct scenes_notes notes;

    if (scenes_notes_from_json(a, bytes_of(text, n), &notes, NULL) < 0)
        return;
    must_be(notes.n <= PARTS_MAX);
    for (size_t i = 0; i < notes.n; i++)
        must_be(notes.external_ids[i] != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t len = n ? n - 1 : 0;
    char *text = malloc(len + JSON_PADDING); /* of its own, so that a step too far is seen */

    memcpy(text, data + (n > 0), len);
    if (n && data[0] % 3 == 1)
        check_enrolment(a, text, len);
    else if (n && data[0] % 3 == 2)
        check_stored(a, text, len);
    else
        check_batch(a, text, len);
    free(text);
    return 0;
}
