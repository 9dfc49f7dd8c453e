#include "dsp/loud_int.h"

#include <math.h>

double loudness(double power, double noise_floor)
{
    double db = 10 * log10(fmax(power, 1e-30));

    return fmax((db - noise_floor) / (12 - noise_floor), 0);
}

void stretch(double *v, size_t n)
{
    double min = v[0], max = v[0];

    for (size_t i = 1; i < n; i++) {
        min = fmin(min, v[i]);
        max = fmax(max, v[i]);
    }
    for (size_t i = 0; i < n; i++)
        v[i] = max > min ? (v[i] - min) / (max - min) : 0;
}
