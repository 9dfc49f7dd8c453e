/* Images from anywhere: refused with a reason, or a picture with all its pixels. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "media/still.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile unsigned sum;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct still_opts o = still_defaults();
    struct err err = {0};
    struct still s = {0};

    o.max_pixels = 1 << 18;
    o.deadline_mono_us = clock_mono_us() + 1000000;
    o.shortest = n ? data[n - 1] : 0;
    if (still_read(a, bytes_of(data, n), &o, &s, &err) < 0) {
        if (err.kind == ERR_NONE || err.kind == ERR_INTERNAL || !err.text[0])
            abort();
        return 0;
    }
    if (!s.format || s.width < s.picture.width || s.height < s.picture.height || s.picture.channels != 3)
        abort();
    for (size_t i = 0; i < (size_t)s.picture.width * (size_t)s.picture.height * 3; i++)
        sum += s.picture.pixels[i];
    return 0;
}
