#include "analysis/artefact.h"

#include <errno.h>
#include <unistd.h>

int artefact_write(int fd, struct bytes file, const char *what, struct err *err)
{
    for (size_t done = 0; done < file.len;) {
        ssize_t n = pwrite(fd, file.data + done, file.len - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(err, "cannot write %s", what);
        done += (size_t)n;
    }
    return 0;
}
