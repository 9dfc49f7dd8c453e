/* Sound through the reader: what comes out of good files, of files made wrong, and of hostile headers. */
#include "media/sound.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "clips.h"
#include "test.h"

/* ---- a WAV writer ---- */

static void put(struct buf *b, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_add(b, &(uint8_t){(uint8_t)(v >> 8 * i)}, 1);
}

struct wave {
    int rate, channels;
    double seconds, hz[2], gain[2]; /* of the first channel, of all others */
    bool floats;
};

static float wave_at(const struct wave *w, int64_t i, int channel)
{
    int k = channel > 0;

    return (float)(w->gain[k] * sin(2 * M_PI * w->hz[k] * (double)i / w->rate));
}

static int wav_of(const struct wave *w)
{
    CLEANUP(buf_clear) struct buf b = BUF(64 << 20);
    int64_t n = (int64_t)(w->seconds * w->rate);
    int width = w->floats ? 4 : 2;
    uint32_t size = (uint32_t)(n * w->channels * width);

    buf_add(&b, "RIFF", 4);
    put(&b, 36 + size, 4);
    buf_add(&b, "WAVEfmt ", 8);
    put(&b, 16, 4);
    put(&b, w->floats ? 3 : 1, 2);
    put(&b, (uint32_t)w->channels, 2);
    put(&b, (uint32_t)w->rate, 4);
    put(&b, (uint32_t)(w->rate * w->channels * width), 4);
    put(&b, (uint32_t)(w->channels * width), 2);
    put(&b, (uint32_t)(8 * width), 2);
    buf_add(&b, "data", 4);
    put(&b, size, 4);
    for (int64_t i = 0; i < n; i++)
        for (int c = 0; c < w->channels; c++) {
            float v = wave_at(w, i, c);
            uint32_t bits;

            memcpy(&bits, &v, sizeof bits);
            put(&b, w->floats ? bits : (uint32_t)(int32_t)lround((double)v * 32767), width);
        }
    return clip_of(b.data, b.len);
}

/* ---- what came out ---- */

struct heard {
    int64_t n, damaged;
    bool truncated, has_video;
    size_t ntracks;
    struct sound_track track;
    double level; /* root of the mean square of the middle half */
    double hz;    /* of it, by zero crossings */
    char container[64];
};

static void measure(const float *v, int64_t n, struct heard *h)
{
    int64_t from = n / 4, to = n - n / 4, crossings = 0;
    double sum = 0;

    for (int64_t i = from; i < to; i++) {
        sum += (double)v[i] * (double)v[i];
        crossings += i > from && v[i - 1] < 0 && v[i] >= 0;
    }
    h->level = to > from ? sqrt(sum / (double)(to - from)) : 0;
    h->hz = to > from ? (double)crossings * SOUND_RATE / (double)(to - from) : 0;
}

/* 0, or -1 and err. The pieces must follow each other without a gap. */
static int hear(int fd, const struct sound_opts *opts, struct heard *ret, struct err *err)
{
    CLEANUP(sound_freep) struct sound *s = NULL;
    CLEANUP(freep) float *all = NULL;
    struct sound_piece p;
    const struct sound_info *info;
    int64_t n = 0;
    int r;

    memset(ret, 0, sizeof *ret);
    if (sound_open(&s, fd, opts, err) < 0)
        return -1;
    while ((r = sound_next(s, &p, err)) > 0) {
        CHECK(p.n > 0 && p.n <= SOUND_PIECE);
        CHECK_INT(p.first, n);
        all = mem_resize(all, (size_t)n + p.n, sizeof *all);
        memcpy(all + n, p.samples, p.n * sizeof *all);
        n += (int64_t)p.n;
    }
    if (r < 0)
        return -1;
    CHECK_INT(sound_next(s, &p, err), 0);
    info = sound_info(s);
    measure(all, n, ret);
    ret->n = info->samples;
    CHECK_INT(info->samples, n);
    ret->damaged = info->damaged;
    ret->truncated = info->truncated;
    ret->has_video = info->has_video;
    ret->ntracks = info->ntracks;
    ret->track = info->tracks[info->track];
    ret->track.codec = NULL; /* it does not outlive s */
    snprintf(ret->container, sizeof ret->container, "%s", info->container);
    return 0;
}

