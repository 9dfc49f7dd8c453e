/* libmicrohttpd's time-out starts again with every byte, so a client which sends one byte now and then would
 * hold its connection for ever. The watch closes those from outside: once a second it looks at every
 * connection whose client owes us something, and shuts the socket down when that takes too long. The daemon
 * then sees the end of the stream.
 *
 *   request head    at most 2 * idle_seconds since the connection or the request before it
 *   request body    at least BODY_RATE bytes a second, over windows of idle_seconds
 *
 * It also knows how many there are. Connections that only wait cost nobody else a place: when all are taken,
 * one that has waited for a second or more gives way to the next that comes. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/server_int.h"

enum { BODY_RATE = 256, GRACE_TICKS = 2 /* the first is shorter than a second */ };

struct watch {
    unsigned idle_seconds;
    size_t max;
    pthread_t thread;
    atomic_ullong slow;
    atomic_uint now; /* seconds since the start; read by net threads */
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    struct conn *first, *last; /* newest, oldest */
    size_t n;                  /* without those which give way */
    bool stop;
};

static bool is_too_slow(const struct watch *w, struct conn *c, unsigned now)
{
    enum conn_state state = (enum conn_state)atomic_load(&c->state);
    unsigned waited = now - atomic_load(&c->since);
    uint64_t body = atomic_load(&c->body);
    bool slow;

    if (state == CONN_HEAD)
        return waited > 2 * w->idle_seconds;
    if (state != CONN_BODY || waited <= w->idle_seconds)
        return false;
    slow = body - c->body_before < (uint64_t)BODY_RATE * w->idle_seconds;
    c->body_before = body;
    atomic_store(&c->since, now);
    return slow;
}

/* Nothing of a request has come for a while, as far as we and the kernel know. One that has just connected
 * has its request on the way. */
static bool only_waits(const struct watch *w, const struct conn *c)
{
    int unread = 0;

    return !c->gives_way && atomic_load(&c->state) == CONN_HEAD &&
           atomic_load(&w->now) - atomic_load(&c->since) >= GRACE_TICKS &&
           ioctl(c->fd, FIONREAD, &unread) == 0 && unread == 0;
}

/* Under lock. False when nobody gives way. */
static bool make_place(struct watch *w)
{
    struct conn *c = w->last;

    while (c && !only_waits(w, c))
        c = c->prev;
    if (!c)
        return false;
    c->gives_way = true;
    w->n--;
    shutdown(c->fd, SHUT_RDWR);
    return true;
}

static void look(struct watch *w, unsigned now)
{
    for (struct conn *c = w->first; c; c = c->next)
        if (is_too_slow(w, c, now)) {
            log_debug("slow client dropped", "fd=%d", c->fd);
            atomic_fetch_add(&w->slow, 1);
            shutdown(c->fd, SHUT_RDWR);
        }
    while (w->n > w->max && make_place(w))
        ;
}

static void *run(void *arg)
{
    struct watch *w = arg;
    struct timespec next;

    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        next.tv_sec++;
        while (!w->stop && pthread_cond_timedwait(&w->wakeup, &w->lock, &next) == 0)
            ;
        look(w, atomic_fetch_add(&w->now, 1) + 1);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct watch *watch_new(int idle_seconds, int max_connections)
{
    struct watch *w = mem_alloc(sizeof *w);
    pthread_condattr_t attr;

    w->idle_seconds = (unsigned)idle_seconds;
    w->max = (size_t)max_connections;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wakeup, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&w->thread, NULL, run, w) == 0)
        return w;
    pthread_cond_destroy(&w->wakeup);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return NULL;
}

void watch_freep(struct watch **w)
{
    if (!*w)
        return;
    pthread_mutex_lock(&(*w)->lock);
    (*w)->stop = true;
    pthread_cond_signal(&(*w)->wakeup);
    pthread_mutex_unlock(&(*w)->lock);
    pthread_join((*w)->thread, NULL);
    pthread_cond_destroy(&(*w)->wakeup);
    pthread_mutex_destroy(&(*w)->lock);
    free(*w);
    *w = NULL;
}

struct conn *watch_add(struct watch *w, int fd)
{
    struct conn *c = mem_alloc(sizeof *c);

    c->fd = fd;
    watch_state(w, c, CONN_HEAD);
    pthread_mutex_lock(&w->lock);
    c->over = w->n >= w->max && !make_place(w);
    c->next = w->first;
    if (c->next)
        c->next->prev = c;
    else
        w->last = c;
    w->first = c;
    w->n++;
    pthread_mutex_unlock(&w->lock);
    return c;
}

void watch_drop_take(struct watch *w, struct conn *c)
{
    pthread_mutex_lock(&w->lock);
    if (c->next)
        c->next->prev = c->prev;
    else
        w->last = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        w->first = c->next;
    w->n -= !c->gives_way;
    pthread_mutex_unlock(&w->lock);
    free(c);
}

uint64_t watch_slow(struct watch *w)
{
    return atomic_load(&w->slow);
}

void watch_state(struct watch *w, struct conn *c, enum conn_state state)
{
    atomic_store_explicit(&c->since, atomic_load_explicit(&w->now, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&c->state, (int)state, memory_order_release);
}
