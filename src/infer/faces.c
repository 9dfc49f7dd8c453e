#include "infer/faces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer/boxes_int.h"
#include "infer/faces_int.h"
#include "infer/number_int.h"

enum { NMS_MAX = 1000 };

struct face_finder {
    struct model *model;
    struct fitter *fitter;
    struct raw_face *raw; /* one per cell, and one more to try a cell in */
};

struct face_finder *face_finder_new(struct arena *a, struct model *m)
{
    struct face_finder *f = arena_alloc(a, sizeof *f);
    size_t cells = yunet_cells(model_card(m)) + 1;

    f->model = m;
    f->fitter = fitter_new(a, m);
    f->raw = arena_array(a, cells, sizeof *f->raw);
    return f;
}

static bool is_covered(const struct raw_face *kept, size_t n, const struct raw_face *f, double limit)
{
    for (size_t i = 0; i < n; i++)
        if (raw_box_iou(&kept[i].box, &f->box) > limit)
            return true;
    return false;
}

/* Greedy, in place, over faces sorted best first. */
static size_t keep_best(struct raw_face *faces, size_t n, double limit)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (!is_covered(faces, kept, &faces[i], limit))
            faces[kept++] = faces[i];
    return kept;
}

static struct face face_of(const struct raw_face *raw, const struct placement *p)
{
    struct face f = {.box = raw_box_place(&raw->box, p), .score = raw->box.score};

    for (size_t i = 0; i < FACE_POINTS; i++) {
        f.points[i][0] = raw->points[i][0] / (float)p->to_w;
        f.points[i][1] = raw->points[i][1] / (float)p->to_h;
    }
    return f;
}

int faces_find(struct face_finder *f, struct arena *a, const struct picture *bgr, int64_t deadline_mono_us,
               struct face **ret_faces, size_t *ret_n, struct err *err)
{
    const struct card *card = model_card(f->model);
    struct placement placed;
    struct tensor_list out;
    struct face *faces;
    size_t raw, n = 0;

    if (fitter_put(f->fitter, bgr, &placed, err) < 0 ||
        model_run_all(f->model, deadline_mono_us, &out, err) < 0 ||
        yunet_decode(card, &out, f->raw, &raw, err) < 0)
        return -1;
    raw = keep_best(f->raw, raw < NMS_MAX ? raw : NMS_MAX, card->nms_iou);
    faces = arena_array(a, raw, sizeof *faces);
    for (size_t i = 0; i < raw && n < FACES_MAX; i++) {
        faces[n] = face_of(&f->raw[i], &placed);
        faces[n].score = (float)calibrate(&card->faces.calibration, (double)faces[n].score);
        if (face_pixels(&faces[n], bgr) >= card->faces.min_face)
            n++;
    }
    *ret_faces = faces;
    *ret_n = n;
    return 0;
}

double face_pixels(const struct face *f, const struct picture *bgr)
{
    return fmin((double)f->box.w * bgr->width, (double)f->box.h * bgr->height);
}
