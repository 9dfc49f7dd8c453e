#include "infer/embedding.h"

#include <math.h>

#include "base/cleanup.h"
#include "infer/align_int.h"
#include "infer/fit_int.h"

struct embedder {
    struct model *model;
    struct fitter *fitter;
    struct picture upright;        /* as large as the model's input */
    double points[FACE_POINTS][2]; /* where the face's points go, input pixels */
};

struct embedder *embedder_new(struct arena *a, struct model *m)
{
    const struct card *card = model_card(m);
    const struct card_input *in = &card->input;
    struct embedder *e = arena_alloc(a, sizeof *e);

    e->model = m;
    e->fitter = fitter_new(a, m);
    e->upright = (struct picture){in->width, in->height, 3,
                                  arena_alloc(a, (size_t)in->width * (size_t)in->height * 3)};
    for (size_t i = 0; i < FACE_POINTS; i++) {
        e->points[i][0] = card->embedding.points[i][0] * in->width;
        e->points[i][1] = card->embedding.points[i][1] * in->height;
    }
    return e;
}

size_t embedding_length(const struct embedder *e)
{
    return tensor_count(&model_outputs(e->model).all[0]);
}

/* From the upright picture to where the face lies in its own; false when the points have no direction. */
static bool find_face(const struct embedder *e, const struct picture *bgr, const struct face *face,
                      struct similarity *ret)
{
    struct similarity upright;
    double points[FACE_POINTS][2];

    for (size_t i = 0; i < FACE_POINTS; i++) {
        points[i][0] = (double)face->points[i][0] * bgr->width;
        points[i][1] = (double)face->points[i][1] * bgr->height;
    }
    if (!similarity_between(points, e->points, FACE_POINTS, &upright))
        return false;
    *ret = similarity_inverse(&upright);
    return true;
}

/* To length 1; false when there is no direction. */
static bool normalise(const float *v, size_t n, float *ret)
{
    double square = 0;

    for (size_t i = 0; i < n; i++)
        square += (double)v[i] * (double)v[i];
    if (!(square > 1e-12) || !isfinite(square))
        return false;
    for (size_t i = 0; i < n; i++)
        ret[i] = (float)((double)v[i] / sqrt(square));
    return true;
}

int embedding_make(struct embedder *e, struct arena *a, const struct picture *bgr, const struct face *face,
                   int64_t deadline_mono_us, const float **ret_vector, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    const struct card *card = model_card(e->model);
    struct similarity place;
    struct tensor out;
    float *vector;

    if (face_pixels(face, bgr) < card->embedding.min_face || !find_face(e, bgr, face, &place))
        return 0;
    similarity_cut(scratch, bgr, &place, &e->upright);
    fitter_fill(e->fitter, &e->upright);
    if (model_run(e->model, deadline_mono_us, &out, err) < 0)
        return -1;
    vector = arena_array(a, tensor_count(&out), sizeof *vector);
    if (!normalise(out.data, tensor_count(&out), vector))
        return FAIL(err, ERR_MODEL, "the model %s gave a vector that points nowhere", card->name);
    *ret_vector = vector;
    return 1;
}

double faces_alike(const float *x, const float *y, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return fmin(fmax(sum, -1), 1);
}

bool embedding_mean(const float *const *vectors, size_t n, size_t length, float *ret)
{
    for (size_t i = 0; i < length; i++) {
        double sum = 0;

        for (size_t k = 0; k < n; k++)
            sum += (double)vectors[k][i];
        ret[i] = n ? (float)(sum / (double)n) : 0;
    }
    return normalise(ret, length, ret);
}
