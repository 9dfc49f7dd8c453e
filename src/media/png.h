/* Writes a picture as PNG. Deterministic: the same picture gives the same bytes (of one libavcodec). */
#ifndef ASSAY_MEDIA_PNG_H
#define ASSAY_MEDIA_PNG_H

#include "media/image.h"

/* A BGR picture to a descriptor, at offset 0, with pwrite. ERR_IO, ERR_LIMIT, ERR_UNSUPPORTED when this
 * libavcodec cannot. */
int png_write(int fd, const struct picture *bgr, struct err *err);

#endif
