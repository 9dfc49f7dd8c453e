/* The front side of the lab: one thread with an epoll loop, which starts the keeper, hands tasks to analysts,
 * watches deadlines, and reads reports back.
 *
 * States of a place for an analyst; moved by the lab thread, except IDLE -> BUSY in lab_run:
 *
 *   EMPTY --spawn asked for--> STARTING --up--> IDLE --task--> BUSY --report--> IDLE
 *     ^                           |              |              |
 *     |                           +----died------+--kill, died--+--> LEAVING (socket closed, task still
 * attached)
 *     +------------------------- the keeper has reaped it, or is gone itself ----+
 *
 * A task ends with its analyst reaped or its report read, so nobody writes to the artefact after `done`. */
#include "lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "lab/lab_int.h"
#include "report/json.h"

enum {
    GRACE_US = 1000000, /* between the analyst's own deadline and the kill */
    BACKOFF_FIRST_US = 100000,
    BACKOFF_MAX_US = 5000000,
    PROGRESS_PER_SECOND = 20, /* twice what an honest analyst sends; beyond it is flooding us */
    KEEPER_END_MS = 2000,
    EVENTS = 64,
};

enum { TAG_WAKE = LAB_MAX_ANALYSTS, TAG_KEEPER };

enum place_state { EMPTY, STARTING, IDLE, BUSY, LEAVING };

/* A task in the hands of an analyst. */
struct ticket {
    char *job_id, *pipeline;
    char sha256[HASH_HEX];
    int64_t deadline_ms;
    int spec_fd, subject_fd, report_fd, artefact_fd;
    size_t spec_bytes;
    void (*done)(void *arg, const struct lab_result *result);
    void (*progress)(void *arg, int done, int planned);
    void *arg;
};

struct place {
    enum place_state state;
    uint64_t serial;
    int sock, pidfd;
    int tasks;             /* done by this analyst */
    struct ticket *ticket; /* while BUSY, and LEAVING until the analyst is reaped */
    int64_t kill_at_us;    /* while BUSY */
    int64_t progress_left;
    struct err why; /* set when we kill it: how its task ends */
};

/* A pause that doubles from one failure to the next. */
struct backoff {
    int64_t until_us, pause_us;
};

struct lab {
    struct lab_opts opts; /* strings point into `options` */
    struct msg_options options;
    int epoll_fd, wake_fd;
    pthread_t thread;

    /* --- lab thread only --- */
    pid_t keeper_pid;
    int keeper_pidfd, keeper_sock; /* -1: no keeper */
    struct backoff keeper_backoff, spawn_backoff;
    uint64_t last_serial;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* ready or failed */
    /* --- guarded by lock; the places are written by the lab thread only, but for lab_run and lab_cancel ---
     */
    struct place *places;
    size_t nplaces;
    bool loaded, up_once, stopping;
    struct err failed; /* why the lab is not ready */
    size_t nmodels;
    struct msg_model models[LAB_MAX_MODELS];
    struct lab_stats stats;
};

struct lab_opts lab_opts_defaults(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    return (struct lab_opts){
        .analysts = cpus < 1                  ? 1
                    : cpus > LAB_MAX_ANALYSTS ? LAB_MAX_ANALYSTS
                                              : (int)cpus,
        .tasks_per_analyst = 64,
        .memory_bytes = 1LL << 30,
        .artefact_bytes = 512LL << 20,
        .max_pixels = 3840LL * 2160 * 2,
        .max_seconds = 3600,
    };
}

static void wake(struct lab *lab)
{
    uint64_t one = 1;
    ssize_t n UNUSED = write(lab->wake_fd, &one, sizeof one); /* full means: awake anyway */
}

static void awake(struct lab *lab)
{
    uint64_t count;
    ssize_t n UNUSED = read(lab->wake_fd, &count, sizeof count);
}

static void backoff_failed(struct backoff *b)
{
    b->pause_us = b->pause_us ? b->pause_us * 2 : BACKOFF_FIRST_US;
    if (b->pause_us > BACKOFF_MAX_US)
        b->pause_us = BACKOFF_MAX_US;
    b->until_us = clock_mono_us() + b->pause_us;
}

/* ---- tickets ---- */

static void ticket_freep(struct ticket **t)
{
    if (!*t)
        return;
    fd_closep(&(*t)->spec_fd);
    fd_closep(&(*t)->subject_fd);
    fd_closep(&(*t)->report_fd);
    fd_closep(&(*t)->artefact_fd);
    free((*t)->job_id);
    free((*t)->pipeline);
    free(*t);
    *t = NULL;
}

