/* assay model eval: the table for people, the document for programs. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cmd/eval_int.h"
#include "cmd/foreign.h"
#include "cmd/terminal.h"

enum { NAME_WIDTH = 18, PROBLEMS_SHOWN = 10 };

const char *eval_figure(char text[16], double x)
{
    snprintf(text, 16, isnan(x) ? "-" : "%.3f", x);
    return text;
}

/* ---- the table ---- */

static void add_name(struct buf *out, const char *name)
{
    struct terminal t = terminal_of(STDOUT_FILENO);
    size_t used = foreign_plain(out, name, NAME_WIDTH, t.utf8);

    buf_printf(out, "%*s", (int)(used < NAME_WIDTH ? NAME_WIDTH - used : 0), "");
}

static void add_at(struct buf *out, const struct measure_at *at)
{
    char threshold[16], recall[16], wrong[16], f1[16];

    buf_printf(out, "  %6s %6s %6s %6s", eval_figure(threshold, at->threshold),
               eval_figure(recall, at->recall), eval_figure(wrong, at->false_rate), eval_figure(f1, at->f1));
}

static void add_label_row(struct buf *out, const struct evaluation *e, size_t i)
{
    const struct measures *m = &e->measures[i];
    char auc[16], ece[16];

    add_name(out, e->labels[i]);
    if (!e->scored[i]) {
        buf_str(out, " no model gives a score for it\n");
        return;
    }
    buf_printf(out, " %5zu %6zu  %6s %6s", m->shown, m->others, eval_figure(auc, m->auc),
               eval_figure(ece, m->ece));
    add_at(out, &m->at);
    add_at(out, &m->best);
    add_at(out, &m->kept);
    buf_str(out, "\n");
}

static void add_labels(struct buf *out, const struct evaluation *e)
{
    static const char at[] = "from recall  false     F1";

    buf_printf(out, "%*s %5s %6s  %6s %6s  %26s  %26s   at most %3.0f %% false ones\n", NAME_WIDTH, "", "",
               "", "", "", "asked for", "the best F1", e->false_rate * 100);
    buf_printf(out, "%-*s %5s %6s  %6s %6s   %s   %s   %s\n", NAME_WIDTH, "LABEL", "SHOW", "OTHERS", "AUC",
               "ECE", at, at, at);
    for (size_t i = 0; i < e->nlabels; i++)
        add_label_row(out, e, i);
}

static void add_confusion(struct buf *out, const struct evaluation *e)
{
    size_t columns = e->nlabels + 1;

    buf_printf(out, "\n%-*s said, the highest score from %g\n", NAME_WIDTH, "FOLDER", e->threshold);
    add_name(out, "");
    for (size_t k = 0; k < columns; k++)
        if (!eval_is_derived(e, k))
            buf_printf(out, " %12.12s", k < e->nlabels ? e->labels[k] : e->kind->nothing);
    buf_str(out, "\n");
    for (size_t i = 0; i < e->nfolders; i++) {
        add_name(out, e->folders[i].name);
        for (size_t k = 0; k < columns; k++)
            if (!eval_is_derived(e, k))
                buf_printf(out, " %12zu", e->confusion[i * columns + k]);
        buf_str(out, "\n");
    }
}

static void add_rest(struct buf *out, const struct evaluation *e)
{
    struct terminal t = terminal_of(STDOUT_FILENO);
    size_t shown = 0;

    buf_printf(out, "\ncost      %.1f ms of CPU and %.1f ms of time for a file (medians)\nmodels   ",
               e->cpu_ms, e->wall_ms);
    for (size_t i = 0; i < e->nmodels; i++)
        buf_printf(out, "%s %s %s (sha256 %.12s...)", i ? "," : "", e->models[i].name, e->models[i].version,
                   e->models[i].sha256);
    buf_printf(out, "\nfiles     %zu, of which %zu were judged\n", e->n, e->judged);
    for (size_t i = 0; i < e->n && shown < PROBLEMS_SHOWN; i++) {
        if (!e->items[i].problem)
            continue;
        shown++;
        buf_str(out, "          ");
        foreign_plain(out, e->items[i].path, 100, t.utf8);
        buf_str(out, ": ");
        foreign_plain(out, e->items[i].problem, 256, t.utf8);
        buf_str(out, "\n");
    }
}

void eval_print(const struct evaluation *e)
{
    CLEANUP(buf_clear) struct buf out = BUF(1 << 22);

    add_labels(&out, e);
    add_confusion(&out, e);
    add_rest(&out, e);
    fputs(out.data, stdout);
}

/* ---- JSON ---- */

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

/* null for what cannot be said. */
static void put_at(doc_t *doc, val_t *obj, const char *key, const struct measure_at *at)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, obj, key);

    json_put_real(doc, o, "threshold", at->threshold);
    json_put_real(doc, o, "recall", at->recall);
    json_put_real(doc, o, "precision", at->precision);
    json_put_real(doc, o, "false_rate", at->false_rate);
    json_put_real(doc, o, "f1", at->f1);
    yyjson_mut_obj_add_uint(doc, o, "hits", at->hits);
    yyjson_mut_obj_add_uint(doc, o, "misses", at->misses);
    yyjson_mut_obj_add_uint(doc, o, "false", at->wrong);
    yyjson_mut_obj_add_uint(doc, o, "silent", at->silent);
}

