#include "media/video.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "media/video_int.h"

enum {
    PACKETS_PER_FRAME = 64, /* ceiling of packets read = that many times max_frames */
    HEADER_MAX_PIXELS =
        1 << 28, /* a decoder may look at a header up to here: then we can say how large it is */
};
static const struct container_words words = {
    "video",
    "The file is not a video, or in a container that is not accepted. Send MP4, MKV, AVI or TS.",
    "The file is damaged or was cut off: it begins like a video, but its index is missing.",
    "The file starts like a video, but holds nothing that can be decoded.",
};
static const double highest_rate = 1e6;
static const double fallback_frame_seconds = 0.04;

struct video_opts video_opts_defaults(void)
{
    return (struct video_opts){.max_pixels = 8192 * 8192 / 2, .max_frames = 200000, .max_seconds = 3600};
}

const char *video_decoder_version(void)
{
    static _Thread_local char text[128]; /* the same at every call; a copy per thread needs no lock */
    const unsigned f = avformat_version(), c = avcodec_version(), s = swscale_version();

    snprintf(text, sizeof text, "libavformat %u.%u.%u libavcodec %u.%u.%u libswscale %u.%u.%u",
             AV_VERSION_MAJOR(f), AV_VERSION_MINOR(f), AV_VERSION_MICRO(f), AV_VERSION_MAJOR(c),
             AV_VERSION_MINOR(c), AV_VERSION_MICRO(c), AV_VERSION_MAJOR(s), AV_VERSION_MINOR(s),
             AV_VERSION_MICRO(s));
    return text;
}

void video_freep(struct video **v)
{
    struct video *gone = TAKE(*v);

    if (!gone)
        return;
    av_frame_free(&gone->frame);
    av_frame_free(&gone->before);
    av_packet_free(&gone->packet);
    avcodec_free_context(&gone->decoder);
    container_close(&gone->box);
    freep(&gone);
}

const struct media_info *video_info(const struct video *v)
{
    return &v->info;
}

double video_end(const struct video *v)
{
    return v->last_end;
}

static int fail(const struct video *v, int code, const char *otherwise, struct err *err)
{
    if (v->oversize_width && !v->box.io.expired && !v->box.io.exhausted)
        return container_fail_pixels(&v->box, v->oversize_width, v->oversize_height, err);
    return container_fail(&v->box, code, otherwise, err);
}

/* ---- opening ---- */

static bool has_sound(const AVFormatContext *f)
{
    for (unsigned i = 0; i < f->nb_streams; i++)
        if (container_is_sound(f->streams[i]))
            return true;
    return false;
}

/* The stream that libav thinks best, unless that is a cover picture. */
static int choose_stream(struct video *v, struct err *err)
{
    int best = av_find_best_stream(v->box.format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);

    for (unsigned i = 0; i < v->box.format->nb_streams; i++)
        if ((best < 0 || !container_is_video(v->box.format->streams[best])) &&
            container_is_video(v->box.format->streams[i]))
            best = (int)i;
    if ((best < 0 || !container_is_video(v->box.format->streams[best])) && has_sound(v->box.format))
        return FAIL(err, ERR_NO_STREAM, "The file has no video stream, only sound.");
    if (best < 0 || !container_is_video(v->box.format->streams[best]))
        return FAIL(err, ERR_DECODE, "The file is a video container, but without a video in it.");
    v->stream = v->box.format->streams[best];
    return 0;
}

static enum AVPixelFormat software_format(AVCodecContext *c, const enum AVPixelFormat *offered)
{
    (void)c;
    for (; *offered != AV_PIX_FMT_NONE; offered++)
        if (!(av_pix_fmt_desc_get(*offered)->flags & AV_PIX_FMT_FLAG_HWACCEL))
            return *offered;
    return AV_PIX_FMT_NONE;
}

/* The last stop before memory for a picture is taken. */
static int get_buffer(AVCodecContext *c, AVFrame *f, int flags)
{
    struct video *v = c->opaque;

    if ((int64_t)f->width * f->height > v->opts.max_pixels) {
        v->oversize_width = f->width;
        v->oversize_height = f->height;
        return AVERROR(EINVAL);
    }
    return avcodec_default_get_buffer2(c, f, flags);
}

static int open_decoder(struct video *v, struct err *err)
{
    const AVCodec *codec = avcodec_find_decoder(v->stream->codecpar->codec_id);
    const char *name = avcodec_get_name(v->stream->codecpar->codec_id);
    AVCodecContext *c;
    int r;

    if (!codec)
        return FAIL(err, ERR_DECODE, "There is no decoder for the video codec %s.", name);
    c = v->decoder = libav_must(avcodec_alloc_context3(codec));
    if ((r = avcodec_parameters_to_context(c, v->stream->codecpar)) < 0)
        return fail(v, r, "The video stream's header is damaged.", err);
    c->opaque = v;
    c->get_format = software_format;
    c->get_buffer2 = get_buffer;
    c->thread_count = 1;
    c->max_pixels = v->opts.max_pixels > HEADER_MAX_PIXELS ? v->opts.max_pixels : HEADER_MAX_PIXELS;
    c->pkt_timebase = v->stream->time_base;
    if ((r = avcodec_open2(c, codec, NULL)) < 0)
        return fail(v, r, "The video stream's header is damaged.", err);
    return 0;
}

