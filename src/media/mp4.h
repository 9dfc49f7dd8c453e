/* Writes an MP4 with one H.264 video track (yuv420p, constant rate, no audio). Used for annotated clips and
 * by the scene renderer.
 *
 * The same pictures and options give the same bytes, with the same libav and x264: one encoder thread, no
 * creation time, no encoder version in the stream. The index is written at the end. One writer, one thread.
 */
#ifndef ASSAY_MEDIA_MP4_H
#define ASSAY_MEDIA_MP4_H

#include "base/err.h"
#include "media/image.h"

struct AVFrame;
struct mp4_writer;

struct mp4_opts {
    int width, height;          /* pixels, both even, 2..8192 */
    int rate_num, rate_den;     /* frames per second */
    int crf;                    /* constant quality, 0 (lossless) .. 51; used by encoders that know it */
    int gop;                    /* at most that many frames from one key frame to the next */
    const char *profile;        /* "baseline", "main", "high"; NULL = the encoder's choice */
    const char *encoder;        /* libavcodec's name; NULL = libx264, else any H.264 encoder in software */
    const struct AVFrame *like; /* colour tags of the track are those of this frame; NULL = none */
};
/* Whether this libavcodec has any H.264 encoder in software. */
bool mp4_can_encode(void);
struct mp4_opts mp4_opts_defaults(void); /* 0x0, 25/1, crf 23, gop 50, baseline */

/* fd is borrowed, empty and seekable; it is written from offset 0. ERR_INPUT on options out of range,
 * ERR_UNSUPPORTED when this libavcodec has no such encoder, ERR_IO when writing fails. opts is copied. */
int mp4_open(struct mp4_writer **ret_writer, int fd, const struct mp4_opts *opts, struct err *err);
/* Appends one picture of 3 channels (BGR) and the track's size. */
int mp4_add(struct mp4_writer *w, const struct picture *bgr, struct err *err);
/* Appends one frame in yuv420p and the track's size; the frame's own time is ignored. */
int mp4_add_frame(struct mp4_writer *w, const struct AVFrame *yuv420p, struct err *err);
/* Writes the index. Without it the file is not playable. ERR_INPUT when no frame was added. */
int mp4_finish(struct mp4_writer *w, struct err *err);
void mp4_freep(struct mp4_writer **w);

#endif
