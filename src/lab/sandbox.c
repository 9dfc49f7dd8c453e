/* The walls. What is allowed and why: docs/sandbox.md. */
#include "lab/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "lab/cell_int.h"
#include "lab/lab_int.h"

/* ---- limits ---- */

static int64_t address_space_now(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long long pages = -1;

    if (f && fscanf(f, "%lld", &pages) != 1)
        pages = -1;
    if (f)
        fclose(f);
    return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
}

static int limit(int resource, rlim_t value, const char *what, struct err *err)
{
    struct rlimit both = {value, value};

    if (setrlimit(resource, &both) < 0)
        return FAIL_ERRNO(err, "cannot limit %s of an analyst", what);
    return 0;
}

/* A sanitizer reserves terabytes of address space, so its builds go without the memory limit. */
static int limit_memory(int64_t headroom, struct err *err)
{
    int64_t now = address_space_now(), most;

    if (WITH_SANITIZER)
        return 0;
    if (now < 0 || ckd_add(&most, now, headroom))
        return FAIL(err, ERR_IO,
                    "cannot read the size of an analyst from /proc/self/statm; is /proc mounted?");
    return limit(RLIMIT_AS, (rlim_t)most, "the memory", err);
}

static int enter_limits(const struct sandbox_opts *opts, struct err *err)
{
    if (limit_memory(opts->memory_bytes, err) < 0 ||
        limit(RLIMIT_FSIZE, (rlim_t)opts->file_bytes, "the file size", err) < 0 ||
        limit(RLIMIT_NOFILE, 16, "the open files", err) < 0 || limit(RLIMIT_CORE, 0, "core dumps", err) < 0 ||
        limit(RLIMIT_NPROC, 0, "the processes", err) < 0 ||
        limit(RLIMIT_MEMLOCK, 0, "locked memory", err) < 0 ||
        limit(RLIMIT_MSGQUEUE, 0, "message queues", err) < 0)
        return -1;
    return 0;
}

/* ---- privileges ---- */

static int drop_capabilities(struct err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capset, &head, none) < 0)
        return FAIL_ERRNO(err, "cannot drop the capabilities of an analyst");
    return 0;
}

static int enter_privileges(struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return FAIL_ERRNO(err, "cannot set no_new_privs");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return FAIL_ERRNO(err, "cannot make an analyst undumpable");
    return drop_capabilities(err);
}

/* ---- landlock ---- */

/* linux/landlock.h, "struct landlock_ruleset_attr", as of ABI 6. Declared here because Debian 12's header
 * stops at ABI 2; a kernel ignores trailing members that it does not know as long as they are zero. */
struct landlock_rules {
    uint64_t handled_fs;  /* ABI 1 */
    uint64_t handled_net; /* ABI 4 */
    uint64_t scoped;      /* ABI 6 */
};

/* What each ABI added: all rights are handled, none is granted. */
static const struct {
    int abi;
    struct landlock_rules adds;
} landlock_steps[] = {
    {1, {.handled_fs = (1 << 13) - 1}},    /* execute .. make_sym */
    {2, {.handled_fs = 1 << 13}},          /* refer */
    {3, {.handled_fs = 1 << 14}},          /* truncate */
    {4, {.handled_net = 1 << 0 | 1 << 1}}, /* bind and connect TCP */
    {5, {.handled_fs = 1 << 15}},          /* ioctl on devices */
    {6, {.scoped = 1 << 0 | 1 << 1}},      /* abstract unix sockets, signals */
};

int landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi > 0 ? (int)abi : 0;
}

static struct landlock_rules landlock_all(int abi)
{
    struct landlock_rules all = {0};

    for (size_t i = 0; i < COUNT_OF(landlock_steps) && landlock_steps[i].abi <= abi; i++) {
        all.handled_fs |= landlock_steps[i].adds.handled_fs;
        all.handled_net |= landlock_steps[i].adds.handled_net;
        all.scoped |= landlock_steps[i].adds.scoped;
    }
    return all;
}

/* Rights that a file, which is no directory, can have. */
static const uint64_t landlock_of_files = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15;

