/* What good clips look like through the reader. */
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "clips.h"
#include "media/image.h"
#include "test.h"

static struct video_opts plain(void)
{
    return video_opts_defaults();
}

static void reads_our_own_mp4(void)
{
    static const struct {
        int width, height, frames, num, den;
        double duration;
    } rows[] = {
        {320, 240, 60, 25, 1, 2.4},
        {640, 360, 30, 30000, 1001, 1.001},
        {64, 48, 1, 10, 1, 0.1},
        {2, 2, 3, 5, 1, 0.6},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(fd_closep)
        int fd = clip_mp4(rows[i].width, rows[i].height, rows[i].frames, rows[i].num, rows[i].den);
        struct video_opts o = plain();
        struct media_info m = {0};
        struct err err = {0};

        CHECK_INT(clip_read(fd, &o, &m, &err), rows[i].frames);
        CHECK_INT(m.frames, rows[i].frames);
        CHECK_INT(m.width, rows[i].width);
        CHECK_INT(m.height, rows[i].height);
        CHECK_INT(m.rotation, 0);
        CHECK_NEAR(m.duration, rows[i].duration, 0.002);
        CHECK_NEAR(m.fps, (double)rows[i].num / rows[i].den, 1e-6);
        CHECK_STR(m.codec, "h264");
        CHECK(text_starts(m.container, "mov,mp4"));
        CHECK(!m.truncated);
        ROW("%dx%d, %s", rows[i].width, rows[i].height, err.text);
    }
}

/* The eight forms a clip of 25 frames at 12.5 frames a second can have. */
static void reads_other_containers(void)
{
    static const struct {
        const char *suffix, *arguments, *codec;
        int width, height, frames;
        double duration, fps;
    } rows[] = {
        {".mp4", "-f lavfi -i testsrc2=s=320x240:r=12.5:d=2 -c:v libx264 -pix_fmt yuv420p", "h264", 320, 240,
         25, 2, 12.5},
        {".mp4", "-f lavfi -i testsrc2=s=320x240:r=12.5:d=2 -c:v libx264 -bf 3 -pix_fmt yuv422p10", "h264",
         320, 240, 25, 2, 12.5},
        {".mkv", "-f lavfi -i testsrc=s=641x361:r=12.5:d=2 -c:v libx264 -pix_fmt yuv444p", "h264", 641, 361,
         25, 2, 12.5},
        {".webm", "-f lavfi -i testsrc2=s=320x240:r=12.5:d=2 -c:v libvpx -b:v 300k", "vp8", 320, 240, 25, 2,
         12.5},
        {".avi", "-f lavfi -i testsrc2=s=320x240:r=12.5:d=2 -c:v mjpeg", "mjpeg", 320, 240, 25, 2, 12.5},
        {".gif", "-f lavfi -i testsrc2=s=160x120:r=12.5:d=2", "gif", 160, 120, 25, 2, 12.5},
        {".ts", "-f lavfi -i testsrc2=s=320x240:r=25:d=2 -c:v mpeg2video", "mpeg2video", 320, 240, 50, 2, 25},
        {".h264", "-f lavfi -i testsrc2=s=320x240:r=25:d=2 -c:v libx264 -bf 0 -pix_fmt yuv420p", "h264", 320,
         240, 50, 2, 25},
        {".flv", "-f lavfi -i testsrc2=s=320x240:r=12.5:d=2 -c:v flv", "flv1", 320, 240, 25, 2, 12.5},
        {".png", "-f lavfi -i testsrc2=s=320x240:r=25:d=1 -frames:v 1", "png", 320, 240, 1, 0.04, 25},
    };

    if (!clip_has("ffmpeg"))
        SKIP("no ffmpeg program");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(fd_closep) int fd = clip_ffmpeg(rows[i].arguments, rows[i].suffix);
        struct video_opts o = plain();
        struct media_info m = {0};
        struct err err = {0};

        CHECK(fd >= 0);
        CHECK_INT(clip_read(fd, &o, &m, &err), rows[i].frames);
        CHECK_STR(m.codec, rows[i].codec);
        CHECK_INT(m.width, rows[i].width);
        CHECK_INT(m.height, rows[i].height);
        CHECK_NEAR(m.duration, rows[i].duration, 0.06);
        CHECK_NEAR(m.fps, rows[i].fps, 0.01);
        CHECK(!m.truncated);
        ROW("%s %s: %s", rows[i].suffix, rows[i].codec, err.text);
    }
}

