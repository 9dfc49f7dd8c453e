#include "dsp/stat_int.h"

#include <math.h>

double stat_mean(const double *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

void stat_center(double *x, size_t n)
{
    double mean = stat_mean(x, n);

    for (size_t i = 0; i < n; i++)
        x[i] -= mean;
}

/* What rounding leaves of the variance of equal numbers counts as none. */
static int is_flat(double variance, double mean)
{
    return variance <= (1e-15 * mean) * (1e-15 * mean);
}

struct moments stat_moments(const double *x, size_t n)
{
    struct moments m = {.mean = stat_mean(x, n), .kurtosis = -3};
    double square = 0, m2 = 0, m3 = 0, m4 = 0;

    for (size_t i = 0; i < n; i++) {
        double d = x[i] - m.mean, d2 = d * d;
        square += x[i] * x[i];
        m2 += d2;
        m3 += d2 * d;
        m4 += d2 * d2;
    }
    m.rms = sqrt(square / (double)n);
    m.variance = m2 / (double)n;
    if (is_flat(m.variance, m.mean))
        return m;
    m.skewness = m3 / (double)n / (m.variance * sqrt(m.variance));
    m.kurtosis = m4 / (double)n / (m.variance * m.variance) - 3;
    return m;
}
