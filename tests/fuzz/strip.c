/* What an analyst that a hostile file took over may leave as thumbnails. What is accepted lies inside, is in
 * order, and is written again as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/strip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strip_frame *frames;
    struct bytes again;
    size_t count;

    if (strip_read(a, bytes_of(data, n), &frames, &count, NULL) < 0)
        return 0;
    must_be(count <= STRIP_MAX);
    for (size_t i = 0; i < count; i++) {
        must_be(frames[i].jpeg.data >= data && frames[i].jpeg.len <= STRIP_MAX_JPEG);
        must_be(frames[i].jpeg.data + frames[i].jpeg.len <= data + n);
        must_be(i == 0 || frames[i].pts > frames[i - 1].pts);
    }
    again = strip_write(a, frames, count);
    must_be(again.len == n && memcmp(again.data, data, n) == 0);
    return 0;
}
