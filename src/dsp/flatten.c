/* flatten: a few statistics of each axis, in the order of the table below, those that are switched on; then,
 * with moving_avg_num_windows, the mean of the averages of that many windows up to this one (at the start of
 * a recording of as many as there are). Version 1. Formulas: dsp/stat_int.h. The deviation of an axis is that
 * of the population (n below the line). */
#include <math.h>

#include "base/mem.h"
#include "dsp/dsp_int.h"
#include "dsp/stat_int.h"

struct summary {
    struct moments m;
    double min, max;
};

static double average(const struct summary *s)
{
    return s->m.mean;
}

static double minimum(const struct summary *s)
{
    return s->min;
}

static double maximum(const struct summary *s)
{
    return s->max;
}

static double rms(const struct summary *s)
{
    return s->m.rms;
}

static double stdev(const struct summary *s)
{
    return sqrt(s->m.variance);
}

static double skewness(const struct summary *s)
{
    return s->m.skewness;
}

static double kurtosis(const struct summary *s)
{
    return s->m.kurtosis;
}

#define FLAG(field) offsetof(struct dsp_settings, flatten.field)

static const struct {
    const char *label;
    size_t flag;
    double (*of)(const struct summary *s);
} statistics[] = {
    {"Average", FLAG(average), average},    {"Minimum", FLAG(minimum), minimum},
    {"Maximum", FLAG(maximum), maximum},    {"RMS", FLAG(rms), rms},
    {"Stdev", FLAG(stdev), stdev},          {"Skewness", FLAG(skewness), skewness},
    {"Kurtosis", FLAG(kurtosis), kurtosis},
};

static bool wanted(const struct dsp_settings *s, size_t i)
{
    return *(const bool *)(const void *)((const char *)s + statistics[i].flag);
}

static size_t count_wanted(const struct dsp_settings *s)
{
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(statistics); i++)
        n += wanted(s, i);
    return n + (s->flatten.moving > 0);
}

static struct summary summarise(const double *x, size_t n)
{
    struct summary s = {stat_moments(x, n), x[0], x[0]};

    for (size_t i = 1; i < n; i++) {
        s.min = fmin(s.min, x[i]);
        s.max = fmax(s.max, x[i]);
    }
    return s;
}

static void remember(struct dsp_call *c)
{
    struct dsp_past *p = c->past;
    size_t room = (size_t)c->s->flatten.moving;

    if (p->axes < c->axes) {
        p->means = mem_resize(p->means, c->axes * room, sizeof *p->means);
        p->axes = c->axes;
        p->n = p->next = 0;
    }
    p->room = room;
}

static double moving_mean(const struct dsp_past *p, size_t axis, double mean)
{
    double *means = p->means + axis * p->room;

    means[p->next] = mean;
    return stat_mean(means, p->n < p->room ? p->n + 1 : p->room);
}

static void step_on(struct dsp_past *p)
{
    p->n += p->n < p->room;
    p->next = (p->next + 1) % p->room;
}

static int flatten_run(struct dsp_call *c, struct err *err)
{
    if (dsp_room(c, c->axes * count_wanted(c->s), err) < 0)
        return -1;
    if (c->s->flatten.moving)
        remember(c);
    for (size_t axis = 0; axis < c->axes; axis++) {
        const double *x = dsp_axis(c, axis, c->s->flatten.scale, err);
        struct summary s;
        if (!x)
            return -1;
        s = summarise(x, c->readings);
        for (size_t i = 0; i < COUNT_OF(statistics); i++)
            if (wanted(c->s, i))
                dsp_put(c, statistics[i].of(&s));
        if (c->s->flatten.moving)
            dsp_put(c, moving_mean(c->past, axis, s.m.mean));
    }
    if (c->s->flatten.moving)
        step_on(c->past);
    return 0;
}

static int flatten_label(struct dsp_names *to, const struct dsp_settings *s, double frequency UNUSED,
                         struct err *err UNUSED)
{
    for (size_t i = 0; i < COUNT_OF(statistics); i++)
        if (wanted(s, i))
            dsp_label(to, "%s", statistics[i].label);
    if (s->flatten.moving)
        dsp_label(to, "Moving average");
    return 0;
}

static const struct dsp_param flatten_params[] = {
    {"scale-axes", DSP_NUMBER, FLAG(scale), -1e9, 1e9, 1, NULL},
    {"average", DSP_FLAG, FLAG(average), 0, 1, 1, NULL},
    {"minimum", DSP_FLAG, FLAG(minimum), 0, 1, 1, NULL},
    {"maximum", DSP_FLAG, FLAG(maximum), 0, 1, 1, NULL},
    {"rms", DSP_FLAG, FLAG(rms), 0, 1, 1, NULL},
    {"stdev", DSP_FLAG, FLAG(stdev), 0, 1, 1, NULL},
    {"skewness", DSP_FLAG, FLAG(skewness), 0, 1, 1, NULL},
    {"kurtosis", DSP_FLAG, FLAG(kurtosis), 0, 1, 1, NULL},
    {"moving_avg_num_windows", DSP_INT, FLAG(moving), 0, DSP_MAX_MOVING, 0, NULL},
};

const struct dsp_block dsp_block_flatten = {
    .name = "flatten",
    .newest = 1,
    .any_frequency = true,
    .params = flatten_params,
    .nparams = COUNT_OF(flatten_params),
    .run = flatten_run,
    .label = flatten_label,
};