static int landlock_allow(int rules, const struct landlock_path *p, uint64_t handled, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(p->path, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {.allowed_access = p->rights & handled, .parent_fd = fd};
    struct stat st;

    if (fd < 0)
        return errno == ENOENT || errno == EACCES ? 0 : FAIL_ERRNO(err, "cannot open %s", p->path);
    if (fstat(fd, &st) < 0)
        return FAIL_ERRNO(err, "cannot look at %s", p->path);
    if (!S_ISDIR(st.st_mode))
        rule.allowed_access &= landlock_of_files;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return FAIL_ERRNO(err, "cannot allow %s with landlock", p->path);
    return 0;
}

int landlock_enter(const struct landlock_path *paths, size_t n, struct err *err)
{
    int abi = landlock_abi();
    struct landlock_rules all = landlock_all(abi);
    CLEANUP(fd_closep) int rules = -1;

    if (abi == 0)
        return 0; /* an older kernel: seccomp alone refuses the same calls to an analyst */
    rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (rules < 0)
        return FAIL_ERRNO(err, "cannot create a landlock rule set (ABI %d)", abi);
    for (size_t i = 0; i < n; i++)
        if (landlock_allow(rules, &paths[i], all.handled_fs, err) < 0)
            return -1;
    if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
        return FAIL_ERRNO(err, "cannot enter landlock (ABI %d)", abi);
    return 0;
}

/* ---- seccomp ---- */

/* Allowed whatever the arguments are. None of these takes a path, and none makes a new descriptor except
 * recvmsg, which only gets what the front sends. */
static const int allowed[] = {
    /* the descriptors at hand */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(close),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    /* memory, as far as it is not executable (see below) */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    /* waiting, time, random numbers, who am I */
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getrusage),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    /* own signals (abort), the end */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

#if WITH_SANITIZER
/* What the run-time libraries of the sanitizers do behind our back; never in a release. */
static const int allowed_for_sanitizer[] = {SCMP_SYS(mincore), SCMP_SYS(getppid), SCMP_SYS(getuid)};
#endif

/* No decoder asks for these, so whoever does has been taken over and is ended on the spot. */
static const int deadly[] = {
    SCMP_SYS(execve),           SCMP_SYS(execveat),          SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(bpf),
    SCMP_SYS(init_module),      SCMP_SYS(finit_module),      SCMP_SYS(kexec_load),
};

/* Allowed for some arguments only. */
static const struct {
    int call;
    struct scmp_arg_cmp when;
} conditional[] = {
    /* Memory is never executable: code that was smuggled in cannot run. */
    {SCMP_SYS(mmap), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
    {SCMP_SYS(mprotect), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
};

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = seccomp_rule_add(ctx, action, calls[i], 0);
    return r;
}

static int add_conditional(scmp_filter_ctx ctx)
{
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(conditional) && r == 0; i++)
        r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, conditional[i].call, 1, &conditional[i].when);
    return r;
}

/* Those which name this process: its own CPU limit (raised for every task) and signals to itself (abort). */
static int add_own(scmp_filter_ctx ctx)
{
    scmp_datum_t self = (scmp_datum_t)getpid();
    const struct scmp_arg_cmp cpu[] = {{0, SCMP_CMP_EQ, 0, 0}, {1, SCMP_CMP_EQ, RLIMIT_CPU, 0}};
    const struct scmp_arg_cmp own[] = {{0, SCMP_CMP_EQ, self, 0}};
    int r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), COUNT_OF(cpu), cpu);

    return r ? r : seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), COUNT_OF(own), own);
}

static int fill(scmp_filter_ctx ctx)
{
    int r = add_all(ctx, SCMP_ACT_ALLOW, allowed, COUNT_OF(allowed));

#if WITH_SANITIZER
    if (r == 0)
        r = add_all(ctx, SCMP_ACT_ALLOW, allowed_for_sanitizer, COUNT_OF(allowed_for_sanitizer));
#endif
    if (r == 0)
        r = add_conditional(ctx);
    if (r == 0)
        r = add_own(ctx);
    if (r == 0)
        r = add_all(ctx, SCMP_ACT_KILL_PROCESS, deadly, COUNT_OF(deadly));
    return r;
}

static int enter_seccomp(struct err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int r;

    if (!ctx)
        return FAIL(err, ERR_IO, "cannot create a seccomp filter");
    r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    if (r == 0)
        r = fill(ctx);
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    errno = -r;
    return r < 0 ? FAIL_ERRNO(err, "cannot enter seccomp; the kernel must have CONFIG_SECCOMP_FILTER") : 0;
}

/* ---- all of them ---- */

struct sandbox_support sandbox_support(void)
{
    return (struct sandbox_support){
        .landlock_abi = landlock_abi(),
        .seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0,
    };
}

int sandbox_enter(const struct sandbox_opts *opts, struct err *err)
{
    if (enter_limits(opts, err) < 0 || enter_privileges(err) < 0 || landlock_enter(NULL, 0, err) < 0)
        return -1;
    return enter_seccomp(err);
}
