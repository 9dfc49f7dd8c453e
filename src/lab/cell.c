/* The life of a cell: it makes a private folder, starts the program behind walls, says how it ends, and
 * clears up. One thread. It reads nothing that the program says but the end of its output, and that only to
 * pass it on. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "lab/cell_int.h"
#include "lab/eim.h"

enum { POLITE_MS = 500 };

struct cell {
    struct cell_order order;
    char folder[CELL_FOLDER];
    bool alone;
    pid_t program; /* and its group; 0: there is none */
    int status;
    int children_fd, output; /* -1: all was said */
    char said[CELL_SAID];    /* the end of it, not terminated */
    size_t nsaid;
};

static void tell(const struct cell_news *news)
{
    ssize_t n UNUSED = send(CELL_SOCKET, news, sizeof *news, MSG_NOSIGNAL);
}

static void tell_failed(const struct err *err)
{
    tell(&(struct cell_news){.says = CELL_FAILED, .failed = *err});
}

/* ---- the folder ---- */

static int make_folder(struct cell *c, struct err *err)
{
    snprintf(c->folder, sizeof c->folder, "%.*s/assay-eim-XXXXXX", CELL_FOLDER - 20, c->order.temporary);
    if (!mkdtemp(c->folder)) {
        c->folder[0] = '\0';
        return FAIL_ERRNO(err, "cannot make a folder in %s", c->order.temporary);
    }
    if (c->order.other_user && chown(c->folder, c->order.uid, c->order.gid) < 0)
        return FAIL_ERRNO(err, "cannot give the folder %s away", c->folder);
    return 0;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int what UNUSED, struct FTW *at UNUSED)
{
    remove(path);
    return 0;
}

/* When everybody who could write to it is gone. Links are not followed. */
static void remove_folder(const struct cell *c)
{
    if (c->folder[0])
        nftw(c->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* ---- the program ---- */

/* Becomes it. The environment is the program's own: nothing of the server's, which may hold secrets. */
static int become(const struct cell *c, int output, struct err *err)
{
    char home[CELL_FOLDER + 16], temporary[CELL_FOLDER + 16], listens[CELL_FOLDER + 16];
    char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", language[] = "LANG=C.UTF-8";
    char *env[] = {path, language, home, temporary, NULL};
    char *argv[] = {(char *)(uintptr_t)c->order.program, listens, NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    snprintf(home, sizeof home, "HOME=%s", c->folder);
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", c->folder);
    snprintf(listens, sizeof listens, "%s/" CELL_LISTENS, c->folder);
    if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 || setsid() < 0 ||
        chdir(c->folder) < 0)
        return FAIL_ERRNO(err, "cannot prepare the start of a program");
    if (cell_walls(&c->order, c->folder, c->alone, err) < 0)
        return -1;
    execve(argv[0], argv, env);
    return FAIL_ERRNO(err, "it cannot be started");
}

static _Noreturn void child(const struct cell *c, int output, int complaint)
{
    sigset_t none;
    struct err err = {0};

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    become(c, output, &err);
    ssize_t n UNUSED = write(complaint, &err, sizeof err);
    _exit(127);
}

/* 0 when the program runs, as far as exec can say. */
static int start(struct cell *c, struct err *err)
{
    CLEANUP(fd_closep) int output = -1;
    CLEANUP(fd_closep) int complaint = -1;
    CLEANUP(fd_closep) int trouble = -1;
    int pair[2];
    pid_t pid;

    if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
        return FAIL_ERRNO(err, "cannot make a pipe");
    c->output = pair[0];
    output = pair[1];
    fcntl(output, F_SETFL, 0); /* the program's end waits */
    if (pipe2(pair, O_CLOEXEC) < 0)
        return FAIL_ERRNO(err, "cannot make a pipe");
    trouble = pair[0];
    complaint = pair[1];
    c->alone = cell_alone();
    pid = fork();
    if (pid == 0)
        child(c, output, complaint);
    if (pid < 0)
        return FAIL_ERRNO(err, "cannot start a program");
    c->program = pid;
    fd_closep(&complaint);
    return read(trouble, err, sizeof *err) > 0 ? -1 : 0;
}

static void kill_all(const struct cell *c, int sig)
{
    if (c->program && kill(-c->program, sig) < 0)
        kill(c->program, sig); /* it has not come to its own group */
}

/* All of them, also those that nobody waited for (this process is their reaper). */
static void reap(struct cell *c)
{
    struct signalfd_siginfo unused;
    ssize_t n UNUSED = read(c->children_fd, &unused, sizeof unused);
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == c->program) {
            c->status = status;
            kill_all(c, SIGKILL); /* its children */
            c->program = 0;
        }
}

static void end_all(struct cell *c)
{
    int status;
    pid_t pid;

    kill_all(c, SIGKILL);
    while ((pid = waitpid(-1, &status, 0)) > 0 || (pid < 0 && errno == EINTR))
        if (pid == c->program)
            c->status = status;
    c->program = 0;
}

/* ---- watching ---- */

/* Keeps the last bytes. */
static void hear(struct cell *c)
{
    char chunk[4096];
    ssize_t n = read(c->output, chunk, sizeof chunk);
    size_t take, keep;

    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            fd_closep(&c->output);
        return;
    }
    take = (size_t)n < CELL_SAID ? (size_t)n : CELL_SAID;
    keep = c->nsaid < CELL_SAID - take ? c->nsaid : CELL_SAID - take;
    memmove(c->said, c->said + c->nsaid - keep, keep);
    memcpy(c->said + keep, chunk + n - take, take);
    c->nsaid = keep + take;
}

