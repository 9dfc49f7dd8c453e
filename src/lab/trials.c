/* The forbidden actions. Each is harmless where it works: it asks for something that exists already, names
 * nothing, or passes an argument that the kernel refuses only after it has checked the permission. */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>
#include <netinet/in.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "lab/lab_int.h"

/* The wall says EPERM (seccomp), EACCES (landlock) or ENOMEM (memory limit). Any other error means that the
 * call got past it and failed for its own reasons. */
static bool got_through(long r)
{
    return r >= 0 || (errno != EPERM && errno != EACCES && errno != ENOMEM);
}

static bool opened(int fd)
{
    bool through = got_through(fd);

    fd_closep(&fd);
    return through;
}

#define SCRATCH "/tmp/assay-sandbox-trial"

/* ---- files ---- */

static bool read_passwd(void)
{
    return opened(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static bool read_own_program(void)
{
    return opened(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
}

static bool read_own_memory(void)
{
    return opened(open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
}

static bool write_oom_score(void)
{
    return opened(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
}

static bool list_root(void)
{
    return opened(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static bool open_path_only(void)
{
    return opened(open("/", O_PATH | O_CLOEXEC));
}

static bool open_device(void)
{
    return opened(open("/dev/null", O_RDWR | O_CLOEXEC));
}

static bool create_file(void)
{
    bool through = opened(open(SCRATCH, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

    unlink(SCRATCH);
    return through;
}

static bool create_unnamed_file(void)
{
    return opened(open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
}

static bool truncate_file(void)
{
    return got_through(truncate(SCRATCH "-none", 0));
}

static bool unlink_file(void)
{
    return got_through(unlink(SCRATCH "-none"));
}

static bool rename_file(void)
{
    return got_through(rename(SCRATCH "-none", SCRATCH "-none2"));
}

static bool make_directory(void)
{
    bool through = got_through(mkdir(SCRATCH "-dir", 0700));

    rmdir(SCRATCH "-dir");
    return through;
}

static bool remove_directory(void)
{
    return got_through(rmdir(SCRATCH "-none"));
}

static bool change_mode(void)
{
    return got_through(chmod(SCRATCH "-none", 0600));
}

static bool change_owner(void)
{
    return got_through(chown(SCRATCH "-none", (uid_t)-1, (gid_t)-1));
}

static bool make_symlink(void)
{
    bool through = got_through(symlink("nowhere", SCRATCH "-link"));

    unlink(SCRATCH "-link");
    return through;
}

static bool make_hard_link(void)
{
    return got_through(link(SCRATCH "-none", SCRATCH "-none2"));
}

static bool make_fifo(void)
{
    bool through = got_through(mknod(SCRATCH "-fifo", S_IFIFO | 0600, 0));

    unlink(SCRATCH "-fifo");
    return through;
}

static bool stat_path(void)
{
    struct stat st;

    return got_through(stat("/etc/passwd", &st));
}

static bool access_path(void)
{
    return got_through(access("/etc/passwd", R_OK));
}

static bool read_link(void)
{
    char target[64];

    return got_through(readlink("/proc/self/exe", target, sizeof target));
}

static bool change_directory(void)
{
    return got_through(chdir("/"));
}

static bool open_by_handle(void)
{
    struct {
        struct file_handle head;
        unsigned char id[8];
    } none = {.head = {.handle_bytes = 8, .handle_type = 1}};

    return opened(open_by_handle_at(AT_FDCWD, &none.head, O_RDONLY));
}

static bool watch_files(void)
{
    return opened((int)syscall(SYS_inotify_init1, O_CLOEXEC));
}

static bool copy_descriptor(void)
{
    return opened(dup(STDIN_FILENO));
}

static bool control_device(void)
{
    int n;

    return got_through(ioctl(STDIN_FILENO, FIONREAD, &n));
}

/* ---- network ---- */

static bool socket_inet(void)
{
    return opened(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static bool socket_inet6(void)
{
    return opened(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static bool socket_unix(void)
{
    return opened(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static bool socket_netlink(void)
{
    return opened(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static bool socket_packet(void)
{
    return opened(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static bool make_socket_pair(void)
{
    int pair[2] = {-1, -1};
    bool through = got_through(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));

    fd_closep(&pair[0]);
    fd_closep(&pair[1]);
    return through;
}

static bool connect_out(void)
{
    struct sockaddr_in none = {.sin_family = AF_INET, .sin_port = 9, .sin_addr = {0x0100007f}};

    return got_through(connect(-1, (const struct sockaddr *)&none, sizeof none));
}

static bool bind_port(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};

    return got_through(bind(-1, (const struct sockaddr *)&any, sizeof any));
}

static bool accept_connection(void)
{
    return opened(accept4(-1, NULL, NULL, SOCK_CLOEXEC));
}

/* ---- processes ---- */

static bool start_process(void)
{
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    bool through = got_through(pid);

    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return through;
}

/* An empty clone_args is refused for its size, after the wall. */
static bool start_thread(void)
{
    return got_through(syscall(SYS_clone3, NULL, 0));
}

static bool run_program(void)
{
    return got_through(execve("/nonexistent/assay-sandbox-trial", (char *[]){NULL}, (char *[]){NULL}));
}

static bool run_descriptor(void)
{
    return got_through(syscall(SYS_execveat, -1, "", NULL, NULL, AT_EMPTY_PATH));
}

static bool trace_process(void)
{
    return got_through(syscall(SYS_ptrace, -1L, 0, 0, 0));
}

static bool read_other_memory(void)
{
    return got_through(syscall(SYS_process_vm_readv, getpid(), NULL, 0UL, NULL, 0UL, 0UL));
}

static bool write_other_memory(void)
{
    return got_through(syscall(SYS_process_vm_writev, getpid(), NULL, 0UL, NULL, 0UL, 0UL));
}

static bool signal_parent(void)
{
    return got_through(syscall(SYS_kill, syscall(SYS_getppid), 0));
}

static bool signal_thread_of_parent(void)
{
    long parent = syscall(SYS_getppid);

    return got_through(syscall(SYS_tgkill, parent, parent, 0));
}

static bool signal_everybody(void)
{
    return got_through(syscall(SYS_kill, -1, 0));
}

static bool open_pidfd(void)
{
    return opened((int)syscall(SYS_pidfd_open, getpid(), 0));
}

static bool new_user_namespace(void)
{
    return got_through(unshare(CLONE_NEWUSER));
}

static bool join_namespace(void)
{
    return got_through(setns(-1, 0));
}

static bool leave_session(void)
{
    return got_through(setsid());
}

static bool change_priority(void)
{
    return got_through(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0)));
}

static bool change_affinity(void)
{
    return got_through(syscall(SYS_sched_setaffinity, 0, 0UL, NULL));
}

/* ---- memory ---- */

static bool map_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool through = got_through(p == MAP_FAILED ? -1 : 0);

    if (p != MAP_FAILED)
        munmap(p, 4096);
    return through;
}

static bool make_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool through;

    if (p == MAP_FAILED)
        return false;
    through = got_through(mprotect(p, 4096, PROT_READ | PROT_EXEC));
    munmap(p, 4096);
    return through;
}

static bool make_executable_by_key(void)
{
    return got_through(syscall(SYS_pkey_mprotect, NULL, 0UL, PROT_READ | PROT_EXEC, -1));
}

static bool executable_by_personality(void)
{
    return got_through(syscall(SYS_personality, 0xffffffffUL));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static bool map_a_terabyte(void)
{
    const size_t size = (size_t)1 << 40;
    void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool through = got_through(p == MAP_FAILED ? -1 : 0);

    if (p != MAP_FAILED)
        munmap(p, size);
    return through;
}
#endif

static bool file_in_memory(void)
{
    return opened((int)syscall(SYS_memfd_create, "trial", MFD_CLOEXEC));
}

static bool shared_memory(void)
{
    long id = syscall(SYS_shmget, 0, 4096UL, 0600);
    bool through = got_through(id);

    if (id >= 0)
        syscall(SYS_shmctl, id, 0 /* IPC_RMID */, NULL);
    return through;
}

static bool lock_memory(void)
{
    return got_through(syscall(SYS_mlock, NULL, 0UL));
}

static bool fault_handler(void)
{
    return opened((int)syscall(SYS_userfaultfd, O_CLOEXEC));
}

/* ---- rights and limits ---- */

static bool become_root(void)
{
    return got_through(setuid(getuid()));
}

static bool take_groups(void)
{
    return got_through(syscall(SYS_setgroups, 0xffffffffUL, NULL));
}

static bool take_capabilities(void)
{
    return got_through(syscall(SYS_capset, NULL, NULL));
}

static bool change_process_settings(void)
{
    return got_through(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static bool change_filter(void)
{
    return got_through(syscall(SYS_seccomp, 0xffffUL, 0UL, NULL));
}

static bool raise_file_limit(void)
{
    const struct rlimit more = {64, 64};

    return got_through(prlimit(0, RLIMIT_NOFILE, &more, NULL));
}

static bool read_limit_of_parent(void)
{
    struct rlimit now;

    return got_through(prlimit((pid_t)syscall(SYS_getppid), RLIMIT_CPU, NULL, &now));
}

static bool use_keyring(void)
{
    return got_through(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0));
}

/* ---- the machine ---- */

static bool mount_file_system(void)
{
    return got_through(mount(NULL, SCRATCH "-none", NULL, MS_REMOUNT, NULL));
}

static bool unmount_file_system(void)
{
    return got_through(umount2(SCRATCH "-none", 0));
}

static bool change_root(void)
{
    return got_through(chroot("/"));
}

static bool load_bpf(void)
{
    return got_through(syscall(SYS_bpf, 0xffffL, NULL, 0));
}

static bool open_perf_events(void)
{
    return opened((int)syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0UL));
}

static bool make_io_ring(void)
{
    return opened((int)syscall(SYS_io_uring_setup, 0, NULL));
}

static bool make_timer(void)
{
    return opened((int)syscall(SYS_timerfd_create, 1 /* CLOCK_MONOTONIC */, O_CLOEXEC));
}

static bool open_message_queue(void)
{
    return opened((int)syscall(SYS_mq_open, "assay-trial-none", O_RDONLY, 0, NULL));
}

static bool restart_machine(void)
{
    return got_through(syscall(SYS_reboot, 0, 0, 0, NULL));
}

static bool rename_machine(void)
{
    return got_through(syscall(SYS_sethostname, NULL, -1));
}

static bool set_clock(void)
{
    return got_through(syscall(SYS_settimeofday, NULL, (void *)1));
}

static bool load_module(void)
{
    return got_through(syscall(SYS_init_module, NULL, 0UL, NULL));
}

static bool swap_on_file(void)
{
    return got_through(syscall(SYS_swapon, SCRATCH "-none", 0));
}

static bool read_kernel_log(void)
{
    return got_through(syscall(SYS_syslog, 10, NULL, 0));
}

const struct sandbox_trial sandbox_trials[] = {
    {"open /etc/passwd", read_passwd},
    {"open its own program", read_own_program},
    {"open its own memory", read_own_memory},
    {"lower its OOM score", write_oom_score},
    {"list /", list_root},
    {"open / as a path", open_path_only},
    {"open a device", open_device},
    {"create a file", create_file},
    {"create an unnamed file", create_unnamed_file},
    {"truncate a file", truncate_file},
    {"unlink a file", unlink_file},
    {"rename a file", rename_file},
    {"make a directory", make_directory},
    {"remove a directory", remove_directory},
    {"change a file's mode", change_mode},
    {"change a file's owner", change_owner},
    {"make a symbolic link", make_symlink},
    {"make a hard link", make_hard_link},
    {"make a FIFO", make_fifo},
    {"stat a path", stat_path},
    {"ask for access to a path", access_path},
    {"read a symbolic link", read_link},
    {"change the directory", change_directory},
    {"open a file by handle", open_by_handle},
    {"watch files", watch_files},
    {"duplicate a descriptor", copy_descriptor},
    {"ioctl", control_device},
    {"make an IPv4 socket", socket_inet},
    {"make an IPv6 socket", socket_inet6},
    {"make a unix socket", socket_unix},
    {"make a netlink socket", socket_netlink},
    {"make a packet socket", socket_packet},
    {"make a socket pair", make_socket_pair},
    {"connect", connect_out},
    {"bind", bind_port},
    {"accept", accept_connection},
    {"fork", start_process},
    {"start a thread", start_thread},
    {"run a program", run_program},
    {"run a program by descriptor", run_descriptor},
    {"trace a process", trace_process},
    {"read the memory of a process", read_other_memory},
    {"write the memory of a process", write_other_memory},
    {"signal the parent", signal_parent},
    {"signal a thread of the parent", signal_thread_of_parent},
    {"signal everybody", signal_everybody},
    {"open a pidfd", open_pidfd},
    {"make a user namespace", new_user_namespace},
    {"join a namespace", join_namespace},
    {"make a session", leave_session},
    {"change the priority", change_priority},
    {"change the CPU affinity", change_affinity},
    {"map executable memory", map_executable},
    {"make memory executable", make_executable},
    {"make memory executable by key", make_executable_by_key},
    {"change the personality", executable_by_personality},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    {"map a terabyte", map_a_terabyte},
#endif
    {"make a file in memory", file_in_memory},
    {"make shared memory", shared_memory},
    {"lock memory", lock_memory},
    {"handle page faults", fault_handler},
    {"set the user id", become_root},
    {"set the groups", take_groups},
    {"set capabilities", take_capabilities},
    {"change process settings", change_process_settings},
    {"change the seccomp filter", change_filter},
    {"change the limit of open files", raise_file_limit},
    {"read a limit of the parent", read_limit_of_parent},
    {"use a keyring", use_keyring},
    {"mount a file system", mount_file_system},
    {"unmount a file system", unmount_file_system},
    {"change the root", change_root},
    {"load a BPF program", load_bpf},
    {"open performance counters", open_perf_events},
    {"make an io_uring", make_io_ring},
    {"make a timer descriptor", make_timer},
    {"open a message queue", open_message_queue},
    {"restart the machine", restart_machine},
    {"rename the machine", rename_machine},
    {"set the clock", set_clock},
    {"load a kernel module", load_module},
    {"swap on a file", swap_on_file},
    {"read the kernel log", read_kernel_log},
};
const size_t sandbox_ntrials = COUNT_OF(sandbox_trials);

/* ---- running them ---- */

/* What a child writes into the pipe for each trial, in order. */
struct outcome {
    int blocked, error;
};

enum { TRIAL_LIMIT_MS = 10000, EXIT_NO_WALLS = 3 };

static _Noreturn void try_in_child(const struct sandbox_opts *opts, size_t from, size_t to, int results)
{
    struct err err = {0};

    alarm(TRIAL_LIMIT_MS / 1000); /* a trial that hangs has not been blocked, but must not hang the doctor */
    if (opts && sandbox_enter(opts, &err) < 0)
        _exit(EXIT_NO_WALLS);
    for (size_t i = from; i < to; i++) {
        struct outcome o = {0};
        errno = 0;
        o.blocked = !sandbox_trials[i].attempt();
        o.error = o.blocked ? errno : 0;
        if (write(results, &o, sizeof o) != (ssize_t)sizeof o)
            break;
    }
    _exit(0);
}

/* Reads what the child wrote until it ended. */
static size_t collect(int results, struct sandbox_trial_result *ret, size_t most)
{
    struct outcome o;
    size_t n = 0;

    while (n < most && read(results, &o, sizeof o) == (ssize_t)sizeof o)
        ret[n++] = (struct sandbox_trial_result){.blocked = o.blocked, .error = o.error};
    return n;
}

/* Trials [from, to) until the child ends. Returns how many have a result: at least one, or -1. */
static ssize_t try_some(const struct sandbox_opts *opts, size_t from, size_t to,
                        struct sandbox_trial_result *ret, struct err *err)
{
    CLEANUP(fd_closep) int out = -1;
    CLEANUP(fd_closep) int in = -1;
    int pipes[2], status = 0;
    size_t n;
    pid_t pid;

    if (pipe2(pipes, O_CLOEXEC) < 0)
        return FAIL_ERRNO(err, "cannot create a pipe");
    in = pipes[0];
    out = pipes[1];
    pid = fork();
    if (pid == 0)
        try_in_child(opts, from, to, out);
    if (pid < 0)
        return FAIL_ERRNO(err, "cannot start a process for the trials");
    fd_closep(&out);
    n = collect(in, ret + from, to - from);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (n < to - from && WIFSIGNALED(status))
        ret[from + n++] = (struct sandbox_trial_result){.blocked = WTERMSIG(status) == SIGSYS};
    return n ? (ssize_t)n : FAIL(err, ERR_UNSUPPORTED, "the sandbox cannot be entered on this system");
}

int trials_run(const struct sandbox_opts *opts, struct sandbox_trial_result *ret_results, struct err *err)
{
    for (size_t i = 0; i < sandbox_ntrials;) {
        ssize_t n = try_some(opts, i, opts ? sandbox_ntrials : i + 1, ret_results, err);
        if (n < 0)
            return -1;
        i += (size_t)n;
    }
    return 0;
}

int sandbox_prove(const struct sandbox_opts *opts, struct sandbox_trial_result *ret_results, struct err *err)
{
    return trials_run(opts, ret_results, err);
}
