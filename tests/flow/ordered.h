/* Servers with faults made to order (tests/fault/control.h). */
#ifndef ASSAY_TEST_ORDERED_H
#define ASSAY_TEST_ORDERED_H

#include "fault/control.h"
#include "harness.h"

/* The memory shared with the servers started from now on; base: a folder for its file. All is well at first.
 */
struct fault_control *ordered_new(struct arena *a, const char *base);
/* Between the two, programs are started with the faults loaded. */
void ordered_begin(void);
void ordered_end(void);
void ordered_free(struct fault_control *c);

#endif
