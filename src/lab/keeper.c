/* The keeper: loads the models once, forks analysts on demand, tells the front how they ended. One thread. It
 * never sees a byte of a subject; its analysts talk to the front only. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "lab/lab.h"
#include "lab/lab_int.h"
#include "lab/shelf_int.h"
#include "media/video.h"
#include "report/json.h"

struct child {
    pid_t pid;
    uint64_t serial;
};

struct keeper {
    struct arena *arena;
    struct program_ref program;
    struct msg_options opts;
    struct shelf shelf;
    int children_fd; /* signalfd: SIGCHLD */
    size_t nchildren;
    struct child children[LAB_MAX_ANALYSTS];
};

/* ---- memory ---- */

/* Some old library may have been written to where it is read-only now; its pages are not those of its file.
 */
static bool is_patched(const struct dl_phdr_info *lib)
{
    const ElfW(Dyn) *d = NULL;

    for (size_t i = 0; i < lib->dlpi_phnum; i++)
        if (lib->dlpi_phdr[i].p_type == PT_DYNAMIC)
            d = (const ElfW(Dyn) *)(lib->dlpi_addr + lib->dlpi_phdr[i].p_vaddr);
    for (; d && d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_TEXTREL || (d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_TEXTREL)))
            return true;
    return false;
}

