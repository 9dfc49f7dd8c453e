#include "media/annotate.h"

#include <libavutil/frame.h>
#include <math.h>
#include <stdlib.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "media/fdio_int.h"
#include "media/mp4.h"
#include "media/rescale_int.h"
#include "media/turn_int.h"

enum { LINE = 2, MAX_SIDE = 8192 }; /* lines start at even pixels, so that their colour is whole in 4:2:0 */

struct rgb {
    double r, g, b;
};
static const struct rgb red = {255, 12, 16}, grey = {128, 128, 128};

/* How much red and blue weigh in luma, for the matrices that occur. */
static const struct matrix {
    int space;
    double kr, kb;
} matrices[] = {
    {AVCOL_SPC_SMPTE170M, 0.299, 0.114}, /* first: the default */
    {AVCOL_SPC_BT470BG, 0.299, 0.114},
    {AVCOL_SPC_BT709, 0.2126, 0.0722},
    {AVCOL_SPC_BT2020_NCL, 0.2627, 0.0593},
};

struct yuv {
    uint8_t plane[3];
};

struct annotator {
    const struct report *report;
    const struct finding **findings; /* those worth a box, by moment */
    size_t nfindings;
    size_t first, last, moment; /* findings[first..last) belong to the moment */
    int rotation;
    const struct matrix *matrix;
    struct yuv red, grey;
    struct rescaler rescaler;
    AVFrame *flat;    /* scaled, not yet upright */
    AVFrame *upright; /* drawn on */
    struct mp4_writer *mp4;
};

static void annotator_clear(struct annotator *a)
{
    mp4_freep(&a->mp4);
    av_frame_free(&a->flat);
    av_frame_free(&a->upright);
    rescaler_clear(&a->rescaler);
    freep(&a->findings);
}

/* ---- colours ---- */

static const struct matrix *matrix_of(const AVFrame *f)
{
    for (size_t i = 0; i < COUNT_OF(matrices); i++)
        if (matrices[i].space == (int)f->colorspace)
            return &matrices[i];
    return &matrices[0];
}

/* Y'CbCr in limited range, ITU-R BT.601 and BT.709, section 3. */
static struct yuv yuv_of(const struct matrix *m, struct rgb c)
{
    double y = m->kr * c.r + (1 - m->kr - m->kb) * c.g + m->kb * c.b;

    return (struct yuv){{
        (uint8_t)lround(16 + 219 * y / 255),
        (uint8_t)lround(128 + 112 * (c.b - y) / (1 - m->kb) / 255),
        (uint8_t)lround(128 + 112 * (c.r - y) / (1 - m->kr) / 255),
    }};
}

/* ---- drawing ---- */

struct area {
    int left, top, right, bottom; /* even; right and bottom exclusive */
};

static void fill(AVFrame *f, struct area a, const struct yuv *colour)
{
    for (int p = 0; p < 3; p++) {
        int shift = p ? 1 : 0;
        int left = a.left >> shift, right = a.right >> shift;

        for (int y = a.top >> shift; y < a.bottom >> shift; y++)
            for (int x = left; x < right; x++)
                f->data[p][(ptrdiff_t)y * f->linesize[p] + x] = colour->plane[p];
    }
}

static void outline(AVFrame *f, struct area a, const struct yuv *colour)
{
    fill(f, (struct area){a.left, a.top, a.right, a.top + LINE}, colour);
    fill(f, (struct area){a.left, a.bottom - LINE, a.right, a.bottom}, colour);
    fill(f, (struct area){a.left, a.top, a.left + LINE, a.bottom}, colour);
    fill(f, (struct area){a.right - LINE, a.top, a.right, a.bottom}, colour);
}

/* 0..1 of the side as an even pixel between least and most. Not a number gives least. */
static int even_pixel(double share, int side, int least, int most)
{
    double pixel = share * side / 2;

    if (!(pixel * 2 > least))
        return least;
    return pixel * 2 >= most ? most : (int)lround(pixel) * 2;
}

static void draw_box(AVFrame *f, const struct finding *found, const struct yuv *colour)
{
    const struct box *b = &found->box;
    struct area a;

    a.left = even_pixel((double)b->x, f->width, 0, f->width - LINE);
    a.top = even_pixel((double)b->y, f->height, 0, f->height - LINE);
    a.right = even_pixel((double)b->x + (double)b->w, f->width, a.left + LINE, f->width);
    a.bottom = even_pixel((double)b->y + (double)b->h, f->height, a.top + LINE, f->height);
    outline(f, a, colour);
}

/* Anything but "safe" gets the border, also a report without a verdict. */
static void draw(struct annotator *a, AVFrame *f)
{
    for (size_t i = a->first; i < a->last; i++)
        if (a->findings[i]->excluded)
            draw_box(f, a->findings[i], &a->grey);
    for (size_t i = a->first; i < a->last; i++)
        if (!a->findings[i]->excluded)
            draw_box(f, a->findings[i], &a->red);
    if (!text_is(a->report->verdict.risk, "safe"))
        outline(f, (struct area){0, 0, f->width, f->height}, &a->red);
}

/* ---- which findings ---- */

static int by_moment(const void *left, const void *right)
{
    const struct finding *a = *(const struct finding *const *)left,
                         *b = *(const struct finding *const *)right;

    return (a->moment > b->moment) - (a->moment < b->moment);
}

