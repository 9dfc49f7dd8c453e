/* Task "nsfw": the sum of the labels that the card calls unsafe. */
#include <math.h>

#include "infer/fit_int.h"
#include "infer/number_int.h"
#include "infer/origin.h"

struct nsfw_judge {
    struct model *model;
    struct fitter *fitter;
};

struct nsfw_judge *nsfw_judge_new(struct arena *a, struct model *m)
{
    struct nsfw_judge *j = arena_alloc(a, sizeof *j);

    *j = (struct nsfw_judge){m, fitter_new(a, m)};
    return j;
}

int nsfw_judge_picture(struct nsfw_judge *j, const struct picture *bgr, int64_t deadline_mono_us,
                       struct nsfw_opinion *ret, struct err *err)
{
    const struct card *card = model_card(j->model);
    struct placement placed;
    struct tensor out;
    double sum = 0;

    if (fitter_put(j->fitter, bgr, &placed, err) < 0 || model_run(j->model, deadline_mono_us, &out, err) < 0)
        return -1;
    for (size_t i = 0; i < card->nlabels; i++)
        if (!is_probability(out.data[i]))
            return FAIL(err, ERR_MODEL, "the model %s gave a score that is not a probability", card->name);
    for (size_t i = 0; i < card->nsfw.nunsafe; i++)
        sum += (double)out.data[card->nsfw.unsafe[i]];
    ret->score = calibrate(&card->nsfw.calibration, fmin(fmax(sum, 0), 1));
    ret->unsafe = ret->score >= card->nsfw.threshold;
    return 0;
}
