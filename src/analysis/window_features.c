#include "analysis/window_features.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "media/still.h"

struct features {
    const struct impulse *impulse;
    struct dsp_settings settings[IMPULSE_BLOCKS];
    struct dsp_plan *plans[IMPULSE_BLOCKS];
};

/* ---- blocks ---- */

/* The block's own sentence, with the block. */
static int blame(const struct impulse_dsp *d, const struct err *why, struct err *err)
{
    return FAIL(err, why->kind, "DSP block %lld (%.40s): %s", (long long)d->id, d->type, why->text);
}

static int read_settings(const struct impulse_dsp *d, struct dsp_settings *ret, struct err *err)
{
    enum dsp_kind kind = dsp_kind_of(d->type);

    if (kind == DSP_KIND_COUNT)
        return FAIL(err, ERR_UNSUPPORTED,
                    "there is no such block here; there are raw, flatten, "
                    "spectral-analysis, mfe, mfcc, spectrogram and image");
    *ret = dsp_defaults(kind);
    if (d->version)
        ret->version = d->version;
    for (size_t i = 0; i < d->nsettings; i++)
        if (dsp_set(ret, d->settings[i].name, d->settings[i].value, err) < 0)
            return -1;
    return 0;
}

static int make_plan(struct features *f, size_t block, struct err *err)
{
    const struct impulse_dsp *d = &f->impulse->dsp[block];
    double frequency = f->impulse->input == INPUT_SERIES ? f->impulse->frequency : 1;
    struct err why = {0};

    if (read_settings(d, &f->settings[block], &why) < 0 ||
        dsp_plan_new(&f->plans[block], &f->settings[block], frequency, &why) < 0)
        return blame(d, &why, err);
    return 0;
}

int features_new(struct features **ret_features, const struct impulse *p, struct err *err)
{
    CLEANUP(features_freep) struct features *f = mem_alloc(sizeof *f);

    f->impulse = p;
    for (size_t i = 0; i < p->ndsp; i++)
        if (make_plan(f, i, err) < 0)
            return -1;
    *ret_features = TAKE(f);
    return 0;
}

void features_freep(struct features **f)
{
    for (size_t i = 0; *f && i < IMPULSE_BLOCKS; i++)
        dsp_plan_freep(&(*f)->plans[i]);
    freep(f);
}

size_t features_place(const struct features *f, int64_t id)
{
    for (size_t i = 0; i < f->impulse->ndsp; i++)
        if (f->impulse->dsp[i].id == id)
            return i;
    return 0; /* impulse_check has seen to it that there is one */
}

const struct dsp_settings *features_settings(const struct features *f, size_t block)
{
    return &f->settings[block];
}

/* ---- a recording ---- */

static int read_numbers(struct arena *a, int fd, const struct sensor_part *part, float **ret, struct err *err)
{
    char *bytes = arena_try(a, (size_t)part->size);
    ssize_t n;

    if (!bytes)
        return FAIL(err, ERR_LIMIT, "there is no memory for a recording of %lld bytes",
                    (long long)part->size);
    for (int64_t at = 0; at < part->size; at += n) {
        n = pread(fd, bytes + at, (size_t)(part->size - at), (off_t)(part->offset + at));
        if (n <= 0)
            return FAIL(err, ERR_IO, "the recording cannot be read to its end");
    }
    *ret = (float *)(void *)bytes; /* little endian, as this machine is */
    return 0;
}

static int pad(struct arena *a, struct taken *t, struct err *err)
{
    float *all;
    size_t n;

    if (ckd_mul(&n, t->windows.window, t->naxes) || n > DSP_MAX_VALUES ||
        !(all = arena_try(a, n * sizeof *all)))
        return FAIL(err, ERR_LIMIT, "a window of %zu readings with %zu axes is too large", t->windows.window,
                    t->naxes);
    memcpy(all, t->numbers, t->n * sizeof *all);
    t->numbers = all;
    t->n = n;
    return 0;
}

static int open_series(struct features *f, struct arena *a, int fd, int64_t deadline, struct taken *t,
                       struct err *err)
{
    const struct sensor_part *part = t->part;
    size_t readings = (size_t)part->size / sizeof(float) / part->naxes;
    float *numbers;

    t->naxes = part->naxes;
    if (!readings)
        return FAIL(err, ERR_INPUT, "the recording has no readings");
    if (windows_of(f->impulse, readings, part->frequency, &t->windows, err) < 0 ||
        read_numbers(a, fd, part, &numbers, err) < 0)
        return -1;
    if (t->windows.resampled && resample_series(a, numbers, readings, part->naxes, &t->windows.ratio,
                                                deadline, &numbers, &readings, err) < 0)
        return -1;
    t->numbers = numbers;
    t->n = readings * part->naxes;
    return t->windows.padded ? pad(a, t, err) : 0;
}

static int open_picture(struct features *f, struct arena *a, int fd, int64_t deadline, struct taken *t,
                        struct err *err)
{
    const struct impulse *p = f->impulse;
    struct still_opts opts = still_defaults();
    size_t pixels = (size_t)p->width * (size_t)p->height;
    struct still still;
    struct picture fitted;
    float *numbers = arena_try(a, (pixels + 2) * sizeof *numbers);

