/* The metadata of an alarm clip: refused, or kept with the job and read again as it was, byte for byte. */
#include <stdlib.h>
#include <string.h>

#include "api/alarm/alarm_int.h"
#include "base/cleanup.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = arena_strndup(a, (const char *)data, n);
    struct alarm_notes notes, back;
    struct err err = {0};

    alarm_parse_notes(a, bytes_of(NULL, 0), text, &notes, NULL); /* as the query's analyse_id */
    if (alarm_parse_notes(a, bytes_of(data, n), NULL, &notes, &err) < 0) {
        must_be(err.kind == ERR_INPUT && err.text[0]);
        return 0;
    }
    must_be(notes.analyse_id >= 0 && notes.camera_id);
    must_be(!n || (notes.metadata && memcmp(notes.metadata, data, n) == 0));
    must_be(alarm_notes_from_json(a, alarm_notes_to_json(a, &notes), &back, NULL) == 0);
    must_be(text_is(back.camera_id, notes.camera_id) && back.analyse_id == notes.analyse_id);
    must_be(!notes.metadata || text_is(back.metadata, notes.metadata));
    return 0;
}
