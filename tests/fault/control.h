/* Faults made to order in a running server. tests/fault/preload.c is loaded into it (LD_PRELOAD) and stands
 * between it and the C library; the test writes here what shall go wrong. The memory is a file that both have
 * mapped, so a test can change its mind while the server runs.
 *
 * Two kinds of fault: the n-th call of one kind fails with an errno of choice; or the disk is full: what
 * would need new room on it fails with ENOSPC. Nothing of the rest of the machine notices. */
#ifndef ASSAY_TEST_FAULT_CONTROL_H
#define ASSAY_TEST_FAULT_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FAULT_CALLS(X)                                                                                    \
    X(MALLOC), X(CALLOC), X(REALLOC), X(READ), X(PREAD), X(WRITE), X(PWRITE), X(FSYNC), X(FDATASYNC),     \
        X(OPEN), X(OPENAT), X(LINKAT), X(UNLINKAT), X(MKDIRAT), X(FTRUNCATE), X(MMAP), X(MEMFD), X(FORK), \
        X(SOCKETPAIR), X(ACCEPT), X(SENDMSG), X(RECVMSG), X(EPOLL_CTL), X(THREAD), X(SQLITE)
#define FAULT_NAME(name) FAULT_##name
enum fault_call { FAULT_NONE, FAULT_CALLS(FAULT_NAME), FAULT_CALL_COUNT };

enum fault_role { FAULT_FRONT = 1, FAULT_KEEPER = 2, FAULT_ANALYST = 4, FAULT_OTHER = 8 };

struct fault_control {
    _Atomic int64_t room; /* bytes that still fit on the disk; -1: it is as large as it is */
    uint64_t dev;         /* that disk: st_dev of the data directory */
    _Atomic int call;     /* which kind fails; FAULT_NONE */
    _Atomic int roles;    /* in which processes */
    _Atomic int64_t left; /* calls of that kind until the one which fails; counted down by the processes */
    _Atomic int error;    /* errno of it */
    _Atomic int fired;    /* how often it was made to fail */
};

/* In a test program of which preload.c is a part: whose orders are taken from now on; and whether this call,
 * which the program stands for itself, is the one to fail. */
void fault_use(struct fault_control *c);
bool fault_hit(enum fault_call call);

/* Environment of the server: path of the file with a struct fault_control. */
#define FAULT_CONTROL "ASSAY_FAULT_CONTROL"

#endif
