#include "media/fdio_int.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/clock.h"

enum { READ_BUFFER = 32 * 1024, WRITE_BUFFER = 64 * 1024 };

/* libavformat made the buffer of a write callback const in version 61. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t written_byte;
#else
typedef uint8_t written_byte;
#endif

bool fdio_is_late(struct fdio *io)
{
    if (!io->expired && io->deadline_mono_us && clock_mono_us() >= io->deadline_mono_us)
        io->expired = true;
    if (!io->exhausted && io->cpu_until_us && clock_cpu_us() >= io->cpu_until_us)
        io->exhausted = true;
    return io->expired || io->exhausted;
}

void libav_setup(void)
{
    av_log_set_level(AV_LOG_QUIET);
    av_max_alloc(LIBAV_MAX_ALLOC);
}

void *libav_must(void *p)
{
    if (!p) {
        fputs("assay: out of memory in libav\n", stderr);
        abort();
    }
    return p;
}

static int fail(struct fdio *io)
{
    if (!io->error)
        io->error = errno;
    return AVERROR(errno);
}

static int read_some(void *opaque, uint8_t *dst, int size)
{
    struct fdio *io = opaque;
    ssize_t n;

    if (fdio_is_late(io))
        return AVERROR_EXIT;
    do
        n = pread(io->fd, dst, (size_t)size, io->pos);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail(io);
    io->pos += n;
    return n ? (int)n : AVERROR_EOF;
}

static int write_all(void *opaque, written_byte *src, int size)
{
    struct fdio *io = opaque;

    for (int done = 0; done < size;) {
        ssize_t n = pwrite(io->fd, src + done, (size_t)(size - done), io->pos);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(io);
        done += (int)n;
        io->pos += n;
    }
    return size;
}

static int64_t seek_to(void *opaque, int64_t offset, int whence)
{
    struct fdio *io = opaque;
    int64_t from = 0;
    off_t size;

    whence &= ~AVSEEK_FORCE;
    if (whence == SEEK_CUR)
        from = io->pos;
    if (whence == AVSEEK_SIZE || whence == SEEK_END) {
        size =
            lseek(io->fd, 0, SEEK_END); /* not fstat: that is a call with a path, which the sandbox refuses */
        if (size < 0)
            return fail(io);
        if (whence == AVSEEK_SIZE)
            return size;
        from = size;
    }
    if (ckd_add(&offset, offset, from) || offset < 0)
        return AVERROR(EINVAL);
    io->pos = offset;
    return offset;
}

static void open_with(struct fdio *io, int buffer, bool writes)
{
    uint8_t *bytes = libav_must(av_malloc((size_t)buffer));

    io->av = libav_must(avio_alloc_context(bytes, buffer, writes, io, writes ? NULL : read_some,
                                           writes ? write_all : NULL, seek_to));
}

void fdio_open_read(struct fdio *io, int fd, int64_t deadline_mono_us)
{
    *io = (struct fdio){.fd = fd, .deadline_mono_us = deadline_mono_us};
    open_with(io, READ_BUFFER, false);
}

void fdio_open_write(struct fdio *io, int fd)
{
    *io = (struct fdio){.fd = fd};
    open_with(io, WRITE_BUFFER, true);
}

void fdio_close(struct fdio *io)
{
    if (!io->av)
        return;
    av_freep(&io->av->buffer); /* libav may have replaced the one it was given */
    avio_context_free(&io->av);
}
