/* One number of a FlexBuffer that is a map, as custom operators of TFLite keep their options. False when it
 * is not there or the bytes are no such map. */
#ifndef ASSAY_INFER_FLEX_INT_H
#define ASSAY_INFER_FLEX_INT_H

#include "base/bytes.h"

bool flex_number(struct bytes map, const char *key, double *ret);

#endif
