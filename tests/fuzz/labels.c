/* Operators' feedback of the alarm API: what is accepted keeps the limits, and is JSON again when it is
 * shown. */
#include <stdlib.h>
#include <string.h>

#include "api/alarm/alarm_int.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void check_labels(struct arena *a, yyjson_val *body)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct alarm_feedback f;

    if (alarm_parse_labels(a, body, &f, NULL) < 0)
        return;
    must_be(strlen(f.comment) <= ALARM_COMMENT_MAX);
    doc = json_read(f.labels, 1 << 20, NULL);
    must_be(yyjson_arr_size(yyjson_doc_get_root(doc)) > 0);
    must_be(yyjson_arr_size(yyjson_doc_get_root(doc)) <= ALARM_LABELS);
}

static void check_custom(struct arena *a, yyjson_val *body)
{
    struct custom_label *labels;
    size_t n;

    if (alarm_parse_custom(a, body, &labels, &n, NULL) < 0)
        return;
    must_be(n > 0 && n <= ALARM_LABELS);
    for (size_t i = 0; i < n; i++)
        must_be(*labels[i].value && strlen(labels[i].value) <= ALARM_LABEL_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_freep) yyjson_doc *doc = json_read(bytes_of(data, n), 64 << 10, NULL);

    if (doc) {
        check_labels(a, yyjson_doc_get_root(doc));
        check_custom(a, yyjson_doc_get_root(doc));
    }
    return 0;
}
