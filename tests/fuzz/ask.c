/* Submits to the provenance API from anybody: JSON, urlencoded forms, fields of a form, names in the query.
 * What is accepted is a question that an analyst takes, and what is kept of it can be read again. */
#include <stdlib.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void check_ask(struct arena *a, const struct ask *ask, enum subject_kind kind)
{
    struct provenance_notes notes = {.kind = kind, .identifier = "x", .ref_id = ask->ref_id}, back;
    struct job_spec spec = job_spec_defaults();

    spec.pipeline = kind_words(kind)->pipeline;
    spec.origin.frames = ask->frames;
    spec.origin.choose = ask->key_frames ? ask->method : FRAMES_EVEN;
    must_be(job_spec_check(&spec, NULL) == 0);
    must_be(!ask->ref_id || strlen(ask->ref_id) <= REF_ID_BYTES);
    must_be(notes_from_json(a, notes_to_json(a, &notes), &back, NULL) == 0);
    must_be(!back.ref_id == !ask->ref_id && (!ask->ref_id || text_is(back.ref_id, ask->ref_id)));
}

static void check_all(struct arena *a, struct bytes text, enum subject_kind kind)
{
    struct ask json = ask_defaults(), form = ask_defaults(), field = ask_defaults();
    const uint8_t *equals = memchr(text.data, '=', text.len);
    size_t name = equals ? (size_t)(equals - text.data) : 0;
    const char *wrong;

    if (ask_json(a, &json, kind, text, &wrong, NULL) == 0)
        check_ask(a, &json, kind);
    if (ask_urlencoded(a, &form, kind, text, &wrong, NULL) == 0)
        check_ask(a, &form, kind);
    if (equals && ask_field(a, &field, kind, arena_strndup(a, (const char *)text.data, name),
                            bytes_of(equals + 1, text.len - name - 1), NULL) == 0)
        check_ask(a, &field, kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provenance_notes notes;

    for (int k = 0; k < SUBJECT_KINDS && n; k++)
        check_all(a, bytes_of(data, n), (enum subject_kind)k);
    is_identifiers(a, arena_strndup(a, (const char *)data, n));
    if (notes_from_json(a, bytes_of(data, n), &notes, NULL) == 0)
        must_be(notes.kind < SUBJECT_KINDS && *notes.identifier);
    return 0;
}
