/* Cleanup beside the acquisition: CLEANUP(fn) runs fn(&variable) at the end of the scope, TAKE(p) hands the
 * pointer out and leaves NULL behind, so the guard does nothing. */
#ifndef ASSAY_BASE_CLEANUP_H
#define ASSAY_BASE_CLEANUP_H

#include <stddef.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define TAKE(p)                   \
    __extension__({               \
        __auto_type taken_ = (p); \
        (p) = NULL;               \
        taken_;                   \
    })
#define TAKE_FD(fd)        \
    __extension__({        \
        int taken_ = (fd); \
        (fd) = -1;         \
        taken_;            \
    })

/* Frees *(void **)p. For CLEANUP on anything that came from malloc. */
void freep(void *p);
/* Closes *fd when it is >= 0 and sets it to -1. Keeps errno. */
void fd_closep(int *fd);

#endif
