/* PNG, WebP, GIF, BMP and TIFF: the file is taken apart here (unwrap), one picture of it goes to one decoder
 * of libavcodec, named here. No demuxer sees it. */
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <string.h>

#include "base/cleanup.h"
#include "media/fdio_int.h"
#include "media/rescale_int.h"
#include "media/still_int.h"
#include "media/unwrap_int.h"

enum { BAND = 64, ALIGN = 64, BGR = 3, BGRA = 4 };

/* ---- decoding ---- */

static int open_decoder(const struct still_work *w, enum AVCodecID id, AVCodecContext **ret, struct err *err)
{
    const AVCodec *codec = avcodec_find_decoder(id);
    AVCodecContext *c;

    if (!codec)
        return FAIL(err, ERR_UNSUPPORTED, "This build of libavcodec has no decoder for %s images.",
                    avcodec_get_name(id));
    c = *ret = libav_must(avcodec_alloc_context3(codec));
    c->thread_count = 1;
    c->max_pixels = w->opts.max_pixels;
    c->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER;
    if (id != AV_CODEC_ID_TIFF) /* there every tag that it does not know would be an error */
        c->err_recognition |= AV_EF_EXPLODE;
    if (avcodec_open2(c, codec, NULL) < 0)
        return FAIL(err, ERR_DECODE, "The decoder for %s images does not start.", codec->name);
    return 0;
}

static int fail_decode(int code, const char *name, struct err *err)
{
    if (code == AVERROR(ENOMEM))
        return FAIL(err, ERR_LIMIT, "The %s image needs more memory than one image may have.", name);
    if (code == AVERROR_PATCHWELCOME || code == AVERROR(ENOSYS))
        return FAIL(err, ERR_UNSUPPORTED, "This kind of %s image is not read here.", name);
    return FAIL(err, ERR_DECODE, "The %s image is damaged.", name);
}

/* One packet, one frame. */
static int decode(AVCodecContext *c, struct bytes core, AVFrame *frame, struct err *err)
{
    CLEANUP(av_packet_free) AVPacket *packet = libav_must(av_packet_alloc());
    int r = core.len > INT32_MAX / 2 ? AVERROR(ENOMEM) : av_new_packet(packet, (int)core.len);

    if (r < 0)
        return fail_decode(r, c->codec->name, err);
    memcpy(packet->data, core.data, core.len);
    packet->flags |= AV_PKT_FLAG_KEY;
    if ((r = avcodec_send_packet(c, packet)) < 0)
        return fail_decode(r, c->codec->name, err);
    if ((r = avcodec_receive_frame(c, frame)) == AVERROR(EAGAIN)) {
        avcodec_send_packet(c, NULL);
        r = avcodec_receive_frame(c, frame);
    }
    if (r < 0 || frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT))
        return fail_decode(r, c->codec->name, err);
    return 0;
}

/* ---- to BGR, a band of rows at a time ---- */

static void rescaler_clearp(struct rescaler *r)
{
    rescaler_clear(r);
}

static bool may_be_clear(const AVFrame *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);

    return d && (d->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL));
}

/* Rows from y on, as a frame of its own that owns nothing. */
static void view_rows(const AVFrame *f, int y, int rows, AVFrame *view)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);

    view->format = f->format;
    view->width = f->width;
    view->height = rows;
    view->color_range = f->color_range;
    view->colorspace = f->colorspace;
    for (int i = 0; i < 4; i++) {
        bool chroma = (i == 1 || i == 2) && !(d->flags & AV_PIX_FMT_FLAG_PAL);
        int row = chroma ? y >> d->log2_chroma_h : y;

        view->linesize[i] = f->linesize[i];
        view->data[i] = f->data[i];
        if (f->data[i] && !(i == 1 && (d->flags & AV_PIX_FMT_FLAG_PAL)))
            view->data[i] += (ptrdiff_t)row * f->linesize[i];
    }
}

/* What is clear shows white. */
static void over_white(const uint8_t *from, uint8_t *to, int width)
{
    for (int x = 0; x < width; x++, from += BGRA, to += BGR)
        for (int c = 0; c < BGR; c++)
            to[c] = (uint8_t)((from[c] * from[3] + 255 * (255 - from[3]) + 127) / 255);
}

static void pack(const uint8_t *band, int stride, int channels, int y, int rows, struct picture *p)
{
    for (int i = 0; i < rows; i++) {
        const uint8_t *from = band + (ptrdiff_t)i * stride;
        uint8_t *to = p->pixels + (ptrdiff_t)(y + i) * p->width * BGR;

        if (channels == BGRA)
            over_white(from, to, p->width);
        else
            memcpy(to, from, (size_t)p->width * BGR);
    }
}

