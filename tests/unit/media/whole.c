/* What containers say about their own end: a whole file is whole, and of the files that lack something at the
 * end only those are taken for whole which stop exactly where the container could have stopped. */
#include "media/whole_int.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "clips.h"
#include "test.h"

#define FILE_OF(text) text, sizeof(text) - 1

static const struct {
    const char *what, *format, *file;
    size_t len;
    int stops; /* shorter files of at least one byte that look whole, too */
} rows[] = {
    {"one box", "mov,mp4,m4a,3gp,3g2,mj2", FILE_OF("\0\0\0\020ftypisom\0\0\2\0"), 0},
    {"two boxes", "mov,mp4,m4a,3gp,3g2,mj2", FILE_OF("\0\0\0\010ftyp\0\0\0\014mdat1234"), 1},
    {"a long box", "mov,mp4,m4a,3gp,3g2,mj2", FILE_OF("\0\0\0\001mdat\0\0\0\0\0\0\0\0241234"), 0},
    {"a box to the end", "mov,mp4,m4a,3gp,3g2,mj2", FILE_OF("\0\0\0\0mdat1234"), 4},
    {"a segment", "matroska,webm", FILE_OF("\032\105\337\243\200\030\123\200\147\204\354\202ab"), 1},
    {"a live segment", "matroska,webm", FILE_OF("\030\123\200\147\377\037\103\266\165\202ab\354\201c"), 2},
    {"a riff", "avi", FILE_OF("RIFF\024\0\0\0AVI LIST\010\0\0\0movi1234"), 0},
    {"a riff that counts its head", "avi", FILE_OF("RIFF\030\0\0\0AVI LIST\004\0\0\0movi"), 0},
    {"an unfinished riff", "avi", FILE_OF("RIFF\0\0\0\0AVI LIST\0\0\0\0movi1234"), 9},
    {"a tag", "flv", FILE_OF("\011\0\0\002\0\0\0\0\0\0\0ab\0\0\0\015"), 0},
    {"a png", "png_pipe", FILE_OF("\211PNG\r\n\032\n\0\0\0\001IDATx1234\0\0\0\0IEND1234"), 0},
    {"a png and more", "png_pipe", FILE_OF("\211PNG\r\n\032\n\0\0\0\0IEND1234more"), 4},
    {"a gif", "gif", FILE_OF("GIF89a;"), 0},
    {"a padded gif", "gif", FILE_OF("GIF89a;\0\0\n"), 3},
    {"a jpeg", "jpeg_pipe", FILE_OF("\377\330\377\340\0\004\377\331\377\332\0\002ab\377\331"), 0},
    {"a jpeg and more", "jpeg_pipe", FILE_OF("\377\330\377\332\0\002ab\377\331more"), 4},
    {"jpegs", "mjpeg", FILE_OF("\377\330ab\377\331"), 0},
    {"a bitmap", "bmp_pipe", FILE_OF("BM\010\0\0\0ab"), 0},
    {"a webp", "webp_pipe", FILE_OF("RIFF\004\0\0\0WEBP"), 0},
    {"done", "smjpeg", FILE_OF("abcDONE"), 0},
    {"an index", "nut", FILE_OF("ab\116\130\335\147\057\043\346\116\0\0\0\0\0\0\0\0241234"), 0},
    {"keys", "mxf",
     FILE_OF("\006\016\053\064............\040"
             "................"
             "........"
             "\0\0\0\0\0\0\0\061"
             "\006\016\053\064............\201\2ab"),
     0},
    {"the end of a gxf", "gxf", FILE_OF("ab\0\0\0\0\1\373\0\0\0\020\0\0\0\0\341\342"), 0},
    {"parse units", "dirac", FILE_OF("BBCD\0\0\0\0\016\0\0\0\0xBBCD\020\0\0\0\0\0\0\0\0"), 1},
    {"a directory", "tiff_pipe",
     FILE_OF("II*\0\010\0\0\0\2\0"
             "\0\1\3\0\1\0\0\0ab\0\0"
             "\1\1\2\0\6\0\0\0\046\0\0\0"
             "\0\0\0\0"
             "123456"),
     0},
    {"declares nothing", "mpeg", FILE_OF("abc"), 2},
    {"nobody knows it", "unheard of", FILE_OF("abc"), 2},
};

