#include "analysis/windows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static bool same_frequency(double a, double b)
{
    return fabs(a - b) <= 1e-5 * b;
}

static size_t count_of(size_t readings, const struct windows *w)
{
    return readings < w->window ? 0 : (readings - w->window) / w->step + 1;
}

int windows_of(const struct impulse *p, size_t readings, double frequency, struct windows *ret,
               struct err *err)
{
    struct windows w = {.readings = readings};

    if (p->input != INPUT_SERIES) {
        *ret = (struct windows){.window = readings, .step = readings, .count = 1, .readings = readings};
        return 0;
    }
    w.resampled = frequency > 0 && !same_frequency(frequency, p->frequency);
    if (w.resampled && (resample_ratio(frequency, p->frequency, &w.ratio, err) < 0 ||
                        resample_count(readings, &w.ratio, &w.readings, err) < 0))
        return -1;
    w.window = (size_t)fmax(1, round(p->window_ms * p->frequency / 1000));
    /* What is a whole number but for the last bit of its factors stays that number. */
    w.step = (size_t)fmax(1, floor(p->step_ms * p->frequency / 1000 * (1 + 1e-12)));
    w.count = count_of(w.readings, &w);
    w.padded = !w.count && p->pad && w.readings;
    w.count += w.padded;
    *ret = w;
    return 0;
}

/* ---- axes ---- */

static int find_axis(const struct sensor_part *part, const char *name, size_t *ret, struct err *err)
{
    char list[120] = "";
    size_t len = 0;

    for (size_t i = 0; i < part->naxes; i++) {
        if (text_is(part->axes[i], name)) {
            *ret = i;
            return 0;
        }
        if (len < sizeof list - 1)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", part->axes[i]);
    }
    return FAIL(err, ERR_INPUT, "the recording has no axis \"%.40s\"; it has %s", name, list);
}

int windows_axes(const struct sensor_part *part, size_t nwanted, const char *const *wanted, size_t *ret,
                 size_t *ret_n, struct err *err)
{
    size_t n = nwanted ? nwanted : part->naxes;

    for (size_t i = 0; i < n; i++) {
        ret[i] = i;
        if (nwanted && find_axis(part, wanted[i], &ret[i], err) < 0)
            return -1;
    }
    *ret_n = n;
    return 0;
}

/* ---- expected labels ---- */

static int by_first(const void *a, const void *b)
{
    int64_t x = ((const struct sensor_stretch *)a)->first, y = ((const struct sensor_stretch *)b)->first;

    return x < y ? -1 : x > y;
}

/* The place of a window's last reading in the recording as it was. */
static int64_t last_reading(const struct windows *w, size_t window)
{
    size_t last = window * w->step + w->window - 1;

    if (last >= w->readings)
        last = w->readings - 1; /* the rest is padding */
    return w->resampled ? (int64_t)(last * (size_t)w->ratio.down / (size_t)w->ratio.up) : (int64_t)last;
}

/* The label of a reading, NULL: none. Readings are asked in rising order; *at goes with them. */
static const char *label_at(const struct sensor_stretch *sorted, size_t n, int64_t reading, size_t *at)
{
    while (*at < n && sorted[*at].last < reading)
        ++*at;
    return *at < n && sorted[*at].first <= reading ? sorted[*at].label : NULL;
}

static const struct sensor_stretch *whole(struct arena *a, const char *label, const struct windows *w,
                                          size_t *ret_n)
{
    struct sensor_stretch *one = arena_alloc(a, sizeof *one);

    *ret_n = label && w->count;
    *one = (struct sensor_stretch){0, (int64_t)w->count - 1, label};
    return one;
}

const struct sensor_stretch *windows_expected(struct arena *a, const struct sensor_part *part,
                                              const struct windows *w, size_t *ret_n)
{
    struct sensor_stretch *sorted, *runs = NULL;
    size_t cap = 0, at = 0;

    *ret_n = 0;
    if (!part->nstretches)
        return whole(a, part->label, w, ret_n);
    sorted = arena_array(a, part->nstretches, sizeof *sorted);
    memcpy(sorted, part->stretches, part->nstretches * sizeof *sorted);
    qsort(sorted, part->nstretches, sizeof *sorted, by_first);
    for (size_t i = 0; i < w->count; i++) {
        const char *label = label_at(sorted, part->nstretches, last_reading(w, i), &at);
        struct sensor_stretch *before = *ret_n ? &runs[*ret_n - 1] : NULL;
        if (!label)
            continue;
        if (before && before->last == (int64_t)i - 1 && text_is(before->label, label))
            before->last = (int64_t)i;
        else
            ARENA_PUSH(a, runs, *ret_n, cap) = (struct sensor_stretch){(int64_t)i, (int64_t)i, label};
    }
    return runs;
}
