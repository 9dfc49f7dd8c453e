/* What an analyst that a hostile file took over may send: a report or a spec as JSON. What is accepted must
 * be written the same way again, and again be accepted. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void check_report(struct arena *a, struct bytes text)
{
    struct report *first, *second;
    struct bytes once, twice;

    if (report_from_json(a, text, &first, NULL) < 0)
        return;
    once = report_to_json(a, first);
    must_be(report_from_json(a, once, &second, NULL) == 0);
    twice = report_to_json(a, second);
    must_be(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    must_be(first->error.kind == ERR_NONE || !first->verdict.rule); /* no fault ends in a verdict */
}

static void check_spec(struct arena *a, struct bytes text)
{
    struct job_spec first, second;

    if (spec_from_json(a, text, &first, NULL) == 0)
        must_be(spec_from_json(a, spec_to_json(a, &first), &second, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    check_report(a, bytes_of(data, n));
    check_spec(a, bytes_of(data, n));
    return 0;
}
