#include "infer/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { NMS_MAX = 1000, CHANNELS = 3 };

/* Size of the picture inside the model's input. */
struct size {
    int w, h;
};

struct detector {
    struct arena *arena;
    struct model *model;
    struct picture fitted;      /* as large as the model's input */
    struct size filled;         /* part of the input that the last picture covered; the rest is padding */
    float level[CHANNELS][256]; /* pixel value -> input value, per channel of the model */
    struct raw_box *boxes;      /* one per output cell */
};

/* ---- input ---- */

struct detector *detector_new(struct arena *a, struct model *m)
{
    const struct card *card = model_card(m);
    const struct card_input *in = &card->input;
    struct detector *d = arena_alloc(a, sizeof *d);

    d->arena = a;
    d->model = m;
    d->fitted = (struct picture){in->width, in->height, CHANNELS,
                                 arena_alloc(a, (size_t)in->width * (size_t)in->height * CHANNELS)};
    for (int c = 0; c < CHANNELS; c++)
        for (int v = 0; v < 256; v++)
            d->level[c][v] = (float)((v * in->scale - in->mean[c]) / in->std[c]);
    return d;
}

static struct size fit(const struct card_input *in, const struct picture *pic)
{
    double scale = fmin((double)in->width / pic->width, (double)in->height / pic->height);

    if (text_is(in->fit, "stretch"))
        return (struct size){in->width, in->height};
    return (struct size){(int)fmin(fmax(pic->width * scale, 1), in->width),
                         (int)fmin(fmax(pic->height * scale, 1), in->height)};
}

static void pad(struct detector *d, struct tensor input)
{
    int pad_level = model_card(d->model)->input.pad;
    size_t plane = (size_t)d->fitted.width * (size_t)d->fitted.height;

    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t i = 0; i < plane; i++)
            input.data[c * plane + i] = d->level[c][pad_level];
}

/* Interleaved bytes to the model's planes of floats. The picture is BGR. */
static void fill(struct detector *d, struct tensor input, const struct picture *pic)
{
    size_t width = (size_t)d->fitted.width, plane = width * (size_t)d->fitted.height;
    bool swap = text_is(model_card(d->model)->input.order, "rgb");

    for (size_t c = 0; c < CHANNELS; c++) {
        const float *level = d->level[c];
        const uint8_t *from = pic->pixels + (swap ? CHANNELS - 1 - c : c);

        for (size_t y = 0; y < (size_t)pic->height; y++) {
            float *row = input.data + c * plane + y * width;
            for (size_t x = 0; x < (size_t)pic->width; x++, from += CHANNELS)
                row[x] = level[*from];
        }
    }
}

static int put_picture(struct detector *d, const struct picture *pic, struct size fitted, struct err *err)
{
    struct tensor input = model_input(d->model);
    struct picture scaled = {fitted.w, fitted.h, CHANNELS, d->fitted.pixels};

    if (d->filled.w != fitted.w || d->filled.h != fitted.h)
        pad(d, input);
    d->filled = fitted;
    if (fitted.w == pic->width && fitted.h == pic->height) {
        fill(d, input, pic);
        return 0;
    }
    if (picture_scale(pic, 0, 0, pic->width, pic->height, &scaled, err) < 0)
        return -1;
    fill(d, input, &scaled);
    return 0;
}

/* ---- output ---- */

/* How one decoder finds score and box in a cell of `out`. */
struct decoder {
    const char *name;
    int first_class; /* numbers before the class scores */
    bool objectness; /* the number before the class scores multiplies them */
    bool grid;       /* box in raw grid form */
};
static const struct decoder decoders[] = {
    {.name = "yolox-raw", .first_class = 5, .objectness = true, .grid = true},
    {.name = "boxes", .first_class = 4},
};

static const struct decoder *find_decoder(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(decoders); i++)
        if (text_is(decoders[i].name, name))
            return &decoders[i];
    return NULL;
}

/* Walks over the cells of the three grids in the order of the output rows. */
struct grid {
    int width, height; /* of the input, pixels */
    int stride, x, y;
};

