/* Still images: every kind, every orientation, everything that may be missing. */
#include "media/still.h"

#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "images.h"
#include "media/exif_int.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

enum { W = 40, H = 24 };

static const struct image_row {
    const char *what, *format;
    struct image_kind kind;
    int tolerance;
    bool grey; /* all that is left of the colours */
} images[] = {
    {"PNG", "png", {"png", AV_PIX_FMT_RGB24, W, H, NULL, NULL, false}, 1, false},
    {"PNG interlaced", "png", {"png", AV_PIX_FMT_RGB24, W, H, "flags", "+ildct", false}, 1, false},
    {"PNG alpha", "png", {"png", AV_PIX_FMT_RGBA, W, H, NULL, NULL, true}, 1, false},
    {"PNG 16 bit", "png", {"png", AV_PIX_FMT_RGB48BE, W, H, NULL, NULL, false}, 2, false},
    {"PNG 16 bit alpha", "png", {"png", AV_PIX_FMT_RGBA64BE, W, H, NULL, NULL, true}, 2, false},
    {"PNG palette", "png", {"png", AV_PIX_FMT_PAL8, W, H, NULL, NULL, false}, 0, false},
    {"PNG palette, clear", "png", {"png", AV_PIX_FMT_PAL8, W, H, NULL, NULL, true}, 0, false},
    {"PNG grey", "png", {"png", AV_PIX_FMT_GRAY8, W, H, NULL, NULL, false}, 2, true},
    {"PNG grey alpha", "png", {"png", AV_PIX_FMT_YA8, W, H, NULL, NULL, false}, 2, true},
    {"PNG grey 16 bit", "png", {"png", AV_PIX_FMT_GRAY16BE, W, H, NULL, NULL, false}, 2, true},
    {"PNG black and white", "png", {"png", AV_PIX_FMT_MONOBLACK, W, H, NULL, NULL, false}, 2, true},
    {"WebP lossless", "webp", {"libwebp", AV_PIX_FMT_BGRA, W, H, "lossless", "1", false}, 1, false},
    {"WebP lossless alpha", "webp", {"libwebp", AV_PIX_FMT_BGRA, W, H, "lossless", "1", true}, 1, false},
    {"WebP", "webp", {"libwebp", AV_PIX_FMT_YUV420P, W, H, "quality", "95", false}, 24, false},
    {"WebP alpha", "webp", {"libwebp", AV_PIX_FMT_YUVA420P, W, H, "quality", "95", true}, 24, false},
    {"GIF", "gif", {"gif", AV_PIX_FMT_PAL8, W, H, NULL, NULL, false}, 0, false},
    {"BMP", "bmp", {"bmp", AV_PIX_FMT_BGR24, W, H, NULL, NULL, false}, 1, false},
    {"BMP 32 bit", "bmp", {"bmp", AV_PIX_FMT_BGRA, W, H, NULL, NULL, false}, 1, false},
    {"BMP 16 bit", "bmp", {"bmp", AV_PIX_FMT_RGB565LE, W, H, NULL, NULL, false}, 10, false},
    {"BMP palette", "bmp", {"bmp", AV_PIX_FMT_PAL8, W, H, NULL, NULL, false}, 0, false},
    {"TIFF", "tiff", {"tiff", AV_PIX_FMT_RGB24, W, H, "compression_algo", "raw", false}, 1, false},
    {"TIFF packed",
     "tiff",
     {"tiff", AV_PIX_FMT_RGB24, W, H, "compression_algo", "packbits", false},
     1,
     false},
    {"TIFF LZW", "tiff", {"tiff", AV_PIX_FMT_RGB24, W, H, "compression_algo", "lzw", false}, 1, false},
    {"TIFF deflate",
     "tiff",
     {"tiff", AV_PIX_FMT_RGB24, W, H, "compression_algo", "deflate", false},
     1,
     false},
    {"TIFF 16 bit", "tiff", {"tiff", AV_PIX_FMT_RGB48LE, W, H, NULL, NULL, false}, 2, false},
    {"TIFF grey", "tiff", {"tiff", AV_PIX_FMT_GRAY8, W, H, NULL, NULL, false}, 2, true},
    {"odd sizes", "png", {"png", AV_PIX_FMT_RGB24, 3, 5, NULL, NULL, false}, 1, false},
    {"odd sizes, WebP", "webp", {"libwebp", AV_PIX_FMT_BGRA, 7, 5, "lossless", "1", false}, 1, false},
    {"more than a band", "png", {"png", AV_PIX_FMT_RGBA, 33, 200, NULL, NULL, false}, 1, false},
    {"one pixel", "png", {"png", AV_PIX_FMT_RGB24, 1, 1, NULL, NULL, false}, 1, true},
    {"one pixel, GIF", "gif", {"gif", AV_PIX_FMT_PAL8, 1, 1, NULL, NULL, false}, 1, true},
    {"one pixel, BMP", "bmp", {"bmp", AV_PIX_FMT_BGR24, 1, 1, NULL, NULL, false}, 1, true},
    {"one pixel, WebP", "webp", {"libwebp", AV_PIX_FMT_BGRA, 1, 1, "lossless", "1", false}, 1, true},
};

