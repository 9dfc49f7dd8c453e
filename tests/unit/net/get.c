/* The client that fetches, against a source on 127.0.0.2 which is allowed, with traps on 127.0.0.1 and ::1
 * which are not. Names are resolved by this file: libcurl asks the program's own getaddrinfo. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/client.h"
#include "test.h"

#define SOURCE "127.0.0.2"
#define TRAP   "127.0.0.1"

/* ---- the resolver ---- */

/* What "*.test" means, one answer after the other, the last one for ever. An answer may have two addresses.
 */
static struct {
    pthread_mutex_t lock;
    const char *answers[4][2];
    int asked;
} names = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void names_mean(const char *first, const char *second)
{
    pthread_mutex_lock(&names.lock);
    memset(names.answers, 0, sizeof names.answers);
    names.answers[0][0] = first;
    names.answers[1][0] = second;
    names.asked = 0;
    pthread_mutex_unlock(&names.lock);
}

/* glibc frees an entry with one free(): address and entry are one block. */
static struct addrinfo *entry(const char *address, const char *service, struct addrinfo *next)
{
    struct {
        struct addrinfo info;
        struct sockaddr_in in;
    } *e = calloc(1, sizeof *e);

    e->in.sin_family = AF_INET;
    e->in.sin_port = htons((uint16_t)atoi(service ? service : "0"));
    inet_pton(AF_INET, address, &e->in.sin_addr);
    e->info = (struct addrinfo){.ai_family = AF_INET,
                                .ai_socktype = SOCK_STREAM,
                                .ai_protocol = IPPROTO_TCP,
                                .ai_addrlen = sizeof e->in,
                                .ai_addr = (struct sockaddr *)&e->in,
                                .ai_next = next};
    return &e->info;
}

static int answer_for_test(const char *service, struct addrinfo **res)
{
    const char *const *got;
    int at;

    pthread_mutex_lock(&names.lock);
    at = names.asked++;
    while (at > 0 && !names.answers[at < 4 ? at : 3][0])
        at--;
    got = names.answers[at];
    *res = got[1] ? entry(got[1], service, NULL) : NULL;
    if (got[0])
        *res = entry(got[0], service, *res);
    pthread_mutex_unlock(&names.lock);
    return *res ? 0 : EAI_NONAME;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (node && text_ends(node, ".test"))
        return answer_for_test(service, res);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, res);
}

/* ---- the source ---- */

/* Answers every request with the same bytes; then more of them, slowly. */
struct source {
    int fd, port;
    const char *answer; /* %d in it becomes the port; NULL: silence */
    size_t padding;     /* zeros behind it, at once */
    bool drip;          /* then a byte every 50 ms, until the other side goes */
    int hops;           /* so many redirects to itself first */
    pthread_t thread;
    char got[8192]; /* the last request */
    int connections;
};

static void say(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return;
}

static void pad(int fd, size_t n)
{
    static const char zeros[4096];

    for (size_t k; n > 0; n -= k) {
        k = n < sizeof zeros ? n : sizeof zeros;
        if (send(fd, zeros, k, MSG_NOSIGNAL) < 0)
            return;
    }
}

static void drip(int fd)
{
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
        usleep(50000);
}

static void answer(struct source *s, int fd, int number)
{
    char text[4096], byte;

    if (number <= s->hops) {
        snprintf(text, sizeof text, "HTTP/1.1 302 On\r\nLocation: /hop%d#x\r\nContent-Length: 2\r\n\r\nno",
                 number);
        say(fd, text);
    } else if (!s->answer) {
        while (read(fd, &byte, 1) > 0) {
        }
    } else {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, s->answer, s->port);
#pragma GCC diagnostic pop
        say(fd, text);
        pad(fd, s->padding);
        if (s->drip)
            drip(fd);
    }
}

static void read_head(struct source *s, int fd)
{
    size_t len = 0;
    ssize_t n;

    do {
        n = read(fd, s->got + len, sizeof s->got - 1 - len);
        len += n > 0 ? (size_t)n : 0;
        s->got[len] = '\0';
    } while (n > 0 && !strstr(s->got, "\r\n\r\n"));
}

static void *source_main(void *arg)
{
    struct source *s = arg;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        int number = __atomic_add_fetch(&s->connections, 1, __ATOMIC_SEQ_CST);
        read_head(s, fd);
        answer(s, fd, number);
        shutdown(fd, SHUT_WR);
        close(fd);
    }
    return NULL;
}

