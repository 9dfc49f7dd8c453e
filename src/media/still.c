#include "media/still.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "media/exif_int.h"
#include "media/resample_int.h"
#include "media/still_int.h"
#include "media/turn_int.h"

enum { CHANNELS = 3, MOST_HALVED = 8 };

struct still_opts still_defaults(void)
{
    return (struct still_opts){.max_bytes = 64 << 20, .max_pixels = 40000000, .cpu_us = 8000000};
}

/* ---- ceilings ---- */

int still_on_time(const struct still_work *w, struct err *err)
{
    if (w->opts.deadline_mono_us && clock_mono_us() >= w->opts.deadline_mono_us)
        return FAIL(err, ERR_TIMEOUT, "The deadline passed while the image was read.");
    if (w->cpu_until_us && clock_cpu_us() >= w->cpu_until_us)
        return FAIL(err, ERR_LIMIT, "The image takes more than %.1f s of processor time.",
                    (double)w->opts.cpu_us / 1e6);
    return 0;
}

int still_check_size(const struct still_work *w, int64_t width, int64_t height, struct err *err)
{
    if (width < 1 || height < 1)
        return FAIL(err, ERR_DECODE, "The image says that it has no pixels.");
    if (width > STILL_MAX_SIDE || height > STILL_MAX_SIDE || width * height > w->opts.max_pixels)
        return FAIL(err, ERR_LIMIT,
                    "An image of %lldx%lld is over the ceiling of %lld pixels, or of %d a side.",
                    (long long)width, (long long)height, (long long)w->opts.max_pixels, STILL_MAX_SIDE);
    return 0;
}

int still_divisor(const struct still_work *w, int width, int height)
{
    int shorter = width < height ? width : height, divisor = MOST_HALVED;

    if (w->opts.shortest <= 0)
        return 1;
    while (divisor > 1 && (shorter + divisor - 1) / divisor < w->opts.shortest)
        divisor /= 2;
    return divisor;
}

int still_room(const struct still_work *w, int width, int height, bool final, struct picture *ret,
               struct err *err)
{
    size_t n = (size_t)width * (size_t)height * CHANNELS;
    uint8_t *pixels = arena_try(final ? w->arena : w->scratch, n);

    if (!pixels)
        return FAIL(err, ERR_LIMIT, "There is no memory for an image of %dx%d.", width, height);
    *ret = (struct picture){width, height, CHANNELS, pixels};
    return 0;
}

/* ---- which format ---- */

static const struct still_format *const formats[] = {&still_jpeg, &still_png, &still_webp,
                                                     &still_gif,  &still_bmp, &still_tiff};

/* Images of kinds that are not read, so that they are not called damaged. */
static const struct {
    size_t at;
    const char *magic;
    size_t len;
    const char *name;
} strangers[] = {
    {0, "II+\0", 4, "BigTIFF"},
    {0, "MM\0+", 4, "BigTIFF"},
    {4, "ftypheic", 8, "HEIC"},
    {4, "ftypheix", 8, "HEIC"},
    {4, "ftypmif1", 8, "HEIF"},
    {4, "ftypmsf1", 8, "HEIF"},
    {4, "ftypavif", 8, "AVIF"},
    {4, "ftypavis", 8, "AVIF"},
    {4, "jP  \r\n\x87\n", 8, "JPEG 2000"},
    {4, "JXL \r\n\x87\n", 8, "JPEG XL"},
    {0, "\xff\x0a", 2, "JPEG XL"},
    {0, "8BPS", 4, "Photoshop"},
    {0, "%PDF-", 5, "PDF"},
    {0, "<svg", 4, "SVG"},
    {0, "\0\0\1\0", 4, "icon"},
};

static const struct still_format *format_of(struct bytes file)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (formats[i]->is(file))
            return formats[i];
    return NULL;
}

static int fail_unknown(struct bytes file, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(strangers); i++)
        if (file.len >= strangers[i].at + strangers[i].len &&
            memcmp(file.data + strangers[i].at, strangers[i].magic, strangers[i].len) == 0)
            return FAIL(err, ERR_UNSUPPORTED,
                        "%s images are not read here. Send JPEG, PNG, WebP, GIF, BMP or TIFF.",
                        strangers[i].name);
    if (file.len == 0)
        return FAIL(err, ERR_DECODE, "The image is empty.");
    return FAIL(err, ERR_DECODE, "This is not an image. Send JPEG, PNG, WebP, GIF, BMP or TIFF.");
}

/* ---- smaller and upright ---- */