static int forget_code_of(struct dl_phdr_info *lib, size_t size UNUSED, void *arg UNUSED)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (lib->dlpi_name[0] != '/' || is_patched(lib))
        return 0;
    for (size_t i = 0; i < lib->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &lib->dlpi_phdr[i];
        ElfW(Addr) begin = (lib->dlpi_addr + h->p_vaddr) & ~(page - 1),
                   end = lib->dlpi_addr + h->p_vaddr + h->p_memsz;

        if (h->p_type == PT_LOAD && !(h->p_flags & PF_W))
            madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

/* Loading a model runs through 25 MB of code that nobody needs again. It is let go of, and what is needed
 * comes back from the page cache. */
static void forget_start(void)
{
    dl_iterate_phdr(forget_code_of, NULL);
    malloc_trim(0);
}

static const char *runtime_name(const struct keeper *k)
{
    return arena_printf(k->arena, "ONNX Runtime %s", runtime_version(k->shelf.runtime));
}

static struct msg_about about(const struct keeper *k)
{
    struct msg_about m = {0};

    text_copy(m.decoder, sizeof m.decoder, video_decoder_version());
    text_copy(m.runtime, sizeof m.runtime, runtime_name(k));
    text_copy(m.version, sizeof m.version, k->program.version);
    text_copy(m.commit, sizeof m.commit, k->program.commit);
    return m;
}

/* ---- analysts ---- */

/* The report is a file, too. */
static int64_t largest_file(const struct msg_options *opts)
{
    return opts->artefact_bytes > REPORT_MAX_BYTES ? opts->artefact_bytes : REPORT_MAX_BYTES;
}

static _Noreturn void become_analyst(struct keeper *k, int sock, pid_t keeper)
{
    struct analyst_setup setup = {
        .sock = sock,
        .keeper = keeper,
        .tools = {.runtime = runtime_name(k),
                  .program = k->program,
                  .max_pixels = k->opts.max_pixels,
                  .max_seconds = k->opts.max_seconds,
                  .cpu_us = k->opts.cpu_us},
        .walls = {.memory_bytes = k->opts.memory_bytes, .file_bytes = largest_file(&k->opts)},
    };

    shelf_fill(&k->shelf, &setup.tools);
    analyst_main(&setup);
}

static int tell_front(const struct message *m, const int *fds, size_t nfds)
{
    return link_send(KEEPER_SOCKET, m, fds, nfds, NULL);
}

static int tell_exit(uint64_t serial, int status)
{
    struct message m = {.type = MSG_EXITED, .exited = {.serial = serial, .wait_status = status}};

    return tell_front(&m, NULL, 0);
}

static int tell_problem(const struct err *err)
{
    struct message m = {.type = MSG_FAILED, .failed = *err};

    return tell_front(&m, NULL, 0);
}

static int tell_ready(const struct keeper *k)
{
    struct message m = {.type = MSG_READY, .ready.about = about(k)};

    m.ready.nmodels = (uint32_t)shelf_models(&k->shelf, m.ready.models);
    return tell_front(&m, NULL, 0);
}

/* An analyst is made in any case: it ends the jobs that need what is missing with the reason. */
static int add_kits(struct keeper *k, unsigned kits)
{
    struct err err = {0};

    if ((kits & ~k->shelf.kits) == 0)
        return 0;
    if (shelf_add(&k->shelf, kits, &err) < 0 && tell_problem(&err) < 0)
        return -1;
    forget_start();
    return tell_ready(k);
}

/* Told as a problem and as a death, so that the front tries again later. */
static int cannot_spawn(uint64_t serial, const char *what)
{
    struct err err = {0};

    err_set_errno(&err, "%s", what);
    return tell_problem(&err) < 0 ? -1 : tell_exit(serial, W_EXITCODE(1, 0));
}

static int spawn(struct keeper *k, uint64_t serial)
{
    struct message m = {.type = MSG_ANALYST, .analyst = {.serial = serial}};
    CLEANUP(fd_closep) int theirs = -1;
    CLEANUP(fd_closep) int ours = -1;
    CLEANUP(fd_closep) int pidfd = -1;
    pid_t me = getpid(), pid;
    struct err err = {0};
    int pair[2];

    if (k->nchildren == LAB_MAX_ANALYSTS)
        return tell_exit(serial, W_EXITCODE(1, 0));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return cannot_spawn(serial, "cannot create a socket pair");
    ours = pair[0];
    theirs = pair[1];
    pid = fork();
    if (pid == 0) {
        close(ours);
        become_analyst(k, theirs, me);
    }
    if (pid < 0)
        return cannot_spawn(serial, "cannot start an analyst");
    k->children[k->nchildren++] = (struct child){pid, serial};
    pidfd =
        (int)syscall(SYS_pidfd_open, pid, 0); /* it is our child and not reaped: the pid is still its own */
    if (pidfd < 0) {
        kill(pid, SIGKILL); /* its end is told when it is reaped */
        err_set_errno(
            &err, "cannot watch an analyst; Linux 5.4 or later is needed, and pidfd_open must be allowed");
        return tell_problem(&err);
    }
    return tell_front(&m, (int[]){ours, pidfd}, 2);
}

static int child_ended(struct keeper *k, pid_t pid, int status)
{
    for (size_t i = 0; i < k->nchildren; i++)
        if (k->children[i].pid == pid) {
            uint64_t serial = k->children[i].serial;
            k->children[i] = k->children[--k->nchildren];
            return tell_exit(serial, status);
        }
    return 0;
}

static int reap(struct keeper *k)
{
    struct signalfd_siginfo unused;
    ssize_t n UNUSED = read(k->children_fd, &unused, sizeof unused);
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (child_ended(k, pid, status) < 0)
            return -1;
    return 0;
}

static void end_children(struct keeper *k)
{
    for (size_t i = 0; i < k->nchildren; i++)
        kill(k->children[i].pid, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
}

/* ---- the process ---- */

static int on_front(struct keeper *k)
{
    int fds[LINK_MAX_FDS];
    struct message m;

    if (link_recv(KEEPER_SOCKET, &m, fds) != LINK_MESSAGE || m.type != MSG_SPAWN)
        return -1;
    return add_kits(k, m.spawn.kits) < 0 ? -1 : spawn(k, m.spawn.serial);
}

/* Until the front hangs up. */
static void serve(struct keeper *k)
{
    struct pollfd fds[] = {{.fd = KEEPER_SOCKET, .events = POLLIN}, {.fd = k->children_fd, .events = POLLIN}};

    for (;;) {
        if (poll(fds, COUNT_OF(fds), -1) < 0 && errno != EINTR)
            return;
        if (fds[1].revents && reap(k) < 0)
            return;
        if (fds[0].revents && on_front(k) < 0)
            return;
    }
}

/* Ctrl-C reaches the whole process group; the front decides when the lab ends. */
static int settle(struct keeper *k, struct err *err)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    sigset_t children;

    if (close_range(KEEPER_SOCKET + 1, ~0U, 0) < 0 || fcntl(KEEPER_SOCKET, F_SETFD, FD_CLOEXEC) < 0)
        return FAIL_ERRNO(err, "the keeper has no socket; it is started by assay itself, not by hand");
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0,
          0); /* a front that died before this line shows as a closed socket */
    for (size_t i = 0; i < COUNT_OF(ignored); i++)
        signal(ignored[i], SIG_IGN);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_SETMASK, &children, NULL);
    k->children_fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    return k->children_fd < 0 ? FAIL_ERRNO(err, "cannot watch the analysts") : 0;
}

static int receive_options(struct keeper *k)
{
    int fds[LINK_MAX_FDS];
    struct message m;

    if (link_recv(KEEPER_SOCKET, &m, fds) != LINK_MESSAGE || m.type != MSG_OPTIONS)
        return -1;
    k->opts = m.options;
    return 0;
}

static int run(struct keeper *k)
{
    struct err err = {0};

    if (settle(k, &err) < 0 || receive_options(k) < 0)
        return 1;
    if (shelf_open(&k->shelf, &k->opts, &err) < 0) {
        tell_problem(&err);
        return 1;
    }
    forget_start();
    if (tell_ready(k) < 0)
        return 1;
    serve(k);
    end_children(k);
    return 0;
}

int keeper_main(const struct program_ref *program)
{
    struct keeper k = {.arena = arena_new(), .children_fd = -1, .program = *program};
    int status = run(&k);

    shelf_clear(&k.shelf);
    fd_closep(&k.children_fd);
    arena_free(k.arena);
    return status;
}
