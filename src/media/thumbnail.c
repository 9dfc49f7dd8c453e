#include "media/thumbnail.h"

#include <math.h>

#include "base/cleanup.h"
#include "media/jpeg_int.h"

struct thumbnail_opts thumbnail_defaults(void)
{
    return (struct thumbnail_opts){.longest = THUMBNAIL_FACE_SIDE, .quality = THUMBNAIL_QUALITY};
}

/* Of a pixel: what a box misses its edge by when it went through floats. */
static const double tolerance = 1e-3;

/* One side of the region in pixels, at least one of them, cut to the picture. */
struct span {
    int at, n;
};

static struct span span_of(float at, float len, int side)
{
    double from = fmin(fmax(floor((double)at * side + tolerance), 0), side - 1);
    double to = fmin(fmax(ceil(((double)at + (double)len) * side - tolerance), from + 1), side);

    return (struct span){(int)from, (int)(to - from)};
}

static int scaled(int n, int longest, int wanted)
{
    return wanted > 0 && wanted < longest ? (int)fmax(round((double)n * wanted / longest), 1) : n;
}

int thumbnail_make(struct arena *a, const struct picture *bgr, struct box region,
                   const struct thumbnail_opts *opts, struct bytes *ret_jpeg, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct span x = span_of(region.x, region.w, bgr->width), y = span_of(region.y, region.h, bgr->height);
    int longest = x.n > y.n ? x.n : y.n;
    struct picture small = {scaled(x.n, longest, opts->longest), scaled(y.n, longest, opts->longest),
                            bgr->channels, NULL};

    small.pixels = arena_try(scratch, (size_t)small.width * (size_t)small.height * (size_t)small.channels);
    if (!small.pixels)
        return FAIL(err, ERR_LIMIT, "There is no memory for a picture of %dx%d.", small.width, small.height);
    if (picture_scale(bgr, x.at, y.at, x.n, y.n, &small, err) < 0)
        return -1;
    return jpeg_write(a, &small, opts->quality, ret_jpeg, err);
}
