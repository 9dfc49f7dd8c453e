/* libav I/O over a descriptor we were given: pread/pwrite at an own position, so the descriptor's offset is
 * neither used nor moved. The deadline is asked at every read, so a demuxer that searches a large file cannot
 * outlast it. */
#ifndef ASSAY_MEDIA_FDIO_INT_H
#define ASSAY_MEDIA_FDIO_INT_H

#include <libavformat/avio.h>
#include <stdbool.h>
#include <stdint.h>

struct fdio {
    int fd; /* borrowed */
    int64_t pos;
    int64_t deadline_mono_us; /* 0 = none */
    int64_t cpu_until_us;     /* of this process (clock_cpu_us); 0 = no limit */
    bool expired;             /* a read was refused because the deadline had passed */
    bool exhausted;           /* or because the processor time was spent */
    int error;                /* errno of the first failed system call, 0 = none */
    AVIOContext *av;
};

/* Fill io and make io->av, which points back to io: io must not move. */
void fdio_open_read(struct fdio *io, int fd, int64_t deadline_mono_us);
void fdio_open_write(struct fdio *io, int fd);
void fdio_close(struct fdio *io);

/* Whether the deadline has passed or the processor time is spent. */
bool fdio_is_late(struct fdio *io);

/* What every user of libav here calls first, any number of times: no log lines of its own on stderr, and no
 * single allocation above LIBAV_MAX_ALLOC, whatever a header claims. Both are settings of the process inside
 * libav. */
enum { LIBAV_MAX_ALLOC = 160 << 20 };
void libav_setup(void);

/* Passes on what a libav allocator of small things returned; NULL ends the process, as base/mem.h does. */
void *libav_must(void *p);

#endif
