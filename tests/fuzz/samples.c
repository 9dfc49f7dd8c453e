/* What clients say of recordings: headers, labels, files of labels. What is accepted keeps the limits, and is
 * JSON that is accepted again as it is. The first byte picks one of them. */
#include <stdlib.h>
#include <string.h>

#include "api/impulse/sample_int.h"
#include "base/cleanup.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

typedef int read_labels(struct arena *a, yyjson_val *v, struct bytes *ret, struct err *err);

static bool read_text(struct arena *a, struct bytes text, read_labels *read, struct bytes *ret)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(text, 1 << 20, NULL);

    return doc && read(a, yyjson_doc_get_root(doc), ret, NULL) == 0;
}

static void check_labels(struct arena *a, struct bytes text, read_labels *read)
{
    struct bytes once, twice;

    if (!read_text(a, text, read, &once))
        return;
    must_be(read_text(a, once, read, &twice));
    must_be(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
}

static void check_header(struct arena *a, const char *value, const char *header)
{
    struct sending s = {0};

    if (sending_set(a, &s, header, value, NULL) < 0)
        return;
    must_be(!s.label || (strlen(s.label) <= LABEL_BYTES && text_is_utf8(s.label, strlen(s.label))));
    must_be(!s.file_name || (*s.file_name && !strpbrk(s.file_name, "/\\\n")));
    must_be(s.project >= 0);
    if (s.file_name) {
        must_be(*name_of_file(a, s.file_name));
        label_of_file(a, s.file_name);
    }
}

static void check_file(struct arena *a, struct bytes text, const char *name)
{
    struct annotations all = {0};

    annotations_add(a, &all, name, text, NULL);
    must_be(all.n <= ANNOTATIONS_MAX);
    for (size_t i = 0; i < all.n; i++)
        must_be(!all.list[i].label || strlen(all.list[i].label) <= LABEL_BYTES);
    annotation_of(&all, all.n ? all.list[0].file : "a");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static read_labels *const readers[] = {stretches_read, boxes_read, metadata_read};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes rest;
    const char *header;

    if (!n)
        return 0;
    rest = bytes_of(data + 1, n - 1);
    header = sending_header(data[0] % 16);
    if (header)
        check_header(a, arena_strndup(a, (const char *)rest.data, rest.len), header);
    else if (data[0] % 16 < 13)
        check_file(a, rest, data[0] % 16 < 12 ? "info.labels" : "structured_labels.labels");
    else
        check_labels(a, rest, readers[data[0] % 16 - 13]);
    return 0;
}
