#include "receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { REQUEST_MAX = 1 << 20, HANG_SECONDS = 60 };

/* splitmix64: the same misbehaviour again for the same seed, as far as the order of the requests is the same.
 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Under lock. */
static enum manner manner_now(struct receiver *r)
{
    static const enum manner bad[] = {MANNER_BROKEN, MANNER_BUSY,  MANNER_REDIRECT, MANNER_RESET, MANNER_HANG,
                                      MANNER_BABBLE, MANNER_SHORT, MANNER_LONG,     MANNER_TAKEN};

    if (r->manner != MANNER_SEEDED)
        return r->manner;
    if (next_random(&r->random) % 100 >= (uint64_t)r->bad_percent)
        return MANNER_FINE;
    return bad[next_random(&r->random) % COUNT_OF(bad)];
}

/* ---- reading ---- */

/* The value of a header in the arena, NULL when it is absent. Names as this program sends them. */
static const char *header(struct arena *a, const char *head, const char *name)
{
    const char *line = strcasestr(head, arena_printf(a, "\r\n%s: ", name)), *end;

    if (!line)
        return NULL;
    line += strlen(name) + 4;
    end = strstr(line, "\r\n");
    return arena_strndup(a, line, (size_t)(end - line));
}

/* Bytes of a whole request, 0 while something is missing. */
static size_t whole(struct arena *a, const char *text, size_t len)
{
    const char *end = strstr(text, "\r\n\r\n"), *length;
    size_t head;

    if (!end)
        return 0;
    head = (size_t)(end - text) + 4;
    length = header(a, arena_strndup(a, text, head), "Content-Length");
    head += length ? (size_t)atol(length) : 0;
    return len >= head ? head : 0;
}

static bool read_request(struct arena *a, int fd, struct buf *text)
{
    char piece[16384];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) > 0) {
        buf_add(text, piece, (size_t)n);
        if (whole(a, text->data, text->len))
            return true;
    }
    return false;
}

/* Under lock. */
static struct received *keep(struct receiver *r, const char *text, size_t len)
{
    struct arena *a = r->arena;
    struct received *got = &ARENA_PUSH(a, r->got, r->n, r->cap);
    const char *body = strstr(text, "\r\n\r\n") + 4;
    const char *path = strchr(text, ' ') + 1;

    *got = (struct received){.at_us = clock_mono_us()};
    snprintf(got->path, sizeof got->path, "%.*s", (int)strcspn(path, " "), path);
    text_copy(got->id, sizeof got->id, header(a, text, "webhook-id"));
    text_copy(got->timestamp, sizeof got->timestamp, header(a, text, "webhook-timestamp"));
    got->native = header(a, text, "X-Webhook-Signature");
    got->standard = header(a, text, "webhook-signature");
    got->body = bytes_of(arena_strndup(a, body, len - (size_t)(body - text)), len - (size_t)(body - text));
    return got;
}

/* ---- answering ---- */

static void say(int fd, const char *text)
{
    send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void hang(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};

    poll(&p, 1, HANG_SECONDS * 1000);
}

static void answer(struct receiver *r, int fd, enum manner manner)
{
    static const char *const texts[] = {
        [MANNER_FINE] = "HTTP/1.1 204 No Content\r\n\r\n",
        [MANNER_BROKEN] = "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n",
        [MANNER_GONE] = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
        [MANNER_BUSY] = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
        [MANNER_BABBLE] = "220 mail.example.org ESMTP\r\n250 OK\r\n",
        [MANNER_SHORT] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        [MANNER_LONG] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and a good deal more than that",
        [MANNER_TAKEN] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
    };
    struct linger now = {1, 0};
    char text[256];

    if (manner == MANNER_REDIRECT) {
        snprintf(
            text, sizeof text,
            "HTTP/1.1 307 Over there\r\nLocation: http://127.0.0.1:%d/stolen\r\nContent-Length: 0\r\n\r\n",
            r->elsewhere);
        say(fd, text);
    } else if (manner == MANNER_HANG) {
        hang(fd);
    } else if (manner == MANNER_RESET || manner == MANNER_TAKEN) {
        if (manner == MANNER_TAKEN)
            say(fd, texts[manner]);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    } else {
        say(fd, texts[manner]);
    }
}

