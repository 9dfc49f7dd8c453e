#include "analysis/average_precision.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

double box_overlap(const struct sensor_box *a, const struct sensor_box *b)
{
    double w = fmin(a->x + a->width, b->x + b->width) - fmax(a->x, b->x),
           h = fmin(a->y + a->height, b->y + b->height) - fmax(a->y, b->y), both = w > 0 && h > 0 ? w * h : 0,
           either = a->width * a->height + b->width * b->height - both;

    return either > 0 ? both / either : 0;
}

/* Boxes of one label, best first; equal ones in their order. */
static size_t ranked(const struct window_boxes *w, const char *label, size_t *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++) {
        size_t at = n;
        if (!text_is(w->boxes[i].label, label))
            continue;
        while (at && w->scores[ret[at - 1]] < w->scores[i])
            at--;
        memmove(ret + at + 1, ret + at, (n - at) * sizeof *ret);
        ret[at] = i;
        n++;
    }
    return n;
}

/* The truth of that label which nobody has met and the box overlaps most, by at least `least`; -1: none. */
static int met(const struct window_boxes *w, const struct sensor_box *box, double least, const bool *taken)
{
    double best = least;
    int at = -1;

    for (size_t i = 0; i < w->ntruths; i++) {
        double overlap;
        if (taken[i] || !text_is(w->truths[i].label, box->label))
            continue;
        overlap = box_overlap(box, &w->truths[i]);
        if (overlap >= best) {
            best = overlap;
            at = (int)i;
        }
    }
    return at;
}

enum { RECALLS = 101 };

/* One more box: `hits` of `boxes` so far are right. Every recall up to hits / truths has at least this
 * precision. */
static void raise_to(double best[RECALLS], size_t hits, size_t boxes, size_t truths)
{
    double precision = (double)hits / (double)boxes;

    for (int i = 0; i < RECALLS && (double)i / (RECALLS - 1) <= (double)hits / (double)truths; i++)
        best[i] = fmax(best[i], precision);
}

static double of_label(const struct window_boxes *w, const size_t *order, size_t n, size_t truths,
                       double least, bool *taken)
{
    double best[RECALLS] = {0}, sum = 0;
    size_t hits = 0;

    memset(taken, 0, w->ntruths * sizeof *taken);
    for (size_t i = 0; i < n; i++) {
        int at = met(w, &w->boxes[order[i]], least, taken);
        if (at >= 0) {
            taken[at] = true;
            hits++;
        }
        raise_to(best, hits, i + 1, truths);
    }
    for (int i = 0; i < RECALLS; i++)
        sum += best[i];
    return sum / RECALLS;
}

/* How many truths have the label of truth `at`; 0 when an earlier one has it. */
static size_t truths_like(const struct window_boxes *w, size_t at)
{
    size_t n = 0;

    for (size_t i = 0; i < w->ntruths; i++)
        if (text_is(w->truths[i].label, w->truths[at].label)) {
            if (i < at)
                return 0;
            n++;
        }
    return n;
}

double average_precision(const struct window_boxes *w)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t *order = arena_array(a, w->n + 1, sizeof *order), labels = 0;
    bool *taken = arena_array(a, w->ntruths + 1, sizeof *taken);
    double sum = 0;

    for (size_t t = 0; t < w->ntruths; t++) {
        size_t truths = truths_like(w, t), n;
        if (!truths)
            continue;
        n = ranked(w, w->truths[t].label, order);
        labels++;
        for (int step = 0; step < 10; step++)
            sum += of_label(w, order, n, truths, 0.5 + 0.05 * step, taken) / 10;
    }
    return labels ? sum / (double)labels : 0;
}
