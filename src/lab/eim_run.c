/* A cell and its program: starting them, talking to the program, outliving both. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "lab/eim_int.h"

enum {
    LOOK_MS = 10,  /* between two looks for the socket */
    NEWS_MS = 300, /* for the cell to say why a program is gone */
    END_MS = 3000, /* for a cell to clear up */
};

bool run_is(const struct run *r)
{
    return r->control >= 0;
}

static int left_ms(int64_t deadline_us)
{
    int64_t left = deadline_us - clock_mono_us();

    return left <= 0 ? 0 : left / 1000 >= INT_MAX ? INT_MAX : (int)(left / 1000) + 1;
}

/* ---- how it ended ---- */

/* What a program printed, as part of a sentence. */
static void plain(char *s)
{
    size_t n = 0;

    for (size_t i = 0; s[i]; i++)
        if (n || s[i] > ' ')
            s[n++] = (unsigned char)s[i] < ' ' || (unsigned char)s[i] >= 0x7f ? ' ' : s[i];
    while (n && s[n - 1] == ' ')
        n--;
    s[n] = '\0';
}

static int ended(struct cell_news *news, struct err *err)
{
    const char *before, *said = news->said, *after;

    news->said[CELL_SAID - 1] = '\0';
    plain(news->said);
    before = *said ? "; the last it printed: \"" : "";
    after = *said ? "\"" : "";
    if (WIFSIGNALED(news->status) && WTERMSIG(news->status) == SIGXCPU)
        return FAIL(err, ERR_MODEL, "it has used up its processor time");
    if (WIFSIGNALED(news->status))
        return FAIL(err, ERR_MODEL, "it died of signal %d%s%s%s", WTERMSIG(news->status), before, said,
                    after);
    return FAIL(err, ERR_MODEL, "it ended with status %d%s%s%s", WEXITSTATUS(news->status), before, said,
                after);
}

/* -1 and the cell's own words, as soon as it has some, at the latest after `patience_ms`; 0: it says nothing.
 */
static int hear_cell(const struct run *r, int patience_ms, struct cell_news *ret, struct err *err)
{
    struct pollfd p = {.fd = r->control, .events = POLLIN};
    ssize_t n;

    if (poll(&p, 1, patience_ms) <= 0)
        return 0;
    n = recv(r->control, ret, sizeof *ret, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n != sizeof *ret)
        return FAIL(err, ERR_MODEL, "the process that watches over it is gone");
    ret->failed.text[sizeof ret->failed.text - 1] = '\0';
    ret->folder[sizeof ret->folder - 1] = '\0';
    if (ret->says == CELL_FAILED)
        return FAIL(err, ERR_MODEL, "%s", ret->failed.text);
    return ret->says == CELL_ENDED ? ended(ret, err) : 0;
}

/* Its end of the socket is closed: it is gone, or has had enough. */
static int hung_up(const struct run *r, struct err *err)
{
    struct cell_news news;

    if (hear_cell(r, NEWS_MS, &news, err) < 0)
        return -1;
    return FAIL(err, ERR_MODEL, "it closed its socket instead of an answer");
}

/* ---- starting ---- */

