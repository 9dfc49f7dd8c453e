#include "media/mp4.h"

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "media/fdio_int.h"

enum { LARGEST_SIDE = 8192 };

struct mp4_writer {
    struct fdio io;
    AVFormatContext *format;
    AVCodecContext *encoder;
    AVBSFContext *filter; /* drops SEI units: x264 puts its version and options into one */
    AVStream *stream;
    AVPacket *packet;
    AVFrame *frame; /* where BGR pictures are converted to */
    struct SwsContext *scaler;
    int64_t frames;
};

struct mp4_opts mp4_opts_defaults(void)
{
    return (struct mp4_opts){.rate_num = 25, .rate_den = 1, .crf = 23, .gop = 50, .profile = "baseline"};
}

void mp4_freep(struct mp4_writer **w)
{
    struct mp4_writer *gone = TAKE(*w);

    if (!gone)
        return;
    sws_freeContext(gone->scaler);
    av_frame_free(&gone->frame);
    av_packet_free(&gone->packet);
    av_bsf_free(&gone->filter);
    avcodec_free_context(&gone->encoder);
    avformat_free_context(gone->format);
    fdio_close(&gone->io);
    freep(&gone);
}

static int fail(struct mp4_writer *w, int code, const char *what, struct err *err)
{
    if (w->io.error)
        return FAIL(err, ERR_IO, "Cannot write the MP4: %s.", strerror(w->io.error));
    return FAIL(err, code == AVERROR(ENOMEM) ? ERR_LIMIT : ERR_INTERNAL, "Cannot write the MP4: %s: %s.",
                what, av_err2str(code));
}

static int check(const struct mp4_opts *o, struct err *err)
{
    if (o->width < 2 || o->height < 2 || o->width > LARGEST_SIDE || o->height > LARGEST_SIDE ||
        o->width % 2 || o->height % 2)
        return FAIL(err, ERR_INPUT, "An MP4 of %dx%d is not possible: both sides must be even and 2 to %d.",
                    o->width, o->height, LARGEST_SIDE);
    if (o->rate_num < 1 || o->rate_den < 1 || o->rate_num / o->rate_den > 1000 || o->gop < 1 || o->crf < 0 ||
        o->crf > 51)
        return FAIL(err, ERR_INPUT, "Rate, key frame distance or quality of the MP4 is out of range.");
    return 0;
}

static bool writes_h264(const AVCodec *c)
{
    return c->id == AV_CODEC_ID_H264 && av_codec_is_encoder(c) && !(c->capabilities & AV_CODEC_CAP_HARDWARE);
}

static const AVCodec *find_encoder(const char *name)
{
    const AVCodec *c = avcodec_find_encoder_by_name(name ? name : "libx264");
    void *state = NULL;

    if (c || name)
        return c && c->id == AV_CODEC_ID_H264 ? c : NULL;
    while ((c = av_codec_iterate(&state)))
        if (writes_h264(c))
            return c;
    return NULL;
}

bool mp4_can_encode(void)
{
    return find_encoder(NULL) != NULL;
}

static void tag_colours(AVCodecContext *c, const AVFrame *like)
{
    if (!like)
        return;
    c->color_range = like->color_range;
    c->color_primaries = like->color_primaries;
    c->color_trc = like->color_trc;
    c->colorspace = like->colorspace;
    c->sample_aspect_ratio = like->sample_aspect_ratio;
}

/* Options an encoder does not know stay in the dictionary and are ignored. */
static void set_private(AVDictionary **options, const struct mp4_opts *o)
{
    av_dict_set_int(options, "crf", o->crf, 0);
    av_dict_set(options, "preset", "veryfast", 0);
    if (o->profile)
        av_dict_set(options, "profile", o->profile, 0);
}

static int open_encoder(struct mp4_writer *w, const struct mp4_opts *o, struct err *err)
{
    const AVCodec *codec = find_encoder(o->encoder);
    AVDictionary *options = NULL;
    AVCodecContext *c;
    int r;

    if (!codec)
        return FAIL(err, ERR_UNSUPPORTED,
                    "This libavcodec has no H.264 encoder%s%s: install one with libx264.",
                    o->encoder ? " named " : "", o->encoder ? o->encoder : "");
    c = w->encoder = libav_must(avcodec_alloc_context3(codec));
    c->width = o->width;
    c->height = o->height;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->time_base = (AVRational){o->rate_den, o->rate_num};
    c->framerate = (AVRational){o->rate_num, o->rate_den};
    c->gop_size = o->gop;
    c->max_b_frames = 0;
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    tag_colours(c, o->like);
    set_private(&options, o);
    r = avcodec_open2(c, codec, &options);
    av_dict_free(&options);
    if (r < 0)
        return FAIL(err, ERR_UNSUPPORTED, "The H.264 encoder %s does not start: %s.", codec->name,
                    av_err2str(r));
    return 0;
}

static int open_filter(struct mp4_writer *w, struct err *err)
{
    const AVBitStreamFilter *filter = av_bsf_get_by_name("filter_units");
    int r;

    if (!filter)
        filter = av_bsf_get_by_name("null");
    if (!filter)
        return FAIL(err, ERR_UNSUPPORTED, "This libavcodec has no bitstream filters.");
    if ((r = av_bsf_alloc(filter, &w->filter)) < 0 ||
        (r = avcodec_parameters_from_context(w->filter->par_in, w->encoder)) < 0)
        return fail(w, r, "bitstream filter", err);
    w->filter->time_base_in = w->encoder->time_base;
    if (w->filter->priv_data)
        av_opt_set(w->filter->priv_data, "remove_types", "6", 0);
    if ((r = av_bsf_init(w->filter)) < 0)
        return fail(w, r, "bitstream filter", err);
    return 0;
}

