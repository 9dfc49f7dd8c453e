/* Pictures out of frames, the MP4 writer, and annotated clips. */
#include <fcntl.h>
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "clips.h"
#include "media/annotate.h"
#include "media/image.h"
#include "media/mp4.h"
#include "test.h"

static void frame_freep(AVFrame **f)
{
    av_frame_free(f);
}

static AVFrame *frame_of(enum AVPixelFormat format, int width, int height)
{
    AVFrame *f = av_frame_alloc();

    f->format = format;
    f->width = width;
    f->height = height;
    if (av_frame_get_buffer(f, 0) < 0)
        abort();
    return f;
}

static void fill_plane(AVFrame *f, int plane, int rows, int value)
{
    memset(f->data[plane], value, (size_t)f->linesize[plane] * (size_t)rows);
}

/* One flat colour through every kind of pixel format. Red of BT.601 is Y 81, Cb 90, Cr 240 (limited range).
 */
static void knows_pixel_formats(void)
{
    static const struct {
        const char *what;
        enum AVPixelFormat format;
        enum AVColorRange range;
        int planes[3], chroma_rows;
        int b, g, r, luma;
    } rows[] = {
        {"red, limited", AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, {81, 90, 240}, 50, 0, 0, 254, 76},
        {"red, full", AV_PIX_FMT_YUV420P, AVCOL_RANGE_JPEG, {76, 85, 255}, 50, 0, 0, 254, 76},
        {"red, yuvj", AV_PIX_FMT_YUVJ420P, AVCOL_RANGE_UNSPECIFIED, {76, 85, 255}, 50, 0, 0, 254, 76},
        {"red, 4:4:4", AV_PIX_FMT_YUV444P, AVCOL_RANGE_MPEG, {81, 90, 240}, 100, 0, 0, 254, 76},
        {"white, limited", AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, {235, 128, 128}, 50, 255, 255, 255, 255},
        {"black, limited", AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, {16, 128, 128}, 50, 0, 0, 0, 0},
        {"grey", AV_PIX_FMT_GRAY8, AVCOL_RANGE_UNSPECIFIED, {100}, 0, 100, 100, 100, 100},
        {"grey RGB", AV_PIX_FMT_RGB24, AVCOL_RANGE_UNSPECIFIED, {100}, 0, 100, 100, 100, 100},
        {"grey RGBA", AV_PIX_FMT_RGBA, AVCOL_RANGE_UNSPECIFIED, {100}, 0, 100, 100, 100, 100},
        {"grey 16 bits", AV_PIX_FMT_GRAY16LE, AVCOL_RANGE_UNSPECIFIED, {100}, 0, 100, 100, 100, 100},
    };
    CLEANUP(scaler_freep) struct scaler *s = scaler_new();

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(frame_freep) AVFrame *f = frame_of(rows[i].format, 100, 100);
        struct picture bgr = {0}, luma = {0};
        struct err err = {0};
        const uint8_t *p;

        f->color_range = rows[i].range;
        fill_plane(f, 0, 100, rows[i].planes[0]);
        for (int plane = 1; plane < 3 && rows[i].chroma_rows; plane++)
            fill_plane(f, plane, rows[i].chroma_rows, rows[i].planes[plane]);
        CHECK(scaler_bgr(s, f, 0, 33, 21, &bgr, &err) == 0);
        CHECK(scaler_luma(s, f, 0, 40, 40, &luma, &err) == 0);
        CHECK_INT(bgr.channels, 3);
        CHECK_INT(luma.channels, 1);
        p = bgr.pixels + 3 * (33 * 10 + 16);
        CHECK_NEAR(p[0], rows[i].b, 3);
        CHECK_NEAR(p[1], rows[i].g, 3);
        CHECK_NEAR(p[2], rows[i].r, 3);
        CHECK_NEAR(luma.pixels[40 * 20 + 20], rows[i].luma, 2);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

static void knows_palettes(void)
{
    CLEANUP(scaler_freep) struct scaler *s = scaler_new();
    CLEANUP(frame_freep) AVFrame *f = frame_of(AV_PIX_FMT_PAL8, 64, 64);
    uint32_t *palette = (uint32_t *)(void *)f->data[1];
    struct picture p = {0};
    struct err err = {0};

    memset(palette, 0, 1024);
    palette[7] = 0xff2060a0;
    fill_plane(f, 0, 64, 7);
    CHECK(scaler_bgr(s, f, 0, 16, 16, &p, &err) == 0);
    CHECK_NEAR(p.pixels[0], 0xa0, 2);
    CHECK_NEAR(p.pixels[1], 0x60, 2);
    CHECK_NEAR(p.pixels[2], 0x20, 2);
}

/* Values more than 2 away from the one expected everywhere. */
static int far_from(const struct picture *p, int want)
{
    int n = 0;

    for (int i = 0; i < p->width * p->height * p->channels; i++)
        n += abs(p->pixels[i] - want) > 2;
    return n;
}

static void follows_changes_of_size_and_format(void)
{
    static const struct {
        enum AVPixelFormat format;
        int width, height;
    } rows[] = {
        {AV_PIX_FMT_GRAY8, 640, 480},   {AV_PIX_FMT_GRAY8, 1, 1},    {AV_PIX_FMT_RGB24, 641, 361},
        {AV_PIX_FMT_GRAY8, 7, 900},     {AV_PIX_FMT_GRAY8, 4000, 3}, {AV_PIX_FMT_RGB24, 2, 2000},
        {AV_PIX_FMT_GRAY8, 5000, 5000},
    };
    CLEANUP(scaler_freep) struct scaler *s = scaler_new();

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (int rotation = 0; rotation < 360; rotation += 90) {
            CLEANUP(frame_freep) AVFrame *f = frame_of(rows[i].format, rows[i].width, rows[i].height);
            struct picture p = {0};
            struct err err = {0};

            fill_plane(f, 0, rows[i].height, 90);
            CHECK(scaler_bgr(s, f, rotation, 57, 31, &p, &err) == 0 && p.width == 57 && p.height == 31);
            CHECK_INT(far_from(&p, 90), 0);
            ROW("%dx%d turned %d: %s", rows[i].width, rows[i].height, rotation, err.text);
        }
}

static void refuses_impossible_pictures(void)
{
    static const int sizes[][2] = {{0, 10}, {10, 0}, {-5, 5}, {8193, 10}, {10, 1 << 30}};
    CLEANUP(scaler_freep) struct scaler *s = scaler_new();
    CLEANUP(frame_freep) AVFrame *f = frame_of(AV_PIX_FMT_GRAY8, 16, 16);

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct picture p;
        struct err err = {0};

        CHECK(scaler_bgr(s, f, 0, sizes[i][0], sizes[i][1], &p, &err) < 0 && err.kind == ERR_LIMIT);
        ROW("%dx%d", sizes[i][0], sizes[i][1]);
    }
}