static bool is_whole(size_t row, size_t len, int64_t packets_end)
{
    CLEANUP(fd_closep) int fd = clip_of(rows[row].file, len);

    return file_is_whole(fd, rows[row].format, packets_end);
}

static void only_whole_files_are_whole(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int stops = 0;
        for (size_t len = 1; len < rows[i].len; len++)
            stops += is_whole(i, len, -1);
        CHECK_INT(stops, rows[i].stops);
        CHECK(is_whole(i, rows[i].len, -1));
        ROW("%s", rows[i].what);
    }
}

/* Packets and frames of one size; what the first one is decides it. */
static void sizes_are_multiples(void)
{
    static const struct {
        const char *format;
        size_t len, first, second; /* places of a byte that marks the kind */
        uint8_t mark;
        bool whole;
    } sizes[] = {
        {"mpegts", 188 * 3, 0, 188, 0x47, true},
        {"mpegts", 188 * 3 + 1, 0, 188, 0x47, false},
        {"mpegts", 188 * 3 - 1, 0, 188, 0x47, false},
        {"mpegts", 192 * 2, 4, 196, 0x47, true},
        {"mpegts", 192 * 3 - 4, 4, 196, 0x47, false},
        {"mpegts", 204 * 2, 0, 204, 0x47, true},
        {"mpegts", 1000, 1, 2, 0x47, true},
        {"dv", 144000, 3, 3, 0x80, true},
        {"dv", 143999, 3, 3, 0x80, false},
        {"dv", 120000, 0, 0, 0, true},
        {"dv", 144000, 0, 0, 0, false},
    };
    static uint8_t file[144000];

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        CLEANUP(fd_closep) int fd = -1;
        memset(file, 0, sizeof file);
        file[sizes[i].first] = file[sizes[i].second] = sizes[i].mark;
        fd = clip_of(file, sizes[i].len);
        CHECK(file_is_whole(fd, sizes[i].format, -1) == sizes[i].whole);
        ROW("%s, %zu bytes", sizes[i].format, sizes[i].len);
    }
}

static void nothing_may_follow_the_last_packet(void)
{
    CLEANUP(fd_closep) int fd = clip_of("0123456789", 10);

    CHECK(file_is_whole(fd, "yuv4mpegpipe", 10));
    CHECK(file_is_whole(fd, "yuv4mpegpipe", -1));
    CHECK(!file_is_whole(fd, "yuv4mpegpipe", 9));
    CHECK(file_is_whole(fd, "mpeg", 9));
}

/* Heads that lie end the look, not the program. */
static void rubbish_is_looked_through(void)
{
    static const char *const formats[] = {"mov,mp4,m4a,3gp,3g2,mj2",
                                          "matroska,webm",
                                          "avi",
                                          "flv",
                                          "asf",
                                          "mpegts",
                                          "dv",
                                          "nut",
                                          "gif",
                                          "png_pipe",
                                          "jpeg_pipe",
                                          "mjpeg",
                                          "bmp_pipe",
                                          "webp_pipe"};
    uint8_t file[64];
    uint32_t x = 1;

    for (int round = 0; round < 2000; round++) {
        CLEANUP(fd_closep) int fd = -1;
        for (size_t i = 0; i < sizeof file; i++) {
            x = x * 1664525 + 1013904223;
            file[i] = (uint8_t)(x >> 24 & (round % 2 ? 0xff : 0x81));
        }
        fd = clip_of(file, (size_t)round % sizeof file);
        for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
            (void)file_is_whole(fd, formats[i], round % 70);
    }
    CHECK(x != 1);
}

int main(void)
{
    RUN(only_whole_files_are_whole);
    RUN(sizes_are_multiples);
    RUN(nothing_may_follow_the_last_packet);
    RUN(rubbish_is_looked_through);
    return test_end();
}