static void source_open_at(struct source *s, const char *host, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof at;

    inet_pton(AF_INET, host, &at.sin_addr);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(s->fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(s->fd, 16) < 0 ||
        getsockname(s->fd, (struct sockaddr *)&at, &len) < 0 ||
        pthread_create(&s->thread, NULL, source_main, s) != 0)
        abort();
    s->port = ntohs(at.sin_port);
}

static void source_open(struct source *s)
{
    source_open_at(s, SOURCE, 0);
}

static void source_close(struct source *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

/* ---- one fetch ---- */

struct fetched {
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    int done;
    struct client_result result;
    size_t bytes, most; /* most: beyond it the taker refuses; 0 = none */
    char begin[32];
    bool unwanted;
};

static void fetched_init(struct fetched *f)
{
    *f = (struct fetched){.lock = PTHREAD_MUTEX_INITIALIZER, .wakeup = PTHREAD_COND_INITIALIZER};
}

static int take(void *arg, struct bytes piece, struct err *err)
{
    struct fetched *f = arg;
    size_t room = sizeof f->begin - 1 - (f->bytes < sizeof f->begin ? f->bytes : sizeof f->begin - 1);

    if (room > 0)
        memcpy(f->begin + sizeof f->begin - 1 - room, piece.data, piece.len < room ? piece.len : room);
    f->bytes += piece.len;
    return f->most && f->bytes > f->most ? FAIL(err, ERR_IO, "the disk is full") : 0;
}

static void finished(void *arg, const struct client_result *result)
{
    struct fetched *f = arg;

    pthread_mutex_lock(&f->lock);
    f->done++;
    f->result = *result;
    pthread_cond_signal(&f->wakeup);
    pthread_mutex_unlock(&f->lock);
}

static bool wanted(void *arg)
{
    return !((struct fetched *)arg)->unwanted;
}

static void wait_for(struct fetched *f)
{
    pthread_mutex_lock(&f->lock);
    while (!f->done)
        pthread_cond_wait(&f->wakeup, &f->lock);
    pthread_mutex_unlock(&f->lock);
}

static struct guard only_source(struct arena *a)
{
    struct guard g = {.allow_http = true, .what = "the URL"};

    guard_parse_allow(a, SOURCE, &g, NULL);
    return g;
}

enum { MOST = 100000, TOTAL_MS = 1500 };

static void fetch_into(struct fetched *f, const char *url)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(client_stop) struct client *c = NULL;
    struct client_opts opts = client_opts_defaults();
    struct guard g = only_source(a);
    struct client_get get = {.url = url,
                             .max_bytes = MOST,
                             .total_ms = TOTAL_MS,
                             .data = take,
                             .wanted = wanted,
                             .done = finished,
                             .arg = f};

    opts.guard = &g;
    opts.min_speed_s = 1;
    if (client_start(&c, &opts, NULL) < 0)
        abort();
    client_get(c, &get);
    wait_for(f);
}

static struct fetched fetch(const char *url)
{
    struct fetched f;

    fetched_init(&f);
    fetch_into(&f, url);
    CHECK_INT(f.done, 1);
    return f;
}

static struct fetched fetch_from(struct source *s)
{
    char url[64];

    snprintf(url, sizeof url, "http://" SOURCE ":%d/a/clip.mp4?x=1", s->port);
    return fetch(url);
}

