/* Pixels for models and for motion: scaled, upright, packed copies of decoded frames.
 *
 * A picture is 8 bits, 1 (luma) or 3 (BGR) interleaved channels, rows without padding. */
#ifndef ASSAY_MEDIA_IMAGE_H
#define ASSAY_MEDIA_IMAGE_H

#include <stdint.h>

#include "media/video.h"

struct picture {
    int width, height, channels;
    uint8_t *pixels; /* height * width * channels */
};

/* Keeps scaler contexts between frames; one per video. */
struct scaler;
struct scaler *scaler_new(void);
void scaler_freep(struct scaler **s);

/* Scales the frame to exactly width x height as displayed (the rotation in `rotation` degrees is applied)
 * into a picture owned by the scaler and valid during one more call with the same channel count. Bilinear.
 * Frames may change size and format on the way. */
int scaler_bgr(struct scaler *s, const struct AVFrame *av, int rotation, int width, int height,
               struct picture *ret, struct err *err);
int scaler_luma(struct scaler *s, const struct AVFrame *av, int rotation, int width, int height,
                struct picture *ret, struct err *err);

/* Scales one picture region (pixels) into another picture of dst->width x dst->height; bilinear; same
 * channels. */
int picture_scale(const struct picture *src, int x, int y, int w, int h, struct picture *dst,
                  struct err *err);
/* BGR luma: (29 B + 150 G + 77 R) >> 8. dst has 1 channel and the same size. */
void picture_luma(const struct picture *bgr, struct picture *dst);

#endif
