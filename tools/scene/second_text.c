/* Lettering of the second style: dots of a lamp board, titles that roll, lines typed letter by letter. */
#include "base/c23.h"
#include "scene_int.h"

/* 5 x 7 dots, a byte a row, the left dot in bit 4. */
static const unsigned char dots[][7] = {
    {0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11}, {0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e},
    {0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e}, {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f},
    {0x0e, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0f}, {0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e},
    {0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11}, {0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11},
    {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}, {0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11},
    {0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e}, {0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04},
    {0x11, 0x11, 0x11, 0x15, 0x15, 0x15, 0x0a}, {0x11, 0x11, 0x0a, 0x04, 0x04, 0x04, 0x04},
    {0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f}, {0x0e, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0e},
    {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e}, {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c},
};
enum { COLUMNS = 26 };
enum how { LAMPS, ROLL, TYPED, FADE, HOWS };

struct lettering {
    enum how how;
    int lines, columns;
    float dot, x, y, speed; /* pixels; per second */
    bool round;
    uint32_t seed;
    struct colour ink;
};

static void text_setup(struct stage *s)
{
    static const struct colour inks[] = {RGB(1.0f, .35f, .05f), RGB(.95f, .95f, .95f), RGB(.3f, 1.0f, .4f),
                                         RGB(.95f, .75f, .1f)};
    struct lettering *p = arena_alloc(s->clip, sizeof *p);
    struct rng *r = &s->rng;

    *p = (struct lettering){.how = rng_int(r, HOWS),
                            .lines = 1 + rng_int(r, 4),
                            .columns = 6 + rng_int(r, COLUMNS - 8),
                            .dot = rng_float(r, 0.007f, 0.02f) * s->height,
                            .x = rng_float(r, 0.03f, 0.35f) * s->width,
                            .y = rng_float(r, 0.05f, 0.65f) * s->height,
                            .speed = rng_float(r, 0.06f, 0.3f) * s->height,
                            .seed = rng_next(r),
                            .ink = inks[rng_int(r, (int)COUNT_OF(inks))]};
    p->round = p->how == LAMPS;
    if (p->how == LAMPS)
        p->lines = 1;
    if (p->how == LAMPS) /* no letter runs over another */
        p->columns = (int)fminf((float)p->columns, (s->width - p->x) / (6.2f * p->dot) - 1);
    s->props = p;
}

static void draw_dot(struct layer *l, const struct lettering *p, float x, float y, float alpha)
{
    float d = p->dot;

    if (p->round)
        layer_ellipse(l, (struct vec2){x, y}, (struct vec2){d * 0.45f, d * 0.45f}, 0, p->ink, alpha);
    else
        layer_polygon(l, (struct vec2[]){{x, y}, {x + d, y}, {x + d, y + d}, {x, y + d}}, 4, p->ink, alpha);
}

static void draw_letter(struct layer *l, const struct lettering *p, int line, int column, struct vec2 at,
                        float alpha)
{
    const unsigned char *rows =
        dots[(int)(cell2(column, line, p->seed) * COUNT_OF(dots)) % (int)COUNT_OF(dots)];

    if (cell2(column, line + 50, p->seed) < 0.15f)
        return;
    for (int y = 0; y < 7; y++)
        for (int x = 0; x < 5; x++)
            if (rows[y] >> (4 - x) & 1)
                draw_dot(l, p, at.x + (float)x * p->dot, at.y + (float)y * p->dot, alpha);
}

static void draw_board(struct layer *l, const struct stage *s, const struct lettering *p)
{
    layer_polygon(l,
                  (struct vec2[]){{p->x * 0.5f, p->y - 2 * p->dot},
                                  {s->width - p->x * 0.5f, p->y - 2 * p->dot},
                                  {s->width - p->x * 0.5f, p->y + 9 * p->dot},
                                  {p->x * 0.5f, p->y + 9 * p->dot}},
                  4, RGB(.04f, .04f, .05f), 1);
}

static void text_draw(const struct stage *s, struct instant *m)
{
    const struct lettering *p = s->props;
    float step = 6.2f * p->dot,
          alpha = p->how == FADE ? 0.5f - 0.5f * cosf(2 * m->t + (float)(p->seed % 6)) : 1;
    int shown = p->how == TYPED ? (int)(m->t * 9) : p->lines * p->columns;
    struct layer l = layer_new(m->frame, m->canvas, 0, 0, s->width, s->height, 2);

    if (p->how == LAMPS)
        draw_board(&l, s, p);
    for (int line = 0; line < p->lines; line++)
        for (int i = 0; i < p->columns && line * p->columns + i < shown; i++) {
            struct vec2 at = {p->x + (float)i * step, p->y + (float)line * 10 * p->dot};
            if (p->how == LAMPS)
                at.x = p->x * 0.5f +
                       fmodf(0.9f * s->width + (float)i * step - p->speed * 2 * m->t + 20 * s->width,
                             s->width - p->x);
            if (p->how == ROLL)
                at.y = fmodf(at.y - p->speed * m->t + 20 * s->height, s->height);
            draw_letter(&l, p, line, i, at, alpha);
        }
    layer_onto(&l, m->canvas);
}

const struct kind second_text = {
    {"text", NULL, "lettering on a lamp board, rolling, typed or fading"}, text_setup, NULL, text_draw};
