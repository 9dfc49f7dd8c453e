#include "cmd/windows.h"

#include <string.h>

#include "cmd/foreign.h"

enum { NAME = 60, COLUMN = 24, LABEL = 14 };

struct sheet {
    struct buf *out;
    const struct impulse *impulse;
    const struct recording_result *result;
    const struct terminal *t;
};

/* ---- small steps ---- */

static void foreign(const struct sheet *s, const char *text, size_t columns)
{
    foreign_plain(s->out, text, columns, s->t->utf8);
}

static void fill(const struct sheet *s, size_t used, size_t columns)
{
    for (; used < columns; used++)
        buf_str(s->out, " ");
}

static const struct impulse_learn *block_of(const struct sheet *s, const struct learn_result *l)
{
    for (size_t i = 0; i < s->impulse->nlearn; i++)
        if (s->impulse->learn[i].id == l->id)
            return &s->impulse->learn[i];
    return NULL;
}

static double threshold_of(const struct sheet *s, const struct learn_result *l)
{
    const struct impulse_learn *block = block_of(s, l);

    return block ? block->min_score : 0;
}

static bool is_anomaly(const struct learn_result *l)
{
    return l->kind == LEARN_CLUSTERS || l->kind == LEARN_MIXTURE;
}

static double seconds(const struct sheet *s, size_t window, bool end)
{
    const struct recording_result *r = s->result;

    return s->impulse->frequency > 0
               ? (double)(window * r->step + (end ? r->window : 0)) / s->impulse->frequency
               : 0;
}

static size_t best_label(const struct learn_result *l, const float *scores)
{
    size_t best = 0;

    for (size_t i = 1; i < l->nlabels; i++)
        if (scores[i] > scores[best])
            best = i;
    return best;
}

/* ---- one cell ---- */

/* Columns used. A '?' says: below the threshold. */
static size_t class_cell(const struct sheet *s, const struct learn_result *l, const float *scores)
{
    size_t best = best_label(l, scores), before;
    size_t used = foreign_plain(s->out, l->labels[best], LABEL, s->t->utf8);

    fill(s, used, LABEL + 1);
    before = s->out->len;
    buf_printf(s->out, "%5.3f%s", (double)scores[best],
               (double)scores[best] < threshold_of(s, l) ? " ?" : "");
    return LABEL + 1 + (s->out->len - before);
}

static size_t number_cell(const struct sheet *s, const struct learn_result *l, float score)
{
    size_t before = s->out->len;

    buf_printf(s->out, "%9.3f%s", (double)score,
               is_anomaly(l) && (double)score >= threshold_of(s, l) ? " anomaly" : "");
    return s->out->len - before;
}

static size_t boxes_cell(const struct sheet *s, const struct window_boxes *b)
{
    size_t before = s->out->len;

    buf_printf(s->out, "%zu found", b->n);
    return s->out->len - before;
}

static size_t grid_cell(const struct sheet *s, const struct learn_result *l, size_t window)
{
    const float *cells = l->grid + window * l->side * l->side;
    float most = 0;

    for (size_t i = 0; i < l->side * l->side; i++)
        most = i == 0 || cells[i] > most ? cells[i] : most;
    return number_cell(s, l, most);
}

static size_t cell(const struct sheet *s, const struct learn_result *l, size_t window)
{
    const float *scores = l->scores ? l->scores + window * l->nlabels : NULL;

    if (l->boxes)
        return boxes_cell(s, &l->boxes[window]);
    if (l->grid)
        return grid_cell(s, l, window);
    if (!scores || l->nlabels == 0)
        return 0;
    return l->nlabels == 1 ? number_cell(s, l, scores[0]) : class_cell(s, l, scores);
}

/* ---- lines ---- */