/* ---- answers ---- */

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *what, *answer;
    size_t padding;
    enum err_kind kind;
    bool again;
    const char *word; /* in the sentence */
    size_t bytes;
} answers[] = {
    {"a video", OK "Content-Type: video/mp4\r\nContent-Length: 5\r\n\r\nhello", 0, ERR_NONE, false, "", 5},
    {"an image", OK "Content-Type: IMAGE/Jpeg; q=1\r\nContent-Length: 5\r\n\r\nhello", 0, ERR_NONE, false, "",
     5},
    {"a sound", OK "Content-Type: audio/wav\r\nContent-Length: 5\r\n\r\nhello", 0, ERR_NONE, false, "", 5},
    {"bytes", OK "Content-Type: application/octet-stream\r\nContent-Length: 5\r\n\r\nhello", 0, ERR_NONE,
     false, "", 5},
    {"no type", OK "Content-Length: 5\r\n\r\nhello", 0, ERR_NONE, false, "", 5},
    {"until it closes", OK "\r\nhello", 0, ERR_NONE, false, "", 5},
    {"chunked", OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 0, ERR_NONE, false,
     "", 5},
    {"just fits", OK "Content-Length: 100000\r\n\r\n", 100000, ERR_NONE, false, "", 100000},
    {"identity", OK "Content-Encoding: identity\r\nContent-Length: 1\r\n\r\nx", 0, ERR_NONE, false, "", 1},
    {"a page", OK "Content-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello", 0, ERR_SOURCE,
     false, "text/html", 0},
    {"JSON", OK "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 0, ERR_SOURCE, false,
     "application/json", 0},
    {"two types", OK "Content-Type: video/mp4\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx", 0,
     ERR_SOURCE, false, "no video", 0},
    {"a type to break the sentence", OK "Content-Type: te<xt/\x1b[31m\r\nContent-Length: 1\r\n\r\nx", 0,
     ERR_SOURCE, false, "te?xt/??31m", 0},
    {"packed", OK "Content-Type: video/mp4\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", 0,
     ERR_SOURCE, false, "packed", 0},
    {"empty", OK "Content-Length: 0\r\n\r\n", 0, ERR_SOURCE, false, "empty", 0},
    {"nothing there", "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", 0, ERR_SOURCE, false,
     "answered 404", 0},
    {"no content", "HTTP/1.1 204 No Content\r\n\r\n", 0, ERR_SOURCE, false, "answered 204", 0},
    {"a part", "HTTP/1.1 206 Partial\r\nContent-Length: 5\r\n\r\nhello", 0, ERR_SOURCE, false, "answered 206",
     0},
    {"wants a password", "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", 0,
     ERR_SOURCE, false, "answered 401", 0},
    {"wants a proxy", "HTTP/1.1 305 Use Proxy\r\nLocation: http://" TRAP ":1/\r\nContent-Length: 0\r\n\r\n",
     0, ERR_SOURCE, false, "answered 305", 0},
    {"broken", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", 0, ERR_SOURCE, true, "answered 500", 0},
    {"busy", "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n", 0, ERR_SOURCE, true,
     "answered 503", 0},
    {"says it is too large", OK "Content-Length: 100001\r\n\r\n", 100001, ERR_LIMIT, false,
     "larger than 100000", 0},
    {"is too large", OK "\r\n", 200000, ERR_LIMIT, false, "larger than 100000", 0},
    {"is too large in chunks", OK "Transfer-Encoding: chunked\r\n\r\n30d40\r\n", 200000, ERR_LIMIT, false,
     "larger than 100000", 0},
    {"breaks off", OK "Content-Length: 100\r\n\r\nhello", 0, ERR_SOURCE, true, "broke off after 5 bytes", 5},
    {"breaks off in a chunk", OK "Transfer-Encoding: chunked\r\n\r\n10\r\nhello", 0, ERR_SOURCE, true,
     "broke off after 5 bytes", 5},
    {"breaks off between chunks", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0, ERR_SOURCE, true,
     "broke off after 5 bytes", 5},
    {"a redirect to nowhere", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", 0, ERR_SOURCE, false,
     "redirected", 0},
    {"two redirects at once",
     "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", 0, ERR_SOURCE, false,
     "redirected", 0},
    {"a loop", "HTTP/1.1 307 Again\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 0, ERR_SOURCE, false,
     "more than 5 times", 0},
    {"headers that break off", OK "X: ", 1000, ERR_SOURCE, false, "empty", 0},
    {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", 0, ERR_SOURCE, true, "HTTP", 0},
    {"nothing", "", 0, ERR_SOURCE, true, "HTTP", 0},
};

static void answers_are_judged(void)
{
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct source s = {.answer = answers[i].answer, .padding = answers[i].padding};
        struct fetched f;
        source_open(&s);
        f = fetch_from(&s);
        source_close(&s);
        CHECK_INT(f.result.err.kind, answers[i].kind);
        CHECK_INT(f.result.again, answers[i].again);
        CHECK(strstr(f.result.err.text, answers[i].word) != NULL);
        if (answers[i].kind != ERR_LIMIT)
            CHECK_INT(f.bytes, answers[i].bytes);
        CHECK(f.bytes <= MOST);
        ROW("%s: %s", answers[i].what, f.result.err.text);
    }
}

/* Nothing of ours goes along. */
static void the_request_is_plain(void)
{
    struct source s = {.answer = OK "Set-Cookie: a=b\r\nContent-Length: 1\r\n\r\nx", .hops = 1};
    struct fetched f;

    source_open(&s);
    f = fetch_from(&s);
    source_close(&s);
    CHECK_INT(f.result.err.kind, ERR_NONE);
    CHECK(text_starts(s.got, "GET /hop1 HTTP/1.1\r\n"));
    CHECK(strcasestr(s.got, "\r\nAccept-Encoding: identity\r\n") != NULL);
    CHECK(strcasestr(s.got, "\r\nUser-Agent: assay") != NULL);
    CHECK(!strcasestr(s.got, "Cookie") && !strcasestr(s.got, "Authorization") &&
          !strcasestr(s.got, "Referer") && !strcasestr(s.got, "Range"));
}

static void five_redirects_are_followed(void)
{
    for (int hops = 1; hops <= 6; hops++) {
        struct source s = {.answer = OK "Content-Length: 5\r\n\r\nhello", .hops = hops};
        struct fetched f;
        source_open(&s);
        f = fetch_from(&s);
        source_close(&s);
        CHECK_INT(f.result.err.kind, hops <= 5 ? ERR_NONE : ERR_SOURCE);
        CHECK_INT(s.connections, hops <= 5 ? hops + 1 : 6);
        CHECK_STR(f.begin, hops <= 5 ? "hello" : "");
        ROW("%d: %s", hops, f.result.err.text);
    }
}

/* ---- time ---- */

static void slow_sources_are_left(void)
{
    static const struct {
        const char *what;
        struct source source;
        const char *word;
        size_t bytes;
    } rows[] = {
        {"silent", {.answer = NULL}, "too slow", 0},
        {"drips", {.answer = OK "\r\n", .drip = true}, "too slow", 10},
        {"drips headers", {.answer = OK "X: ", .drip = true}, "too slow", 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct source s = rows[i].source;
        struct fetched f;
        source_open(&s);
        f = fetch_from(&s);
        source_close(&s);
        CHECK_INT(f.result.err.kind, ERR_TIMEOUT);
        CHECK(f.bytes >= rows[i].bytes);
        CHECK(f.result.ms < 5000);
        ROW("%s: %s, %zu bytes, %lld ms", rows[i].what, f.result.err.text, f.bytes, (long long)f.result.ms);
    }
}

/* Fast enough, but not fast enough for all of it. */
static void the_whole_takes_no_longer_than_told(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(client_stop) struct client *c = NULL;
    struct client_opts opts = client_opts_defaults();
    struct source s = {.answer = OK "\r\n", .drip = true};
    struct guard g = only_source(a);
    struct fetched f;

    fetched_init(&f);
    source_open(&s);
    opts.guard = &g;
    opts.min_speed = 1;
    if (client_start(&c, &opts, NULL) < 0)
        abort();
    client_get(c, &(struct client_get){.url = arena_printf(a, "http://" SOURCE ":%d/", s.port),
                                       .max_bytes = MOST,
                                       .total_ms = 700,
                                       .data = take,
                                       .done = finished,
                                       .arg = &f});
    wait_for(&f);
    CHECK_INT(f.result.err.kind, ERR_TIMEOUT);
    CHECK(strstr(f.result.err.text, "not here after 700 ms") != NULL);
    CHECK(f.result.ms >= 690 && f.result.ms < 5000);
    source_close(&s);
}

static void whoever_takes_may_refuse(void)
{
    struct source s = {.answer = OK "\r\n", .padding = 50000};
    char url[64];
    struct fetched f;

    source_open(&s);
    fetched_init(&f);
    f.most = 10000;
    snprintf(url, sizeof url, "http://" SOURCE ":%d/", s.port);
    fetch_into(&f, url);
    source_close(&s);
    CHECK_INT(f.result.err.kind, ERR_IO);
    CHECK_STR(f.result.err.text, "the disk is full");
    CHECK(f.result.again);
}

static void what_nobody_wants_ends(void)
{
    struct source s = {.answer = NULL};
    char url[64];
    struct fetched f;

    source_open(&s);
    fetched_init(&f);
    f.unwanted = true;
    snprintf(url, sizeof url, "http://" SOURCE ":%d/", s.port);
    fetch_into(&f, url);
    source_close(&s);
    CHECK_INT(f.result.err.kind, ERR_CANCELLED);
}

/* ---- where it must not go ---- */

/* Listeners where a request of ours must never arrive. */
struct traps {
    struct source four;
    int six, port;
};

static void traps_open(struct traps *t)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    t->four = (struct source){.answer = OK "Content-Length: 6\r\n\r\nsecret"};
    source_open_at(&t->four, TRAP, 0);
    t->port = t->four.port;
    at.sin6_port = htons((uint16_t)t->port);
    t->six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (t->six >= 0 && (bind(t->six, (struct sockaddr *)&at, sizeof at) < 0 || listen(t->six, 16) < 0))
        fd_closep(&t->six);
}

/* How many have come. */
static int traps_close(struct traps *t)
{
    int fd = t->six >= 0 ? accept(t->six, NULL, NULL) : -1, caught = fd >= 0;

    fd_closep(&fd);
    fd_closep(&t->six);
    source_close(&t->four);
    return caught + t->four.connections;
}

/* %d: the port of the traps. */
static const char *const bad_targets[] = {
    "http://127.0.0.1:%d/",
    "HTTP://127.0.0.1:%d/",
    "//127.0.0.1:%d/",
    "http://localhost:%d/",
    "http://LOCALHOST:%d/",
    "http://x.localhost:%d/",
    "http://[::1]:%d/",
    "http://[0:0:0:0:0:0:0:1]:%d/",
    "http://[::ffff:127.0.0.1]:%d/",
    "http://[::ffff:7f00:1]:%d/",
    "http://[64:ff9b::127.0.0.1]:%d/",
    "http://[::127.0.0.1]:%d/",
    "http://127.1:%d/",
    "http://127.0.1:%d/",
    "http://2130706433:%d/",
    "http://0x7f000001:%d/",
    "http://0x7f.0.0.1:%d/",
    "http://0177.0.0.1:%d/",
    "http://017700000001:%d/",
    "http://0:%d/",
    "http://0.0.0.0:%d/",
    "http://[::]:%d/",
    "http://127.0.0.1.:%d/",
    "http://127.0.0.3:%d/",
    "http://%%31%%32%%37.0.0.1:%d/",
    "http://127%%2e0.0.1:%d/",
    "http://a@127.0.0.1:%d/",
    "http://127.0.0.2@127.0.0.1:%d/",
    "http://127.0.0.2:80@127.0.0.1:%d/",
    "http://127.0.0.1:%d\\@127.0.0.2/",
    "http:\\\\127.0.0.1:%d/",
    "\\\\127.0.0.1:%d/",
    "http:/127.0.0.1:%d/",
    "http:127.0.0.1:%d/",
    "http:///127.0.0.1:%d/",
    "http://127.0.0.1:%d#@127.0.0.2/",
    "http://127.0.0.1:%d?@127.0.0.2/",
    "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1:%d/",
    "http://127\xe3\x80\x82"
    "0.0.1:%d/",
    "http://inside.test:%d/",
    "http://INSIDE.TEST:%d/",
    "http://169.254.169.254/latest/meta-data/?%d",
    "http://[fd00:ec2::254]:%d/",
    "http://[fe80::1%%25lo]:%d/",
    "http://10.0.0.1:%d/",
    "http://192.168.0.1:%d/",
    "http://172.16.0.1:%d/",
    "http://100.64.0.1:%d/",
    "http://224.0.0.1:%d/",
    "http://255.255.255.255:%d/",
    "file:///etc/passwd?%d",
    "file://127.0.0.1/etc/passwd?%d",
    "gopher://127.0.0.1:%d/_GET%%20/",
    "dict://127.0.0.1:%d/stat",
    "ftp://127.0.0.1:%d/",
    "tftp://127.0.0.1:%d/x",
    "ldap://127.0.0.1:%d/",
    "smb://127.0.0.1:%d/x",
    "telnet://127.0.0.1:%d/",
    "ws://127.0.0.1:%d/",
    "scp://127.0.0.1:%d/x",
    "imap://127.0.0.1:%d/",
    "smtp://127.0.0.1:%d/",
    "rtsp://127.0.0.1:%d/",
    "mqtt://127.0.0.1:%d/",
    "data:video/mp4,%d",
    "javascript:alert(%d)",
    "jar:http://127.0.0.1:%d/",
    "http://127.0.0.1:%d /",
    "http://127.0.0.1\t:%d/",
    "http://:%d/",
    "http://",
    "",
};

/* The trap's port in the text of a row. */
static const char *with_port(struct arena *a, const char *text, int port)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    char room[512];
    snprintf(room, sizeof room, text, port);
#pragma GCC diagnostic pop
    return arena_strdup(a, room);
}

