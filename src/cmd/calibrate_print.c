/* assay model calibrate: what came of it, for people and for programs. */
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/calibrate_int.h"
#include "cmd/foreign.h"
#include "cmd/terminal.h"

enum { NAME_WIDTH = 18 };

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
        buf_printf(&out, "  %6s  %6s %6s %6s  %6s %6s %6s\n", eval_figure(auc, l->raw.auc),
                   eval_figure(now, l->now.ece), eval_figure(folds, l->two_fold.ece),
                   eval_figure(after, l->after.ece), eval_figure(raw, l->raw.kept.threshold),
                   eval_figure(from, l->after.kept.threshold), eval_figure(recall, l->after.kept.recall));
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

void calibrate_print(const struct calibration_run *r)
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

static void put_fit(doc_t *doc, val_t *o, const struct calibration_run *r, const struct calibrated_label *l)
{
    val_t *points;

    if (!r->how->fit) {
        json_put_real(doc, o, "temperature", l->fitted.temperature);
    } else if (text_is(r->how->kind, "origin")) {
        json_put_real(doc, o, "scale", l->fitted.scale);
        json_put_real(doc, o, "offset", l->fitted.offset);
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
    json_put_real(doc, o, "auc", l->raw.auc);
    json_put_real(doc, o, "ece_raw", l->raw.ece);
    json_put_real(doc, o, "ece_now", l->now.ece);
    json_put_real(doc, o, "ece_halves", l->two_fold.ece);
    json_put_real(doc, o, "ece_fitted", l->after.ece);
    json_put_real(doc, o, "threshold_raw", l->raw.kept.threshold);
    json_put_real(doc, o, "threshold", l->after.kept.threshold);
    json_put_real(doc, o, "recall", l->after.kept.recall);
    put_fit(doc, o, r, l);
}

void calibrate_print_json(const struct calibration_run *r)
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
