/* Hostile files: each one gets the right kind of error, in bounded time and memory, and no crash. Every file
 * is read in a child process of its own. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "clips.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__)
enum { SLOWER = 4, MEMORY_IS_MEANINGFUL = 0 };
#else
enum { SLOWER = 1, MEMORY_IS_MEANINGFUL = 1 };
#endif

enum {
    DEADLINE_MS = 10000, /* of wall time: long, because other programs use the machine, too */
    ENDLESS_MS = 1000,   /* for what has no end before it */
    MOST_MS = 2000 * SLOWER,
    MOST_KB = 512 * 1024,
    EXIT_OK = 100, /* + ERR kinds below it */
};

/* Kinds as a set, for files where more than one answer is honest. OK = frames were read. */
enum { OK = 1 << 31 };
#define KIND(k) (1u << (k))
#define DAMAGED ((unsigned)OK | KIND(ERR_DECODE) | KIND(ERR_NO_STREAM) | KIND(ERR_LIMIT))

struct outcome {
    unsigned kind; /* KIND(...) or OK; 0 = it crashed */
    int ms;        /* CPU */
    long kb;
};

static int read_in_child(int fd, int deadline_ms)
{
    struct video_opts o = video_opts_defaults();
    struct err err = {0};

    o.deadline_mono_us = clock_mono_us() + deadline_ms * 1000;
    o.max_frames = 2000;
    return clip_read(fd, &o, NULL, &err) > 0 ? EXIT_OK : (int)err.kind;
}

static long ms_of(struct timeval t)
{
    return t.tv_sec * 1000 + t.tv_usec / 1000;
}

static struct outcome judge(int fd, int deadline_ms)
{
    struct outcome o = {0};
    struct rusage usage;
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0)
        _exit(read_in_child(fd, deadline_ms));
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        abort();
    o.ms = (int)(ms_of(usage.ru_utime) + ms_of(usage.ru_stime));
    o.kb = usage.ru_maxrss;
    if (WIFEXITED(status))
        o.kind = WEXITSTATUS(status) == EXIT_OK ? (unsigned)OK : KIND(WEXITSTATUS(status));
    return o;
}

static void expect_within(int fd, int deadline_ms, unsigned kinds, const char *what)
{
    struct outcome o = judge(fd, deadline_ms);

    CHECK((o.kind & kinds) != 0);
    CHECK(o.ms < MOST_MS);
    CHECK(!MEMORY_IS_MEANINGFUL || o.kb < MOST_KB);
    if (!(o.kind & kinds) || o.ms >= MOST_MS || (MEMORY_IS_MEANINGFUL && o.kb >= MOST_KB) ||
        getenv("ASSAY_VERBOSE"))
        printf("#   %s: outcome %#x, %d ms, %ld kB\n", what, o.kind, o.ms, o.kb);
}

static void expect(int fd, unsigned kinds, const char *what)
{
    expect_within(fd, DEADLINE_MS, kinds, what);
}

/* ---- texts that name other things ---- */