/* A picture of smooth colours, different in every channel. */
static struct picture smooth_picture(int width, int height, int channels)
{
    struct picture p = {width, height, channels, mem_alloc((size_t)(width * height * channels))};

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++)
                p.pixels[(y * width + x) * channels + c] =
                    (uint8_t)lround(127 + 120 * sin(x * (0.02 + 0.01 * c)) * cos(y * 0.03));
    return p;
}

/* The largest difference between our resampling and swscale's bilinear one. */
static int differs_from_swscale(const struct picture *src, struct picture *dst)
{
    enum AVPixelFormat format = src->channels == 3 ? AV_PIX_FMT_BGR24 : AV_PIX_FMT_GRAY8;
    struct SwsContext *sws = sws_getContext(src->width, src->height, format, dst->width, dst->height, format,
                                            SWS_BILINEAR | SWS_ACCURATE_RND, NULL, NULL, NULL);
    int stride = (dst->width * dst->channels + 63) / 64 * 64, worst = 0;
    uint8_t *want = mem_alloc((size_t)(stride * dst->height) + 64);
    struct err err = {0};

    CHECK(sws && picture_scale(src, 0, 0, src->width, src->height, dst, &err) == 0);
    sws_scale(sws, (const uint8_t *const[4]){src->pixels}, (const int[4]){src->width * src->channels}, 0,
              src->height, (uint8_t *const[4]){want}, (const int[4]){stride});
    for (int y = 0; y < dst->height; y++)
        for (int i = 0; i < dst->width * dst->channels; i++) {
            int d = abs(want[y * stride + i] - dst->pixels[y * dst->width * dst->channels + i]);
            worst = d > worst ? d : worst;
        }
    sws_freeContext(sws);
    free(want);
    return worst;
}

static void resamples_like_swscale(void)
{
    static const struct {
        int width, height, channels, to_width, to_height;
    } rows[] = {
        {426, 320, 3, 320, 240}, {426, 320, 1, 320, 240}, {100, 100, 3, 320, 320}, {568, 320, 3, 416, 234},
        {640, 480, 1, 64, 48},   {320, 240, 3, 320, 240}, {2, 2, 3, 64, 64},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct picture src = smooth_picture(rows[i].width, rows[i].height, rows[i].channels);
        struct picture dst = {rows[i].to_width, rows[i].to_height, rows[i].channels,
                              mem_alloc((size_t)(rows[i].to_width * rows[i].to_height * rows[i].channels))};

        CHECK(differs_from_swscale(&src, &dst) <= 3);
        if (src.width == dst.width)
            CHECK(memcmp(src.pixels, dst.pixels, (size_t)(src.width * src.height * src.channels)) == 0);
        ROW("%dx%dx%d to %dx%d", src.width, src.height, src.channels, dst.width, dst.height);
        free(src.pixels);
        free(dst.pixels);
    }
}

