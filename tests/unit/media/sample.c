/* The choice of frames: pinned numbers, and ffmpeg's fps filter as the judge. */
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "clips.h"
#include "media/sample.h"
#include "test.h"

enum { MOST = 1000 };

/* The source frames judged. */
struct choice {
    int64_t frames[MOST];
    size_t n;
    int64_t slots;
};

static void choose_even(struct choice *c, double fps, int frames, double end)
{
    struct sampler s = sampler_new(fps);

    *c = (struct choice){0};
    for (int i = 0; i < frames; i++)
        if (sampler_next(&s, i * end / frames))
            c->frames[c->n++] = i - 1;
    if (sampler_end(&s, end))
        c->frames[c->n++] = frames - 1;
    c->slots = sampler_slots(&s, end);
}

static void counts_evenly_spaced_frames(void)
{
    static const struct {
        const char *what;
        double fps;
        int frames;
        double end;
        int64_t slots, judged;
    } rows[] = {
        {"the vendor's sample", 3, 102, 4.217772, 13, 13},
        {"the vendor's other sample", 3, 23, 2.3, 7, 7},
        {"one frame", 3, 1, 0.04, 1, 1},
        {"one frame without duration", 3, 1, 0, 1, 1},
        {"two frames in the first slot", 3, 2, 0.08, 1, 1},
        {"slower than asked", 3, 10, 10, 30, 10},
        {"as fast as asked", 3, 9, 3, 9, 9},
        {"all frames", 25, 100, 4, 100, 100},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct choice c;

        choose_even(&c, rows[i].fps, rows[i].frames, rows[i].end);
        CHECK_INT(c.slots, rows[i].slots);
        CHECK_INT(c.n, rows[i].judged);
        ROW("%s", rows[i].what);
    }
    CHECK(13 / 4.217772 == 3.082196003008223);
}

static void no_frame_no_choice(void)
{
    struct sampler s = sampler_new(3);

    CHECK_INT(sampler_slots(&s, 10), 0);
    CHECK(!sampler_end(&s, 10));
}

/* An end before the last frame, or absurd times, give a choice all the same. */
static void survives_absurd_times(void)
{
    struct sampler s = sampler_new(3);

    CHECK(!sampler_next(&s, 0));
    CHECK(sampler_next(&s, 5));
    CHECK(!sampler_next(&s, 4));
    CHECK(sampler_next(&s, 1e300));
    CHECK(!sampler_end(&s, 1));
    CHECK(sampler_slots(&s, -1) > 0);
}

static void rounds_widths_as_ffmpeg_does(void)
{
    static const struct {
        int width, height, lines, want;
    } rows[] = {
        {640, 360, 320, 568}, {640, 480, 320, 426}, {320, 240, 320, 426}, {1920, 1080, 320, 568},
        {1, 1, 320, 320},     {480, 640, 320, 240}, {641, 361, 320, 568}, {1, 8192, 320, 2},
        {8192, 1, 320, 8192}, {0, 0, 320, 2},       {704, 576, 320, 392}, {176, 144, 320, 392},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_INT(sample_width(rows[i].width, rows[i].height, rows[i].lines), rows[i].want);
        ROW("%dx%d", rows[i].width, rows[i].height);
    }
}

static void scales_as_ffmpegs_minus_two(void)
{
    static const int sizes[][2] = {{640, 360}, {640, 480}, {320, 240}, {642, 362},
                                   {130, 98},  {98, 130},  {352, 288}};

    if (!clip_has("ffmpeg"))
        SKIP("no ffmpeg program");
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char command[256];
        CLEANUP(freep) char *raw = NULL;
        int width = 0;

        snprintf(
            command, sizeof command,
            "ffmpeg -v error -f lavfi -i color=s=%dx%d:d=0.04 -vf scale=-2:320 -frames:v 1 -f yuv4mpegpipe -",
            sizes[i][0], sizes[i][1]);
        raw = clip_run(-1, command);
        CHECK(sscanf(raw, "YUV4MPEG2 W%d", &width) == 1);
        CHECK_INT(sample_width(sizes[i][0], sizes[i][1], 320), width);
        ROW("%dx%d", sizes[i][0], sizes[i][1]);
    }
}

static void lowers_the_rate_for_long_videos(void)
{
    CHECK(sample_rate(3, 10, 600) == 3);
    CHECK(sample_rate(3, 0, 600) == 3);
    CHECK_NEAR(sample_rate(3, 600, 600), 1, 1e-12);
    for (int max = 1; max < 50; max++) {
        struct choice c;

        choose_even(&c, sample_rate(3, 60, max), 1500, 60);
        CHECK(c.slots <= max && c.n <= (size_t)max);
    }
}

/* ---- against the fps filter ---- */

/* Fills hashes with the sixth column of framemd5 output. */
static size_t frame_hashes(const char *text, char hashes[][33])
{
    size_t n = 0;

    for (const char *line = text; line && *line && n < MOST; line = strchr(line, '\n'), line += line != NULL)
        if (*line != '#' && sscanf(line, "%*d, %*d, %*d, %*d, %*d, %32s", hashes[n]) == 1)
            n++;
    return n;
}

