/* Quarter turns of one plane of pixels. */
#ifndef ASSAY_MEDIA_TURN_INT_H
#define ASSAY_MEDIA_TURN_INT_H

#include <stdint.h>

struct plane {
    const uint8_t *data;
    int stride;
    int width, height;
    int channels; /* bytes of one pixel */
};

/* Copies src turned clockwise by 0, 90, 180 or 270 degrees to dst, whose rows are dst_stride bytes apart. */
void turn(const struct plane *src, int degrees, uint8_t *dst, int dst_stride);

#endif