static void texts_are_not_media(void)
{
    static const struct {
        const char *what, *format; /* %s is the path of a good clip */
    } rows[] = {
        {"empty", ""},
        {"plain text", "hello, this is not a video\n"},
        {"HLS playlist", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://%s\n#EXT-X-ENDLIST\n"},
        {"HLS data URL", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\ndata:video/mp4;base64,AAAA\n"},
        {"concat script", "ffconcat version 1.0\nfile '%s'\n"},
        {"concat protocol", "concat:%s|%s"},
        {"file reference", "file:%s"},
        {"SDP", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
                "a=rtpmap:96 H264/90000\n"},
        {"DASH manifest",
         "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\">"
         "<Period><AdaptationSet mimeType=\"video/mp4\"><Representation><BaseURL>%s</BaseURL>"
         "</Representation></AdaptationSet></Period></MPD>"},
        {"subtitles", "1\n00:00:00,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nWorld\n"},
        {"ANSI art", "\033[2J\033[1;31mHELLO\033[0m\r\n\033[10;10Hworld\r\n"},
        {"SVG",
         "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"10\"><image href=\"%s\"/></svg>"},
        {"RTSP redirect", "RTSPtext\nrtsp://127.0.0.1/x\n"},
        {"ASF reference", "[Reference]\nRef1=http://127.0.0.1/x?MSWMExt=.asf\n"},
    };
    CLEANUP(fd_closep) int good = clip_mp4(64, 48, 5, 25, 1);
    char path[64], text[2048];

    expect(good, (unsigned)OK, "the good clip");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(fd_closep) int fd = -1;
        struct buf b = BUF(sizeof text);
        const char *at = rows[i].format, *hole;

        for (; (hole = strstr(at, "%s")); at = hole + 2) {
            buf_add(&b, at, (size_t)(hole - at));
            buf_str(&b, clip_path(path, good));
        }
        buf_str(&b, at);
        fd = clip_of(b.data, b.len);
        expect(fd, KIND(ERR_DECODE), rows[i].what);
        buf_clear(&b);
    }
}

static void not_a_file(void)
{
    CLEANUP(fd_closep) int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(fd_closep) int closed = clip_of("x", 1);
    CLEANUP(fd_closep) int writable = open("/dev/null", O_WRONLY | O_CLOEXEC);

    expect(directory, KIND(ERR_IO), "a directory");
    expect(writable, KIND(ERR_IO) | KIND(ERR_DECODE), "a write-only descriptor");
    close(closed);
    expect(closed, KIND(ERR_IO), "a closed descriptor");
    closed = -1;
}

/* ---- damaged files ---- */

static void cut_files(int whole, unsigned kinds, const char *what)
{
    size_t n;
    CLEANUP(freep) uint8_t *data = clip_bytes(whole, &n);

    for (size_t i = 1; i < 20; i++) {
        CLEANUP(fd_closep) int fd = clip_of(data, n * i / 20);

        expect(fd, kinds, what);
    }
}

static void cut_off_files(void)
{
    CLEANUP(fd_closep) int mp4 = clip_mp4(320, 240, 50, 25, 1);
    static const char *const suffixes[] = {".mkv", ".ts", ".avi", ".gif", ".h264", ".webm", ".flv"};

    cut_files(mp4, KIND(ERR_DECODE), "MP4 without its index");
    if (!clip_has("ffmpeg"))
        return;
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        CLEANUP(fd_closep) int fd = clip_ffmpeg("-f lavfi -i testsrc2=s=160x120:r=25:d=2", suffixes[i]);

        cut_files(fd, (unsigned)OK | KIND(ERR_DECODE), suffixes[i]);
    }
}

/* With the index in front, what is there is judged, and the report says that something is missing. */
static void cut_off_in_the_middle_is_told(void)
{
    static const struct {
        const char *suffix, *extra;
    } rows[] = {{".mp4", "-movflags +faststart"}, {".avi", ""}, {".mkv", ""}};

    if (!clip_has("ffmpeg"))
        SKIP("no ffmpeg program");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char arguments[200];
        CLEANUP(fd_closep) int whole = -1;
        CLEANUP(fd_closep) int half = -1;
        CLEANUP(freep) uint8_t *data = NULL;
        struct video_opts o = video_opts_defaults();
        struct media_info m = {0};
        struct err err = {0};
        int64_t frames;
        size_t n;

        snprintf(arguments, sizeof arguments, "-f lavfi -i testsrc2=s=160x120:r=25:d=2 %s", rows[i].extra);
        whole = clip_ffmpeg(arguments, rows[i].suffix);
        data = clip_bytes(whole, &n);
        half = clip_of(data, n / 2);
        CHECK_INT(clip_read(whole, &o, &m, &err), 50);
        CHECK(!m.truncated);
        frames = clip_read(half, &o, &m, &err);
        CHECK(frames > 5 && frames < 45);
        CHECK_INT(m.frames, frames);
        CHECK(m.truncated);
        ROW("%s: %lld frames", rows[i].suffix, (long long)frames);
    }
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void flip_bits(int whole, int seeds, const char *what)
{
    size_t n;
    CLEANUP(freep) uint8_t *data = clip_bytes(whole, &n);

    for (int seed = 1; seed <= seeds; seed++) {
        CLEANUP(fd_closep) int fd = clip_of(data, n);
        uint32_t state = (uint32_t)seed;

        for (size_t i = 0; i < 1 + n / 2000 * (size_t)(seed % 4); i++) {
            size_t at = next_random(&state) % n;
            uint8_t byte = data[at] ^ (uint8_t)(1u << next_random(&state) % 8);

            if (pwrite(fd, &byte, 1, (off_t)at) != 1)
                abort();
        }
        expect(fd, DAMAGED, what);
    }
}

