#include "media/glance.h"

#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "media/fdio_int.h"
#include "media/image.h"
#include "media/rescale_int.h"

enum { FRACTION = 22 }; /* bits: 255 * 255 / 219 with so many behind the point fits into 32 */

struct glancer {
    struct scaler *scaler; /* for what cannot be read directly; made when it is needed */
    uint16_t *sums;        /* of the row of cells in work */
    size_t sums_size;      /* elements */
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
    freep(&gone->sums);
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

/* Four sums of two neighbouring bytes each. */
static inline uint64_t add_pairs(const uint8_t *p)
{
    const uint64_t even = 0x00ff00ff00ff00ffu;
    uint64_t bytes;

    memcpy(&bytes, p, sizeof bytes);
    return (bytes & even) + (bytes >> 8 & even);
}

/* Sums of eight bytes of row a and the eight below in row b; of four; of one. */
static void add_eights(uint16_t *restrict sums, const uint8_t *a, const uint8_t *b, int n)
{
    for (int i = 0; i < n; i++)
        sums[i] = (uint16_t)((add_pairs(a + 8 * (ptrdiff_t)i) + add_pairs(b + 8 * (ptrdiff_t)i)) *
                                 0x0001000100010001u >>
                             48);
}

static void add_fours(uint16_t *restrict sums, const uint8_t *a, const uint8_t *b, int n)
{
    for (int i = 0; i < n; i++, a += 4, b += 4)
        sums[i] = (uint16_t)(a[0] + a[1] + a[2] + a[3] + b[0] + b[1] + b[2] + b[3]);
}

static void add_ones(uint16_t *restrict sums, const uint8_t *a, const uint8_t *b, int n)
{
    for (int i = 0; i < n; i++)
        sums[i] = (uint16_t)(a[i] + b[i]);
}

/* The same of every `step`th byte. */
static void add_sparse(uint16_t *restrict sums, const uint8_t *a, const uint8_t *b, int n, int step)
{
    for (ptrdiff_t i = 0; i < n; i++)
        sums[i] = (uint16_t)(a[i * step] + b[i * step]);
}

/* Pixels of a row that are added up before cells are. More is faster, but then a cell's edges are less
 * exact: half a cell at most. */
static int group_size(const struct component *c, int cells)
{
    if (c->step > 1 || c->width < 4 * cells)
        return 1;
    return c->width % (8 * cells) == 0 ? 8 : 4;
}

/* Adds the pixels of two rows in cell y of n, group by group. */
static void add_rows(uint16_t *sums, const struct component *c, int y, int n, int group)
{
    int start = cell_start(y, n, c->height), size = cell_size(y, n, c->height);
    const uint8_t *a = c->data + c->stride * (start + size / 4);
    const uint8_t *b = c->data + c->stride * (start + 3 * size / 4);

    if (group == 8)
        add_eights(sums, a, b, c->width / 8);
    else if (group == 4)
        add_fours(sums, a, b, c->width / 4);
    else if (c->step == 1)
        add_ones(sums, a, b, c->width);
    else
        add_sparse(sums, a, b, c->width, c->step);
}

/* Where the cells of a row begin, worked out once for all rows: n + 1 edges. */
static void set_edges(int *edges, int n, int size)
{
    for (int i = 0; i <= n; i++)
        edges[i] = cell_start(i, n, size);
}

/* Levels, clamped, of what add_cells made. Apart from it because the processor can do many of these at once.
 */
static void set_levels(uint8_t *restrict dst, const uint32_t *restrict means, int cells, float offset)
{
    int low = (int)lroundf(offset * 256) + 128;

    for (int x = 0; x < cells; x++) {
        int level = ((int)(means[x] >> (FRACTION - 8)) + low) >> 8;

        level = level < 0 ? 0 : level;
        dst[x] = (uint8_t)(level > 255 ? 255 : level);
    }
}

/* Means times `scale` with FRACTION bits behind the point, of sums of `samples` pixels each. */
static void add_cells(uint32_t *restrict means, int cells, const uint16_t *restrict sums, const int *edges,
                      int samples, float scale)
{
    int least = edges[cells] / cells > 1 ? edges[cells] / cells : 1;
    uint32_t factor = (uint32_t)lroundf(scale * (1 << FRACTION) / (float)(samples * least));
    uint32_t wider = (uint32_t)lroundf(scale * (1 << FRACTION) / (float)(samples * (least + 1)));

    if (edges[cells] == cells) { /* of the most usual sizes, and quick */
        for (int x = 0; x < cells; x++)
            means[x] = sums[x] * factor;
        return;
    }
    for (int x = 0; x < cells; x++) {
        const uint16_t *cell = sums + edges[x];
        int n = edges[x + 1] - edges[x];
        uint32_t sum = cell[0];

        for (int i = 1; i < n; i++)
            sum += cell[i];
        means[x] = sum * (n > least ? wider : factor);
    }
}

static void average(struct glancer *g, const struct component *c, struct levels l, uint8_t *dst, int cells,
                    int height)
{
    int group = group_size(c, cells), edges[GLANCE_WIDTH + 1];
    uint32_t means[GLANCE_WIDTH];
    size_t need = (size_t)(c->width / group);

    if (g->sums_size < need) {
        g->sums = mem_resize(g->sums, need, sizeof *g->sums);
        g->sums_size = need;
    }
    set_edges(edges, cells, c->width / group);
    for (int y = 0; y < height; y++, dst += cells) {
        add_rows(g->sums, c, y, height, group);
        add_cells(means, cells, g->sums, edges, 2 * group, l.scale);
        set_levels(dst, means, cells, l.offset);
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

/* Every k-th row of a frame, about two for each row of the glance: swscale reads every pixel that it is
 * given, and gives up on shapes far from any camera's. */
static AVFrame *thinned(const AVFrame *f, int height)
{
    int k = f->height / (2 * height) > 1 ? f->height / (2 * height) : 1;
    AVFrame *thin = libav_must(av_frame_clone(f));

    for (int i = 0; i < AV_NUM_DATA_POINTERS; i++)
        thin->linesize[i] *= k;
    thin->height /= k;
    return thin;
}

static void framep(AVFrame **f)
{
    av_frame_free(f);
}

static int read_scaled(struct glancer *g, const AVFrame *f, int height, struct err *err)
{
    CLEANUP(framep) AVFrame *thin = thinned(f, height);
    struct picture p, luma = {GLANCE_WIDTH, height, 1, g->luma};

    if (!g->scaler)
        g->scaler = scaler_new();
    if (scaler_bgr(g->scaler, thin, 0, GLANCE_WIDTH, height, &p, err) < 0)
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
