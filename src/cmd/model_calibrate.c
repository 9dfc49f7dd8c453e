/* assay model calibrate: has a model judge a labelled folder without its calibration, and fits one. What it
 * is worth is told by halves: each half of the files is judged by what was fitted to the other. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/calibrate_int.h"
#include "cmd/foreign.h"
#include "cmd/terminal.h"

enum { FOLDS = 2, NAME_WIDTH = 18 };

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
    const struct card_concept *concept = card_concept(card, label);

    if (concept)
    ret->points = concept->calibration;
    return concept ? ret : NULL;
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

static const struct method {
    const char *task, *kind; /* of the card; of the evaluation */
    bool (*fit)(struct arena *scratch, struct measured *items, size_t n, struct fitted *ret);
    double (*apply)(const struct fitted *f, double raw);
    const struct fitted *(*now)(const struct card *card, const char *label, struct fitted *ret);
} methods[] = {
    {"detect", "alarm", fit_points, apply_points, now_detect},
    {"faces", "faces", fit_points, apply_points, now_faces},
    {"nsfw", "nsfw", fit_points, apply_points, now_nsfw},
    {"origin-image", "origin", fit_line, apply_line, now_origin},
    {"origin-speech", "origin", fit_line, apply_line, now_origin},
    {"tags", "tags", NULL, NULL, NULL}, /* one temperature for all of them */
};

static const struct method *method_of(const char *task)
{
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (text_is(methods[i].task, task))
            return &methods[i];
    return NULL;
}

/* ---- one call ---- */

struct calibration_run {
    struct model_call *call;
    struct workpiece work;
    const struct method *how;
    struct evaluation e;
    struct calibrated_label labels[EVAL_MAX_LABELS];
    float *p; /* tags: [items][labels] of the card */
};

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
            next[shows] = (next[shows] + 1) % FOLDS;
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

static void apply(const struct method *how, const struct fitted *f, struct measured *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        items[i].score = how->apply(f, items[i].score);
}

static void measure_items(const struct calibration_run *r, struct measured *items, size_t n,
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

    for (int k = 0; k < FOLDS; k++) {
        struct fitted f = {0};
        size_t m = take_items(&r->e, label, fold, (k + 1) % FOLDS, room);
        if (!r->how->fit(r->e.arena, room, m, &f))
            return false;
        m = take_items(&r->e, label, fold, k, all + n);
        apply(r->how, &f, all + n, m);
        n += m;
    }
    measure_items(r, all, n, &ret->two_fold);
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
    measure_items(r, items, n, &l->raw);
    l->stays = eval_is_derived(&r->e, label)                   ? "made of the others"
               : !r->how->now(&r->work.card, l->label, &now)   ? "the model does not know it"
               : l->raw.shown < least || l->raw.others < least ? "too few files"
                                                               : NULL;
    if (l->stays)
        return;
    apply(r->how, &now, items, n);
    measure_items(r, items, n, &l->now);
    fold_items(&r->e, label, fold);
    n = take_items(&r->e, label, fold, -1, items);
    if (!r->how->fit(r->e.arena, items, n, &l->fitted) || !two_folds(r, label, fold, items, l)) {
        l->stays = "its scores say nothing of it";
        return;
    }
    n = take_items(&r->e, label, fold, -1, items);
    apply(r->how, &l->fitted, items, n);
    measure_items(r, items, n, &l->after);
}

/* ---- tags ---- */

static void keep_labels(struct evaluation *e, const struct eval_item *item, const struct report *report)
{
    struct calibration_run *r = e->kept;
    const struct scenery *s = report->nitems ? &report->items[0].scenery : NULL;
    float *to = r->p + (size_t)(item - e->items) * r->work.card.nlabels;

    for (size_t i = 0; s && i < r->work.card.nlabels; i++)
        for (size_t k = 0; k < s->ntags; k++)
            if (text_is(s->tags[k].name, r->work.card.labels[i].name))
                to[i] = (float)s->tags[k].probability;
}

