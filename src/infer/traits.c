#include "infer/traits.h"

#include <math.h>

#include "base/cleanup.h"
#include "infer/align_int.h"
#include "infer/fit_int.h"
#include "infer/number_int.h"

static const double oldest = 120;

struct trait_guesser {
    struct model *model;
    struct fitter *fitter;
    struct picture square; /* as large as the model's input */
};

struct trait_guesser *trait_guesser_new(struct arena *a, struct model *m)
{
    const struct card_input *in = &model_card(m)->input;
    struct trait_guesser *t = arena_alloc(a, sizeof *t);

    t->model = m;
    t->fitter = fitter_new(a, m);
    t->square = (struct picture){in->width, in->height, 3,
                                 arena_alloc(a, (size_t)in->width * (size_t)in->height * 3)};
    return t;
}

/* From the model's input to a square around the face, straight as the picture is. */
static struct similarity square_around(const struct card *card, const struct picture *bgr,
                                       const struct face *face)
{
    const struct card_input *in = &card->input;
    double w = (double)face->box.w * bgr->width, h = (double)face->box.h * bgr->height;
    double x = (double)face->box.x * bgr->width + w / 2, y = (double)face->box.y * bgr->height + h / 2;
    double scale = card->traits.enlarge * fmax(w, h) / in->width;

    return (struct similarity){scale, 0, x - scale * in->width / 2, y - scale * in->height / 2};
}

enum gender traits_gender(const struct card *card, double female, double male)
{
    double floor = card->traits.gender_floor;

    if (female >= floor && female > male)
        return GENDER_FEMALE;
    return male >= floor && male > female ? GENDER_MALE : GENDER_UNIDENTIFIED;
}

static int read_outputs(const struct card *card, const struct tensor_list *out, struct traits *ret,
                        struct err *err)
{
    const float *gender = out->all[1].data;
    double age = (double)out->all[0].data[0] * card->traits.age_scale;
    double first = fmin(fmax((double)gender[0], 0), 1);

    if (!is_probability(gender[0]) || !is_probability(gender[1]) || !isfinite(age) ||
        fabs((double)gender[0] + (double)gender[1] - 1) > 0.01)
        return FAIL(err, ERR_MODEL, "the model %s gave an age or gender that cannot be", card->name);
    ret->age = fmin(fmax(age, 0), oldest);
    ret->female = card->traits.female_first ? first : 1 - first;
    ret->male = 1 - ret->female;
    ret->gender = traits_gender(card, ret->female, ret->male);
    return 0;
}

int traits_guess(struct trait_guesser *t, const struct picture *bgr, const struct face *face,
                 int64_t deadline_mono_us, struct traits *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    const struct card *card = model_card(t->model);
    struct similarity place = square_around(card, bgr, face);
    struct tensor_list out;

    if (face_pixels(face, bgr) < card->traits.min_face) {
        *ret = (struct traits){(double)NAN, (double)NAN, (double)NAN, GENDER_UNIDENTIFIED};
        return 0;
    }
    similarity_cut(scratch, bgr, &place, &t->square);
    fitter_fill(t->fitter, &t->square);
    if (model_run_all(t->model, deadline_mono_us, &out, err) < 0)
        return -1;
    return read_outputs(card, &out, ret, err);
}