static void scales_regions(void)
{
    struct picture src = {100, 80, 3, mem_alloc(100 * 80 * 3)}, dst = {20, 10, 3, mem_alloc(20 * 10 * 3)};
    struct picture grey = {100, 80, 1, mem_alloc(100 * 80)};
    struct err err = {0};

    for (int y = 40; y < 60; y++)
        memset(src.pixels + (y * 100 + 30) * 3, 200, 40 * 3);
    CHECK(picture_scale(&src, 30, 40, 40, 20, &dst, &err) == 0);
    CHECK_INT(far_from(&dst, 200), 0);
    CHECK(picture_scale(&src, 0, 0, 30, 40, &dst, &err) == 0);
    CHECK_INT(far_from(&dst, 0), 0);
    CHECK(picture_scale(&src, 61, 0, 40, 20, &dst, &err) < 0);
    CHECK(picture_scale(&src, 0, 0, 0, 20, &dst, &err) < 0);
    CHECK(picture_scale(&src, -1, 0, 10, 20, &dst, &err) < 0);
    CHECK(picture_scale(&grey, 0, 0, 10, 10, &dst, &err) < 0);
    src.pixels[0] = 10;
    src.pixels[1] = 20;
    src.pixels[2] = 30;
    picture_luma(&src, &grey);
    CHECK_INT(grey.pixels[0], (29 * 10 + 150 * 20 + 77 * 30) >> 8);
    CHECK_INT(grey.pixels[45 * 100 + 40], 200);
    free(src.pixels);
    free(dst.pixels);
    free(grey.pixels);
}

/* ---- MP4 ---- */

static void writes_the_same_bytes_again(void)
{
    CLEANUP(fd_closep) int a = clip_mp4(320, 240, 60, 25, 1);
    CLEANUP(fd_closep) int b = clip_mp4(320, 240, 60, 25, 1);
    size_t na, nb;
    CLEANUP(freep) uint8_t *da = clip_bytes(a, &na);
    CLEANUP(freep) uint8_t *db = clip_bytes(b, &nb);

    CHECK(na == nb && memcmp(da, db, na) == 0);
    CHECK(!memmem(da, na, "x264", 4) && !memmem(da, na, "Lav", 3));
}

static void refuses_impossible_clips(void)
{
    static const struct {
        const char *what;
        int width, height, num, den, crf, gop;
        const char *encoder;
        enum err_kind kind;
    } rows[] = {
        {"odd", 321, 240, 25, 1, 23, 50, NULL, ERR_INPUT},
        {"empty", 0, 0, 25, 1, 23, 50, NULL, ERR_INPUT},
        {"no rate", 320, 240, 0, 1, 23, 50, NULL, ERR_INPUT},
        {"crf", 320, 240, 25, 1, 60, 50, NULL, ERR_INPUT},
        {"huge", 10000, 240, 25, 1, 23, 50, NULL, ERR_INPUT},
        {"gop", 320, 240, 25, 1, 23, 0, NULL, ERR_INPUT},
        {"unknown encoder", 320, 240, 25, 1, 23, 50, "no-such-encoder", ERR_UNSUPPORTED},
        {"encoder of something else", 320, 240, 25, 1, 23, 50, "mpeg4", ERR_UNSUPPORTED},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(fd_closep) int fd = clip_of("", 0);
        struct mp4_opts o = mp4_opts_defaults();
        struct mp4_writer *w = NULL;
        struct err err = {0};

        o.width = rows[i].width;
        o.height = rows[i].height;
        o.rate_num = rows[i].num;
        o.rate_den = rows[i].den;
        o.crf = rows[i].crf;
        o.gop = rows[i].gop;
        o.encoder = rows[i].encoder;
        CHECK(mp4_open(&w, fd, &o, &err) < 0 && !w);
        CHECK_INT(err.kind, rows[i].kind);
        ROW("%s", rows[i].what);
    }
}

