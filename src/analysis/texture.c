#include "analysis/texture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/c23.h"

enum {
    MOST_VISITS = 1500, /* cells looked at in one picture: more are thinned out */
    CRISP = 48,         /* levels of a sharp step */
    FLIP = 32,          /* levels of a change between light and dark */
    MOST_BOXES = 3,     /* regions searched for strokes */
    SHADES = 32,
};
static const float stir_ratio = 2.5f, stir_floor = 2; /* stirred: above ratio x usual + floor, in levels */

/* Sums over the visits of a cell. */
struct cell {
    uint16_t visits;   /* looked at */
    uint16_t times;    /* moved */
    uint16_t episodes; /* began to move */
    float detail, contrast, ridges, bend_base, coherence, gx, gy, two_levels, crisp, saturation, green,
        bright;
};

struct texture {
    int width, height; /* of the pictures */
    int fine_w, fine_h;
    uint8_t *fine, *fine_before; /* green of 2 x 2 pixels */
    uint32_t *stir;              /* sum of differences, levels */
    int stir_pictures;
    size_t ncells;
    struct cell *cells; /* by the first picture, when the number of cells is known */
    uint8_t *moved, *moved_before;
    struct arena *a;
    int pictures; /* compared */
    float last_share, last_area, last_x, last_y, last_dx, last_dy;
    bool followed;
    /* --- sums --- */
    double share, jitter, light, light_most, shift, explained, change, turns, shifts;
    double overlap[2], both[2], novel, later, path, from_x, from_y, resize, resizes, aside, asides;
    double low, high, moving, flips[2], runs[2], inks, boxes, colour, lightness, edges;
};

struct texture *texture_new(struct arena *a, int width, int height)
{
    struct texture *t = arena_alloc(a, sizeof *t);
    size_t n;

    t->a = a;
    t->width = width;
    t->height = height;
    t->fine_w = width / 2;
    t->fine_h = height / 2;
    n = (size_t)t->fine_w * (size_t)t->fine_h;
    t->fine = arena_alloc(a, n + 1);
    t->fine_before = arena_alloc(a, n + 1);
    t->stir = arena_array(a, n + 1, sizeof *t->stir);
    return t;
}

/* ---- the picture at half size ---- */

static void read_fine(struct texture *t, const struct picture *p)
{
    size_t line = (size_t)p->width * 3;

    for (int y = 0; y < t->fine_h; y++) {
        const uint8_t *a = p->pixels + (size_t)(2 * y) * line + 1, *b = a + line;
        uint8_t *to = t->fine + (size_t)y * (size_t)t->fine_w;
        for (int x = 0; x < t->fine_w; x++, a += 6, b += 6)
            to[x] = (uint8_t)((a[0] + a[3] + b[0] + b[3] + 2) / 4);
    }
}

static void add_stir(struct texture *t)
{
    size_t n = (size_t)t->fine_w * (size_t)t->fine_h;

    for (size_t i = 0; i < n; i++)
        t->stir[i] += (uint32_t)abs(t->fine[i] - t->fine_before[i]);
    t->stir_pictures++;
}

/* Colour, light and edges of the whole picture, from every eighth pixel of every eighth row. */
static void add_ground(struct texture *t, const struct picture *p)
{
    double colour = 0, light = 0, edges = 0;
    int n = 0;

    for (int y = 0; y + 8 < p->height; y += 8)
        for (int x = 0; x + 8 < p->width; x += 8, n++) {
            const uint8_t *v = p->pixels + ((size_t)y * (size_t)p->width + (size_t)x) * 3;
            int most = v[0] > v[1] ? v[0] : v[1], least = v[0] < v[1] ? v[0] : v[1];
            const uint8_t *f = t->fine + (size_t)(y / 2) * (size_t)t->fine_w + (size_t)(x / 2);
            most = v[2] > most ? v[2] : most;
            least = v[2] < least ? v[2] : least;
            colour += most - least;
            light += v[1];
            edges += abs(f[0] - f[1]) + abs(f[0] - f[t->fine_w]);
        }
    if (!n)
        return;
    t->colour += colour / (255.0 * n);
    t->lightness += light / (255.0 * n);
    t->edges += edges / (2 * 255.0 * n);
}

/* ---- the whole picture: light and shift ---- */

/* Least squares of the change against the slopes of the picture before: how far everything went. */
struct slopes {
    double xx, yy, xy, xd, yd, dd, step;
};

static struct slopes sum_slopes(const struct motion_cells *c)
{
    struct slopes s = {0};
    double n = (double)c->cols * c->rows;

