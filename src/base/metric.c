#include "base/metric.h"

#include <stdio.h>

const double histogram_bounds[HISTOGRAM_BOUNDS] = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600, 3600};

void histogram_add(struct histogram *h, int64_t us)
{
    uint64_t value = us > 0 ? (uint64_t)us : 0;
    int i = 0;

    while (i < HISTOGRAM_BOUNDS && (double)value > histogram_bounds[i] * 1e6)
        i++;
    atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_us, value, memory_order_relaxed);
}

void histogram_read(struct histogram *h, struct histogram_view *ret)
{
    uint64_t total = 0;

    for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        total += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        ret->up_to[i] = total;
    }
    ret->sum_seconds = (double)atomic_load_explicit(&h->sum_us, memory_order_relaxed) / 1e6;
}

/* ---- the text ---- */

static void add_escaped(struct buf *b, const char *s, bool quotes)
{
    for (; *s; s++)
        if (*s == '\n')
            buf_str(b, "\\n");
        else if (*s == '\\' || (quotes && *s == '"'))
            buf_printf(b, "\\%c", *s);
        else
            buf_add(b, s, 1);
}

static void add_number(struct buf *b, double v)
{
    static const double exact = 9007199254740992.0; /* 2^53: every whole number up to it is a double */
    bool whole = v >= -exact && v <= exact && (double)(int64_t)v == v;

    if (whole)
        buf_printf(b, "%lld", (long long)v);
    else
        buf_printf(b, "%.15g", v);
}

void metric_family(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_printf(b, "# HELP %s ", name);
    add_escaped(b, help, false);
    buf_printf(b, "\n# TYPE %s %s\n", name, type);
}

static void add_label(struct buf *b, const char *name, const char *value, bool first)
{
    buf_printf(b, "%s%s=\"", first ? "{" : ",", name);
    add_escaped(b, value, true);
    buf_str(b, "\"");
}

/* One line. `le` is the bound of a bucket, NULL elsewhere. */
static void add_sample(struct buf *b, const char *name, const char *suffix, const char *const labels[],
                       const char *le, double value)
{
    bool first = true;

    buf_printf(b, "%s%s", name, suffix);
    for (; labels && labels[0]; labels += 2, first = false)
        add_label(b, labels[0], labels[1], first);
    if (le)
        add_label(b, "le", le, first);
    buf_str(b, first && !le ? " " : "} ");
    add_number(b, value);
    buf_str(b, "\n");
}

void metric_value(struct buf *b, const char *name, const char *const labels[], double value)
{
    add_sample(b, name, "", labels, NULL, value);
}

void metric_histogram(struct buf *b, const char *name, const char *const labels[],
                      const struct histogram_view *view)
{
    char le[32];

    for (int i = 0; i < HISTOGRAM_BOUNDS; i++) {
        snprintf(le, sizeof le, "%g", histogram_bounds[i]);
        add_sample(b, name, "_bucket", labels, le, (double)view->up_to[i]);
    }
    add_sample(b, name, "_bucket", labels, "+Inf", (double)view->up_to[HISTOGRAM_BOUNDS]);
    add_sample(b, name, "_sum", labels, NULL, view->sum_seconds);
    add_sample(b, name, "_count", labels, NULL, (double)view->up_to[HISTOGRAM_BOUNDS]);
}

void metric_single(struct buf *b, const char *name, const char *type, const char *help, double value)
{
    metric_family(b, name, type, help);
    metric_value(b, name, METRIC_PLAIN, value);
}