static void put_bins(doc_t *doc, val_t *obj, const struct measures *m)
{
    val_t *bins = yyjson_mut_obj_add_arr(doc, obj, "reliability");

    for (size_t i = 0; i < MEASURE_BINS; i++) {
        val_t *b = yyjson_mut_arr_add_obj(doc, bins);
        yyjson_mut_obj_add_uint(doc, b, "files", m->bins[i].n);
        json_put_real(doc, b, "score", m->bins[i].score);
        json_put_real(doc, b, "rate", m->bins[i].rate);
    }
}

static void put_labels(doc_t *doc, val_t *root, const struct evaluation *e)
{
    val_t *labels = yyjson_mut_obj_add_arr(doc, root, "labels");

    for (size_t i = 0; i < e->nlabels; i++) {
        const struct measures *m = &e->measures[i];
        val_t *o = yyjson_mut_arr_add_obj(doc, labels);
        yyjson_mut_obj_add_str(doc, o, "label", e->labels[i]);
        yyjson_mut_obj_add_uint(doc, o, "scored", e->scored[i]);
        yyjson_mut_obj_add_uint(doc, o, "show", m->shown);
        yyjson_mut_obj_add_uint(doc, o, "others", m->others);
        if (!e->scored[i])
            continue;
        json_put_real(doc, o, "auc", m->auc);
        json_put_real(doc, o, "ece", m->ece);
        put_at(doc, o, "at", &m->at);
        put_at(doc, o, "best", &m->best);
        put_at(doc, o, "kept", &m->kept);
        put_bins(doc, o, m);
    }
}

static void put_confusion(doc_t *doc, val_t *root, const struct evaluation *e)
{
    val_t *all = yyjson_mut_obj_add_obj(doc, root, "confusion");

    for (size_t i = 0; i < e->nfolders; i++) {
        val_t *row = yyjson_mut_obj_add_obj(doc, all, e->folders[i].name);
        for (size_t k = 0; k <= e->nlabels; k++)
            if (!eval_is_derived(e, k))
                yyjson_mut_obj_add_uint(doc, row, k < e->nlabels ? e->labels[k] : e->kind->nothing,
                                        e->confusion[i * (e->nlabels + 1) + k]);
    }
}

static void put_items(doc_t *doc, val_t *root, const struct evaluation *e)
{
    val_t *all = yyjson_mut_obj_add_arr(doc, root, "files");

    for (size_t i = 0; i < e->n; i++) {
        const struct eval_item *item = &e->items[i];
        val_t *o = yyjson_mut_arr_add_obj(doc, all), *scores;
        yyjson_mut_obj_add_str(doc, o, "file", item->path);
        yyjson_mut_obj_add_str(doc, o, "folder", e->folders[item->folder].name);
        if (item->problem) {
            yyjson_mut_obj_add_str(doc, o, "error", item->problem);
            continue;
        }
        scores = yyjson_mut_obj_add_obj(doc, o, "scores");
        for (size_t k = 0; k < e->nlabels; k++)
            json_put_real(doc, scores, e->labels[k], item->scores[k]);
        yyjson_mut_obj_add_real(doc, o, "cpu_ms", item->cpu_ms);
        yyjson_mut_obj_add_real(doc, o, "wall_ms", item->wall_ms);
    }
}

static void put_models(doc_t *doc, val_t *root, const struct evaluation *e)
{
    val_t *all = yyjson_mut_obj_add_arr(doc, root, "models");

    for (size_t i = 0; i < e->nmodels; i++) {
        val_t *o = yyjson_mut_arr_add_obj(doc, all);
        yyjson_mut_obj_add_str(doc, o, "name", e->models[i].name);
        yyjson_mut_obj_add_str(doc, o, "version", e->models[i].version);
        yyjson_mut_obj_add_str(doc, o, "task", e->models[i].task);
        yyjson_mut_obj_add_str(doc, o, "sha256", e->models[i].sha256);
    }
}

void eval_print_json(const struct evaluation *e)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_mut_obj(doc), *cost;

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "data", e->data);
    yyjson_mut_obj_add_str(doc, root, "pipeline", e->kind->name);
    put_models(doc, root, e);
    yyjson_mut_obj_add_uint(doc, root, "judged", e->judged);
    yyjson_mut_obj_add_uint(doc, root, "not_judged", e->n - e->judged);
    put_labels(doc, root, e);
    put_confusion(doc, root, e);
    cost = yyjson_mut_obj_add_obj(doc, root, "cost");
    json_put_real(doc, cost, "cpu_ms", e->cpu_ms);
    json_put_real(doc, cost, "wall_ms", e->wall_ms);
    put_items(doc, root, e);
    puts((const char *)json_write(e->arena, doc).data);
}
