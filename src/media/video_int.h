/* The inside of a video, for the files that share it: video.c reads on, seek.c jumps. */
#ifndef ASSAY_MEDIA_VIDEO_INT_H
#define ASSAY_MEDIA_VIDEO_INT_H

#include <libavcodec/avcodec.h>

#include "media/container_int.h"
#include "media/video.h"

struct video {
    struct video_opts opts;
    struct container box;
    AVCodecContext *decoder;
    AVStream *stream;
    AVPacket *packet;
    AVFrame *frame;  /* the newest */
    AVFrame *before; /* the one handed out before it, still in the caller's hands */
    struct media_info info;
    int64_t packets;       /* read from the file */
    int64_t video_packets; /* of them, ours */
    int64_t handed_out;    /* frames */
    int64_t origin;        /* time stamp which is second 0 */
    bool has_origin;
    bool ahead;   /* `frame` was decoded by video_open and waits for the first video_next */
    bool drained; /* the decoder was told that there is no more */
    bool ended;
    bool jumped;        /* packets were passed over by video_skip_to */
    double hurry_until; /* seconds: frames before it that no other frame needs are not decoded */
    int oversize_width, oversize_height; /* of a picture that was refused before it was decoded */
    double last_pts, last_end;
};

#endif
