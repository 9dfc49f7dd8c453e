/* The life of an analyst: close everything, put up the walls, then task after task until the front hangs up.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "infer/graph_shelf.h"
#include "lab/lab_int.h"
#include "report/json.h"

enum {
    FRONT_SOCKET = 3,
    NICENESS = 5, /* added: the front answers requests while all analysts compute */
    PROGRESS_EVERY_US = 100000,
    CPU_SLACK_S = 2, /* above the deadline; a second line behind the front's kill */
};

enum { FD_SPEC, FD_SUBJECT, FD_REPORT, FD_ARTEFACT }; /* order of the descriptors of MSG_TASK */

/* Among all processes of the machine an analyst is the one to go when memory runs out. */
static void volunteer_for_oom(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    ssize_t written UNUSED = fd < 0 ? 0 : write(fd, "500", 3);

    fd_closep(&fd);
}

/* Leaves the socket as FRONT_SOCKET and /dev/null as 0, 1, 2. */
static int close_everything(int sock, struct err *err)
{
    CLEANUP(fd_closep) int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nothing < 0)
        return FAIL_ERRNO(err, "cannot open /dev/null");
    if (sock != FRONT_SOCKET && dup3(sock, FRONT_SOCKET, O_CLOEXEC) < 0)
        return FAIL_ERRNO(err, "cannot move the socket of an analyst");
    for (int fd = 0; fd <= (WITH_SANITIZER ? 1 : 2); fd++)
        if (dup2(nothing, fd) < 0)
            return FAIL_ERRNO(err, "cannot redirect an analyst's standard streams");
    nothing = -1; /* goes with the rest */
    if (close_range(FRONT_SOCKET + 1, ~0U, 0) < 0)
        return FAIL_ERRNO(err, "cannot close the descriptors of an analyst");
    return 0;
}

static void default_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* *sock follows the socket when it moves. */
static int settle(const struct analyst_setup *setup, int *sock, struct err *err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != setup->keeper)
        return FAIL(err, ERR_CRASH, "the keeper went away");
    default_signals();
    volunteer_for_oom();
    (void)!nice(NICENESS); /* below its front, however low that runs itself */
    if (close_everything(*sock, err) < 0)
        return -1;
    *sock = FRONT_SOCKET;
    return sandbox_enter(&setup->walls, err);
}

struct progress {
    int64_t last_us;
};

static void tell_progress(void *arg, int done, int planned)
{
    struct progress *p = arg;
    int64_t now = clock_mono_us();
    struct message m = {.type = MSG_PROGRESS, .progress = {.done = done, .planned = planned}};

    if (now - p->last_us < PROGRESS_EVERY_US)
        return;
    p->last_us = now;
    (void)link_send(FRONT_SOCKET, &m, NULL, 0, NULL); /* a front that is gone is noticed at the next task */
}

static void allow_cpu(int64_t deadline_ms)
{
    rlim_t used = (rlim_t)(clock_cpu_us() / 1000000);
    struct rlimit cpu = {.rlim_cur = used + (rlim_t)(deadline_ms / 1000) + 1 + CPU_SLACK_S,
                         .rlim_max = RLIM_INFINITY};

    setrlimit(RLIMIT_CPU, &cpu);
}

static int read_spec(struct arena *a, int fd, size_t size, struct job_spec *ret_spec, struct err *err)
{
    char *text;
    ssize_t n;

    if (size > SPEC_MAX_BYTES)
        return FAIL(err, ERR_LIMIT, "the job is described by more than %d bytes", SPEC_MAX_BYTES);
    text = arena_alloc(a, size + 1);
    for (size_t at = 0; at < size; at += (size_t)n) {
        n = pread(fd, text + at, size - at, (off_t)at);
        if (n <= 0)
            return FAIL(err, ERR_IO, "cannot read the job's description");
    }
    return spec_from_json(a, bytes_of(text, size), ret_spec, err);
}

static struct bytes report_text(struct arena *a, const struct job_spec *spec, const struct report *report)
{
    struct bytes text = report_to_json(a, report);
    struct err why = {.kind = ERR_LIMIT};
    struct report *small;

    if (text.len <= REPORT_MAX_BYTES)
        return text;
    err_set(&why, ERR_LIMIT, "the report is larger than %d bytes; judge fewer frames, or recordings",
            REPORT_MAX_BYTES);
    small = report_new(a, spec);
    report_fail(small, &why);
    return report_to_json(a, small);
}

/* Bytes written, or 0: the front turns an empty report into an error. */
static size_t write_report(int fd, struct bytes text)
{
    ssize_t n;

    for (size_t at = 0; at < text.len; at += (size_t)n) {
        n = pwrite(fd, text.data + at, text.len - at, (off_t)at);
        if (n <= 0)
            return 0;
    }
    return text.len;
}

/* The front waits for this message. Without it it would wait until a deadline; an analyst that has gone is
 * seen at once, and replaced. */
static void tell_or_leave(const struct message *m)
{
    if (link_send(FRONT_SOCKET, m, NULL, 0, NULL) < 0)
        _exit(1);
}

static void run_task(const struct toolbox *tools, const struct message *m, const int fds[LINK_MAX_FDS])
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct message done = {.type = MSG_DONE};
    struct progress progress = {0};
    struct toolbox mine = *tools;
    struct job_spec spec;

    mine.progress = tell_progress;
    mine.progress_arg = &progress;
    allow_cpu(m->task.deadline_ms);
    if (read_spec(a, fds[FD_SPEC], m->task.spec_bytes, &spec, NULL) == 0) {
        struct report *report = report_new(a, &spec);
        analyse(&mine, &spec, (struct subject_fds){.media = fds[FD_SUBJECT], .artefact = fds[FD_ARTEFACT]},
                report);
        done.done.report_bytes = write_report(fds[FD_REPORT], report_text(a, &spec, report));
    }
    tell_or_leave(&done);
}

_Noreturn void analyst_main(const struct analyst_setup *setup)
{
    struct message m = {.type = MSG_UP};
    struct toolbox tools = setup->tools;
    int fds[LINK_MAX_FDS], sock = setup->sock;
    struct err err = {0};

    if (settle(setup, &sock, &err) < 0) {
        m = (struct message){.type = MSG_FAILED, .failed = err};
        (void)link_send(sock, &m, NULL, 0, NULL);
        _exit(1);
    }
    tell_or_leave(&m);
    tools.graphs = graph_shelf_new();
    while (link_recv(FRONT_SOCKET, &m, fds) == LINK_MESSAGE && m.type == MSG_TASK) {
        run_task(&tools, &m, fds);
        link_close_fds(fds);
    }
    _exit(0); /* no exit handlers: they belong to the keeper */
}
