#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "cmd/check_int.h"
#include "cmd/impulse_int.h"

enum { CHUNK = 256 << 10 };

int impulse_file(int *ret_fd, struct err *err)
{
    *ret_fd = memfd_create("impulse", MFD_CLOEXEC);
    return *ret_fd < 0 ? FAIL_ERRNO(err, "cannot make a file in memory") : 0;
}

int64_t impulse_file_size(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_size : 0;
}

static int write_all(int fd, const uint8_t *data, size_t n, struct err *err)
{
    while (n) {
        ssize_t done = write(fd, data, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return FAIL_ERRNO(err, "cannot write a file in memory");
        data += done;
        n -= (size_t)done;
    }
    return 0;
}

int impulse_append(int to, int from, struct err *err)
{
    CLEANUP(freep) uint8_t *chunk = mem_alloc(CHUNK);
    int64_t at = 0;
    ssize_t n;

    while ((n = pread(from, chunk, CHUNK, at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(err, "cannot read a file");
        if (write_all(to, chunk, (size_t)n, err) < 0)
            return -1;
        at += n;
    }
    return 0;
}

int impulse_ask(struct impulse_call *c, struct arena *a, const struct impulse_errand *e, struct report **ret,
                const char **ret_json, struct err *err)
{
    struct lab_task task = {.spec = e->spec, .subject_fd = e->subject_fd, .artefact_fd = e->artefact_fd};
    struct checked got;

    task.spec.subject.name = e->name;
    task.spec.subject.size = impulse_file_size(e->subject_fd);
    if (check_run(a, c->lab, &task, "", &got, err) < 0)
        return -1;
    if (got.report->error.kind != ERR_NONE) {
        *err = got.report->error;
        return -1;
    }
    if (!got.report->sensing)
        return FAIL(err, ERR_INTERNAL, "the analyst has found nothing to say");
    *ret = got.report;
    if (ret_json)
        *ret_json = got.json;
    return 0;
}
