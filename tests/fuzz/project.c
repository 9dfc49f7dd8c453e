/* An exported project of anybody, as JSON or as C. What reads may be checked and copied. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "infer/deployment.h"
#include "infer/export.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void look_at(struct arena *a, int r, const struct imported *what, const struct err *err)
{
    if (r < 0) {
        must_be(err->text[0] &&
                (err->kind == ERR_INPUT || err->kind == ERR_UNSUPPORTED || err->kind == ERR_LIMIT));
        return;
    }
    must_be(what->has_impulse && what->ninputs <= MODEL_PORTS && what->noutputs <= MODEL_PORTS);
    if (impulse_check(&what->impulse, NULL) == 0)
        impulse_copy(a, &what->impulse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes all = bytes_of(data, n), model;
    struct imported what;
    struct err err = {0};

    if (n && data[0] == '{') {
        look_at(a, deployment_read(a, all, &what, &err), &what, &err);
        return 0;
    }
    export_is(all);
    export_is_compiled(all);
    if (!export_tflite(a, all, &model))
        look_at(a, export_read(a, all, &what, &err), &what, &err);
    return 0;
}
