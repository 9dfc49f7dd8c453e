#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "infer/file_int.h"

int file_read(const char *path, struct buf *ret, struct err *err)
{
    enum { CHUNK = 1 << 16 };
    CLEANUP(freep) char *chunk = mem_alloc(CHUNK);
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0 && errno == ENOENT)
        return FAIL(err, ERR_NOT_FOUND, "there is no file %s", path);
    if (fd < 0)
        return FAIL_ERRNO(err, "%s cannot be opened", path);
    while ((n = read(fd, chunk, CHUNK)) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0)
            buf_add(ret, chunk, (size_t)n);
        if (ret->overflow)
            return FAIL(err, ERR_LIMIT, "%s is larger than %zu bytes", path, ret->max);
    }
    return n < 0 ? FAIL_ERRNO(err, "%s cannot be read", path) : 0;
}
