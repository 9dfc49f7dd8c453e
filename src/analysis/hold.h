/* Keeps one decoded frame beyond the next video_next: a frame is judged when the one after it shows that it
 * was the last of its slot (media/sample.h). The pixels are shared with the decoder, not copied. */
#ifndef ASSAY_ANALYSIS_HOLD_H
#define ASSAY_ANALYSIS_HOLD_H

#include "media/video.h"

struct hold {
    struct AVFrame *av; /* owned; NULL at first */
    struct video_frame frame;
};

void hold_put(struct hold *h, const struct video_frame *frame); /* lets go of the one before */
void hold_clear(struct hold *h);

#endif
