/* The .eim protocol on a unix socket. */
#include "cmd/eim_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"

/* A client. As long as an answer is not out, nothing more is read. */
struct client {
    int fd; /* -1: the place is free */
    struct eim_session *session;
    struct eim_stream in;
    struct arena *arena; /* of the answer; NULL: none is on its way */
    struct bytes out;
    bool last; /* after this answer it ends */
};

struct server {
    const struct eim_host *host;
    struct sockaddr_un address;
    struct stat made; /* our socket, so that nobody else's is removed */
    int fd;
    struct client clients[EIM_CONNECTIONS];
};

int eim_stop_signals(int *ret_fd, struct err *err)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return FAIL_ERRNO(err, "cannot wait for signals");
    *ret_fd = fd;
    return 0;
}

/* ---- the socket ---- */

static bool somebody_serves(const struct sockaddr_un *address)
{
    CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN;
}

static int make_room(const struct sockaddr_un *address, struct err *err)
{
    const char *path = address->sun_path;
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : FAIL_ERRNO(err, "cannot look at %s", path);
    if (!S_ISSOCK(st.st_mode))
        return FAIL(err, ERR_CONFLICT, "%s is there and no socket; it is left alone, choose another name",
                    path);
    if (somebody_serves(address))
        return FAIL(err, ERR_CONFLICT, "another program serves on %s", path);
    if (unlink(path) < 0)
        return FAIL_ERRNO(err, "cannot remove the old socket %s", path);
    return 0;
}

static int set_address(struct sockaddr_un *address, const char *path, struct err *err)
{
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof address->sun_path)
        return FAIL(err, ERR_INPUT, "the path of a socket has 1 to %zu bytes, this one %zu",
                    sizeof address->sun_path - 1, n);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, n);
    return 0;
}

static int listen_there(struct server *s, struct err *err)
{
    const struct sockaddr *address = (const struct sockaddr *)&s->address;

    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The mode before there is a name: nobody gets in between. */
    if (s->fd < 0 || fchmod(s->fd, 0600) < 0)
        return FAIL_ERRNO(err, "cannot make a socket");
    if (bind(s->fd, address, sizeof s->address) < 0)
        return FAIL_ERRNO(err, "cannot make the socket %s", s->address.sun_path);
    if (lstat(s->address.sun_path, &s->made) < 0 || listen(s->fd, EIM_CONNECTIONS) < 0)
        return FAIL_ERRNO(err, "cannot listen on %s", s->address.sun_path);
    return 0;
}

static void remove_socket(const struct server *s)
{
    struct stat st;

    if (s->made.st_ino && lstat(s->address.sun_path, &st) == 0 && st.st_ino == s->made.st_ino &&
        st.st_dev == s->made.st_dev)
        unlink(s->address.sun_path);
}

/* ---- one client ---- */

static void client_end(struct client *c)
{
    fd_closep(&c->fd);
    eim_session_freep(&c->session);
    eim_stream_clear(&c->in);
    arena_freep(&c->arena);
    *c = (struct client){.fd = -1};
}

static void say(struct client *c, struct arena *a, struct bytes answer, bool last)
{
    c->arena = a;
    c->out = answer;
    c->last = last;
}

/* Sends what it takes now. */
static void client_write(struct client *c)
{
    ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        client_end(c);
        return;
    }
    c->out = bytes_of(c->out.data + n, c->out.len - (size_t)n);
    if (c->out.len)
        return;
    arena_freep(&c->arena);
    if (c->last)
        client_end(c);
}

/* Answers what has come in, one message after the other, as long as the client takes the answers. */
static void client_answer(struct client *c)
{
    struct bytes message;
    struct err err = {0};
    int r;

    while (c->fd >= 0 && !c->arena && (r = eim_stream_next(&c->in, &message, &err)) != 0) {
        struct arena *a = arena_new();
        bool end = true;
        struct bytes answer =
            r > 0 ? eim_session_answer(c->session, a, message, &end) : eim_failure_write(a, NULL, err.text);
        say(c, a, answer, end);
        client_write(c);
    }
}

static void client_read(struct client *c)
{
    char chunk[EIM_CHUNK];
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);

    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            client_end(c);
        return;
    }
    eim_stream_add(&c->in, chunk, (size_t)n);
    client_answer(c);
}

static void client_turn(struct client *c, short events)
{
    if (events && c->arena)
        client_write(c);
    else if (events)
        client_read(c);
    if (c->fd >= 0 && !c->arena)
        client_answer(c); /* what came before the last answer was out */
}

/* ---- all ---- */

/* One too many is told so: it may wait for an answer. */
static void turn_away(int fd)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes no = eim_failure_write(
        a, NULL, arena_printf(a, "%d clients are connected, and there is no room for more", EIM_CONNECTIONS));

    if (send(fd, no.data, no.len, MSG_NOSIGNAL) < 0)
        log_debug("client not told", "why=%s", strerror(errno));
    close(fd);
}

static void take_client(struct server *s)
{
    int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *c = s->clients;
    struct err err = {0};

    if (fd < 0)
        return;
    while (c < s->clients + EIM_CONNECTIONS && c->fd >= 0)
        c++;
    if (c == s->clients + EIM_CONNECTIONS) {
        turn_away(fd);
        return;
    }
    *c = (struct client){.fd = fd, .in = eim_stream_new()};
    if (eim_session_new(&c->session, s->host, &err) < 0)
        client_end(c);
}

static int serve(struct server *s, int stop_fd, struct err *err)
{
    enum { STOP, MORE, FIRST };
    struct pollfd fds[FIRST + EIM_CONNECTIONS];

    for (;;) {
        fds[STOP] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
        fds[MORE] = (struct pollfd){.fd = s->fd, .events = POLLIN};
        for (size_t i = 0; i < EIM_CONNECTIONS; i++)
            fds[FIRST + i] =
                (struct pollfd){.fd = s->clients[i].fd, .events = s->clients[i].arena ? POLLOUT : POLLIN};
        if (poll(fds, COUNT_OF(fds), -1) < 0 && errno != EINTR)
            return FAIL_ERRNO(err, "cannot wait for clients");
        if (fds[STOP].revents)
            return 0;
        for (size_t i = 0; i < EIM_CONNECTIONS; i++)
            if (s->clients[i].fd >= 0)
                client_turn(&s->clients[i], fds[FIRST + i].revents);
        if (fds[MORE].revents)
            take_client(s);
    }
}

int eim_serve(const struct eim_host *host, const char *path, int stop_fd, void (*ready)(void *arg),
              void *ready_arg, struct err *err)
{
    CLEANUP(eim_session_freep) struct eim_session *first = NULL;
    struct server s = {.host = host, .fd = -1};
    int r = -1;

    for (size_t i = 0; i < EIM_CONNECTIONS; i++)
        s.clients[i].fd = -1;
    /* One to see whether there can be any. */
    if (eim_session_new(&first, host, err) < 0 || set_address(&s.address, path, err) < 0 ||
        make_room(&s.address, err) < 0)
        return -1;
    if (listen_there(&s, err) == 0) {
        if (ready)
            ready(ready_arg);
        r = serve(&s, stop_fd, err);
    }
    for (size_t i = 0; i < EIM_CONNECTIONS; i++)
        client_end(&s.clients[i]);
    remove_socket(&s);
    fd_closep(&s.fd);
    return r;
}
