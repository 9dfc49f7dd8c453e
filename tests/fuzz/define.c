/* Impulses as clients write them: what is taken is stored in a form that can be read, shown and taken again
 * on top of itself, and then means the same. */
#include <stdlib.h>

#include "api/impulse/define_int.h"
#include "base/cleanup.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *inputs_of(struct arena *a, struct bytes json)
{
    struct definition d;

    if (definition_read(a, json, &d, NULL) < 0)
        abort();
    return d.impulse.nlearn ? definition_inputs(a, &d.impulse, &d.impulse.learn[0]) : "";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_freep) yyjson_doc *doc = json_read(bytes_of(data, size), DEFINITION_BYTES, NULL);
    CLEANUP(json_mut_freep) doc_t *out = NULL;
    struct define_with with = {.frequency = 100, .now_us = 1700000000000000};
    struct bytes json, again;
    struct err err;

    if (!doc || definition_make(a, yyjson_doc_get_root(doc), &with, &json, &err) < 0)
        return 0;
    with.before = json;
    with.merge = true;
    if (definition_make(a, yyjson_doc_get_root(doc), &with, &again, &err) < 0 ||
        !text_is(inputs_of(a, json), inputs_of(a, again)))
        abort();
    out = json_doc_new();
    yyjson_mut_doc_set_root(out, yyjson_mut_obj(out));
    if (definition_render(a, out, yyjson_mut_doc_get_root(out), json, true, &err) < 0)
        abort();
    json_write(a, out);
    return 0;
}
