#include "infer/detect.h"

#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "infer/boxes_int.h"
#include "infer/number_int.h"

enum { NMS_MAX = 1000 };

struct detector {
    struct arena *arena;
    struct model *model;
    struct fitter *fitter;
    struct raw_box *boxes; /* one per output cell and concept */
};

struct detector *detector_new(struct arena *a, struct model *m)
{
    struct detector *d = arena_alloc(a, sizeof *d);

    d->arena = a;
    d->model = m;
    d->fitter = fitter_new(a, m);
    return d;
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

/* An output on its way to boxes. */
struct decoding {
    const struct card *card;
    const struct decoder *dec;
    struct grid grid;
    float lowest; /* the lowest threshold: what has less objectness has no box */
    struct raw_box *boxes;
    size_t n;
};

static double lowest_threshold(const struct card *card)
{
    double lowest = 1;

    for (size_t i = 0; i < card->nlabels; i++)
        if (card->labels[i].concept && card->labels[i].threshold < lowest)
            lowest = card->labels[i].threshold;
    return lowest;
}

/* Whether all scores of a cell which count are probabilities; if not, nothing of this output can be
 * believed. */
static bool are_probabilities(const struct card *card, const float *classes, float objectness)
{
    for (size_t i = 0; i < card->nlabels; i++)
        if (card->labels[i].concept && !is_probability(classes[i] * objectness))
            return false;
    return true;
}

/* Whether no other label of its concept says more in this cell. */
static bool leads(const struct card *card, const float *classes, size_t at)
{
    for (size_t i = 0; i < card->nlabels; i++)
        if (text_is(card->labels[i].concept, card->labels[at].concept) &&
            (classes[i] > classes[at] || (i < at && classes[i] == classes[at])))
            return false;
    return true;
}

static bool place(const float *v, const struct decoder *dec, const struct grid *g, struct raw_box *b)
{
    float stride = (float)g->stride;

    if (dec->grid) {
        b->cx = (v[0] + (float)g->x) * stride;
        b->cy = (v[1] + (float)g->y) * stride;
        b->w = expf(v[2]) * stride;
        b->h = expf(v[3]) * stride;
    } else {
        b->cx = v[0], b->cy = v[1], b->w = v[2], b->h = v[3];
    }
    return isfinite(b->cx) && isfinite(b->cy) && isfinite(b->w) && isfinite(b->h);
}

/* The boxes of one cell: its best label of each concept, where that reaches its threshold. Concepts do not
 * compete: what looks a little more like a vehicle may be an animal all the same. */
static int read_cell(struct decoding *d, const float *v, struct err *err)
{
    const struct card *card = d->card;
    const float *classes = v + d->dec->first_class;
    float objectness = d->dec->objectness ? v[d->dec->first_class - 1] : 1;

    if (objectness < d->lowest && is_probability(objectness))
        return 0;
    if (!is_probability(objectness) || !are_probabilities(card, classes, objectness))
        return FAIL(err, ERR_MODEL, "the model %s gave a score that is not a probability", card->name);
    for (size_t i = 0; i < card->nlabels; i++) {
        struct raw_box *b = &d->boxes[d->n];

        *b = (struct raw_box){.score = fminf(classes[i] * objectness, 1), .label = (int)i};
        if (!card->labels[i].concept || (double)b->score < card->labels[i].threshold ||
            !leads(card, classes, i))
            continue;
        if (!place(v, d->dec, &d->grid, b))
            return FAIL(err, ERR_MODEL, "the model %s gave a box that is not a number", card->name);
        d->n++;
    }
    return 0;
}

int decode_output(const struct card *card, const struct tensor *out, struct raw_box *ret_boxes, size_t *ret_n,
                  struct err *err)
{
    struct decoding d = {.card = card,
                         .dec = find_decoder(card->output.decoder),
                         .grid = {card->input.width, card->input.height, 8, 0, 0},
                         .lowest = (float)lowest_threshold(card),
                         .boxes = ret_boxes};

    if (check_shape(card, d.dec, out, err) < 0)
        return -1;
    for (int64_t i = 0; i < out->dims[1]; i++, grid_next(&d.grid))
        if (read_cell(&d, out->data + i * out->dims[2], err) < 0)
            return -1;
    qsort(ret_boxes, d.n, sizeof *ret_boxes, raw_box_by_score);
    *ret_n = d.n;
    return 0;
}

static int read_boxes(struct detector *d, const struct tensor *out, size_t *ret_n, struct err *err)
{
    const struct card *card = model_card(d->model);

    if (!d->boxes && out->ndims == 3)
        d->boxes = arena_array(d->arena, (size_t)out->dims[1] * card->nconcepts + 1, sizeof *d->boxes);
    if (decode_output(card, out, d->boxes, ret_n, err) < 0)
        return -1;
    *ret_n = nms(d->boxes, *ret_n < NMS_MAX ? *ret_n : NMS_MAX, card->nms_iou);
    return 0;
}

int detect(struct detector *d, struct arena *a, const struct picture *pic, int64_t deadline_mono_us,
           struct detection **ret_found, size_t *ret_n, struct err *err)
{
    const struct card *card = model_card(d->model);
    struct placement placed;
    struct detection *found;
    struct tensor out;
    size_t n;

    if (fitter_put(d->fitter, pic, &placed, err) < 0 ||
        model_run(d->model, deadline_mono_us, &out, err) < 0 || read_boxes(d, &out, &n, err) < 0)
        return -1;
    n = n < DETECT_MAX ? n : DETECT_MAX;
    found = arena_array(a, n, sizeof *found);
    for (size_t i = 0; i < n; i++)
        found[i] = (struct detection){&card->labels[d->boxes[i].label], d->boxes[i].score,
                                      raw_box_place(&d->boxes[i], &placed)};
    *ret_found = found;
    *ret_n = n;
    return 0;
}
