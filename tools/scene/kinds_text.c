/* Lettering that appears, blinks, runs or swings: a notice of the recorder, a ticker, a board. Letters are
 * strokes on a grid of 3 x 5 points. */
#include <string.h>

#include "base/c23.h"
#include "scene_int.h"

/* Points of the grid are a b c / d e f / g h i / j k l / m n o; a blank lifts the pen. */
static const struct {
    char c;
    const char *strokes;
} shapes[] = {{'A', "mdbfo gi"}, {'C', "camo"},     {'D', "abflnma"}, {'E', "camo gh"}, {'F', "cam gh"},
              {'H', "am gi co"}, {'I', "bn"},       {'L', "amo"},     {'N', "maoc"},    {'O', "acoma"},
              {'P', "macig"},    {'R', "macig ho"}, {'S', "cagiom"},  {'T', "ac bn"},   {'U', "amoc"},
              {'V', "anc"},      {'X', "ao cm"},    {'Z', "acmo"},    {'2', "acigmo"},  {'4', "agi co"},
              {'5', "cagiom"},   {'7', "acm"},      {'0', "acoma"},   {'8', "acoma gi"}};
enum { TEXT = 40, LINES = 3 };
static const float advance = 0.8f; /* widths of a letter are given in its height */

static struct vec2 grid_point(struct vec2 at, float size, float slant, char p)
{
    int i = p - 'a';
    float y = (float)(i / 3) / 4;

    return (struct vec2){at.x + size * (0.27f * (float)(i % 3) + slant * (1 - y)), at.y + size * y};
}

static void letter(struct layer *l, char c, struct vec2 at, float size, float slant, float pen,
                   struct colour colour)
{
    const char *strokes = "";

    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        if (shapes[i].c == c)
            strokes = shapes[i].strokes;
    for (; *strokes && strokes[1]; strokes++)
        if (strokes[0] != ' ' && strokes[1] != ' ')
            layer_line(l, grid_point(at, size, slant, strokes[0]), grid_point(at, size, slant, strokes[1]),
                       pen, pen, colour, 1);
}

static void some_words(struct rng *r, int n, char *ret)
{
    for (int i = 0; i < n; i++)
        ret[i] = i % 8 == 7 || rng_int(r, 7) == 0 ? ' ' : shapes[rng_int(r, (int)COUNT_OF(shapes))].c;
    ret[n] = '\0';
}

enum how { NOTICE, TICKER, BOARD, COUNTER, HOWS };

struct lettering {
    enum how how;
    char text[LINES][TEXT + 1];
    int lines;
    float size, x, y, speed, slant, pen, period, start;
    bool bed; /* on a bar of its own colour */
    uint32_t seed;
    struct colour ink, paper;
};

static void text_setup(struct stage *s)
{
    static const struct colour inks[] = {RGB(.95f, .95f, .95f), RGB(.95f, .90f, .2f), RGB(.1f, .1f, .1f),
                                         RGB(.9f, .15f, .1f), RGB(.2f, .9f, .3f)};
    struct lettering *p = arena_alloc(s->clip, sizeof *p);
    struct rng *r = &s->rng;
    int ink = rng_int(r, (int)COUNT_OF(inks));

    *p = (struct lettering){
        .how = rng_int(r, HOWS),
        .size = rng_float(r, 0.05f, 0.16f) * s->height,
        .x = rng_float(r, 0.05f, 0.45f) * s->width,
        .y = rng_float(r, 0.05f, 0.75f) * s->height,
        .speed = (rng_int(r, 4) ? -1.0f : 1.0f) * rng_float(r, 0.08f, 0.35f) * s->width,
        .slant = rng_int(r, 3) ? 0 : 0.2f,
        .period = rng_float(r, 0.5f, 2.0f),
        .start = rng_float(r, 0.1f, 0.6f) * s->seconds,
        .bed = rng_int(r, 2),
        .seed = rng_next(r),
        .ink = inks[ink],
        .paper = ink == 2 ? RGB(.85f, .85f, .80f) : RGB(.06f, .06f, .10f),
    };
    p->pen = p->size * rng_float(r, 0.08f, 0.2f);
    p->lines = p->how == TICKER ? 1 : 1 + rng_int(r, LINES);
    for (int i = 0; i < p->lines; i++)
        some_words(r, p->how == TICKER ? TEXT : 4 + rng_int(r, 9), p->text[i]);
    s->props = p;
}

/* Where a line of it begins now; false while it does not show. */
static bool text_at(const struct stage *s, const struct lettering *p, float t, struct vec2 *ret)
{
    *ret = (struct vec2){p->x, p->y};
    if (p->how == TICKER)
        ret->x = (p->speed < 0 ? 0.9f * s->width : -0.3f * s->width) + p->speed * t;
    if (p->how == BOARD) {
        ret->x += 0.04f * s->width * sinf(t * 2.2f / p->period) * (0.4f + noise2(t, 2, p->seed));
        ret->y += 0.015f * s->width * sinf(t * 4.4f / p->period);
    }
    if (p->how == NOTICE && p->seed % 2)
        return t > p->start && t < p->start + 2 * p->period + 1;
    return p->how != NOTICE || fmodf(t + p->start, p->period) < 0.6f * p->period;
}

static void text_bed(struct layer *l, const struct stage *s, const struct lettering *p, struct vec2 at)
{
    size_t longest = 0;
    float margin = 0.4f * p->size, x0 = at.x - margin, x1;

    for (int i = 0; i < p->lines; i++)
        longest = strlen(p->text[i]) > longest ? strlen(p->text[i]) : longest;
    x1 = at.x + (float)longest * advance * p->size + margin;
    if (p->how == TICKER) {
        x0 = 0;
        x1 = s->width;
    }
    layer_polygon(l,
                  (struct vec2[]){{x0, at.y - margin},
                                  {x1, at.y - margin},
                                  {x1, at.y + (float)p->lines * 1.5f * p->size},
                                  {x0, at.y + (float)p->lines * 1.5f * p->size}},
                  4, p->paper, 0.9f);
}

/* A counter's figures are others in every quarter of a period. */
static char text_char(const struct lettering *p, int line, int i, float t)
{
    char c = p->text[line][i];

    if (p->how != COUNTER || c == ' ')
        return c;
    return shapes[(int)(cell2(i, line + 100 * (int)(t * 4 / p->period), p->seed) * COUNT_OF(shapes)) %
                  (int)COUNT_OF(shapes)]
        .c;
}

static void text_draw(const struct stage *s, struct instant *m)
{
    const struct lettering *p = s->props;
    struct vec2 at;
    struct layer l;

    if (!text_at(s, p, m->t, &at))
        return;
    l = layer_new(m->frame, m->canvas, 0, at.y - p->size, s->width, at.y + 1.6f * (float)p->lines * p->size,
                  2);
    if (!l.px)
        return;
    if (p->bed || p->how == BOARD)
        text_bed(&l, s, p, at);
    for (int line = 0; line < p->lines; line++)
        for (int i = 0; p->text[line][i]; i++)
            letter(&l, text_char(p, line, i, m->t),
                   (struct vec2){at.x + (float)i * advance * p->size, at.y + (float)line * 1.5f * p->size},
                   p->size, p->slant, p->pen, p->ink);
    layer_onto(&l, m->canvas);
}

const struct kind kind_text = {
    {"text", NULL, "lettering blinks, runs, swings or counts"}, text_setup, NULL, text_draw};
