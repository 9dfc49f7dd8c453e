/* A disk whose power may fail at any event of a tape. What was synced is there for certain. Of what was not,
 * any part may have arrived: each sector of each write, each change of a length and each name by itself, in
 * no order, as POSIX allows; a folder's sync is about its names, a file's about its content.
 *
 * Time goes forward only. */
#ifndef ASSAY_TEST_DISK_H
#define ASSAY_TEST_DISK_H

#include "power/tape.h"

struct disk;

/* lying_about: syncs of this kind are confirmed and forgotten; KIND_COUNT: none. */
struct disk *disk_new(const struct tape *tape, enum tape_kind lying_about);
void disk_free(struct disk *d);
/* The events before that one happen. */
void disk_run(struct disk *d, size_t until);
/* What somebody finds in `folder` (which exists and is empty) if the power fails now; another disk goes on
 * being used afterwards as if nothing had been. */
void disk_fail(struct disk *d, const char *folder, uint64_t *random);

uint64_t power_random(uint64_t *state); /* splitmix64 */

#endif
