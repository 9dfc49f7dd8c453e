/* Time. Wall time is for people and records, monotonic time for deadlines and durations; both in
 * microseconds. */
#ifndef ASSAY_BASE_CLOCK_H
#define ASSAY_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_us(void); /* since 1970-01-01 UTC */
int64_t clock_mono_us(void);
int64_t clock_cpu_us(void); /* CPU time of this process */

enum { CLOCK_TEXT = 32 };
/* RFC 3339 in UTC with 3 fractional digits: "2024-06-07T11:32:43.811Z". Returns dst (CLOCK_TEXT bytes). */
char *clock_rfc3339(char *dst, int64_t wall_us);
/* Any offset, 0 to 9 fractional digits. false on anything else. */
bool clock_parse_rfc3339(const char *s, int64_t *ret_wall_us);

#endif
