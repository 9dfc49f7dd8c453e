/* Small clips, still pictures and sounds in every container and codec which the installed libav can write
 * with encoders of its own (and H.264 where it has one): the same bytes in every run with the same libav. */
#ifndef ASSAY_TEST_SAMPLE_H
#define ASSAY_TEST_SAMPLE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"

enum sample_kind {
    SAMPLE_CLIP,  /* its container says somewhere how much there is: a cut can be noticed */
    SAMPLE_FLOW,  /* a flow of packets or pictures without a declared end */
    SAMPLE_OPEN,  /* and one of which nobody can say whether its last picture is whole */
    SAMPLE_STILL, /* one picture */
    SAMPLE_MUTE,  /* no video to judge: sound, subtitles, a cover picture */
    SAMPLE_ODD,   /* times or sizes at the edge of what the container can say */
};

struct sample {
    const char *name;
    enum sample_kind kind;
    bool somebody; /* a person walks through */
    struct bytes file;
};

/* All that this libav can make; *ret_missing counts the rows which it cannot. */
size_t samples_make(struct arena *a, struct sample **ret, size_t *ret_missing);
const struct sample *sample_named(const struct sample *all, size_t n, const char *name); /* NULL */

#endif
