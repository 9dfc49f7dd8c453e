#include "media/image.h"

#include <libavutil/frame.h>
#include <libswscale/swscale.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "media/fdio_int.h"
#include "media/resample_int.h"
#include "media/rescale_int.h"
#include "media/turn_int.h"

/* swscale's assembly reads and writes whole vectors: every buffer it touches gets aligned rows and room
 * behind. */
enum { ALIGN = 64, MAX_SIDE = 8192 };

struct scratch {
    uint8_t *data;
    size_t size;
    int stride;
};

/* What one kind of picture needs between frames. */
struct target {
    struct rescaler rescaler;
    struct scratch out; /* scaled, not yet upright */
    uint8_t *pixels;    /* upright and packed: the picture handed out */
    uint8_t *before;    /* the one handed out before it, still in the caller's hands */
    size_t size, before_size;
};

struct scaler {
    struct target bgr, luma;
};

struct scaler *scaler_new(void)
{
    struct scaler *s = mem_alloc(sizeof *s);

    libav_setup();
    return s;
}

static void target_clear(struct target *t)
{
    rescaler_clear(&t->rescaler);
    freep(&t->out.data);
    freep(&t->pixels);
    freep(&t->before);
}

void scaler_freep(struct scaler **s)
{
    struct scaler *gone = TAKE(*s);

    if (!gone)
        return;
    target_clear(&gone->bgr);
    target_clear(&gone->luma);
    freep(&gone);
}

static void grow(uint8_t **data, size_t *size, size_t need)
{
    if (*size >= need)
        return;
    *data = mem_resize(*data, need, 1);
    *size = need;
}

static void scratch_fit(struct scratch *s, int width, int height, int channels)
{
    s->stride = (width * channels + ALIGN - 1) / ALIGN * ALIGN;
    grow(&s->data, &s->size, (size_t)s->stride * (size_t)height + ALIGN);
}

static int check_side(int width, int height, struct err *err)
{
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        return FAIL(err, ERR_LIMIT, "A picture of %dx%d is not possible: each side must be 1 to %d pixels.",
                    width, height, MAX_SIDE);
    return 0;
}

static void keep_last(struct target *t)
{
    uint8_t *oldest = t->before;
    size_t size = t->before_size;

    t->before = t->pixels;
    t->before_size = t->size;
    t->pixels = oldest;
    t->size = size;
}

static int scale(struct target *t, const AVFrame *f, int rotation, struct picture *want,
                 enum AVPixelFormat format, struct err *err)
{
    bool sideways = rotation % 180 != 0;
    const struct raster flat = {
        .width = sideways ? want->height : want->width,
        .height = sideways ? want->width : want->height,
        .format = format,
        .space = SWS_CS_DEFAULT,
        .range = 1,
    };

    if (check_side(want->width, want->height, err) < 0)
        return -1;
    keep_last(t);
    scratch_fit(&t->out, flat.width, flat.height, want->channels);
    grow(&t->pixels, &t->size, (size_t)want->width * (size_t)want->height * (size_t)want->channels + ALIGN);
    if (rescale(&t->rescaler, f, &flat, (uint8_t *const[4]){t->out.data}, (const int[4]){t->out.stride},
                err) < 0)
        return -1;
    want->pixels = t->pixels;
    turn(&(struct plane){t->out.data, t->out.stride, flat.width, flat.height, want->channels}, rotation,
         want->pixels, want->width * want->channels);
    return 0;
}

int scaler_bgr(struct scaler *s, const struct AVFrame *av, int rotation, int width, int height,
               struct picture *ret, struct err *err)
{
    struct picture p = {.width = width, .height = height, .channels = 3};

    if (scale(&s->bgr, av, rotation, &p, AV_PIX_FMT_BGR24, err) < 0)
        return -1;
    *ret = p;
    return 0;
}

int scaler_luma(struct scaler *s, const struct AVFrame *av, int rotation, int width, int height,
                struct picture *ret, struct err *err)
{
    struct picture p = {.width = width, .height = height, .channels = 1};

    if (scale(&s->luma, av, rotation, &p, AV_PIX_FMT_GRAY8, err) < 0)
        return -1;
    *ret = p;
    return 0;
}

static int check_region(const struct picture *src, int x, int y, int w, int h, const struct picture *dst,
                        struct err *err)
{
    if (src->channels != dst->channels || x < 0 || y < 0 || w < 1 || h < 1 || x > src->width - w ||
        y > src->height - h)
        return FAIL(err, ERR_INTERNAL, "The region %d,%d %dx%d is not inside a picture of %dx%d.", x, y, w, h,
                    src->width, src->height);
    return check_side(dst->width, dst->height, err);
}

int picture_scale(const struct picture *src, int x, int y, int w, int h, struct picture *dst, struct err *err)
{
    if (check_region(src, x, y, w, h, dst, err) < 0)
        return -1;
    resample(src, x, y, w, h, dst);
    return 0;
}

void picture_luma(const struct picture *bgr, struct picture *dst)
{
    size_t n = (size_t)bgr->width * (size_t)bgr->height;

    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = bgr->pixels + 3 * i;

        dst->pixels[i] = (uint8_t)((29 * p[0] + 150 * p[1] + 77 * p[2]) >> 8);
    }
}
