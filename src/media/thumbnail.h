/* A part of a picture as a small JPEG. Deterministic: the same picture gives the same bytes. */
#ifndef ASSAY_MEDIA_THUMBNAIL_H
#define ASSAY_MEDIA_THUMBNAIL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "media/image.h"
#include "report/box.h"

enum { THUMBNAIL_FACE_SIDE = 112, THUMBNAIL_QUALITY = 85 };

struct thumbnail_opts {
    int longest; /* longest side of the JPEG in pixels; a smaller region is not enlarged; 0 = as large as the
                  * region; at most 8192 */
    int quality; /* 1..100; default THUMBNAIL_QUALITY */
};
struct thumbnail_opts thumbnail_defaults(void); /* a face: 112 pixels, quality 85 */

/* The region of a BGR picture, in 0..1 and cut to the picture, at least one pixel. The bytes live in the
 * arena. ERR_LIMIT for a side above 8192 pixels. */
int thumbnail_make(struct arena *a, const struct picture *bgr, struct box region,
                   const struct thumbnail_opts *opts, struct bytes *ret_jpeg, struct err *err);

#endif
