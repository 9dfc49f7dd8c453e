#include "analysis/motion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CELLS_HIGH = 80, /* about */
    SETTLING = 16,   /* pictures over which the background becomes a slow mean */
    SMALLEST = 3,    /* cells of a region */
    GAP = 2,         /* regions closer than this many cells are one */
    MAX_BLOBS = 256, /* before merging; more are noise and are left out, the first stay */
};
static const float change_floor = 8; /* levels: less than this is noise in any camera */
static const float change_deviations = 3;
static const float global_limit = 0.6f; /* share of moving cells from which the whole picture changed */

/* Cells, inclusive. */
struct blob {
    int x0, y0, x1, y1, cells;
};

/* A region of the last picture, followed over the pictures by overlap. */
struct track {
    struct box box;
    float from_x, from_y; /* middle where it was seen first */
};

/* Running sums behind motion_stats. */
struct sums {
    int pictures, global, moving_pictures, moves;
    double share, share2, regions, size, scatter, path, speed, dx, dy, sharp, bright, change, tall, fill;
    int64_t cells_moving, turns, repeats;
    float travel;
};

struct motion {
    int width, height, block, cols, rows;
    int pictures;
    bool all_changed; /* in the last picture */
    uint8_t *value, *before;
    float *mean, *deviation;
    uint8_t *moving;
    uint8_t *seen; /* work space of the region search */
    int *stack;
    uint16_t *lines; /* work space of reading: one row of pixels */
    uint16_t *times; /* how often a cell moved */
    int8_t *sign;    /* direction of its last change */
    size_t ntracks;
    struct track tracks[MOTION_MAX_REGIONS];
    struct sums sums;
};

struct motion *motion_new(struct arena *a, int width, int height)
{
    struct motion *m = arena_alloc(a, sizeof *m);
    size_t n;

    m->width = width;
    m->height = height;
    m->block = height > CELLS_HIGH ? (height + CELLS_HIGH / 2) / CELLS_HIGH : 1;
    m->cols = (width + m->block - 1) / m->block;
    m->rows = (height + m->block - 1) / m->block;
    n = (size_t)m->cols * (size_t)m->rows;
    m->value = arena_alloc(a, n);
    m->before = arena_alloc(a, n);
    m->moving = arena_alloc(a, n);
    m->sign = arena_alloc(a, n);
    m->mean = arena_array(a, n, sizeof *m->mean);
    m->deviation = arena_array(a, n, sizeof *m->deviation);
    m->seen = arena_alloc(a, n);
    m->times = arena_array(a, n, sizeof *m->times);
    m->stack = arena_array(a, n, sizeof *m->stack);
    m->lines = arena_array(a, (size_t)width * 3, sizeof *m->lines);
    return m;
}

/* ---- cells ---- */

static int block_len(int size, int block, int i)
{
    return size - i * block < block ? size - i * block : block;
}

/* Sums of the bytes one below the other, of a row of cells: so the weights are needed once a cell, not once a
 * pixel. */
static void add_lines(const uint8_t *bgr, size_t n, int lines, uint16_t *restrict sums)
{
    memset(sums, 0, n * sizeof *sums);
    for (int y = 0; y < lines; y++, bgr += n)
        for (size_t i = 0; i < n; i++)
            sums[i] = (uint16_t)(sums[i] + bgr[i]);
}

/* Luma of the pixels of a cell, times 256. */
static uint32_t add_pixels(const uint16_t *sums, int pixels)
{
    uint32_t b = 0, g = 0, r = 0;

    for (int i = 0; i < pixels; i++, sums += 3) {
        b += sums[0];
        g += sums[1];
        r += sums[2];
    }
    return 29 * b + 150 * g + 77 * r;
}

static void read_cells(struct motion *m, const struct picture *bgr)
{
    size_t n = (size_t)m->width * 3;

    for (int row = 0; row < m->rows; row++) {
        int lines = block_len(m->height, m->block, row);

        add_lines(bgr->pixels + (size_t)(row * m->block) * n, n, lines, m->lines);
        for (int col = 0; col < m->cols; col++) {
            int pixels = block_len(m->width, m->block, col);
            uint32_t sum = add_pixels(m->lines + (size_t)(col * m->block) * 3, pixels);

            m->value[row * m->cols + col] = (uint8_t)(sum / (256u * (uint32_t)(lines * pixels)));
        }
    }
}

/* ---- background ---- */

static void background_start(struct motion *m)
{
    int n = m->cols * m->rows;

    for (int i = 0; i < n; i++) {
        m->mean[i] = (float)m->value[i];
        m->deviation[i] = change_floor / change_deviations;
    }
}

