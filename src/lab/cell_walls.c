/* The walls of a foreign program. Unlike an analyst it is a program of its own, with libraries, threads and
 * files to read, so what it may not do is listed here, not what it may. What stands and what does not:
 * docs/eim.md. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "lab/cell_int.h"

/* ---- namespaces ---- */

static bool write_file(const char *path, const char *text)
{
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Whoever is not root needs a user namespace first, in which he is still himself. */
static bool own_user_namespace(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    char map[64];

    if (unshare(CLONE_NEWUSER) < 0)
        return false;
    snprintf(map, sizeof map, "%u %u 1\n", (unsigned)uid, (unsigned)uid);
    if (!write_file("/proc/self/uid_map", map) || !write_file("/proc/self/setgroups", "deny"))
        return false;
    snprintf(map, sizeof map, "%u %u 1\n", (unsigned)gid, (unsigned)gid);
    return write_file("/proc/self/gid_map", map);
}

bool cell_alone(void)
{
    enum { OWN = CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS };

    return unshare(OWN) == 0 || (own_user_namespace() && unshare(OWN) == 0);
}

/* ---- limits and privileges ---- */

static int limit(int resource, int64_t value, const char *what, struct err *err)
{
    struct rlimit both = {(rlim_t)value, (rlim_t)value};

    if (setrlimit(resource, &both) < 0)
        return FAIL_ERRNO(err, "cannot limit %s of a program", what);
    return 0;
}

static int enter_limits(const struct cell_order *o, struct err *err)
{
    if (limit(RLIMIT_CORE, 0, "core dumps", err) < 0 ||
        limit(RLIMIT_FSIZE, o->file_bytes, "the file size", err) < 0 ||
        limit(RLIMIT_NOFILE, 256, "the open files", err) < 0 ||
        limit(RLIMIT_CPU, o->cpu_seconds, "the processor time", err) < 0 ||
        limit(RLIMIT_NPROC, o->processes, "the processes", err) < 0 ||
        limit(RLIMIT_MEMLOCK, 0, "locked memory", err) < 0 ||
        limit(RLIMIT_MSGQUEUE, 0, "message queues", err) < 0)
        return -1;
    return 0;
}

static int enter_user(const struct cell_order *o, struct err *err)
{
    if (!o->other_user)
        return 0;
    if (setgroups(0, NULL) < 0 || setresgid(o->gid, o->gid, o->gid) < 0 ||
        setresuid(o->uid, o->uid, o->uid) < 0)
        return FAIL_ERRNO(err, "cannot become user %u", (unsigned)o->uid);
    return 0;
}

static int drop_privileges(struct err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return FAIL_ERRNO(err, "cannot set no_new_privs");
    if (syscall(SYS_capset, &head, none) < 0)
        return FAIL_ERRNO(err, "cannot drop the capabilities of a program");
    return 0;
}

/* ---- files ---- */

#define READS LANDLOCK_ACCESS_FS_READ_FILE
#define LISTS (READS | LANDLOCK_ACCESS_FS_READ_DIR)
#define RUNS  (LISTS | LANDLOCK_ACCESS_FS_EXECUTE)
/* To truncate is 1 << 14; Debian 12's header does not know it. */
#define WRITES (READS | LANDLOCK_ACCESS_FS_WRITE_FILE | 1 << 14)
#define OWNS                                                                                    \
    (LISTS | WRITES | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |          \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM)

static int enter_landlock(const char *dir, const char *folder, struct err *err)
{
    const struct landlock_path paths[] = {
        {dir, RUNS},
        {folder, OWNS},
        /* interpreters and libraries */
        {"/usr", RUNS},
        {"/lib", RUNS},
        {"/lib32", RUNS},
        {"/lib64", RUNS},
        {"/bin", RUNS},
        {"/sbin", RUNS},
        {"/etc/ld.so.cache", READS},
        {"/etc/alternatives", LISTS},
        /* what libc asks for */
        {"/etc/localtime", READS},
        {"/etc/passwd", READS},
        {"/etc/group", READS},
        {"/etc/nsswitch.conf", READS},
        {"/dev/null", WRITES},
        {"/dev/zero", READS},
        {"/dev/random", READS},
        {"/dev/urandom", READS},
        /* how many processors there are */
        {"/proc/cpuinfo", READS},
        {"/proc/meminfo", READS},
        {"/proc/self", LISTS},
        {"/sys/devices/system/cpu", LISTS},
    };

    return landlock_enter(paths, COUNT_OF(paths), err);
}

/* ---- seccomp ---- */

/* No model needs these; they reach other processes, the kernel's inside, or the way out. */
static const int refused[] = {
    SCMP_SYS(connect),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(fsconfig),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(syslog),
    SCMP_SYS(vhangup),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(personality),
    SCMP_SYS(shmget),
    SCMP_SYS(msgget),
    SCMP_SYS(semget),
    SCMP_SYS(mq_open),
    /* it stays in its process group, by which it is ended */
    SCMP_SYS(setsid),
    SCMP_SYS(setpgid),
};

/* Sockets are streams of the local sort, to listen on; the same of pairs. */
static int refuse_sockets(scmp_filter_ctx ctx)
{
    enum { TYPE = 0xf };
    static const uint64_t types[] = {SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET};
    const uint32_t no = SCMP_ACT_ERRNO(EPERM);
    int r = seccomp_rule_add(ctx, no, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX));

    for (size_t i = 0; i < COUNT_OF(types) && r == 0; i++) {
        r = seccomp_rule_add(ctx, no, SCMP_SYS(socket), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, TYPE, types[i]));
        if (r == 0)
            r = seccomp_rule_add(ctx, no, SCMP_SYS(socketpair), 1,
                                 SCMP_A1(SCMP_CMP_MASKED_EQ, TYPE, types[i]));
    }
    return r;
}

