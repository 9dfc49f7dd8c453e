/* The C++ export of a project of Edge Impulse: what its model_variables.h (with model_metadata.h before it in
 * the same text, when somebody put the two together) says of the impulse. Read by our own reader of
 * initialisers; nothing is compiled. Pure; the bytes are foreign.
 *
 * Taken over: window and frequency, axes, labels, DSP blocks with their settings, learn blocks with what they
 * learn from and their thresholds, clusters. Not in these files, and noted: how far windows move (a quarter
 * is taken, as in continuous mode), the models. */
#ifndef ASSAY_INFER_EXPORT_H
#define ASSAY_INFER_EXPORT_H

#include "base/bytes.h"
#include "report/sensor.h"

bool export_is(struct bytes text);
/* A model that was compiled to C++: there are no weights in it that we could read. */
bool export_is_compiled(struct bytes text);
/* ERR_INPUT, ERR_LIMIT, ERR_UNSUPPORTED. */
int export_read(struct arena *a, struct bytes text, struct imported *ret, struct err *err);

/* The TFLite model which is there as an array of bytes in C: { 0x1c, 0x00, ... }. False: there is none. */
bool export_tflite(struct arena *a, struct bytes text, struct bytes *ret);

#endif