static void tells_a_full_disk(void)
{
    CLEANUP(fd_closep) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    CLEANUP(mp4_freep) struct mp4_writer *w = NULL;
    struct mp4_opts o = mp4_opts_defaults();
    struct picture p = {64, 64, 3, mem_alloc(64 * 64 * 3)};
    struct err err = {0};
    int r;

    o.width = o.height = 64;
    r = mp4_open(&w, fd, &o, &err);
    for (int i = 0; i < 5 && r == 0; i++)
        r = mp4_add(w, &p, &err);
    if (r == 0)
        r = mp4_finish(w, &err);
    CHECK(r < 0);
    CHECK_INT(err.kind, ERR_IO);
    free(p.pixels);
}

static void an_empty_clip_is_an_error(void)
{
    CLEANUP(fd_closep) int fd = clip_of("", 0);
    CLEANUP(mp4_freep) struct mp4_writer *w = NULL;
    struct mp4_opts o = mp4_opts_defaults();
    struct err err = {0};

    o.width = o.height = 64;
    CHECK(mp4_open(&w, fd, &o, &err) == 0);
    CHECK(w && mp4_finish(w, &err) < 0 && err.kind == ERR_INPUT);
}

/* ---- annotated clips ---- */

/* The colour at a place of a frame: 'r' red, 'g' grey of the line, '.' anything else. */
static char colour_at(const struct picture *p, int x, int y)
{
    const uint8_t *c = p->pixels + 3 * ((size_t)y * (size_t)p->width + (size_t)x);

    if (c[2] > 190 && c[1] < 80 && c[0] < 80)
        return 'r';
    if (abs(c[0] - 128) < 25 && abs(c[1] - 128) < 25 && abs(c[2] - 128) < 25)
        return 'g';
    return '.';
}

static const struct moment moments[] = {{0, 0}, {10, 0.4}};
static const struct finding findings[] = {
    {1, "person", 0.9, {0.5f, 0.25f, 0.25f, 0.5f}, false},
    {0, "person", 0.9, {0.125f, 0.25f, 0.25f, 0.5f}, false},
    {0, "person", 0.9, {0.75f, 0.5f, 9.0f, 9.0f}, true},
    {7, "person", 0.9, {0, 0, 1, 1}, false}, /* of a moment that is not there */
    {-1, "person", 0.9, {-5, -5, 50, 50}, false},
    {0, "vehicle", 0.3, {0.5f, 0.25f, 0.125f, 0.25f}, false}, /* doubtful */
};

/* The colour at a place of a frame of the annotated clip; '?' when that fails. */
static char drawn_at(int fd, const struct report *report, int frame, int x, int y)
{
    CLEANUP(scaler_freep) struct scaler *s = scaler_new();
    CLEANUP(fd_closep) int out = clip_of("", 0);
    CLEANUP(video_freep) struct video *v = NULL;
    struct video_opts o = video_opts_defaults();
    struct video_frame f;
    struct picture p = {0};

    if (annotate_video(fd, out, report, &o, NULL) < 0 || video_open(&v, out, &o, NULL) < 0)
        return '?';
    while (video_next(v, &f, NULL) > 0 && f.index < frame)
        ;
    if (scaler_bgr(s, f.av, 0, 320, 240, &p, NULL) < 0 || !p.pixels)
        return '?';
    return colour_at(&p, x, y);
}

static struct report drawn_report(const char *risk, struct moment *m, struct finding *found)
{
    memcpy(m, moments, sizeof moments);
    memcpy(found, findings, sizeof findings);
    return (struct report){
        .verdict = {.risk = risk, .thresholds = {.low = 0.2, .high = 0.8, .label = 0.5}},
        .moments = m,
        .nmoments = COUNT_OF(moments),
        .findings = found,
        .nfindings = COUNT_OF(findings),
    };
}

static void draws_findings_and_border(void)
{
    static const struct {
        const char *risk;
        int frame, x, y;
        char want;
    } rows[] = {
        {"intrusion", 0, 0, 0, 'r'}, {"intrusion", 0, 319, 239, 'r'},
        {"danger", 2, 1, 120, 'r'},  {NULL, 2, 1, 120, 'r'},
        {"", 2, 1, 120, 'r'},        {"safe", 2, 1, 120, '.'},
        {"safe", 0, 319, 180, 'g'},  {"safe", 0, 40, 120, 'r'},
        {"safe", 0, 119, 120, 'r'},  {"safe", 0, 160, 120, '.'},
        {"safe", 4, 40, 120, 'r'},   {"safe", 6, 40, 120, '.'},
        {"safe", 6, 160, 100, 'r'},  {"safe", 20, 239, 100, 'r'},
        {"safe", 20, 300, 200, '.'}, {"intrusion", 20, 200, 30, '.'},
    };
    CLEANUP(fd_closep) int fd = clip_mp4(320, 240, 25, 25, 1);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct moment m[COUNT_OF(moments)];
        struct finding found[COUNT_OF(findings)];
        struct report report = drawn_report(rows[i].risk, m, found);

        CHECK(drawn_at(fd, &report, rows[i].frame, rows[i].x, rows[i].y) == rows[i].want);
        ROW("%zu: %s frame %d at %d,%d", i, rows[i].risk, rows[i].frame, rows[i].x, rows[i].y);
    }
}