static void grid_next(struct grid *g)
{
    if (++g->x * g->stride < g->width)
        return;
    g->x = 0;
    if (++g->y * g->stride < g->height)
        return;
    g->y = 0;
    g->stride *= 2;
}

static int64_t grid_cells(int width, int height)
{
    int64_t n = 0;

    for (int stride = 8; stride <= 32; stride *= 2)
        n += (int64_t)((width + stride - 1) / stride) * ((height + stride - 1) / stride);
    return n;
}

static int check_shape(const struct card *card, const struct decoder *dec, const struct tensor *out,
                       struct err *err)
{
    int64_t columns = dec ? dec->first_class + (int64_t)card->nlabels : 0;

    if (!dec)
        return FAIL(err, ERR_MODEL, "the card %s names an unknown output decoder", card->name);
    if (out->ndims != 3 || out->dims[0] != 1 || out->dims[2] != columns)
        return FAIL(err, ERR_MODEL,
                    "the output of the model %s does not have the %lld columns of the decoder %s", card->name,
                    (long long)columns, dec->name);
    if (dec->grid && out->dims[1] != grid_cells(card->input.width, card->input.height))
        return FAIL(err, ERR_MODEL, "the output of the model %s does not have the cells of a %dx%d input",
                    card->name, card->input.width, card->input.height);
    return 0;
}

static double lowest_threshold(const struct card *card)
{
    double lowest = 1;

    for (size_t i = 0; i < card->nlabels; i++)
        if (card->labels[i].concept && card->labels[i].threshold < lowest)
            lowest = card->labels[i].threshold;
    return lowest;
}

/* 1 when the value is a probability, with a little room for rounding. False for NaN. */
static bool is_probability(float v)
{
    return v >= -1e-3f && v <= 1.001f;
}

/* The best label of a cell; false when a score is not a probability: then nothing of this output can be
 * believed. */
static bool best_label(const struct card *card, const float *classes, float objectness, struct raw_box *ret)
{
    ret->score = -1;
    for (size_t i = 0; i < card->nlabels; i++) {
        float score = classes[i] * objectness;

        if (!card->labels[i].concept)
            continue;
        if (!is_probability(score))
            return false;
        if (score > ret->score) {
            ret->score = fminf(score, 1);
            ret->label = (int)i;
        }
    }
    return true;
}

static bool place(const float *v, const struct decoder *dec, const struct grid *g, struct raw_box *b)
{
    float stride = (float)g->stride;

    if (dec->grid)
        *b = (struct raw_box){(v[0] + (float)g->x) * stride,
                              (v[1] + (float)g->y) * stride,
                              expf(v[2]) * stride,
                              expf(v[3]) * stride,
                              b->score,
                              b->label};
    else
        *b = (struct raw_box){v[0], v[1], v[2], v[3], b->score, b->label};
    return isfinite(b->cx) && isfinite(b->cy) && isfinite(b->w) && isfinite(b->h);
}

/* Best first; equal scores in a fixed order, so that the same picture gives the same list. */
static int by_score(const void *x, const void *y)
{
    const struct raw_box *a = x, *b = y;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->cy != b->cy)
        return a->cy < b->cy ? -1 : 1;
    return a->cx < b->cx ? -1 : a->cx > b->cx;
}

int decode_output(const struct card *card, const struct tensor *out, struct raw_box *ret_boxes, size_t *ret_n,
                  struct err *err)
{
    const struct decoder *dec = find_decoder(card->output.decoder);
    struct grid g = {card->input.width, card->input.height, 8, 0, 0};
    float lowest = (float)lowest_threshold(card);
    size_t n = 0;

