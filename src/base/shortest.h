/* 32-bit floats with the fewest decimal digits that read back as the same float: 9.81, not
 * 9.8100004196166992. Pure. */
#ifndef ASSAY_BASE_SHORTEST_H
#define ASSAY_BASE_SHORTEST_H

#include <stddef.h>

/* The float nearest to a number; what is too large for one becomes the largest. */
float float_nearest(double v);
/* The double that anybody reads for these digits; v is finite. */
double float_shortest(float v);

enum { FLOAT_TEXT = 32 };
/* The digits themselves; whole numbers below a million without a point, "null" for what is no number. Returns
 * the length. */
size_t float_text(char dst[FLOAT_TEXT], float v);

#endif
