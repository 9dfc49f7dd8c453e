/* One thread polls all websockets. A net thread hands the socket over when the library has sent the 101:
 *
 *   request_upgrade --> pending --(101 sent)--> in the hub: open -> closing -> gone
 *                          \--(client gone)--> gone                                                        */
#include "net/websocket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/frames.h"
#include "net/server_int.h"

enum { GULP = 16 << 10, CLOSE_WAIT_US = 2000000 };

struct websocket {
    struct sockets *hub;
    const struct websocket_handler *handler;
    void *arg;
    /* --- from here on the hub's thread only, once it is handed over --- */
    struct MHD_UpgradeResponseHandle *upgraded;
    int fd;
    struct frame_reader reader;
    struct buf out;
    size_t sent;        /* of `out` */
    int64_t heard_us;   /* monotonic */
    int64_t closing_us; /* until when we wait for the end; 0: open */
    bool pinged, opened, dead;
    struct websocket *next;
};

struct sockets {
    pthread_t thread;
    bool started;
    int wake;
    struct websocket *open; /* the hub's thread only */
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct websocket *fresh; /* handed over */
    size_t n;                /* all of them, pending ones too */
    bool stop;
};

/* ---- sending ---- */

static void flush(struct websocket *w)
{
    while (w->sent < w->out.len && !w->dead) {
        ssize_t n = send(w->fd, w->out.data + w->sent, w->out.len - w->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
            w->sent += (size_t)n;
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        else
            w->dead = true;
    }
    w->out.len = w->sent = 0;
}

static void put(struct websocket *w, enum frame_kind kind, struct bytes data)
{
    if (w->sent) { /* what is gone makes room */
        memmove(w->out.data, w->out.data + w->sent, w->out.len - w->sent);
        w->out.len -= w->sent;
        w->sent = 0;
    }
    frame_write(&w->out, kind, data);
    w->dead |= w->out.overflow;
    flush(w);
}

void websocket_send(struct websocket *w, struct bytes text)
{
    if (!w->closing_us)
        put(w, FRAME_TEXT, text);
}

static void close_with(struct websocket *w, int code)
{
    uint8_t body[2] = {(uint8_t)(code >> 8), (uint8_t)code};

    if (w->closing_us)
        return;
    put(w, FRAME_CLOSE, bytes_of(body, sizeof body));
    w->closing_us = clock_mono_us() + CLOSE_WAIT_US;
}

void websocket_close(struct websocket *w)
{
    close_with(w, CLOSE_NORMAL);
}

/* ---- receiving ---- */

static int got(void *arg, enum frame_kind kind, struct bytes data)
{
    struct websocket *w = arg;

    switch (kind) {
    case FRAME_TEXT:
        if (!w->closing_us)
            w->handler->text(w, w->arg, data);
        return 0;
    case FRAME_PING:
        if (!w->closing_us)
            put(w, FRAME_PONG, data);
        return 0;
    case FRAME_CLOSE:
        close_with(w, CLOSE_NORMAL);
        w->dead = w->out.len == 0;
        return CLOSE_NORMAL;
    case FRAME_BINARY:
        return CLOSE_DATA;
    default:
        return 0;
    }
}

static void hear(struct websocket *w, struct bytes data)
{
    int code = frame_feed(&w->reader, data, got, w);

    w->heard_us = clock_mono_us();
    w->pinged = false;
    if (!code)
        return;
    close_with(w, code);
    shutdown(w->fd, SHUT_RD); /* what follows cannot be understood */
}

static void receive(struct websocket *w)
{
    uint8_t data[GULP];
    ssize_t n = recv(w->fd, data, sizeof data, MSG_DONTWAIT);

    if (n > 0)
        hear(w, bytes_of(data, (size_t)n));
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        w->dead = true;
}

/* ---- the life of one ---- */

static struct websocket *websocket_new(struct sockets *hub, const struct websocket_handler *h, void *arg)
{
    struct websocket *w = mem_alloc(sizeof *w);

    w->hub = hub;
    w->handler = h;
    w->arg = arg;
    w->fd = -1;
    w->reader = frame_reader(WEBSOCKET_MESSAGE_MAX);
    w->out = BUF(WEBSOCKET_UNSENT_MAX);
    return w;
}

void websocket_drop_take(struct websocket *w)
{
    struct sockets *hub = w->hub;

    w->handler->gone(w->arg);
    if (w->upgraded)
        MHD_upgrade_action(w->upgraded, MHD_UPGRADE_ACTION_CLOSE);
    frame_reader_clear(&w->reader);
    buf_clear(&w->out);
    free(w);
    pthread_mutex_lock(&hub->lock);
    hub->n--;
    pthread_mutex_unlock(&hub->lock);
}

/* Silence, and the end of waiting. */
static void look_at_clock(struct websocket *w, int64_t now)
{
    int64_t silence = now - w->heard_us;

    if (w->closing_us) {
        w->dead |= now > w->closing_us;
    } else if (silence > 2 * WEBSOCKET_SILENCE_S * 1000000LL) {
        w->dead = true;
    } else if (silence > WEBSOCKET_SILENCE_S * 1000000LL && !w->pinged) {
        w->pinged = true;
        put(w, FRAME_PING, bytes_of(NULL, 0));
    }
}

static void serve(struct websocket *w, short events)
{
    if (!w->opened) {
        w->opened = true;
        w->handler->open(w, w->arg);
    }
    if (events & (POLLIN | POLLHUP | POLLERR) && !w->dead)
        receive(w);
    if (events & POLLOUT)
        flush(w);
}

/* ---- the hub ---- */

static bool take_fresh(struct sockets *s)
{
    bool stop;

    pthread_mutex_lock(&s->lock);
    for (struct websocket *w = s->fresh, *next; w; w = next) {
        next = w->next;
        w->next = s->open;
        s->open = w;
    }
    s->fresh = NULL;
    stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return !stop;
}

static void drop_dead(struct sockets *s)
{
    for (struct websocket **p = &s->open; *p;) {
        struct websocket *w = *p;
        if (!w->dead) {
            p = &w->next;
            continue;
        }
        *p = w->next;
        websocket_drop_take(w);
    }
}

static void tick(struct sockets *s, int64_t now)
{
    for (struct websocket *w = s->open; w; w = w->next) {
        look_at_clock(w, now);
        if (w->opened && !w->closing_us && !w->dead)
            w->handler->tick(w, w->arg);
    }
}

/* In the order of the list; the first is the wake-up call. */
static size_t fill_polls(struct sockets *s, struct pollfd *polls)
{
    size_t n = 0;

    polls[n++] = (struct pollfd){.fd = s->wake, .events = POLLIN};
    for (struct websocket *w = s->open; w && n <= WEBSOCKETS_MAX; w = w->next)
        polls[n++] = (struct pollfd){.fd = w->fd, .events = (short)(POLLIN | (w->out.len ? POLLOUT : 0))};
    return n;
}

static void wait_and_serve(struct sockets *s, struct pollfd *polls)
{
    size_t n = fill_polls(s, polls), i = 1;
    eventfd_t value;

    if (poll(polls, n, s->open ? WEBSOCKET_TICK_MS : -1) < 0)
        return;
    if (polls[0].revents)
        eventfd_read(s->wake, &value);
    for (struct websocket *w = s->open; w && i < n; w = w->next, i++)
        serve(w, polls[i].revents);
}

static void close_all(struct sockets *s)
{
    for (struct websocket *w = s->open; w; w = w->next) {
        close_with(w, CLOSE_GOING);
        w->dead = true;
    }
    drop_dead(s);
}

static void *run(void *arg)
{
    struct sockets *s = arg;
    struct pollfd *polls = mem_alloc((WEBSOCKETS_MAX + 1) * sizeof *polls);
    int64_t next_us = 0;

    while (take_fresh(s)) {
        int64_t now;
        wait_and_serve(s, polls);
        now = clock_mono_us();
        if (now >= next_us) {
            next_us = now + WEBSOCKET_TICK_MS * 1000LL;
            tick(s, now);
        }
        drop_dead(s);
    }
    close_all(s);
    free(polls);
    return NULL;
}

/* Its thread starts with the first websocket: most servers never have one. */
struct sockets *sockets_new(void)
{
    struct sockets *s = mem_alloc(sizeof *s);

    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&s->lock, NULL);
    if (s->wake < 0)
        sockets_freep(&s);
    return s;
}

