/* EXIF from anywhere: one of the eight orientations. */
#include <stdlib.h>

#include "media/exif_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    int o = exif_orientation(bytes_of(data, n));

    if (o < 1 || o > 8)
        abort();
    return 0;
}
