/* assay model calibrate: has a model judge a labelled folder without its calibration, and fits one. What it
 * is worth is told by halves: each half of the files is judged by what was fitted to the other. */
#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "cmd/calibrate_int.h"

/* ---- what a task has ---- */

static bool fit_points(struct arena *scratch, struct measured *items, size_t n, struct fitted *ret)
{
    return temper_points(scratch, items, n, &ret->points);
}

static double apply_points(const struct fitted *f, double raw)
{
    return calibrate(&f->points, raw);
}

static bool fit_line(struct arena *scratch, struct measured *items, size_t n, struct fitted *ret)
{
    struct measured *logits = arena_array(scratch, n + 1, sizeof *logits);

    for (size_t i = 0; i < n; i++)
        logits[i] = (struct measured){temper_logit(items[i].score), items[i].shows};
    return temper_line(logits, n, &ret->scale, &ret->offset);
}

static double apply_line(const struct fitted *f, double raw)
{
    return 1 / (1 + exp(-(f->scale * temper_logit(raw) + f->offset)));
}

/* NULL: the label has none in this card. */
static const struct fitted *now_detect(const struct card *card, const char *label, struct fitted *ret)
{
    const struct card_concept *known = card_concept(card, label);

    if (known)
        ret->points = known->calibration;
    return known ? ret : NULL;
}

static const struct fitted *now_faces(const struct card *card, const char *label UNUSED, struct fitted *ret)
{
    ret->points = card->faces.calibration;
    return ret;
}

static const struct fitted *now_nsfw(const struct card *card, const char *label UNUSED, struct fitted *ret)
{
    ret->points = card->nsfw.calibration;
    return ret;
}

static const struct fitted *now_origin(const struct card *card, const char *label UNUSED, struct fitted *ret)
{
    ret->scale = card->origin.scale;
    ret->offset = card->origin.offset;
    return ret;
}

static const struct calibration_method methods[] = {
    {"detect", "alarm", fit_points, apply_points, now_detect},
    {"faces", "faces", fit_points, apply_points, now_faces},
    {"nsfw", "nsfw", fit_points, apply_points, now_nsfw},
    {"origin-image", "origin", fit_line, apply_line, now_origin},
    {"origin-speech", "origin", fit_line, apply_line, now_origin},
    {"tags", "tags", NULL, NULL, NULL}, /* one temperature for all of them */
};

static const struct calibration_method *method_of(const char *task)
{
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (text_is(methods[i].task, task))
            return &methods[i];
    return NULL;
}

/* ---- one label ---- */

static double real(double x)
{
    return isnan(x) ? 0 : x;
}

/* Every other item of those that show it, and of those that do not. */
static void fold_items(const struct evaluation *e, size_t label, int *ret_fold)
{
    int next[2] = {0, 0};

    for (size_t i = 0; i < e->n; i++)
        if (!e->items[i].problem) {
            bool shows = eval_shows(e, &e->items[i], label);
            ret_fold[i] = next[shows];
            next[shows] = (next[shows] + 1) % CALIBRATE_FOLDS;
        }
}

/* The judged items of one fold, or all (-1). Returns how many. */
static size_t take_items(const struct evaluation *e, size_t label, const int *fold, int which,
                         struct measured *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++)
        if (!e->items[i].problem && (which < 0 || fold[i] == which))
            ret[n++] = (struct measured){real(e->items[i].scores[label]), eval_shows(e, &e->items[i], label)};
    return n;
}

static void apply(const struct calibration_method *how, const struct fitted *f, struct measured *items,
                  size_t n)
{
    for (size_t i = 0; i < n; i++)
        items[i].score = how->apply(f, items[i].score);
}

void calibrate_measure(const struct calibration_run *r, struct measured *items, size_t n,
                       struct measures *ret)
{
    measure(items, n, r->call->eval.threshold, r->call->eval.false_rate, ret);
}

/* What is fitted to one half, on the other. */
static bool two_folds(struct calibration_run *r, size_t label, const int *fold, struct measured *room,
                      struct calibrated_label *ret)
{
    struct measured *all = arena_array(r->e.arena, r->e.n + 1, sizeof *all);
    size_t n = 0;

