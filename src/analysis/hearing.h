/* A track of sound, from the file to a stream of the report: decoded, cut into clips, each asked about. */
#ifndef ASSAY_ANALYSIS_HEARING_H
#define ASSAY_ANALYSIS_HEARING_H

#include "analysis/jury.h"
#include "analysis/pipelines_int.h"
#include "media/sound.h"

struct hearing {
    const struct toolbox *tools;
    const struct jury *jury;
    struct report *report; /* with its origins */
    int64_t deadline;
    int track;          /* -1: the best */
    double max_seconds; /* what comes after is not heard, and the stream is truncated; 0 = no limit */
};
/* ntracks may be NULL. ERR_NO_STREAM for a file without sound, and the errors of media/sound.h. */
int hearing_hear(const struct hearing *h, int fd, struct origin_stream *ret, size_t *ret_ntracks,
                 struct err *err);

#endif
