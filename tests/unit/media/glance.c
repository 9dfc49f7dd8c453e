/* Glances: levels and places, for every pixel format and all sizes. */
#include "media/glance.h"

#include <libavutil/frame.h>
#include <libavutil/log.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "base/cleanup.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void framep(AVFrame **f)
{
    av_frame_free(f);
}

static AVFrame *new_frame(enum AVPixelFormat format, int width, int height)
{
    AVFrame *f = av_frame_alloc();

    f->format = format;
    f->width = width;
    f->height = height;
    if (av_frame_get_buffer(f, 0) < 0)
        abort();
    return f;
}

/* I420 of full range: left half dark and blue, right half bright and red; a light band over the lower half.
 */
static AVFrame *picture(int width, int height)
{
    AVFrame *f = new_frame(AV_PIX_FMT_YUVJ420P, width, height);
    int cw = (width + 1) / 2, ch = (height + 1) / 2;

    f->color_range = AVCOL_RANGE_JPEG;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            f->data[0][y * f->linesize[0] + x] =
                (uint8_t)((x < width / 2 ? 60 : 160) + (y < height / 2 ? 0 : 40));
    for (int y = 0; y < ch; y++)
        for (int x = 0; x < cw; x++) {
            f->data[1][y * f->linesize[1] + x] = x < cw / 2 ? 150 : 110;
            f->data[2][y * f->linesize[2] + x] = x < cw / 2 ? 110 : 150;
        }
    return f;
}

static AVFrame *converted(const AVFrame *from, enum AVPixelFormat format)
{
    AVFrame *f = new_frame(format, from->width, from->height);
    struct SwsContext *sws = sws_getContext(from->width, from->height, from->format, f->width, f->height,
                                            format, SWS_POINT, NULL, NULL, NULL);

    sws_scale(sws, (const uint8_t *const *)from->data, from->linesize, 0, from->height, f->data, f->linesize);
    sws_freeContext(sws);
    return f;
}

static int luma_at(const struct glance *g, int x, int y)
{
    return g->luma[y * GLANCE_WIDTH + x];
}

static void check_picture(const struct glance *g, int within)
{
    int left = GLANCE_WIDTH / 4, right = 3 * GLANCE_WIDTH / 4, up = g->height / 4, down = 3 * g->height / 4;
    int row = GLANCE_COLOURS / 2;

    CHECK_NEAR(luma_at(g, left, up), 60, within);
    CHECK_NEAR(luma_at(g, right, up), 160, within);
    CHECK_NEAR(luma_at(g, left, down), 100, within);
    CHECK_NEAR(luma_at(g, right, down), 200, within);
    CHECK_NEAR(g->u[row + 3], 150, within);
    CHECK_NEAR(g->v[row + 3], 110, within);
    CHECK_NEAR(g->u[row + 16], 110, within);
    CHECK_NEAR(g->v[row + 16], 150, within);
}

static void every_format_gives_the_same(void)
{
    static const enum AVPixelFormat formats[] = {
        AV_PIX_FMT_YUV420P,     AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV422P,     AV_PIX_FMT_YUV444P,
        AV_PIX_FMT_YUVA420P,    AV_PIX_FMT_YUV410P,  AV_PIX_FMT_YUV411P,     AV_PIX_FMT_NV12,
        AV_PIX_FMT_NV21,        AV_PIX_FMT_YUYV422,  AV_PIX_FMT_UYVY422,     AV_PIX_FMT_YUV420P10LE,
        AV_PIX_FMT_YUV422P10LE, AV_PIX_FMT_P010LE,   AV_PIX_FMT_YUV444P16LE, AV_PIX_FMT_RGB24,
        AV_PIX_FMT_BGRA,        AV_PIX_FMT_GBRP,     AV_PIX_FMT_RGB565LE,    AV_PIX_FMT_RGB48LE,
    };
    static const int sizes[][2] = {{640, 360}, {1280, 720}, {320, 240}, {161, 91}, {1917, 1079}, {100, 60}};
    CLEANUP(glancer_freep) struct glancer *g = glancer_new();
    struct glance glance;

    for (size_t i = 0; i < LENGTH(sizes); i++)
        for (size_t k = 0; k < LENGTH(formats); k++) {
            CLEANUP(framep) AVFrame *from = picture(sizes[i][0], sizes[i][1]);
            CLEANUP(framep) AVFrame *f = converted(from, formats[k]);

            CHECK_INT(glance_at(g, f, &glance, NULL), 0);
            CHECK_INT(glance.height, glance_height(sizes[i][0], sizes[i][1]));
            check_picture(&glance, 5);
            ROW("%s, %dx%d", av_get_pix_fmt_name(formats[k]), sizes[i][0], sizes[i][1]);
        }
}

