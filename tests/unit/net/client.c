/* The webhook client against receivers on loopback, each of them one answer and one connection. */
#include "net/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "test.h"

/* A receiver that takes connections one after the other, keeps what it was sent, answers the same. */
struct receiver {
    int fd, port;
    const char *answer; /* NULL: says nothing until the other side goes */
    size_t padding;     /* bytes after the answer */
    pthread_t thread;
    char got[8192];
    int connections;
};

static void read_request(struct receiver *r, int fd)
{
    size_t len = 0;
    ssize_t n;
    const char *end;

    do {
        n = read(fd, r->got + len, sizeof r->got - 1 - len);
        len += n > 0 ? (size_t)n : 0;
        r->got[len] = '\0';
        end = strstr(r->got, "\r\n\r\n");
    } while (n > 0 && !(end && strstr(end, "}")));
}

static void answer(struct receiver *r, int fd)
{
    static const char filler[4096];
    char byte;

    if (!r->answer) {
        while (read(fd, &byte, 1) > 0) {
        }
        return;
    }
    if (send(fd, r->answer, strlen(r->answer), MSG_NOSIGNAL) < 0)
        return;
    for (size_t sent = 0; sent < r->padding; sent += sizeof filler)
        if (send(fd, filler, sizeof filler, MSG_NOSIGNAL) < 0)
            return;
}

static void *receiver_main(void *arg)
{
    struct receiver *r = arg;
    int fd;

    while ((fd = accept(r->fd, NULL, NULL)) >= 0) {
        __atomic_add_fetch(&r->connections, 1, __ATOMIC_SEQ_CST);
        read_request(r, fd);
        answer(r, fd);
        close(fd);
    }
    return NULL;
}

static void receiver_open(struct receiver *r)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(r->fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(r->fd, 16) < 0 ||
        getsockname(r->fd, (struct sockaddr *)&at, &len) < 0 ||
        pthread_create(&r->thread, NULL, receiver_main, r) != 0)
        abort();
    r->port = ntohs(at.sin_port);
}

static void receiver_close(struct receiver *r)
{
    shutdown(r->fd, SHUT_RDWR);
    pthread_join(r->thread, NULL);
    close(r->fd);
}

/* What a post ended with, waited for. */
struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    int n;
    struct client_result last;
};
#define WAITING                                                 \
    {                                                           \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, \
        {                                                       \
            0                                                   \
        }                                                       \
    }

static void finished(void *arg, const struct client_result *result)
{
    struct waiting *w = arg;

    pthread_mutex_lock(&w->lock);
    w->n++;
    w->last = *result;
    pthread_cond_signal(&w->wakeup);
    pthread_mutex_unlock(&w->lock);
}

static struct client_result wait_for(struct waiting *w, int n)
{
    struct client_result last;

    pthread_mutex_lock(&w->lock);
    while (w->n < n)
        pthread_cond_wait(&w->wakeup, &w->lock);
    last = w->last;
    pthread_mutex_unlock(&w->lock);
    return last;
}

static struct guard loopback(struct arena *a)
{
    struct guard g = {.allow_http = true};

    guard_parse_allow(a, "127.0.0.1", &g, NULL);
    return g;
}

static void post(struct client *c, const char *url, struct waiting *w)
{
    struct client_post p = {
        .url = url,
        .headers = {"Content-Type: application/json", "webhook-id: msg_1"},
        .body = bytes_of("{\"a\":1}", 7),
        .done = finished,
        .arg = w,
    };

    client_post(c, &p);
}

/* One post to that receiver with that guard. */
static struct client_result try(const struct guard *g, struct receiver *r, const char *host)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(client_stop) struct client *c = NULL;
    struct client_opts opts = client_opts_defaults();
    struct waiting w = WAITING;

    opts.guard = g;
    opts.total_ms = 500;
    if (client_start(&c, &opts, NULL) < 0)
        abort();
    post(c, arena_printf(a, "http://%s:%d/hook?x=1", host, r->port), &w);
    return wait_for(&w, 1);
}