static void redirects_go_nowhere_else(void)
{
    for (size_t i = 0; i < COUNT_OF(bad_targets); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct source s = {0};
        struct traps traps;
        const char *target;
        char *doubled, *to;
        struct fetched f;

        names_mean(TRAP, NULL);
        traps_open(&traps);
        target = with_port(a, bad_targets[i], traps.port);
        doubled = to = arena_alloc(a, 2 * strlen(target) + 1); /* the source's own format reads % once more */
        for (const char *c = target; *c; c++) {
            *to++ = *c;
            if (*c == '%')
                *to++ = '%';
        }
        s.answer =
            arena_printf(a, "HTTP/1.1 302 There\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", doubled);
        source_open(&s);
        f = fetch_from(&s);
        source_close(&s);
        CHECK_INT(traps_close(&traps), 0);
        CHECK(f.result.err.kind == ERR_SOURCE);
        CHECK_INT(f.bytes, 0);
        CHECK(!strstr(f.result.err.text, "127.0.0.1") && !strstr(f.result.err.text, "169.254"));
        ROW("%s: %s", target, f.result.err.text);
    }
}

static void first_urls_go_nowhere_else(void)
{
    for (size_t i = 0; i < COUNT_OF(bad_targets); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct traps traps;
        const char *url;
        struct fetched f;

        names_mean(TRAP, NULL);
        traps_open(&traps);
        url = with_port(a, bad_targets[i], traps.port);
        f = fetch(url);
        CHECK_INT(traps_close(&traps), 0);
        CHECK(f.result.err.kind == ERR_SOURCE || f.result.err.kind == ERR_INPUT);
        CHECK_INT(f.bytes, 0);
        ROW("%s: %s", url, f.result.err.text);
    }
}

