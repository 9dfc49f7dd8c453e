/* The quantised DCT coefficients of a JPEG's brightness, as they stand in the file: what pixels no longer
 * tell about how often, and how hard, a picture was compressed.
 *
 * Same rules as media/still.h: whole or an error, bounded, no threads, no files. Errors: ERR_DECODE not a
 * JPEG, cut off or damaged; ERR_UNSUPPORTED a JPEG of another kind (lossless, four inks); ERR_LIMIT;
 * ERR_TIMEOUT. */
#ifndef ASSAY_MEDIA_JPEG_BLOCKS_H
#define ASSAY_MEDIA_JPEG_BLOCKS_H

#include "media/still.h"

struct jpeg_blocks {
    int width, height; /* pixels, as stored: EXIF orientation is not applied */
    int across, down;  /* blocks of 8x8 of brightness; the last ones may be filled up */
    uint16_t quant[64];
    const int16_t *coefs; /* down * across * 64, each block by rows of frequencies; quantised */
};

/* Of opts count max_bytes, max_pixels, cpu_us and the deadline. Everything lives in the arena. */
int jpeg_blocks_read(struct arena *a, struct bytes file, const struct still_opts *opts,
                     struct jpeg_blocks *ret, struct err *err);

#endif
