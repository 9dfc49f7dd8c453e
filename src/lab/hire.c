/* The keeper as the front sees it: starting it, asking it for analysts, outliving it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "lab/front_int.h"

enum { KEEPER_END_MS = 2000 };

/* ---- its life ---- */

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

static int keeper_exec(const char *program, int sock, pid_t *ret_pid)
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
    r = posix_spawn(ret_pid, program, &files, &attr, argv, keeper_environment(a));
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
    /* Watched before there is anybody: one that nobody hears would be waited for without end. */
    if (fd_set_nonblocking(ours) < 0 || lab_watch(lab, ours, TAG_KEEPER) < 0)
        return FAIL_ERRNO(err, "cannot watch the keeper");
    if (keeper_exec(lab->keeper, theirs, &lab->keeper_pid) < 0)
        return FAIL_ERRNO(err, "cannot start the keeper process %s", lab->keeper);
    lab->keeper_pidfd = (int)syscall(SYS_pidfd_open, lab->keeper_pid, 0);
    lab->keeper_sock = TAKE_FD(ours);
    pthread_mutex_lock(&lab->lock);
    lab->stats.keepers++;
    pthread_mutex_unlock(&lab->lock);
    return 0;
}

/* Kills it when it does not leave in time. The signal it died of, or 0. */
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
        place_died(lab, p, why, LAB_KEEPER);
    }
}

static void keeper_gone(struct lab *lab)
{
    struct err why = {0};
    bool loaded = lab->loaded;
    int sig = keeper_wait(lab, 0);

    err_set(&why, ERR_CRASH, "The process that keeps the models ended; a new one is started, try again.");
    everybody_gone(lab, &why);
    pthread_mutex_lock(&lab->lock);
    lab->loaded = lab->up_once = false;
    pthread_mutex_unlock(&lab->lock);
    backoff_failed(&lab->keeper_backoff);
    if (loaded || lab->failed.kind == ERR_NONE) {
        log_error("keeper ended", "signal=%d", sig);
        lab_set_failed(lab, &why);
    }
}

void keeper_start_when_due(struct lab *lab, int64_t now)
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
    lab_set_failed(lab, &err);
    backoff_failed(&lab->keeper_backoff);
}

void keeper_dismiss(struct lab *lab, const struct err *why)
{
    if (lab->keeper_sock >= 0) {
        fd_closep(&lab->keeper_sock); /* tells the keeper */
        keeper_wait(lab, KEEPER_END_MS);
    }
    everybody_gone(lab, why);
}

/* ---- what it says ---- */

static void keeper_ready(struct lab *lab, const struct message *m, int fds[LINK_MAX_FDS] UNUSED)
{
    size_t known;

    pthread_mutex_lock(&lab->lock);
    known = lab->loaded ? lab->nmodels : 0;
    lab->nmodels = m->ready.nmodels < LAB_MAX_MODELS ? m->ready.nmodels : LAB_MAX_MODELS;
    memcpy(lab->models, m->ready.models, sizeof lab->models);
    lab->about = m->ready.about;
    lab->loaded = true;
    pthread_mutex_unlock(&lab->lock);
    lab->keeper_backoff = lab->spawn_backoff = (struct backoff){0};
    for (size_t i = known; i < lab->nmodels; i++)
        log_info("model loaded", "model=%s version=%s sha256=%.12s", lab->models[i].name,
                 lab->models[i].version, lab->models[i].sha256);
}

static void keeper_failed(struct lab *lab, const struct message *m, int fds[LINK_MAX_FDS] UNUSED)
{
    log_error("keeper has a problem", "error=%s", m->failed.text);
    lab_set_failed(lab, &m->failed);
}

static void keeper_has_analyst(struct lab *lab, const struct message *m, int fds[LINK_MAX_FDS])
{
    struct place *p = place_of(lab, m->analyst.serial);

    if (!p || place_state(lab, p) != STARTING || p->sock >= 0 || fd_set_nonblocking(fds[0]) < 0)
        return; /* its socket closes, and it leaves */
    pthread_mutex_lock(&lab->lock);
    p->sock = TAKE_FD(fds[0]);
    p->pidfd = TAKE_FD(fds[1]);
    pthread_mutex_unlock(&lab->lock);
    if (lab_watch(lab, p->sock, (uint32_t)(p - lab->places)) == 0)
        return;
    log_warn("analyst cannot be watched", "serial=%llu", (unsigned long long)p->serial);
    pthread_mutex_lock(&lab->lock);
    place_leave(lab, p, NULL); /* the keeper tells of its end, and the next one is asked for */
    pthread_mutex_unlock(&lab->lock);
}

static void keeper_reaped(struct lab *lab, const struct message *m, int fds[LINK_MAX_FDS] UNUSED)
{
    struct place *p = place_of(lab, m->exited.serial);

    if (p)
        place_died_with_status(lab, p, m->exited.wait_status);
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

void keeper_hear(struct lab *lab)
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

void keeper_ask_for(struct lab *lab, struct place *p)
{
    struct message m = {.type = MSG_SPAWN, .spawn = {.serial = lab->last_serial + 1}};

    pthread_mutex_lock(&lab->lock);
    m.spawn.kits = lab->kits;
    pthread_mutex_unlock(&lab->lock);
    if (link_send(lab->keeper_sock, &m, NULL, 0, NULL) < 0) {
        backoff_failed(&lab->spawn_backoff); /* it does not keep up, or is gone: we shall hear of it */
        return;
    }
    lab->last_serial++;
    pthread_mutex_lock(&lab->lock);
    *p = (struct place){
        .state = STARTING, .serial = m.spawn.serial, .kits = m.spawn.kits, .sock = -1, .pidfd = -1};
    if (lab->last_serial > lab->nplaces)
        lab->stats.respawned++;
    pthread_mutex_unlock(&lab->lock);
}
