/* The data directory itself. */
#ifndef ASSAY_STORE_FOLDER_INT_H
#define ASSAY_STORE_FOLDER_INT_H

#include "base/err.h"

/* Creates it when missing, and returns with its name on the disk: whatever is synced in there later would be
 * lost together with an unsynced name. ret_fd: an open descriptor, the caller's. */
int folder_open(const char *dir, int *ret_fd, struct err *err);

#endif