static void keeps_variable_times(void)
{
    static const double want[] = {0, 0.04, 0.16, 0.36, 0.64, 1.0};
    CLEANUP(video_freep) struct video *v = NULL;
    CLEANUP(fd_closep) int fd = -1;
    struct video_opts o = plain();
    struct video_frame f;
    struct err err = {0};
    size_t n = 0;

    if (!clip_has("ffmpeg"))
        SKIP("no ffmpeg program");
    fd = clip_ffmpeg(
        "-f lavfi -i testsrc2=s=160x120:r=25:d=1.04 -vf select=eq(sqrt(n)\\,floor(sqrt(n))) -fps_mode "
        "passthrough -c:v libx264 -pix_fmt yuv420p",
        ".mp4");
    CHECK(video_open(&v, fd, &o, &err) == 0);
    while (v && video_next(v, &f, &err) > 0) {
        CHECK(n < COUNT_OF(want) && fabs(f.pts - want[n]) < 1e-6);
        n++;
    }
    CHECK_INT(n, COUNT_OF(want));
}

/* Writes the display matrix of a clockwise turn into the only track of an MP4 (ISO/IEC 14496-12, tkhd version
 * 0). */
static void set_rotation(int fd, int degrees)
{
    static const int32_t turns[4][4] = {{1, 0, 0, 1}, {0, 1, -1, 0}, {-1, 0, 0, -1}, {0, -1, 1, 0}};
    static const int place[4] = {0, 4, 12, 16};
    size_t n;
    uint8_t *data = clip_bytes(fd, &n), *tkhd = memmem(data, n, "tkhd", 4);

    for (int i = 0; i < 4; i++) {
        uint32_t v = (uint32_t)turns[degrees / 90][i] << 16;
        uint8_t be[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

        if (pwrite(fd, be, 4, (tkhd - data) + 4 + 40 + place[i]) != 4)
            abort();
    }
    free(data);
}

/* Which corner is bright: 0 upper left, 1 upper right, 2 lower right, 3 lower left; -1 none. */
static int bright_corner(const struct picture *p)
{
    size_t w = (size_t)p->width, h = (size_t)p->height;
    const uint8_t corners[4] = {p->pixels[w * 4 + 4], p->pixels[w * 4 + w - 5],
                                p->pixels[w * (h - 5) + w - 5], p->pixels[w * (h - 5) + 4]};

    for (int i = 0; i < 4; i++)
        if (corners[i] > 180)
            return i;
    return -1;
}

static void turns_pictures_upright(void)
{
    for (int degrees = 0; degrees < 360; degrees += 90) {
        CLEANUP(fd_closep) int fd = clip_mp4(320, 240, 3, 25, 1);
        CLEANUP(video_freep) struct video *v = NULL;
        CLEANUP(scaler_freep) struct scaler *s = scaler_new();
        struct video_opts o = plain();
        struct picture p = {0};
        struct video_frame f;
        struct err err = {0};
        const struct media_info *m;

        set_rotation(fd, degrees);
        CHECK(video_open(&v, fd, &o, &err) == 0 && video_next(v, &f, &err) == 1);
        m = video_info(v);
        CHECK_INT(m->rotation, degrees);
        CHECK_INT(m->width, degrees % 180 ? 240 : 320);
        CHECK_INT(m->height, degrees % 180 ? 320 : 240);
        CHECK(scaler_luma(s, f.av, m->rotation, m->width / 2, m->height / 2, &p, &err) == 0);
        CHECK_INT(bright_corner(&p), degrees / 90);
        ROW("%d degrees", degrees);
    }
}

/* The same turn as ffmpeg's own. */
static void turns_as_ffmpeg_does(void)
{
    if (!clip_has("ffmpeg"))
        SKIP("no ffmpeg program");
    for (int degrees = 90; degrees < 360; degrees += 90) {
        CLEANUP(fd_closep) int fd = clip_mp4(320, 240, 3, 25, 1);
        CLEANUP(freep) char *raw = NULL;
        char command[256], path[64];
        struct picture p = {degrees % 180 ? 240 : 320, degrees % 180 ? 320 : 240, 1, NULL};

        set_rotation(fd, degrees);
        snprintf(command, sizeof command, "ffmpeg -v error -i %s -frames:v 1 -f rawvideo -pix_fmt gray -",
                 clip_path(path, fd));
        raw = clip_run(-1, command);
        p.pixels = (uint8_t *)raw;
        CHECK(*raw);
        CHECK(!*raw || bright_corner(&p) == degrees / 90);
        ROW("%d degrees", degrees);
    }
}

static void ceilings_hold(void)
{
    static const struct {
        const char *what;
        struct video_opts opts;
        enum err_kind kind;
    } rows[] = {
        {"pixels", {320 * 240 - 1, 1000, 100, 0, 0}, ERR_LIMIT},
        {"frames", {1 << 20, 59, 100, 0, 0}, ERR_LIMIT},
        {"seconds", {1 << 20, 1000, 2.3, 0, 0}, ERR_LIMIT},
        {"deadline", {1 << 20, 1000, 100, 1, 0}, ERR_TIMEOUT},
        {"work", {1 << 20, 1000, 100, 0, 1}, ERR_LIMIT},
        {"work enough", {1 << 20, 1000, 100, 0, 60000000}, ERR_NONE},
        {"just right", {320 * 240, 60, 2.41, 0, 0}, ERR_NONE},
    };
    CLEANUP(fd_closep) int fd = clip_mp4(320, 240, 60, 25, 1);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = {0};
        int64_t n = clip_read(fd, &rows[i].opts, NULL, &err);

        CHECK_INT(err.kind, rows[i].kind);
        CHECK_INT(n, rows[i].kind ? -1 : 60);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

static void put_be32(uint8_t *clip, size_t n, const char *box, size_t at, uint32_t value)
{
    uint8_t *found = memmem(clip, n, box, 4);

    for (int i = 0; found && i < 4; i++)
        found[at + (size_t)i] = (uint8_t)(value >> (24 - 8 * i));
    CHECK(found != NULL);
}

/* Two thousand million frames a second are no rate: the report could not carry it. */
static void impossible_rates_are_none(void)
{
    CLEANUP(fd_closep) int whole = clip_mp4(320, 240, 5, 25, 1);
    CLEANUP(fd_closep) int fd = -1;
    struct video_opts o = plain();
    struct media_info info = {0};
    struct err err = {0};
    size_t n;
    CLEANUP(freep) uint8_t *clip = clip_bytes(whole, &n);

    put_be32(clip, n, "mdhd", 16, 0x7fffffff);
    put_be32(clip, n, "stts", 16, 1);
    fd = clip_of(clip, n);
    CHECK_INT(clip_read(fd, &o, &info, &err), 5);
    CHECK(info.fps <= 1e6);
}

/* Without a size in the container the decoder's picture buffer is the place where a large one is refused. */
static void large_pictures_are_refused_before_decoding(void)
{
    static const char *const suffixes[] = {".h264", ".png", ".gif", ".avi", ".mpg", ".jpg", ".webm"};

    if (!clip_has("ffmpeg"))
        SKIP("no ffmpeg program");
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        CLEANUP(fd_closep) int fd = clip_ffmpeg("-f lavfi -i testsrc2=s=640x480:r=25:d=0.04", suffixes[i]);
        struct video_opts o = plain();
        struct err err = {0};

        CHECK(clip_read(fd, &o, NULL, &err) == 1);
        o.max_pixels = 320 * 240;
        CHECK_INT(clip_read(fd, &o, NULL, &err), -1);
        CHECK_INT(err.kind, ERR_LIMIT);
        ROW("%s: %s", suffixes[i], err.text);
    }
}

static void a_clip_without_an_end_stops_at_the_deadline(void)
{
    CLEANUP(fd_closep) int fd = clip_mp4(640, 480, 400, 25, 1);
    CLEANUP(video_freep) struct video *v = NULL;
    struct video_opts o = plain();
    struct video_frame f;
    struct err err = {0};
    int r;

    o.deadline_mono_us = clock_mono_us() + 60000000;
    CHECK(video_open(&v, fd, &o, &err) == 0);
    CHECK(video_next(v, &f, &err) == 1);
    video_freep(&v);
    o.deadline_mono_us = clock_mono_us() + 30000;
    if (video_open(&v, fd, &o, &err) == 0) {
        usleep(40000);
        while ((r = video_next(v, &f, &err)) > 0 && f.index < 2)
            ;
        CHECK_INT(r, -1);
    }
    CHECK_INT(err.kind, ERR_TIMEOUT);
}

/* What the frame before shows, after one more call; also the last one, after the end. */
static void a_frame_outlives_the_next_call(void)
{
    CLEANUP(fd_closep) int fd = clip_mp4(320, 240, 12, 25, 1);
    CLEANUP(video_freep) struct video *v = NULL;
    CLEANUP(scaler_freep) struct scaler *s = scaler_new();
    struct video_opts o = plain();
    struct video_frame kept = {0}, f = {0};
    uint8_t shown[32 * 24] = {0};
    struct picture p;
    struct err err = {0};
    int r;

    CHECK(video_open(&v, fd, &o, &err) == 0);
    do {
        r = v ? video_next(v, &f, &err) : -1;
        if (kept.av) {
            CHECK(scaler_luma(s, kept.av, 0, 32, 24, &p, &err) == 0);
            CHECK(memcmp(shown, p.pixels, sizeof shown) == 0);
        }
        kept = f;
        if (r > 0 && scaler_luma(s, f.av, 0, 32, 24, &p, &err) == 0) {
            CHECK(f.index == 0 || memcmp(shown, p.pixels, sizeof shown) != 0);
            memcpy(shown, p.pixels, sizeof shown);
        }
    } while (r > 0);
    CHECK_INT(r, 0);
    CHECK_INT(kept.index, 11);
}

static void cover_art_is_not_video(void)
{
    CLEANUP(fd_closep) int cover = -1;
    CLEANUP(fd_closep) int fd = -1;
    char arguments[512], path[64];
    struct video_opts o = plain();
    struct err err = {0};

    if (!clip_has("ffmpeg"))
        SKIP("no ffmpeg program");
    cover = clip_ffmpeg("-f lavfi -i testsrc2=s=64x64:d=0.04 -frames:v 1", ".jpg");
    snprintf(arguments, sizeof arguments,
             "-f lavfi -i sine=d=1 -f jpeg_pipe -i %s -map 0 -map 1 -c:a aac -c:v copy -disposition:v:0 "
             "attached_pic",
             clip_path(path, cover));
    fd = clip_ffmpeg(arguments, ".m4a");
    CHECK(fd >= 0);
    CHECK_INT(clip_read(fd, &o, NULL, &err), -1);
    CHECK_INT(err.kind, ERR_NO_STREAM);
}

static void names_the_decoder(void)
{
    CHECK(text_starts(video_decoder_version(), "libavformat "));
    CHECK(strstr(video_decoder_version(), " libavcodec ") && strstr(video_decoder_version(), " libswscale "));
}

/* Known differences would be listed here with their reason; there is none. */
static void counts_frames_as_ffprobe(void)
{
    const char *dir = test_shared();

    if (!dir || !clip_has("ffprobe"))
        SKIP("no shared data or no ffprobe program");
    for (size_t i = 0; clip_shared[i]; i++) {
        char command[512], path[300];
        CLEANUP(freep) char *text = NULL;
        CLEANUP(fd_closep) int fd = -1;
        struct video_opts o = plain();
        struct media_info m = {0};
        struct err err = {0};
        double duration = 0;
        long frames = 0;

        snprintf(path, sizeof path, "%s/data/media/video/%s", dir, clip_shared[i]);
        snprintf(command, sizeof command,
                 "ffprobe -v error -select_streams v:0 -count_frames -show_entries "
                 "stream=nb_read_frames:format=duration "
                 "-of default=nk=1:nw=1 %s",
                 path);
        text = clip_run(-1, command);
        CHECK(sscanf(text, "%ld %lf", &frames, &duration) == 2);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        CHECK_INT(clip_read(fd, &o, &m, &err), frames);
        CHECK_NEAR(m.duration, duration, 1e-6);
        CHECK(!m.truncated);
        ROW("%s: %s", clip_shared[i], err.text);
    }
}

int main(void)
{
    RUN(reads_our_own_mp4);
    RUN(reads_other_containers);
    RUN(keeps_variable_times);
    RUN(turns_pictures_upright);
    RUN(turns_as_ffmpeg_does);
    RUN(ceilings_hold);
    RUN(impossible_rates_are_none);
    RUN(large_pictures_are_refused_before_decoding);
    RUN(a_clip_without_an_end_stops_at_the_deadline);
    RUN(a_frame_outlives_the_next_call);
    RUN(cover_art_is_not_video);
    RUN(names_the_decoder);
    RUN(counts_frames_as_ffprobe);
    return test_end();
}