/* clone3 hides its flags from a filter; libc goes back to clone when there is none. */
static int refuse_namespaces(scmp_filter_ctx ctx)
{
    static const uint64_t flags[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWNET,   CLONE_NEWPID,
                                     CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
    int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; i < COUNT_OF(flags) && r == 0; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
    return r;
}

/* Where neither a namespace nor landlock keeps its signals in, it may send them to itself only. */
static int refuse_signals(scmp_filter_ctx ctx)
{
    static const int calls[] = {SCMP_SYS(kill), SCMP_SYS(tgkill)};
    static const int others[] = {SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo)};
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(calls) && r == 0; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), calls[i], 1,
                             SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
    for (size_t i = 0; i < COUNT_OF(others) && r == 0; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), others[i], 0);
    return r;
}

static int fill(scmp_filter_ctx ctx, bool signals)
{
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(refused) && r == 0; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    if (r == 0)
        r = refuse_sockets(ctx);
    if (r == 0)
        r = refuse_namespaces(ctx);
    if (r == 0 && signals)
        r = refuse_signals(ctx);
    return r;
}

static int enter_seccomp(bool alone, struct err *err)
{
    enum { SCOPES_SIGNALS = 6 }; /* landlock's ABI */
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int r;

    if (!ctx)
        return FAIL(err, ERR_IO, "cannot create a seccomp filter");
    r = fill(ctx, !alone && landlock_abi() < SCOPES_SIGNALS);
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    errno = -r;
    return r < 0 ? FAIL_ERRNO(err, "cannot enter seccomp; the kernel must have CONFIG_SECCOMP_FILTER") : 0;
}

int cell_walls(const struct cell_order *o, const char *folder, bool alone, struct err *err)
{
    if (enter_limits(o, err) < 0 || enter_user(o, err) < 0)
        return -1;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* now: another user forgets it */
    if (drop_privileges(err) < 0 || enter_landlock(o->dir, folder, err) < 0 || enter_seccomp(alone, err) < 0)
        return -1;
    return limit(RLIMIT_AS, o->memory_bytes, "the memory", err); /* last: of the program, not of this code */
}