    if (check_shape(card, dec, out, err) < 0)
        return -1;
    for (int64_t i = 0; i < out->dims[1]; i++, grid_next(&g)) {
        const float *v = out->data + i * out->dims[2];
        float objectness = dec->objectness ? v[dec->first_class - 1] : 1;
        struct raw_box *b = &ret_boxes[n];

        if (!is_probability(objectness))
            return FAIL(err, ERR_MODEL, "the model %s gave a score that is not a probability", card->name);
        if (objectness < lowest)
            continue;
        if (!best_label(card, v + dec->first_class, objectness, b))
            return FAIL(err, ERR_MODEL, "the model %s gave a score that is not a probability", card->name);
        if (b->score < 0 || (double)b->score < card->labels[b->label].threshold)
            continue;
        if (!place(v, dec, &g, b))
            return FAIL(err, ERR_MODEL, "the model %s gave a box that is not a number", card->name);
        n++;
    }
    qsort(ret_boxes, n, sizeof *ret_boxes, by_score);
    *ret_n = n;
    return 0;
}

/* ---- overlap ---- */

static float overlap_1d(float a, float a_len, float b, float b_len)
{
    return fminf(a + a_len / 2, b + b_len / 2) - fmaxf(a - a_len / 2, b - b_len / 2);
}

/* Intersection over union. */
static double iou(const struct raw_box *a, const struct raw_box *b)
{
    float w = overlap_1d(a->cx, a->w, b->cx, b->w), h = overlap_1d(a->cy, a->h, b->cy, b->h);
    double common = w > 0 && h > 0 ? (double)w * (double)h : 0;
    double both = (double)a->w * (double)a->h + (double)b->w * (double)b->h - common;

    return both > 0 ? common / both : 0;
}

static bool is_covered(const struct raw_box *kept, size_t n, const struct raw_box *b, double limit)
{
    for (size_t i = 0; i < n; i++)
        if (kept[i].label == b->label && iou(&kept[i], b) > limit)
            return true;
    return false;
}

size_t nms(struct raw_box *boxes, size_t n, double limit)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (!is_covered(boxes, kept, &boxes[i], limit))
            boxes[kept++] = boxes[i];
    return kept;
}

/* ---- all together ---- */

static float clamp01(float v)
{
    return fminf(fmaxf(v, 0), 1);
}

/* From input pixels to 0..1 of the picture. */
static struct box to_picture(const struct raw_box *b, struct size fitted)
{
    float w = (float)fitted.w, h = (float)fitted.h;
    float left = clamp01((b->cx - b->w / 2) / w), right = clamp01((b->cx + b->w / 2) / w);
    float top = clamp01((b->cy - b->h / 2) / h), bottom = clamp01((b->cy + b->h / 2) / h);

    return (struct box){left, top, right - left, bottom - top};
}

static int read_boxes(struct detector *d, const struct tensor *out, size_t *ret_n, struct err *err)
{
    const struct card *card = model_card(d->model);

    if (!d->boxes && out->ndims == 3)
        d->boxes = arena_array(d->arena, (size_t)out->dims[1] + 1, sizeof *d->boxes);
    if (decode_output(card, out, d->boxes, ret_n, err) < 0)
        return -1;
    *ret_n = nms(d->boxes, *ret_n < NMS_MAX ? *ret_n : NMS_MAX, card->nms_iou);
    return 0;
}

int detect(struct detector *d, struct arena *a, const struct picture *pic, int64_t deadline_mono_us,
           struct detection **ret_found, size_t *ret_n, struct err *err)
{
    const struct card *card = model_card(d->model);
    struct size fitted = fit(&card->input, pic);
    struct detection *found;
    struct tensor out;
    size_t n;

    if (put_picture(d, pic, fitted, err) < 0 || model_run(d->model, deadline_mono_us, &out, err) < 0 ||
        read_boxes(d, &out, &n, err) < 0)
        return -1;
    n = n < DETECT_MAX ? n : DETECT_MAX;
    found = arena_array(a, n, sizeof *found);
    for (size_t i = 0; i < n; i++)
        found[i] = (struct detection){&card->labels[d->boxes[i].label], d->boxes[i].score,
                                      to_picture(&d->boxes[i], fitted)};
    *ret_found = found;
    *ret_n = n;
    return 0;
}