static void any_wave_becomes_mono_of_16_khz(void)
{
    static const struct {
        const char *what;
        struct wave w;
        double level, hz;
    } rows[] = {
        {"as it is", {16000, 1, 2, {440, 0}, {.5, 0}, false}, .3536, 440},
        {"telephone", {8000, 1, 2, {440, 0}, {.5, 0}, false}, .3536, 440},
        {"music", {44100, 2, 2, {440, 440}, {.5, .5}, false}, .3536, 440},
        {"high rate", {192000, 1, 1, {1000, 0}, {.5, 0}, true}, .3536, 1000},
        {"lowest rate", {1000, 1, 2, {100, 0}, {.5, 0}, false}, .3536, 100},
        {"one channel speaks", {16000, 2, 2, {440, 0}, {.5, 0}, false}, .1768, 440},
        {"channels that cancel", {16000, 2, 2, {440, 440}, {.5, -.5}, false}, 0, 0},
        {"different channels", {48000, 2, 2, {300, 1200}, {.5, .5}, false}, .25, -1},
        {"three channels", {48000, 3, 1, {440, 440}, {.5, .5}, false}, .3536, 440},
        {"six channels", {48000, 6, 1, {440, 440}, {.5, .5}, false}, .3536, 440},
        {"eleven channels", {16000, 11, 1, {440, 440}, {.5, .5}, true}, .3536, 440},
        {"above 8 kHz is gone", {48000, 1, 1, {12000, 0}, {.5, 0}, false}, 0, -1},
        {"too loud is cut", {16000, 1, 1, {440, 0}, {1000, 0}, true}, 1, 440},
        {"silence", {16000, 1, 1, {0, 0}, {0, 0}, false}, 0, 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(fd_closep) int fd = wav_of(&rows[i].w);
        struct sound_opts o = sound_opts_defaults();
        struct err err = {0};
        struct heard h;

        CHECK_INT(hear(fd, &o, &h, &err), 0);
        CHECK_NEAR((double)h.n / SOUND_RATE, rows[i].w.seconds, 0.002);
        CHECK_NEAR(h.level, rows[i].level, 0.01);
        if (rows[i].hz >= 0)
            CHECK_NEAR(h.hz, rows[i].hz, 3);
        CHECK_INT(h.ntracks, 1);
        CHECK_INT(h.track.rate, rows[i].w.rate);
        CHECK_INT(h.track.channels, rows[i].w.channels);
        CHECK_NEAR(h.track.duration, rows[i].w.seconds, 1e-3);
        CHECK(!h.truncated && h.damaged == 0 && !h.has_video);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

static void what_is_no_number_is_silence(void)
{
    const struct wave w = {16000, 1, 1, {440, 0}, {NAN, 0}, true};
    CLEANUP(fd_closep) int fd = wav_of(&w);
    struct sound_opts o = sound_opts_defaults();
    struct heard h;

    CHECK_INT(hear(fd, &o, &h, NULL), 0);
    CHECK(h.level == 0);
}

static void the_formats_of_people(void)
{
    static const struct {
        const char *suffix, *arguments, *container;
        double seconds;
        bool video;
    } rows[] = {
        {".mp3", "-f lavfi -i sine=f=440:d=3:r=44100 -c:a libmp3lame", "mp3", 3, false},
        {".wav", "-f lavfi -i sine=f=440:d=3:r=8000 -c:a pcm_mulaw", "wav", 3, false},
        {".ogg", "-f lavfi -i sine=f=440:d=3:r=48000 -c:a libopus", "ogg", 3, false},
        {".ogg", "-f lavfi -i sine=f=440:d=3:r=44100 -c:a libvorbis", "ogg", 3, false},
        {".flac", "-f lavfi -i sine=f=440:d=3:r=44100", "flac", 3, false},
        {".aac", "-f lavfi -i sine=f=440:d=3:r=44100 -c:a aac", "aac", 3, false},
        {".m4a", "-f lavfi -i sine=f=440:d=3:r=44100 -c:a aac", "mov,mp4,m4a,3gp,3g2,mj2", 3, false},
        {".3gp", "-f lavfi -i sine=f=440:d=3:r=16000 -c:a aac", "mov,mp4,m4a,3gp,3g2,mj2", 3, false},
        {".mp4",
         "-f lavfi -i sine=f=440:d=3:r=44100 -f lavfi -i testsrc2=s=64x48:d=3 -c:a aac -c:v libx264 -pix_fmt "
         "yuv420p",
         "mov,mp4,m4a,3gp,3g2,mj2", 3, true},
        {".webm",
         "-f lavfi -i sine=f=440:d=3:r=48000 -f lavfi -i testsrc2=s=64x48:d=3 -c:a libopus -c:v libvpx",
         "matroska,webm", 3, true},
    };

    if (!clip_has("ffmpeg"))
        SKIP("ffmpeg is not installed");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(fd_closep) int fd = clip_ffmpeg(rows[i].arguments, rows[i].suffix);
        struct sound_opts o = sound_opts_defaults();
        struct err err = {0};
        struct heard h = {0};

        CHECK(fd >= 0);
        CHECK_INT(hear(fd, &o, &h, &err), 0);
        CHECK_STR(h.container, rows[i].container);
        CHECK_NEAR((double)h.n / SOUND_RATE, rows[i].seconds, 0.15); /* padding of encoders */
        CHECK_NEAR(h.level, 0.0884, 0.01);                           /* ffmpeg's sine has 1/8 */
        CHECK_NEAR(h.hz, 440, 3);
        CHECK(h.has_video == rows[i].video && !h.truncated);
        ROW("%s: %s", rows[i].suffix, err.text);
    }
}

static void a_track_can_be_chosen(void)
{
    static const struct {
        int track, hz;
    } rows[] = {{-1, 300}, {0, 300}, {1, 900}};
    CLEANUP(fd_closep) int fd = -1;
    struct sound_opts o = sound_opts_defaults();
    struct err err = {0};
    struct heard h;

    if (!clip_has("ffmpeg"))
        SKIP("ffmpeg is not installed");
    fd = clip_ffmpeg("-f lavfi -i sine=f=300:d=2 -f lavfi -i sine=f=900:d=2 -map 0 -map 1 -c:a flac", ".mkv");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        o.track = rows[i].track;
        CHECK_INT(hear(fd, &o, &h, &err), 0);
        CHECK_INT(h.ntracks, 2);
        CHECK_NEAR(h.hz, rows[i].hz, 3);
    }
    o.track = 2;
    CHECK_INT(hear(fd, &o, &h, &err), -1);
    CHECK_INT(err.kind, ERR_NO_STREAM);
}

static void damage_is_passed_over_and_told(void)
{
    CLEANUP(fd_closep) int fd = -1;
    CLEANUP(fd_closep) int hurt = -1;
    CLEANUP(freep) uint8_t *bytes = NULL;
    struct sound_opts o = sound_opts_defaults();
    struct err err = {0};
    struct heard h = {0};
    size_t n;

    if (!clip_has("ffmpeg"))
        SKIP("ffmpeg is not installed");
    fd = clip_ffmpeg("-f lavfi -i sine=f=440:d=6:r=44100 -c:a libmp3lame", ".mp3");
    bytes = clip_bytes(fd, &n);
    for (size_t i = n / 2; i < n / 2 + 1500; i++)
        bytes[i] = (uint8_t)(i * 7);
    hurt = clip_of(bytes, n);
    CHECK_INT(hear(hurt, &o, &h, &err), 0);
    CHECK(h.damaged > 0 && h.truncated);
    CHECK((double)h.n / SOUND_RATE > 5 && (double)h.n / SOUND_RATE < 6.2);
    ROW("%lld damaged, %lld samples, %s", (long long)h.damaged, (long long)h.n, err.text);
}

static void a_file_that_breaks_off_is_told(void)
{
    const struct wave w = {16000, 1, 4, {440, 0}, {.5, 0}, false};
    CLEANUP(fd_closep) int whole = wav_of(&w);
    CLEANUP(fd_closep) int half = -1;
    CLEANUP(freep) uint8_t *bytes = NULL;
    struct sound_opts o = sound_opts_defaults();
    struct heard h;
    size_t n;

    bytes = clip_bytes(whole, &n);
    half = clip_of(bytes, n / 2);
    CHECK_INT(hear(half, &o, &h, NULL), 0);
    CHECK(h.truncated);
    CHECK_NEAR((double)h.n / SOUND_RATE, 2, 0.01);
}

static void says_what_is_wrong(void)
{
    const struct wave w = {16000, 1, 4, {440, 0}, {.5, 0}, false};
    const struct wave low = {100, 1, 4, {4, 0}, {.5, 0}, false};
    CLEANUP(fd_closep) int good = wav_of(&w);
    CLEANUP(fd_closep) int slow = wav_of(&low);
    CLEANUP(fd_closep) int mute = clip_mp4(64, 48, 5, 25, 1);
    CLEANUP(fd_closep) int text = clip_of("no sound at all, only words of a text", 37);
    CLEANUP(fd_closep) int empty = clip_of("", 0);
    CLEANUP(freep) uint8_t *bytes = NULL;
    CLEANUP(fd_closep) int header = -1;
    size_t n;

    bytes = clip_bytes(good, &n);
    header = clip_of(bytes, 44);
    const struct {
        const char *what;
        int fd;
        struct sound_opts opts;
        enum err_kind kind;
    } rows[] = {
        {"a video without sound", mute, {.track = -1, .max_seconds = 60}, ERR_NO_STREAM},
        {"text", text, {.track = -1, .max_seconds = 60}, ERR_DECODE},
        {"nothing", empty, {.track = -1, .max_seconds = 60}, ERR_DECODE},
        {"only a header", header, {.track = -1, .max_seconds = 60}, ERR_DECODE},
        {"a rate that cannot be", slow, {.track = -1, .max_seconds = 60}, ERR_DECODE},
        {"too long", good, {.track = -1, .max_seconds = 3}, ERR_LIMIT},
        {"late", good, {.track = -1, .max_seconds = 60, .deadline_mono_us = 1}, ERR_TIMEOUT},
        {"no descriptor", -1, {.track = -1, .max_seconds = 60}, ERR_IO},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = {0};
        struct heard h;

        CHECK_INT(hear(rows[i].fd, &rows[i].opts, &h, &err), -1);
        CHECK_INT(err.kind, rows[i].kind);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

/* A field of the header set to what cannot be, everything else right. */
static void absurd_headers_end_in_an_answer(void)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t bytes[4];
        size_t n;
    } rows[] = {
        {"rate 0", 24, {0, 0, 0, 0}, 4},
        {"rate 4 GHz", 24, {255, 255, 255, 255}, 4},
        {"rate 2 GHz", 24, {255, 255, 255, 127}, 4},
        {"no channels", 22, {0, 0}, 2},
        {"65535 channels", 22, {255, 255}, 2},
        {"block of 0", 32, {0, 0}, 2},
        {"0 bits", 34, {0, 0}, 2},
        {"65535 bits", 34, {255, 255}, 2},
        {"format 65535", 20, {255, 255}, 2},
        {"data of 4 GB", 40, {255, 255, 255, 255}, 4},
        {"format chunk of 4 GB", 16, {255, 255, 255, 255}, 4},
    };
    const struct wave w = {16000, 2, 1, {440, 440}, {.5, .5}, false};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(fd_closep) int fd = wav_of(&w);
        struct sound_opts o = sound_opts_defaults();
        struct err err = {0};
        struct heard h = {0};
        int r;

        CHECK(pwrite(fd, rows[i].bytes, rows[i].n, (off_t)rows[i].at) == (ssize_t)rows[i].n);
        o.deadline_mono_us = clock_mono_us() + 5000000;
        r = hear(fd, &o, &h, &err);
        CHECK(r == 0 || err.kind == ERR_DECODE || err.kind == ERR_LIMIT);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

static void the_same_file_gives_the_same_samples(void)
{
    const struct wave w = {44100, 2, 2, {300, 1200}, {.5, .3}, false};
    CLEANUP(fd_closep) int fd = wav_of(&w);
    struct sound_opts o = sound_opts_defaults();
    struct heard x, y;

    CHECK_INT(hear(fd, &o, &x, NULL), 0);
    CHECK_INT(hear(fd, &o, &y, NULL), 0);
    CHECK(x.n == y.n && memcmp(&x.level, &y.level, sizeof x.level) == 0);
}

int main(void)
{
    RUN(any_wave_becomes_mono_of_16_khz);
    RUN(what_is_no_number_is_silence);
    RUN(the_formats_of_people);
    RUN(a_track_can_be_chosen);
    RUN(damage_is_passed_over_and_told);
    RUN(a_file_that_breaks_off_is_told);
    RUN(says_what_is_wrong);
    RUN(absurd_headers_end_in_an_answer);
    RUN(the_same_file_gives_the_same_samples);
    return test_end();
}