/* A file in memory which the analyst cannot change. */
static int sealed_file(struct bytes text, int *ret_fd, struct err *err)
{
    CLEANUP(fd_closep) int fd = memfd_create("spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ssize_t n;

    if (fd < 0)
        return FAIL_ERRNO(err, "cannot create a file in memory");
    for (size_t at = 0; at < text.len; at += (size_t)n) {
        n = write(fd, text.data + at, text.len - at);
        if (n <= 0)
            return FAIL_ERRNO(err, "cannot write a file in memory");
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return FAIL_ERRNO(err, "cannot seal a file in memory");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* A file in memory for the report, of fixed size: it costs what is written, and never more than the ceiling.
 */
static int report_file(int *ret_fd, struct err *err)
{
    CLEANUP(fd_closep) int fd = memfd_create("report", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, REPORT_MAX_BYTES) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return FAIL_ERRNO(err, "cannot create a file in memory");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* A descriptor of its own, read-only and with its own position, so that an analyst can neither change the
 * subject nor move somebody else's position. */
static int reopen_readonly(int fd, int *ret_fd, struct err *err)
{
    char path[40];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
        *ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return *ret_fd < 0 ? FAIL_ERRNO(err, "cannot open the subject for reading") : 0;
}

static int ticket_open(struct ticket *t, const struct lab_task *task, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes spec = spec_to_json(a, &task->spec);

    if (spec.len > SPEC_MAX_BYTES)
        return FAIL(err, ERR_LIMIT, "the job is described by more than %d bytes", SPEC_MAX_BYTES);
    t->spec_bytes = spec.len;
    if (sealed_file(spec, &t->spec_fd, err) < 0 || report_file(&t->report_fd, err) < 0 ||
        reopen_readonly(task->subject_fd, &t->subject_fd, err) < 0)
        return -1;
    if (task->artefact_fd >= 0 && (t->artefact_fd = fcntl(task->artefact_fd, F_DUPFD_CLOEXEC, 0)) < 0)
        return FAIL_ERRNO(err, "cannot hand over the artefact's file");
    return 0;
}

static struct ticket *ticket_new(const struct lab_task *task, struct err *err)
{
    CLEANUP(ticket_freep) struct ticket *t = mem_alloc(sizeof *t);

    *t = (struct ticket){
        .job_id = mem_strdup(task->spec.id ? task->spec.id : ""),
        .pipeline = mem_strdup(task->spec.pipeline ? task->spec.pipeline : ""),
        .deadline_ms = task->spec.deadline_ms,
        .spec_fd = -1,
        .subject_fd = -1,
        .report_fd = -1,
        .artefact_fd = -1,
        .done = task->done,
        .progress = task->progress,
        .arg = task->arg,
    };
    text_copy(t->sha256, sizeof t->sha256, task->spec.subject.sha256);
    if (ticket_open(t, task, err) < 0)
        return NULL;
    return TAKE(t);
}

static void ticket_end(struct ticket *t, const struct lab_result *result)
{
    t->done(t->arg, result);
    ticket_freep(&t);
}

static void ticket_fail(struct ticket *t, const struct err *why)
{
    ticket_end(t, &(struct lab_result){.error = *why});
}

/* Copies the text first and looks at it then: the analyst still holds the file. */
static struct bytes ticket_read(const struct ticket *t, struct arena *a, size_t size)
{
    char *text = arena_alloc(a, size + 1);
    ssize_t n;

    for (size_t at = 0; at < size; at += (size_t)n) {
        n = pread(t->report_fd, text + at, size - at, (off_t)at);
        if (n <= 0)
            return (struct bytes){0};
    }
    return bytes_of(text, size);
}

static int ticket_report(const struct ticket *t, struct arena *a, uint64_t size, struct report **ret,
                         struct err *err)
{
    struct err why = {0};

    if (size == 0 || size > REPORT_MAX_BYTES)
        return FAIL(err, ERR_INTERNAL, "The analyst gave back no report.");
    if (report_from_json(a, ticket_read(t, a, (size_t)size), ret, &why) < 0)
        return FAIL(err, ERR_INTERNAL, "The analyst's report is not acceptable: %.180s", why.text);
    if (!text_is((*ret)->subject.sha256, t->sha256) || !text_is((*ret)->pipeline, t->pipeline))
        return FAIL(err, ERR_INTERNAL, "The analyst's report is about something else.");
    return 0;
}

/* ---- places ---- */

/* serial 0 is never given to an analyst: an EMPTY place has it. */
static struct place *place_of(struct lab *lab, uint64_t serial)
{
    for (size_t i = 0; i < lab->nplaces && serial; i++)
        if (lab->places[i].serial == serial)
            return &lab->places[i];
    return NULL;
}

static enum place_state state_of(struct lab *lab, const struct place *p)
{
    enum place_state state;

    pthread_mutex_lock(&lab->lock);
    state = p->state;
    pthread_mutex_unlock(&lab->lock);
    return state;
}

static void count(struct lab *lab, const struct place *p)
{
    if (p->why.kind == ERR_TIMEOUT)
        lab->stats.timed_out++;
    else if (p->why.kind != ERR_CANCELLED && p->ticket)
        lab->stats.crashed++;
}

static void pidfd_kill(int pidfd)
{
    if (pidfd >= 0)
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

/* Kills its analyst; `why` (NULL: it died by itself, or nobody waits for it) is how the task ends. Needs the
 * lock. */
static void place_leave(struct lab *lab, struct place *p, const struct err *why)
{
    if (p->state == EMPTY || p->state == LEAVING)
        return;
    if (why && p->why.kind == ERR_NONE)
        p->why = *why;
    pidfd_kill(p->pidfd);
    if (p->sock >= 0)
        epoll_ctl(lab->epoll_fd, EPOLL_CTL_DEL, p->sock, NULL);
    fd_closep(&p->sock);
    p->state = LEAVING;
}

static const char *signal_hint(int sig)
{
    static const struct {
        int sig;
        const char *hint;
    } hints[] = {
        {SIGABRT, "; perhaps it needed more memory than it may have"},
        {SIGKILL, "; perhaps this machine is out of memory"},
        {SIGXCPU, "; it used more processor time than the deadline allows"},
        {SIGXFSZ, "; it wrote more than it may"},
        {SIGSYS, "; it tried something that is forbidden in the sandbox"},
    };

    for (size_t i = 0; i < COUNT_OF(hints); i++)
        if (hints[i].sig == sig)
            return hints[i].hint;
    return "";
}

static void describe_death(struct err *err, int status)
{
    if (WIFSIGNALED(status))
        err_set(err, ERR_CRASH, "The analyst died of signal %d (%s) on this subject%s.", WTERMSIG(status),
                strsignal(WTERMSIG(status)), signal_hint(WTERMSIG(status)));
    else
        err_set(err, ERR_CRASH, "The analyst left with status %d before it had judged this subject.",
                WEXITSTATUS(status));
}

/* Its process is gone. Hands out the task that was left, for the caller to end outside the lock. */
static struct ticket *place_vacate(struct lab *lab, struct place *p, const struct err *death,
                                   struct err *ret_why)
{
    struct ticket *left = TAKE(p->ticket);

    if (p->why.kind == ERR_NONE)
        p->why = *death;
    *ret_why = p->why;
    if (p->tasks == 0 && !left)
        backoff_failed(&lab->spawn_backoff); /* died without a task of ours: it will again */
    fd_closep(&p->sock);
    fd_closep(&p->pidfd);
    *p = (struct place){.state = EMPTY, .sock = -1, .pidfd = -1};
    return left;
}

static void watch(struct lab *lab, int fd, uint32_t tag)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = tag};

    epoll_ctl(lab->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

static int set_nonblocking(int fd)
{
    return fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
}

/* ---- what an analyst says ---- */

static void tell_idle(struct lab *lab)
{
    if (lab->opts.idle)
        lab->opts.idle(lab->opts.idle_arg);
}

static bool on_up(struct lab *lab, struct place *p, const struct message *m UNUSED)
{
    if (state_of(lab, p) != STARTING)
        return false;
    pthread_mutex_lock(&lab->lock);
    p->state = IDLE;
    lab->up_once = true;
    lab->failed = (struct err){0};
    lab->spawn_backoff = (struct backoff){0};
    pthread_cond_broadcast(&lab->changed);
    pthread_mutex_unlock(&lab->lock);
    tell_idle(lab);
    return true;
}

static bool on_failed_start(struct lab *lab, struct place *p, const struct message *m)
{
    if (state_of(lab, p) != STARTING)
        return false;
    log_error("analyst cannot start", "error=%s", m->failed.text);
    pthread_mutex_lock(&lab->lock);
    lab->failed = m->failed;
    pthread_cond_broadcast(&lab->changed);
    place_leave(lab, p, NULL);
    pthread_mutex_unlock(&lab->lock);
    return true;
}

static bool on_progress(struct lab *lab, struct place *p, const struct message *m)
{
    if (state_of(lab, p) != BUSY || p->progress_left-- <= 0 || m->progress.done < 0 ||
        m->progress.planned < 0)
        return false;
    if (p->ticket->progress)
        p->ticket->progress(p->ticket->arg, m->progress.done, m->progress.planned);
    return true;
}

/* Takes the task off the analyst. An analyst that has done its share, or whose report is bad, is replaced.
 * NULL when the task has been cancelled meanwhile: then it ends with its analyst. */
static struct ticket *take_task(struct lab *lab, struct place *p, const struct err *bad, bool *ret_idle)
{
    struct ticket *t;

    *ret_idle = false;
    pthread_mutex_lock(&lab->lock);
    if (p->why.kind != ERR_NONE) {
        pthread_mutex_unlock(&lab->lock);
        return NULL;
    }
    t = TAKE(p->ticket);
    p->tasks++;
    lab->stats.tasks++;
    p->state = IDLE;
    if (bad) {
        lab->stats.crashed++;
        place_leave(lab, p, bad);
    } else if (p->tasks >= lab->opts.tasks_per_analyst) {
        place_leave(lab, p, NULL);
    }
    *ret_idle = p->state == IDLE;
    pthread_mutex_unlock(&lab->lock);
    return t;
}

static bool on_done(struct lab *lab, struct place *p, const struct message *m)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct lab_result result = {0};
    struct report *report = NULL;
    struct ticket *t;
    bool idle;

    if (state_of(lab, p) != BUSY)
        return false;
    if (ticket_report(p->ticket, a, m->done.report_bytes, &report, &result.error) == 0) {
        result.report = report;
        result.report_json = report_to_json(a, report);
    }
    t = take_task(lab, p, result.report ? NULL : &result.error, &idle);
    if (t)
        ticket_end(t, &result);
    if (idle)
        tell_idle(lab);
    return true;
}

static const struct {
    enum msg_type type;
    bool (*act)(struct lab *lab, struct place *p, const struct message *m); /* false: out of turn */
} analyst_says[] = {
    {MSG_UP, on_up},
    {MSG_FAILED, on_failed_start},
    {MSG_PROGRESS, on_progress},
    {MSG_DONE, on_done},
};

static bool act_on(struct lab *lab, struct place *p, const struct message *m)
{
    for (size_t i = 0; i < COUNT_OF(analyst_says); i++)
        if (analyst_says[i].type == m->type)
            return analyst_says[i].act(lab, p, m);
    return false;
}

static void misbehaved(struct lab *lab, struct place *p)
{
    struct err why = {0};

    log_warn("analyst breaks the protocol", "serial=%llu", (unsigned long long)p->serial);
    err_set(&why, ERR_INTERNAL, "The analyst did not keep to the protocol and was stopped.");
    pthread_mutex_lock(&lab->lock);
    place_leave(lab, p, &why);
    pthread_mutex_unlock(&lab->lock);
}

static void hung_up(struct lab *lab, struct place *p)
{
    pthread_mutex_lock(&lab->lock);
    place_leave(lab, p, NULL);
    pthread_mutex_unlock(&lab->lock);
}

/* Reads all that an analyst has sent. Returns with nothing left or with the socket closed. */
static void drain(struct lab *lab, struct place *p)
{
    int fds[LINK_MAX_FDS];
    struct message m;

    while (p->sock >= 0) {
        enum link_got got = link_recv(p->sock, &m, fds);
        if (got == LINK_NOTHING)
            return;
        link_close_fds(fds); /* an analyst has none to give */
        if (got == LINK_CLOSED)
            hung_up(lab, p);
        else if (got == LINK_BROKEN || !act_on(lab, p, &m))
            misbehaved(lab, p);
    }
}

/* ---- what the keeper says ---- */

static void set_failed(struct lab *lab, const struct err *why)
{
    pthread_mutex_lock(&lab->lock);
    lab->failed = *why;
    pthread_cond_broadcast(&lab->changed);
    pthread_mutex_unlock(&lab->lock);
}

static void keeper_ready(struct lab *lab, const struct message *m, int fds[LINK_MAX_FDS] UNUSED)
{
    pthread_mutex_lock(&lab->lock);
    lab->nmodels = m->ready.nmodels < LAB_MAX_MODELS ? m->ready.nmodels : LAB_MAX_MODELS;
    memcpy(lab->models, m->ready.models, sizeof lab->models);
    lab->loaded = true;
    pthread_mutex_unlock(&lab->lock);
    lab->keeper_backoff = lab->spawn_backoff = (struct backoff){0};
    log_info("models loaded", "model=%s version=%s", m->ready.models[0].name, m->ready.models[0].version);
}

static void keeper_failed(struct lab *lab, const struct message *m, int fds[LINK_MAX_FDS] UNUSED)
{
    log_error("models not loaded", "error=%s", m->failed.text);
    set_failed(lab, &m->failed);
}

static void keeper_has_analyst(struct lab *lab, const struct message *m, int fds[LINK_MAX_FDS])
{
    struct place *p = place_of(lab, m->analyst.serial);

    if (!p || state_of(lab, p) != STARTING || p->sock >= 0 || set_nonblocking(fds[0]) < 0)
        return; /* its socket closes, and it leaves */
    pthread_mutex_lock(&lab->lock);
    p->sock = TAKE_FD(fds[0]);
    p->pidfd = TAKE_FD(fds[1]);
    pthread_mutex_unlock(&lab->lock);
    watch(lab, p->sock, (uint32_t)(p - lab->places));
}

static void analyst_gone(struct lab *lab, struct place *p, const struct err *death)
{
    struct ticket *left;
    struct err why;

    drain(lab, p); /* a last report may still be on the way */
    pthread_mutex_lock(&lab->lock);
    count(lab, p);
    left = place_vacate(lab, p, death, &why);
    pthread_mutex_unlock(&lab->lock);
    if (!left)
        return;
    log_warn("task lost its analyst", "job=%s error=%s", left->job_id, why.text);
    ticket_fail(left, &why);
}

static void keeper_reaped(struct lab *lab, const struct message *m, int fds[LINK_MAX_FDS] UNUSED)
{
    struct place *p = place_of(lab, m->exited.serial);
    struct err death = {0};

    if (!p)
        return;
    describe_death(&death, m->exited.wait_status);
    analyst_gone(lab, p, &death);
}

static const struct {
    enum msg_type type;
    void (*act)(struct lab *lab, const struct message *m, int fds[LINK_MAX_FDS]);
} keeper_says[] = {
    {MSG_READY, keeper_ready},
    {MSG_FAILED, keeper_failed},
    {MSG_ANALYST, keeper_has_analyst},
    {MSG_EXITED, keeper_reaped},
};

/* ---- the keeper's life ---- */

static bool is_thread_limit(const char *variable)
{
    return text_starts(variable, "OMP_THREAD_LIMIT=");
}

/* The environment with OMP_THREAD_LIMIT=1, which must be there before a library with OpenMP is loaded. */
static char **keeper_environment(struct arena *a)
{
    size_t n = 0, kept = 0;
    char **copy;

    while (environ[n])
        n++;
    copy = arena_array(a, n + 2, sizeof *copy);
    for (size_t i = 0; i < n; i++)
        if (!is_thread_limit(environ[i]))
            copy[kept++] = environ[i];
    copy[kept] = arena_strdup(a, "OMP_THREAD_LIMIT=1");
    return copy;
}

static int keeper_exec(int sock, pid_t *ret_pid)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *argv[] = {arena_strdup(a, "assay"), arena_strdup(a, "keeper"), NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int r;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, sock, KEEPER_SOCKET);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    r = posix_spawn(ret_pid, "/proc/self/exe", &files, &attr, argv, keeper_environment(a));
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    errno = r;
    return r ? -1 : 0;
}

/* On the lab thread, because a keeper dies with the thread that started it (PR_SET_PDEATHSIG). */
static int keeper_start(struct lab *lab, struct err *err)
{
    CLEANUP(fd_closep) int theirs = -1;
    CLEANUP(fd_closep) int ours = -1;
    struct message m = {.type = MSG_OPTIONS, .options = lab->options};
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return FAIL_ERRNO(err, "cannot create a socket pair");
    ours = pair[0];
    theirs = pair[1];
    if (link_send(ours, &m, NULL, 0, err) < 0)
        return -1;
    if (keeper_exec(theirs, &lab->keeper_pid) < 0)
        return FAIL_ERRNO(err, "cannot start the keeper process");
    lab->keeper_pidfd = (int)syscall(SYS_pidfd_open, lab->keeper_pid, 0);
    set_nonblocking(ours);
    lab->keeper_sock = TAKE_FD(ours);
    watch(lab, lab->keeper_sock, TAG_KEEPER);
    return 0;
}

/* 0 unless it died of a signal. */
static int keeper_wait(struct lab *lab, int patience_ms)
{
    struct pollfd p = {.fd = lab->keeper_pidfd, .events = POLLIN};
    int status = 0;
    pid_t r;

    if (patience_ms == 0 || lab->keeper_pidfd < 0 || poll(&p, 1, patience_ms) <= 0)
        kill(lab->keeper_pid, SIGKILL);
    do
        r = waitpid(lab->keeper_pid, &status, 0);
    while (r < 0 && errno == EINTR);
    fd_closep(&lab->keeper_pidfd);
    fd_closep(&lab->keeper_sock);
    return r > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* An orphan may be ours when this process is the init of a container. */
static void bury(struct place *p)
{
    siginfo_t unused;

    if (p->pidfd < 0)
        return;
    pidfd_kill(p->pidfd);
    while (waitid(P_PIDFD, (id_t)p->pidfd, &unused, WEXITED) < 0 && errno == EINTR)
        ;
}

/* All analysts die with the keeper. */
static void everybody_gone(struct lab *lab, const struct err *why)
{
    for (size_t i = 0; i < lab->nplaces; i++) {
        struct place *p = &lab->places[i];
        if (p->serial == 0)
            continue;
        bury(p);
        analyst_gone(lab, p, why);
    }
}

static void keeper_gone(struct lab *lab)
{
    struct err why = {0};
    bool loaded = lab->loaded;
    int sig;

    pthread_mutex_lock(&lab->lock);
    lab->loaded = lab->up_once = false;
    pthread_mutex_unlock(&lab->lock);
    sig = keeper_wait(lab, 0);
    err_set(&why, ERR_CRASH, "The process that keeps the models ended%s; a new one is started.",
            sig && sig != SIGKILL ? " by a signal of its own fault" : "");
    everybody_gone(lab, &why);
    backoff_failed(&lab->keeper_backoff);
    if (loaded || lab->failed.kind == ERR_NONE) {
        log_error("keeper ended", "signal=%d", sig);
        set_failed(lab, &why);
    }
}

static void on_keeper(struct lab *lab)
{
    int fds[LINK_MAX_FDS];
    struct message m;

    while (lab->keeper_sock >= 0) {
        enum link_got got = link_recv(lab->keeper_sock, &m, fds);
        if (got == LINK_NOTHING)
            return;
        if (got != LINK_MESSAGE) {
            keeper_gone(lab);
            return;
        }
        for (size_t i = 0; i < COUNT_OF(keeper_says); i++)
            if (keeper_says[i].type == m.type)
                keeper_says[i].act(lab, &m, fds);
        link_close_fds(fds);
    }
}

/* ---- what is due ---- */

static void start_keeper_when_due(struct lab *lab, int64_t now)
{
    struct err err = {0};

    if (lab->keeper_sock >= 0 || now < lab->keeper_backoff.until_us)
        return;
    pthread_mutex_lock(&lab->lock);
    lab->failed = (struct err){0}; /* a new attempt */
    pthread_mutex_unlock(&lab->lock);
    if (keeper_start(lab, &err) == 0)
        return;
    log_error("keeper not started", "error=%s", err.text);
    set_failed(lab, &err);
    backoff_failed(&lab->keeper_backoff);
}

static void ask_for(struct lab *lab, struct place *p)
{
    struct message m = {.type = MSG_SPAWN, .spawn = {.serial = lab->last_serial + 1}};

    if (link_send(lab->keeper_sock, &m, NULL, 0, NULL) < 0) {
        backoff_failed(&lab->spawn_backoff); /* it does not keep up, or is gone: we shall hear of it */
        return;
    }
    lab->last_serial++;
    pthread_mutex_lock(&lab->lock);
    *p = (struct place){.state = STARTING, .serial = m.spawn.serial, .sock = -1, .pidfd = -1};
    if (lab->last_serial > lab->nplaces)
        lab->stats.respawned++;
    pthread_mutex_unlock(&lab->lock);
}

static void fill_places_when_due(struct lab *lab, int64_t now)
{
    if (lab->keeper_sock < 0 || !lab->loaded)
        return;
    for (size_t i = 0; i < lab->nplaces; i++)
        if (lab->places[i].serial == 0 && now >= lab->spawn_backoff.until_us)
            ask_for(lab, &lab->places[i]);
}

static void kill_overdue(struct lab *lab, int64_t now)
{
    pthread_mutex_lock(&lab->lock);
    for (size_t i = 0; i < lab->nplaces; i++) {
        struct place *p = &lab->places[i];
        struct err why = {0};
        if (p->state != BUSY || now < p->kill_at_us)
            continue;
        err_set(&why, ERR_TIMEOUT, "The analysis did not end within its deadline of %lld ms and was stopped.",
                (long long)p->ticket->deadline_ms);
        place_leave(lab, p, &why);
    }
    pthread_mutex_unlock(&lab->lock);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When the loop has something to do even if nobody says a word. */
static int64_t next_due(struct lab *lab)
{
    int64_t due = INT64_MAX;

    if (lab->keeper_sock < 0)
        return lab->keeper_backoff.until_us;
    pthread_mutex_lock(&lab->lock);
    for (size_t i = 0; i < lab->nplaces; i++)
        if (lab->places[i].state == BUSY)
            due = sooner(due, lab->places[i].kill_at_us);
        else if (lab->places[i].state == EMPTY && lab->loaded)
            due = sooner(due, lab->spawn_backoff.until_us);
    pthread_mutex_unlock(&lab->lock);
    return due;
}

static int wait_ms(int64_t due)
{
    int64_t left = due - clock_mono_us();

    if (due == INT64_MAX)
        return -1;
    return left <= 0 ? 0 : (int)sooner(left / 1000 + 1, INT_MAX);
}

static bool is_stopping(struct lab *lab)
{
    bool stopping;

    pthread_mutex_lock(&lab->lock);
    stopping = lab->stopping;
    pthread_mutex_unlock(&lab->lock);
    return stopping;
}

static void on_event(struct lab *lab, uint32_t tag)
{
    if (tag == TAG_KEEPER)
        on_keeper(lab);
    else if (tag == TAG_WAKE)
        awake(lab);
    else
        drain(lab, &lab->places[tag]);
}

static void wind_up(struct lab *lab)
{
    struct err why = {0};

    err_set(&why, ERR_CANCELLED, "The program is shutting down.");
    pthread_mutex_lock(&lab->lock);
    for (size_t i = 0; i < lab->nplaces; i++)
        place_leave(lab, &lab->places[i], &why);
    pthread_mutex_unlock(&lab->lock);
    if (lab->keeper_sock >= 0) {
        fd_closep(&lab->keeper_sock); /* tells the keeper */
        keeper_wait(lab, KEEPER_END_MS);
    }
    everybody_gone(lab, &why);
}

static void *lab_thread(void *arg)
{
    struct lab *lab = arg;
    struct epoll_event events[EVENTS];

    while (!is_stopping(lab)) {
        int64_t now = clock_mono_us();
        int n;
        start_keeper_when_due(lab, now);
        fill_places_when_due(lab, now);
        kill_overdue(lab, now);
        n = epoll_wait(lab->epoll_fd, events, EVENTS, wait_ms(next_due(lab)));
        for (int i = 0; i < n; i++)
            on_event(lab, events[i].data.u32);
    }
    wind_up(lab);
    return NULL;
}

/* ---- for other threads ---- */

static int copy_option(char *dst, size_t size, const char *src, const char *what, struct err *err)
{
    if (src && strlen(src) >= size)
        return FAIL(err, ERR_INPUT, "the %s is too long", what);
    text_copy(dst, size, src ? src : "");
    return 0;
}

static int copy_options(struct lab *lab, const struct lab_opts *opts, struct err *err)
{
    struct msg_options *m = &lab->options;

    if (opts->analysts < 1 || opts->analysts > LAB_MAX_ANALYSTS)
        return FAIL(err, ERR_INPUT, "the number of analysts must be 1 to %d", LAB_MAX_ANALYSTS);
    if (opts->tasks_per_analyst < 1 || opts->memory_bytes < 1 || opts->artefact_bytes < 1)
        return FAIL(err, ERR_INPUT, "tasks, memory or artefact size of an analyst is too small");
    lab->opts = *opts;
    m->memory_bytes = opts->memory_bytes;
    m->artefact_bytes = opts->artefact_bytes;
    m->max_pixels = opts->max_pixels;
    m->max_seconds = opts->max_seconds;
    if (copy_option(m->models_dir, sizeof m->models_dir, opts->models_dir, "path of the models", err) < 0 ||
        copy_option(m->runtime, sizeof m->runtime, opts->runtime, "path of the runtime", err) < 0 ||
        copy_option(m->detector, sizeof m->detector, opts->detector, "name of the detector", err) < 0)
        return -1;
    return 0;
}

static void lab_freep(struct lab **lab)
{
    if (!*lab)
        return;
    fd_closep(&(*lab)->epoll_fd);
    fd_closep(&(*lab)->wake_fd);
    pthread_cond_destroy(&(*lab)->changed);
    pthread_mutex_destroy(&(*lab)->lock);
    free((*lab)->places);
    free(*lab);
    *lab = NULL;
}

static struct lab *lab_new(void)
{
    struct lab *lab = mem_alloc(sizeof *lab);
    pthread_condattr_t attr;

    lab->keeper_pidfd = lab->keeper_sock = -1;
    lab->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    lab->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&lab->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&lab->changed, &attr);
    pthread_condattr_destroy(&attr);
    return lab;
}

/* The lab thread takes no signals: they are for the threads of the program. */
static int start_thread(struct lab *lab)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&lab->thread, NULL, lab_thread, lab);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = r;
    return r ? -1 : 0;
}

int lab_start(struct lab **ret_lab, const struct lab_opts *opts, struct err *err)
{
    CLEANUP(lab_freep) struct lab *lab = lab_new();

    if (copy_options(lab, opts, err) < 0)
        return -1;
    if (lab->epoll_fd < 0 || lab->wake_fd < 0)
        return FAIL_ERRNO(err, "cannot watch the lab");
    lab->nplaces = (size_t)opts->analysts;
    lab->places = mem_alloc(lab->nplaces * sizeof *lab->places);
    for (size_t i = 0; i < lab->nplaces; i++)
        lab->places[i] = (struct place){.sock = -1, .pidfd = -1};
    watch(lab, lab->wake_fd, TAG_WAKE);
    if (start_thread(lab) < 0)
        return FAIL_ERRNO(err, "cannot start the lab's thread");
    *ret_lab = TAKE(lab);
    return 0;
}

void lab_stop(struct lab *lab)
{
    if (!lab)
        return;
    pthread_mutex_lock(&lab->lock);
    lab->stopping = true;
    pthread_mutex_unlock(&lab->lock);
    wake(lab);
    pthread_join(lab->thread, NULL);
    lab_freep(&lab);
}

int lab_wait_ready(struct lab *lab, int64_t deadline_mono_us, struct err *err)
{
    struct timespec until = {deadline_mono_us / 1000000, deadline_mono_us % 1000000 * 1000};
    struct err failed;
    bool ready;
    int r = 0;

    pthread_mutex_lock(&lab->lock);
    while (!lab->up_once && lab->failed.kind == ERR_NONE && r == 0)
        r = pthread_cond_timedwait(&lab->changed, &lab->lock, &until);
    ready = lab->up_once;
    failed = lab->failed;
    pthread_mutex_unlock(&lab->lock);
    if (ready)
        return 0;
    if (failed.kind != ERR_NONE)
        return FAIL(err, failed.kind, "%s", failed.text);
    return FAIL(err, ERR_TIMEOUT, "the models were not loaded in time");
}

bool lab_is_ready(struct lab *lab)
{
    bool ready;

    pthread_mutex_lock(&lab->lock);
    ready = lab->up_once;
    pthread_mutex_unlock(&lab->lock);
    return ready;
}

static int send_task(const struct place *p, const struct ticket *t)
{
    struct message m = {.type = MSG_TASK,
                        .task = {.deadline_ms = t->deadline_ms, .spec_bytes = t->spec_bytes}};
    int fds[] = {t->spec_fd, t->subject_fd, t->report_fd, t->artefact_fd};

    return link_send(p->sock, &m, fds, t->artefact_fd < 0 ? 3 : 4, NULL);
}

/* Needs the lock. An idle analyst which has just died does not count: the lab thread will notice it. */
static bool assign(struct lab *lab, struct ticket *t)
{
    for (size_t i = 0; i < lab->nplaces; i++) {
        struct place *p = &lab->places[i];
        if (p->state != IDLE || send_task(p, t) < 0)
            continue;
        p->state = BUSY;
        p->ticket = t;
        p->kill_at_us = clock_mono_us() + t->deadline_ms * 1000 + GRACE_US;
        p->progress_left = PROGRESS_PER_SECOND * (t->deadline_ms / 1000 + 2);
        return true;
    }
    return false;
}

static bool has_idle(struct lab *lab)
{
    bool idle = false;

    pthread_mutex_lock(&lab->lock);
    for (size_t i = 0; i < lab->nplaces && !idle; i++)
        idle = lab->places[i].state == IDLE;
    pthread_mutex_unlock(&lab->lock);
    return idle;
}

int lab_run(struct lab *lab, const struct lab_task *task, struct err *err)
{
    CLEANUP(ticket_freep) struct ticket *t = NULL;
    bool assigned;

    if (!has_idle(lab))
        return FAIL(err, ERR_BUSY, "all analysts are busy");
    t = ticket_new(task, err);
    if (!t)
        return -1;
    pthread_mutex_lock(&lab->lock);
    assigned = !lab->stopping && assign(lab, t);
    pthread_mutex_unlock(&lab->lock);
    if (!assigned)
        return FAIL(err, ERR_BUSY, "all analysts are busy");
    (void)TAKE(t);
    wake(lab); /* there is a new deadline */
    return 0;
}

bool lab_cancel(struct lab *lab, const char *job_id)
{
    struct err why = {0};
    bool found = false;

    err_set(&why, ERR_CANCELLED, "The job was cancelled.");
    pthread_mutex_lock(&lab->lock);
    for (size_t i = 0; i < lab->nplaces && !found; i++) {
        struct place *p = &lab->places[i];
        found = p->state == BUSY && p->why.kind == ERR_NONE && text_is(p->ticket->job_id, job_id);
        if (!found)
            continue;
        p->why = why;
        pidfd_kill(p->pidfd); /* the lab thread sees it hang up */
    }
    pthread_mutex_unlock(&lab->lock);
    return found;
}

struct lab_stats lab_stats(struct lab *lab)
{
    struct lab_stats s;

    pthread_mutex_lock(&lab->lock);
    s = lab->stats;
    for (size_t i = 0; i < lab->nplaces; i++) {
        s.analysts += lab->places[i].state == IDLE || lab->places[i].state == BUSY;
        s.busy += lab->places[i].state == BUSY;
    }
    pthread_mutex_unlock(&lab->lock);
    return s;
}

size_t lab_models(struct lab *lab, struct arena *a, struct model_ref **ret_models)
{
    struct model_ref *models;
    size_t n;

    pthread_mutex_lock(&lab->lock);
    n = lab->nmodels;
    models = arena_array(a, n, sizeof *models);
    for (size_t i = 0; i < n; i++)
        models[i] = (struct model_ref){
            .name = arena_strdup(a, lab->models[i].name),
            .version = arena_strdup(a, lab->models[i].version),
            .task = arena_strdup(a, lab->models[i].task),
            .sha256 = arena_strdup(a, lab->models[i].sha256),
        };
    pthread_mutex_unlock(&lab->lock);
    *ret_models = models;
    return n;
}
