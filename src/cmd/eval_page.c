/* assay model eval --html: the table, and for each label the ROC curve and how far scores can be trusted. */
#include <math.h>

#include "base/cleanup.h"
#include "cmd/eval_int.h"
#include "cmd/foreign.h"

enum { SIDE = 100, MARGIN = 8, PROBLEMS_SHOWN = 100 };

static void add_figure(struct buf *out, double x)
{
    buf_printf(out, isnan(x) ? "<td>-</td>" : "<td>%.3f</td>", x);
}

static void add_name(struct buf *out, const char *tag, const char *name)
{
    buf_printf(out, "<%s>", tag);
    foreign_html(out, name);
    buf_printf(out, "</%s>", tag);
}

/* ---- tables ---- */

static void add_at(struct buf *out, const struct measure_at *at)
{
    add_figure(out, at->threshold);
    add_figure(out, at->recall);
    add_figure(out, at->false_rate);
    add_figure(out, at->f1);
}

static void add_labels(struct buf *out, const struct evaluation *e)
{
    static const char at[] = "<th>from</th><th>recall</th><th>false</th><th>F1</th>";

    buf_printf(out,
               "<h3>Labels</h3>\n<table><tr><th colspan=\"5\"></th><th colspan=\"4\">asked for</th>"
               "<th colspan=\"4\">best F1</th><th colspan=\"4\">at most %.0f %% false</th></tr>\n"
               "<tr><th>label</th><th>show it</th><th>others</th><th>AUC</th><th>calibration "
               "error</th>%s%s%s</tr>\n",
               e->false_rate * 100, at, at, at);
    for (size_t i = 0; i < e->nlabels; i++) {
        const struct measures *m = &e->measures[i];
        buf_str(out, "<tr>");
        add_name(out, "td", e->labels[i]);
        buf_printf(out, "<td>%zu</td><td>%zu</td>", m->shown, m->others);
        if (e->scored[i]) {
            add_figure(out, m->auc);
            add_figure(out, m->ece);
            add_at(out, &m->at);
            add_at(out, &m->best);
            add_at(out, &m->kept);
        } else {
            buf_str(out, "<td colspan=\"14\">no model gives a score for it</td>");
        }
        buf_str(out, "</tr>\n");
    }
    buf_str(out, "</table>\n");
}

static void add_confusion(struct buf *out, const struct evaluation *e)
{
    size_t columns = e->nlabels + 1;

    buf_printf(out, "<h3>What was said, the highest score from %g</h3>\n<table><tr><th>folder</th>",
               e->threshold);
    for (size_t k = 0; k < columns; k++)
        if (!eval_is_derived(e, k))
            add_name(out, "th", k < e->nlabels ? e->labels[k] : e->kind->nothing);
    buf_str(out, "</tr>\n");
    for (size_t i = 0; i < e->nfolders; i++) {
        buf_str(out, "<tr>");
        add_name(out, "td", e->folders[i].name);
        for (size_t k = 0; k < columns; k++)
            if (!eval_is_derived(e, k))
                buf_printf(out, "<td>%zu</td>", e->confusion[i * columns + k]);
        buf_str(out, "</tr>\n");
    }
    buf_str(out, "</table>\n");
}

/* ---- curves ---- */

/* Both axes from 0 to 1, and the diagonal. */
static void begin_curve(struct buf *out, const char *across, const char *up)
{
    buf_printf(out,
               "<svg class=\"curve\" viewBox=\"-%d -4 %d %d\" role=\"img\">"
               "<rect x=\"0\" y=\"0\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"currentColor\" "
               "stroke-width=\".3\"/>"
               "<line class=\"cut\" x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"0\" stroke-width=\".4\"/>"
               "<text x=\"%d\" y=\"%d\">%s</text><text x=\"-%d\" y=\"50\" transform=\"rotate(-90 -%d "
               "50)\">%s</text>",
               MARGIN, SIDE + MARGIN + 4, SIDE + MARGIN + 4, SIDE, SIDE, SIDE, SIDE, SIDE / 3,
               SIDE + MARGIN - 1, across, MARGIN / 2, MARGIN / 2, up);
}

static void add_roc(struct buf *out, const struct evaluation *e, size_t i)
{
    struct roc_point p[EVAL_ROC_POINTS];
    size_t n = measure_roc(e->sorted[i], e->judged, p, EVAL_ROC_POINTS);

    buf_str(out, "<figure>");
    begin_curve(out, "false rate", "recall");
    buf_str(out, "<polyline points=\"");
    for (size_t k = 0; k < n; k++)
        buf_printf(out, "%.2f,%.2f ", p[k].false_rate * SIDE, SIDE - p[k].recall * SIDE);
    buf_printf(out, "\"/></svg><figcaption>ROC, area %.3f</figcaption></figure>\n", e->measures[i].auc);
}

/* The larger the bin, the larger its point. */
static void add_reliability(struct buf *out, const struct evaluation *e, size_t i)
{
    const struct measures *m = &e->measures[i];

    buf_str(out, "<figure>");
    begin_curve(out, "score", "part that shows it");
    for (size_t k = 0; k < MEASURE_BINS; k++)
        if (m->bins[k].n)
            buf_printf(out, "<circle class=\"even\" cx=\"%.2f\" cy=\"%.2f\" r=\"%.2f\"/>",
                       m->bins[k].score * SIDE, SIDE - m->bins[k].rate * SIDE,
                       1 + 4 * sqrt((double)m->bins[k].n / (double)e->judged));
    buf_printf(out, "</svg><figcaption>Reliability, calibration error %.3f</figcaption></figure>\n", m->ece);
}

static void add_curves(struct buf *out, const struct evaluation *e)
{
    for (size_t i = 0; i < e->nlabels; i++) {
        if (!e->scored[i] || isnan(e->measures[i].auc))
            continue;
        add_name(out, "h3", e->labels[i]);
        buf_str(out, "\n<div class=\"curves\">");
        add_roc(out, e, i);
        add_reliability(out, e, i);
        buf_str(out, "</div>\n");
    }
}

/* ---- the rest ---- */

static void add_problems(struct buf *out, const struct evaluation *e)
{
    size_t shown = 0;

    if (e->judged == e->n)
        return;
    buf_printf(out, "<h3>%zu files were not judged</h3>\n<table>\n", e->n - e->judged);
    for (size_t i = 0; i < e->n && shown < PROBLEMS_SHOWN; i++) {
        if (!e->items[i].problem)
            continue;
        shown++;
        buf_str(out, "<tr>");
        add_name(out, "td", e->items[i].path);
        add_name(out, "td", e->items[i].problem);
        buf_str(out, "</tr>\n");
    }
    buf_str(out, "</table>\n");
}

void eval_page(struct buf *out, const struct evaluation *e)
{
    buf_str(out, "<article>\n");
    add_name(out, "h2", e->data);
    buf_printf(out,
               "\n<p class=\"facts\">%zu files judged of %zu; %.1f ms of CPU, %.1f ms of time for a file "
               "(medians)</p>\n<p class=\"facts\">",
               e->judged, e->n, e->cpu_ms, e->wall_ms);
    for (size_t i = 0; i < e->nmodels; i++) {
        buf_str(out, i ? ", " : "");
        foreign_html(out, e->models[i].name);
        buf_str(out, " ");
        foreign_html(out, e->models[i].version);
    }
    buf_str(out, "</p>\n");
    add_labels(out, e);
    add_confusion(out, e);
    add_curves(out, e);
    add_problems(out, e);
    buf_str(out, "</article>\n");
}
