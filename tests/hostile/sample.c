#include "sample.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libavutil/samplefmt.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "craft.h"
#include "media/image.h"
#include "scene.h"

enum { FILM = 24, FPS = 12, WIDTH = 320, HEIGHT = 240, BEEP_HZ = 44100, ODD_FRAMES = 6 };

/* ---- what is filmed ---- */

struct film {
    struct picture pictures[FILM];
};

static void shoot(struct arena *a, struct film *film, const char *kind, uint64_t seed)
{
    struct scene_opts o = scene_opts_defaults();
    struct scene_frame f;
    struct scene *s = NULL;

    o.kind = kind;
    o.seed = seed;
    o.seconds = 2 * FILM / FPS;
    o.fps = FPS;
    o.width = WIDTH;
    o.height = HEIGHT;
    if (scene_open(&s, &o, NULL) < 0)
        abort();
    for (int i = 0; scene_next(s, &f); i++)
        if (i % 2 == 0 && i / 2 < FILM) {
            struct bytes pixels = bytes_of(f.picture.pixels, (size_t)WIDTH * HEIGHT * 3);
            film->pictures[i / 2] = f.picture;
            film->pictures[i / 2].pixels = craft_copy(a, pixels);
        }
    scene_freep(&s);
}

/* ---- how it is written ---- */

struct recipe {
    const char *name, *muxer, *encoder;
    enum sample_kind kind;
    const char *sound;     /* encoder, NULL = silent */
    const char *options;   /* of muxer and encoder, "a=b:c=d" */
    int width, height;     /* 0 = as filmed */
    int frames, fps;       /* 0 = all, as filmed */
    const char *pixels;    /* NULL = the encoder's first */
    const int64_t *stamps; /* ODD_FRAMES times in ms instead of the regular ones; NULL */
};