static void flipped_bits(void)
{
    CLEANUP(fd_closep) int mp4 = clip_mp4(160, 120, 25, 25, 1);
    static const char *const suffixes[] = {".mkv", ".avi", ".ts", ".gif"};

    flip_bits(mp4, 60, "MP4");
    if (!clip_has("ffmpeg"))
        return;
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        CLEANUP(fd_closep) int fd = clip_ffmpeg("-f lavfi -i testsrc2=s=160x120:r=25:d=1", suffixes[i]);

        flip_bits(fd, 20, suffixes[i]);
    }
}

/* ---- MP4 boxes with lies in them ---- */

static void put32(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 24);
    at[1] = (uint8_t)(v >> 16);
    at[2] = (uint8_t)(v >> 8);
    at[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void lying_boxes(void)
{
    /* offset counts from the box's four letters; the values are written one after the other */
    static const struct {
        const char *what, *box;
        int offset, count;
        uint32_t values[3];
        unsigned kinds;
    } rows[] = {
        {"no samples at all", "stsz", 4, 3, {0, 0, 0}, KIND(ERR_DECODE)},
        {"4 billion sizes", "stsz", 12, 1, {0xffffffff}, DAMAGED},
        {"2 billion sizes", "stsz", 12, 1, {0x7fffffff}, DAMAGED},
        {"2 billion equal sizes", "stsz", 8, 2, {1, 0x7fffffff}, DAMAGED},
        {"20 million equal sizes", "stsz", 8, 2, {1, 20000000}, DAMAGED},
        {"5 million equal sizes", "stsz", 8, 2, {1, 5000000}, DAMAGED},
        {"a sample of 2 GB", "stsz", 16, 1, {0x7fffffff}, DAMAGED},
        {"4 billion time entries", "stts", 8, 1, {0xffffffff}, DAMAGED},
        {"one entry of 4 billion samples", "stts", 12, 1, {0xffffffff}, DAMAGED},
        {"endless samples", "stts", 16, 1, {0xffffffff}, DAMAGED},
        {"4 billion chunks", "stco", 8, 1, {0xffffffff}, DAMAGED},
        {"chunk behind the end", "stco", 12, 1, {0xfffffff0}, DAMAGED},
        {"4 billion samples per chunk", "stsc", 16, 1, {0xffffffff}, DAMAGED},
        {"4 billion descriptions", "stsd", 8, 1, {0xffffffff}, DAMAGED},
        {"65535 x 65535", "avc1", 28, 1, {0xffffffff}, KIND(ERR_LIMIT)},
        {"0 x 0", "avc1", 28, 1, {0}, (unsigned)OK | KIND(ERR_DECODE)},
        {"no codec", "avc1", 0, 1, {0x78787878}, KIND(ERR_DECODE)},
        {"endless movie", "mvhd", 20, 1, {0x7fffffff}, (unsigned)OK | KIND(ERR_LIMIT)},
        {"time scale 0", "mdhd", 16, 1, {0}, DAMAGED},
        {"box larger than the file", "moov", -4, 1, {0x7fffffff}, DAMAGED},
        {"box smaller than its head", "trak", -4, 1, {3}, DAMAGED},
        {"track without a kind", "vide", 0, 1, {0x78787878}, DAMAGED},
    };
    CLEANUP(fd_closep) int good = clip_mp4(160, 120, 25, 25, 1);
    size_t n;
    CLEANUP(freep) uint8_t *data = clip_bytes(good, &n);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(freep) uint8_t *copy = memcpy(mem_alloc(n), data, n);
        CLEANUP(fd_closep) int fd = -1;
        uint8_t *moov = memmem(copy, n, "moov", 4); /* the letters also occur as a brand */
        uint8_t *box = memmem(moov, n - (size_t)(moov - copy), rows[i].box, 4);

        CHECK(box != NULL);
        for (int k = 0; k < rows[i].count; k++)
            put32(box + rows[i].offset + 4 * k, rows[i].values[k]);
        fd = clip_of(copy, n);
        expect(fd, rows[i].kinds, rows[i].what);
    }
}

