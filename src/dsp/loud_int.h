/* Two ways to bring powers to a scale. */
#ifndef ASSAY_DSP_LOUD_INT_H
#define ASSAY_DSP_LOUD_INT_H

#include <stddef.h>

/* 10 log10(power), powers below 1e-30 counting as that; 0 at the noise floor (dB) and below, 1 at 12 dB. */
double loudness(double power, double noise_floor);
/* Smallest 0, largest 1; all 0 when these are the same. In place. */
void stretch(double *v, size_t n);

#endif
