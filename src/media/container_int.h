/* A container over a descriptor, opened with our limits: what reading a video and reading a sound share. */
#ifndef ASSAY_MEDIA_CONTAINER_INT_H
#define ASSAY_MEDIA_CONTAINER_INT_H

#include <libavcodec/packet.h>
#include <libavformat/avformat.h>

#include "base/err.h"
#include "media/fdio_int.h"

/* How errors are told. */
struct container_words {
    const char *noun;    /* "video" */
    const char *foreign; /* sentence: not media, or not accepted */
    const char *broken;  /* sentence: begins well, but cannot be opened */
    const char *barren;  /* sentence: opens, but nothing in it can be decoded */
};

struct container_opts {
    int64_t max_pixels; /* of a frame of any of its streams */
    int64_t deadline_mono_us;
    int64_t cpu_us; /* see video_opts */
    const struct container_words *words;
};

struct container {
    struct container_opts opts;
    struct fdio io; /* points into itself: a container must not move */
    AVFormatContext *format;
    int64_t cpu_us;      /* what all of it may take; 0 = no limit */
    double seen_until;   /* latest end of a packet of any stream, as the container counts */
    int64_t packets_end; /* where the furthest of them ends in the file; -1 when nobody knows */
};

/* Recognises the container, reads its header, and probes its streams; c is zeroed or fresh. Errors as of
 * media/video.h. */
int container_open(struct container *c, int fd, const struct container_opts *opts, struct err *err);
void container_close(struct container *c); /* also half open, or zeroed */

/* What stands behind a failure of libav: our own refusals first, they look like damage to libav; else
 * ERR_DECODE with the sentence `otherwise`. */
int container_fail(const struct container *c, int code, const char *otherwise, struct err *err);
int container_fail_late(const struct container *c, struct err *err);
int container_fail_pixels(const struct container *c, int width, int height, struct err *err);

/* Whether what av_read_frame said is the end of the file, and no damage. */
bool container_is_end(const struct container *c, int why);
/* Every packet that is read is told here. */
void container_note(struct container *c, const AVPacket *p);
/* Seconds, where they stand in the file; else 0. */
double container_duration(const struct container *c);
/* After the last packet: whether everything stops clearly before the duration, or the file before its
 * container does. */
bool container_ends_early(const struct container *c);

/* A picture that moves, no cover. */
bool container_is_video(const AVStream *s);
bool container_is_sound(const AVStream *s);

#endif