static const struct jpeg_row {
    const char *what;
    struct jpeg_kind kind;
    bool grey;
} jpegs[] = {
    {"JPEG", {W, H, 3, false, false, false, 0}, false},
    {"JPEG progressive", {W, H, 3, false, false, true, 0}, false},
    {"JPEG grey", {W, H, 1, false, false, false, 0}, true},
    {"JPEG CMYK of Adobe", {W, H, 4, true, false, false, 0}, false},
    {"JPEG YCCK of Adobe", {W, H, 4, true, true, false, 0}, false},
    {"JPEG CMYK", {W, H, 4, false, false, false, 0}, false},
    {"JPEG CMYK progressive", {W, H, 4, true, true, true, 0}, false},
    {"JPEG one pixel", {1, 1, 3, false, false, false, 0}, true},
};

static int read_still(struct arena *a, struct bytes b, struct still *ret, struct err *err)
{
    struct still_opts o = still_defaults();

    *err = (struct err){0};
    return still_read(a, b, &o, ret, err);
}

static void check_corners(const struct picture *p, bool clear, int tolerance)
{
    CHECK_INT(corner_of(p, 0, tolerance), CORNER_RED);
    CHECK_INT(corner_of(p, 1, tolerance), CORNER_GREEN);
    CHECK_INT(corner_of(p, 2, tolerance), clear ? CORNER_WHITE : CORNER_BLUE);
    CHECK_INT(corner_of(p, 3, tolerance), CORNER_WHITE);
}

static void every_kind_is_read(void)
{
    for (size_t i = 0; i < LENGTH(images); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct image_row *row = &images[i];
        struct bytes b = image_make(a, &row->kind);
        struct still s = {0};
        struct err err;

        if (!b.len) {
            printf("# no encoder for %s\n", row->what);
            continue;
        }
        CHECK_INT(read_still(a, b, &s, &err), 0);
        CHECK_STR(err.text, "");
        CHECK_STR(s.format, row->format);
        CHECK_INT(s.width, row->kind.width);
        CHECK_INT(s.height, row->kind.height);
        CHECK_INT(s.picture.width, row->kind.width);
        if (s.picture.pixels && !row->grey)
            check_corners(&s.picture, row->kind.clear, row->tolerance);
        ROW("%s", row->what);
    }
}

static void every_jpeg_is_read(void)
{
    for (size_t i = 0; i < LENGTH(jpegs); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct still s = {0};
        struct err err;

        CHECK_INT(read_still(a, jpeg_make(a, &jpegs[i].kind), &s, &err), 0);
        CHECK_STR(err.text, "");
        CHECK_STR(s.format, "jpeg");
        CHECK_INT(s.width, jpegs[i].kind.width);
        if (s.picture.pixels && !jpegs[i].grey)
            check_corners(&s.picture, false, 16);
        ROW("%s", jpegs[i].what);
    }
}

