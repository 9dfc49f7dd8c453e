#include "media/glance.h"

#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "media/image.h"
#include "media/rescale_int.h"

enum { ROWS = 4 }; /* at most that many are read of a cell */

struct glancer {
    struct scaler *scaler; /* for what cannot be read directly; made when it is needed */
    uint16_t *line;        /* sums of rows that lie one below the other */
    size_t line_size;      /* elements */
    uint8_t luma[GLANCE_WIDTH * GLANCE_MAX_HEIGHT];
    uint8_t u[GLANCE_COLOURS], v[GLANCE_COLOURS];
};

/* One component of a frame: bytes `step` apart. */
struct component {
    const uint8_t *data;
    ptrdiff_t stride; /* negative in pictures that are stored upside down */
    int width, height, step;
};

/* What makes full range of a mean. */
struct levels {
    float scale, offset;
};

struct glancer *glancer_new(void)
{
    return mem_alloc(sizeof(struct glancer));
}

void glancer_freep(struct glancer **g)
{
    struct glancer *gone = TAKE(*g);

    if (!gone)
        return;
    scaler_freep(&gone->scaler);
    freep(&gone->line);
    freep(&gone);
}

int glance_height(int width, int height)
{
    int64_t h = width > 0 ? ((int64_t)height * GLANCE_WIDTH + width / 2) / width : 0;

    return h < GLANCE_MIN_HEIGHT ? GLANCE_MIN_HEIGHT : h > GLANCE_MAX_HEIGHT ? GLANCE_MAX_HEIGHT : (int)h;
}

/* ---- averaging cells ---- */

/* Where cell i of n begins in a side of `size`; a cell has one pixel at least, so cells share pixels in tiny
 * frames. */
static int cell_start(int i, int n, int size)
{
    return (int)((int64_t)i * size / n);
}

static int cell_size(int i, int n, int size)
{
    int d = cell_start(i + 1, n, size) - cell_start(i, n, size);

    return d < 1 ? 1 : d;
}

/* Of one row, up to its last sample: the other colour of half-planar formats may lie behind that. */
static size_t component_bytes(const struct component *c)
{
    return (size_t)(c->width - 1) * (size_t)c->step + 1;
}

static void add_row(uint16_t *restrict sums, const uint8_t *restrict row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] = (uint16_t)(sums[i] + row[i]);
}

/* Sums of up to ROWS rows, evenly spread over cell y of n. Returns how many. */
static int add_rows(uint16_t *sums, const struct component *c, int y, int n)
{
    size_t bytes = component_bytes(c);
    int start = cell_start(y, n, c->height), size = cell_size(y, n, c->height);
    int rows = size < ROWS ? size : ROWS;

    memset(sums, 0, bytes * sizeof *sums);
    for (int i = 0; i < rows; i++)
        add_row(sums, c->data + c->stride * (start + (2 * i + 1) * size / (2 * rows)), bytes);
    return rows;
}

