/* The decoder "yunet", pure. A file of its own, because cards ask it for its tensors, and who reads cards
 * (the front) has no decoders of media. */
#include <math.h>
#include <stdlib.h>

#include "infer/boxes_int.h"
#include "infer/faces_int.h"
#include "infer/number_int.h"

/* The four outputs of one grid, in this order. */
enum { CLS, OBJ, BBOX, KPS, PER_GRID };
static const struct grid {
    int stride;
    const char *names[PER_GRID];
} grids[] = {
    {8, {"cls_8", "obj_8", "bbox_8", "kps_8"}},
    {16, {"cls_16", "obj_16", "bbox_16", "kps_16"}},
    {32, {"cls_32", "obj_32", "bbox_32", "kps_32"}},
};
enum { GRIDS = COUNT_OF(grids) };
static const int64_t columns[PER_GRID] = {1, 1, 4, 2 * FACE_POINTS};

size_t yunet_outputs(const char *ret_names[CARD_MAX_OUTPUTS])
{
    for (size_t g = 0; g < GRIDS; g++)
        for (size_t i = 0; i < PER_GRID; i++)
            ret_names[g * PER_GRID + i] = grids[g].names[i];
    return (size_t)GRIDS * PER_GRID;
}

static int64_t cells_of(const struct card *card, const struct grid *g)
{
    return (int64_t)(card->input.width / g->stride) * (card->input.height / g->stride);
}

int yunet_check(const struct card *card, const struct tensor_list *out, struct err *err)
{
    for (size_t i = 0; i < (size_t)GRIDS * PER_GRID; i++) {
        const struct grid *g = &grids[i / PER_GRID];
        const struct tensor *t = &out->all[i];

        if (i >= out->n || t->ndims != 3 || t->dims[0] != 1 || t->dims[1] != cells_of(card, g) ||
            t->dims[2] != columns[i % PER_GRID])
            return FAIL(err, ERR_MODEL,
                        "the output %s of the model %s does not have the cells of a %dx%d input",
                        g->names[i % PER_GRID], card->name, card->input.width, card->input.height);
    }
    return 0;
}

/* One cell of a grid into a face; false when its numbers are none. */
static bool place(const struct tensor *t, const struct grid *g, int64_t cell, int width, struct raw_face *f)
{
    const float *b = t[BBOX].data + cell * columns[BBOX], *k = t[KPS].data + cell * columns[KPS];
    float stride = (float)g->stride;
    float x = (float)(cell % (width / g->stride)), y = (float)(cell / (width / g->stride));
    bool fine;

    f->box.cx = (x + b[0]) * stride;
    f->box.cy = (y + b[1]) * stride;
    f->box.w = expf(b[2]) * stride;
    f->box.h = expf(b[3]) * stride;
    f->box.label = 0;
    fine = isfinite(f->box.cx) && isfinite(f->box.cy) && isfinite(f->box.w) && isfinite(f->box.h);
    for (size_t i = 0; i < FACE_POINTS; i++) {
        f->points[i][0] = (x + k[2 * i]) * stride;
        f->points[i][1] = (y + k[2 * i + 1]) * stride;
        fine = fine && isfinite(f->points[i][0]) && isfinite(f->points[i][1]);
    }
    return fine;
}

static int decode_grid(const struct card *card, const struct tensor *t, const struct grid *g,
                       struct raw_face *faces, size_t *n, struct err *err)
{
    for (int64_t i = 0; i < cells_of(card, g); i++) {
        float cls = t[CLS].data[i], obj = t[OBJ].data[i];
        struct raw_face *f = &faces[*n];

        if (!is_probability(cls) || !is_probability(obj))
            return FAIL(err, ERR_MODEL, "the model %s gave a score that is not a probability", card->name);
        f->box.score = sqrtf(fminf(fmaxf(cls, 0), 1) * fminf(fmaxf(obj, 0), 1));
        if ((double)f->box.score < card->faces.threshold)
            continue;
        if (!place(t, g, i, card->input.width, f))
            return FAIL(err, ERR_MODEL, "the model %s gave a face that is not a number", card->name);
        ++*n;
    }
    return 0;
}

int yunet_decode(const struct card *card, const struct tensor_list *out, struct raw_face *ret_faces,
                 size_t *ret_n, struct err *err)
{
    size_t n = 0;

    if (yunet_check(card, out, err) < 0)
        return -1;
    for (size_t g = 0; g < GRIDS; g++)
        if (decode_grid(card, &out->all[g * PER_GRID], &grids[g], ret_faces, &n, err) < 0)
            return -1;
    qsort(ret_faces, n, sizeof *ret_faces, raw_box_by_score); /* a face begins with its box */
    *ret_n = n;
    return 0;
}

size_t yunet_cells(const struct card *card)
{
    size_t n = 0;

    for (size_t g = 0; g < GRIDS; g++)
        n += (size_t)cells_of(card, &grids[g]);
    return n;
}