/* A name that is fine at first and means the trap from the second question on (another port is another
 * question).
 */
static void names_may_change_their_mind(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct traps traps;
    struct source s = {0};
    struct fetched f;

    traps_open(&traps);
    s.answer = arena_printf(
        a, "HTTP/1.1 302 There\r\nLocation: http://changes.test:%d/\r\nContent-Length: 0\r\n\r\n",
        traps.port);
    source_open(&s);
    names_mean(SOURCE, TRAP);
    f = fetch(arena_printf(a, "http://changes.test:%d/", s.port));
    CHECK_INT(s.connections, 1);
    CHECK_INT(names.asked, 2);
    CHECK_INT(f.result.err.kind, ERR_SOURCE);
    CHECK(strstr(f.result.err.text, "private, or its name is unknown") != NULL);
    CHECK_INT(traps_close(&traps), 0);
    source_close(&s);
}

/* One answer with both: only the address that is fine is used. */
static void two_addresses_are_judged_one_by_one(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct traps traps;
    struct source s = {.answer = OK "Content-Length: 5\r\n\r\nhello"};
    struct fetched f;

    traps_open(&traps);
    source_open_at(&s, SOURCE, traps.port);
    names_mean(TRAP, NULL);
    names.answers[0][1] = SOURCE;
    f = fetch(arena_printf(a, "http://both.test:%d/", traps.port));
    CHECK_INT(f.result.err.kind, ERR_NONE);
    CHECK_STR(f.begin, "hello");
    CHECK_INT(traps_close(&traps), 0);
    source_close(&s);
}

/* Whoever asks must not learn which names exist inside. */
static void unknown_and_private_look_the_same(void)
{
    struct fetched private, unknown;

    names_mean(TRAP, NULL);
    private = fetch("http://inside.test:1/");
    names_mean(NULL, NULL);
    unknown = fetch("http://nothing.test:1/");
    CHECK_INT(private.result.err.kind, unknown.result.err.kind);
    CHECK_STR(private.result.err.text, unknown.result.err.text);
    CHECK_INT(private.result.again, unknown.result.again);
    CHECK_INT(private.result.status, unknown.result.status);
}

int main(void)
{
    RUN(answers_are_judged);
    RUN(the_request_is_plain);
    RUN(five_redirects_are_followed);
    RUN(slow_sources_are_left);
    RUN(the_whole_takes_no_longer_than_told);
    RUN(whoever_takes_may_refuse);
    RUN(what_nobody_wants_ends);
    RUN(redirects_go_nowhere_else);
    RUN(first_urls_go_nowhere_else);
    RUN(names_may_change_their_mind);
    RUN(two_addresses_are_judged_one_by_one);
    RUN(unknown_and_private_look_the_same);
    return test_end();
}