static uint8_t to_level(float mean, struct levels l)
{
    float level = mean * l.scale + l.offset + 0.5f;

    return (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
}

static inline uint32_t add_cell(const uint16_t *sums, int n, int step)
{
    uint32_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += sums[(ptrdiff_t)i * step];
    return sum;
}

/* Usual sizes have cells of the same whole width; with the width known the compiler unrolls. */
#define EQUAL_CELLS(n)                                                                               \
    for (int x = 0; x < cells; x++)                                                                  \
        dst[x] = to_level((float)add_cell(sums + (ptrdiff_t)x * (n), (n), 1) / (float)((n)*rows), l)

static void add_columns(uint8_t *dst, int cells, const uint16_t *sums, const struct component *c, int rows,
                        struct levels l)
{
    int equal = c->step == 1 && c->width % cells == 0 ? c->width / cells : 0;

    if (equal == 4)
        EQUAL_CELLS(4);
    else if (equal == 8)
        EQUAL_CELLS(8);
    else if (equal == 12)
        EQUAL_CELLS(12);
    else
        for (int x = 0; x < cells; x++) {
            int n = cell_size(x, cells, c->width);
            const uint16_t *cell = sums + (ptrdiff_t)cell_start(x, cells, c->width) * c->step;
            dst[x] = to_level((float)add_cell(cell, n, c->step) / (float)(n * rows), l);
        }
}

static void average(struct glancer *g, const struct component *c, struct levels l, uint8_t *dst, int width,
                    int height)
{
    size_t need = component_bytes(c);

    if (g->line_size < need) {
        g->line = mem_resize(g->line, need, sizeof *g->line);
        g->line_size = need;
    }
    for (int y = 0; y < height; y++, dst += width) {
        int rows = add_rows(g->line, c, y, height);
        add_columns(dst, width, g->line, c, rows, l);
    }
}

/* ---- frames whose components can be read as they are ---- */

static bool is_readable(const AVFrame *f, const AVPixFmtDescriptor *d)
{
    const uint64_t not_plain = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                               AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_FLOAT;

    if (!d || (d->flags & not_plain) || d->comp[0].step != 1 || d->comp[0].plane != 0)
        return false;
    for (int i = 0; i < d->nb_components; i++)
        if (d->comp[i].depth != 8 || d->comp[i].shift != 0 || !f->data[d->comp[i].plane])
            return false;
    return d->nb_components == 1 || d->nb_components >= 3;
}

static struct component component_of(const AVFrame *f, const AVPixFmtDescriptor *d, int i)
{
    const AVComponentDescriptor *c = &d->comp[i];
    int w = i == 1 || i == 2 ? d->log2_chroma_w : 0, h = i == 1 || i == 2 ? d->log2_chroma_h : 0;

    return (struct component){
        .data = f->data[c->plane] + c->offset,
        .stride = f->linesize[c->plane],
        .width = AV_CEIL_RSHIFT(f->width, w),
        .height = AV_CEIL_RSHIFT(f->height, h),
        .step = c->step,
    };
}

/* 16..235 and 16..240 of limited range become 0..255. */
static struct levels levels_of(bool full, bool colour)
{
    float scale = 255.0f / (colour ? 224 : 219);

    if (full)
        return (struct levels){1, 0};
    return (struct levels){scale, colour ? 128 - 128 * scale : -16 * scale};
}

static void read_components(struct glancer *g, const AVFrame *f, const AVPixFmtDescriptor *d, int height)
{
    bool full = frame_is_full_range(f);
    struct component c = component_of(f, d, 0);

    average(g, &c, levels_of(full, false), g->luma, GLANCE_WIDTH, height);
    if (d->nb_components == 1) {
        memset(g->u, 128, sizeof g->u);
        memset(g->v, 128, sizeof g->v);
        return;
    }
    c = component_of(f, d, 1);
    average(g, &c, levels_of(full, true), g->u, GLANCE_COLOUR_WIDTH, GLANCE_COLOUR_HEIGHT);
    c = component_of(f, d, 2);
    average(g, &c, levels_of(full, true), g->v, GLANCE_COLOUR_WIDTH, GLANCE_COLOUR_HEIGHT);
}

/* ---- all others ---- */

static uint8_t clamp_level(int v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Colour of one cell from its middle pixel, BT.601. */
static void read_colour(struct glancer *g, const struct picture *p, int x, int y)
{
    int px = (2 * x + 1) * p->width / (2 * GLANCE_COLOUR_WIDTH);
    int py = (2 * y + 1) * p->height / (2 * GLANCE_COLOUR_HEIGHT);
    const uint8_t *bgr = p->pixels + 3 * ((ptrdiff_t)py * p->width + px);
    int i = y * GLANCE_COLOUR_WIDTH + x;

    g->u[i] = clamp_level((128 * bgr[0] - 85 * bgr[1] - 43 * bgr[2] + 128 * 257) >> 8);
    g->v[i] = clamp_level((128 * bgr[2] - 107 * bgr[1] - 21 * bgr[0] + 128 * 257) >> 8);
}

static int read_scaled(struct glancer *g, const AVFrame *f, int height, struct err *err)
{
    struct picture p, luma = {GLANCE_WIDTH, height, 1, g->luma};

    if (!g->scaler)
        g->scaler = scaler_new();
    if (scaler_bgr(g->scaler, f, 0, GLANCE_WIDTH, height, &p, err) < 0)
        return -1;
    picture_luma(&p, &luma);
    for (int y = 0; y < GLANCE_COLOUR_HEIGHT; y++)
        for (int x = 0; x < GLANCE_COLOUR_WIDTH; x++)
            read_colour(g, &p, x, y);
    return 0;
}

int glance_at(struct glancer *g, const struct AVFrame *av, struct glance *ret, struct err *err)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(av->format);
    int height = glance_height(av->width, av->height);

    if (av->width < 1 || av->height < 1 || !av->data[0])
        return FAIL(err, ERR_DECODE, "A frame has no picture.");
    if (is_readable(av, d))
        read_components(g, av, d, height);
    else if (read_scaled(g, av, height, err) < 0)
        return -1;
    *ret = (struct glance){.height = height, .luma = g->luma, .u = g->u, .v = g->v};
    return 0;
}