static const struct card_tag *tag_named(const struct card *card, const char *name)
{
    for (size_t i = 0; i < card->tags.ntags; i++)
        if (text_is(card->tags.tags[i].name, name))
            return &card->tags.tags[i];
    return NULL;
}

/* The judged items of one fold, or all (-1). */
static void take_set(struct calibration_run *r, const int *fold, int which, struct temper_set *ret)
{
    struct evaluation *e = &r->e;
    size_t nlabels = r->work.card.nlabels;
    float *p = arena_array(e->arena, e->n * nlabels + 1, sizeof *p);
    bool *shows = arena_array(e->arena, e->n * e->nlabels + 1, sizeof *shows);
    struct temper_tag *tags = arena_array(e->arena, e->nlabels, sizeof *tags);
    size_t n = 0;

    for (size_t k = 0; k < e->nlabels; k++) {
        const struct card_tag *tag = tag_named(&r->work.card, e->labels[k]);
        if (tag) /* check_tags has seen to it */
            tags[k] = (struct temper_tag){tag->nfrom, tag->from};
    }
    for (size_t i = 0; i < e->n; i++) {
        if (e->items[i].problem || (which >= 0 && fold[i] != which))
            continue;
        memcpy(p + n * nlabels, r->p + i * nlabels, nlabels * sizeof *p);
        for (size_t k = 0; k < e->nlabels; k++)
            shows[n * e->nlabels + k] = eval_shows(e, &e->items[i], k);
        n++;
    }
    *ret = (struct temper_set){.nlabels = nlabels,
                               .ntags = e->nlabels,
                               .n = n,
                               .exclusive = text_starts(r->work.card.output.decoder, "softmax"),
                               .tags = tags,
                               .p = p,
                               .shows = shows};
}

/* The scores of a tag at a temperature, behind those that are there. */
static size_t tag_items(struct calibration_run *r, const struct temper_set *s, size_t tag, double temperature,
                        struct measured *ret)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();

    for (size_t i = 0; i < s->n; i++)
        ret[i] = (struct measured){temper_tag(scratch, s, i, tag, temperature), s->shows[i * s->ntags + tag]};
    (void)r;
    return s->n;
}

static void measure_tags(struct calibration_run *r, const struct temper_set *all,
                         const struct temper_set *halves, double temperature, const double *by_half)
{
    struct measured *items = arena_array(r->e.arena, r->e.n + 1, sizeof *items);

    for (size_t k = 0; k < r->e.nlabels; k++) {
        struct calibrated_label *l = &r->labels[k];
        size_t n = 0;
        l->label = r->e.labels[k];
        l->fitted.temperature = temperature;
        measure_items(r, items, tag_items(r, all, k, 1, items), &l->raw);
        measure_items(r, items, tag_items(r, all, k, r->work.card.tags.temperature, items), &l->now);
        measure_items(r, items, tag_items(r, all, k, temperature, items), &l->after);
        for (int f = 0; f < FOLDS; f++) /* by what the other half said */
            n += tag_items(r, &halves[f], k, by_half[(f + 1) % FOLDS], items + n);
        measure_items(r, items, n, &l->two_fold);
    }
}

static void fit_tags(struct calibration_run *r)
{
    int *fold = arena_array(r->e.arena, r->e.n + 1, sizeof *fold);
    struct temper_set all, halves[FOLDS];
    double by_half[FOLDS];

    for (size_t i = 0, folder = 0, next = 0; i < r->e.n; i++) { /* every other file of each folder */
        next = r->e.items[i].folder == folder ? next : 0;
        folder = r->e.items[i].folder;
        if (!r->e.items[i].problem)
            fold[i] = (int)(next++ % FOLDS);
    }
    take_set(r, fold, -1, &all);
    for (int f = 0; f < FOLDS; f++) {
        take_set(r, fold, f, &halves[f]);
        by_half[f] = temper_fit(r->e.arena, &halves[f]);
    }
    measure_tags(r, &all, halves, temper_fit(r->e.arena, &all), by_half);
}