/* Grey pictures keep their greys: white stays white, the green corner of the made picture is not black. */
static void grey_stays_grey(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const struct image_kind kinds[] = {
        {"png", AV_PIX_FMT_GRAY8, W, H, NULL, NULL, false},
        {"png", AV_PIX_FMT_GRAY16BE, W, H, NULL, NULL, false},
        {"png", AV_PIX_FMT_YA8, W, H, NULL, NULL, false},
    };

    for (size_t i = 0; i < LENGTH(kinds); i++) {
        struct still s = {0};
        struct err err;

        CHECK_INT(read_still(a, image_make(a, &kinds[i]), &s, &err), 0);
        CHECK_INT(corner_of(&s.picture, 3, 2), CORNER_WHITE);
        if (s.picture.pixels) {
            CHECK_INT(s.picture.pixels[0], s.picture.pixels[1]);
            CHECK(s.picture.pixels[0] > 40 && s.picture.pixels[0] < 110); /* red */
        }
        ROW("%zu", i);
    }
}

/* Whatever of a file is missing, it is not a picture. */
static void check_cuts(struct bytes whole, const char *what)
{
    enum { POINTS = 150 };
    size_t step = whole.len > POINTS ? whole.len / POINTS : 1;

    for (size_t n = 0; n<whole.len; n += whole.len - n> 40 ? step : 1) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        uint8_t *copy = arena_alloc(a, n); /* of its own, so that a read beyond is seen */
        struct still s;
        struct err err;

        memcpy(copy, whole.data, n);
        CHECK_INT(read_still(a, bytes_of(copy, n), &s, &err), -1);
        CHECK_INT(err.kind, ERR_DECODE);
        CHECK(err.text[0]);
        if (!test_ok) {
            printf("#   %s, %zu of %zu bytes: %s\n", what, n, whole.len, err.text);
            return;
        }
    }
}

static void a_file_without_its_end_is_refused(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < LENGTH(images); i++)
        check_cuts(image_make(a, &images[i].kind), images[i].what);
    for (size_t i = 0; i < LENGTH(jpegs); i++)
        check_cuts(jpeg_make(a, &jpegs[i].kind), jpegs[i].what);
}

/* Damage in the middle of a checked format is seen; a JPEG has no sums, but its codes break. */
static void damage_is_refused(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes png = image_make(a, &images[0].kind);
    uint8_t *copy = arena_alloc(a, png.len);
    struct still s;
    struct err err;

    memcpy(copy, png.data, png.len);
    copy[png.len / 2] ^= 0x40;
    CHECK_INT(read_still(a, bytes_of(copy, png.len), &s, &err), -1);
    CHECK_INT(err.kind, ERR_DECODE);
}

/* As stored, the red corner of the picture lies where EXIF's orientation puts it; upright it is above left.
 */
static int stored_corner(int orientation, int corner)
{
    static const int stored[9][4] = {
        /* which corner of the upright picture each stored corner (TL TR BL BR) shows */
        [1] = {0, 1, 2, 3}, [2] = {1, 0, 3, 2}, [3] = {3, 2, 1, 0}, [4] = {2, 3, 0, 1},
        [5] = {0, 2, 1, 3}, [6] = {1, 3, 0, 2}, [7] = {3, 1, 2, 0}, [8] = {2, 0, 3, 1},
    };

    return stored[orientation][corner];
}