static void heading(const struct sheet *s)
{
    const struct recording_result *r = s->result;

    buf_printf(s->out, "%8s %8s  ", "from s", "to s");
    for (size_t i = 0; i < r->nlearn; i++) {
        const struct impulse_learn *block = block_of(s, &r->learn[i]);
        size_t used = foreign_plain(s->out, block && block->name ? block->name : "", COLUMN - 1, s->t->utf8);
        fill(s, used, i + 1 < r->nlearn ? COLUMN : used);
    }
    buf_str(s->out, "\n");
}

static void line(const struct sheet *s, size_t window)
{
    const struct recording_result *r = s->result;

    buf_printf(s->out, "%8.3f %8.3f  ", seconds(s, window, false), seconds(s, window, true));
    for (size_t i = 0; i < r->nlearn; i++) {
        size_t used = cell(s, &r->learn[i], window);
        fill(s, used, i + 1 < r->nlearn ? COLUMN : used);
    }
    buf_str(s->out, "\n");
}

/* ---- how it adds up ---- */

static void count_labels(const struct sheet *s, const struct learn_result *l)
{
    size_t uncertain = 0;

    for (size_t label = 0; label < l->nlabels; label++) {
        size_t n = 0;
        for (size_t w = 0; w < s->result->nwindows; w++) {
            const float *scores = l->scores + w * l->nlabels;
            bool sure = (double)scores[best_label(l, scores)] >= threshold_of(s, l);
            n += sure && best_label(l, scores) == label;
            uncertain += !sure && label == 0;
        }
        if (n == 0)
            continue;
        buf_printf(s->out, " %zu ", n);
        foreign(s, l->labels[label], LABEL);
    }
    if (uncertain)
        buf_printf(s->out, " %zu uncertain", uncertain);
}

static void count_anomalies(const struct sheet *s, const struct learn_result *l)
{
    size_t above = 0;
    float most = 0;

    for (size_t w = 0; w < s->result->nwindows; w++) {
        above += (double)l->scores[w] >= threshold_of(s, l);
        most = w == 0 || l->scores[w] > most ? l->scores[w] : most;
    }
    buf_printf(s->out, " %zu of %zu, at most %.3f", above, s->result->nwindows, (double)most);
}

static void sum(const struct sheet *s, const struct learn_result *l)
{
    const struct impulse_learn *block = block_of(s, l);

    if (!l->scores || s->result->nwindows == 0)
        return;
    foreign(s, block && block->name ? block->name : "", COLUMN - 1);
    buf_str(s->out, ":");
    if (is_anomaly(l))
        count_anomalies(s, l);
    else if (l->nlabels > 1)
        count_labels(s, l);
    buf_str(s->out, "\n");
}

static void title(const struct sheet *s, const char *name)
{
    const struct recording_result *r = s->result;

    foreign(s, name, NAME);
    if (s->impulse->input == INPUT_SERIES)
        buf_printf(s->out, ": %zu window%s of %g ms, every %g ms, at %g Hz%s%s\n", r->nwindows,
                   r->nwindows == 1 ? "" : "s", s->impulse->window_ms, s->impulse->step_ms,
                   s->impulse->frequency, r->resampled ? ", resampled" : "",
                   r->padded ? ", filled with zeros" : "");
    else
        buf_str(s->out, "\n");
}

void windows_print(struct buf *out, const char *name, const struct impulse *impulse,
                   const struct recording_result *result, const struct terminal *t)
{
    struct sheet s = {out, impulse, result, t};

    if (result->error.kind != ERR_NONE) {
        foreign(&s, name, NAME);
        buf_str(out, ": ");
        foreign(&s, result->error.text, sizeof result->error.text);
        buf_str(out, "\n");
        return;
    }
    title(&s, name);
    if (result->nwindows == 0) {
        buf_str(out, "Shorter than one window: there is nothing to judge.\n");
        return;
    }
    heading(&s);
    for (size_t w = 0; w < result->nwindows; w++)
        line(&s, w);
    for (size_t i = 0; i < result->nlearn; i++)
        sum(&s, &result->learn[i]);
}