static int to_bgr(const struct still_work *w, const AVFrame *f, struct picture *p, struct err *err)
{
    CLEANUP(rescaler_clearp) struct rescaler rescaler = {0};
    CLEANUP(av_frame_free) AVFrame *view = libav_must(av_frame_alloc());
    int channels = may_be_clear(f) ? BGRA : BGR;
    int stride = (f->width * channels + ALIGN - 1) / ALIGN * ALIGN;
    uint8_t *band = arena_try(w->scratch, (size_t)stride * BAND + ALIGN);

    if (!band)
        return FAIL(err, ERR_LIMIT, "There is no memory for an image of %dx%d.", f->width, f->height);
    for (int y = 0; y < f->height; y += BAND) {
        int rows = f->height - y < BAND ? f->height - y : BAND;
        const struct raster to = {.width = f->width,
                                  .height = rows,
                                  .format = channels == BGRA ? AV_PIX_FMT_BGRA : AV_PIX_FMT_BGR24,
                                  .space = SWS_CS_DEFAULT,
                                  .range = 1};

        view_rows(f, y, rows, view);
        if (still_on_time(w, err) < 0 ||
            rescale(&rescaler, view, &to, (uint8_t *const[4]){band}, (const int[4]){stride}, err) < 0)
            return -1;
        pack(band, stride, channels, y, rows, p);
    }
    return 0;
}

/* ---- the formats ---- */

typedef int unwrapper(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err);

static int read_with(const struct still_work *w, struct bytes file, unwrapper *unwrap, enum AVCodecID id,
                     struct still_raw *ret, struct err *err)
{
    CLEANUP(avcodec_free_context) AVCodecContext *decoder = NULL;
    CLEANUP(av_frame_free) AVFrame *frame = NULL;
    struct unwrapped u;
    bool final;

    libav_setup();
    frame = libav_must(av_frame_alloc());
    if (unwrap(w->scratch, file, &u, err) < 0 || still_check_size(w, u.width, u.height, err) < 0 ||
        open_decoder(w, id, &decoder, err) < 0 || decode(decoder, u.core, frame, err) < 0 ||
        still_check_size(w, frame->width, frame->height, err) < 0)
        return -1;
    *ret = (struct still_raw){
        .width = frame->width, .height = frame->height, .orientation = w->opts.as_stored ? 1 : u.orientation};
    final = ret->orientation == 1 && still_divisor(w, frame->width, frame->height) == 1;
    if (still_room(w, frame->width, frame->height, final, &ret->picture, err) < 0)
        return -1;
    return to_bgr(w, frame, &ret->picture, err);
}

static bool begins(struct bytes file, const char *magic, size_t n)
{
    return file.len >= n && memcmp(file.data, magic, n) == 0;
}

static bool is_png(struct bytes file)
{
    return begins(file, "\x89PNG\r\n\x1a\n", 8);
}

static bool is_webp(struct bytes file)
{
    return file.len >= 12 && begins(file, "RIFF", 4) && memcmp(file.data + 8, "WEBP", 4) == 0;
}

static bool is_gif(struct bytes file)
{
    return begins(file, "GIF87a", 6) || begins(file, "GIF89a", 6);
}

static bool is_bmp(struct bytes file)
{
    return begins(file, "BM", 2);
}

static bool is_tiff(struct bytes file)
{
    return begins(file, "II*\0", 4) || begins(file, "MM\0*", 4);
}

static int read_png(const struct still_work *w, struct bytes file, struct still_raw *ret, struct err *err)
{
    return read_with(w, file, unwrap_png, AV_CODEC_ID_PNG, ret, err);
}

static int read_webp(const struct still_work *w, struct bytes file, struct still_raw *ret, struct err *err)
{
    return read_with(w, file, unwrap_webp, AV_CODEC_ID_WEBP, ret, err);
}

static int read_gif(const struct still_work *w, struct bytes file, struct still_raw *ret, struct err *err)
{
    return read_with(w, file, unwrap_gif, AV_CODEC_ID_GIF, ret, err);
}

static int read_bmp(const struct still_work *w, struct bytes file, struct still_raw *ret, struct err *err)
{
    return read_with(w, file, unwrap_bmp, AV_CODEC_ID_BMP, ret, err);
}

static int read_tiff(const struct still_work *w, struct bytes file, struct still_raw *ret, struct err *err)
{
    return read_with(w, file, unwrap_tiff, AV_CODEC_ID_TIFF, ret, err);
}

const struct still_format still_png = {"png", is_png, read_png};
const struct still_format still_webp = {"webp", is_webp, read_webp};
const struct still_format still_gif = {"gif", is_gif, read_gif};
const struct still_format still_bmp = {"bmp", is_bmp, read_bmp};
const struct still_format still_tiff = {"tiff", is_tiff, read_tiff};