static int spawn_cell(struct run *r, const char *executable, int theirs, struct err *err)
{
    char name[] = "assay", word[] = "eim-cell";
    char *argv[] = {name, word, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int failed;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, theirs, CELL_SOCKET);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    failed = posix_spawn(&r->cell, executable, &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    errno = failed;
    return failed ? FAIL_ERRNO(err, "%s cannot be started as a cell", executable) : 0;
}

static int start_cell(struct run *r, const char *executable, const struct cell_order *order, struct err *err)
{
    CLEANUP(fd_closep) int ours = -1;
    CLEANUP(fd_closep) int theirs = -1;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return FAIL_ERRNO(err, "cannot make a socket pair");
    ours = pair[0];
    theirs = pair[1];
    if (send(ours, order, sizeof *order, MSG_NOSIGNAL) != sizeof *order)
        return FAIL_ERRNO(err, "cannot give a cell its order");
    if (spawn_cell(r, executable, theirs, err) < 0)
        return -1;
    r->control = TAKE_FD(ours);
    return 0;
}

static int wait_up(struct run *r, int64_t deadline_us, struct err *err)
{
    struct cell_news news = {0};

    if (hear_cell(r, left_ms(deadline_us), &news, err) < 0)
        return -1;
    if (news.says != CELL_UP)
        return FAIL(err, ERR_TIMEOUT, "it was not started in time");
    r->program = news.pid;
    r->alone = news.alone;
    r->landlock = news.landlock;
    text_copy(r->folder, sizeof r->folder, news.folder);
    return 0;
}

/* The folder is the program's: it could lead us to somebody else's socket. Whoever listens must be of its
 * group.
 */
static int check_peer(const struct run *r, struct err *err)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (getsockopt(r->sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return FAIL_ERRNO(err, "cannot see who listens");
    if (peer.uid != r->uid || getpgid(peer.pid) != r->program)
        return FAIL(err, ERR_MODEL, "its socket is another process's");
    return 0;
}

/* 0: not there yet. */
static int try_connect(struct run *r, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s/" CELL_LISTENS, r->folder);
    if (fd < 0)
        return FAIL_ERRNO(err, "cannot make a socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return 0;
    r->sock = TAKE_FD(fd);
    return check_peer(r, err) < 0 ? -1 : 1;
}

static int connect_when_up(struct run *r, int64_t deadline_us, struct err *err)
{
    struct cell_news news;
    int done;

    while ((done = try_connect(r, err)) == 0) {
        if (hear_cell(r, LOOK_MS, &news, err) < 0)
            return -1;
        if (clock_mono_us() >= deadline_us)
            return FAIL(err, ERR_TIMEOUT, "it did not open its socket in time");
    }
    return done < 0 ? -1 : 0;
}

int run_start(struct run *r, const char *executable, const struct cell_order *order, int64_t deadline_us,
              struct err *err)
{
    *r = RUN_NONE;
    r->in = eim_stream_new();
    r->uid = order->other_user ? order->uid : geteuid();
    if (start_cell(r, executable, order, err) == 0 && wait_up(r, deadline_us, err) == 0 &&
        connect_when_up(r, deadline_us, err) == 0)
        return 0;
    run_end(r, false);
    return -1;
}

/* ---- talking ---- */

/* Waits until the socket can do what is wanted. */
static int wait_for(const struct run *r, short events, int64_t deadline_us, struct err *err)
{
    struct pollfd p = {.fd = r->sock, .events = events};
    int n;

    do
        n = poll(&p, 1, left_ms(deadline_us));
    while (n < 0 && errno == EINTR && clock_mono_us() < deadline_us);
    if (n > 0)
        return 0;
    return FAIL(err, ERR_TIMEOUT, "it did not answer in time");
}

static int send_all(const struct run *r, struct bytes text, int64_t deadline_us, struct err *err)
{
    while (text.len) {
        ssize_t n = send(r->sock, text.data, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return hung_up(r, err);
        if (n > 0)
            text = bytes_of(text.data + n, text.len - (size_t)n);
        else if (wait_for(r, POLLOUT, deadline_us, err) < 0)
            return -1;
    }
    return 0;
}

/* As eim_stream_next, after some more bytes; 0 also when none are there. */
static int read_some(struct run *r, struct bytes *ret, struct err *err)
{
    char chunk[EIM_CHUNK];
    ssize_t n = recv(r->sock, chunk, sizeof chunk, MSG_DONTWAIT);
    struct err why = {0};
    int got;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return hung_up(r, err);
    eim_stream_add(&r->in, chunk, (size_t)n);
    got = eim_stream_next(&r->in, ret, &why);
    return got < 0 ? FAIL(err, ERR_MODEL, "what it says is no answer: %.180s", why.text) : got;
}

bool run_is_quiet(struct run *r)
{
    struct cell_news news;
    struct bytes unasked;
    struct pollfd p = {.fd = r->sock, .events = POLLIN};

    if (hear_cell(r, 0, &news, NULL) < 0 || eim_stream_next(&r->in, &unasked, NULL) != 0)
        return false;
    while (poll(&p, 1, 0) > 0)
        if (read_some(r, &unasked, NULL) != 0 || !eim_stream_empty(&r->in))
            return false;
    return eim_stream_empty(&r->in);
}

int run_ask(struct run *r, struct bytes request, int64_t deadline_us, struct bytes *ret, struct err *err)
{
    int got = 0;

    if (send_all(r, request, deadline_us, err) < 0)
        return -1;
    while (got == 0)
        if (clock_mono_us() >= deadline_us)
            return FAIL(err, ERR_TIMEOUT, "it did not answer in time");
        else if (wait_for(r, POLLIN, deadline_us, err) < 0 || (got = read_some(r, ret, err)) < 0)
            return -1;
    return 0;
}

/* ---- ending ---- */

static void bury(pid_t cell)
{
    int pidfd = (int)syscall(SYS_pidfd_open, cell, 0), status;
    struct pollfd p = {.fd = pidfd, .events = POLLIN};

    if (pidfd < 0 || poll(&p, 1, END_MS) <= 0)
        kill(cell, SIGKILL); /* the program dies with it */
    while (waitpid(cell, &status, 0) < 0 && errno == EINTR)
        ;
    fd_closep(&pidfd);
}

void run_end(struct run *r, bool politely)
{
    char quit = CELL_QUIT;
    struct pollfd p = {.fd = r->control, .events = POLLIN};

    fd_closep(&r->sock);
    if (r->control >= 0 && politely && send(r->control, &quit, 1, MSG_NOSIGNAL) == 1)
        poll(&p, 1, END_MS); /* its last news, or its end */
    fd_closep(&r->control);
    if (r->cell > 0)
        bury(r->cell);
    eim_stream_clear(&r->in);
    *r = RUN_NONE;
}
