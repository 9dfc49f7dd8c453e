/* Thumbnails of a video's shots, or of a batch's pictures, as one file: the artefact of pipelines "scenes"
 * and "pictures". Written by an analyst (analysis/strip.h), read by whoever shows it (cmd/page.c).
 *
 *   bytes 0..15    "assay.strip/1\n" and two NULs
 *   4              n, at most STRIP_MAX
 *   n x (8 + 4)    time in microseconds since the first frame (of a batch: the index of the picture, in
 *                  millions), growing; bytes of the JPEG
 *   the JPEGs, one behind the other, in that order, up to the end of the file
 *
 * Numbers are little-endian. There is one way to write a strip: what is read and written again is the same
 * bytes. An analyst may be in a hostile file's hands, so strip_read treats the file as foreign: ceilings,
 * order, nothing before, between or behind. It looks at the marks at a JPEG's ends, not inside. */
#ifndef ASSAY_REPORT_STRIP_H
#define ASSAY_REPORT_STRIP_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { STRIP_MAX = 60, STRIP_MAX_JPEG = 64 << 10, STRIP_MAX_BYTES = STRIP_MAX * STRIP_MAX_JPEG + 4096 };

struct strip_frame {
    double pts; /* seconds since the first frame; of a batch: the index of the picture */
    struct bytes jpeg;
};

/* At most STRIP_MAX frames, by time; the bytes live in the arena. */
struct bytes strip_write(struct arena *a, const struct strip_frame *frames, size_t n);
/* The frames live in the arena, their bytes stay where they are. ERR_INPUT when it is no strip. */
int strip_read(struct arena *a, struct bytes file, struct strip_frame **ret_frames, size_t *ret_n,
               struct err *err);

#endif
