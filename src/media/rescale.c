#include "media/rescale_int.h"

#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "base/text.h"

void rescaler_clear(struct rescaler *r)
{
    sws_freeContext(r->sws);
    r->sws = NULL;
}

bool frame_is_full_range(const AVFrame *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);

    if (f->color_range != AVCOL_RANGE_UNSPECIFIED || !d)
        return f->color_range == AVCOL_RANGE_JPEG;
    return d->nb_components < 3 || text_starts(d->name, "yuvj");
}

static struct raster raster_of(const AVFrame *f)
{
    return (struct raster){
        .width = f->width,
        .height = f->height,
        .format = f->format,
        .space = f->colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : (int)f->colorspace,
        .range = frame_is_full_range(f),
    };
}

static bool same(const struct raster *a, const struct raster *b)
{
    return a->width == b->width && a->height == b->height && a->format == b->format && a->space == b->space &&
           a->range == b->range;
}

/* The colours are set by hand: left alone, swscale knows neither the frame's matrix nor its range. */
static int fit(struct rescaler *r, const struct raster *from, const struct raster *to, struct err *err)
{
    const char *name = av_get_pix_fmt_name(from->format);

    if (r->sws && same(&r->from, from) && same(&r->to, to))
        return 0;
    rescaler_clear(r);
    r->sws = sws_getContext(from->width, from->height, from->format, to->width, to->height, to->format,
                            SWS_BILINEAR, NULL, NULL, NULL);
    if (!r->sws)
        return FAIL(err, ERR_DECODE, "Frames of %dx%d in pixel format %s cannot be scaled.", from->width,
                    from->height, name ? name : "unknown");
    sws_setColorspaceDetails(r->sws, sws_getCoefficients(from->space), from->range,
                             sws_getCoefficients(to->space), to->range, 0, 1 << 16, 1 << 16);
    r->from = *from;
    r->to = *to;
    return 0;
}

int rescale(struct rescaler *r, const struct AVFrame *f, const struct raster *to, uint8_t *const planes[4],
            const int strides[4], struct err *err)
{
    struct raster from = raster_of(f);

    if (fit(r, &from, to, err) < 0)
        return -1;
    if (sws_scale(r->sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height, planes, strides) !=
        to->height)
        return FAIL(err, ERR_DECODE, "A frame of %dx%d could not be scaled.", f->width, f->height);
    return 0;
}