static inline float clampf(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

/* Mean change against the background: an automatic exposure step moves all cells alike and is no motion. */
static float common_change(const struct motion *m)
{
    int n = m->cols * m->rows;
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += (double)clampf((float)m->value[i] - m->mean[i], -40, 40);
    return (float)(sum / n);
}

static float common_step(const struct motion *m)
{
    int n = m->cols * m->rows;
    int64_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += m->value[i] - m->before[i];
    return (float)((double)sum / n);
}

/* A cell moves when it differs from its usual value and from the picture before: without the second condition
 * the place that something has left would go on moving. Moving cells teach the background only slowly. */
static int update_background(struct motion *m)
{
    int n = m->cols * m->rows, moving = 0;
    float shift = common_change(m), step = common_step(m);
    float rate = 1.0f / (float)(m->pictures < SETTLING ? m->pictures + 1 : SETTLING);

    for (int i = 0; i < n; i++) {
        float change = (float)m->value[i] - m->mean[i] - shift;
        float jump = (float)m->value[i] - (float)m->before[i] - step;
        float limit = fmaxf(change_floor, change_deviations * m->deviation[i]);
        bool moves = fabsf(change) > limit && fabsf(jump) > change_floor;

        m->moving[i] = moves;
        moving += moves;
        m->mean[i] += (moves ? rate / 4 : rate) * (change + shift);
        if (!moves)
            m->deviation[i] +=
                rate * (fabsf(change) * 1.25f - m->deviation[i]); /* normal: sigma = 1.25 mean |x| */
    }
    return moving;
}

/* ---- regions ---- */

static void push_if_moving(struct motion *m, int x, int y, int *ret_depth)
{
    int i = y * m->cols + x;

    if (x < 0 || y < 0 || x >= m->cols || y >= m->rows || !m->moving[i] || m->seen[i])
        return;
    m->seen[i] = 1;
    m->stack[(*ret_depth)++] = i;
}

/* All cells connected (8 neighbours) with the cell at `start`. */
static struct blob grow(struct motion *m, int start)
{
    struct blob b = {m->cols, m->rows, 0, 0, 0};
    int depth = 0;

    push_if_moving(m, start % m->cols, start / m->cols, &depth);
    while (depth > 0) {
        int i = m->stack[--depth], x = i % m->cols, y = i / m->cols;

        b.x0 = x < b.x0 ? x : b.x0;
        b.y0 = y < b.y0 ? y : b.y0;
        b.x1 = x > b.x1 ? x : b.x1;
        b.y1 = y > b.y1 ? y : b.y1;
        b.cells++;
        for (int k = 0; k < 9; k++)
            push_if_moving(m, x + k % 3 - 1, y + k / 3 - 1, &depth);
    }
    return b;
}

static size_t find_blobs(struct motion *m, struct blob *blobs)
{
    int n = m->cols * m->rows;
    size_t found = 0;

    memset(m->seen, 0, (size_t)n);
    for (int i = 0; i < n && found < MAX_BLOBS; i++) {
        if (!m->moving[i] || m->seen[i])
            continue;
        blobs[found] = grow(m, i);
        found += blobs[found].cells >= SMALLEST;
    }
    return found;
}

static bool are_near(const struct blob *a, const struct blob *b)
{
    return a->x0 - GAP <= b->x1 && b->x0 - GAP <= a->x1 && a->y0 - GAP <= b->y1 && b->y0 - GAP <= a->y1;
}

static void join(struct blob *a, const struct blob *b)
{
    a->x0 = b->x0 < a->x0 ? b->x0 : a->x0;
    a->y0 = b->y0 < a->y0 ? b->y0 : a->y0;
    a->x1 = b->x1 > a->x1 ? b->x1 : a->x1;
    a->y1 = b->y1 > a->y1 ? b->y1 : a->y1;
    a->cells += b->cells;
}

/* Joins blobs whose boxes are near each other until none are. */
static size_t merge_blobs(struct blob *blobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            if (are_near(&blobs[i], &blobs[k])) {
                join(&blobs[i], &blobs[k]);
                blobs[k] = blobs[--n];
                k = i; /* the grown box may reach others */
            }
    return n;
}

static int by_size(const void *x, const void *y)
{
    const struct blob *a = x, *b = y;

    if (a->cells != b->cells)
        return b->cells - a->cells;
    return a->y0 != b->y0 ? a->y0 - b->y0 : a->x0 - b->x0;
}

static struct region to_region(const struct motion *m, const struct blob *b)
{
    float w = (float)m->cols, h = (float)m->rows;

    return (struct region){
        {(float)b->x0 / w, (float)b->y0 / h, (float)(b->x1 - b->x0 + 1) / w, (float)(b->y1 - b->y0 + 1) / h},
        (float)b->cells / (w * h)};
}

static size_t find_regions(struct motion *m, struct region *ret)
{
    struct blob blobs[MAX_BLOBS + 1];
    size_t n = merge_blobs(blobs, find_blobs(m, blobs));

    qsort(blobs, n, sizeof *blobs, by_size);
    n = n < MOTION_MAX_REGIONS ? n : MOTION_MAX_REGIONS;
    for (size_t i = 0; i < n; i++)
        ret[i] = to_region(m, &blobs[i]);
    return n;
}

/* ---- statistics ---- */

static float middle_x(const struct box *b)
{
    return b->x + b->w / 2;
}

static float middle_y(const struct box *b)
{
    return b->y + b->h / 2;
}

static float distance(float x0, float y0, float x1, float y1)
{
    return hypotf(x1 - x0, y1 - y0);
}

/* The region of the last picture nearest to this one, within half a picture height; NULL when it is new. */
static const struct track *find_track(const struct motion *m, const struct box *b)
{
    const struct track *best = NULL;
    float nearest = 0.25f;

    for (size_t i = 0; i < m->ntracks; i++) {
        const struct box *old = &m->tracks[i].box;
        float d = distance(middle_x(old), middle_y(old), middle_x(b), middle_y(b));
        if (d < nearest) {
            nearest = d;
            best = &m->tracks[i];
        }
    }
    return best;
}

static void follow(struct motion *m, const struct region *regions, size_t n, double seconds)
{
    struct track next[MOTION_MAX_REGIONS] = {0};

    for (size_t i = 0; i < n; i++) {
        const struct box *b = &regions[i].box;
        const struct track *old = find_track(m, b);
        float x = middle_x(b), y = middle_y(b);

        next[i] = (struct track){*b, old ? old->from_x : x, old ? old->from_y : y};
        m->sums.travel = fmaxf(m->sums.travel, distance(next[i].from_x, next[i].from_y, x, y));
        if (old && seconds > 0) {
            m->sums.speed += (double)distance(middle_x(&old->box), middle_y(&old->box), x, y) / seconds;
            m->sums.moves++;
        }
    }
    memcpy(m->tracks, next, n * sizeof *next);
    m->ntracks = n;
}

static int difference(const struct motion *m, int i, int neighbour)
{
    return abs((m->value[i] - m->before[i]) - (m->value[neighbour] - m->before[neighbour]));
}

static void count_cell(struct motion *m, int i)
{
    struct sums *s = &m->sums;
    int8_t sign = m->value[i] > m->before[i] ? 1 : -1;

    s->repeats += m->times[i] > 0;
    s->turns += m->times[i] > 0 && m->sign[i] != sign;
    m->sign[i] = sign;
    if (m->times[i] < UINT16_MAX)
        m->times[i]++;
    s->change += abs(m->value[i] - m->before[i]);
    s->bright += (double)((float)m->value[i] - m->mean[i]);
    if (i % m->cols + 1 < m->cols && i + m->cols < m->cols * m->rows) {
        s->dx += difference(m, i, i + 1);
        s->dy += difference(m, i, i + m->cols);
        s->sharp += abs(m->value[i] - m->value[i + 1]) + abs(m->value[i] - m->value[i + m->cols]);
    }
}

static void count_cells(struct motion *m, int moving)
{
    m->sums.cells_moving += moving;
    for (int i = 0; i < m->cols * m->rows; i++)
        if (m->moving[i])
            count_cell(m, i);
}

static void count_regions(struct motion *m, const struct region *regions, size_t n, float share)
{
    struct sums *s = &m->sums;

    if (!n)
        return;
    s->moving_pictures++;
    s->regions += (double)n;
    s->size += (double)regions[0].area;
    s->scatter += (double)(1 - fminf(regions[0].area / share, 1));
    for (size_t i = 0; i < n; i++) {
        const struct box *b = &regions[i].box;
        s->tall += (double)logf(b->h * (float)m->rows / (b->w * (float)m->cols));
        s->fill += (double)(regions[i].area / (b->w * b->h));
    }
}

size_t motion_next(struct motion *m, const struct picture *bgr, double seconds, struct region *ret_regions)
{
    uint8_t *last = m->value;
    size_t n = 0;
    float share;
    int moving;

    m->value = m->before;
    m->before = last;
    read_cells(m, bgr);
    if (m->pictures++ == 0) {
        background_start(m);
        return 0;
    }
    moving = update_background(m);
    share = (float)moving / (float)(m->cols * m->rows);
    m->all_changed = share > global_limit;
    m->sums.pictures++;
    m->sums.share += (double)share;
    m->sums.share2 += (double)share * (double)share;
    m->sums.global += m->all_changed;
    if (!m->all_changed) {
        count_cells(m, moving);
        n = find_regions(m, ret_regions);
        count_regions(m, ret_regions, n, share);
    }
    follow(m, ret_regions, n, seconds);
    return n;
}

float motion_inside(const struct motion *m, const struct box *box)
{
    int x0 = (int)(box->x * (float)m->cols), x1 = (int)ceilf((box->x + box->w) * (float)m->cols);
    int y0 = (int)(box->y * (float)m->rows), y1 = (int)ceilf((box->y + box->h) * (float)m->rows);
    int cells = 0, moving = 0;

    if (m->all_changed)
        return 1;
    for (int y = y0 > 0 ? y0 : 0; y < y1 && y < m->rows; y++)
        for (int x = x0 > 0 ? x0 : 0; x < x1 && x < m->cols; x++, cells++)
            moving += m->moving[y * m->cols + x];
    return cells ? (float)moving / (float)cells : 0;
}

struct motion_cells motion_cells(const struct motion *m)
{
    return (struct motion_cells){m->cols, m->rows, m->block, m->moving, m->value, m->before, m->all_changed};
}

static int64_t persistent_motion(const struct motion *m)
{
    int least = m->sums.pictures / 3 > 3 ? m->sums.pictures / 3 : 3;
    int64_t sum = 0;

    for (int i = 0; i < m->cols * m->rows; i++)
        if (m->times[i] >= least)
            sum += m->times[i];
    return sum;
}

/* Where in the picture cells moved, over all pictures. */
struct map {
    int ever, once;
    double n, x, y, x2, y2; /* sums over cells and pictures; 0..1 */
};

static struct map map_of(const struct motion *m)
{
    struct map map = {0};

    for (int i = 0; i < m->cols * m->rows; i++) {
        double n = m->times[i], x = (i % m->cols + 0.5) / m->cols, y = (i / m->cols + 0.5) / m->rows;

        map.ever += n > 0;
        map.once += m->times[i] == 1;
        map.n += n;
        map.x += n * x;
        map.y += n * y;
        map.x2 += n * x * x;
        map.y2 += n * y * y;
    }
    return map;
}

/* Standard deviation of n numbers from their sums. */
static float deviation(double n, double sum, double sum_squares)
{
    double mean = n > 0 ? sum / n : 0;

    return n > 0 ? (float)sqrt(fmax(sum_squares / n - mean * mean, 0)) : 0;
}

static float ratio(double a, double b)
{
    return b > 0 ? (float)(a / b) : 0;
}

struct motion_stats motion_stats(const struct motion *m)
{
    const struct sums *s = &m->sums;
    double moving = (double)s->cells_moving;
    struct map map = map_of(m);

    return (struct motion_stats){
        .pictures = s->pictures,
        .moving_share = ratio(s->share, s->pictures),
        .global_share = ratio(s->global, s->pictures),
        .still_share = ratio(s->pictures - s->global - s->moving_pictures, s->pictures),
        .regions = ratio(s->regions, s->moving_pictures),
        .region_size = ratio(s->size, s->moving_pictures),
        .scatter = ratio(s->scatter, s->moving_pictures),
        .persistence = ratio((double)persistent_motion(m), moving),
        .oscillation = ratio((double)s->turns, (double)s->repeats),
        .travel = s->travel,
        .speed = ratio(s->speed, s->moves),
        .vertical = ratio(s->dx, s->dx + s->dy),
        .sharpness = ratio(s->sharp, 2 * 255 * moving),
        .spread = ratio(map.ever, m->cols * m->rows),
        .once = ratio(map.once, map.ever),
        .width = deviation(map.n, map.x, map.x2),
        .height = deviation(map.n, map.y, map.y2),
        .middle_y = ratio(map.y, map.n),
        .unsteady = ratio((double)deviation(s->pictures, s->share, s->share2) * s->pictures, s->share),
        .grain = ratio(s->dx + s->dy, 2 * s->change),
        .tall = ratio(s->tall, s->regions),
        .fill = ratio(s->fill, s->regions),
        .brightness = ratio(s->bright, 255 * moving),
    };
}
