#include "analysis/fomo.h"

#include <math.h>

#include "analysis/assign.h"
#include "base/text.h"

/* In cells; right and bottom are the first column and row behind it. */
struct blob {
    size_t left, top, right, bottom, label;
    double score;
};

struct blobs {
    size_t n, cap;
    struct blob *all;
};

static bool touch(const struct blob *a, const struct blob *b)
{
    return a->label == b->label && a->left <= b->right && b->left <= a->right && a->top <= b->bottom &&
           b->top <= a->bottom;
}

static void widen(struct blob *a, const struct blob *b)
{
    a->left = b->left < a->left ? b->left : a->left;
    a->top = b->top < a->top ? b->top : a->top;
    a->right = b->right > a->right ? b->right : a->right;
    a->bottom = b->bottom > a->bottom ? b->bottom : a->bottom;
    a->score = fmax(a->score, b->score);
}

static int join(struct arena *a, struct blobs *to, const struct blob *b, struct err *err)
{
    for (size_t i = 0; i < to->n; i++)
        if (touch(&to->all[i], b)) {
            widen(&to->all[i], b);
            return 0;
        }
    if (to->n == SENSOR_BOXES)
        return FAIL(err, ERR_LIMIT,
                    "the model finds more than %d things on a picture; raise its lowest score", SENSOR_BOXES);
    ARENA_PUSH(a, to->all, to->n, to->cap) = *b;
    return 0;
}

static int join_cells(struct arena *a, const struct fomo_grid *g, struct blobs *to, struct err *err)
{
    const float *p = g->scores;

    for (size_t y = 0; y < g->rows; y++)
        for (size_t x = 0; x < g->columns; x++, p += g->nlabels + 1)
            for (size_t label = 0; label < g->nlabels; label++) {
                struct blob cell = {x, y, x + 1, y + 1, label, (double)p[label + 1]};
                if (cell.score >= g->least && join(a, to, &cell, err) < 0)
                    return -1;
            }
    return 0;
}

int fomo_boxes(struct arena *a, const struct fomo_grid *g, struct window_boxes *ret, struct err *err)
{
    double cell_width = (double)g->width / (double)g->columns,
           cell_height = (double)g->height / (double)g->rows;
    struct blobs cells = {0}, joined = {0};
    struct sensor_box *boxes;
    double *scores;

    if (join_cells(a, g, &cells, err) < 0)
        return -1;
    for (size_t i = 0; i < cells.n; i++)
        if (join(a, &joined, &cells.all[i], err) < 0)
            return -1;
    boxes = arena_array(a, joined.n, sizeof *boxes);
    scores = arena_array(a, joined.n, sizeof *scores);
    for (size_t i = 0; i < joined.n; i++) {
        const struct blob *b = &joined.all[i];
        boxes[i] = (struct sensor_box){.label = g->labels[b->label],
                                       .x = (double)b->left * cell_width,
                                       .y = (double)b->top * cell_height,
                                       .width = (double)(b->right - b->left) * cell_width,
                                       .height = (double)(b->bottom - b->top) * cell_height};
        scores[i] = b->score;
    }
    ret->n = joined.n;
    ret->boxes = boxes;
    ret->scores = scores;
    return 0;
}

/* ---- against what is there ---- */

static double distance(const struct sensor_box *a, const struct sensor_box *b, int width, int height)
{
    return hypot((a->x + a->width / 2 - b->x - b->width / 2) / width,
                 (a->y + a->height / 2 - b->y - b->height / 2) / height);
}

/* Also pairs of different labels have a cost: one that forbids them. */
static double *costs(struct arena *a, int width, int height, struct window_boxes *w)
{
    double *cost = arena_array(a, w->n * w->ntruths, sizeof *cost);
    struct box_pair *pairs = NULL;
    size_t cap = 0;

    for (size_t p = 0; p < w->n; p++)
        for (size_t t = 0; t < w->ntruths; t++) {
            double *c = &cost[p * w->ntruths + t];
            *c = 2 * FOMO_NEAR;
            if (!text_is(w->boxes[p].label, w->truths[t].label))
                continue;
            *c = distance(&w->boxes[p], &w->truths[t], width, height);
            ARENA_PUSH(a, pairs, w->npairs, cap) = (struct box_pair){p, t, *c};
        }
    w->pairs = pairs;
    return cost;
}

static void measure(struct window_boxes *w)
{
    double assigned = (double)w->nassigned;

    w->precision = w->n ? assigned / (double)w->n : 0;
    w->recall = w->ntruths ? assigned / (double)w->ntruths : 0;
    w->f1 = assigned > 0 ? 2 * w->precision * w->recall / (w->precision + w->recall) : 0;
}

int fomo_compare(struct arena *a, int width, int height, int64_t deadline_mono_us, struct window_boxes *w,
                 struct err *err)
{
    double *cost = costs(a, width, height, w);
    int *truth_of = arena_array(a, w->n, sizeof *truth_of);
    struct box_pair *assigned = NULL;
    size_t cap = 0;

    if (assign(a, cost, w->n, w->ntruths, FOMO_NEAR, deadline_mono_us, truth_of, err) < 0)
        return -1;
    for (size_t p = 0; p < w->n; p++)
        if (truth_of[p] >= 0) {
            size_t t = (size_t)truth_of[p];
            ARENA_PUSH(a, assigned, w->nassigned, cap) = (struct box_pair){p, t, cost[p * w->ntruths + t]};
        }
    w->assigned = assigned;
    measure(w);
    return 0;
}
