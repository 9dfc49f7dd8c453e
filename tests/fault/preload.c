/* Loaded into the server under test, or (with FAULT_IN_PROGRAM) a part of a test program: see control.h.
 * Every wrapper asks first whether it shall fail, then does what the C library would have done. Functions
 * have names of their own and take those of the C library as symbols only, so that no inline version of a
 * header gets in the way. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dlfcn.h>
#include <pthread.h>

#include "fault/control.h"

/* The wrapper of a symbol: exported, declared, and begun. */
#define WRAP(type, name, symbol, ...)                                                      \
    __attribute__((visibility("default"))) type fault_##name(__VA_ARGS__) __asm__(symbol); \
    type fault_##name(__VA_ARGS__)

static struct fault_control *control;
static int role = FAULT_OTHER;

#ifdef FAULT_IN_PROGRAM
void fault_use(struct fault_control *c)
{
    control = c;
    role = FAULT_FRONT;
}
#else
/* By the file it runs: argv[0] of the keeper is "assay". */
static int role_of_program(void)
{
    char path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    const char *name;

    if (n <= 0)
        return FAULT_OTHER;
    path[n] = '\0';
    name = strrchr(path, '/');
    return !name                                ? FAULT_OTHER
           : strcmp(name, "/assay") == 0        ? FAULT_FRONT
           : strcmp(name, "/assay-keeper") == 0 ? FAULT_KEEPER
                                                : FAULT_OTHER;
}

static void child_is_analyst(void)
{
    if (role == FAULT_KEEPER)
        role = FAULT_ANALYST;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv(FAULT_CONTROL);
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
    void *p = MAP_FAILED;

    if (fd < 0)
        return;
    p = (void *)syscall(SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return;
    role = role_of_program();
    pthread_atfork(NULL, NULL, child_is_analyst);
    control = p;
}
#endif

/* Whether this call is the one. */
bool fault_hit(enum fault_call call)
{
    if (!control || atomic_load_explicit(&control->call, memory_order_relaxed) != (int)call ||
        !(atomic_load(&control->roles) & role))
        return false;
    if (atomic_fetch_sub(&control->left, 1) != 1)
        return false;
    atomic_fetch_add(&control->fired, 1);
    errno = atomic_load(&control->error);
    return true;
}

/* ---- the disk ---- */

static bool is_small(void)
{
    return control && role == FAULT_FRONT && atomic_load(&control->room) >= 0;
}

/* Takes room for n bytes of that file; false and ENOSPC when it is not there. */
static bool take_room(int fd, size_t n)
{
    struct stat st;

    if (!is_small() || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_dev != control->dev)
        return true;
    if (atomic_fetch_sub(&control->room, (int64_t)n) >= (int64_t)n)
        return true;
    atomic_store(&control->room, 0);
    errno = ENOSPC;
    return false;
}

/* A new name needs room when the disk is full to the last byte. */
static bool has_room_for_name(void)
{
    if (!is_small() || atomic_load(&control->room) > 0)
        return true;
    errno = ENOSPC;
    return false;
}

static int open_at(enum fault_call call, int at, const char *path, int flags, mode_t mode)
{
    bool makes = (flags & O_TMPFILE) == O_TMPFILE || (flags & O_CREAT);

    if (fault_hit(call))
        return -1;
    if (makes && is_small() && (flags & O_TMPFILE) != O_TMPFILE && faccessat(at, path, F_OK, 0) == 0)
        makes = false;
    if (makes && !has_room_for_name())
        return -1;
    return (int)syscall(SYS_openat, at, path, flags, mode);
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, mode_t) : 0;
}

#define WRAP_OPEN(name, symbol)                                  \
    WRAP(int, name, symbol, const char *path, int flags, ...)    \
    {                                                            \
        va_list args;                                            \
        mode_t mode;                                             \
        va_start(args, flags);                                   \
        mode = mode_of(flags, args);                             \
        va_end(args);                                            \
        return open_at(FAULT_OPEN, AT_FDCWD, path, flags, mode); \
    }
#define WRAP_OPENAT(name, symbol)                                     \
    WRAP(int, name, symbol, int at, const char *path, int flags, ...) \
    {                                                                 \
        va_list args;                                                 \
        mode_t mode;                                                  \
        va_start(args, flags);                                        \
        mode = mode_of(flags, args);                                  \
        va_end(args);                                                 \
        return open_at(FAULT_OPENAT, at, path, flags, mode);          \
    }
WRAP_OPEN(open, "open")
WRAP_OPEN(open64, "open64")
WRAP_OPENAT(openat, "openat")
WRAP_OPENAT(openat64, "openat64")

WRAP(ssize_t, write, "write", int fd, const void *data, size_t n)
{
    if (fault_hit(FAULT_WRITE) || !take_room(fd, n))
        return -1;
    return syscall(SYS_write, fd, data, n);
}

static ssize_t pwrite_at(int fd, const void *data, size_t n, off_t at)
{
    if (fault_hit(FAULT_PWRITE) || !take_room(fd, n))
        return -1;
    return syscall(SYS_pwrite64, fd, data, n, at);
}

WRAP(ssize_t, pwrite64, "pwrite64", int fd, const void *data, size_t n, off_t at)
{
    return pwrite_at(fd, data, n, at);
}

WRAP(ssize_t, pwrite, "pwrite", int fd, const void *data, size_t n, off_t at)
{
    return pwrite_at(fd, data, n, at);
}

