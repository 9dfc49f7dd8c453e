/* A glance at a frame: a tiny copy that whole-video statistics (shots, activity) can afford to take of every
 * frame. 160 columns of luma, and 20 x 12 cells of each colour difference.
 *
 * Levels are full range whatever the frame's is: luma 0..255, colour around 128. Rows have no padding.
 * The glance is as decoded: rotation is not applied. Differences and histograms are the same either way.
 *
 * Planar and half-planar 8-bit YUV and grey are averaged straight from their planes, from two rows of each
 * cell: about a twentieth of a millisecond for 1280x720. Every other format goes through media/image.h, which
 * costs 0.2 ms for 10 bits and a millisecond for RGB. Frames may change size and format on the way; sides
 * from 1 to 65,535 pixels. One glancer per video, one thread. */
#ifndef ASSAY_MEDIA_GLANCE_H
#define ASSAY_MEDIA_GLANCE_H

#include <stdint.h>

#include "base/err.h"

struct AVFrame;

enum {
    GLANCE_WIDTH = 160,
    GLANCE_MIN_HEIGHT = 2,
    GLANCE_MAX_HEIGHT = 320, /* taller frames are squeezed */
    GLANCE_COLOUR_WIDTH = 20,
    GLANCE_COLOUR_HEIGHT = 12, /* whatever the shape of the frame */
    GLANCE_COLOURS = GLANCE_COLOUR_WIDTH * GLANCE_COLOUR_HEIGHT,
};

struct glance {
    int height;           /* from the shape of the frame's pixels */
    const uint8_t *luma;  /* height * GLANCE_WIDTH */
    const uint8_t *u, *v; /* GLANCE_COLOURS each */
};

struct glancer;
struct glancer *glancer_new(void);
void glancer_freep(struct glancer **g);
/* The glance lives until the next call. ERR_DECODE when the frame has no picture, or one that nobody can
 * scale. */
int glance_at(struct glancer *g, const struct AVFrame *av, struct glance *ret, struct err *err);
/* Rows of a glance at a frame of this size. */
int glance_height(int width, int height);

#endif
