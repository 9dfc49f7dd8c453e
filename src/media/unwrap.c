#include "media/unwrap_int.h"

#include <string.h>

#include "base/hash.h"
#include "media/exif_int.h"

#define CUT_OFF(err, name) FAIL(err, ERR_DECODE, "The %s image was cut off: its end is missing.", name)

/* ---- reading and writing numbers ---- */

static uint32_t little(const uint8_t *p, int bytes)
{
    uint32_t v = 0;

    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_little(uint8_t *p, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* A small file that is put together; room for all of the original and a new header. */
struct core {
    uint8_t *data;
    size_t len;
};

static int core_new(struct arena *a, struct bytes file, struct core *ret, struct err *err)
{
    enum { HEADER = 64 };

    ret->len = 0;
    ret->data = arena_try(a, file.len + HEADER);
    return ret->data ? 0 : FAIL(err, ERR_LIMIT, "There is no memory for an image of %zu bytes.", file.len);
}

static void core_add(struct core *c, const void *data, size_t n)
{
    memcpy(c->data + c->len, data, n);
    c->len += n;
}

/* ---- PNG: chunks of length, type, data, checksum ---- */

enum { PNG_SIGNATURE = 8, PNG_FRAME = 12, PNG_IHDR = 13 };

static bool png_needs(const uint8_t *type)
{
    static const char *const needed[] = {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"};

    for (size_t i = 0; i < COUNT_OF(needed); i++)
        if (memcmp(type, needed[i], 4) == 0)
            return true;
    return false;
}

static int png_chunk(const uint8_t *at, size_t len, struct core *core, struct unwrapped *ret, struct err *err)
{
    const uint8_t *type = at + 4, *data = at + 8;

    if (memcmp(type, "eXIf", 4) == 0)
        ret->orientation = exif_orientation(bytes_of(data, len));
    if (!png_needs(type))
        return 0;
    if (hash_crc32(bytes_of(type, len + 4)) != big32(data + len))
        return FAIL(err, ERR_DECODE, "The PNG image is damaged: a checksum does not fit.");
    core_add(core, at, len + PNG_FRAME);
    return 0;
}

int unwrap_png(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err)
{
    const uint8_t *at = file.data + PNG_SIGNATURE, *end = file.data + file.len;
    struct core core;

    *ret = (struct unwrapped){.orientation = 1};
    if (core_new(a, file, &core, err) < 0)
        return -1;
    core_add(&core, file.data, PNG_SIGNATURE);
    if (end - at < PNG_FRAME + PNG_IHDR)
        return CUT_OFF(err, "PNG");
    if (big32(at) != PNG_IHDR || memcmp(at + 4, "IHDR", 4) != 0)
        return FAIL(err, ERR_DECODE, "The PNG image is damaged: it does not begin with its header.");
    ret->width = big32(at + 8);
    ret->height = big32(at + 12);
    for (;;) {
        size_t len, left = (size_t)(end - at);

        if (left < PNG_FRAME || (len = big32(at)) > left - PNG_FRAME)
            return CUT_OFF(err, "PNG");
        if (png_chunk(at, len, &core, ret, err) < 0)
            return -1;
        if (memcmp(at + 4, "IEND", 4) == 0)
            break;
        at += len + PNG_FRAME;
    }
    ret->core = bytes_of(core.data, core.len);
    return 0;
}

/* ---- WebP: a RIFF file ---- */

enum { RIFF_HEADER = 12, RIFF_FRAME = 8, VP8X_LEN = 10, ANMF_HEADER = 16, VP8X_ALPHA = 0x10 };

struct webp {
    struct bytes x, alpha, lossy, lossless, exif, frame; /* data of the chunks; NULL = not there */
};

static struct bytes *webp_place(struct webp *w, const uint8_t *type)
{
    const struct {
        const char *type;
        struct bytes *to;
    } places[] = {
        {"VP8X", &w->x},        {"ALPH", &w->alpha}, {"VP8 ", &w->lossy},
        {"VP8L", &w->lossless}, {"EXIF", &w->exif},  {"ANMF", &w->frame},
    };

    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (memcmp(type, places[i].type, 4) == 0)
            return places[i].to;
    return NULL;
}

/* The first chunk of each kind; -1 when the last one is cut. */
static int webp_chunks(struct bytes b, struct webp *w)
{
    size_t at = 0;

    while (b.len - at >= RIFF_FRAME) {
        size_t len = little(b.data + at + 4, 4);
        struct bytes *to = webp_place(w, b.data + at);

        if (len > b.len - at - RIFF_FRAME)
            return -1;
        if (to && !to->data)
            *to = bytes_of(b.data + at + RIFF_FRAME, len);
        at += RIFF_FRAME + len;
        at += (len & 1) && at < b.len;
    }
    return at == b.len ? 0 : -1;
}

/* Of an animation, the first frame takes the place of the picture. */
static int webp_first_frame(struct webp *w, struct err *err)
{
    const uint8_t *f = w->frame.data;

    if (!f || w->lossy.data || w->lossless.data)
        return 0;
    if (w->frame.len < ANMF_HEADER || w->x.len < VP8X_LEN)
        return FAIL(err, ERR_DECODE, "The WebP image is damaged: a frame lacks its header.");
    if (little(f, 3) || little(f + 3, 3) || little(f + 6, 3) != little(w->x.data + 4, 3) ||
        little(f + 9, 3) != little(w->x.data + 7, 3))
        return FAIL(err, ERR_UNSUPPORTED,
                    "An animated WebP image whose first frame does not fill it is not read here.");
    if (webp_chunks(bytes_of(f + ANMF_HEADER, w->frame.len - ANMF_HEADER), w) < 0)
        return FAIL(err, ERR_DECODE, "The WebP image is damaged: its first frame is cut.");
    return 0;
}

/* The size as the picture's own header has it; the decoder goes by that one, too. */
static int webp_size(const struct webp *w, struct unwrapped *ret, struct err *err)
{
    if (w->lossy.len >= 10) {
        ret->width = little(w->lossy.data + 6, 2) & 0x3fff;
        ret->height = little(w->lossy.data + 8, 2) & 0x3fff;
    } else if (w->lossless.len >= 5) {
        uint32_t bits = little(w->lossless.data + 1, 4);

        ret->width = (bits & 0x3fff) + 1;
        ret->height = (bits >> 14 & 0x3fff) + 1;
    } else {
        return FAIL(err, ERR_DECODE, "The WebP image is damaged: there is no picture in it.");
    }
    return 0;
}

static void webp_add(struct core *c, const char *type, struct bytes b)
{
    uint8_t len[4];

    if (!b.data)
        return;
    put_little(len, (uint32_t)b.len, 4);
    core_add(c, type, 4);
    core_add(c, len, 4);
    core_add(c, b.data, b.len);
    if (b.len & 1)
        core_add(c, "", 1);
}

static void webp_build(struct core *c, const struct webp *w, const struct unwrapped *u)
{
    uint8_t x[VP8X_LEN] = {VP8X_ALPHA};

    put_little(x + 4, (uint32_t)u->width - 1, 3);
    put_little(x + 7, (uint32_t)u->height - 1, 3);
    core_add(c, "RIFF\0\0\0\0WEBP", RIFF_HEADER);
    if (w->lossy.data && w->alpha.data) {
        webp_add(c, "VP8X", bytes_of(x, sizeof x));
        webp_add(c, "ALPH", w->alpha);
    }
    if (w->lossy.data)
        webp_add(c, "VP8 ", w->lossy);
    else
        webp_add(c, "VP8L", w->lossless);
    put_little(c->data + 4, (uint32_t)(c->len - RIFF_FRAME), 4);
}

int unwrap_webp(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err)
{
    uint64_t len = (uint64_t)little(file.data + 4, 4) + RIFF_FRAME;
    struct webp w = {0};
    struct core core;

    *ret = (struct unwrapped){.orientation = 1};
    if (len > file.len)
        return CUT_OFF(err, "WebP");
    if (len < RIFF_HEADER ||
        webp_chunks(bytes_of(file.data + RIFF_HEADER, (size_t)len - RIFF_HEADER), &w) < 0)
        return FAIL(err, ERR_DECODE, "The WebP image is damaged: its parts do not fill it.");
    if (webp_first_frame(&w, err) < 0 || webp_size(&w, ret, err) < 0 || core_new(a, file, &core, err) < 0)
        return -1;
    ret->orientation = exif_orientation(w.exif);
    if (ret->width > 0 && ret->height > 0)
        webp_build(&core, &w, ret);
    ret->core = bytes_of(core.data, core.len);
    return 0;
}

/* ---- GIF: blocks up to a trailer ---- */

enum { GIF_HEADER = 13, GIF_IMAGE = 9, GIF_TABLE_FLAG = 0x80, GIF_TABLE_BITS = 7 };

static size_t gif_table(uint8_t flags)
{
    return flags & GIF_TABLE_FLAG ? (size_t)3 << ((flags & GIF_TABLE_BITS) + 1) : 0;
}

/* Moves on by n bytes, or to the end. */
static bool advance(struct bytes b, size_t *at, size_t n)
{
    if (n > b.len - *at)
        return false;
    *at += n;
    return true;
}

/* Pieces of up to 255 bytes, the last one empty. */
static bool gif_pieces(struct bytes b, size_t *at)
{
    while (*at < b.len) {
        uint8_t n = b.data[*at];

        if (!advance(b, at, 1 + (size_t)n))
            return false;
        if (n == 0)
            return true;
    }
    return false;
}

static bool gif_image(struct bytes b, size_t *at)
{
    size_t head = *at;

    return advance(b, at, GIF_IMAGE) && advance(b, at, gif_table(b.data[head + GIF_IMAGE - 1]) + 1) &&
           gif_pieces(b, at);
}

/* Over all blocks; *ret_first is where the first image ends, 0 when there is none. False when the trailer is
 * missing. */
static bool gif_blocks(struct bytes b, size_t at, size_t *ret_first)
{
    while (at < b.len) {
        uint8_t kind = b.data[at++];

        if (kind == ';')
            return true;
        if (kind == '!' ? !advance(b, &at, 1) || !gif_pieces(b, &at) : kind != ',' || !gif_image(b, &at))
            return false;
        if (kind == ',' && !*ret_first)
            *ret_first = at;
    }
    return false;
}

int unwrap_gif(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err)
{
    size_t at = 0, first = 0;

    (void)a;
    *ret = (struct unwrapped){.orientation = 1};
    if (file.len < GIF_HEADER || !advance(file, &at, GIF_HEADER + gif_table(file.data[10])) ||
        !gif_blocks(file, at, &first))
        return FAIL(err, ERR_DECODE,
                    "The GIF image was cut off or is damaged: it does not go on to its end.");
    if (!first)
        return FAIL(err, ERR_DECODE, "There is no image in the GIF file.");
    ret->width = little(file.data + 6, 2);
    ret->height = little(file.data + 8, 2);
    ret->core = bytes_of(file.data, first);
    return 0;
}

/* ---- BMP: a header and rows ---- */

enum {
    BMP_HEADER = 14,
    BMP_OLD_INFO = 12, /* of OS/2: sizes of 16 bits */
    BMP_INFO = 40,
    BMP_RGB = 0,
    BMP_RLE8 = 1,
    BMP_RLE4 = 2,
    BMP_FIELDS = 3,
};

struct bmp {
    uint32_t offset, bits, compression, data_len;
    int64_t width, height;
};

static int bmp_header(struct bytes file, struct bmp *ret)
{
    const uint8_t *h = file.data + BMP_HEADER;
    uint32_t info = file.len >= BMP_HEADER + 4 ? little(h, 4) : 0;

    if (info == BMP_OLD_INFO && file.len >= BMP_HEADER + BMP_OLD_INFO)
        *ret = (struct bmp){.width = little(h + 4, 2), .height = little(h + 6, 2), .bits = little(h + 10, 2)};
    else if (info >= BMP_INFO && file.len >= BMP_HEADER + BMP_INFO)
        *ret = (struct bmp){.width = (int32_t)little(h + 4, 4),
                            .height = (int32_t)little(h + 8, 4),
                            .bits = little(h + 14, 2),
                            .compression = little(h + 16, 4),
                            .data_len = little(h + 20, 4)};
    else
        return -1;
    ret->offset = little(file.data + 10, 4);
    ret->height = ret->height < 0 ? -ret->height : ret->height; /* then it is stored from the top */
    return 0;
}

/* Bytes of the picture: rows of whole words, or what the header says and an end mark. */
static bool bmp_is_whole(struct bytes file, const struct bmp *b)
{
    uint64_t row = ((uint64_t)b->width * b->bits + 31) / 32 * 4, need = row * (uint64_t)b->height;

    if (b->compression != BMP_RLE8 && b->compression != BMP_RLE4)
        return b->offset <= file.len && need <= file.len - b->offset;
    return b->data_len >= 2 && b->offset <= file.len && b->data_len <= file.len - b->offset &&
           memcmp(file.data + b->offset + b->data_len - 2, "\0\1", 2) == 0;
}

int unwrap_bmp(struct arena *a, struct bytes file, struct unwrapped *ret, struct err *err)
{
    struct bmp b;

    (void)a;
    *ret = (struct unwrapped){.orientation = 1, .core = file};
    if (bmp_header(file, &b) < 0)
        return CUT_OFF(err, "BMP");
    if (b.compression > BMP_FIELDS || b.bits > 32)
        return FAIL(err, ERR_UNSUPPORTED, "A BMP image of kind %u is not read here.", b.compression);
    if (b.width < 1 || b.width > INT32_MAX || b.height < 1 || b.height > INT32_MAX)
        return FAIL(err, ERR_DECODE, "The BMP image says that it has no pixels.");
    if (!bmp_is_whole(file, &b))
        return CUT_OFF(err, "BMP");
    ret->width = b.width;
    ret->height = b.height;
    return 0;
}