static const struct recipe recipes[] = {
    {"mp4 mpeg4", "mp4", "mpeg4", SAMPLE_CLIP, .sound = NULL},
    {"mp4 h264", "mp4", "libx264", SAMPLE_CLIP, .options = "preset=ultrafast"},
    {"mp4 h264 aac", "mp4", "libx264", SAMPLE_CLIP, .sound = "aac", .options = "preset=ultrafast"},
    {"mp4 fragments", "mp4", "mpeg4", SAMPLE_FLOW, .options = "movflags=frag_keyframe+empty_moov:g=4"},
    {"ismv", "ismv", "mpeg4", SAMPLE_FLOW, .options = "g=4"},
    {"3gp", "3gp", "h263", SAMPLE_CLIP, .width = 176, .height = 144},
    {"mov mjpeg", "mov", "mjpeg", SAMPLE_CLIP, .sound = "pcm_s16le"},
    {"mov prores", "mov", "prores", SAMPLE_CLIP, .frames = 6},
    {"mov qtrle", "mov", "qtrle", SAMPLE_CLIP, .frames = 6},
    {"mov png", "mov", "png", SAMPLE_CLIP, .frames = 6},
    {"mov jpeg2000", "mov", "jpeg2000", SAMPLE_CLIP, .frames = 3},
    {"matroska mpeg4", "matroska", "mpeg4", SAMPLE_CLIP, .sound = "ac3"},
    {"matroska h264", "matroska", "libx264", SAMPLE_CLIP, .options = "preset=ultrafast"},
    {"matroska ffv1", "matroska", "ffv1", SAMPLE_CLIP, .frames = 6},
    {"matroska live", "matroska", "mpeg4", SAMPLE_FLOW, .options = "live=1"},
    {"avi mpeg4", "avi", "mpeg4", SAMPLE_CLIP, .sound = "pcm_s16le"},
    {"avi msmpeg4", "avi", "msmpeg4", SAMPLE_CLIP, .sound = NULL},
    {"avi mjpeg", "avi", "mjpeg", SAMPLE_CLIP, .sound = NULL},
    {"avi huffyuv", "avi", "huffyuv", SAMPLE_CLIP, .frames = 6},
    {"avi raw", "avi", "rawvideo", SAMPLE_CLIP, .frames = 6, .pixels = "yuv420p"},
    {"avi cinepak", "avi", "cinepak", SAMPLE_CLIP, .frames = 3, .width = 160, .height = 120},
    {"avi utvideo", "avi", "utvideo", SAMPLE_CLIP, .frames = 6},
    {"flv flv1", "flv", "flv", SAMPLE_CLIP, .sound = NULL},
    {"flv h264 aac", "flv", "libx264", SAMPLE_CLIP, .sound = "aac", .options = "preset=ultrafast"},
    {"asf wmv2", "asf", "wmv2", SAMPLE_CLIP, .sound = NULL},
    {"nut ffv1", "nut", "ffv1", SAMPLE_CLIP, .frames = 6},
    {"nut snow", "nut", "snow", SAMPLE_CLIP, .frames = 6, .options = "strict=-2"},
    {"mxf mpeg2", "mxf", "mpeg2video", SAMPLE_CLIP, .fps = 25},
    {"gxf mpeg2", "gxf", "mpeg2video", SAMPLE_CLIP, .fps = 25, .width = 720, .height = 576},
    {"wtv mpeg2", "wtv", "mpeg2video", SAMPLE_CLIP, .fps = 25},
    {"rm rv10", "rm", "rv10", SAMPLE_FLOW, .width = 176, .height = 144},
    {"dv", "dv", "dvvideo", SAMPLE_FLOW, .frames = 4, .fps = 25, .width = 720, .height = 576,
     .pixels = "yuv420p"},
    {"gif", "gif", "gif", SAMPLE_CLIP, .frames = 6, .width = 160, .height = 120},
    {"apng", "apng", "apng", SAMPLE_CLIP, .frames = 6},
    {"y4m", "yuv4mpegpipe", "wrapped_avframe", SAMPLE_CLIP, .frames = 6, .pixels = "yuv420p"},
    {"mpegts mpeg2", "mpegts", "mpeg2video", SAMPLE_FLOW, .sound = "mp2", .fps = 25},
    {"mpegts h264", "mpegts", "libx264", SAMPLE_FLOW, .options = "preset=ultrafast"},
    {"mpeg1 system", "mpeg", "mpeg1video", SAMPLE_FLOW, .fps = 25},
    {"vob", "vob", "mpeg2video", SAMPLE_FLOW, .fps = 25},
    {"raw h264", "h264", "libx264", SAMPLE_FLOW, .options = "preset=ultrafast"},
    {"raw mpeg2", "mpeg2video", "mpeg2video", SAMPLE_FLOW, .fps = 25},
    {"raw mpeg4", "m4v", "mpeg4", SAMPLE_FLOW, .sound = NULL},
    {"raw h263", "h263", "h263", SAMPLE_FLOW, .width = 176, .height = 144},
    {"raw h261", "h261", "h261", SAMPLE_OPEN, .width = 176, .height = 144},
    {"raw mjpeg", "mjpeg", "mjpeg", SAMPLE_FLOW, .frames = 6},
    {"mpjpeg", "mpjpeg", "mjpeg", SAMPLE_FLOW, .frames = 6},
    {"smjpeg", "smjpeg", "mjpeg", SAMPLE_FLOW, .frames = 6},
    {"raw vc2", "dirac", "vc2", SAMPLE_FLOW, .frames = 6, .options = "strict=-2"},
    {"jpeg", "image2pipe", "mjpeg", SAMPLE_STILL, .frames = 1},
    {"png", "image2pipe", "png", SAMPLE_STILL, .frames = 1},
    {"bmp", "image2pipe", "bmp", SAMPLE_STILL, .frames = 1},
    {"tiff", "image2pipe", "tiff", SAMPLE_STILL, .frames = 1},
    {"webp", "image2pipe", "libwebp", SAMPLE_STILL, .frames = 1},
    {"ppm", "image2pipe", "ppm", SAMPLE_STILL, .frames = 1},
    {"pgm", "image2pipe", "pgm", SAMPLE_STILL, .frames = 1},
    {"pam", "image2pipe", "pam", SAMPLE_ODD, .frames = 1},
    {"one frame", "mp4", "mpeg4", SAMPLE_ODD, .frames = 1},
    {"odd sides", "matroska", "ffv1", SAMPLE_ODD, .frames = 6, .width = 321, .height = 241},
    {"prime sides", "nut", "ffv1", SAMPLE_ODD, .frames = 6, .width = 17, .height = 13},
    {"one pixel", "nut", "ffv1", SAMPLE_ODD, .frames = 6, .width = 1, .height = 1},
    {"a line", "matroska", "ffv1", SAMPLE_ODD, .frames = 3, .width = 4096, .height = 1},
    {"a column", "avi", "ffv1", SAMPLE_ODD, .frames = 3, .width = 1, .height = 4096},
    {"wav", "wav", NULL, SAMPLE_MUTE, .sound = "pcm_s16le"},
    {"flac", "flac", NULL, SAMPLE_MUTE, .sound = "flac"},
    {"aac", "adts", NULL, SAMPLE_MUTE, .sound = "aac"},
    {"ac3", "ac3", NULL, SAMPLE_MUTE, .sound = "ac3"},
    {"mp2", "mp2", NULL, SAMPLE_MUTE, .sound = "mp2"},
    {"aiff", "aiff", NULL, SAMPLE_MUTE, .sound = "pcm_s16be"},
    {"au", "au", NULL, SAMPLE_MUTE, .sound = "pcm_s16be"},
    {"caf", "caf", NULL, SAMPLE_MUTE, .sound = "pcm_s16be"},
    {"m4a", "ipod", NULL, SAMPLE_MUTE, .sound = "aac"},
    {"ogg flac", "ogg", NULL, SAMPLE_MUTE, .sound = "flac"},
    {"sound in matroska", "matroska", NULL, SAMPLE_MUTE, .sound = "ac3"},
    {"sound in avi", "avi", NULL, SAMPLE_MUTE, .sound = "pcm_s16le"},
};