/* A data reference of type "alis" names another file; its samples would be read from there (QuickTime file
 * format, data reference atoms). The clip named is a good one, so following the reference would show frames.
 */
static size_t alias_of(uint8_t *dst, const char *path)
{
    size_t len = strlen(path), even = len + (len & 1), body;

    memset(dst, 0, 512);
    memcpy(dst + 4, "alis", 4);
    dst[12 + 10] = 1; /* length of the volume's name */
    dst[12 + 10 + 1] = 'x';
    dst[12 + 10 + 1 + 27 + 12] = 1; /* length of the file's name */
    dst[12 + 10 + 1 + 27 + 12 + 1] = 'y';
    body = 12 + 10 + 1 + 27 + 12 + 1 + 63 + 16 + 4 + 16;
    dst[body + 1] = 2; /* tag: absolute path */
    dst[body + 2] = (uint8_t)(len >> 8);
    dst[body + 3] = (uint8_t)len;
    memcpy(dst + body + 4, path, len);
    memset(dst + body + 4 + even, 0xff, 2); /* tag: end */
    body += 4 + even + 4;
    put32(dst, (uint32_t)body);
    return body;
}

static void external_tracks_are_not_opened(void)
{
    static const char *const parents[] = {"moov", "trak", "mdia", "minf", "dinf", "dref"};
    CLEANUP(fd_closep) int good = clip_mp4(160, 120, 25, 25, 1);
    CLEANUP(fd_closep) int fd = -1;
    size_t n, added, at;
    CLEANUP(freep) uint8_t *data = clip_bytes(good, &n);
    CLEANUP(freep) uint8_t *copy = mem_alloc(n + 512);
    uint8_t alias[512], *url = memmem(data, n, "url ", 4);
    char path[64];

    CHECK(url != NULL);
    at = (size_t)(url - 4 - data);
    added = alias_of(alias, clip_path(path, good));
    memcpy(copy, data, at);
    memcpy(copy + at, alias, added);
    memcpy(copy + at + added, data + at + 12, n - at - 12);
    for (size_t i = 0; i < COUNT_OF(parents); i++) {
        uint8_t *box = memmem(copy, at, parents[i], 4);

        put32(box - 4, get32(box - 4) + (uint32_t)added - 12);
    }
    fd = clip_of(copy, n + added - 12);
    expect(fd, KIND(ERR_DECODE), "external track");
}

/* ---- pictures ---- */

