#include "media/sound.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>
#include <math.h>
#include <stdio.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "media/container_int.h"

enum {
    MAX_TRACKS = 32,
    MAX_CHANNELS = 32,
    LOWEST_RATE = 1000,
    HIGHEST_RATE = 768000,
    MAX_PIXELS = 8192 * 8192 / 2, /* of a picture beside the sound; as for video */
    PACKETS_PER_SECOND = 4000,    /* ceiling, of all streams together */
};

static const struct container_words words = {
    "sound",
    "The file is no sound, or in a container that is not accepted. Send WAV, MP3, FLAC, OGG, AAC or M4A.",
    "The file is damaged or was cut off: it begins like a sound file, but its index is missing.",
    "The file starts like a sound file, but holds nothing that can be decoded.",
};

/* What the resampler was made for. A stream may change it in the middle. */
struct shape {
    int rate, channels, format;
};

struct sound {
    struct sound_opts opts;
    struct container box;
    AVStream *stream;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame;
    int frame_used; /* samples of the frame that the resampler has */
    SwrContext *resampler;
    struct shape shape;
    struct sound_info info;
    struct sound_track tracks[MAX_TRACKS];
    int streams[MAX_TRACKS]; /* index in the container, of each track */
    int64_t packets;
    bool drained;   /* the decoder was told that there is no more */
    bool exhausted; /* the decoder has no more */
    bool ended;
    struct sound_piece ahead; /* found by sound_open, for the first sound_next */
    float out[SOUND_PIECE];
};

struct sound_opts sound_opts_defaults(void)
{
    return (struct sound_opts){.track = -1, .max_seconds = 3600};
}

const char *sound_decoder_version(void)
{
    static _Thread_local char text[128]; /* the same at every call; a copy per thread needs no lock */
    const unsigned f = avformat_version(), c = avcodec_version(), s = swresample_version();

    snprintf(text, sizeof text, "libavformat %u.%u.%u libavcodec %u.%u.%u libswresample %u.%u.%u",
             AV_VERSION_MAJOR(f), AV_VERSION_MINOR(f), AV_VERSION_MICRO(f), AV_VERSION_MAJOR(c),
             AV_VERSION_MINOR(c), AV_VERSION_MICRO(c), AV_VERSION_MAJOR(s), AV_VERSION_MINOR(s),
             AV_VERSION_MICRO(s));
    return text;
}

void sound_freep(struct sound **s)
{
    struct sound *gone = TAKE(*s);

    if (!gone)
        return;
    swr_free(&gone->resampler);
    av_frame_free(&gone->frame);
    av_packet_free(&gone->packet);
    avcodec_free_context(&gone->decoder);
    container_close(&gone->box);
    freep(&gone);
}

const struct sound_info *sound_info(const struct sound *s)
{
    return &s->info;
}

static int fail(const struct sound *s, int code, const char *otherwise, struct err *err)
{
    return container_fail(&s->box, code, otherwise, err);
}

/* ---- opening ---- */

static double seconds_of(const struct sound *s, const AVStream *stream)
{
    double length = stream->duration > 0 ? (double)stream->duration * av_q2d(stream->time_base) : 0;

    return length > 0 && isfinite(length) ? length : container_duration(&s->box);
}

static void list_tracks(struct sound *s)
{
    const AVFormatContext *f = s->box.format;
    struct sound_info *info = &s->info;

    info->container = f->iformat->name;
    info->tracks = s->tracks;
    for (unsigned i = 0; i < f->nb_streams; i++) {
        const AVCodecParameters *p = f->streams[i]->codecpar;

        info->has_video |= container_is_video(f->streams[i]);
        if (!container_is_sound(f->streams[i]) || info->ntracks == MAX_TRACKS)
            continue;
        s->streams[info->ntracks] = (int)i;
        s->tracks[info->ntracks++] =
            (struct sound_track){avcodec_get_name(p->codec_id), p->sample_rate, p->ch_layout.nb_channels,
                                 seconds_of(s, f->streams[i])};
    }
}

/* The one that was asked for, or that libav thinks best. */
static int choose_track(struct sound *s, struct err *err)
{
    int best = av_find_best_stream(s->box.format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);

    if (s->box.format->nb_streams == 0)
        return FAIL(err, ERR_DECODE, "%s", words.barren);
    if (s->info.ntracks == 0)
        return FAIL(err, ERR_NO_STREAM, "The file has no sound.");
    if (s->opts.track >= (int)s->info.ntracks)
        return FAIL(err, ERR_NO_STREAM, "The file has no sound track %d, only %zu.", s->opts.track,
                    s->info.ntracks);
    if (s->opts.track >= 0)
        s->info.track = (size_t)s->opts.track;
    for (size_t i = 0; s->opts.track < 0 && i < s->info.ntracks; i++)
        if (s->streams[i] == best)
            s->info.track = i;
    s->stream = s->box.format->streams[s->streams[s->info.track]];
    return 0;
}