void sockets_stop(struct sockets *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_mutex_unlock(&s->lock);
    eventfd_write(s->wake, 1);
    if (s->started)
        pthread_join(s->thread, NULL);
    s->started = false;
}

void sockets_freep(struct sockets **sockets)
{
    struct sockets *s = *sockets;

    if (!s)
        return;
    if (s->wake >= 0)
        sockets_stop(s);
    fd_closep(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
    *sockets = NULL;
}

/* ---- the handshake ---- */

/* "keep-alive, Upgrade" */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = list; p && *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',')) {
        size_t len;
        p += strspn(p, " \t");
        len = strcspn(p, ", \t");
        if (len == n && strncasecmp(p, word, n) == 0)
            return true;
    }
    return false;
}

static const char *handshake(struct request *r, struct err *err)
{
    const char *version = request_header(r, "Sec-WebSocket-Version");
    const char *accept = frame_accept(request_arena(r), request_header(r, "Sec-WebSocket-Key"));

    if (!has_word(request_header(r, "Upgrade"), "websocket") ||
        !has_word(request_header(r, "Connection"), "Upgrade"))
        return FAIL_NULL(err, ERR_INPUT, "this path is a websocket; connect to it with ws:// or wss://");
    if (!text_is(version, "13") || !accept)
        return FAIL_NULL(err, ERR_INPUT, "the handshake is none of a websocket of version 13");
    return accept;
}

/* Counts it, and starts the thread for the first. */
static int find_place(struct sockets *s, struct err *err)
{
    bool room;

    pthread_mutex_lock(&s->lock);
    if (!s->started && !s->stop)
        s->started = pthread_create(&s->thread, NULL, run, s) == 0;
    room = s->started && !s->stop && s->n < WEBSOCKETS_MAX;
    s->n += room;
    pthread_mutex_unlock(&s->lock);
    return room ? 0 : FAIL(err, ERR_BUSY, "there are too many websockets; ask for the state instead");
}

/* Net thread: the 101 is on its way. */
void websocket_hand_over_take(struct websocket *w, int fd, struct MHD_UpgradeResponseHandle *upgraded,
                              struct bytes early)
{
    struct sockets *s = w->hub;
    bool stop;

    w->fd = fd;
    w->upgraded = upgraded;
    w->heard_us = clock_mono_us();
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    /* Bytes that came with the handshake: a client must not send before it has the answer. */
    w->dead = early.len > 0;
    pthread_mutex_lock(&s->lock);
    stop = s->stop;
    if (!stop) {
        w->next = s->fresh;
        s->fresh = w;
    }
    pthread_mutex_unlock(&s->lock);
    if (stop)
        websocket_drop_take(w);
    else
        eventfd_write(s->wake, 1);
}

int request_upgrade(struct request *r, const struct websocket_handler *handler, void *arg, struct err *err)
{
    const char *accept = handshake(r, err);
    struct sockets *hub = request_sockets(r);

    if (!accept || find_place(hub, err) < 0)
        return -1;
    request_reply_upgrade_take(r, accept, websocket_new(hub, handler, arg));
    return 0;
}