static int open_muxer(struct mp4_writer *w, int fd, struct err *err)
{
    int r = avformat_alloc_output_context2(&w->format, NULL, "mp4", NULL);

    if (r < 0)
        return FAIL(err, ERR_UNSUPPORTED, "This libavformat cannot write MP4.");
    fdio_open_write(&w->io, fd);
    w->format->pb = w->io.av;
    w->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    w->stream = libav_must(avformat_new_stream(w->format, NULL));
    w->stream->time_base = w->encoder->time_base;
    w->stream->avg_frame_rate = w->encoder->framerate;
    if ((r = avcodec_parameters_copy(w->stream->codecpar, w->filter->par_out)) < 0 ||
        (r = avformat_write_header(w->format, NULL)) < 0)
        return fail(w, r, "header", err);
    return 0;
}

static AVFrame *new_frame(int width, int height)
{
    AVFrame *f = libav_must(av_frame_alloc());

    f->format = AV_PIX_FMT_YUV420P;
    f->width = width;
    f->height = height;
    if (av_frame_get_buffer(f, 0) < 0)
        libav_must(NULL);
    return f;
}

int mp4_open(struct mp4_writer **ret_writer, int fd, const struct mp4_opts *opts, struct err *err)
{
    CLEANUP(mp4_freep) struct mp4_writer *w = NULL;

    if (check(opts, err) < 0)
        return -1;
    libav_setup();
    w = mem_alloc(sizeof *w);
    w->packet = libav_must(av_packet_alloc());
    w->frame = new_frame(opts->width, opts->height);
    if (open_encoder(w, opts, err) < 0 || open_filter(w, err) < 0 || open_muxer(w, fd, err) < 0)
        return -1;
    *ret_writer = TAKE(w);
    return 0;
}

/* Moves what the filter has ready into the file. */
static int write_filtered(struct mp4_writer *w, struct err *err)
{
    int r;

    while ((r = av_bsf_receive_packet(w->filter, w->packet)) >= 0) {
        w->packet->stream_index = 0;
        if (!w->packet->duration)
            w->packet->duration = 1;
        av_packet_rescale_ts(w->packet, w->encoder->time_base, w->stream->time_base);
        if ((r = av_interleaved_write_frame(w->format, w->packet)) < 0)
            return fail(w, r, "frame", err);
    }
    return r == AVERROR(EAGAIN) || r == AVERROR_EOF ? 0 : fail(w, r, "bitstream filter", err);
}

/* One frame in (NULL = the end), all packets that are ready out. */
static int encode(struct mp4_writer *w, AVFrame *f, struct err *err)
{
    int r = avcodec_send_frame(w->encoder, f);

    if (r < 0)
        return fail(w, r, "encoder", err);
    while ((r = avcodec_receive_packet(w->encoder, w->packet)) >= 0)
        if ((r = av_bsf_send_packet(w->filter, w->packet)) < 0 || write_filtered(w, err) < 0)
            return r < 0 ? fail(w, r, "bitstream filter", err) : -1;
    return r == AVERROR(EAGAIN) || r == AVERROR_EOF ? 0 : fail(w, r, "encoder", err);
}

static int encode_next(struct mp4_writer *w, AVFrame *f, struct err *err)
{
    f->pts = w->frames;
    if (encode(w, f, err) < 0)
        return -1;
    w->frames++;
    return 0;
}

int mp4_add(struct mp4_writer *w, const struct picture *bgr, struct err *err)
{
    const uint8_t *src[4] = {bgr->pixels};
    const int stride[4] = {bgr->width * 3};
    AVFrame *f = w->frame;
    int r;

    if (bgr->channels != 3 || bgr->width != f->width || bgr->height != f->height)
        return FAIL(err, ERR_INPUT, "The picture does not have the size of the MP4.");
    w->scaler = libav_must(sws_getCachedContext(w->scaler, f->width, f->height, AV_PIX_FMT_BGR24, f->width,
                                                f->height, AV_PIX_FMT_YUV420P,
                                                SWS_BILINEAR | SWS_ACCURATE_RND, NULL, NULL, NULL));
    if ((r = av_frame_make_writable(f)) < 0)
        return fail(w, r, "picture", err);
    sws_scale(w->scaler, src, stride, 0, f->height, f->data, f->linesize);
    return encode_next(w, f, err);
}

static void frame_freep(AVFrame **f)
{
    av_frame_free(f);
}

int mp4_add_frame(struct mp4_writer *w, const struct AVFrame *yuv420p, struct err *err)
{
    CLEANUP(frame_freep) AVFrame *f = NULL;

    if (yuv420p->format != AV_PIX_FMT_YUV420P || yuv420p->width != w->frame->width ||
        yuv420p->height != w->frame->height)
        return FAIL(err, ERR_INPUT, "The frame does not have the format or size of the MP4.");
    f = libav_must(av_frame_clone(yuv420p));
    f->pict_type = AV_PICTURE_TYPE_NONE; /* the source's choice of key frames is not ours */
    return encode_next(w, f, err);
}

int mp4_finish(struct mp4_writer *w, struct err *err)
{
    int r;

    if (!w->frames)
        return FAIL(err, ERR_INPUT, "An MP4 needs at least one frame.");
    if (encode(w, NULL, err) < 0)
        return -1;
    if ((r = av_bsf_send_packet(w->filter, NULL)) < 0)
        return fail(w, r, "bitstream filter", err);
    if (write_filtered(w, err) < 0)
        return -1;
    if ((r = av_write_trailer(w->format)) < 0)
        return fail(w, r, "index", err);
    avio_flush(w->io.av);
    if (w->io.error)
        return fail(w, AVERROR(w->io.error), "index", err);
    return 0;
}