static const struct {
    const char *what, *answer;
    size_t padding;
    int status, retry_after;
} answers[] = {
    {"fine", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, 200, -1},
    {"no content", "HTTP/1.1 204 No Content\r\n\r\n", 0, 204, -1},
    {"until it closes", "HTTP/1.1 200 OK\r\n\r\nhello", 0, 200, -1},
    {"asks to wait", "HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 0, 503, 7},
    {"asks to wait for ever", "HTTP/1.1 429 No\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n", 0,
     429, 1000000},
    {"redirects", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 0, 302,
     -1},
    {"large body", "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n", 10000000, 200, -1},
    {"breaks off", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx", 0, 200, -1},
    {"only a hint", "HTTP/1.1 103 Early Hints\r\n\r\n", 0, 0, -1},
    {"nonsense", "SSH-2.0-OpenSSH_9.2\r\n", 0, 0, -1},
    {"nothing", "", 0, 0, -1},
};

static void answers_are_read(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct guard g = loopback(a);

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct receiver r = {.answer = answers[i].answer, .padding = answers[i].padding};
        struct client_result got;
        receiver_open(&r);
        got = try(&g, &r, "127.0.0.1");
        receiver_close(&r);
        CHECK_INT(got.status, answers[i].status);
        CHECK_INT(got.retry_after_s, answers[i].retry_after);
        CHECK((got.err.kind == ERR_NONE) == (got.status != 0));
        CHECK_INT(r.connections, 1);
        CHECK(strstr(r.got, "POST /hook?x=1 HTTP/1.1\r\n") == r.got);
        CHECK(strstr(r.got, "\r\nwebhook-id: msg_1\r\n") != NULL);
        CHECK(strstr(r.got, "\r\n\r\n{\"a\":1}") != NULL);
        CHECK(strstr(r.got, "Expect") == NULL);
        ROW("%s: %s", answers[i].what, got.err.text);
    }
}

static void silence_ends(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct guard g = loopback(a);
    struct receiver r = {0};
    struct client_result got;

    receiver_open(&r);
    got = try(&g, &r, "127.0.0.1");
    receiver_close(&r);
    CHECK_INT(got.status, 0);
    CHECK_INT(got.err.kind, ERR_TIMEOUT);
    CHECK(got.ms >= 450 && got.ms < 5000);
}

/* The name passes, the address behind it does not: nothing is ever connected. */
static void addresses_are_judged_when_connecting(void)
{
    static const uint8_t one[16] = {[15] = 1};
    struct cidr six = {.bits = 128};
    struct guard g = {.allow_http = true, .allow = &six, .nallow = 1};
    struct receiver r = {.answer = "HTTP/1.1 200 OK\r\n\r\n"};
    struct client_result got;

    memcpy(six.address, one, 16); /* "localhost" is a fine name then, but 127.0.0.1 no fine address */
    receiver_open(&r);
    got = try(&g, &r, "localhost");
    receiver_close(&r);
    CHECK_INT(got.status, 0);
    CHECK_INT(r.connections, 0);
    CHECK_INT(got.err.kind, ERR_DENIED);
    CHECK(strstr(got.err.text, "127.0.0.1") != NULL);
}

static void forbidden_urls_are_not_tried(void)
{
    static const struct guard g = {.allow_http = true};
    struct receiver r = {.answer = "HTTP/1.1 200 OK\r\n\r\n"};
    struct client_result got;

    receiver_open(&r);
    got = try(&g, &r, "127.0.0.1");
    receiver_close(&r);
    CHECK_INT(got.err.kind, ERR_INPUT);
    CHECK_INT(r.connections, 0);
}

/* A proxy of the environment would see everything, and connect wherever it likes. */
static void proxies_are_ignored(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct guard g = loopback(a);
    struct receiver r = {.answer = "HTTP/1.1 200 OK\r\n\r\n"}, proxy = {.answer = "HTTP/1.1 200 OK\r\n\r\n"};
    struct client_result got;

    receiver_open(&r);
    receiver_open(&proxy);
    setenv("http_proxy", arena_printf(a, "http://127.0.0.1:%d", proxy.port), 1);
    setenv("ALL_PROXY", getenv("http_proxy"), 1);
    got = try(&g, &r, "127.0.0.1");
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    receiver_close(&r);
    receiver_close(&proxy);
    CHECK_INT(got.status, 200);
    CHECK_INT(r.connections, 1);
    CHECK_INT(proxy.connections, 0);
}

static void stopping_cancels(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct guard g = loopback(a);
    struct receiver r = {0};
    struct client_opts opts = client_opts_defaults();
    struct client *c;
    struct waiting w = WAITING;
    int64_t begun = clock_mono_us();

    receiver_open(&r);
    opts.guard = &g;
    if (client_start(&c, &opts, NULL) < 0)
        abort();
    for (int i = 0; i < 20; i++)
        post(c, arena_printf(a, "http://127.0.0.1:%d/", r.port), &w);
    usleep(20000);
    client_stop(&c);
    receiver_close(&r);
    CHECK_INT(w.n, 20);
    CHECK_INT(w.last.err.kind, ERR_CANCELLED);
    CHECK(clock_mono_us() - begun < 5000000);
}

int main(void)
{
    RUN(answers_are_read);
    RUN(silence_ends);
    RUN(addresses_are_judged_when_connecting);
    RUN(forbidden_urls_are_not_tried);
    RUN(proxies_are_ignored);
    RUN(stopping_cancels);
    return test_end();
}
