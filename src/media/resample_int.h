/* One picture to another size with a triangle filter: bilinear when it grows, a weighted mean when it
 * shrinks, as swscale's SWS_BILINEAR. By hand because swscale turns packed BGR into YUV and back on the way,
 * which takes four times as long. Pure. */
#ifndef ASSAY_MEDIA_RESAMPLE_INT_H
#define ASSAY_MEDIA_RESAMPLE_INT_H

#include "media/image.h"

/* The region x, y, w, h of src, which lies inside it, to all of dst; same channels, 1 or 3. */
void resample(const struct picture *src, int x, int y, int w, int h, struct picture *dst);

#endif