/* What an operator should look at: sure findings, or where there is none the doubtful ones that made the clip
 * suspicious. */
static double least_score(const struct report *r)
{
    for (size_t i = 0; i < r->nfindings; i++)
        if (r->findings[i].score >= r->verdict.thresholds.label)
            return r->verdict.thresholds.label;
    return r->verdict.thresholds.low;
}

static void pick_findings(struct annotator *a)
{
    const struct report *r = a->report;
    double least = least_score(r);

    a->findings = mem_alloc((r->nfindings + 1) * sizeof *a->findings);
    for (size_t i = 0; i < r->nfindings; i++)
        if (r->findings[i].score >= least)
            a->findings[a->nfindings++] = &r->findings[i];
    qsort(a->findings, a->nfindings, sizeof *a->findings, by_moment);
}

/* Moves on to the moment nearest to `pts`. Both only grow. */
static void seek_moment(struct annotator *a, double pts)
{
    const struct report *r = a->report;

    while (a->moment + 1 < r->nmoments &&
           fabs(r->moments[a->moment + 1].pts - pts) <= fabs(r->moments[a->moment].pts - pts))
        a->moment++;
    while (a->first < a->nfindings && a->findings[a->first]->moment < (int)a->moment)
        a->first++;
    for (a->last = a->first; a->last < a->nfindings && a->findings[a->last]->moment == (int)a->moment;
         a->last++)
        ;
}

/* ---- frames ---- */

static AVFrame *new_frame(int width, int height)
{
    AVFrame *f = libav_must(av_frame_alloc());

    f->format = AV_PIX_FMT_YUV420P;
    f->width = width;
    f->height = height;
    libav_must(av_frame_get_buffer(f, 0) < 0 ? NULL : f);
    return f;
}

/* To limited range in the matrix of the first frame. */
static int flatten(struct annotator *a, const AVFrame *f, struct err *err)
{
    const struct raster to = {
        .width = a->flat->width,
        .height = a->flat->height,
        .format = AV_PIX_FMT_YUV420P,
        .space = a->matrix->space,
        .range = 0,
    };

    return rescale(&a->rescaler, f, &to, a->flat->data, a->flat->linesize, err);
}

static void make_upright(struct annotator *a)
{
    for (int p = 0; p < 3; p++) {
        int shift = p ? 1 : 0;

        turn(&(struct plane){a->flat->data[p], a->flat->linesize[p], a->flat->width >> shift,
                             a->flat->height >> shift, 1},
             a->rotation, a->upright->data[p], a->upright->linesize[p]);
    }
}

static int add(struct annotator *a, const struct video_frame *frame, struct err *err)
{
    if (flatten(a, frame->av, err) < 0)
        return -1;
    if (av_frame_make_writable(a->upright) < 0)
        return FAIL(err, ERR_LIMIT, "No memory for a frame of the annotated clip.");
    make_upright(a);
    seek_moment(a, frame->pts);
    draw(a, a->upright);
    return mp4_add_frame(a->mp4, a->upright, err);
}

/* ---- set-up ---- */

/* Even, and within what the encoder takes; halved as often as needed. */
static void clip_size(const struct media_info *info, int *ret_width, int *ret_height)
{
    int shift = 0;

    while (info->width >> shift > MAX_SIDE || info->height >> shift > MAX_SIDE)
        shift++;
    *ret_width = info->width >> shift > 2 ? (info->width >> shift) & ~1 : 2;
    *ret_height = info->height >> shift > 2 ? (info->height >> shift) & ~1 : 2;
}

static void set_rate(struct mp4_opts *o, double fps)
{
    AVRational q = av_d2q(fps >= 0.1 && fps <= 240 ? fps : 25, 100000);

    o->rate_num = q.num;
    o->rate_den = q.den;
}

/* Everything that depends on the first frame. */
static int start(struct annotator *a, const struct media_info *info, const AVFrame *first, int out_fd,
                 struct err *err)
{
    struct mp4_opts o = mp4_opts_defaults();
    bool sideways = info->rotation % 180 != 0;

    clip_size(info, &o.width, &o.height);
    set_rate(&o, info->fps);
    a->rotation = info->rotation;
    a->matrix = matrix_of(first);
    a->red = yuv_of(a->matrix, red);
    a->grey = yuv_of(a->matrix, grey);
    a->upright = new_frame(o.width, o.height);
    a->flat = sideways ? new_frame(o.height, o.width) : new_frame(o.width, o.height);
    a->upright->color_range = AVCOL_RANGE_MPEG;
    a->upright->colorspace = (enum AVColorSpace)a->matrix->space;
    o.like = a->upright;
    pick_findings(a);
    return mp4_open(&a->mp4, out_fd, &o, err);
}

int annotate_video(int fd, int out_fd, const struct report *report, const struct video_opts *opts,
                   struct err *err)
{
    CLEANUP(video_freep) struct video *v = NULL;
    CLEANUP(annotator_clear) struct annotator a = {.report = report};
    struct video_frame frame;
    int r;

    if (video_open(&v, fd, opts, err) < 0)
        return -1;
    while ((r = video_next(v, &frame, err)) > 0)
        if ((!a.mp4 && start(&a, video_info(v), frame.av, out_fd, err) < 0) || add(&a, &frame, err) < 0)
            return -1;
    return r < 0 ? -1 : mp4_finish(a.mp4, err);
}