static void check_upright(struct bytes b, int orientation, const char *what)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct still s = {0};
    struct err err;
    bool sideways = orientation >= 5;

    CHECK_INT(read_still(a, b, &s, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_INT(s.width, sideways ? H : W);
    CHECK_INT(s.height, sideways ? W : H);
    CHECK_INT(s.picture.width, s.width);
    /* the made file has red, green, blue, white stored from above left on */
    for (int corner = 0; corner < 4 && s.picture.pixels; corner++)
        CHECK_INT(corner_of(&s.picture, stored_corner(orientation, corner), 24), corner);
    ROW("%s, orientation %d", what, orientation);
}

static void orientation_is_applied(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct image_kind webp_kind = {"libwebp", AV_PIX_FMT_BGRA, W, H, "lossless", "1", false};
    struct bytes png = image_make(a, &images[0].kind), webp = image_make(a, &webp_kind);

    for (int i = 1; i <= 8; i++) {
        struct bytes exif = exif_make(a, i, i & 1);

        check_upright(jpeg_make(a, &(struct jpeg_kind){W, H, 3, false, false, false, i}), i, "JPEG");
        check_upright(png_with_exif(a, png, exif), i, "PNG");
        if (webp.len)
            check_upright(webp_with_exif(a, webp, W, H, exif), i, "WebP");
    }
}

static void broken_exif_changes_nothing(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes good = exif_make(a, 6, true);
    uint8_t *bad = arena_alloc(a, good.len);

    CHECK_INT(exif_orientation(good), 6);
    for (size_t n = 0; n < 20; n++)
        CHECK_INT(exif_orientation(bytes_of(good.data, n)), 1);
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = {{0, 'X'}, {2, 0}, {4, 200}, {7, 255}, {8, 0}, {10, 0x13}, {12, 4}, {18, 0}, {18, 9}, {19, 1}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        memcpy(bad, good.data, good.len);
        bad[rows[i].at] = rows[i].value;
        CHECK_INT(exif_orientation(bytes_of(bad, good.len)), 1);
        ROW("%zu", i);
    }
}

static void of_an_animation_the_first_frame_counts(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct image_kind kind = {"libwebp", AV_PIX_FMT_BGRA, W, H, "lossless", "1", false};
    struct bytes gif = image_make(a, &images[15].kind), webp = image_make(a, &kind);
    uint8_t *twice = arena_alloc(a, 2 * gif.len);
    size_t head = 13 + ((size_t)3 << ((gif.data[10] & 7) + 1)); /* with its palette */
    size_t frame = gif.len - 1 - head;                          /* the rest, but for the trailer */
    struct still s = {0};
    struct err err;

    CHECK_STR(images[15].what, "GIF");
    memcpy(twice, gif.data, gif.len - 1);
    memcpy(twice + gif.len - 1, gif.data + head, frame);
    twice[gif.len - 1 + frame] = ';';
    CHECK_INT(read_still(a, bytes_of(twice, gif.len + frame), &s, &err), 0);
    CHECK_STR(err.text, "");
    check_corners(&s.picture, false, 0);
    check_cuts(bytes_of(twice, gif.len + frame), "animated GIF");
    if (!webp.len)
        return;
    CHECK_INT(read_still(a, webp_animated(a, webp, W, H), &s, &err), 0);
    CHECK_STR(err.text, "");
    check_corners(&s.picture, false, 1);
    check_cuts(webp_animated(a, webp, W, H), "animated WebP");
}

static void long_sides(void)
{
    static const struct {
        const char *encoder;
        int width, height, result;
    } rows[] = {{"png", 65535, 1, 0}, {"png", 1, 65535, 0},  {"bmp", 65535, 2, 0},
                {"bmp", 2, 65535, 0}, {"png", 65536, 1, -1}, {"bmp", 1, 65536, -1}};

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        bool png = text_is(rows[i].encoder, "png");
        struct bytes b =
            image_make(a, &(struct image_kind){rows[i].encoder, png ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_BGR24,
                                               rows[i].width, rows[i].height, NULL, NULL, false});
        struct still s = {0};
        struct err err;

        CHECK_INT(read_still(a, b, &s, &err), rows[i].result);
        CHECK(rows[i].result < 0 ? err.kind == ERR_LIMIT : s.width == rows[i].width);
        if (s.picture.pixels && rows[i].height == 2)
            check_corners(&s.picture, false, 1);
        ROW("%d x %d: %s", rows[i].width, rows[i].height, err.text);
    }
}

