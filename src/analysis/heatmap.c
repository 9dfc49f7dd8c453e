#include "analysis/heatmap.h"

#include <math.h>

#include "base/cleanup.h"
#include "media/png.h"

/* ---- the map ---- */

/* Tiles along a side: half a patch apart, as far as the budget goes. */
static int tiles_along(int side, int patch, int max)
{
    int wanted = (side - patch + patch / 2 - 1) / (patch / 2) + 1;

    return wanted < max ? wanted : max;
}

int heatmap_starts(int side, int patch, int max, int i, int *ret_start)
{
    int n = tiles_along(side, patch, max);

    *ret_start = n > 1 ? (int)((int64_t)(side - patch) * i / (n - 1)) : (side - patch) / 2;
    return n;
}

/* The budget shared out over both sides as their lengths are. */
static void share_budget(const struct picture *p, int *ret_columns, int *ret_rows)
{
    double shape = sqrt((double)HEATMAP_TILES * p->width / p->height);
    int columns = (int)fmin(fmax(shape, 1), HEATMAP_TILES);

    *ret_columns = columns;
    *ret_rows = HEATMAP_TILES / columns;
}

struct tally {
    struct heatmap map;
    int *votes;
};

static void count_tile(struct tally *t, const struct origin_area *tile, double score)
{
    int right = (tile->x + tile->w - 1) / HEATMAP_CELL, below = (tile->y + tile->h - 1) / HEATMAP_CELL;

    for (int y = tile->y / HEATMAP_CELL; y <= below && y < t->map.rows; y++)
        for (int x = tile->x / HEATMAP_CELL; x <= right && x < t->map.columns; x++) {
            t->map.scores[y * t->map.columns + x] += (float)score;
            t->votes[y * t->map.columns + x]++;
        }
}

int heatmap_make(struct arena *a, struct origin_judge *judge, int patch, const struct picture *bgr,
                 int64_t deadline_mono_us, struct heatmap *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct tally t = {.map = {.columns = (bgr->width + HEATMAP_CELL - 1) / HEATMAP_CELL,
                              .rows = (bgr->height + HEATMAP_CELL - 1) / HEATMAP_CELL}};
    size_t cells = (size_t)t.map.columns * (size_t)t.map.rows;
    struct origin_area tile = {.w = patch, .h = patch};
    struct origin_opinion o;
    int across, down;

    t.map.scores = arena_array(a, cells, sizeof *t.map.scores);
    t.votes = arena_array(scratch, cells, sizeof *t.votes);
    share_budget(bgr, &across, &down);
    for (int y = 0; y < heatmap_starts(bgr->height, patch, down, y, &tile.y); y++)
        for (int x = 0; x < heatmap_starts(bgr->width, patch, across, x, &tile.x); x++) {
            if (origin_judge_part(judge, scratch, bgr, &tile, deadline_mono_us, &o, err) < 0)
                return -1;
            count_tile(&t, &tile, o.artificial);
        }
    for (size_t i = 0; i < cells; i++)
        t.map.scores[i] = t.votes[i] ? t.map.scores[i] / (float)t.votes[i] : 0.5f;
    *ret = t.map;
    return 0;
}

/* ---- over the picture ---- */

static float cell_at(const struct heatmap *m, int x, int y)
{
    x = x < 0 ? 0 : x >= m->columns ? m->columns - 1 : x;
    y = y < 0 ? 0 : y >= m->rows ? m->rows - 1 : y;
    return m->scores[y * m->columns + x];
}

/* Bilinear between the middles of cells. */
static float score_at(const struct heatmap *m, double x, double y)
{
    double left = floor(x - 0.5), top = floor(y - 0.5);
    float fx = (float)(x - 0.5 - left), fy = (float)(y - 0.5 - top);
    int ix = (int)left, iy = (int)top;
    float above = cell_at(m, ix, iy) * (1 - fx) + cell_at(m, ix + 1, iy) * fx;
    float below = cell_at(m, ix, iy + 1) * (1 - fx) + cell_at(m, ix + 1, iy + 1) * fx;

    return above * (1 - fy) + below * fy;
}

/* The picture goes grey and the colour says which way, the more the surer. */
static void tint(uint8_t bgr[3], float score)
{
    static const float red[] = {40, 30, 230}, blue[] = {230, 110, 20};
    const float *colour = score >= 0.5f ? red : blue;
    float alpha = fabsf(score - 0.5f) * 1.3f;
    float grey = (29.0f * bgr[0] + 150.0f * bgr[1] + 77.0f * bgr[2]) / 256;

    for (int c = 0; c < 3; c++)
        bgr[c] = (uint8_t)lrintf(grey * (1 - alpha) + colour[c] * alpha);
}

static int shrink(struct arena *a, const struct picture *bgr, struct picture *ret, struct err *err)
{
    int longer = bgr->width > bgr->height ? bgr->width : bgr->height;
    double scale = longer > HEATMAP_LONGEST ? (double)HEATMAP_LONGEST / longer : 1;

    *ret = (struct picture){.width = (int)fmax(1, round(bgr->width * scale)),
                            .height = (int)fmax(1, round(bgr->height * scale)),
                            .channels = 3};
    ret->pixels = arena_array(a, (size_t)ret->width * (size_t)ret->height, 3);
    return picture_scale(bgr, 0, 0, bgr->width, bgr->height, ret, err);
}

int heatmap_draw(struct arena *a, const struct heatmap *map, const struct picture *bgr, struct picture *ret,
                 struct err *err)
{
    double cells_x = (double)bgr->width / HEATMAP_CELL, cells_y = (double)bgr->height / HEATMAP_CELL;

    if (shrink(a, bgr, ret, err) < 0)
        return -1;
    for (int y = 0; y < ret->height; y++)
        for (int x = 0; x < ret->width; x++)
            tint(ret->pixels + ((size_t)y * (size_t)ret->width + (size_t)x) * 3,
                 score_at(map, (x + 0.5) * cells_x / ret->width, (y + 0.5) * cells_y / ret->height));
    return 0;
}

/* ---- whose ---- */

const struct origin_seat *heatmap_seat(const struct origin_tools *t, int width, int height)
{
    const struct origin_seat *first = NULL;

    for (size_t i = 0; i < t->npictures; i++) {
        const struct origin_seat *s = &t->pictures[i];

        if (!s->model || width < s->card->origin.patch || height < s->card->origin.patch)
            continue;
        if (!s->card->origin.obsolete && card_counts_for(s->card, "image"))
            return s;
        if (!first)
            first = s;
    }
    return first;
}

int heatmap_write(const struct origin_seat *seat, const struct picture *bgr, int fd, int64_t deadline_mono_us,
                  struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct origin_judge *judge = origin_judge_new(scratch, seat->model, seat->card);
    struct picture drawn;
    struct heatmap map;

    if (heatmap_make(scratch, judge, seat->card->origin.patch, bgr, deadline_mono_us, &map, err) < 0 ||
        heatmap_draw(scratch, &map, bgr, &drawn, err) < 0)
        return -1;
    return png_write(fd, &drawn, err);
}