static int make_smaller(const struct still_work *w, struct still_raw *raw, struct err *err)
{
    struct picture *p = &raw->picture, small;
    int divisor = still_divisor(w, raw->width, raw->height);

    if (divisor == 1 || p->width < raw->width || p->height < raw->height) /* a JPEG is small already */
        return 0;
    if (still_room(w, (p->width + divisor - 1) / divisor, (p->height + divisor - 1) / divisor,
                   raw->orientation == 1, &small, err) < 0)
        return -1;
    resample(p, 0, 0, p->width, p->height, &small);
    *p = small;
    return 0;
}

static void mirror(struct picture *p)
{
    for (int y = 0; y < p->height; y++) {
        uint8_t *left = p->pixels + (size_t)y * (size_t)p->width * CHANNELS;
        uint8_t *right = left + (size_t)(p->width - 1) * CHANNELS;

        for (; left < right; left += CHANNELS, right -= CHANNELS)
            for (int c = 0; c < CHANNELS; c++) {
                uint8_t v = left[c];

                left[c] = right[c];
                right[c] = v;
            }
    }
}

static int make_upright(const struct still_work *w, struct still_raw *raw, struct err *err)
{
    struct orientation o = orientation_of(raw->orientation);
    struct picture *p = &raw->picture, turned;
    bool sideways = o.degrees % 180 != 0;

    if (raw->orientation == 1)
        return 0;
    if (o.mirror)
        mirror(p);
    if (still_room(w, sideways ? p->height : p->width, sideways ? p->width : p->height, true, &turned, err) <
        0)
        return -1;
    turn(&(struct plane){p->pixels, p->width * CHANNELS, p->width, p->height, CHANNELS}, o.degrees,
         turned.pixels, turned.width * CHANNELS);
    *p = turned;
    return 0;
}

int still_read(struct arena *a, struct bytes file, const struct still_opts *opts, struct still *ret,
               struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct still_work w = {a, scratch, *opts, opts->cpu_us > 0 ? clock_cpu_us() + opts->cpu_us : 0};
    const struct still_format *format = format_of(file);
    struct still_raw raw = {.orientation = 1};
    bool sideways;

    if (opts->max_bytes > 0 && file.len > (uint64_t)opts->max_bytes)
        return FAIL(err, ERR_LIMIT, "The image has more than %lld bytes.", (long long)opts->max_bytes);
    if (!format)
        return fail_unknown(file, err);
    if (still_on_time(&w, err) < 0 || format->read(&w, file, &raw, err) < 0 ||
        make_smaller(&w, &raw, err) < 0 || make_upright(&w, &raw, err) < 0 || still_on_time(&w, err) < 0)
        return -1;
    sideways = orientation_of(raw.orientation).degrees % 180 != 0;
    *ret = (struct still){raw.picture, sideways ? raw.height : raw.width, sideways ? raw.width : raw.height,
                          format->name};
    return 0;
}

/* ---- from a descriptor ---- */

static int read_all(int fd, int64_t offset, uint8_t *to, int64_t size, struct err *err)
{
    while (size > 0) {
        ssize_t n = pread(fd, to, (size_t)size, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(err, "The image cannot be read");
        if (n == 0)
            return FAIL(err, ERR_DECODE, "The image was cut off: %lld bytes are missing.", (long long)size);
        to += n;
        offset += n;
        size -= n;
    }
    return 0;
}

int still_bytes(struct arena *a, int fd, int64_t offset, int64_t size, int64_t max_bytes, struct bytes *ret,
                struct err *err)
{
    uint8_t *bytes;

    if (offset < 0 || size < 0)
        return FAIL(err, ERR_INTERNAL, "An image cannot begin at %lld with %lld bytes.", (long long)offset,
                    (long long)size);
    if (max_bytes > 0 && size > max_bytes)
        return FAIL(err, ERR_LIMIT, "The image has more than %lld bytes.", (long long)max_bytes);
    if (!(bytes = arena_try(a, (size_t)size)))
        return FAIL(err, ERR_LIMIT, "There is no memory for an image of %lld bytes.", (long long)size);
    if (read_all(fd, offset, bytes, size, err) < 0)
        return -1;
    *ret = bytes_of(bytes, (size_t)size);
    return 0;
}

int still_read_range(struct arena *a, int fd, int64_t offset, int64_t size, const struct still_opts *opts,
                     struct still *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct bytes file;

    if (still_bytes(scratch, fd, offset, size, opts->max_bytes, &file, err) < 0)
        return -1;
    return still_read(a, file, opts, ret, err);
}
