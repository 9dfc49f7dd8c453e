/* A refusal with the head leaves a body on the wire. If the socket were closed at once, the kernel would
 * answer that body with a reset, and a client which sends first and reads later would lose the reply. So the
 * connection is kept half closed for a while and what still comes is thrown away. One thread, a fixed number
 * of places; when all are taken, or time is up, the socket is closed and the client may see a reset. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/server_int.h"

enum { PLACES = 64, LINGER_US = 10000000, LOOK_MS = 500, GULP = 1 << 20, EVENTS = 16 };

struct place {
    int fd; /* -1: free */
    int64_t deadline_mono_us;
};

struct farewell {
    int epoll, wake;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct place places[PLACES];
    bool stop;
};

static void leave(struct place *p)
{
    fd_closep(&p->fd); /* the last descriptor: this also takes it out of the epoll set */
}

/* MSG_TRUNC on TCP drops the bytes in the kernel. */
static bool has_more(int fd)
{
    ssize_t n = recv(fd, NULL, GULP, MSG_TRUNC | MSG_DONTWAIT);

    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void serve(struct farewell *f, const struct epoll_event *events, int n)
{
    int64_t now = clock_mono_us();

    for (int i = 0; i < n; i++) {
        struct place *p = events[i].data.ptr;
        if (p && p->fd >= 0 && !has_more(p->fd))
            leave(p);
    }
    for (int i = 0; i < PLACES; i++)
        if (f->places[i].fd >= 0 && now > f->places[i].deadline_mono_us)
            leave(&f->places[i]);
}

static void *run(void *arg)
{
    struct farewell *f = arg;
    struct epoll_event events[EVENTS];
    bool stop = false;

    while (!stop) {
        int n = epoll_wait(f->epoll, events, EVENTS, LOOK_MS);
        pthread_mutex_lock(&f->lock);
        serve(f, events, n);
        stop = f->stop;
        pthread_mutex_unlock(&f->lock);
    }
    return NULL;
}

struct farewell *farewell_new(void)
{
    struct farewell *f = mem_alloc(sizeof *f);
    struct epoll_event wake = {.events = EPOLLIN};

    for (int i = 0; i < PLACES; i++)
        f->places[i].fd = -1;
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&f->lock, NULL);
    f->started = f->epoll >= 0 && f->wake >= 0 && epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->wake, &wake) == 0 &&
                 pthread_create(&f->thread, NULL, run, f) == 0;
    if (!f->started)
        farewell_freep(&f);
    return f;
}

static void stop_thread(struct farewell *f)
{
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_mutex_unlock(&f->lock);
    eventfd_write(f->wake, 1);
    pthread_join(f->thread, NULL);
}

void farewell_freep(struct farewell **farewell)
{
    struct farewell *f = *farewell;

    if (!f)
        return;
    if (f->started)
        stop_thread(f);
    for (int i = 0; i < PLACES; i++)
        leave(&f->places[i]);
    fd_closep(&f->wake);
    fd_closep(&f->epoll);
    pthread_mutex_destroy(&f->lock);
    free(f);
    *farewell = NULL;
}

void farewell_add(struct farewell *f, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP};
    struct place *p = f->places;

    pthread_mutex_lock(&f->lock);
    while (p < f->places + PLACES && p->fd >= 0)
        p++;
    if (p < f->places + PLACES && (p->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0) {
        p->deadline_mono_us = clock_mono_us() + LINGER_US;
        event.data.ptr = p;
        shutdown(p->fd, SHUT_WR);
        if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, p->fd, &event) < 0)
            leave(p);
    }
    pthread_mutex_unlock(&f->lock);
}
