#include "analysis/fit.h"

#include <math.h>
#include <string.h>

/* What of the picture goes where in the result. */
struct cutting {
    double x, y, w, h; /* of the picture */
    int to_x, to_y, to_w, to_h;
};

static int at_least_one(double v)
{
    return v < 1 ? 1 : (int)lround(v);
}

static struct cutting whole(const struct picture *p, int width, int height)
{
    return (struct cutting){0, 0, p->width, p->height, 0, 0, width, height};
}

static struct cutting middle(const struct picture *p, double w, double h, int width, int height)
{
    return (struct cutting){floor((p->width - w) / 2), floor((p->height - h) / 2), w, h, 0, 0, width, height};
}

static struct cutting shortest(const struct picture *p, int width, int height)
{
    double scale = fmax((double)width / p->width, (double)height / p->height);

    return middle(p, fmin(p->width, at_least_one(width / scale)),
                  fmin(p->height, at_least_one(height / scale)), width, height);
}

static struct cutting longest(const struct picture *p, int width, int height)
{
    double scale = fmin((double)width / p->width, (double)height / p->height);
    struct cutting c = whole(p, width, height);

    c.to_w = at_least_one(fmin(width, p->width * scale));
    c.to_h = at_least_one(fmin(height, p->height * scale));
    c.to_x = (width - c.to_w) / 2;
    c.to_y = (height - c.to_h) / 2;
    return c;
}

static struct cutting cropped(const struct picture *p, int width, int height)
{
    if (p->width < width || p->height < height)
        return shortest(p, width, height);
    return middle(p, width, height, width, height);
}

static const struct {
    struct cutting (*cut)(const struct picture *p, int width, int height);
} ways[PICTURE_FITS] = {
    [FIT_SQUASH] = {whole}, [FIT_SHORT] = {shortest}, [FIT_LONG] = {longest}, [FIT_CROP] = {cropped}};

static void paste(const struct picture *from, int x, int y, struct picture *to)
{
    size_t row = (size_t)from->width * 3;

    for (int i = 0; i < from->height; i++)
        memcpy(to->pixels + ((size_t)(y + i) * (size_t)to->width + (size_t)x) * 3,
               from->pixels + (size_t)i * row, row);
}

int fit_picture(struct arena *a, const struct picture *from, enum picture_fit fit, int width, int height,
                struct picture *ret, struct placing *ret_placing, struct err *err)
{
    struct cutting c = ways[fit].cut(from, width, height);
    struct picture part = {.width = c.to_w, .height = c.to_h, .channels = 3},
                   all = {.width = width, .height = height, .channels = 3};

    all.pixels = arena_try(a, (size_t)width * (size_t)height * 3);
    part.pixels = arena_try(a, (size_t)c.to_w * (size_t)c.to_h * 3);
    if (!all.pixels || !part.pixels)
        return FAIL(err, ERR_LIMIT, "there is no memory for a picture of %dx%d", width, height);
    if (picture_scale(from, (int)c.x, (int)c.y, (int)c.w, (int)c.h, &part, err) < 0)
        return -1;
    paste(&part, c.to_x, c.to_y, &all);
    *ret = all;
    ret_placing->scale_x = c.to_w / c.w;
    ret_placing->scale_y = c.to_h / c.h;
    ret_placing->add_x = c.to_x - c.x * ret_placing->scale_x;
    ret_placing->add_y = c.to_y - c.y * ret_placing->scale_y;
    return 0;
}

static double inside(double v, double end)
{
    return v < 0 ? 0 : v > end ? end : v;
}

bool fit_box(const struct placing *p, int width, int height, const struct sensor_box *box,
             struct sensor_box *ret)
{
    double left = inside(box->x * p->scale_x + p->add_x, width),
           top = inside(box->y * p->scale_y + p->add_y, height),
           right = inside((box->x + box->width) * p->scale_x + p->add_x, width),
           bottom = inside((box->y + box->height) * p->scale_y + p->add_y, height);

    *ret = (struct sensor_box){box->label, left, top, right - left, bottom - top};
    return right > left && bottom > top;
}
