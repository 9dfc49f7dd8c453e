/* The annotated clip: the whole video again as MP4 (H.264 constrained baseline, yuv420p, even size, constant
 * rate = the source's average), with thin red boxes around counted findings and a 2-pixel red border (RGB
 * 255,12,16) around the whole picture unless the risk is "safe": a report without a verdict gets the border,
 * too. No text. Excluded findings are drawn grey. Findings below the verdict's label threshold are left out;
 * where none reaches it, those below the low one. Between two moments a box stays where the nearest moment
 * found it.
 *
 * Errors: those of media/video.h for the subject, ERR_IO when out_fd cannot be written (a process with
 * RLIMIT_FSIZE must ignore SIGXFSZ for that), ERR_UNSUPPORTED when this libavcodec has no H.264 encoder. */
#ifndef ASSAY_MEDIA_ANNOTATE_H
#define ASSAY_MEDIA_ANNOTATE_H

#include "media/video.h"

/* Reads the subject from fd, writes the MP4 to out_fd (seekable, empty). */
int annotate_video(int fd, int out_fd, const struct report *report, const struct video_opts *opts,
                   struct err *err);

#endif
