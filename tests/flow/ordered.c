#include "ordered.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

struct fault_control *ordered_new(struct arena *a, const char *base)
{
    char *path = arena_printf(a, "%s/faults", base);
    CLEANUP(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct fault_control *c;
    struct stat st;

    if (fd < 0 || ftruncate(fd, sizeof *c) < 0 || fstat(fd, &st) < 0)
        abort();
    c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (c == MAP_FAILED)
        abort();
    c->dev = st.st_dev;
    atomic_store(&c->room, -1);
    setenv(FAULT_CONTROL, path, 1);
    return c;
}

void ordered_begin(void)
{
    const char *path = getenv("ASSAY_FAULTS");

    setenv("LD_PRELOAD", path ? path : "build/tests/fault/assay-faults.so", 1);
}

void ordered_end(void)
{
    unsetenv("LD_PRELOAD");
}

void ordered_free(struct fault_control *c)
{
    munmap(c, sizeof *c);
    unsetenv(FAULT_CONTROL);
}
