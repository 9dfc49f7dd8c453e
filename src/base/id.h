/* Identifiers of jobs: 24 lower-case hex digits in the ObjectId layout, so that they sort by time:
 * 4 bytes seconds since 1970, 5 random bytes per process, 3 bytes counter. Thread safe. */
#ifndef ASSAY_BASE_ID_H
#define ASSAY_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

enum { ID_DIGITS = 24, ID_TEXT = 25 };

void id_new(char ret_id[ID_TEXT], int64_t wall_us);
bool id_is_valid(const char *s);

#endif