static uint32_t crc_of(const uint8_t *data, size_t n)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < n; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static int png_of(uint32_t width, uint32_t height)
{
    uint8_t png[] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\0\0\0\0\0\x08\x02\0\0\0CRC!"
                    "\0\0\0\x0cIDAT\x78\x9c\x63\x60\x60\x60\x00\x00\x00\x04\x00\x01\0\0\0\0"
                    "\0\0\0\0IEND\xae\x42\x60\x82";

    put32(png + 16, width);
    put32(png + 20, height);
    put32(png + 29, crc_of(png + 12, 17));
    return clip_of(png, sizeof png - 1);
}

static void enormous_pictures(void)
{
    static const struct {
        uint32_t width, height;
        unsigned kinds;
    } rows[] = {
        {65535, 65535, KIND(ERR_LIMIT) | KIND(ERR_DECODE)}, /* beyond what libav takes as a size at all */
        {0x7fffffff, 0x7fffffff, KIND(ERR_LIMIT) | KIND(ERR_DECODE)},
        {16000, 16000, KIND(ERR_LIMIT)},
        {8192, 4097, KIND(ERR_LIMIT)},
        {0, 0, KIND(ERR_DECODE)},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(fd_closep) int fd = png_of(rows[i].width, rows[i].height);
        char what[64];

        snprintf(what, sizeof what, "PNG of %ux%u", rows[i].width, rows[i].height);
        expect(fd, rows[i].kinds, what);
    }
}

static void sound_is_not_video(void)
{
    uint8_t wav[44 + 8000] =
        "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data";
    CLEANUP(fd_closep) int fd = -1;

    wav[4] = (uint8_t)((sizeof wav - 8) & 255);
    wav[5] = (uint8_t)((sizeof wav - 8) >> 8);
    wav[40] = 8000 & 255;
    wav[41] = 8000 >> 8;
    fd = clip_of(wav, sizeof wav);
    expect(fd, KIND(ERR_NO_STREAM), "WAV");
    if (clip_has("ffmpeg")) {
        static const char *const suffixes[] = {".m4a", ".mka", ".ogg", ".mp3", ".flac", ".ts"};

        for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
            CLEANUP(fd_closep) int sound = clip_ffmpeg("-f lavfi -i sine=d=1", suffixes[i]);

            expect(sound, KIND(ERR_NO_STREAM), suffixes[i]);
        }
    }
}

/* ---- endless files: a good head, then 64 GB of zeros which take no room on disk ---- */

static void endless_files(void)
{
    static const char *const suffixes[] = {".h264",  ".ts",  ".mpg", ".mkv", ".avi",
                                           ".mjpeg", ".gif", ".flv", ".ivf"};
    CLEANUP(fd_closep) int mp4 = clip_mp4(160, 120, 25, 25, 1);

    CHECK(ftruncate(mp4, (off_t)64 << 30) == 0);
    expect_within(mp4, ENDLESS_MS, (unsigned)OK | KIND(ERR_TIMEOUT), "MP4 and zeros");
    if (!clip_has("ffmpeg"))
        return;
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        CLEANUP(fd_closep) int whole = clip_ffmpeg("-f lavfi -i testsrc2=s=160x120:r=25:d=1", suffixes[i]);
        CLEANUP(freep) uint8_t *data = NULL;
        CLEANUP(fd_closep) int fd = -1;
        size_t n;

        if (whole < 0)
            continue; /* no encoder for it here */
        data = clip_bytes(whole, &n);
        fd = clip_of(data, n);
        CHECK(ftruncate(fd, (off_t)64 << 30) == 0);
        expect_within(fd, ENDLESS_MS, (unsigned)OK | KIND(ERR_TIMEOUT) | KIND(ERR_LIMIT), suffixes[i]);
    }
}

int main(void)
{
    RUN(texts_are_not_media);
    RUN(not_a_file);
    RUN(cut_off_files);
    RUN(cut_off_in_the_middle_is_told);
    RUN(flipped_bits);
    RUN(lying_boxes);
    RUN(external_tracks_are_not_opened);
    RUN(enormous_pictures);
    RUN(sound_is_not_video);
    RUN(endless_files);
    return test_end();
}
