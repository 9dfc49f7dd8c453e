#include "media/container_int.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "media/whole_int.h"

/* Containers that hold everything themselves. What is missing here names other files or addresses (hls, dash,
 * concat, sdp, image sequences by name, imf) or makes pictures of text (tty). The audio-only ones are here so
 * that a sound file is told apart from rubbish. */
static const char allowed_formats[] =
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,live_flv,asf,ogg,gif,apng,mjpeg,mpjpeg,smjpeg,h261,h263,h264,"
    "hevc,"
    "vvc,m4v,mpegvideo,vc1,vc1test,av1,obu,ivf,dirac,cavsvideo,yuv4mpegpipe,wtv,nut,nsv,rm,dv,mxf,gxf,dhav,"
    "jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,tiff_pipe,gif_pipe,pam_pipe,ppm_pipe,pgm_pipe,"
    "wav,w64,mp3,flac,aac,ac3,amr,aiff,au,caf";

enum {
    PROBE_BYTES = 5 << 20,
    PROBE_SECONDS = 5,
    MAX_STREAMS = 32,
    NOT_VIDEO = AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS,
};

/* ---- errors ---- */

int container_fail_late(const struct container *c, struct err *err)
{
    if (c->io.expired)
        return FAIL(err, ERR_TIMEOUT, "The deadline passed while the %s was read.", c->opts.words->noun);
    return FAIL(err, ERR_LIMIT,
                "The %s takes more work than a file of its size should: more than %.0f s of processor time.",
                c->opts.words->noun, (double)c->cpu_us / 1e6);
}

int container_fail_pixels(const struct container *c, int width, int height, struct err *err)
{
    return FAIL(err, ERR_LIMIT, "A frame of %dx%d is over the ceiling of %lld pixels.", width, height,
                (long long)c->opts.max_pixels);
}

int container_fail(const struct container *c, int code, const char *otherwise, struct err *err)
{
    if (c->io.expired || c->io.exhausted)
        return container_fail_late(c, err);
    if (c->io.error)
        return FAIL(err, ERR_IO, "Cannot read the file: %s.", strerror(c->io.error));
    if (code == AVERROR(ENOMEM))
        return FAIL(err, ERR_LIMIT, "The %s needs more memory than one file may have.", c->opts.words->noun);
    return FAIL(err, ERR_DECODE, "%s", otherwise);
}

/* ---- opening ---- */

static int interrupted(void *opaque)
{
    return fdio_is_late(opaque);
}

/* Some containers may name other files (external tracks of a MOV); none of them gets one. */
static int refuse_open(AVFormatContext *s, AVIOContext **pb, const char *url, int flags,
                       AVDictionary **options)
{
    (void)s, (void)pb, (void)url, (void)flags, (void)options;
    return AVERROR(EPERM);
}

static void set_format_limits(AVFormatContext *f, struct fdio *io)
{
    f->pb = io->av;
    f->flags |= AVFMT_FLAG_CUSTOM_IO;
    f->interrupt_callback = (AVIOInterruptCB){interrupted, io};
    f->io_open = refuse_open;
    f->format_whitelist = libav_must(av_strdup(allowed_formats));
    f->protocol_whitelist = libav_must(av_strdup(""));
    f->probesize = PROBE_BYTES;
    f->max_analyze_duration = (int64_t)PROBE_SECONDS * AV_TIME_BASE;
    f->max_streams = MAX_STREAMS;
}

/* One dictionary per stream with the ceiling for the decoders which libav opens itself while it probes. */
static int probe_streams(struct container *c)
{
    unsigned n = c->format->nb_streams;
    AVDictionary **options = mem_alloc((n + 1) * sizeof *options);
    int r;

    for (unsigned i = 0; i < n; i++)
        av_dict_set_int(&options[i], "max_pixels", c->opts.max_pixels, 0);
    r = avformat_find_stream_info(c->format, n ? options : NULL);
    for (unsigned i = 0; i < n; i++)
        av_dict_free(&options[i]);
    freep(&options);
    return r;
}