/* Until the program or the server ends. A program that is asked to leave has POLITE_MS for it. */
static void watch(struct cell *c)
{
    int patience = -1;
    char asked;

    while (c->program) {
        struct pollfd fds[] = {{.fd = CELL_SOCKET, .events = POLLIN},
                               {.fd = c->children_fd, .events = POLLIN},
                               {.fd = c->output, .events = POLLIN}};
        int r = poll(fds, COUNT_OF(fds), patience);
        if ((r < 0 && errno != EINTR) || r == 0)
            return;
        if (fds[2].revents)
            hear(c);
        if (fds[1].revents)
            reap(c);
        if (fds[0].revents) {
            if (recv(CELL_SOCKET, &asked, 1, 0) != 1 || asked != CELL_QUIT)
                return;
            kill_all(c, SIGINT);
            patience = POLITE_MS;
        }
    }
}

static void tell_end(struct cell *c)
{
    struct cell_news news = {.says = CELL_ENDED, .status = c->status};

    for (int i = 0; i < 64 && c->output >= 0; i++) { /* what is left in the pipe */
        size_t before = c->nsaid;
        hear(c);
        if (c->nsaid == before && c->nsaid < CELL_SAID)
            break;
    }
    memcpy(news.said, c->said, c->nsaid < CELL_SAID ? c->nsaid : CELL_SAID - 1);
    tell(&news);
}

/* ---- the process ---- */

static int settle(struct cell *c, struct err *err)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    sigset_t children;

    if (close_range(CELL_SOCKET + 1, ~0U, 0) < 0 || fcntl(CELL_SOCKET, F_SETFD, FD_CLOEXEC) < 0)
        return FAIL_ERRNO(err, "a cell has no socket; it is started by assay itself, not by hand");
    for (size_t i = 0; i < COUNT_OF(ignored); i++)
        signal(ignored[i], SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_SETMASK, &children, NULL);
    c->children_fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (c->children_fd < 0)
        return FAIL_ERRNO(err, "cannot watch a program");
    if (recv(CELL_SOCKET, &c->order, sizeof c->order, 0) != sizeof c->order)
        return FAIL(err, ERR_INTERNAL, "a cell got no order");
    return 0;
}

_Noreturn void eim_cell_main(void)
{
    struct cell c = {.children_fd = -1, .output = -1};
    struct cell_news up = {.says = CELL_UP, .landlock = landlock_abi()};
    struct err err = {0};

    if (settle(&c, &err) < 0 || make_folder(&c, &err) < 0 || start(&c, &err) < 0) {
        end_all(&c);
        remove_folder(&c);
        tell_failed(&err);
        _exit(1);
    }
    up.pid = c.program;
    up.alone = c.alone;
    text_copy(up.folder, sizeof up.folder, c.folder);
    tell(&up);
    watch(&c);
    end_all(&c);
    tell_end(&c);
    remove_folder(&c);
    _exit(0); /* in its namespaces it can have no thread, and leak checkers want one */
}