    for (int i = 0; i < c->cols * c->rows; i++)
        s.step += c->value[i] - c->before[i];
    s.step /= n;
    for (int y = 1; y + 1 < c->rows; y++) {
        int64_t xx = 0, yy = 0, xy = 0, dd = 0;
        double xd = 0, yd = 0;
        for (int x = 1; x + 1 < c->cols; x++) {
            int i = y * c->cols + x, gx = c->before[i + 1] - c->before[i - 1],
                gy = c->before[i + c->cols] - c->before[i - c->cols];
            int d = c->value[i] - c->before[i] - (int)lround(s.step);
            xx += gx * gx;
            yy += gy * gy;
            xy += gx * gy;
            xd += gx * d;
            yd += gy * d;
            dd += d * d;
        }
        s.xx += (double)xx / 4;
        s.yy += (double)yy / 4;
        s.xy += (double)xy / 4;
        s.xd += xd / 2;
        s.yd += yd / 2;
        s.dd += (double)dd;
    }
    return s;
}

static void add_whole(struct texture *t, const struct motion_cells *c)
{
    struct slopes s = sum_slopes(c);
    double little =
        1 + (s.xx + s.yy) / 1000; /* of a picture with edges one way only, no shift the other way */
    double xx = s.xx + little, yy = s.yy + little, det = xx * yy - s.xy * s.xy;
    double dx = (yy * s.xd - s.xy * s.yd) / det, dy = (xx * s.yd - s.xy * s.xd) / det;
    double step = fabs(s.step) / 255;

    t->light += step;
    t->light_most = fmax(t->light_most, step);
    t->explained += fmax(0, dx * s.xd + dy * s.yd);
    t->change += s.dd;
    t->shift += fmin(hypot(dx, dy), 4);
    if (t->shifts++ > 0)
        t->turns += dx * (double)t->last_dx + dy * (double)t->last_dy < 0;
    t->last_dx = (float)dx;
    t->last_dy = (float)dy;
}

/* ---- moving cells ---- */

/* The pixels of a cell, as green values with what lies right of and below them. */
struct patch {
    int n, sum[3], least, most, steps, bends, crisp;
    int64_t xx, yy, xy;
};

static void add_pixel(struct patch *p, const uint8_t *v, size_t line)
{
    int dx = v[4] - v[1], dy = v[1 + line] - v[1], left = v[1] - v[-2], up = v[1] - *(v + 1 - line);

    p->n++;
    for (int i = 0; i < 3; i++)
        p->sum[i] += v[i];
    p->least = v[1] < p->least ? v[1] : p->least;
    p->most = v[1] > p->most ? v[1] : p->most;
    p->steps += abs(dx) + abs(dy);
    p->bends += abs(dx - left) + abs(dy - up);
    p->crisp += (abs(dx) > CRISP) + (abs(dy) > CRISP);
    p->xx += dx * dx;
    p->yy += dy * dy;
    p->xy += dx * dy;
}

static int extremes(const uint8_t *v, const struct patch *p)
{
    int middle = (p->least + p->most) / 2;

    return abs(v[1] - middle);
}

/* The rectangle of a cell without the outermost pixels of the picture. */
struct area {
    int x0, y0, x1, y1;
};

static struct area area_of(const struct texture *t, const struct motion_cells *c, int i)
{
    int x = i % c->cols * c->block, y = i / c->cols * c->block;

    return (struct area){x > 1 ? x : 1, y > 1 ? y : 1,
                         x + c->block < t->width - 1 ? x + c->block : t->width - 1,
                         y + c->block < t->height - 1 ? y + c->block : t->height - 1};
}

static void add_patch(struct cell *to, const struct patch *p, float two_levels)
{
    float n = (float)p->n, energy = (float)(p->xx + p->yy), b = (float)p->sum[0] / n,
          g = (float)p->sum[1] / n, r = (float)p->sum[2] / n;
    float apart = hypotf((float)(p->xx - p->yy), 2 * (float)p->xy);

    to->visits++;
    to->detail += (float)p->steps / (2 * n);
    to->contrast += (float)(p->most - p->least);
    to->ridges += (float)p->bends / n;
    to->bend_base += (float)p->steps / n;
    to->coherence += energy > 0 ? apart / energy : 0;
    to->gx += (float)p->xx / n;
    to->gy += (float)p->yy / n;
    to->two_levels += two_levels;
    to->crisp += (float)p->crisp / (2 * n);
    to->saturation += fmaxf(fmaxf(b, g), r) - fminf(fminf(b, g), r);
    to->green += g - (r + b) / 2;
    to->bright += g;
}

