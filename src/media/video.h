/* Reads the frames of a video from a descriptor: any self-contained container and any codec libav knows
 * (docs/media.md), recognised by content, never by name. Playlists and formats that refer to other files or
 * to the network are refused before they can ask.
 *
 * One pass, forward only. A frame comes in its native pixel format with its true PTS, also for variable frame
 * rate. Ceilings (pixels, frames, seconds) are options. Used inside an analyst: single-threaded, one decoder
 * thread.
 *
 * video_open decodes the first frame already: its size is the true one, and a file with nothing in it is
 * refused there.
 *
 * Errors: ERR_DECODE not media or nothing decodable, ERR_NO_STREAM sound without video, ERR_LIMIT over a
 * ceiling, ERR_TIMEOUT the deadline passed, ERR_IO the descriptor cannot be read. A file that breaks after
 * some good frames is not an error: media_info.truncated says so. A file with no decodable frame is
 * ERR_DECODE, never an empty success. */
#ifndef ASSAY_MEDIA_VIDEO_H
#define ASSAY_MEDIA_VIDEO_H

#include "report/report.h"

struct AVFrame;
struct video;

struct video_opts {
    int64_t max_pixels;       /* of one frame; default 8192 * 8192 / 2 */
    int64_t max_frames;       /* decoded frames; default 200000 */
    double max_seconds;       /* of the container; default 3600 */
    int64_t deadline_mono_us; /* 0 = none */
    /* Processor time for everything up to the last frame, and the same again for each MB of the file: a small
     * file that unpacks to a great deal is refused, a long clip brings the bytes for it. 0 = no limit. */
    int64_t cpu_us;
};
struct video_opts video_opts_defaults(void);

struct video_frame {
    const struct AVFrame *av; /* native pixel format, not yet rotated; valid during one more video_next: a
                               * sampler decides about a frame when it sees the one after it */
    int64_t index;            /* in display order, 0-based; -1 after a jump (media/seek.h): nobody counted */
    double pts;               /* seconds since the first frame; strictly increasing */
};

/* fd is borrowed and read with pread from 0. */
int video_open(struct video **ret_video, int fd, const struct video_opts *opts, struct err *err);
void video_freep(struct video **v);
/* 1 and a frame, 0 at the end, -1 and err. */
int video_next(struct video *v, struct video_frame *ret_frame, struct err *err);
/* From the header at first; exact (frames, duration, truncated) after video_next returned 0. Strings live as
 * long as v. */
const struct media_info *video_info(const struct video *v);
/* Seconds at which the newest frame stops: its PTS and its duration. After video_next returned 0 that is the
 * end for media/sample.h; the container's duration may count sound that goes on, or frames that broke off. */
double video_end(const struct video *v);
const char *video_decoder_version(void); /* "libavformat a.b.c libavcodec ... libswscale ..." */

#endif