static void ceilings_hold(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes jpeg = jpeg_make(a, &jpegs[0].kind), png = image_make(a, &images[0].kind);
    struct still_opts o = still_defaults();
    uint8_t *huge = arena_alloc(a, png.len);
    struct still s;
    struct err err = {0};

    o.max_pixels = W * H - 1;
    CHECK_INT(still_read(a, jpeg, &o, &s, &err), -1);
    CHECK_INT(err.kind, ERR_LIMIT);
    CHECK_INT(still_read(a, png, &o, &s, &err), -1);
    CHECK_INT(err.kind, ERR_LIMIT);
    o = still_defaults();
    o.deadline_mono_us = clock_mono_us();
    CHECK_INT(still_read(a, jpeg, &o, &s, &err), -1);
    CHECK_INT(err.kind, ERR_TIMEOUT);
    o = still_defaults();
    o.cpu_us = 1;
    CHECK_INT(still_read(a, jpeg, &o, &s, &err), -1);
    CHECK_INT(err.kind, ERR_LIMIT);
    o = still_defaults();
    o.max_bytes = (int64_t)png.len - 1;
    CHECK_INT(still_read(a, png, &o, &s, &err), -1);
    CHECK_INT(err.kind, ERR_LIMIT);
    memcpy(huge, png.data, png.len); /* a header that lies is refused by what it says */
    memset(huge + 17, 0xff, 2);
    CHECK_INT(read_still(a, bytes_of(huge, png.len), &s, &err), -1);
    CHECK(err.kind == ERR_DECODE || err.kind == ERR_LIMIT);
}

static void a_smaller_picture_when_that_is_enough(void)
{
    static const struct {
        int width, height, shortest, want_width, want_height;
    } rows[] = {
        {640, 480, 0, 640, 480},   {640, 480, 200, 320, 240}, {640, 480, 240, 320, 240},
        {640, 480, 241, 640, 480}, {640, 480, 10, 80, 60},    {641, 481, 100, 161, 121},
    };

    for (size_t i = 0; i < LENGTH(rows) * 2; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        int w = rows[i / 2].width, h = rows[i / 2].height;
        struct bytes b =
            i & 1 ? jpeg_make(a, &(struct jpeg_kind){w, h, 3, false, false, false, 0})
                  : image_make(a, &(struct image_kind){"png", AV_PIX_FMT_RGB24, w, h, NULL, NULL, false});
        struct still_opts o = still_defaults();
        struct still s = {0};

        o.shortest = rows[i / 2].shortest;
        CHECK_INT(still_read(a, b, &o, &s, NULL), 0);
        CHECK_INT(s.width, w);
        CHECK_INT(s.height, h);
        CHECK_INT(s.picture.width, rows[i / 2].want_width);
        CHECK_INT(s.picture.height, rows[i / 2].want_height);
        if (s.picture.pixels)
            check_corners(&s.picture, false, 16);
        ROW("%zu", i);
    }
}

static void what_is_no_image_is_told_from_what_is_not_read(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum err_kind kind;
    } rows[] = {
        {"", 0, ERR_DECODE},
        {"hello, world", 12, ERR_DECODE},
        {"\xff\xd8\xff", 3, ERR_DECODE},
        {"GIF89a", 6, ERR_DECODE},
        {"BM", 2, ERR_DECODE},
        {"RIFF\4\0\0\0WEBP", 12, ERR_DECODE},
        {"II*\0\10\0\0\0", 8, ERR_DECODE},
        {"II+\0\10\0\0\0", 8, ERR_UNSUPPORTED},
        {"\0\0\0\x18"
         "ftypheic\0\0\0\0",
         16, ERR_UNSUPPORTED},
        {"%PDF-1.7", 8, ERR_UNSUPPORTED},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct still s;
        struct err err;

        CHECK_INT(read_still(a, bytes_of(rows[i].bytes, rows[i].len), &s, &err), -1);
        CHECK_INT(err.kind, rows[i].kind);
        CHECK(err.text[0]);
        ROW("%zu: %s", i, err.text);
    }
}