static void visit(struct texture *t, const struct motion_cells *c, const struct picture *pic, int i)
{
    struct area a = area_of(t, c, i);
    struct patch p = {.least = 255};
    size_t line = (size_t)pic->width * 3;
    int ends = 0;

    if (a.x1 <= a.x0 || a.y1 <= a.y0 || t->cells[i].visits == UINT16_MAX)
        return;
    for (int y = a.y0; y < a.y1; y++)
        for (int x = a.x0; x < a.x1; x++)
            add_pixel(&p, pic->pixels + (size_t)y * line + (size_t)x * 3, line);
    for (int y = a.y0; y < a.y1; y++)
        for (int x = a.x0; x < a.x1; x++)
            ends += extremes(pic->pixels + (size_t)y * line + (size_t)x * 3, &p);
    add_patch(&t->cells[i], &p,
              p.most > p.least ? (float)ends / (float)p.n / ((float)(p.most - p.least) / 2) : 0);
}

static void visit_all(struct texture *t, const struct motion_cells *c, const struct picture *pic, int moving)
{
    int every = 1 + moving / MOST_VISITS, k = t->pictures; /* others each time */

    for (int i = 0; i < c->cols * c->rows; i++)
        if (c->moving[i] && k++ % every == 0)
            visit(t, c, pic, i);
}

/* Which cells move, against those of the two pictures before and all. Returns how many do. */
static int compare_cells(struct texture *t, const struct motion_cells *c)
{
    int n = c->cols * c->rows, moving = 0, low = 0, high = 0, novel = 0, both[2] = {0, 0};

    for (int i = 0; i < n; i++) {
        struct cell *cell = &t->cells[i];
        if (!c->moving[i])
            continue;
        moving++;
        low += i / c->cols >= c->rows - c->rows / 8;
        high += i / c->cols < c->rows / 8;
        both[0] += t->moved[i];
        both[1] += t->moved_before[i];
        novel += cell->times == 0;
        cell->episodes = (uint16_t)(cell->episodes + !t->moved[i]);
        cell->times = (uint16_t)(cell->times + (cell->times < UINT16_MAX));
    }
    t->low += low;
    t->high += high;
    t->moving += moving;
    if (t->pictures > 1)
        t->overlap[0] += moving, t->both[0] += both[0];
    if (t->pictures > 2)
        t->overlap[1] += moving, t->both[1] += both[1];
    if (t->pictures > 4)
        t->later += moving, t->novel += novel;
    return moving;
}

static void add_moving(struct texture *t, const struct motion_cells *c, const struct picture *pic)
{
    uint8_t *oldest = t->moved_before;
    int n = c->cols * c->rows, moving = compare_cells(t, c);
    float share = (float)moving / (float)n;

    visit_all(t, c, pic, moving);
    t->share += (double)share;
    if (t->pictures > 1)
        t->jitter += (double)fabsf(share - t->last_share);
    t->last_share = share;
    t->moved_before = t->moved;
    t->moved = oldest;
    memcpy(t->moved, c->moving, (size_t)n);
}

/* ---- the largest regions ---- */

static void follow_largest(struct texture *t, const struct region *r)
{
    float x = r->box.x + r->box.w / 2, y = r->box.y + r->box.h / 2;

    t->aside += (double)fabsf(x - 0.5f);
    t->asides++;
    if (t->followed) {
        t->path += (double)hypotf(x - t->last_x, y - t->last_y);
        t->resize += (double)fabsf(logf(r->area / t->last_area));
        t->resizes++;
    } else {
        t->from_x = (double)x;
        t->from_y = (double)y;
        t->followed = true;
    }
    t->last_x = x;
    t->last_y = y;
    t->last_area = r->area;
}

/* Changes between light and dark along a run of half-size pixels `stride` apart. */
static int count_flips(const uint8_t *v, int n, int stride)
{
    int flips = 0, way = 0, from = v[0];

    for (int i = 1; i < n; i++) {
        int now = v[i * stride];
        if (now - from > FLIP && way <= 0) {
            flips++;
            way = 1;
            from = now;
        } else if (from - now > FLIP && way >= 0) {
            flips++;
            way = -1;
            from = now;
        }
        if ((way > 0 && now > from) || (way < 0 && now < from))
            from = now; /* the extreme so far, which the next change is measured from */
    }
    return flips;
}

