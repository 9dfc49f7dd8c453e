/* Writes JPEGs; reading is in media/still.h. */
#ifndef ASSAY_MEDIA_JPEG_INT_H
#define ASSAY_MEDIA_JPEG_INT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "media/image.h"

/* 4:2:0, exact integer transform, optimal codes, no time or name in it: same picture, same bytes. The bytes
 * live in the arena. */
int jpeg_write(struct arena *a, const struct picture *p, int quality, struct bytes *ret, struct err *err);

#endif