WRAP(int, linkat, "linkat", int from_at, const char *from, int to_at, const char *to, int flags)
{
    if (fault_hit(FAULT_LINKAT) || !has_room_for_name())
        return -1;
    return (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
}

WRAP(int, unlinkat, "unlinkat", int at, const char *path, int flags)
{
    return fault_hit(FAULT_UNLINKAT) ? -1 : (int)syscall(SYS_unlinkat, at, path, flags);
}

WRAP(int, mkdirat, "mkdirat", int at, const char *path, mode_t mode)
{
    return fault_hit(FAULT_MKDIRAT) ? -1 : (int)syscall(SYS_mkdirat, at, path, mode);
}

WRAP(int, ftruncate64, "ftruncate64", int fd, off_t len)
{
    return fault_hit(FAULT_FTRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

WRAP(int, fsync, "fsync", int fd)
{
    return fault_hit(FAULT_FSYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

WRAP(int, fdatasync, "fdatasync", int fd)
{
    return fault_hit(FAULT_FDATASYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

/* ---- reading ---- */

static ssize_t read_from(int fd, void *data, size_t n)
{
    return fault_hit(FAULT_READ) ? -1 : syscall(SYS_read, fd, data, n);
}

static ssize_t pread_from(int fd, void *data, size_t n, off_t at)
{
    return fault_hit(FAULT_PREAD) ? -1 : syscall(SYS_pread64, fd, data, n, at);
}

WRAP(ssize_t, read, "read", int fd, void *data, size_t n)
{
    return read_from(fd, data, n);
}

WRAP(ssize_t, read_chk, "__read_chk", int fd, void *data, size_t n, size_t size)
{
    if (n > size)
        abort();
    return read_from(fd, data, n);
}

WRAP(ssize_t, pread64, "pread64", int fd, void *data, size_t n, off_t at)
{
    return pread_from(fd, data, n, at);
}

WRAP(ssize_t, pread64_chk, "__pread64_chk", int fd, void *data, size_t n, off_t at, size_t size)
{
    if (n > size)
        abort();
    return pread_from(fd, data, n, at);
}

/* ---- memory, processes, sockets ---- */

#ifndef FAULT_IN_PROGRAM
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *p, size_t size);

WRAP(void *, malloc, "malloc", size_t size)
{
    return fault_hit(FAULT_MALLOC) ? NULL : __libc_malloc(size);
}

WRAP(void *, calloc, "calloc", size_t count, size_t size)
{
    return fault_hit(FAULT_CALLOC) ? NULL : __libc_calloc(count, size);
}

WRAP(void *, realloc, "realloc", void *p, size_t size)
{
    return fault_hit(FAULT_REALLOC) ? NULL : __libc_realloc(p, size);
}

#endif

static void *map(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    return fault_hit(FAULT_MMAP) ? MAP_FAILED : (void *)syscall(SYS_mmap, at, n, prot, flags, fd, from);
}

WRAP(void *, mmap, "mmap", void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    return map(at, n, prot, flags, fd, from);
}

WRAP(void *, mmap64, "mmap64", void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    return map(at, n, prot, flags, fd, from);
}

WRAP(int, memfd_create, "memfd_create", const char *name, unsigned flags)
{
    return fault_hit(FAULT_MEMFD) ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}

/* The C library does more at a fork than the system call: ask it. */
WRAP(pid_t, fork, "fork", void)
{
    union {
        void *symbol;
        pid_t (*call)(void);
    } real = {.symbol = dlsym(RTLD_NEXT, "fork")};

    return fault_hit(FAULT_FORK) ? -1 : real.call();
}

WRAP(int, socketpair, "socketpair", int domain, int type, int protocol, int fds[2])
{
    return fault_hit(FAULT_SOCKETPAIR) ? -1 : (int)syscall(SYS_socketpair, domain, type, protocol, fds);
}

WRAP(int, accept4, "accept4", int fd, struct sockaddr *from, socklen_t *len, int flags)
{
    return fault_hit(FAULT_ACCEPT) ? -1 : (int)syscall(SYS_accept4, fd, from, len, flags);
}

WRAP(ssize_t, sendmsg, "sendmsg", int fd, const struct msghdr *m, int flags)
{
    return fault_hit(FAULT_SENDMSG) ? -1 : syscall(SYS_sendmsg, fd, m, flags);
}

WRAP(ssize_t, recvmsg, "recvmsg", int fd, struct msghdr *m, int flags)
{
    return fault_hit(FAULT_RECVMSG) ? -1 : syscall(SYS_recvmsg, fd, m, flags);
}

WRAP(int, epoll_ctl, "epoll_ctl", int epoll, int what, int fd, struct epoll_event *event)
{
    /* To watch one more takes memory; to watch one less cannot fail. */
    return what == EPOLL_CTL_ADD && fault_hit(FAULT_EPOLL_CTL)
               ? -1
               : (int)syscall(SYS_epoll_ctl, epoll, what, fd, event);
}

WRAP(int, pthread_create, "pthread_create", pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *),
     void *arg)
{
    union {
        void *symbol;
        int (*call)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    } real = {.symbol = dlsym(RTLD_NEXT, "pthread_create")};

    return fault_hit(FAULT_THREAD) ? EAGAIN : real.call(ret, attr, run, arg);
}
