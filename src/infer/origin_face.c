/* Task "origin-face": is this face one that was put there by a machine? */
#include <math.h>

#include "base/cleanup.h"
#include "infer/align_int.h"
#include "infer/fit_int.h"
#include "infer/number_int.h"
#include "infer/origin.h"

struct face_judge {
    struct model *model;
    struct fitter *fitter;
    struct picture square; /* as large as the model's input */
};

struct face_judge *face_judge_new(struct arena *a, struct model *m)
{
    const struct card_input *in = &model_card(m)->input;
    struct face_judge *j = arena_alloc(a, sizeof *j);

    j->model = m;
    j->fitter = fitter_new(a, m);
    j->square = (struct picture){in->width, in->height, 3,
                                 arena_alloc(a, (size_t)in->width * (size_t)in->height * 3)};
    return j;
}

/* From the model's input to a square around the face, straight as the picture is. */
static struct similarity square_around(const struct card *card, const struct picture *bgr,
                                       const struct face *face)
{
    const struct card_input *in = &card->input;
    double w = (double)face->box.w * bgr->width, h = (double)face->box.h * bgr->height;
    double x = (double)face->box.x * bgr->width + w / 2, y = (double)face->box.y * bgr->height + h / 2;
    double scale = card->origin.enlarge * fmax(w, h) / in->width;

    return (struct similarity){scale, 0, x - scale * in->width / 2, y - scale * in->height / 2};
}

/* The decoder "real-prob" as a logit, so that faces are calibrated as pictures are. A probability of just 0
 * or 1 says no more than the last step of a float before it. */
static double logit_of(float real)
{
    double p = fmin(fmax(1 - (double)real, 1e-7), 1 - 1e-7);

    return log(p / (1 - p));
}

int face_judge_face(struct face_judge *j, const struct picture *bgr, const struct face *face,
                    int64_t deadline_mono_us, struct origin_opinion *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    const struct card *card = model_card(j->model);
    struct similarity place = square_around(card, bgr, face);
    struct tensor out;

    if (face_pixels(face, bgr) < card->origin.min_face) {
        *ret = (struct origin_opinion){.unknown = true, .code = "too_small"};
        return 0;
    }
    similarity_cut(scratch, bgr, &place, &j->square);
    fitter_fill(j->fitter, &j->square);
    if (model_run(j->model, deadline_mono_us, &out, err) < 0)
        return -1;
    if (!is_probability(out.data[0]))
        return FAIL(err, ERR_MODEL, "the model %s gave a score that is not a probability", card->name);
    *ret = origin_opinion_of(&card->origin, logit_of(out.data[0]));
    return 0;
}