/* Times no camera gives, in ms. */
static const struct {
    const char *name;
    int64_t ms[ODD_FRAMES];
} times[] = {
    {"all at once", {0, 0, 0, 0, 0, 0}},
    {"below zero", {-5000, -4000, -3000, -2000, -1000, 0}},
    {"a minute each", {0, 60000, 120000, 180000, 240000, 300000}},
    {"a last one after an hour", {0, 1, 2, 3, 4, 3600000}},
    {"a last one after a year", {0, 1, 2, 3, 4, 31536000000}},
    {"from far away",
     {1LL << 40, (1LL << 40) + 100, (1LL << 40) + 200, (1LL << 40) + 300, (1LL << 40) + 400,
      (1LL << 40) + 500}},
    {"one ms each", {0, 1, 2, 3, 4, 5}},
    {"back and forth", {0, 5000, 1000, 4000, 2000, 3000}},
};
static const char *const odd_muxers[] = {"mp4", "matroska", "avi", "flv", "asf", "nut", "mpegts"};

/* A file in memory that libav writes to. */
struct medium {
    uint8_t *data;
    size_t len, cap, at;
};

static int medium_write(void *opaque, uint8_t *src, int size)
{
    struct medium *m = opaque;
    size_t end = m->at + (size_t)size;

    if (end > m->cap) {
        m->cap = 2 * end;
        m->data = mem_resize(m->data, m->cap, 1);
    }
    if (m->at > m->len)
        memset(m->data + m->len, 0, m->at - m->len);
    memcpy(m->data + m->at, src, (size_t)size);
    m->at = end;
    m->len = end > m->len ? end : m->len;
    return size;
}

static int64_t medium_seek(void *opaque, int64_t offset, int whence)
{
    struct medium *m = opaque;

    if (whence & AVSEEK_SIZE)
        return (int64_t)m->len;
    m->at = (size_t)offset + (whence == SEEK_END ? m->len : whence == SEEK_CUR ? m->at : 0);
    return (int64_t)m->at;
}

/* One file in the making. */
struct tape {
    const struct recipe *recipe;
    struct medium medium;
    AVFormatContext *format;
    AVCodecContext *video, *sound;
    struct SwsContext *scaler;
    AVFrame *picture, *beep;
    AVPacket *packet;
    int64_t beeped; /* samples */
    int packets;    /* of the video */
};

static void tape_clear(struct tape *t)
{
    if (t->format && t->format->pb) {
        av_freep(&t->format->pb->buffer);
        avio_context_free(&t->format->pb);
    }
    free(t->medium.data);
    avcodec_free_context(&t->video);
    avcodec_free_context(&t->sound);
    sws_freeContext(t->scaler);
    av_frame_free(&t->picture);
    av_frame_free(&t->beep);
    av_packet_free(&t->packet);
    avformat_free_context(t->format);
}

static AVDictionary *options_of(const struct recipe *r)
{
    AVDictionary *d = NULL;

    if (r->options)
        av_dict_parse_string(&d, r->options, "=", ":", 0);
    av_dict_set(&d, "fflags", "+bitexact", 0);
    av_dict_set(&d, "threads", "1", 0);
    return d;
}

static int open_stream(struct tape *t, AVCodecContext *c, const AVCodec *codec)
{
    AVDictionary *options = options_of(t->recipe);
    AVStream *stream = avformat_new_stream(t->format, NULL);
    int r;

    c->flags |= AV_CODEC_FLAG_BITEXACT;
    if (t->format->oformat->flags & AVFMT_GLOBALHEADER)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    c->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    r = avcodec_open2(c, codec, &options);
    av_dict_free(&options);
    if (r < 0 || avcodec_parameters_from_context(stream->codecpar, c) < 0)
        return -1;
    stream->time_base = c->time_base;
    stream->avg_frame_rate = c->framerate;
    return 0;
}

