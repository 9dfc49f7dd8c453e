#include "infer/origin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "infer/fit_int.h"
#include "infer/spectrum.h"

/* What makes a logit of one patch; the two methods. */
struct method {
    const char *name;
    int (*judge)(struct origin_judge *j, const struct picture *bgr, int x, int y, int64_t deadline_mono_us,
                 double *ret_logit, struct err *err);
};

struct origin_judge {
    const struct card *card;
    const struct method *method;
    struct model *model;   /* network */
    struct fitter *fitter; /* network */
    struct picture patch;  /* network: as large as the model's input */
    struct spectrum *spectrum;
};

/* ---- where the patches go ---- */

/* Whether nx x ny patches are better than what is there: more of them, else more evenly spread. */
static bool is_better(int w, int h, int nx, int ny, int best_x, int best_y)
{
    long long uneven = llabs((long long)w * ny - (long long)h * nx);

    if (nx * ny != best_x * best_y)
        return nx * ny > best_x * best_y;
    return uneven < llabs((long long)w * best_y - (long long)h * best_x);
}

size_t origin_grid(int w, int h, int patch, int max, struct origin_area ret[])
{
    int best_x = 0, best_y = 0;
    size_t n = 0;

    for (int ny = 1; ny <= max && ny <= h / patch; ny++)
        for (int nx = 1; nx <= max / ny && nx <= w / patch; nx++)
            if (is_better(w, h, nx, ny, best_x, best_y)) {
                best_x = nx;
                best_y = ny;
            }
    for (int j = 0; j < best_y; j++)
        for (int i = 0; i < best_x; i++) {
            long long x = (2 * i + 1) * (long long)w / best_x / 2 - patch / 2;
            long long y = (2 * j + 1) * (long long)h / best_y / 2 - patch / 2;

            ret[n++] = (struct origin_area){(int)x, (int)y, patch, patch};
        }
    return n;
}

/* What of the part lies in the picture; nothing: no width or height. */
static struct origin_area inside(const struct picture *bgr, const struct origin_area *part)
{
    long long x = part->x > 0 ? part->x : 0, y = part->y > 0 ? part->y : 0;
    long long right = (long long)part->x + part->w, bottom = (long long)part->y + part->h;

    right = right < bgr->width ? right : bgr->width;
    bottom = bottom < bgr->height ? bottom : bgr->height;
    if (right <= x || bottom <= y)
        return (struct origin_area){0, 0, 0, 0};
    return (struct origin_area){(int)x, (int)y, (int)(right - x), (int)(bottom - y)};
}

/* ---- one patch ---- */

static void cut(const struct picture *bgr, int x, int y, struct picture *patch)
{
    size_t row = (size_t)patch->width * 3;

    for (int i = 0; i < patch->height; i++)
        memcpy(patch->pixels + (size_t)i * row,
               bgr->pixels + ((size_t)(y + i) * (size_t)bgr->width + (size_t)x) * 3, row);
}

static int judge_by_network(struct origin_judge *j, const struct picture *bgr, int x, int y,
                            int64_t deadline_mono_us, double *ret_logit, struct err *err)
{
    struct tensor out;

    cut(bgr, x, y, &j->patch);
    fitter_fill(j->fitter, &j->patch);
    if (model_run(j->model, deadline_mono_us, &out, err) < 0)
        return -1;
    if (!isfinite(out.data[0]))
        return FAIL(err, ERR_MODEL, "the model %s gave something that is not a number", j->card->name);
    *ret_logit = (double)out.data[0];
    return 0;
}

static int judge_by_spectrum(struct origin_judge *j, const struct picture *bgr, int x, int y,
                             int64_t deadline_mono_us, double *ret_logit, struct err *err)
{
    const struct card_origin *o = &j->card->origin;
    double features[SPECTRUM_FEATURES];

    if (deadline_mono_us && clock_mono_us() >= deadline_mono_us)
        return FAIL(err, ERR_TIMEOUT, "the deadline passed before all patches were judged");
    spectrum_features(j->spectrum, bgr, x, y, features);
    *ret_logit = spectrum_logit(features, o->mean, o->deviation, o->weights);
    return 0;
}

static const struct method methods[] = {{"network", judge_by_network}, {"spectrum", judge_by_spectrum}};

/* ---- the judge ---- */

struct origin_judge *origin_judge_new(struct arena *a, struct model *m, const struct card *card)
{
    struct origin_judge *j = arena_alloc(a, sizeof *j);
    int side = card->origin.patch;

    *j = (struct origin_judge){.card = card, .method = &methods[m ? 0 : 1], .model = m};
    if (m) {
        j->fitter = fitter_new(a, m);
        j->patch = (struct picture){side, side, 3, arena_alloc(a, (size_t)side * (size_t)side * 3)};
    } else {
        j->spectrum = spectrum_new(a);
    }
    return j;
}

struct origin_opinion origin_opinion_of(const struct card_origin *o, double logit)
{
    double p = 1 / (1 + exp(-(o->scale * logit + o->offset)));

    if (!isfinite(p))
        return (struct origin_opinion){.unknown = true, .code = "uncertain", .human = 0.5, .artificial = 0.5};
    if (p >= o->artificial_from || 1 - p >= o->floor)
        return (struct origin_opinion){.human = 1 - p, .artificial = p};
    return (struct origin_opinion){.unknown = true, .code = "uncertain", .human = 1 - p, .artificial = p};
}

int origin_judge_part(struct origin_judge *j, struct arena *scratch, const struct picture *bgr,
                      const struct origin_area *part, int64_t deadline_mono_us, struct origin_opinion *ret,
                      struct err *err)
{
    const struct card_origin *o = &j->card->origin;
    struct origin_area seen = inside(bgr, part);
    struct origin_area *at = arena_array(scratch, CARD_MAX_PATCHES, sizeof *at);
    size_t n = origin_grid(seen.w, seen.h, o->patch, o->patches, at);
    double sum = 0, logit;

    for (size_t i = 0; i < n; i++) {
        if (j->method->judge(j, bgr, seen.x + at[i].x, seen.y + at[i].y, deadline_mono_us, &logit, err) < 0)
            return -1;
        sum += logit;
    }
    *ret = n ? origin_opinion_of(o, sum / (double)n)
             : (struct origin_opinion){.unknown = true, .code = "too_small"};
    return 0;
}

int origin_judge_picture(struct origin_judge *j, struct arena *scratch, const struct picture *bgr,
                         int64_t deadline_mono_us, struct origin_opinion *ret, struct err *err)
{
    struct origin_area whole = {0, 0, bgr->width, bgr->height};

    return origin_judge_part(j, scratch, bgr, &whole, deadline_mono_us, ret, err);
}