/* Share of the two commonest shades, their neighbours included. */
static double two_commonest(int *shades, int n)
{
    int sum = 0;

    for (int k = 0; k < 2; k++) {
        int best = 0;
        for (int i = 1; i < SHADES; i++)
            if (shades[i] > shades[best])
                best = i;
        for (int i = best > 0 ? best - 1 : 0; i <= best + 1 && i < SHADES; i++) {
            sum += shades[i];
            shades[i] = 0;
        }
    }
    return n ? (double)sum / n : 0;
}

static void search_strokes(struct texture *t, const struct box *b)
{
    int x0 = (int)(b->x * (float)t->fine_w), y0 = (int)(b->y * (float)t->fine_h);
    int w = (int)(b->w * (float)t->fine_w), h = (int)(b->h * (float)t->fine_h), shades[SHADES] = {0}, n = 0;

    w = x0 + w > t->fine_w ? t->fine_w - x0 : w;
    h = y0 + h > t->fine_h ? t->fine_h - y0 : h;
    if (w < 2 || h < 2)
        return;
    for (int y = y0 + 1; y < y0 + h; y += 3, t->runs[0] += w) {
        const uint8_t *row = t->fine + (size_t)y * (size_t)t->fine_w + (size_t)x0;
        t->flips[0] += count_flips(row, w, 1);
        for (int x = 0; x < w; x++, n++)
            shades[row[x] * SHADES / 256]++;
    }
    for (int x = x0 + 1; x < x0 + w; x += 3, t->runs[1] += h)
        t->flips[1] += count_flips(t->fine + (size_t)y0 * (size_t)t->fine_w + (size_t)x, h, t->fine_w);
    t->inks += two_commonest(shades, n);
    t->boxes++;
}

void texture_next(struct texture *t, const struct motion *m, const struct picture *bgr,
                  const struct region *regions, size_t nregions)
{
    struct motion_cells c = motion_cells(m);
    size_t n = (size_t)c.cols * (size_t)c.rows;
    uint8_t *before = t->fine_before;

    t->fine_before = t->fine;
    t->fine = before;
    read_fine(t, bgr);
    add_ground(t, bgr);
    if (!t->cells) {
        t->ncells = n;
        t->cells = arena_array(t->a, n, sizeof *t->cells);
        t->moved = arena_alloc(t->a, n);
        t->moved_before = arena_alloc(t->a, n);
        return;
    }
    t->pictures++;
    add_whole(t, &c);
    if (c.all_changed)
        return;
    add_stir(t);
    add_moving(t, &c, bgr);
    if (nregions)
        follow_largest(t, &regions[0]);
    for (size_t i = 0; i < nregions && i < MOST_BOXES; i++)
        search_strokes(t, &regions[i].box);
}

/* ---- the end ---- */

static float ratio(double a, double b)
{
    return b > 0 ? (float)(a / b) : 0;
}

static void add_cell(struct cell *to, const struct cell *c, double *visits)
{
    *visits += c->visits;
    to->detail += c->detail;
    to->contrast += c->contrast;
    to->ridges += c->ridges;
    to->bend_base += c->bend_base;
    to->coherence += c->coherence;
    to->gx += c->gx;
    to->gy += c->gy;
    to->two_levels += c->two_levels;
    to->crisp += c->crisp;
    to->saturation += c->saturation;
    to->green += c->green;
    to->bright += c->bright;
}

static struct texture_group group_of(const struct cell *s, double visits, double all)
{
    double levels = 255 * visits;

    return (struct texture_group){
        .share = ratio(visits, all),
        .detail = ratio((double)s->detail, levels),
        .contrast = ratio((double)s->contrast, levels),
        .ridges = ratio((double)s->ridges, (double)s->bend_base),
        .coherence = ratio((double)s->coherence, visits),
        .upright = ratio((double)(s->gx - s->gy), (double)(s->gx + s->gy)),
        .two_levels = ratio((double)s->two_levels, visits),
        .crisp = ratio((double)s->crisp, visits),
        .saturation = ratio((double)s->saturation, levels),
        .green = ratio((double)s->green, levels),
        .brightness = ratio((double)s->bright, levels),
    };
}

static void find_groups(const struct texture *t, struct texture_stats *ret)
{
    int least = t->pictures / 3 > 3 ? t->pictures / 3 : 3;
    struct cell sums[2] = {{0}, {0}};
    double visits[2] = {0, 0}, episodes = 0, ever = 0;

    for (size_t i = 0; i < t->ncells; i++) {
        const struct cell *c = &t->cells[i];
        int stays = c->times >= least;
        ever += c->times > 0;
        episodes += c->episodes;
        add_cell(&sums[stays], c, &visits[stays]);
    }
    ret->staying = group_of(&sums[1], visits[1], visits[0] + visits[1]);
    ret->passing = group_of(&sums[0], visits[0], visits[0] + visits[1]);
    ret->episodes = ratio(episodes, ever);
}