static int open_video(struct tape *t)
{
    const struct recipe *r = t->recipe;
    const AVCodec *codec = avcodec_find_encoder_by_name(r->encoder);
    AVCodecContext *c = t->video = codec ? avcodec_alloc_context3(codec) : NULL;

    if (!c)
        return -1;
    c->width = r->width ? r->width : WIDTH;
    c->height = r->height ? r->height : HEIGHT;
    c->pix_fmt = r->pixels         ? av_get_pix_fmt(r->pixels)
                 : codec->pix_fmts ? codec->pix_fmts[0]
                                   : AV_PIX_FMT_YUV420P;
    c->framerate = (AVRational){r->fps ? r->fps : FPS, 1};
    c->time_base = r->stamps ? (AVRational){1, 1000} : av_inv_q(c->framerate);
    c->gop_size = 6;
    c->max_b_frames = 0;
    c->global_quality = 3 * FF_QP2LAMBDA;
    c->flags |= AV_CODEC_FLAG_QSCALE;
    t->picture = av_frame_alloc();
    t->picture->format = c->pix_fmt;
    t->picture->width = c->width;
    t->picture->height = c->height;
    t->scaler = sws_getContext(WIDTH, HEIGHT, AV_PIX_FMT_BGR24, c->width, c->height, c->pix_fmt, SWS_BICUBIC,
                               NULL, NULL, NULL);
    if (!t->scaler || open_stream(t, c, codec) < 0)
        return -1;
    return av_frame_get_buffer(t->picture, 0);
}

static int open_sound(struct tape *t)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(t->recipe->sound);
    AVCodecContext *c = t->sound = codec ? avcodec_alloc_context3(codec) : NULL;

    if (!c)
        return -1;
    c->sample_fmt = codec->sample_fmts[0];
    c->sample_rate = BEEP_HZ;
    c->time_base = (AVRational){1, BEEP_HZ};
    c->bit_rate = 64000;
    av_channel_layout_default(&c->ch_layout, 1);
    if (open_stream(t, c, codec) < 0)
        return -1;
    t->beep = av_frame_alloc();
    t->beep->format = c->sample_fmt;
    t->beep->sample_rate = BEEP_HZ;
    t->beep->nb_samples = c->frame_size ? c->frame_size : 1024;
    av_channel_layout_copy(&t->beep->ch_layout, &c->ch_layout);
    return av_frame_get_buffer(t->beep, 0);
}

/* What the muxer refuses is left out: an odd time is not for every container. */
static void write_packets(struct tape *t, AVCodecContext *c, int stream)
{
    AVStream *s = t->format->streams[stream];

    while (avcodec_receive_packet(c, t->packet) >= 0) {
        if (c == t->video && t->recipe->stamps)
            t->packet->pts = t->packet->dts = t->recipe->stamps[t->packets % ODD_FRAMES];
        t->packets += c == t->video;
        t->packet->stream_index = stream;
        av_packet_rescale_ts(t->packet, c->time_base, s->time_base);
        av_write_frame(t->format, t->packet);
        av_packet_unref(t->packet);
    }
}

static void film_picture(struct tape *t, const struct film *film, int i)
{
    const struct picture *p = &film->pictures[i % FILM];
    const uint8_t *from[4] = {p->pixels};
    const int strides[4] = {3 * p->width};

    av_frame_make_writable(t->picture);
    sws_scale(t->scaler, from, strides, 0, p->height, t->picture->data, t->picture->linesize);
    t->picture->pts = i;
    t->picture->quality = t->video->global_quality;
    avcodec_send_frame(t->video, t->picture);
    write_packets(t, t->video, 0);
}

/* Silence until that second. */
static void film_sound(struct tape *t, double until)
{
    int stream = (int)t->format->nb_streams - 1;

    while ((double)t->beeped / BEEP_HZ < until) {
        av_frame_make_writable(t->beep);
        av_samples_set_silence(t->beep->extended_data, 0, t->beep->nb_samples, 1, t->beep->format);
        t->beep->pts = t->beeped;
        t->beeped += t->beep->nb_samples;
        avcodec_send_frame(t->sound, t->beep);
        write_packets(t, t->sound, stream);
    }
}

