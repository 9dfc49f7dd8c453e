#include "media/turn_int.h"

#include <stddef.h>
#include <string.h>

/* Where the first pixel goes in dst, and the way from it for one pixel to the right and one row down in src.
 */
struct path {
    ptrdiff_t start, right, down;
};

static struct path path_of(const struct plane *src, int degrees, ptrdiff_t stride)
{
    ptrdiff_t c = src->channels, w = src->width, h = src->height;

    switch (degrees) {
    case 90:
        return (struct path){(h - 1) * c, stride, -c};
    case 180:
        return (struct path){(h - 1) * stride + (w - 1) * c, -c, -stride};
    case 270:
        return (struct path){(w - 1) * stride, -stride, c};
    default:
        return (struct path){0, c, stride};
    }
}

static void copy_straight(const struct plane *src, uint8_t *dst, int dst_stride)
{
    for (int y = 0; y < src->height; y++)
        memcpy(dst + (ptrdiff_t)y * dst_stride, src->data + (ptrdiff_t)y * src->stride,
               (size_t)src->width * (size_t)src->channels);
}

void turn(const struct plane *src, int degrees, uint8_t *dst, int dst_stride)
{
    struct path path = path_of(src, degrees, dst_stride);

    if (degrees == 0) {
        copy_straight(src, dst, dst_stride);
        return;
    }
    for (int y = 0; y < src->height; y++) {
        const uint8_t *from = src->data + (ptrdiff_t)y * src->stride;
        uint8_t *to = dst + path.start + y * path.down;

        for (int x = 0; x < src->width; x++, from += src->channels, to += path.right)
            for (int c = 0; c < src->channels; c++)
                to[c] = from[c];
    }
}
