/* A hash assertion of anybody about an MP4 of anybody: two bytes say how long the assertion is, then it
 * comes, then the file. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "c2pa/bind_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t len = n >= 2 ? (size_t)data[0] << 8 | data[1] : n;
    struct jumbf_box box = {.label = n & 1 ? "c2pa.hash.bmff" : "c2pa.hash.bmff.v2"};
    struct bind b = {.box = &box, .url = "", .name = "", .alg = "sha256"};
    enum bind_result result = BIND_NOT_CHECKED;
    struct bytes file;
    struct source s;
    struct reading r = {.a = a, .s = &s};
    struct err err = {0};

    if (n < 2 || len > n - 2 || cbor_read(bytes_of(data + 2, len), &b.map, NULL) < 0)
        return 0;
    file = bytes_of(data + 2 + len, n - 2 - len);
    s = source_of_bytes(&file);
    b.r = &r;
    if (bind_bmff.compare(&b, &result, &err) < 0)
        abort();
    return 0;
}