static int check_tags(const struct calibration_run *r, struct err *err)
{
    if (r->work.card.nlabels > CARD_MAX_TAGS)
        return FAIL(err, ERR_UNSUPPORTED, "%s has %zu labels; a temperature is fitted to at most %d",
                    r->work.card.name, r->work.card.nlabels, CARD_MAX_TAGS);
    for (size_t i = 0; i < r->e.nlabels; i++)
        if (!tag_named(&r->work.card, r->e.labels[i]))
            return FAIL(err, ERR_INPUT, "%s has no tag \"%.60s\", after which a folder is named",
                        r->work.card.name, r->e.labels[i]);
    if (r->e.n < 2 * (size_t)r->call->tune.least)
        return FAIL(err, ERR_INPUT, "%zu files are too few; --least %lld asks for twice as many", r->e.n,
                    (long long)r->call->tune.least);
    return 0;
}

/* ---- what is told ---- */

/* "0.867", "-" for what cannot be said. */
static const char *figure(char text[16], double x)
{
    snprintf(text, 16, isnan(x) ? "-" : "%.3f", x);
    return text;
}

static void print_label(const struct calibrated_label *l)
{
    struct terminal t = terminal_of(STDOUT_FILENO);
    CLEANUP(buf_clear) struct buf out = BUF(4096);
    size_t used = foreign_plain(&out, l->label, NAME_WIDTH, t.utf8);
    char auc[16], now[16], after[16], folds[16], raw[16], from[16], recall[16];

    buf_printf(&out, "%*s %5zu %6zu", (int)(used < NAME_WIDTH ? NAME_WIDTH - used : 0), "", l->raw.shown,
               l->raw.others);
    if (l->stays)
        buf_printf(&out, "  stays as it is: %s\n", l->stays);
    else
        buf_printf(&out, "  %6s  %6s %6s %6s  %6s %6s %6s\n", figure(auc, l->raw.auc),
                   figure(now, l->now.ece), figure(folds, l->two_fold.ece), figure(after, l->after.ece),
                   figure(raw, l->raw.kept.threshold), figure(from, l->after.kept.threshold),
                   figure(recall, l->after.kept.recall));
    fputs(out.data, stdout);
}

static void print_fit(const struct calibration_run *r, const struct calibrated_label *l)
{
    if (text_is(r->how->kind, "origin"))
        printf("%s: sigmoid(%.4f * logit %+.4f)\n", l->label, l->fitted.scale, l->fitted.offset);
    else if (l->fitted.points.n)
        printf("%s:", l->label);
    for (size_t k = 0; k < l->fitted.points.n; k++)
        printf(" [%.4f, %.4f]", l->fitted.points.knots[k].x, l->fitted.points.knots[k].y);
    if (l->fitted.points.n)
        putchar('\n');
}

static void print(const struct calibration_run *r)
{
    printf("%s %s (%s), %zu files judged of %zu\n\n", r->work.card.name, r->work.card.version,
           r->work.card.task, r->e.judged, r->e.n);
    printf("%*s %5s %6s  %6s  %20s  at most %3.0f %% false\n", NAME_WIDTH, "", "", "", "",
           "calibration error", r->call->eval.false_rate * 100);
    printf("%-*s %5s %6s  %6s  %6s %6s %6s  %6s %6s %6s\n", NAME_WIDTH, "LABEL", "SHOW", "OTHERS", "AUC",
           "NOW", "HALVES", "FITTED", "RAW", "FROM", "RECALL");
    for (size_t i = 0; i < r->e.nlabels; i++)
        print_label(&r->labels[i]);
    putchar('\n');
    if (!r->how->fit)
        printf("temperature %.4f\n", r->labels[0].fitted.temperature);
    for (size_t i = 0; i < r->e.nlabels; i++)
        if (!r->labels[i].stays)
            print_fit(r, &r->labels[i]);
}

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

