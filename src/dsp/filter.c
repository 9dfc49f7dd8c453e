#include "dsp/filter_int.h"

#include <math.h>

/* The larger of the two poles' distances from 0. */
static double pole_radius(const struct section *s)
{
    double d = s->a1 * s->a1 - 4 * s->a2;

    return d < 0 ? sqrt(s->a2) : fmax(fabs(-s->a1 + sqrt(d)), fabs(-s->a1 - sqrt(d))) / 2;
}

static struct section rounded(struct section s)
{
    return (struct section){(double)(float)s.b0, (double)(float)s.b1, (double)(float)s.b2,
                            (double)(float)s.a1, (double)(float)s.a2};
}

static struct section butterworth_section(enum dsp_filter kind, int order, int i, double a)
{
    double r = sin(M_PI * (2 * i + 1) / (2.0 * order)), s = a * a + 2 * a * r + 1;
    double gain = (kind == DSP_FILTER_LOW ? a * a : 1) / s, side = kind == DSP_FILTER_LOW ? 2 : -2;

    return rounded(
        (struct section){gain, side * gain, gain, -2 * (1 - a * a) / s, (a * a - 2 * a * r + 1) / s});
}

int filter_butterworth(enum dsp_filter kind, int order, double cutoff, double frequency, struct filter *ret,
                       struct err *err)
{
    double a = tan(M_PI * cutoff / frequency);

    *ret = (struct filter){.n = (size_t)order / 2};
    for (int i = 0; i < order / 2; i++) {
        ret->sections[i] = butterworth_section(kind, order, i, a);
        if (!(pole_radius(&ret->sections[i]) < 1))
            return FAIL(err, ERR_INPUT,
                        "A filter at %g Hz is not stable here: move the cutoff away from 0 and %g Hz", cutoff,
                        frequency / 2);
    }
    return 0;
}

/* z1 and z2 are the state of the section, in the transposed direct form. */
static void run_section(const struct section *s, double z1, double z2, double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double in = x[i], out = s->b0 * in + z1;
        z1 = s->b1 * in - s->a1 * out + z2;
        z2 = s->b2 * in - s->a2 * out;
        x[i] = out;
    }
}

void filter_run(const struct filter *f, double *x, size_t n)
{
    for (size_t i = 0; i < f->n; i++)
        run_section(&f->sections[i], 0, 0, x, n);
}

static double still_gain(const struct section *s)
{
    return (s->b0 + s->b1 + s->b2) / (1 + s->a1 + s->a2);
}

/* The same after an endless past of the value x[0]. */
static void filter_run_settled(const struct filter *f, double *x, size_t n)
{
    double level = x[0];

    for (size_t i = 0; i < f->n; i++) {
        const struct section *s = &f->sections[i];
        double out = level * still_gain(s);
        run_section(s, out - s->b0 * level, s->b2 * level - s->a2 * out, x, n);
        level = out;
    }
}

/* One pair of poles re +- i im of the prototype in the z plane, z = (4 + p) / (4 - p), with both zeros at -1;
 * passes 0 Hz with gain 1. */
static struct section pole_pair(double re, double im)
{
    double d = (4 - re) * (4 - re) + im * im;
    double a1 = -2 * (16 - re * re - im * im) / d, a2 = ((4 + re) * (4 + re) + im * im) / d,
           gain = (1 + a1 + a2) / 4;

    return (struct section){gain, 2 * gain, gain, a1, a2};
}

/* The poles stand on an ellipse. The first section brings the whole down to the bottom of the ripple, where a
 * filter of even order has 0 Hz. */
static struct filter chebyshev(double cutoff)
{
    enum { ORDER = 8 };
    const double ripple = 0.05, bottom = pow(10, -ripple / 20);
    double mu = asinh(1 / sqrt(pow(10, ripple / 10) - 1)) / ORDER, warped = 4 * tan(M_PI * cutoff / 2);
    struct filter f = {.n = ORDER / 2};

    for (int i = 0; i < ORDER / 2; i++) {
        double angle = M_PI * (2 * i + 1) / (2 * ORDER);
        f.sections[i] = pole_pair(-warped * sinh(mu) * sin(angle), warped * cosh(mu) * cos(angle));
    }
    f.sections[0].b0 *= bottom;
    f.sections[0].b1 *= bottom;
    f.sections[0].b2 *= bottom;
    return f;
}

size_t filter_decimate(double *x, size_t n, size_t ratio)
{
    struct filter f = chebyshev(0.8 / (double)ratio);
    size_t kept = 0;

    filter_run_settled(&f, x, n);
    for (size_t i = 0; i < n; i += ratio)
        x[kept++] = x[i];
    return kept;
}