/* Doubtful findings are drawn only where there is nothing surer. */
static void draws_doubtful_findings_alone(void)
{
    static const struct {
        double sure, doubtful;
        char want;
    } rows[] = {{0.9, 0.3, '.'}, {0.5, 0.3, '.'}, {0.4, 0.3, 'r'}, {0.1, 0.2, 'r'}, {0.1, 0.1, '.'}};
    CLEANUP(fd_closep) int fd = clip_mp4(320, 240, 25, 25, 1);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct moment m[COUNT_OF(moments)];
        struct finding found[COUNT_OF(findings)];
        struct report report = drawn_report("safe", m, found);

        for (size_t n = 0; n < COUNT_OF(findings); n++)
            found[n].score = text_is(found[n].label, "vehicle") ? rows[i].doubtful : rows[i].sure;
        CHECK(drawn_at(fd, &report, 0, 160, 90) == rows[i].want);
        ROW("%g and %g", rows[i].sure, rows[i].doubtful);
    }
}

/* Every frame of the source, its average rate, an even size. */
static void keeps_all_frames(void)
{
    static const struct {
        const char *suffix, *arguments;
        int width, height, frames;
        double fps;
    } rows[] = {
        {".mkv", "-f lavfi -i testsrc=s=641x361:r=12.5:d=2 -c:v libx264 -pix_fmt yuv444p", 640, 360, 25,
         12.5},
        {".gif", "-f lavfi -i testsrc2=s=160x120:r=10:d=2", 160, 120, 20, 10},
        {".mp4", "-f lavfi -i testsrc2=s=160x120:r=30000/1001:d=2 -c:v libx264 -pix_fmt yuv420p10", 160, 120,
         60, 30000.0 / 1001},
        {".png", "-f lavfi -i testsrc2=s=50x50:r=25:d=1 -frames:v 1", 50, 50, 1, 25},
    };

    if (!clip_has("ffmpeg"))
        SKIP("no ffmpeg program");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(fd_closep) int fd = clip_ffmpeg(rows[i].arguments, rows[i].suffix);
        CLEANUP(fd_closep) int out = clip_of("", 0);
        struct report report = {.verdict.risk = "safe"};
        struct video_opts o = video_opts_defaults();
        struct media_info m = {0};
        struct err err = {0};

        CHECK(annotate_video(fd, out, &report, &o, &err) == 0);
        CHECK_INT(clip_read(out, &o, &m, &err), rows[i].frames);
        CHECK_INT(m.width, rows[i].width);
        CHECK_INT(m.height, rows[i].height);
        CHECK_NEAR(m.fps, rows[i].fps, 0.01);
        ROW("%s: %s", rows[i].suffix, err.text);
    }
}

static void passes_errors_on(void)
{
    CLEANUP(fd_closep) int text = clip_of("not a video", 11);
    CLEANUP(fd_closep) int good = clip_mp4(64, 64, 5, 25, 1);
    CLEANUP(fd_closep) int out = clip_of("", 0);
    CLEANUP(fd_closep) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct report report = {.verdict.risk = "safe"};
    struct video_opts o = video_opts_defaults();
    struct err err = {0};

    CHECK(annotate_video(text, out, &report, &o, &err) < 0 && err.kind == ERR_DECODE);
    CHECK(annotate_video(good, full, &report, &o, &err) < 0 && err.kind == ERR_IO);
    o.deadline_mono_us = 1;
    CHECK(annotate_video(good, out, &report, &o, &err) < 0 && err.kind == ERR_TIMEOUT);
}

int main(void)
{
    RUN(knows_pixel_formats);
    RUN(knows_palettes);
    RUN(follows_changes_of_size_and_format);
    RUN(refuses_impossible_pictures);
    RUN(resamples_like_swscale);
    RUN(scales_regions);
    RUN(writes_the_same_bytes_again);
    RUN(refuses_impossible_clips);
    RUN(tells_a_full_disk);
    RUN(an_empty_clip_is_an_error);
    RUN(draws_findings_and_border);
    RUN(draws_doubtful_findings_alone);
    RUN(keeps_all_frames);
    RUN(passes_errors_on);
    return test_end();
}