/* What half of the map does not reach, in levels a picture; told in sixteenths. */
static double usual_stir(const struct texture *t)
{
    size_t n = (size_t)t->fine_w * (size_t)t->fine_h, seen = 0, counts[1024] = {0}, i = 0;

    for (size_t k = 0; k < n && t->stir_pictures; k++) {
        size_t at = (size_t)t->stir[k] * 16 / (size_t)t->stir_pictures;
        counts[at < COUNT_OF(counts) ? at : COUNT_OF(counts) - 1]++;
    }
    while (i < COUNT_OF(counts) - 1 && (seen += counts[i]) * 2 < n)
        i++;
    return (double)i / 16;
}

/* Sums over the stirred pixels of the map, and of the correlation over all. */
struct map_sums {
    double n, stir, bends, base, xx, yy, xy, apart;
    double all, s, e, ss, ee, se;
};

static void add_map_pixel(struct map_sums *m, const uint32_t *v, int line, bool stirred, int edge)
{
    double here = *v, left = v[-1], right = v[1], up = v[-line], down = v[line];
    double dx = right - left, dy = down - up;

    m->all++;
    m->s += here;
    m->e += edge;
    m->ss += here * here;
    m->ee += (double)edge * edge;
    m->se += here * edge;
    if (!stirred)
        return;
    m->n++;
    m->stir += here;
    m->bends += fabs(2 * here - left - right) + fabs(2 * here - up - down);
    m->base += 2 * here;
    m->xx += dx * dx;
    m->yy += dy * dy;
    m->xy += dx * dy;
}

static void find_stir(const struct texture *t, struct texture_stats *ret)
{
    int w = t->fine_w;
    double usual = usual_stir(t),
           limit = ((double)stir_ratio * usual + (double)stir_floor) * t->stir_pictures;
    struct map_sums m = {0};
    double both;

    for (int y = 1; y + 1 < t->fine_h; y++)
        for (int x = 1; x + 1 < w; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            const uint8_t *f = t->fine + i;
            add_map_pixel(&m, t->stir + i, w, t->stir[i] > limit, abs(f[1] - f[-1]) + abs(f[w] - f[-w]));
        }
    both = (m.ss * m.all - m.s * m.s) * (m.ee * m.all - m.e * m.e);
    ret->stirred = ratio(m.n, m.all);
    ret->stir = ratio(m.stir, 255 * m.n * t->stir_pictures);
    ret->quiet = ratio(usual, 255);
    ret->stir_ridges = ratio(m.bends, m.base);
    ret->stir_coherence = ratio(hypot(m.xx - m.yy, 2 * m.xy), m.xx + m.yy);
    ret->stir_upright = ratio(m.xx - m.yy, m.xx + m.yy);
    ret->edge_bound = both > 0 ? (float)((m.se * m.all - m.s * m.e) / sqrt(both)) : 0;
}

struct texture_stats texture_stats(const struct texture *t)
{
    double net = hypot((double)t->last_x - t->from_x, (double)t->last_y - t->from_y), fed = t->pictures + 1;
    struct texture_stats s = {
        .overlap = ratio(t->both[0], t->overlap[0]),
        .overlap_two = ratio(t->both[1], t->overlap[1]),
        .novel = ratio(t->novel, t->later),
        .jitter = ratio(t->jitter, t->share),
        .light_step = ratio(t->light, t->pictures),
        .light_most = (float)t->light_most,
        .shift = ratio(t->shift, t->pictures),
        .shift_explains = ratio(t->explained, t->change),
        .shift_turns = ratio(t->turns, t->shifts - 1),
        .straight = t->followed ? ratio(net, t->path) : 0,
        .size_jitter = ratio(t->resize, t->resizes),
        .aside = ratio(t->aside, t->asides),
        .low = ratio(t->low, t->moving),
        .high = ratio(t->high, t->moving),
        .flips = ratio(100 * t->flips[0], t->runs[0]),
        .flips_down = ratio(100 * t->flips[1], t->runs[1]),
        .inks = ratio(t->inks, t->boxes),
        .colour = ratio(t->colour, fed),
        .lightness = ratio(t->lightness, fed),
        .edges = ratio(t->edges, fed),
    };

    find_groups(t, &s);
    find_stir(t, &s);
    return s;
}
