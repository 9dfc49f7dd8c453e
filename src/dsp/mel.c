#include "dsp/mel_int.h"

#include <math.h>

#include "dsp/stat_int.h"

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

/* One column with its mirrored ends: `around` rows more on each side. */
static void pad_column(const double *v, size_t rows, size_t cols, size_t around, double *ret)
{
    for (size_t i = 0; i < rows + 2 * around; i++)
        ret[i] = v[mirrored((long)i - (long)around, rows) * cols];
}

static double deviation(const double *x, size_t n)
{
    double mean = stat_mean(x, n), squares = 0;

    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    return sqrt(squares / (double)n);
}

struct sliding {
    double *v; /* rows x cols */
    size_t rows, cols, window;
    double *padded; /* rows + window - 1 */
};

static void without_mean(struct sliding *s, size_t col)
{
    pad_column(s->v + col, s->rows, s->cols, s->window / 2, s->padded);
    for (size_t row = 0; row < s->rows; row++) {
        double *v = &s->v[row * s->cols + col];
        *v = (double)(float)(*v - stat_mean(s->padded + row, s->window));
    }
}

static void without_deviation(struct sliding *s, size_t col)
{
    pad_column(s->v + col, s->rows, s->cols, s->window / 2, s->padded);
    for (size_t row = 0; row < s->rows; row++) {
        double *v = &s->v[row * s->cols + col];
        *v = (double)(float)(*v / (deviation(s->padded + row, s->window) + 1e-10));
    }
}

int mel_normalise(struct dsp_call *c, double *v, size_t rows, size_t cols, int window, bool variance,
                  struct err *err)
{
    struct sliding s = {v, rows, cols, (size_t)window, dsp_scratch(c, rows + (size_t)window - 1, err)};

    if (!s.padded)
        return -1;
    for (size_t col = 0; col < cols; col++) {
        without_mean(&s, col);
        if (variance)
            without_deviation(&s, col);
    }
    return 0;
}
