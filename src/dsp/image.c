/* image: pixels as numbers of 0..1, version 1. Comes in as width, height, then one number 0xRRGGBB for each
 * pixel of each frame; goes out as red, green, blue, or as grey 0.299 r + 0.587 g + 0.114 b (ITU-R BT.601),
 * pixel after pixel, row after row, frame after frame. */
#include <math.h>

#include "dsp/dsp_int.h"

static bool whole(float v, double min, double max)
{
    return (double)v >= min && (double)v <= max && floorf(v) == v;
}

static int check_pixels(const struct dsp_call *c, struct err *err)
{
    for (size_t i = 2; i < c->n; i++)
        if (!whole(c->values[i], 0, 0xffffff))
            return FAIL(err, ERR_INPUT, "Pixel %zu is not a colour from 0x000000 to 0xFFFFFF", i - 2);
    return 0;
}

/* Sets the shape; the rest of dsp_room fills in. */
static int measure(const struct dsp_call *c, size_t *ret_width, size_t *ret_height, size_t *ret_frames,
                   struct err *err)
{
    size_t pixels = c->n - 2, w, h;

    if (c->n < 3 || !whole(c->values[0], 1, DSP_MAX_VALUES) || !whole(c->values[1], 1, DSP_MAX_VALUES))
        return FAIL(err, ERR_INPUT, "A picture begins with its width and height, then come its pixels");
    w = (size_t)c->values[0];
    h = (size_t)c->values[1];
    if (w > pixels || h > pixels / w || pixels % (w * h) != 0)
        return FAIL(err, ERR_INPUT, "%zu pixels are no frames of %zu x %zu", pixels, w, h);
    *ret_width = w;
    *ret_height = h;
    *ret_frames = pixels / (w * h);
    return check_pixels(c, err);
}

static void put_pixel(struct dsp_call *c, unsigned rgb)
{
    double r = rgb >> 16, g = rgb >> 8 & 0xff, b = rgb & 0xff;

    if (c->s->image.channels == DSP_GREY) {
        dsp_put(c, 0.299 / 255 * r + 0.587 / 255 * g + 0.114 / 255 * b);
        return;
    }
    dsp_put(c, r / 255);
    dsp_put(c, g / 255);
    dsp_put(c, b / 255);
}

static int image_run(struct dsp_call *c, struct err *err)
{
    size_t width, height, frames, channels = c->s->image.channels == DSP_GREY ? 1 : 3;

    if (measure(c, &width, &height, &frames, err) < 0 || dsp_room(c, (c->n - 2) * channels, err) < 0)
        return -1;
    c->out.width = width;
    c->out.height = height;
    c->out.frames = frames;
    c->out.channels = channels;
    for (size_t i = 2; i < c->n; i++)
        put_pixel(c, (unsigned)c->values[i]);
    return 0;
}

static const char *const channel_names[] = {"RGB", "Grayscale", NULL};

static const struct dsp_param image_params[] = {
    {"channels", DSP_CHOICE, offsetof(struct dsp_settings, image.channels), 0, 0, DSP_RGB, channel_names},
};

const struct dsp_block dsp_block_image = {
    .name = "image",
    .newest = 1,
    .one_axis = true,
    .any_frequency = true,
    .params = image_params,
    .nparams = COUNT_OF(image_params),
    .run = image_run,
};
