/* Takes an image file apart as far as needed before a decoder sees it: is it all there, how large is it, how
 * is it to be turned, and which bytes does a decoder need. Decoders are made to go on whatever is missing, so
 * that the file is whole is checked here; and what they do not need (profiles, comments, further frames) does
 * not get to them. Pure, for foreign bytes (fuzz target: still).
 *
 * Errors: ERR_DECODE cut off or damaged, ERR_UNSUPPORTED, ERR_LIMIT no memory. */
#ifndef ASSAY_MEDIA_UNWRAP_INT_H
#define ASSAY_MEDIA_UNWRAP_INT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct unwrapped {
    int64_t width, height; /* as the file says; not checked */
    int orientation;       /* EXIF, 1..8 */
    struct bytes core;     /* a small file of the same kind with the first picture only; part of the file
                            * or in the arena */
};

/* Each wants a file that begins with the signature of its format. */
int unwrap_png(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err);
int unwrap_webp(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err);
int unwrap_gif(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err);
int unwrap_bmp(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err);
int unwrap_tiff(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err);

#endif