static void film_all(struct tape *t, const struct film *film)
{
    const struct recipe *r = t->recipe;
    int frames = r->stamps ? ODD_FRAMES : r->frames ? r->frames : FILM, fps = r->fps ? r->fps : FPS;

    for (int i = 0; i < frames; i++) {
        if (t->video)
            film_picture(t, film, i);
        if (t->sound)
            film_sound(t, (double)(i + 1) / fps);
    }
    if (t->video && avcodec_send_frame(t->video, NULL) >= 0)
        write_packets(t, t->video, 0);
    if (t->sound && avcodec_send_frame(t->sound, NULL) >= 0)
        write_packets(t, t->sound, (int)t->format->nb_streams - 1);
}

/* The callback of newer versions takes const bytes. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
#define WRITER (int (*)(void *, const uint8_t *, int)) medium_write
#else
#define WRITER medium_write
#endif

static int open_tape(struct tape *t)
{
    enum { BUFFER = 16 << 10 };
    const struct recipe *r = t->recipe;

    if (avformat_alloc_output_context2(&t->format, NULL, r->muxer, NULL) < 0)
        return -1;
    t->format->pb = avio_alloc_context(av_malloc(BUFFER), BUFFER, 1, &t->medium, NULL, WRITER, medium_seek);
    t->format->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
    if (r->encoder && open_video(t) < 0)
        return -1;
    return r->sound ? open_sound(t) : 0;
}

/* Empty when this libav cannot make it. */
static struct bytes film_one(struct arena *a, const struct recipe *r, const struct film *film)
{
    CLEANUP(tape_clear) struct tape t = {.recipe = r, .packet = av_packet_alloc()};
    AVDictionary *options = options_of(r);
    int failed = open_tape(&t) < 0 ? -1 : avformat_write_header(t.format, &options);

    av_dict_free(&options);
    if (failed < 0)
        return (struct bytes){0};
    film_all(&t, film);
    if (av_write_trailer(t.format) < 0)
        return (struct bytes){0};
    avio_flush(t.format->pb);
    return bytes_of(craft_copy(a, bytes_of(t.medium.data, t.medium.len)), t.medium.len);
}

/* ---- all of them ---- */

struct shelf {
    struct arena *a;
    struct film nobody, somebody;
    struct sample *all;
    size_t n, cap, missing;
};

static void put(struct shelf *s, const char *name, enum sample_kind kind, bool somebody, struct bytes file)
{
    if (file.len == 0) {
        s->missing++;
        return;
    }
    ARENA_PUSH(s->a, s->all, s->n, s->cap) = (struct sample){name, kind, somebody, file};
}

static void put_recipe(struct shelf *s, const struct recipe *r)
{
    put(s, r->name, r->kind, false, film_one(s->a, r, &s->nobody));
}

static void put_odd_times(struct shelf *s)
{
    for (size_t m = 0; m < COUNT_OF(odd_muxers); m++)
        for (size_t i = 0; i < COUNT_OF(times); i++)
            put_recipe(s, &(struct recipe){.name = arena_printf(s->a, "%s, %s", odd_muxers[m], times[i].name),
                                           .muxer = odd_muxers[m],
                                           .encoder = "mpeg4",
                                           .kind = SAMPLE_ODD,
                                           .stamps = times[i].ms});
}

/* The same film with a person, where it is worth it: a cut may leave her in or out. */
static void put_people(struct shelf *s)
{
    for (size_t i = 0; i < 3; i++)
        put(s, arena_printf(s->a, "%s, person", recipes[i].name), SAMPLE_CLIP, true,
            film_one(s->a, &recipes[i], &s->somebody));
}

static void put_index_first(struct shelf *s)
{
    const struct sample *whole = sample_named(s->all, s->n, "mp4 mpeg4");

    if (whole)
        put(s, "mp4 index first", SAMPLE_CLIP, false, craft_index_first(s->a, whole->file));
}

size_t samples_make(struct arena *a, struct sample **ret, size_t *ret_missing)
{
    struct shelf s = {.a = a};

    av_log_set_level(AV_LOG_QUIET);
    shoot(a, &s.nobody, "empty", 1);
    shoot(a, &s.somebody, "person", 3);
    for (size_t i = 0; i < COUNT_OF(recipes); i++)
        put_recipe(&s, &recipes[i]);
    put_index_first(&s);
    put_odd_times(&s);
    put_people(&s);
    *ret = s.all;
    *ret_missing = s.missing;
    return s.n;
}

const struct sample *sample_named(const struct sample *all, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(all[i].name, name))
            return &all[i];
    return NULL;
}
