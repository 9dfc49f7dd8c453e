#include "store/folder_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The folder around one that was there before may be closed to us, and needs nothing. */
static int sync_parent(int fd, bool is_new)
{
    CLEANUP(fd_closep) int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (parent < 0 && errno == EACCES && !is_new)
        return 0;
    return parent < 0 ? -1 : fsync(parent);
}

int folder_open(const char *dir, int *ret_fd, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;
    bool is_new = mkdir(dir, 0700) == 0;

    if (!is_new && errno != EEXIST)
        return FAIL_ERRNO(err, "cannot create the data directory %s", dir);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(err, "cannot open the data directory %s", dir);
    if (sync_parent(fd, is_new) < 0)
        return FAIL_ERRNO(err, "cannot sync the folder around the data directory %s", dir);
    *ret_fd = TAKE_FD(fd);
    return 0;
}
