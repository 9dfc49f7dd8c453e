#include "images.h"

#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/cleanup.h"
#include "base/hash.h"

/* B, G, R of the corners. */
static const uint8_t colours[4][3] = {{0, 0, 255}, {0, 255, 0}, {255, 0, 0}, {255, 255, 255}};

static int colour_at(int x, int y, int width, int height)
{
    return (x >= (width + 1) / 2 ? 1 : 0) + (y >= (height + 1) / 2 ? 2 : 0);
}

int corner_of(const struct picture *p, int corner, int tolerance)
{
    int x = corner & 1 ? p->width - 1 : 0, y = corner & 2 ? p->height - 1 : 0;
    const uint8_t *at = p->pixels + ((size_t)y * (size_t)p->width + (size_t)x) * 3;

    for (int i = 0; i < 4; i++)
        if (abs(at[0] - colours[i][0]) <= tolerance && abs(at[1] - colours[i][1]) <= tolerance &&
            abs(at[2] - colours[i][2]) <= tolerance)
            return i;
    return -1;
}

/* ---- libav ---- */

static AVFrame *frame_new(enum AVPixelFormat format, int width, int height)
{
    AVFrame *f = av_frame_alloc();

    f->format = format;
    f->width = width;
    f->height = height;
    if (av_frame_get_buffer(f, 0) < 0)
        abort();
    return f;
}

static void paint(AVFrame *f, bool clear)
{
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++) {
            int c = colour_at(x, y, f->width, f->height);
            uint8_t *to = f->data[0] + (ptrdiff_t)y * f->linesize[0] + (ptrdiff_t)x * 4;

            memcpy(to, colours[c], 3);
            to[3] = clear && c == CORNER_BLUE ? 0 : 255;
        }
}

static void paint_palette(AVFrame *f, bool clear)
{
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t v = (clear && i == CORNER_BLUE ? 0 : 0xffu << 24) | (uint32_t)colours[i][2] << 16 |
                     (uint32_t)colours[i][1] << 8 | colours[i][0];
        memcpy(f->data[1] + 4 * i, &v, 4);
    }
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++)
            f->data[0][(ptrdiff_t)y * f->linesize[0] + x] = (uint8_t)colour_at(x, y, f->width, f->height);
}

static AVFrame *paint_as(const struct image_kind *k)
{
    AVFrame *f = frame_new(k->pixels, k->width, k->height), *source;
    struct SwsContext *sws;

    if (k->pixels == AV_PIX_FMT_PAL8) {
        memset(f->data[1], 0, AVPALETTE_SIZE);
        paint_palette(f, k->clear);
        return f;
    }
    source = frame_new(AV_PIX_FMT_BGRA, k->width, k->height);
    paint(source, k->clear);
    sws = sws_getContext(k->width, k->height, AV_PIX_FMT_BGRA, k->width, k->height, k->pixels,
                         SWS_POINT | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    sws_scale(sws, (const uint8_t *const *)source->data, source->linesize, 0, k->height, f->data,
              f->linesize);
    sws_freeContext(sws);
    av_frame_free(&source);
    return f;
}

static AVCodecContext *open_encoder(const struct image_kind *k)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(k->encoder);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;

    if (!c)
        return NULL;
    c->width = k->width;
    c->height = k->height;
    c->pix_fmt = k->pixels;
    c->time_base = (AVRational){1, 25};
    if (k->option)
        av_opt_set(c, k->option, k->value, AV_OPT_SEARCH_CHILDREN);
    if (avcodec_open2(c, codec, NULL) < 0)
        avcodec_free_context(&c);
    return c;
}

/* The GIF encoder leaves the trailer to the muxer. */
static struct bytes wrap(struct arena *a, const AVPacket *p, bool gif)
{
    size_t n = (size_t)p->size;
    uint8_t *out = arena_alloc(a, n + 1);

    memcpy(out, p->data, n);
    out[n] = ';';
    return bytes_of(out, n + gif);
}

struct bytes image_make(struct arena *a, const struct image_kind *k)
{
    AVCodecContext *c = open_encoder(k);
    AVPacket *p = av_packet_alloc();
    AVFrame *f = paint_as(k);
    struct bytes b = {0};

    if (c && avcodec_send_frame(c, f) >= 0 && avcodec_send_frame(c, NULL) >= 0 &&
        avcodec_receive_packet(c, p) >= 0)
        b = wrap(a, p, strcmp(k->encoder, "gif") == 0);
    av_frame_free(&f);
    av_packet_free(&p);
    avcodec_free_context(&c);
    return b;
}

/* ---- JPEG ---- */

static void jpeg_row(const struct jpeg_kind *k, int y, uint8_t *row)
{
    for (int x = 0; x < k->width; x++) {
        const uint8_t *bgr = colours[colour_at(x, y, k->width, k->height)];

        for (int i = 0; i < k->colours; i++) {
            uint8_t light = i < 3 ? bgr[2 - i] : 255; /* no black ink at all */

            if (k->colours == 4)
                light = k->adobe ? light : (uint8_t)(255 - light);
            row[x * k->colours + i] = k->colours == 1 ? bgr[1] : light;
        }
    }
}

