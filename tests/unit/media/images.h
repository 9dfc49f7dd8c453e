/* Makes small images of every kind that is read, with libav's encoders and libjpeg. Four corners of one
 * colour each tell how a picture lies: red and green above, blue and white below. */
#ifndef ASSAY_TESTS_IMAGES_H
#define ASSAY_TESTS_IMAGES_H

#include <libavutil/pixfmt.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "media/image.h"

enum { CORNER_RED, CORNER_GREEN, CORNER_BLUE, CORNER_WHITE };

struct image_kind {
    const char *encoder; /* of libavcodec: "png", "bmp", "gif", "libwebp" */
    enum AVPixelFormat pixels;
    int width, height;
    const char *option, *value; /* of the encoder; NULL = none */
    bool clear;                 /* the blue corner is fully transparent (formats with alpha) */
};
/* Empty when this libav lacks the encoder. */
struct bytes image_make(struct arena *a, const struct image_kind *kind);

struct jpeg_kind {
    int width, height;
    int colours;    /* 1 grey, 3, 4 inks */
    bool adobe;     /* inks inverted, with Adobe's marker; else as they are, without */
    bool converted; /* inks as YCCK */
    bool progressive;
    int orientation; /* EXIF; 0 = no EXIF */
};
struct bytes jpeg_make(struct arena *a, const struct jpeg_kind *kind);

/* A TIFF structure with that orientation, in either byte order. */
struct bytes exif_make(struct arena *a, int orientation, bool little);
/* The same file with an EXIF chunk. */
struct bytes png_with_exif(struct arena *a, struct bytes png, struct bytes exif);
struct bytes webp_with_exif(struct arena *a, struct bytes webp, int width, int height, struct bytes exif);
/* An animation of two frames, each the picture of that file. */
struct bytes webp_animated(struct arena *a, struct bytes webp, int width, int height);

/* The colour (CORNER_*) that a pixel near a corner has, -1 for none of them. corner: 0 top left, 1 top right,
 * 2 bottom left, 3 bottom right. */
int corner_of(const struct picture *p, int corner, int tolerance);

#endif