static void a_range_of_a_file_is_read(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = memfd_create("still", 0);
    struct bytes png = image_make(a, &images[0].kind), jpeg = jpeg_make(a, &jpegs[0].kind);
    struct still_opts o = still_defaults();
    struct still s = {0};
    struct err err = {0};

    CHECK(pwrite(fd, png.data, png.len, 0) == (ssize_t)png.len);
    CHECK(pwrite(fd, jpeg.data, jpeg.len, (off_t)png.len) == (ssize_t)jpeg.len);
    CHECK_INT(still_read_range(a, fd, 0, (int64_t)png.len, &o, &s, &err), 0);
    CHECK_STR(s.format, "png");
    CHECK_INT(still_read_range(a, fd, (int64_t)png.len, (int64_t)jpeg.len, &o, &s, &err), 0);
    CHECK_STR(s.format, "jpeg");
    CHECK_INT(still_read_range(a, fd, (int64_t)png.len, (int64_t)jpeg.len + 1, &o, &s, &err), -1);
    CHECK_INT(err.kind, ERR_DECODE);
    CHECK_INT(still_read_range(a, -1, 0, 10, &o, &s, &err), -1);
    CHECK_INT(err.kind, ERR_IO);
}

static void the_same_bytes_give_the_same_picture(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes b = jpeg_make(a, &(struct jpeg_kind){333, 222, 3, false, false, true, 6});
    struct still x = {0}, y = {0};
    struct err err;

    CHECK_INT(read_still(a, b, &x, &err), 0);
    CHECK_INT(read_still(a, b, &y, &err), 0);
    CHECK(x.picture.width == 222 && memcmp(x.picture.pixels, y.picture.pixels, 333 * 222 * 3) == 0);
}

/* What other programs made. */
static void odd_files_of_others(void)
{
    static const struct {
        const char *file;
        int width, height; /* 0 = refused */
    } rows[] = {
        {"Channel_digital_image_CMYK_color.jpg", 500, 333},
        {"Landscape_6.jpg", 600, 450},
        {"Portrait_8.jpg", 450, 600},
        {"animated-loop-3.webp", 370, 285},
        {"grey-8bit-alpha.png", 400, 300},
        {"rotating-squares.gif", 80, 80},
        {"4.webp", 1024, 772},
        {"truncated.jpg", 0, 0},
    };

    if (!test_shared())
        SKIP("no development data beside the checkout");
    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(fd_closep)
        int fd =
            open(arena_printf(a, "%s/data/media/odd/%s", test_shared(), rows[i].file), O_RDONLY | O_CLOEXEC);
        struct still_opts o = still_defaults();
        struct still s = {0};
        struct err err = {0};

        CHECK_INT(still_read_range(a, fd, 0, lseek(fd, 0, SEEK_END), &o, &s, &err), rows[i].width ? 0 : -1);
        CHECK_INT(s.width, rows[i].width);
        CHECK_INT(s.height, rows[i].height);
        ROW("%s: %s", rows[i].file, err.text);
    }
}

int main(void)
{
    RUN(every_kind_is_read);
    RUN(every_jpeg_is_read);
    RUN(grey_stays_grey);
    RUN(a_file_without_its_end_is_refused);
    RUN(damage_is_refused);
    RUN(orientation_is_applied);
    RUN(broken_exif_changes_nothing);
    RUN(of_an_animation_the_first_frame_counts);
    RUN(long_sides);
    RUN(ceilings_hold);
    RUN(a_smaller_picture_when_that_is_enough);
    RUN(what_is_no_image_is_told_from_what_is_not_read);
    RUN(a_range_of_a_file_is_read);
    RUN(the_same_bytes_give_the_same_picture);
    RUN(odd_files_of_others);
    return test_end();
}
