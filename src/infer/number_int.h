/* What a number from a model may be. */
#ifndef ASSAY_INFER_NUMBER_INT_H
#define ASSAY_INFER_NUMBER_INT_H

#include <stdbool.h>

/* With a little room for rounding. False for NaN. */
static inline bool is_probability(float v)
{
    return v >= -1e-3f && v <= 1.001f;
}

#endif