static int check_length(const struct sound *s, struct err *err)
{
    double length = container_duration(&s->box);

    if (length > s->opts.max_seconds)
        return FAIL(err, ERR_LIMIT, "The sound lasts %.0f seconds, more than the ceiling of %.0f.", length,
                    s->opts.max_seconds);
    return 0;
}

static int open_decoder(struct sound *s, struct err *err)
{
    const AVCodec *codec = avcodec_find_decoder(s->stream->codecpar->codec_id);
    AVCodecContext *c;
    int r;

    if (!codec)
        return FAIL(err, ERR_DECODE, "There is no decoder for the sound codec %s.",
                    s->tracks[s->info.track].codec);
    c = s->decoder = libav_must(avcodec_alloc_context3(codec));
    if ((r = avcodec_parameters_to_context(c, s->stream->codecpar)) < 0)
        return fail(s, r, "The header of the sound is damaged.", err);
    c->thread_count = 1;
    c->pkt_timebase = s->stream->time_base;
    if ((r = avcodec_open2(c, codec, NULL)) < 0)
        return fail(s, r, "The header of the sound is damaged.", err);
    return 0;
}

/* ---- decoding ---- */

static void note_damage(struct sound *s)
{
    s->info.damaged++;
    s->info.truncated = true;
}

/* A packet the decoder does not like is damage, not the end. */
static int send_packet(struct sound *s, struct err *err)
{
    int r;

    if (s->packet->stream_index != s->stream->index)
        return 0;
    r = avcodec_send_packet(s->decoder, s->packet);
    if (r == AVERROR(ENOMEM))
        return fail(s, r, "", err);
    if (r < 0 || (s->packet->flags & AV_PKT_FLAG_CORRUPT))
        note_damage(s);
    return 0;
}

/* The file ended or broke off: the decoder hands out what it still has. */
static int start_draining(struct sound *s, int why, struct err *err)
{
    if (s->box.io.expired || s->box.io.exhausted || s->box.io.error || why == AVERROR(ENOMEM))
        return fail(s, why, "", err);
    s->info.truncated |= !container_is_end(&s->box, why);
    s->drained = true;
    avcodec_send_packet(s->decoder, NULL);
    return 0;
}

/* Reads the next packet and, if it is of our track, gives it to the decoder. */
static int feed(struct sound *s, struct err *err)
{
    int r = av_read_frame(s->box.format, s->packet);

    if (r < 0)
        return start_draining(s, r, err);
    container_note(&s->box, s->packet);
    r = send_packet(s, err);
    av_packet_unref(s->packet);
    if (r == 0 && (double)++s->packets > (s->opts.max_seconds + 60) * PACKETS_PER_SECOND)
        r = FAIL(err, ERR_LIMIT, "The file has too many packets for a sound of %.0f seconds.",
                 s->opts.max_seconds);
    return r;
}

/* 1 with samples in s->frame, 0 at the end, -1. */
static int decode(struct sound *s, struct err *err)
{
    for (;;) {
        int r = avcodec_receive_frame(s->decoder, s->frame);

        if (fdio_is_late(&s->box.io))
            return container_fail_late(&s->box, err);
        if (r >= 0)
            return 1;
        if (r == AVERROR_EOF || (s->drained && r == AVERROR(EAGAIN)))
            return 0;
        if (r == AVERROR(ENOMEM))
            return fail(s, r, "", err);
        if (r != AVERROR(EAGAIN))
            note_damage(s);
        if (!s->drained && feed(s, err) < 0)
            return -1;
    }
}

/* ---- to mono, 16 kHz ---- */

static int set_up(struct sound *s, const struct shape *shape)
{
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO, in = {0};
    double weights[MAX_CHANNELS];
    int r;

    for (int i = 0; i < shape->channels; i++)
        weights[i] = 1.0 / shape->channels;
    av_channel_layout_default(&in, shape->channels);
    swr_free(&s->resampler);
    r = swr_alloc_set_opts2(&s->resampler, &mono, AV_SAMPLE_FMT_FLT, SOUND_RATE, &in, shape->format,
                            shape->rate, 0, NULL);
    if (r >= 0)
        r = swr_set_matrix(s->resampler, weights, shape->channels);
    if (r >= 0)
        r = swr_init(s->resampler);
    av_channel_layout_uninit(&in);
    return r;
}