static size_t hashes_of(int fd, const char *filter, char hashes[][33])
{
    char command[256], path[64];
    CLEANUP(freep) char *text = NULL;

    snprintf(command, sizeof command, "ffmpeg -v error -i %s -an %s -fps_mode passthrough -f framemd5 -",
             clip_path(path, fd), filter);
    text = clip_run(-1, command);
    return frame_hashes(text, hashes);
}

/* ffmpeg's choice, repeats taken out. Every frame of the source has another picture. */
static void choose_by_ffmpeg(struct choice *c, int fd, double fps)
{
    static char all[MOST][33], kept[MOST][33];
    size_t nall = hashes_of(fd, "", all), n, at = 0;
    char filter[64];

    snprintf(filter, sizeof filter, "-vf fps=%g", fps);
    n = hashes_of(fd, filter, kept);
    *c = (struct choice){.slots = (int64_t)n};
    for (size_t i = 0; i < n; i++) {
        size_t from = at;

        while (at < nall && strcmp(all[at], kept[i]) != 0)
            at++;
        if (i == 0 || at != from)
            c->frames[c->n++] = (int64_t)at;
    }
}

static void choose_by_us(struct choice *c, int fd, double fps)
{
    CLEANUP(video_freep) struct video *v = NULL;
    struct sampler s = sampler_new(fps);
    struct video_opts o = video_opts_defaults();
    struct video_frame f = {0};
    double end = 0, before = 0;

    *c = (struct choice){0};
    if (video_open(&v, fd, &o, NULL) < 0)
        return;
    while (video_next(v, &f, NULL) > 0) {
        if (sampler_next(&s, f.pts))
            c->frames[c->n++] = f.index - 1;
        before = end;
        end = f.pts;
    }
    end = video_info(v)->duration > end ? video_info(v)->duration : end + (end - before);
    if (sampler_end(&s, end))
        c->frames[c->n++] = f.index;
    c->slots = sampler_slots(&s, end);
}

static void chooses_the_frames_of_the_fps_filter(void)
{
    static const struct {
        const char *what, *arguments;
        double fps;
    } rows[] = {
        {"25 to 3", "-f lavfi -i testsrc2=s=96x64:r=25:d=4", 3},
        {"24 to 3, halves", "-f lavfi -i testsrc2=s=96x64:r=24:d=3", 3},
        {"30 to 3, halves", "-f lavfi -i testsrc2=s=96x64:r=30:d=2.9", 3},
        {"30000/1001 to 3", "-f lavfi -i testsrc2=s=96x64:r=30000/1001:d=5", 3},
        {"vendor geometry", "-f lavfi -i testsrc2=s=96x64:r=102000000/4217772 -frames:v 102", 3},
        {"10 to 3", "-f lavfi -i testsrc2=s=96x64:r=10:d=2.3", 3},
        {"2 to 3", "-f lavfi -i testsrc2=s=96x64:r=2:d=4", 3},
        {"25 to 7", "-f lavfi -i testsrc2=s=96x64:r=25:d=3", 7},
        {"vfr squares",
         "-f lavfi -i testsrc2=s=96x64:r=25:d=9 -vf select=eq(sqrt(n)\\,floor(sqrt(n))) -fps_mode "
         "passthrough",
         3},
        {"vfr bursts",
         "-f lavfi -i testsrc2=s=96x64:r=30:d=6 -vf select=lt(mod(n\\,37)\\,9) -fps_mode passthrough", 3},
        {"vfr random",
         "-f lavfi -i testsrc2=s=96x64:r=50:d=6 -vf select=gt(mod(n*n*7\\,31)\\,24) -fps_mode passthrough",
         3},
    };

    if (!clip_has("ffmpeg"))
        SKIP("no ffmpeg program");
    for (size_t i = 0; i < COUNT_OF(rows) * 2; i++) {
        CLEANUP(fd_closep) int fd = -1;
        char arguments[300];
        struct choice want, got;

        snprintf(arguments, sizeof arguments, "%s -c:v libx264 -qp 1 -bf 0 -pix_fmt yuv420p",
                 rows[i / 2].arguments);
        fd = clip_ffmpeg(arguments, i % 2 ? ".mkv" : ".mp4");
        choose_by_ffmpeg(&want, fd, rows[i / 2].fps);
        choose_by_us(&got, fd, rows[i / 2].fps);
        CHECK(want.n > 0);
        CHECK_INT(got.n, want.n);
        CHECK_INT(got.slots, want.slots);
        CHECK(got.n == want.n && memcmp(got.frames, want.frames, got.n * sizeof got.frames[0]) == 0);
        ROW("%s, %s", rows[i / 2].what, i % 2 ? "mkv" : "mp4");
    }
}

int main(void)
{
    RUN(counts_evenly_spaced_frames);
    RUN(no_frame_no_choice);
    RUN(survives_absurd_times);
    RUN(rounds_widths_as_ffmpeg_does);
    RUN(scales_as_ffmpegs_minus_two);
    RUN(lowers_the_rate_for_long_videos);
    RUN(chooses_the_frames_of_the_fps_filter);
    return test_end();
}