static void grey_has_no_colour(void)
{
    CLEANUP(glancer_freep) struct glancer *g = glancer_new();
    CLEANUP(framep) AVFrame *f = new_frame(AV_PIX_FMT_GRAY8, 50, 50);
    struct glance glance;

    memset(f->data[0], 77, (size_t)f->linesize[0] * 50);
    CHECK_INT(glance_at(g, f, &glance, NULL), 0);
    CHECK_INT(luma_at(&glance, 80, 20), 77);
    CHECK_INT(glance.u[100], 128);
    CHECK_INT(glance.v[100], 128);
}

static void limited_range_becomes_full(void)
{
    static const struct {
        int level, full, colour, full_colour;
    } rows[] = {
        {16, 0, 16, 1}, {235, 255, 240, 255}, {0, 0, 0, 0}, {255, 255, 255, 255}, {126, 128, 128, 128}};
    CLEANUP(glancer_freep) struct glancer *g = glancer_new();
    CLEANUP(framep) AVFrame *f = new_frame(AV_PIX_FMT_YUV420P, 64, 64);
    struct glance glance;

    for (size_t i = 0; i < LENGTH(rows); i++) {
        memset(f->data[0], rows[i].level, (size_t)f->linesize[0] * 64);
        memset(f->data[1], rows[i].colour, (size_t)f->linesize[1] * 32);
        memset(f->data[2], rows[i].colour, (size_t)f->linesize[2] * 32);
        CHECK_INT(glance_at(g, f, &glance, NULL), 0);
        CHECK_INT(luma_at(&glance, 3, 3), rows[i].full);
        CHECK_INT(glance.u[0], rows[i].full_colour);
        CHECK_INT(glance.v[GLANCE_COLOURS - 1], rows[i].full_colour);
        ROW("level %d", rows[i].level);
    }
}

static void any_size(void)
{
    static const struct {
        int width, height, rows;
    } rows[] = {
        {1, 1, 160},     {2, 1, 80},       {1, 2, 320},     {65535, 1, 2},    {65535, 16, 2},
        {1, 65535, 320}, {16, 65535, 320}, {1280, 720, 90}, {720, 1280, 284}, {159, 161, 162},
    };
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV444P,     AV_PIX_FMT_NV12,
                                                 AV_PIX_FMT_GRAY8,   AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_BGRA};
    CLEANUP(glancer_freep) struct glancer *g = glancer_new();
    struct glance glance;

    for (size_t i = 0; i < LENGTH(rows); i++)
        for (size_t k = 0; k < LENGTH(formats); k++) {
            CLEANUP(framep) AVFrame *f = new_frame(formats[k], rows[i].width, rows[i].height);
            struct err err = {0};

            for (int p = 0; p < 4 && f->buf[p]; p++)
                memset(f->buf[p]->data, 0, f->buf[p]->size);
            CHECK_INT(glance_at(g, f, &glance, &err), 0);
            CHECK_INT(glance.height, rows[i].rows);
            ROW("%s, %dx%d: %s", av_get_pix_fmt_name(formats[k]), rows[i].width, rows[i].height, err.text);
        }
}

/* Rows stored from the bottom up, as in some AVI files. */
static void upside_down(void)
{
    CLEANUP(glancer_freep) struct glancer *g = glancer_new();
    CLEANUP(framep) AVFrame *f = picture(320, 180);
    struct glance glance;

    for (int p = 0; p < 3; p++) {
        int rows = p ? 90 : 180;
        f->data[p] += (ptrdiff_t)(rows - 1) * f->linesize[p];
        f->linesize[p] = -f->linesize[p];
    }
    CHECK_INT(glance_at(g, f, &glance, NULL), 0);
    CHECK_INT(luma_at(&glance, 40, 10), 100);
    CHECK_INT(luma_at(&glance, 40, 80), 60);
}

static void no_picture_is_an_error(void)
{
    CLEANUP(glancer_freep) struct glancer *g = glancer_new();
    CLEANUP(framep) AVFrame *f = av_frame_alloc();
    struct glance glance;
    struct err err = {0};

    CHECK_INT(glance_at(g, f, &glance, &err), -1);
    CHECK_INT(err.kind, ERR_DECODE);
    f->width = f->height = 10;
    f->format = 4711;
    CHECK_INT(glance_at(g, f, &glance, &err), -1);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    RUN(every_format_gives_the_same);
    RUN(grey_has_no_colour);
    RUN(limited_range_becomes_full);
    RUN(any_size);
    RUN(upside_down);
    RUN(no_picture_is_an_error);
    return test_end();
}
