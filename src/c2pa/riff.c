/* RIFF (WAV, WebP, AVI): the chunk C2PA, beside the others of the file; lists are not entered. The length in
 * the RIFF header is not asked: writers leave it at what it was. */
#include <string.h>

#include "c2pa/container_int.h"

enum { FORM = 12, HEADER = 8 };

static bool is(struct bytes first)
{
    return first.len >= FORM && memcmp(first.data, "RIFF", 4) == 0;
}

static int find(struct find *f, struct err *err)
{
    uint64_t at = FORM, len;
    uint8_t b[HEADER];
    int r;

    while ((r = find_read(f, at, b, sizeof b, err)) > 0) {
        if (find_step(f, err) < 0)
            return -1;
        len = find_little(b + 4, 4);
        if (memcmp(b, "C2PA", 4) == 0 && find_whole(f, at + HEADER, len, err) < 0)
            return -1;
        at += HEADER + len + (len & 1);
    }
    return r;
}

const struct container container_riff = {.name = "riff", .is = is, .find = find};
