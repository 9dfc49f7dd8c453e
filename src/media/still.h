/* Reads one still image: JPEG, PNG, WebP, BMP, TIFF (its first page), and the first frame of a GIF,
 * recognised by content, never by name. The result is an upright BGR picture: EXIF orientation is applied
 * (JPEG, PNG, WebP, TIFF) unless `as_stored`, alpha lies over white, 16 bits become 8, CMYK becomes RGB by
 * plain arithmetic; colour profiles are ignored.
 *
 * A picture is whole or it is an error: a file that ends early, or whose data is damaged, is never half a
 * picture on grey. Same bytes, same picture. Used inside an analyst: no threads, no files.
 *
 * Errors: ERR_DECODE not an image, cut off or damaged; ERR_UNSUPPORTED an image of a kind that is not read
 * (BigTIFF, HEIC, lossless JPEG ...); ERR_LIMIT over a ceiling; ERR_TIMEOUT the deadline passed; ERR_IO. */
#ifndef ASSAY_MEDIA_STILL_H
#define ASSAY_MEDIA_STILL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "media/image.h"

enum { STILL_MAX_SIDE = 65535 };

struct still_opts {
    int shortest;             /* a picture whose shorter side has this many pixels is enough: a larger one may
                               * be halved several times, which costs a JPEG next to nothing; 0 = full size */
    bool as_stored;           /* EXIF orientation is not applied: blocks of a JPEG stay blocks */
    int64_t max_bytes;        /* of the file; default 64 MiB */
    int64_t max_pixels;       /* as displayed; default 40 million */
    int64_t cpu_us;           /* processor time for it all; default 8 s; 0 = no limit */
    int64_t deadline_mono_us; /* 0 = none */
};
struct still_opts still_defaults(void);

struct still {
    struct picture picture; /* 3 channels, BGR, upright; lives in the arena */
    int width, height;      /* of the whole image as displayed; the picture may be smaller (`shortest`) */
    const char *format;     /* "jpeg", "png", "webp", "gif", "bmp", "tiff" */
};

int still_read(struct arena *a, struct bytes file, const struct still_opts *opts, struct still *ret,
               struct err *err);
/* The bytes of a file at `offset` of a descriptor, into the arena, at most max_bytes (0: any number). */
int still_bytes(struct arena *a, int fd, int64_t offset, int64_t size, int64_t max_bytes, struct bytes *ret,
                struct err *err);
/* The same from `size` bytes at `offset` of a descriptor, read with pread; fd is borrowed. ERR_DECODE when
 * the file ends before. */
int still_read_range(struct arena *a, int fd, int64_t offset, int64_t size, const struct still_opts *opts,
                     struct still *ret, struct err *err);

#endif