/* ---- threads ---- */

struct visit {
    struct receiver *r;
    int fd;
};

static void note_manner(struct received *got, enum manner manner)
{
    got->manner = manner;
    got->accepted =
        manner == MANNER_FINE || manner == MANNER_SHORT || manner == MANNER_LONG || manner == MANNER_TAKEN;
}

static void serve(struct receiver *r, int fd)
{
    struct arena *a = arena_new();
    struct buf text = BUF(REQUEST_MAX);
    enum manner manner = MANNER_BROKEN;

    if (read_request(a, fd, &text)) {
        pthread_mutex_lock(&r->lock);
        manner = manner_now(r);
        note_manner(keep(r, text.data, text.len), manner);
        pthread_mutex_unlock(&r->lock);
        answer(r, fd, manner);
    }
    buf_clear(&text);
    arena_free(a);
}

static void *visit_main(void *arg)
{
    struct visit *v = arg;

    serve(v->r, v->fd);
    close(v->fd);
    pthread_mutex_lock(&v->r->lock);
    v->r->open--;
    pthread_mutex_unlock(&v->r->lock);
    free(v);
    return NULL;
}

static void *receiver_main(void *arg)
{
    struct receiver *r = arg;
    pthread_t thread;
    int fd;

    while ((fd = accept(r->fd, NULL, NULL)) >= 0) {
        struct visit *v = mem_alloc(sizeof *v);
        *v = (struct visit){r, fd};
        pthread_mutex_lock(&r->lock);
        r->connections++;
        r->open++;
        r->most_open = r->open > r->most_open ? r->open : r->most_open;
        pthread_mutex_unlock(&r->lock);
        if (pthread_create(&thread, NULL, visit_main, v) != 0)
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

/* ---- from outside ---- */

void receiver_open(struct receiver *r, enum manner manner, uint64_t seed)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    *r = (struct receiver){.manner = manner, .random = seed, .bad_percent = 30, .arena = arena_new()};
    pthread_mutex_init(&r->lock, NULL);
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(r->fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(r->fd, 128) < 0 ||
        getsockname(r->fd, (struct sockaddr *)&at, &len) < 0 ||
        pthread_create(&r->thread, NULL, receiver_main, r) != 0)
        abort();
    r->port = ntohs(at.sin_port);
}

/* The server has gone before, so that no visit lasts. */
void receiver_close(struct receiver *r)
{
    bool open = true;

    shutdown(r->fd, SHUT_RDWR);
    pthread_join(r->thread, NULL);
    close(r->fd);
    while (open) {
        pthread_mutex_lock(&r->lock);
        open = r->open > 0;
        pthread_mutex_unlock(&r->lock);
        usleep(1000);
    }
    arena_free(r->arena);
}

void receiver_turn(struct receiver *r, enum manner manner)
{
    pthread_mutex_lock(&r->lock);
    r->manner = manner;
    pthread_mutex_unlock(&r->lock);
}

int receiver_connections(struct receiver *r)
{
    int n;

    pthread_mutex_lock(&r->lock);
    n = r->connections;
    pthread_mutex_unlock(&r->lock);
    return n;
}

size_t receiver_list(struct receiver *r, struct arena *a, struct received **ret)
{
    size_t n;

    pthread_mutex_lock(&r->lock);
    n = r->n;
    *ret = arena_array(a, n, sizeof **ret);
    if (n)
        memcpy(*ret, r->got, n * sizeof **ret);
    pthread_mutex_unlock(&r->lock);
    return n;
}

size_t receiver_accepted(struct receiver *r)
{
    struct arena *a = arena_new();
    struct received *got;
    size_t n = receiver_list(r, a, &got), distinct = 0;

    for (size_t i = 0; i < n; i++) {
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again = got[k].accepted && text_is(got[k].id, got[i].id);
        distinct += got[i].accepted && !again;
    }
    arena_free(a);
    return distinct;
}

bool receiver_wait(struct receiver *r, size_t accepted, int seconds)
{
    int64_t deadline = clock_mono_us() + seconds * 1000000LL;

    while (receiver_accepted(r) < accepted && clock_mono_us() < deadline)
        usleep(5000);
    return receiver_accepted(r) >= accepted;
}