struct bytes jpeg_make(struct arena *a, const struct jpeg_kind *k)
{
    static const J_COLOR_SPACE spaces[] = {[1] = JCS_GRAYSCALE, [3] = JCS_RGB, [4] = JCS_CMYK};
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long len = 0;
    uint8_t *row = arena_alloc(a, (size_t)k->width * 4), *copy;

    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &data, &len);
    c.image_width = (JDIMENSION)k->width;
    c.image_height = (JDIMENSION)k->height;
    c.input_components = k->colours;
    c.in_color_space = spaces[k->colours];
    jpeg_set_defaults(&c);
    if (k->converted)
        jpeg_set_colorspace(&c, JCS_YCCK);
    if (k->colours == 4)
        c.write_Adobe_marker = k->adobe;
    jpeg_set_quality(&c, 95, TRUE);
    if (k->progressive)
        jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    if (k->orientation) {
        struct bytes tiff = exif_make(a, k->orientation, k->orientation & 1);
        uint8_t *app1 = arena_alloc(a, tiff.len + 6);

        memcpy(app1, "Exif\0", 6);
        memcpy(app1 + 6, tiff.data, tiff.len);
        jpeg_write_marker(&c, JPEG_APP0 + 1, app1, (unsigned)tiff.len + 6);
    }
    for (int y = 0; y < k->height; y++) {
        jpeg_row(k, y, row);
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    copy = arena_alloc(a, len);
    memcpy(copy, data, len);
    free(data);
    return bytes_of(copy, len);
}

/* ---- EXIF ---- */

static void put(uint8_t *p, uint32_t v, int bytes, bool little)
{
    for (int i = 0; i < bytes; i++)
        p[little ? i : bytes - 1 - i] = (uint8_t)(v >> 8 * i);
}

struct bytes exif_make(struct arena *a, int orientation, bool little)
{
    uint8_t *t = arena_alloc(a, 26);

    memcpy(t, little ? "II*\0" : "MM\0*", 4);
    put(t + 4, 8, 4, little);
    put(t + 8, 1, 2, little);
    put(t + 10, 0x0112, 2, little);
    put(t + 12, 3, 2, little);
    put(t + 14, 1, 4, little);
    put(t + 18, (uint32_t)orientation, 2, little);
    return bytes_of(t, 26);
}

struct bytes png_with_exif(struct arena *a, struct bytes png, struct bytes exif)
{
    enum { AFTER_HEADER = 8 + 25 };
    uint8_t *out = arena_alloc(a, png.len + exif.len + 12), *chunk = out + AFTER_HEADER;

    memcpy(out, png.data, AFTER_HEADER);
    put(chunk, (uint32_t)exif.len, 4, false);
    memcpy(chunk + 4, "eXIf", 4);
    memcpy(chunk + 8, exif.data, exif.len);
    put(chunk + 8 + exif.len, hash_crc32(bytes_of(chunk + 4, exif.len + 4)), 4, false);
    memcpy(chunk + 12 + exif.len, png.data + AFTER_HEADER, png.len - AFTER_HEADER);
    return bytes_of(out, png.len + exif.len + 12);
}

static uint8_t *put_chunk(uint8_t *to, const char *type, const void *data, size_t len)
{
    memcpy(to, type, 4);
    put(to + 4, (uint32_t)len, 4, true);
    memcpy(to + 8, data, len);
    to[8 + len] = 0;
    return to + 8 + len + (len & 1);
}

static uint8_t *put_vp8x(uint8_t *to, int flags, int width, int height)
{
    uint8_t x[10] = {(uint8_t)flags};

    put(x + 4, (uint32_t)width - 1, 3, true);
    put(x + 7, (uint32_t)height - 1, 3, true);
    memcpy(to, "RIFF\0\0\0\0WEBP", 12);
    return put_chunk(to + 12, "VP8X", x, sizeof x);
}

static struct bytes riff_end(uint8_t *out, const uint8_t *end)
{
    put(out + 4, (uint32_t)(end - out - 8), 4, true);
    return bytes_of(out, (size_t)(end - out));
}

struct bytes webp_with_exif(struct arena *a, struct bytes webp, int width, int height, struct bytes exif)
{
    uint8_t *out = arena_alloc(a, webp.len + exif.len + 64), *at = put_vp8x(out, 0x08, width, height);

    memcpy(at, webp.data + 12, webp.len - 12);
    return riff_end(out, put_chunk(at + webp.len - 12, "EXIF", exif.data, exif.len));
}

struct bytes webp_animated(struct arena *a, struct bytes webp, int width, int height)
{
    uint8_t *out = arena_alloc(a, 2 * webp.len + 128), *at = put_vp8x(out, 0x02, width, height);
    uint8_t *frame = arena_alloc(a, webp.len + 16);

    put(frame + 6, (uint32_t)width - 1, 3, true);
    put(frame + 9, (uint32_t)height - 1, 3, true);
    memcpy(frame + 16, webp.data + 12, webp.len - 12);
    at = put_chunk(at, "ANIM", "\0\0\0\0\0\0", 6);
    at = put_chunk(at, "ANMF", frame, webp.len + 4);
    return riff_end(out, put_chunk(at, "ANMF", frame, webp.len + 4));
}
