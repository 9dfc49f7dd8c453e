#include "infer/boxes_int.h"

#include <math.h>

int raw_box_by_score(const void *x, const void *y)
{
    const struct raw_box *a = x, *b = y;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->cy != b->cy)
        return a->cy < b->cy ? -1 : 1;
    if (a->cx != b->cx)
        return a->cx < b->cx ? -1 : 1;
    return a->label - b->label;
}

static float overlap_1d(float a, float a_len, float b, float b_len)
{
    return fminf(a + a_len / 2, b + b_len / 2) - fmaxf(a - a_len / 2, b - b_len / 2);
}

double raw_box_iou(const struct raw_box *a, const struct raw_box *b)
{
    float w = overlap_1d(a->cx, a->w, b->cx, b->w), h = overlap_1d(a->cy, a->h, b->cy, b->h);
    double common = w > 0 && h > 0 ? (double)w * (double)h : 0;
    double both = (double)a->w * (double)a->h + (double)b->w * (double)b->h - common;

    return both > 0 ? common / both : 0;
}

static bool is_covered(const struct raw_box *kept, size_t n, const struct raw_box *b, double limit)
{
    for (size_t i = 0; i < n; i++)
        if (kept[i].label == b->label && raw_box_iou(&kept[i], b) > limit)
            return true;
    return false;
}

size_t nms(struct raw_box *boxes, size_t n, double limit)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (!is_covered(boxes, kept, &boxes[i], limit))
            boxes[kept++] = boxes[i];
    return kept;
}

static float clamp01(float v)
{
    return fminf(fmaxf(v, 0), 1);
}

struct box raw_box_place(const struct raw_box *b, const struct placement *p)
{
    float w = (float)p->to_w, h = (float)p->to_h;
    float left = clamp01((b->cx - b->w / 2) / w), right = clamp01((b->cx + b->w / 2) / w);
    float top = clamp01((b->cy - b->h / 2) / h), bottom = clamp01((b->cy + b->h / 2) / h);

    return (struct box){left, top, right - left, bottom - top};
}
