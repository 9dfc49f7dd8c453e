#include "media/png.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "media/fdio_int.h"

static int open_encoder(const struct picture *p, AVCodecContext **ret, struct err *err)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
    AVCodecContext *c;

    if (!codec)
        return FAIL(err, ERR_UNSUPPORTED, "This build of libavcodec cannot write PNG.");
    c = *ret = libav_must(avcodec_alloc_context3(codec));
    c->width = p->width;
    c->height = p->height;
    c->pix_fmt = AV_PIX_FMT_RGB24;
    c->time_base = (AVRational){1, 1};
    c->thread_count = 1;
    return avcodec_open2(c, codec, NULL) < 0 ? FAIL(err, ERR_INTERNAL, "The PNG encoder does not start.") : 0;
}

static int fill_frame(const struct picture *p, AVFrame *f, struct err *err)
{
    f->format = AV_PIX_FMT_RGB24;
    f->width = p->width;
    f->height = p->height;
    if (av_frame_get_buffer(f, 0) < 0)
        return FAIL(err, ERR_LIMIT, "There is no memory for a PNG of %dx%d.", p->width, p->height);
    for (int y = 0; y < p->height; y++) {
        const uint8_t *from = p->pixels + (size_t)y * (size_t)p->width * 3;
        uint8_t *to = f->data[0] + (ptrdiff_t)y * f->linesize[0];

        for (int x = 0; x < p->width; x++, from += 3, to += 3) {
            to[0] = from[2];
            to[1] = from[1];
            to[2] = from[0];
        }
    }
    return 0;
}

static int write_all(int fd, const uint8_t *from, int64_t size, struct err *err)
{
    for (int64_t at = 0; at < size;) {
        ssize_t n = pwrite(fd, from + at, (size_t)(size - at), at);

        if (n < 0 && errno != EINTR)
            return FAIL_ERRNO(err, "The PNG cannot be written");
        at += n > 0 ? n : 0;
    }
    return 0;
}

int png_write(int fd, const struct picture *bgr, struct err *err)
{
    CLEANUP(avcodec_free_context) AVCodecContext *encoder = NULL;
    CLEANUP(av_packet_free) AVPacket *packet = NULL;
    CLEANUP(av_frame_free) AVFrame *frame = NULL;

    libav_setup();
    packet = libav_must(av_packet_alloc());
    frame = libav_must(av_frame_alloc());
    if (open_encoder(bgr, &encoder, err) < 0 || fill_frame(bgr, frame, err) < 0)
        return -1;
    if (avcodec_send_frame(encoder, frame) < 0 || avcodec_receive_packet(encoder, packet) < 0)
        return FAIL(err, ERR_LIMIT, "A PNG of %dx%d cannot be made.", bgr->width, bgr->height);
    return write_all(fd, packet->data, packet->size, err);
}