/* ---- what the header says ---- */

static const int32_t *display_matrix(const AVStream *s)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    const AVPacketSideData *d = av_packet_side_data_get(
        s->codecpar->coded_side_data, s->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);

    return d && d->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)d->data : NULL;
#else
    size_t size = 0;
    const void *d = av_stream_get_side_data(s, AV_PKT_DATA_DISPLAYMATRIX, &size);

    return d && size >= 9 * sizeof(int32_t) ? d : NULL;
#endif
}

/* Degrees clockwise, to the nearest quarter turn. Mirroring is not undone. */
static int rotation_of(const AVStream *s)
{
    const int32_t *matrix = display_matrix(s);
    double degrees = matrix ? -av_display_rotation_get(matrix) : 0;

    if (!isfinite(degrees))
        return 0;
    return (int)(lround(degrees / 90) % 4 + 4) % 4 * 90;
}

/* Frames a second as a header says; 0 when it says nothing, or nothing that could be. */
static double rate_of(AVRational r)
{
    double rate = r.num > 0 && r.den > 0 ? av_q2d(r) : 0;

    return rate <= highest_rate ? rate : 0;
}

static int read_header(struct video *v, struct err *err)
{
    const AVFormatContext *f = v->box.format;
    struct media_info *info = &v->info;

    info->container = f->iformat->name;
    info->codec = avcodec_get_name(v->stream->codecpar->codec_id);
    info->rotation = rotation_of(v->stream);
    info->fps = rate_of(v->stream->avg_frame_rate);
    info->frames = v->stream->nb_frames > 0 ? v->stream->nb_frames : 0;
    info->duration = container_duration(&v->box);
    if (info->duration > v->opts.max_seconds)
        return FAIL(err, ERR_LIMIT, "The video lasts %.0f seconds, more than the ceiling of %.0f.",
                    info->duration, v->opts.max_seconds);
    if (info->frames > v->opts.max_frames)
        return FAIL(err, ERR_LIMIT, "The video has %lld frames, more than the ceiling of %lld.",
                    (long long)info->frames, (long long)v->opts.max_frames);
    return 0;
}

/* ---- decoding ---- */

/* Whether the container promised more than the file holds; edit lists may hide a few packets. */
static bool ends_early(const struct video *v)
{
    bool few = !v->jumped && v->stream->nb_frames > 0 &&
               v->video_packets < v->stream->nb_frames - v->stream->nb_frames / 10;

    return few || container_ends_early(&v->box);
}

/* On the way to a moment far ahead (media/seek.h). */
static bool in_a_hurry(const struct video *v)
{
    int64_t stamp = v->packet->pts;

    return stamp != AV_NOPTS_VALUE && v->has_origin &&
           ((double)stamp - (double)v->origin) * av_q2d(v->stream->time_base) < v->hurry_until;
}

/* A packet the decoder does not like is damage, not the end. */
static int send_packet(struct video *v, struct err *err)
{
    int r;

    if (v->packet->stream_index != v->stream->index)
        return 0;
    v->video_packets++;
    v->decoder->skip_frame = in_a_hurry(v) ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
    r = avcodec_send_packet(v->decoder, v->packet);
    if (r == AVERROR(ENOMEM))
        return fail(v, r, "", err);
    if (r < 0 || (v->packet->flags & AV_PKT_FLAG_CORRUPT))
        v->info.truncated = true;
    return 0;
}

/* The file ended or broke off: the decoder hands out what it still has. */
static int start_draining(struct video *v, int why, struct err *err)
{
    if (v->box.io.expired || v->box.io.exhausted || v->box.io.error || why == AVERROR(ENOMEM))
        return fail(v, why, "", err);
    if (!container_is_end(&v->box, why))
        v->info.truncated = true;
    v->drained = true;
    avcodec_send_packet(v->decoder, NULL);
    return 0;
}

/* Reads the next packet and, if it is of our stream, gives it to the decoder. */
static int feed(struct video *v, struct err *err)
{
    int r = av_read_frame(v->box.format, v->packet);

    if (r < 0)
        return start_draining(v, r, err);
    if (++v->packets / PACKETS_PER_FRAME > v->opts.max_frames)
        r = FAIL(err, ERR_LIMIT, "The file has too many packets for a video of %lld frames.",
                 (long long)v->opts.max_frames);
    container_note(&v->box, v->packet);
    if (r >= 0)
        r = send_packet(v, err);
    av_packet_unref(v->packet);
    return r < 0 ? -1 : 0;
}

