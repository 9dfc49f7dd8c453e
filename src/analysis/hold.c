#include "analysis/hold.h"

#include <libavutil/frame.h>
#include <stdlib.h>

void hold_put(struct hold *h, const struct video_frame *frame)
{
    av_frame_free(&h->av);
    h->av = av_frame_clone(frame->av);
    if (!h->av)
        abort(); /* out of memory, as in base/mem.h */
    h->frame = *frame;
    h->frame.av = h->av;
}

void hold_clear(struct hold *h)
{
    av_frame_free(&h->av);
}
