/* A swscale context that is kept as long as its frames keep size, format and colours. */
#ifndef ASSAY_MEDIA_RESCALE_INT_H
#define ASSAY_MEDIA_RESCALE_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct AVFrame;
struct SwsContext;

/* One side of a conversion: pixels, AVPixelFormat, SWS_CS_* and 1 for full range. */
struct raster {
    int width, height, format, space, range;
};

struct rescaler {
    struct SwsContext *sws;
    struct raster from, to;
};

/* Grey pictures and the formats named yuvj have full range unless told otherwise. */
bool frame_is_full_range(const struct AVFrame *f);

void rescaler_clear(struct rescaler *r);
/* Scales a frame into planes of the shape `to`. Bilinear. ERR_DECODE when swscale cannot do it. */
int rescale(struct rescaler *r, const struct AVFrame *f, const struct raster *to, uint8_t *const planes[4],
            const int strides[4], struct err *err);

#endif