    opts.deadline_mono_us = deadline;
    if (!numbers)
        return FAIL(err, ERR_LIMIT, "there is no memory for a picture of %dx%d", p->width, p->height);
    if (still_read_range(a, fd, t->part->offset, t->part->size, &opts, &still, err) < 0 ||
        fit_picture(a, &still.picture, p->fit, p->width, p->height, &fitted, &t->placing, err) < 0)
        return -1;
    numbers[0] = (float)p->width;
    numbers[1] = (float)p->height;
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *bgr = fitted.pixels + 3 * i;
        numbers[2 + i] = (float)(bgr[2] << 16 | bgr[1] << 8 | bgr[0]);
    }
    t->numbers = numbers;
    t->n = pixels + 2;
    t->naxes = 1;
    t->windows = (struct windows){.window = 1, .step = 1, .count = 1, .readings = 1};
    return 0;
}

static int find_axes(const struct features *f, struct taken *t, struct err *err)
{
    size_t places[SENSOR_AXES], n;

    for (size_t i = 0; i < f->impulse->ndsp; i++) {
        const struct impulse_dsp *d = &f->impulse->dsp[i];
        if (windows_axes(t->part, d->naxes, d->axes, places, &n, err) < 0)
            return -1;
        t->axes[i].n = n;
        for (size_t k = 0; k < n; k++)
            t->axes[i].of[k] = (unsigned char)places[k];
    }
    return 0;
}

int features_open(struct features *f, struct arena *a, int fd, const struct sensor_part *part,
                  int64_t deadline_mono_us, struct taken *ret, struct err *err)
{
    bool picture = f->impulse->input == INPUT_PICTURE;

    *ret = (struct taken){.part = part};
    if (picture != (part->kind == PART_PICTURE))
        return FAIL(err, ERR_INPUT,
                    picture ? "the impulse judges pictures, and this is none"
                            : "the impulse judges series of readings, and this is a picture");
    for (size_t i = 0; i < f->impulse->ndsp; i++)
        dsp_plan_restart(f->plans[i]);
    if (picture)
        return open_picture(f, a, fd, deadline_mono_us, ret, err);
    return find_axes(f, ret, err) < 0 ? -1 : open_series(f, a, fd, deadline_mono_us, ret, err);
}

/* ---- a window ---- */

static bool all_in_order(const struct taken *t, size_t block)
{
    for (size_t k = 0; k < t->axes[block].n; k++)
        if (t->axes[block].of[k] != k)
            return false;
    return t->axes[block].n == t->naxes;
}

/* The readings of the window with only the axes that the block wants. */
static const float *picked(struct arena *a, const struct taken *t, size_t first, size_t block)
{
    size_t n = t->axes[block].n, readings = t->windows.window;
    const float *from = t->numbers + first * t->naxes;
    float *to;

    if (all_in_order(t, block))
        return from;
    to = arena_array(a, readings * n, sizeof *to);
    for (size_t i = 0; i < readings; i++)
        for (size_t k = 0; k < n; k++)
            to[i * n + k] = from[i * t->naxes + t->axes[block].of[k]];
    return to;
}

struct dsp_input features_input(const struct features *f, struct arena *a, const struct taken *t,
                                size_t first, size_t block)
{
    size_t n = t->axes[block].n;
    /* Only the block "image" wants to know the size of a picture. */
    size_t head = f->settings[block].kind == DSP_IMAGE ? 0 : 2;

    if (t->part->kind == PART_PICTURE)
        return (struct dsp_input){.values = t->numbers + head, .n = t->n - head, .axes = 1};
    return (struct dsp_input){.values = picked(a, t, first, block), .n = t->windows.window * n, .axes = n};
}

int features_make_one(struct features *f, struct arena *a, const struct taken *t, size_t first, size_t block,
                      struct dsp_features *ret, struct err *err)
{
    struct dsp_input in;
    struct err why = {0};

    if (t->windows.window > DSP_MAX_VALUES)
        return FAIL(err, ERR_LIMIT, "a window of %zu readings is too long", t->windows.window);
    in = features_input(f, a, t, first, block);
    if (dsp_plan_run(f->plans[block], a, &in, ret, &why) < 0)
        return blame(&f->impulse->dsp[block], &why, err);
    return 0;
}

int features_make(struct features *f, struct arena *a, const struct taken *t, size_t window, struct made *ret,
                  struct err *err)
{
    for (size_t i = 0; i < f->impulse->ndsp; i++)
        if (features_make_one(f, a, t, window * t->windows.step, i, &ret->of[i], err) < 0)
            return -1;
    return 0;
}

const float *features_joined(const struct features *f, struct arena *a, const struct made *m,
                             const struct impulse_learn *l, size_t *ret_n)
{
    float *all;
    size_t n = 0;

    for (size_t i = 0; i < l->ndsp; i++)
        n += m->of[features_place(f, l->dsp[i])].n;
    *ret_n = n;
    if (l->ndsp == 1)
        return m->of[features_place(f, l->dsp[0])].values;
    all = arena_array(a, n, sizeof *all);
    n = 0;
    for (size_t i = 0; i < l->ndsp; i++) {
        const struct dsp_features *one = &m->of[features_place(f, l->dsp[i])];
        memcpy(all + n, one->values, one->n * sizeof *all);
        n += one->n;
    }
    return all;
}
