#include "infer/fit_int.h"

#include <math.h>

#include "base/text.h"

enum { CHANNELS = 3 };

struct fitter {
    struct model *model;
    struct picture scaled;      /* as large as the model's input */
    int filled_w, filled_h;     /* what the last picture covered; the rest is padding already */
    float level[CHANNELS][256]; /* pixel value -> input value, per channel of the model */
};

struct fitter *fitter_new(struct arena *a, struct model *m)
{
    const struct card_input *in = &model_card(m)->input;
    struct fitter *f = arena_alloc(a, sizeof *f);

    f->model = m;
    f->scaled = (struct picture){in->width, in->height, CHANNELS,
                                 arena_alloc(a, (size_t)in->width * (size_t)in->height * CHANNELS)};
    for (int c = 0; c < CHANNELS; c++)
        for (int v = 0; v < 256; v++)
            f->level[c][v] = (float)((v * in->scale - in->mean[c]) / in->std[c]);
    return f;
}

/* ---- where the picture goes ---- */

static struct placement letterbox(const struct card_input *in, int width, int height)
{
    double scale = fmin((double)in->width / width, (double)in->height / height);

    return (struct placement){0,
                              0,
                              width,
                              height,
                              (int)fmin(fmax(width * scale, 1), in->width),
                              (int)fmin(fmax(height * scale, 1), in->height)};
}

static struct placement stretch(const struct card_input *in, int width, int height)
{
    return (struct placement){0, 0, width, height, in->width, in->height};
}

static struct placement centre_crop(const struct card_input *in, int width, int height)
{
    double scale = in->crop * fmin((double)width / in->width, (double)height / in->height);
    int w = (int)fmin(fmax(round(in->width * scale), 1), width);
    int h = (int)fmin(fmax(round(in->height * scale), 1), height);

    return (struct placement){(width - w) / 2, (height - h) / 2, w, h, in->width, in->height};
}

static const struct {
    const char *name;
    struct placement (*place)(const struct card_input *in, int width, int height);
} fits[] = {
    {"letterbox-topleft", letterbox},
    {"stretch", stretch},
    {"centre-crop", centre_crop},
};

struct placement placement_of(const struct card_input *in, int width, int height)
{
    for (size_t i = 0; i < COUNT_OF(fits); i++)
        if (text_is(fits[i].name, in->fit))
            return fits[i].place(in, width, height);
    return stretch(in, width, height);
}

/* ---- numbers ---- */

static void pad(struct fitter *f, struct tensor input)
{
    int pad_level = model_card(f->model)->input.pad;
    size_t plane = (size_t)f->scaled.width * (size_t)f->scaled.height;

    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t i = 0; i < plane; i++)
            input.data[c * plane + i] = f->level[c][pad_level];
}

/* Interleaved bytes to the model's planes of floats. */
void fitter_fill(struct fitter *f, const struct picture *bgr)
{
    struct tensor input = model_input(f->model);
    size_t width = (size_t)f->scaled.width, plane = width * (size_t)f->scaled.height;
    bool swap = text_is(model_card(f->model)->input.order, "rgb");

    for (size_t c = 0; c < CHANNELS; c++) {
        const float *level = f->level[c];
        const uint8_t *from = bgr->pixels + (swap ? CHANNELS - 1 - c : c);

        for (size_t y = 0; y < (size_t)bgr->height; y++) {
            float *row = input.data + c * plane + y * width;
            for (size_t x = 0; x < (size_t)bgr->width; x++, from += CHANNELS)
                row[x] = level[*from];
        }
    }
}

int fitter_put(struct fitter *f, const struct picture *bgr, struct placement *ret, struct err *err)
{
    struct placement p = placement_of(&model_card(f->model)->input, bgr->width, bgr->height);
    struct picture scaled = {p.to_w, p.to_h, CHANNELS, f->scaled.pixels};

    if (f->filled_w != p.to_w || f->filled_h != p.to_h)
        pad(f, model_input(f->model));
    f->filled_w = p.to_w;
    f->filled_h = p.to_h;
    *ret = p;
    if (p.w == bgr->width && p.h == bgr->height && p.to_w == p.w && p.to_h == p.h) {
        fitter_fill(f, bgr);
        return 0;
    }
    if (picture_scale(bgr, p.x, p.y, p.w, p.h, &scaled, err) < 0)
        return -1;
    fitter_fill(f, &scaled);
    return 0;
}
