/* What a data directory takes of its disk, looked at from outside: nothing has to be open. */
#ifndef ASSAY_STORE_DISK_H
#define ASSAY_STORE_DISK_H

#include <stdint.h>

#include "base/err.h"

struct disk_usage {
    int64_t blobs, blob_bytes; /* files, and what they take on the disk */
    int64_t database_bytes;
    int64_t size, free; /* of the file system */
    int64_t at_us;      /* monotonic: when it was looked at; 0 = never */
    int64_t took_us;
};
/* Looks again when `u` is older than ten seconds, or than a hundred times what a look takes. A million files
 * take about a second. ERR_IO. */
int disk_usage_refresh(struct disk_usage *u, const char *dir, struct err *err);

#endif