/* 1 with a picture in v->frame, 0 at the end, -1. Damaged packets are passed over, as players do. */
static int decode(struct video *v, struct err *err)
{
    for (;;) {
        int r = avcodec_receive_frame(v->decoder, v->frame);

        if (fdio_is_late(&v->box.io))
            return container_fail_late(&v->box, err);
        if (r >= 0)
            return 1;
        if (r == AVERROR_EOF)
            return 0;
        if (v->oversize_width || r == AVERROR(ENOMEM))
            return fail(v, r, "", err);
        if (r != AVERROR(EAGAIN))
            v->info.truncated = true;
        if (v->drained && r == AVERROR(EAGAIN))
            return 0; /* a decoder which wants more after the end */
        if (!v->drained && feed(v, err) < 0)
            return -1;
        if (v->oversize_width)
            return fail(v, r, "", err);
    }
}

static double frame_seconds(const struct video *v)
{
#if LIBAVUTIL_VERSION_MAJOR >= 58
    int64_t ticks = v->frame->duration;
#else
    int64_t ticks = v->frame->pkt_duration;
#endif
    if (ticks > 0)
        return (double)ticks * av_q2d(v->stream->time_base);
    return v->info.fps > 0 ? 1 / v->info.fps : fallback_frame_seconds;
}

/* Seconds since the first frame. A missing, impossible or repeated time stamp becomes the end of the frame
 * before. */
static double frame_pts(struct video *v)
{
    int64_t stamp = v->frame->best_effort_timestamp, since;
    double tick = av_q2d(v->stream->time_base), pts = v->last_end;

    if (stamp == AV_NOPTS_VALUE)
        return pts;
    if (!v->has_origin) {
        v->origin = stamp - llround(v->last_end / tick);
        v->has_origin = true;
    }
    if (!ckd_sub(&since, stamp, v->origin))
        pts = (double)since * tick;
    return v->handed_out == 0 || pts > v->last_pts ? pts : v->last_end;
}

static int check_frame(struct video *v, struct err *err)
{
    const AVFrame *f = v->frame;

    if ((int64_t)f->width * f->height > v->opts.max_pixels)
        return container_fail_pixels(&v->box, f->width, f->height, err);
    if (v->handed_out >= v->opts.max_frames)
        return FAIL(err, ERR_LIMIT, "The video has more frames than the ceiling of %lld.",
                    (long long)v->opts.max_frames);
    if (f->decode_error_flags || (f->flags & AV_FRAME_FLAG_CORRUPT))
        v->info.truncated = true;
    return 0;
}

/* Now everything is known exactly. */
static int end(struct video *v, struct err *err)
{
    struct media_info *info = &v->info;

    if (v->handed_out == 0)
        return fail(v, 0, "The file looks like a video, but not one frame of it can be decoded.", err);
    info->truncated |= ends_early(v);
    info->frames = v->handed_out;
    if (container_duration(&v->box) <= 0)
        info->duration = v->last_end;
    if (info->fps <= 0 && info->duration > 0)
        info->fps = fmin((double)info->frames / info->duration, highest_rate);
    v->ended = true;
    return 0;
}

static int decode_next(struct video *v, struct err *err)
{
    AVFrame *oldest = v->before;

    v->before = v->frame;
    v->frame = oldest;
    return decode(v, err);
}

int video_next(struct video *v, struct video_frame *ret_frame, struct err *err)
{
    double pts;
    int r;

    if (v->ended)
        return 0;
    r = v->ahead ? 1 : decode_next(v, err);
    v->ahead = false;
    if (r <= 0)
        return r < 0 ? -1 : end(v, err);
    if (check_frame(v, err) < 0)
        return -1;
    pts = frame_pts(v);
    if (pts > v->opts.max_seconds)
        return FAIL(err, ERR_LIMIT, "The video is longer than the ceiling of %.0f seconds.",
                    v->opts.max_seconds);
    *ret_frame = (struct video_frame){.av = v->frame, .index = v->jumped ? -1 : v->handed_out, .pts = pts};
    v->handed_out++;
    v->last_pts = pts;
    v->last_end = pts + frame_seconds(v);
    return 1;
}

/* The first frame is decoded at once: its size is the true one, and a file without any is refused here. */
static int decode_first(struct video *v, struct err *err)
{
    int r = decode(v, err);
    bool sideways = v->info.rotation % 180 != 0;

    if (r <= 0)
        return r < 0 ? -1 : end(v, err);
    v->ahead = true;
    v->info.width = sideways ? v->frame->height : v->frame->width;
    v->info.height = sideways ? v->frame->width : v->frame->height;
    return 0;
}

int video_open(struct video **ret_video, int fd, const struct video_opts *opts, struct err *err)
{
    CLEANUP(video_freep) struct video *v = mem_alloc(sizeof *v);
    const struct container_opts box = {opts->max_pixels, opts->deadline_mono_us, opts->cpu_us, &words};

    v->opts = *opts;
    v->packet = libav_must(av_packet_alloc());
    v->frame = libav_must(av_frame_alloc());
    v->before = libav_must(av_frame_alloc());
    if (container_open(&v->box, fd, &box, err) < 0 || choose_stream(v, err) < 0 || open_decoder(v, err) < 0 ||
        read_header(v, err) < 0 || decode_first(v, err) < 0)
        return -1;
    *ret_video = TAKE(v);
    return 0;
}
