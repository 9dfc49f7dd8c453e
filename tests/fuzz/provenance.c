/* A file of anybody, judged: the answer is one of the four states, its JSON reads, and what is not bound to
 * the file's bytes by a signature is never valid. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "c2pa/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct c2pa_result *r)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;

    must_be((r->state == C2PA_NONE) == (r->json == NULL));
    must_be(r->state != C2PA_TRUSTED && (!r->says_ai || r->state == C2PA_VALID));
    if (!r->json)
        return;
    must_be(r->json_len == strlen(r->json) && r->json_len < 2 * C2PA_MAX_JSON);
    must_be((doc = json_read(bytes_of(r->json, r->json_len), r->json_len, NULL)) != NULL);
    must_be(r->state == C2PA_VALID || r->nfailures > 0 || strstr(r->json, "assay.hardBinding.notChecked"));
    must_be(r->state == C2PA_INVALID || strstr(r->json, "claimSignature.validated"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes file = bytes_of(data, n);
    struct source s = source_of_bytes(&file);
    struct c2pa_opts opts = {.now = 1795219200};
    struct c2pa_result r;

    must_be(c2pa_read(a, &s, &opts, &r, NULL) == 0);
    check(&r);
    return 0;
}
