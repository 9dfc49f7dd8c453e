/* One thread accepts connections and hands them to the daemon's threads in turn. The library can accept by
 * itself, but then nobody can take the socket from it while it runs: MHD_quiesce_daemon and a thread of the
 * daemon may both remove the socket from the thread's epoll set, and the second one to try ends the whole
 * process ("Failed to remove listen FD from epoll set", seen with 0.9.75). */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/server_int.h"

enum {
    TURN = 64,      /* connections before the next look at whether it should stop */
    PAUSE_MS = 100, /* without descriptors or memory; the backlog holds who comes meanwhile */
};

struct acceptor {
    int fd, stop;
    struct server *server;
    pthread_t thread;
    bool started;
};

/* What a client or the network did is its own end and not ours (accept(2)). */
static bool is_for_want_of_resources(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

/* False for want of resources. */
static bool accept_some(struct acceptor *a)
{
    for (int i = 0; i < TURN; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        int fd = accept4(a->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return !is_for_want_of_resources(errno);
        /* It closes what it does not take. */
        if (MHD_add_connection(a->server->daemon, fd, (struct sockaddr *)&from, len) == MHD_YES)
            atomic_fetch_add_explicit(&a->server->handed, 1, memory_order_relaxed);
    }
    return true;
}

static void *run(void *arg)
{
    struct acceptor *a = arg;
    struct pollfd fds[] = {{.fd = a->stop, .events = POLLIN}, {.fd = a->fd, .events = POLLIN}};
    bool able = true, was_able;

    for (;;) {
        poll(fds, able ? 2 : 1, able ? -1 : PAUSE_MS);
        if (fds[0].revents)
            return NULL;
        was_able = able;
        able = accept_some(a);
        if (!able && was_able)
            log_warn("connections wait", "why=%s", strerror(errno));
    }
}

struct acceptor *acceptor_new_take(int fd, struct server *server)
{
    struct acceptor *a = mem_alloc(sizeof *a);

    a->fd = fd;
    a->server = server;
    a->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    a->started = a->stop >= 0 && pthread_create(&a->thread, NULL, run, a) == 0;
    if (!a->started)
        acceptor_freep(&a);
    return a;
}

void acceptor_freep(struct acceptor **acceptor)
{
    struct acceptor *a = *acceptor;

    if (!a)
        return;
    if (a->started) {
        eventfd_write(a->stop, 1);
        pthread_join(a->thread, NULL);
    }
    fd_closep(&a->stop);
    fd_closep(&a->fd);
    free(a);
    *acceptor = NULL;
}
