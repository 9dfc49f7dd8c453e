/* PNG: the chunk caBX. */
#include <string.h>

#include "c2pa/container_int.h"

enum { SIGNATURE = 8, HEADER = 8, CRC = 4 };

static bool is(struct bytes first)
{
    return first.len >= SIGNATURE && memcmp(first.data, "\x89PNG\r\n\x1a\n", SIGNATURE) == 0;
}

static int find(struct find *f, struct err *err)
{
    uint64_t at = SIGNATURE, len;
    uint8_t b[HEADER];
    int r;

    while ((r = find_read(f, at, b, sizeof b, err)) > 0) {
        if (find_step(f, err) < 0)
            return -1;
        len = find_big(b, 4);
        if (memcmp(b + 4, "IEND", 4) == 0)
            return 0;
        if (memcmp(b + 4, "caBX", 4) == 0 && find_whole(f, at + HEADER, len, err) < 0)
            return -1;
        at += HEADER + len + CRC;
    }
    return r;
}

const struct container container_png = {.name = "png", .is = is, .find = find};