static void put_real(doc_t *doc, val_t *obj, const char *key, double x)
{
    if (isnan(x))
        yyjson_mut_obj_add_null(doc, obj, key);
    else
        yyjson_mut_obj_add_real(doc, obj, key, x);
}

static void put_fit(doc_t *doc, val_t *o, const struct calibration_run *r, const struct calibrated_label *l)
{
    val_t *points;

    if (!r->how->fit) {
        put_real(doc, o, "temperature", l->fitted.temperature);
    } else if (text_is(r->how->kind, "origin")) {
        put_real(doc, o, "scale", l->fitted.scale);
        put_real(doc, o, "offset", l->fitted.offset);
    } else {
        points = yyjson_mut_obj_add_arr(doc, o, "points");
        for (size_t i = 0; i < l->fitted.points.n; i++) {
            val_t *pair = yyjson_mut_arr_add_arr(doc, points);
            yyjson_mut_arr_add_real(doc, pair, l->fitted.points.knots[i].x);
            yyjson_mut_arr_add_real(doc, pair, l->fitted.points.knots[i].y);
        }
    }
}

static void put_label(doc_t *doc, val_t *all, const struct calibration_run *r,
                      const struct calibrated_label *l)
{
    val_t *o = yyjson_mut_arr_add_obj(doc, all);

    yyjson_mut_obj_add_str(doc, o, "label", l->label);
    yyjson_mut_obj_add_uint(doc, o, "show", l->raw.shown);
    yyjson_mut_obj_add_uint(doc, o, "others", l->raw.others);
    if (l->stays) {
        yyjson_mut_obj_add_str(doc, o, "stays", l->stays);
        return;
    }
    put_real(doc, o, "auc", l->raw.auc);
    put_real(doc, o, "ece_raw", l->raw.ece);
    put_real(doc, o, "ece_now", l->now.ece);
    put_real(doc, o, "ece_halves", l->two_fold.ece);
    put_real(doc, o, "ece_fitted", l->after.ece);
    put_real(doc, o, "threshold_raw", l->raw.kept.threshold);
    put_real(doc, o, "threshold", l->after.kept.threshold);
    put_real(doc, o, "recall", l->after.kept.recall);
    put_fit(doc, o, r, l);
}

static void print_json(const struct calibration_run *r)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_mut_obj(doc), *all;

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "schema", "assay.calibration/1");
    yyjson_mut_obj_add_str(doc, root, "model", r->work.card.name);
    yyjson_mut_obj_add_str(doc, root, "version", r->work.card.version);
    yyjson_mut_obj_add_str(doc, root, "task", r->work.card.task);
    yyjson_mut_obj_add_uint(doc, root, "files", r->e.n);
    yyjson_mut_obj_add_uint(doc, root, "judged", r->e.judged);
    yyjson_mut_obj_add_real(doc, root, "false_rate", r->call->eval.false_rate);
    all = yyjson_mut_obj_add_arr(doc, root, "labels");
    for (size_t i = 0; i < r->e.nlabels; i++)
        put_label(doc, all, r, &r->labels[i]);
    puts((const char *)json_write(r->e.arena, doc).data);
}

/* ---- the command ---- */

static int judge(struct calibration_run *r, struct err *err)
{
    struct model_call *c = r->call;
    struct lab_opts opts = lab_opts_of(&c->lab, &c->data, c->arena);
    const struct card *raw;

    c->eval.pipeline = r->how->kind;
    if (eval_find(&r->e, &c->eval, err) < 0 || (!r->how->fit && check_tags(r, err) < 0) ||
        workpiece_lay(c->arena, &r->work, err) < 0 || eval_choose(c, r->work.raw, &opts, &raw, err) < 0)
        return -1;
    r->e.model = raw->name;
    if (!r->how->fit) {
        r->p = arena_array(c->arena, r->e.n * r->work.card.nlabels + 1, sizeof *r->p);
        r->e.keep = keep_labels;
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
        print_json(r);
    else
        print(r);
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
        fit_tags(&r);
    return finish(&r, err);
}
