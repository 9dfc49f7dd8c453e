#include "infer/speech.h"

#include <math.h>
#include <string.h>

struct speech_judge {
    struct model *model;
};

struct speech_judge *speech_judge_new(struct arena *a, struct model *m)
{
    struct speech_judge *j = arena_alloc(a, sizeof *j);

    j->model = m;
    return j;
}

struct speech_opinion speech_opinion_of(const struct card_origin *o, double logit)
{
    double artificial = 1 / (1 + exp(-(o->scale * logit + o->offset)));
    double needed = artificial > 0.5 ? fmax(o->floor, o->artificial_from) : o->floor;

    if (!isfinite(artificial))
        return (struct speech_opinion){true, "uncertain", 0, 0};
    if (fmax(artificial, 1 - artificial) < needed)
        return (struct speech_opinion){true, "uncertain", 1 - artificial, artificial};
    return (struct speech_opinion){false, NULL, 1 - artificial, artificial};
}

/* One window, repeated when there is less. */
static void fill(float *to, size_t window, const float *samples, size_t n)
{
    for (size_t done = 0; done < window; done += n)
        memcpy(to + done, samples, (window - done < n ? window - done : n) * sizeof *to);
}

static int run_window(struct speech_judge *j, const float *samples, size_t n, int64_t deadline_mono_us,
                      double *ret_logit, struct err *err)
{
    const struct card *card = model_card(j->model);
    struct tensor in = model_input(j->model), out;
    double first, second;

    fill(in.data, (size_t)card->input.samples, samples, n);
    if (model_run(j->model, deadline_mono_us, &out, err) < 0)
        return -1;
    first = (double)out.data[0];
    second = (double)out.data[1];
    if (!isfinite(first) || !isfinite(second))
        return FAIL(err, ERR_MODEL, "the model %s gave a score that is not a number", card->name);
    *ret_logit = card->speech.human_first ? second - first : first - second;
    return 0;
}

static int mean_logit(struct speech_judge *j, const float *samples, size_t n, int64_t deadline_mono_us,
                      double *ret, struct err *err)
{
    const struct card *card = model_card(j->model);
    size_t window = (size_t)card->input.samples, hop = (size_t)card->speech.hop, windows = 0;
    double sum = 0;

    for (size_t at = 0; at == 0 || at + window <= n; at += hop) {
        double logit;

        if (run_window(j, samples + at, n - at < window ? n - at : window, deadline_mono_us, &logit, err) < 0)
            return -1;
        sum += logit;
        windows++;
    }
    *ret = sum / (double)windows;
    return 0;
}

int speech_judge_hear(struct speech_judge *j, const float *samples, size_t n, double voiced_seconds,
                      int64_t deadline_mono_us, struct speech_opinion *ret, struct err *err)
{
    const struct card *card = model_card(j->model);
    double logit;

    *ret = (struct speech_opinion){true, "not_speech", 0, 0};
    if (n == 0 || !(voiced_seconds >= SPEECH_SOME))
        return 0;
    ret->code = "too_short";
    if (voiced_seconds < card->speech.min_voiced)
        return 0;
    if (mean_logit(j, samples, n, deadline_mono_us, &logit, err) < 0)
        return -1;
    *ret = speech_opinion_of(&card->origin, logit);
    return 0;
}
