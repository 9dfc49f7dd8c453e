/* What this processor can do that some programs and models want to know of, by the names that Linux gives in
 * /proc/cpuinfo. */
#ifndef ASSAY_BASE_CPU_H
#define ASSAY_BASE_CPU_H

#include <stddef.h>

/* A name and its bit; 0 for a name that nobody here knows. */
unsigned cpu_feature(const char *name);
/* The bits of all that is there. */
unsigned cpu_features(void);
/* The known ones, for messages; NULL after the last. */
const char *cpu_feature_name(size_t i);

#endif