/* A frame of another shape gets another resampler; the few samples which the old one held back are lost. */
static int fit_resampler(struct sound *s, struct err *err)
{
    const AVFrame *f = s->frame;
    const struct shape shape = {f->sample_rate, f->ch_layout.nb_channels, f->format};
    int r;

    if (s->resampler && shape.rate == s->shape.rate && shape.channels == s->shape.channels &&
        shape.format == s->shape.format)
        return 0;
    if (shape.rate < LOWEST_RATE || shape.rate > HIGHEST_RATE || shape.channels < 1 ||
        shape.channels > MAX_CHANNELS)
        return FAIL(err, ERR_DECODE,
                    "The sound has %d channels of %d samples a second; %d of %d to %d can be read.",
                    shape.channels, shape.rate, MAX_CHANNELS, LOWEST_RATE, HIGHEST_RATE);
    if ((r = set_up(s, &shape)) < 0)
        return fail(s, r, "The sound is of a kind that cannot be turned into 16 kHz mono.", err);
    s->shape = shape;
    return 0;
}

/* Gives the resampler so much of the frame that what comes out fits into s->out. */
static int convert_some(struct sound *s)
{
    AVFrame *f = s->frame;
    const uint8_t *planes[MAX_CHANNELS];
    bool planar = av_sample_fmt_is_planar(f->format);
    int most = (int)((int64_t)s->shape.rate * (SOUND_PIECE / 2) / SOUND_RATE);
    int n = f->nb_samples - s->frame_used < most ? f->nb_samples - s->frame_used : most;
    size_t at = (size_t)s->frame_used * (size_t)av_get_bytes_per_sample(f->format) *
                (planar ? 1 : (size_t)s->shape.channels);
    uint8_t *out = (uint8_t *)s->out;

    for (int i = 0; i < (planar ? s->shape.channels : 1); i++)
        planes[i] = f->extended_data[i] + at;
    s->frame_used += n;
    return swr_convert(s->resampler, &out, SOUND_PIECE, planes, n);
}

static int flush(struct sound *s)
{
    uint8_t *out = (uint8_t *)s->out;

    return s->resampler ? swr_convert(s->resampler, &out, SOUND_PIECE, NULL, 0) : 0;
}

static void make_numbers(float *v, int n)
{
    for (int i = 0; i < n; i++)
        v[i] = isfinite(v[i]) ? fminf(fmaxf(v[i], -1), 1) : 0;
}

/* Makes sure that s->frame has samples which the resampler lacks. 1, 0 at the end, -1. */
static int fill_frame(struct sound *s, struct err *err)
{
    int r;

    if (s->frame_used < s->frame->nb_samples)
        return 1;
    s->frame_used = 0;
    r = decode(s, err);
    return r > 0 ? fit_resampler(s, err) + 1 : r;
}

/* Samples in s->out: how many, 0 at the end, -1. */
static int some_samples(struct sound *s, struct err *err)
{
    while (!s->exhausted) {
        int r = fill_frame(s, err), n = r > 0 ? convert_some(s) : 0;

        if (r <= 0)
            s->exhausted = true;
        if (r < 0 || n > 0)
            return r < 0 ? -1 : n;
        if (n < 0)
            return fail(s, n, "The sound cannot be turned into 16 kHz mono.", err);
    }
    return flush(s);
}

/* Now everything is known exactly. */
static int end(struct sound *s, struct err *err)
{
    if (s->info.samples == 0)
        return fail(s, 0, "The file looks like sound, but not one sample of it can be decoded.", err);
    s->info.truncated |= container_ends_early(&s->box);
    s->ended = true;
    return 0;
}

static int next(struct sound *s, struct sound_piece *ret, struct err *err)
{
    int n = some_samples(s, err);

    if (n < 0)
        return -1;
    if (n == 0)
        return end(s, err);
    make_numbers(s->out, n);
    *ret = (struct sound_piece){s->out, (size_t)n, s->info.samples};
    s->info.samples += n;
    if ((double)s->info.samples > s->opts.max_seconds * SOUND_RATE)
        return FAIL(err, ERR_LIMIT, "The sound is longer than the ceiling of %.0f seconds.",
                    s->opts.max_seconds);
    return 1;
}

int sound_next(struct sound *s, struct sound_piece *ret_piece, struct err *err)
{
    if (s->ahead.n) {
        *ret_piece = s->ahead;
        s->ahead.n = 0;
        return 1;
    }
    return s->ended ? 0 : next(s, ret_piece, err);
}

int sound_open(struct sound **ret_sound, int fd, const struct sound_opts *opts, struct err *err)
{
    CLEANUP(sound_freep) struct sound *s = mem_alloc(sizeof *s);
    const struct container_opts box = {MAX_PIXELS, opts->deadline_mono_us, opts->cpu_us, &words};

    s->opts = *opts;
    s->packet = libav_must(av_packet_alloc());
    s->frame = libav_must(av_frame_alloc());
    if (container_open(&s->box, fd, &box, err) < 0)
        return -1;
    list_tracks(s);
    if (choose_track(s, err) < 0 || check_length(s, err) < 0 || open_decoder(s, err) < 0 ||
        next(s, &s->ahead, err) < 0)
        return -1;
    *ret_sound = TAKE(s);
    return 0;
}