static int check_sizes(const struct container *c, struct err *err)
{
    for (unsigned i = 0; i < c->format->nb_streams; i++) {
        const AVCodecParameters *p = c->format->streams[i]->codecpar;

        if (p->codec_type == AVMEDIA_TYPE_VIDEO && p->width > 0 && p->height > 0 &&
            (int64_t)p->width * p->height > c->opts.max_pixels)
            return container_fail_pixels(c, p->width, p->height, err);
    }
    return 0;
}

static void limit_work(struct container *c, int64_t size)
{
    if (c->opts.cpu_us <= 0)
        return;
    c->cpu_us = c->opts.cpu_us + (int64_t)((double)c->opts.cpu_us * (double)size / 1e6);
    c->io.cpu_until_us = clock_cpu_us() + c->cpu_us;
}

static int read_header(struct container *c, struct err *err)
{
    const struct container_words *words = c->opts.words;
    int64_t size = avio_size(c->io.av);
    const AVInputFormat *format = NULL;
    int r;

    if (size == 0)
        return FAIL(err, ERR_DECODE, "The file is empty.");
    limit_work(c, size);
    if ((r = av_probe_input_buffer2(c->io.av, &format, "", NULL, 0, PROBE_BYTES)) < 0)
        return container_fail(c, r, words->foreign, err);
    c->format = libav_must(avformat_alloc_context());
    set_format_limits(c->format, &c->io);
    if ((r = avformat_open_input(&c->format, "", format, NULL)) == AVERROR(EINVAL))
        return container_fail(c, r, words->foreign, err);
    if (r < 0)
        return container_fail(c, r, words->broken, err);
    return 0;
}

int container_open(struct container *c, int fd, const struct container_opts *opts, struct err *err)
{
    int r;

    *c = (struct container){.opts = *opts, .packets_end = -1};
    libav_setup();
    fdio_open_read(&c->io, fd, opts->deadline_mono_us);
    if (read_header(c, err) < 0 || check_sizes(c, err) < 0)
        return -1;
    if ((r = probe_streams(c)) < 0)
        return container_fail(c, r, opts->words->barren, err);
    return check_sizes(c, err);
}

void container_close(struct container *c)
{
    avformat_close_input(&c->format);
    fdio_close(&c->io);
}

bool container_is_video(const AVStream *s)
{
    return s->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !(s->disposition & NOT_VIDEO);
}

bool container_is_sound(const AVStream *s)
{
    return s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
}

/* ---- where it ends ---- */

/* Other streams are read, too: where they end tells a clip that broke off from one whose picture ends early.
 */
void container_note(struct container *c, const AVPacket *p)
{
    double tick = av_q2d(c->format->streams[p->stream_index]->time_base);
    int64_t stamp = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts;
    double start = c->format->start_time != AV_NOPTS_VALUE ? (double)c->format->start_time / AV_TIME_BASE : 0;
    double until = ((double)stamp + (double)p->duration) * tick - start;

    if (stamp != AV_NOPTS_VALUE && until > c->seen_until)
        c->seen_until = until;
    if (p->pos >= 0 && p->pos + p->size > c->packets_end)
        c->packets_end = p->pos + p->size;
}

/* Two demuxers take the end of the file for damage, too. */
bool container_is_end(const struct container *c, int why)
{
    const char *format = c->format->iformat->name;

    if (why == AVERROR_EOF)
        return true;
    return avio_feof(c->io.av) && (text_is(format, "mpjpeg") || text_is(format, "smjpeg"));
}

double container_duration(const struct container *c)
{
    const AVFormatContext *f = c->format;

    if (f->duration <= 0 || f->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
        return 0;
    return (double)f->duration / AV_TIME_BASE;
}

bool container_ends_early(const struct container *c)
{
    return c->seen_until + 0.5 < 0.9 * container_duration(c) ||
           !file_is_whole(c->io.fd, c->format->iformat->name, c->packets_end);
}
