/* Moments of a list of numbers, all with n and not n-1 below the line, in two passes. n is at least 1. */
#ifndef ASSAY_DSP_STAT_INT_H
#define ASSAY_DSP_STAT_INT_H

#include <stddef.h>

struct moments {
    double mean, rms;
    double variance; /* m2 */
    double skewness; /* m3 / m2^1.5; 0 when all numbers are the same */
    double kurtosis; /* m4 / m2^2 - 3; -3 when all numbers are the same */
};

struct moments stat_moments(const double *x, size_t n);
double stat_mean(const double *x, size_t n);
/* Takes the mean out, in place. */
void stat_center(double *x, size_t n);

#endif