    for (int k = 0; k < CALIBRATE_FOLDS; k++) {
        struct fitted f = {0};
        size_t m = take_items(&r->e, label, fold, (k + 1) % CALIBRATE_FOLDS, room);
        if (!r->how->fit(r->e.arena, room, m, &f))
            return false;
        m = take_items(&r->e, label, fold, k, all + n);
        apply(r->how, &f, all + n, m);
        n += m;
    }
    calibrate_measure(r, all, n, &ret->two_fold);
    return true;
}

static void fit_label(struct calibration_run *r, size_t label)
{
    struct calibrated_label *l = &r->labels[label];
    struct measured *items = arena_array(r->e.arena, r->e.n + 1, sizeof *items);
    int *fold = arena_array(r->e.arena, r->e.n + 1, sizeof *fold);
    size_t n = take_items(&r->e, label, fold, -1, items), least = (size_t)r->call->tune.least;
    struct fitted now = {0};

    l->label = r->e.labels[label];
    calibrate_measure(r, items, n, &l->raw);
    l->stays = eval_is_derived(&r->e, label)                   ? "made of the others"
               : !r->how->now(&r->work.card, l->label, &now)   ? "the model does not know it"
               : l->raw.shown < least || l->raw.others < least ? "too few files"
                                                               : NULL;
    if (l->stays)
        return;
    apply(r->how, &now, items, n);
    calibrate_measure(r, items, n, &l->now);
    fold_items(&r->e, label, fold);
    n = take_items(&r->e, label, fold, -1, items);
    if (!r->how->fit(r->e.arena, items, n, &l->fitted) || !two_folds(r, label, fold, items, l)) {
        l->stays = "its scores say nothing of it";
        return;
    }
    n = take_items(&r->e, label, fold, -1, items);
    apply(r->how, &l->fitted, items, n);
    calibrate_measure(r, items, n, &l->after);
}

/* ---- the command ---- */

static int judge(struct calibration_run *r, struct err *err)
{
    struct model_call *c = r->call;
    struct lab_opts opts = lab_opts_of(&c->lab, &c->data, c->arena);
    const struct card *raw;

    c->eval.pipeline = r->how->kind;
    if (eval_find(&r->e, &c->eval, err) < 0 || (!r->how->fit && calibrate_check_tags(r, err) < 0) ||
        workpiece_lay(c->arena, &r->work, err) < 0 || eval_choose(c, r->work.raw, &opts, &raw, err) < 0)
        return -1;
    r->e.model = raw->name;
    if (!r->how->fit) {
        r->p = arena_array(c->arena, r->e.n * r->work.card.nlabels + 1, sizeof *r->p);
        r->e.keep = calibrate_keep_tags;
        r->e.kept = r;
    }
    return eval_judge(&r->e, &opts, err);
}

static bool any_fit(const struct calibration_run *r)
{
    for (size_t i = 0; i < r->e.nlabels; i++)
        if (!r->labels[i].stays)
            return true;
    return false;
}

static int finish(struct calibration_run *r, struct err *err)
{
    struct model_call *c = r->call;

    if (c->eval.json)
        calibrate_print_json(r);
    else
        calibrate_print(r);
    if (!any_fit(r))
        return FAIL(err, ERR_INPUT, "there is nothing to calibrate %s with in %.150s", r->work.card.name,
                    r->e.data);
    if (!c->tune.write) {
        if (!c->eval.json)
            puts("\nnothing was written; --write CARD.json writes the card with it");
        return 0;
    }
    return workpiece_write(c->arena, &r->work, r->labels, r->e.nlabels, c->tune.write, err);
}

int model_calibrate(struct model_call *c, struct err *err)
{
    struct calibration_run r = {.call = c,
                                .e = {.arena = c->arena,
                                      .data = c->truth ? c->truth : c->argv[0],
                                      .threshold = c->eval.threshold,
                                      .false_rate = c->eval.false_rate}};
    int result;

    log_setup(LOG_WARN, false);
    c->lab.analysts = c->lab.analysts ? c->lab.analysts : 1;
    if (workpiece_find(c, c->eval.model, &r.work, err) < 0)
        return -1;
    r.how = method_of(r.work.card.task);
    if (!r.how)
        return FAIL(err, ERR_UNSUPPORTED, "models of the task \"%s\" have no calibration", r.work.card.task);
    result = judge(&r, err);
    workpiece_clear(&r.work);
    if (result < 0)
        return -1;
    for (size_t i = 0; r.how->fit && i < r.e.nlabels; i++)
        fit_label(&r, i);
    if (!r.how->fit)
        calibrate_tags(&r);
    return finish(&r, err);
}
