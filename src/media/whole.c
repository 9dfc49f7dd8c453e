#include "media/whole_int.h"

#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/c23.h"
#include "base/text.h"

/* The file and its size. */
struct look {
    int fd;
    int64_t size;
    int64_t packets_end;
};

/* All n bytes at that place, or false. */
static bool bytes_at(const struct look *l, int64_t at, void *dst, size_t n)
{
    return at >= 0 && at <= l->size - (int64_t)n && pread(l->fd, dst, n, at) == (ssize_t)n;
}

static uint64_t number(const uint8_t *p, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static uint64_t number_le(const uint8_t *p, int n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* A step to `at` + head + len; false when that lies behind the end of the file. */
static bool step(const struct look *l, int64_t *at, uint64_t head, uint64_t len)
{
    uint64_t left = (uint64_t)(l->size - *at);

    if (head > left || len > left - head)
        return false;
    *at += (int64_t)(head + len);
    return true;
}

/* ---- films ---- */

/* Boxes; the last may say "to the end of the file". */
static bool mp4_is_whole(const struct look *l)
{
    uint8_t head[16];

    for (int64_t at = 0; at < l->size;) {
        uint64_t len, head_len = 8;
        if (!bytes_at(l, at, head, 8))
            return false;
        len = number(head, 4);
        if (len == 1) {
            if (!bytes_at(l, at, head, 16))
                return false;
            len = number(head + 8, 8);
            head_len = 16;
        }
        if (len < head_len)
            return true; /* to the end, or something else behind the film */
        if (!step(l, &at, 0, len))
            return false;
    }
    return true;
}

enum { EBML_HEAD = 12, ID_SEGMENT = 0x18538067, ID_CLUSTER = 0x1F43B675 };

/* Width of a number of variable length by its first byte; 9 when it is none. */
static int ebml_width(uint8_t first)
{
    int n = 1;

    while (n < 9 && !(first & 0x80 >> (n - 1)))
        n++;
    return n;
}

struct element {
    uint64_t id, head, len;
    bool unknown; /* its length */
};

/* False when that is no element. `n` bytes of it are there. */
static bool ebml_parse(const uint8_t *p, int n, struct element *ret)
{
    int id = ebml_width(p[0]), width = id <= 4 && id < n ? ebml_width(p[id]) : 9;

    if (width > 8 || id + width > n)
        return false;
    *ret = (struct element){.id = number(p, id), .head = (uint64_t)(id + width)};
    ret->len = number(p + id, width) & ((1ULL << 7 * width) - 1);
    ret->unknown = ret->len == (1ULL << 7 * width) - 1;
    return true;
}

static bool matroska_is_whole(const struct look *l)
{
    uint8_t head[EBML_HEAD];

    for (int64_t at = 0; at < l->size;) {
        int64_t left = l->size - at, there = left < EBML_HEAD ? left : EBML_HEAD, from = at;
        struct element e;
        if (!bytes_at(l, at, head, (size_t)there))
            return true;
        if (!ebml_parse(head, (int)there, &e))
            return there == EBML_HEAD; /* something else, or the begin of an element */
        if (!e.unknown && !step(l, &at, e.head, e.len))
            return false;
        if (e.id == ID_SEGMENT || (e.id == ID_CLUSTER && e.unknown))
            at = from + (int64_t)e.head;
        else if (e.unknown)
            return true;
    }
    return true;
}

/* Chunks in RIFF lists. Some writers count the head into the length of the whole, so that is not compared
 * exactly. */
static bool avi_is_whole(const struct look *l)
{
    enum { RIFF_HEAD = 12, CHUNK_HEAD = 8 };
    uint8_t head[RIFF_HEAD];
    int64_t at = 0;

    while (bytes_at(l, at, head, CHUNK_HEAD)) {
        uint64_t len = number_le(head + 4, 4);
        if (memcmp(head, "RIFF", 4) == 0) {
            if (len > (uint64_t)(l->size - at) || !step(l, &at, RIFF_HEAD, 0))
                return false;
        } else if (len == 0 && memcmp(head, "LIST", 4) == 0) {
            return true; /* never finished: the film goes to the end */
        } else if (!step(l, &at, CHUNK_HEAD, len)) {
            return false;
        } else {
            at += (int64_t)(len & 1);
        }
    }
    return at >= l->size;
}

static bool riff_is_whole(const struct look *l)
{
    uint8_t head[8];

    return bytes_at(l, 0, head, 8) && number_le(head + 4, 4) + 8 <= (uint64_t)l->size;
}

/* Behind each tag stands how long it was. */
static bool flv_is_whole(const struct look *l)
{
    enum { TAG_HEAD = 11 };
    uint8_t length[4], tag[4];
    int64_t len;

    if (!bytes_at(l, l->size - 4, length, 4))
        return false;
    len = (int64_t)number(length, 4);
    return len > TAG_HEAD && bytes_at(l, l->size - 4 - len, tag, 4) &&
           (int64_t)number(tag + 1, 3) + TAG_HEAD == len;
}

/* The head has an object with the size of the whole file; 0 in a live one. */
static bool asf_is_whole(const struct look *l)
{
    static const uint8_t properties[16] = {0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11,
                                           0x8e, 0xe4, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65};
    uint8_t head[4096];
    size_t n = l->size < (int64_t)sizeof head ? (size_t)l->size : sizeof head;
    const uint8_t *at;

    if (!bytes_at(l, 0, head, n))
        return false;
    at = memmem(head, n, properties, sizeof properties);
    return !at || at + 48 > head + n || number_le(at + 40, 8) <= (uint64_t)l->size;
}

/* Packets of one size; which one, the sync byte of the second tells. */
static bool mpegts_is_whole(const struct look *l)
{
    static const int64_t sizes[][2] = {{188, 0}, {192, 4}, {204, 0}};
    uint8_t first, second;

    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        if (bytes_at(l, sizes[i][1], &first, 1) && first == 0x47 &&
            bytes_at(l, sizes[i][1] + sizes[i][0], &second, 1) && second == 0x47)
            return l->size % sizes[i][0] == 0;
    return true;
}

/* Frames of one size, by the standard of the first. */
static bool dv_is_whole(const struct look *l)
{
    uint8_t head[4];

    return bytes_at(l, 0, head, 4) && l->size % (head[3] & 0x80 ? 144000 : 120000) == 0;
}

/* The index at the end, found by the length in its last bytes. Without one (a film that was piped) nobody can
 * say. */
static bool nut_is_whole(const struct look *l)
{
    static const uint8_t startcode[8] = {0x4e, 0x58, 0xdd, 0x67, 0x2f, 0x23, 0xe6, 0x4e};
    uint8_t length[8], start[8];

    return bytes_at(l, l->size - 12, length, 8) &&
           bytes_at(l, l->size - (int64_t)number(length, 8), start, 8) &&
           memcmp(start, startcode, sizeof startcode) == 0;
}

/* Keys of 16 bytes with lengths as in BER; the first one tells where the last part begins. */
static bool mxf_is_whole(const struct look *l)
{
    enum { KEY = 16, HEAD = KEY + 9, FOOTER = 24 };
    static const uint8_t prefix[4] = {0x06, 0x0e, 0x2b, 0x34};
    uint8_t head[HEAD], footer[8];

    for (int64_t at = 0; at < l->size;) {
        int64_t from = at;
        int width = 0;
        if (!bytes_at(l, at, head, KEY + 1))
            return false;
        if (memcmp(head, prefix, sizeof prefix) != 0)
            return from == 0; /* a few other bytes may be in front */
        if (head[KEY] & 0x80)
            width = head[KEY] & 0x7f;
        if (width > 8 || !bytes_at(l, at, head, KEY + 1 + (size_t)width))
            return false;
        if (!step(l, &at, (uint64_t)(KEY + 1 + width), width ? number(head + KEY + 1, width) : head[KEY]))
            return false;
        if (from == 0 && bytes_at(l, KEY + 1 + width + FOOTER, footer, 8) &&
            number(footer, 8) >= (uint64_t)l->size)
            return false;
    }
    return true;
}

/* A packet that says so ends it. */
static bool gxf_is_whole(const struct look *l)
{
    uint8_t tail[16];

    return bytes_at(l, l->size - 16, tail, 16) && tail[4] == 1 && tail[5] == 0xfb && tail[14] == 0xe1 &&
           tail[15] == 0xe2;
}

static bool wtv_is_whole(const struct look *l)
{
    enum { SECTOR = 4096 };

    return l->size % SECTOR == 0;
}

static bool smjpeg_is_whole(const struct look *l)
{
    uint8_t tail[4];

    return bytes_at(l, l->size - 4, tail, 4) && memcmp(tail, "DONE", 4) == 0;
}

/* Parse units, each with the way to the next; the last one has none. */
static bool dirac_is_whole(const struct look *l)
{
    enum { UNIT_HEAD = 13, TO_NEXT = 5 };
    uint8_t head[UNIT_HEAD];

    for (int64_t at = 0; at < l->size;) {
        uint64_t next;
        if (!bytes_at(l, at, head, UNIT_HEAD))
            return false;
        next = number(head + TO_NEXT, 4);
        if (memcmp(head, "BBCD", 4) != 0 || next == 0)
            return true;
        if (!step(l, &at, 0, next))
            return false;
    }
    return true;
}

/* A format that says nothing at all, and whose decoder does not mind half a picture. */
static bool nobody_can_say(const struct look *l)
{
    (void)l;
    return false;
}

static bool nothing_left(const struct look *l)
{
    return l->packets_end < 0 || l->packets_end >= l->size;
}

/* ---- pictures ---- */

static bool png_is_whole(const struct look *l)
{
    uint8_t head[8];

    for (int64_t at = 8; bytes_at(l, at, head, 8);) {
        if (!step(l, &at, 12, number(head, 4)))
            return false;
        if (memcmp(head + 4, "IEND", 4) == 0)
            return true;
    }
    return false;
}

/* The last byte but for padding; 0 when there is none. */
static uint8_t last_bytes(const struct look *l, uint8_t *ret_before)
{
    uint8_t tail[64] = {0};
    size_t n = l->size < (int64_t)sizeof tail ? (size_t)l->size : sizeof tail;

    *ret_before = 0;
    if (!bytes_at(l, l->size - (int64_t)n, tail, n))
        return 0;
    while (n > 0 && (tail[n - 1] == 0 || tail[n - 1] == '\n' || tail[n - 1] == '\r'))
        n--;
    if (n > 1)
        *ret_before = tail[n - 2];
    return n ? tail[n - 1] : 0;
}

static bool gif_is_whole(const struct look *l)
{
    uint8_t before;

    return last_bytes(l, &before) == ';';
}

static bool jpegs_are_whole(const struct look *l)
{
    uint8_t before;

    return last_bytes(l, &before) == 0xd9 && before == 0xff;
}

/* Where the pixels of a JPEG begin, -1 when there are none. Segments before may hold a small picture of their
 * own. */
static int64_t jpeg_pixels(const struct look *l)
{
    uint8_t head[4];

    for (int64_t at = 2; bytes_at(l, at, head, 4) && head[0] == 0xff;) {
        if (!step(l, &at, 2, number(head + 2, 2)))
            return -1;
        if (head[1] == 0xda)
            return at;
    }
    return -1;
}

/* The end mark behind the pixels; more may follow. */
static bool jpeg_is_whole(const struct look *l)
{
    enum { GULP = 16384 };
    uint8_t piece[GULP];
    int64_t at = jpeg_pixels(l);

    while (at >= 0 && at < l->size - 1) {
        size_t n = l->size - at < GULP ? (size_t)(l->size - at) : GULP;
        if (!bytes_at(l, at, piece, n))
            return false;
        if (memmem(piece, n, "\xff\xd9", 2))
            return true;
        at += (int64_t)n - 1; /* the mark may lie across */
        if (n < GULP)
            return false;
    }
    return false;
}

/* ---- TIFF ---- */

enum { TIFF_ENTRY = 12, TIFF_MAX_ENTRIES = 1000, STRIP_PLACES = 273, STRIP_LENGTHS = 279 };

struct tiff {
    uint64_t (*read)(const uint8_t *p, int n); /* its byte order */
    uint64_t place, length;                    /* of the last strip of pixels; 0 = not seen yet */
};

/* What one entry of the directory refers to is there; notes the last strip. */
static bool entry_is_whole(const struct look *l, struct tiff *t, const uint8_t *entry)
{
    static const uint8_t sizes[] = {1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    uint64_t tag = t->read(entry, 2), type = t->read(entry + 2, 2), n = t->read(entry + 4, 4);
    int size = type < sizeof sizes ? sizes[type] : 1;
    uint8_t last[8] = {0};

    if (n == 0)
        return true;
    if (n * (uint64_t)size <= 4)
        memcpy(last, entry + 8 + (n - 1) * (uint64_t)size, (size_t)size);
    else if (!bytes_at(l, (int64_t)(t->read(entry + 8, 4) + (n - 1) * (uint64_t)size), last, (size_t)size))
        return false;
    if (tag == STRIP_PLACES)
        t->place = t->read(last, size);
    if (tag == STRIP_LENGTHS)
        t->length = t->read(last, size);
    return true;
}

static bool tiff_is_whole(const struct look *l)
{
    uint8_t head[8], entry[TIFF_ENTRY];
    struct tiff t = {0};
    uint64_t n;
    int64_t at;

    if (!bytes_at(l, 0, head, 8))
        return false;
    t.read = head[0] == 'I' ? number_le : number;
    at = (int64_t)t.read(head + 4, 4);
    if (!bytes_at(l, at, head, 2))
        return false;
    n = t.read(head, 2);
    at += 2;
    if (n > TIFF_MAX_ENTRIES ||
        !bytes_at(l, at + TIFF_ENTRY * (int64_t)n, head, 4)) /* where the next one is */
        return false;
    for (uint64_t i = 0; i < n; i++)
        if (!bytes_at(l, at + TIFF_ENTRY * (int64_t)i, entry, TIFF_ENTRY) || !entry_is_whole(l, &t, entry))
            return false;
    return t.place + t.length <= (uint64_t)l->size;
}

static bool bmp_is_whole(const struct look *l)
{
    uint8_t head[6];

    return bytes_at(l, 0, head, 6) && number_le(head + 2, 4) <= (uint64_t)l->size;
}

/* ---- all of them ---- */

static const struct {
    const char *format;
    bool (*is_whole)(const struct look *l);
} formats[] = {
    {"mov,mp4,m4a,3gp,3g2,mj2", mp4_is_whole},
    {"matroska,webm", matroska_is_whole},
    {"avi", avi_is_whole},
    {"flv", flv_is_whole},
    {"live_flv", flv_is_whole},
    {"asf", asf_is_whole},
    {"mpegts", mpegts_is_whole},
    {"dv", dv_is_whole},
    {"dirac", dirac_is_whole},
    {"h261", nobody_can_say},
    {"nut", nut_is_whole},
    {"smjpeg", smjpeg_is_whole},
    {"mxf", mxf_is_whole},
    {"gxf", gxf_is_whole},
    {"wtv", wtv_is_whole},
    {"yuv4mpegpipe", nothing_left},
    {"gif", gif_is_whole},
    {"gif_pipe", gif_is_whole},
    {"apng", png_is_whole},
    {"png_pipe", png_is_whole},
    {"jpeg_pipe", jpeg_is_whole},
    {"mjpeg", jpegs_are_whole},
    {"bmp_pipe", bmp_is_whole},
    {"tiff_pipe", tiff_is_whole},
    {"webp_pipe", riff_is_whole},
};

bool file_is_whole(int fd, const char *format, int64_t packets_end)
{
    struct look l = {.fd = fd, .size = lseek(fd, 0, SEEK_END), .packets_end = packets_end};

    for (size_t i = 0; i < COUNT_OF(formats) && l.size >= 0; i++)
        if (text_is(formats[i].format, format))
            return formats[i].is_whole(&l);
    return true;
}
