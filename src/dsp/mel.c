#include "dsp/mel_int.h"

#include <math.h>
#include <string.h>

static double to_mel(double hertz)
{
    return 1127 * log(1 + hertz / 700);
}

static double to_hertz(double mel)
{
    return 700 * (exp(mel / 1127) - 1);
}

int mel_check(const struct dsp_mel *mel, double frequency, struct err *err)
{
    double high = mel->high == 0 ? frequency / 2 : mel->high;

    if (high > frequency / 2)
        return FAIL(err, ERR_INPUT, "The high frequency of %g Hz is above half the sampling frequency, %g Hz",
                    high, frequency / 2);
    if (mel->low >= high)
        return FAIL(err, ERR_INPUT, "The low frequency of %g Hz is not below the high one, %g Hz", mel->low,
                    high);
    if (mel->window % 2 == 0 && mel->window != 0)
        return FAIL(err, ERR_INPUT, "The window of the normalisation is an odd number of frames, not %d",
                    mel->window);
    return 0;
}

/* The bins of the filters + 2 points. */
static int mel_points(const struct dsp_call *c, const struct dsp_mel *mel, size_t bins, size_t *points,
                      struct err *err)
{
    double high = to_mel(mel->high == 0 ? c->frequency / 2 : mel->high), low = to_mel(mel->low);
    double length = c->s->version >= 4 ? 2 * ((double)bins - 1) : (double)bins;

    for (int i = 0; i < mel->filters + 2; i++) {
        double hertz = to_hertz(low + (high - low) * i / (mel->filters + 1)), bin;
        bin = floor((length + 1) * (i == mel->filters + 1 ? hertz - 0.001 : hertz) / c->frequency);
        if (!(bin >= 0 && bin < (double)bins))
            return FAIL(err, ERR_INPUT, "The bands of %d filters do not fit to %g Hz", mel->filters,
                        c->frequency);
        points[i] = (size_t)bin;
    }
    for (int i = 0; i < mel->filters; i++)
        if (points[i + 2] <= points[i])
            return FAIL(err, ERR_INPUT, "Filter %d of %d is empty: take fewer filters or a longer FFT", i + 1,
                        mel->filters);
    return 0;
}

/* Weight of bin x in the triangle; 1 at the middle, also where it falls together with one end. */
static double triangle(size_t x, const size_t p[3])
{
    if (x == p[1])
        return 1;
    if (x < p[1])
        return ((double)x - (double)p[0]) / ((double)p[1] - (double)p[0]);
    return ((double)p[2] - (double)x) / ((double)p[2] - (double)p[1]);
}

static double band_energy(const double *power, const size_t p[3])
{
    double sum = 0;

    for (size_t x = p[0]; x <= p[2]; x++)
        sum += power[x] * triangle(x, p);
    return sum == 0 ? 1e-10 : sum;
}

double *mel_energies(struct dsp_call *c, const struct dsp_mel *mel, const struct frames *f, struct err *err)
{
    size_t points[DSP_MAX_FILTERS + 2], filters = (size_t)mel->filters;
    double *energies = dsp_scratch(c, f->n * filters, err);

    if (!energies || mel_points(c, mel, f->bins, points, err) < 0)
        return NULL;
    for (size_t row = 0; row < f->n; row++)
        for (size_t i = 0; i < filters; i++)
            energies[row * filters + i] = band_energy(f->power + row * f->bins, points + i);
    return energies;
}

/* --- sliding normalisation --- */

/* Where row i, which may be beyond the ends, is taken from: the rows there and back, again and again. */
static size_t mirrored(long i, size_t rows)
{
    long period = 2 * (long)rows;

    i = (i % period + period) % period;
    return (size_t)(i < (long)rows ? i : period - 1 - i);
}

struct around {
    double mean, deviation;
};

static struct around look_around(const double *v, size_t rows, size_t cols, size_t row, int window)
{
    struct around a = {0};
    long first = (long)row - window / 2;
    double squares = 0;

    for (int k = 0; k < window; k++)
        a.mean += v[mirrored(first + k, rows) * cols] / window;
    for (int k = 0; k < window; k++) {
        double d = v[mirrored(first + k, rows) * cols] - a.mean;
        squares += d * d;
    }
    a.deviation = sqrt(squares / window);
    return a;
}

static void normalise_step(const double *from, double *to, size_t rows, size_t cols, int window,
                           bool variance)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < cols; i++) {
            struct around a = look_around(from + i, rows, cols, row, window);
            double v = from[row * cols + i];
            to[row * cols + i] = (double)(float)(variance ? v / (a.deviation + 1e-10) : v - a.mean);
        }
}

int mel_normalise(struct dsp_call *c, double *v, size_t rows, size_t cols, int window, bool variance,
                  struct err *err)
{
    double *centred = dsp_scratch(c, rows * cols, err);

    if (!centred)
        return -1;
    normalise_step(v, centred, rows, cols, window, false);
    if (variance)
        normalise_step(centred, v, rows, cols, window, true);
    else
        memcpy(v, centred, rows * cols * sizeof *v);
    return 0;
}
