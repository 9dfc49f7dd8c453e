/* A real server on a free port, spoken to over raw sockets. */
#include "net/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "test.h"

enum { MIB = 1 << 20, UPLOAD = 300 * MIB, ANSWER_MAX = 1 << 20, PATIENCE_MS = 20000 };

/* What the handlers share with the tests. */
struct stage {
    atomic_int heads, runs, late, gone;
    atomic_llong bytes;
    _Atomic(struct request *) parked;
    struct kept_reply *kept;
};

static struct stage *stage_of(struct request *r)
{
    return request_context(r);
}

static void say(struct request *r, int status, const char *text)
{
    request_reply(
        r, &(struct reply){.status = status, .type = "text/plain", .body = bytes_of(text, strlen(text))});
}

static void say_error(struct request *r, int status, const char *text)
{
    say(r, status, arena_printf(request_arena(r), "E%d: %s", status, text));
}

/* ---- handlers ---- */

static void count_gone(struct request *r)
{
    atomic_fetch_add(&stage_of(r)->gone, 1);
}

static void hello_run(struct request *r)
{
    say(r, 200, "hello");
}

/* Method, path, parameter, query and header, one per line. */
static void mirror_run(struct request *r)
{
    struct bytes body = request_body(r);
    struct reply rep = {.status = 201, .type = "text/x"};
    const char *q = request_query(r, "q"), *none = request_query(r, "none"),
               *empty = request_query(r, "empty");
    char *text = arena_printf(request_arena(r), "%s %s id=%s q=%s none=%s empty=%s x=%s len=%lld body=%.*s",
                              request_method(r), request_path(r), request_param(r, "id"), q ? q : "-",
                              none ? none : "-", empty ? empty : "-",
                              request_header(r, "x-TEST") ? request_header(r, "x-TEST") : "-",
                              (long long)request_length(r), (int)body.len, (const char *)body.data);

    rep.body = bytes_of(text, strlen(text));
    reply_header(&rep, r, "X-Count", "%d", 7);
    reply_header(&rep, r, "X-Evil", "a\r\nX-Injected: 1");
    request_reply(r, &rep);
}

static void refuse_head(struct request *r)
{
    atomic_fetch_add(&stage_of(r)->heads, 1);
    if (!request_header(r, "Authorization"))
        say(r, 401, "no key");
}

static void refuse_run(struct request *r)
{
    atomic_fetch_add(&stage_of(r)->runs, 1);
    say(r, 200, "taken");
}

static void count_body(struct request *r, struct bytes piece)
{
    long long *own = request_data(r);

    if (!own)
        request_set_data(r, own = arena_alloc(request_arena(r), sizeof *own));
    *own += (long long)piece.len;
    atomic_fetch_add(&stage_of(r)->bytes, (long long)piece.len);
    if (piece.len && piece.data[0] == '!')
        say(r, 422, "no exclamation");
}

static void count_run(struct request *r)
{
    long long *own = request_data(r);

    say(r, 200, arena_printf(request_arena(r), "%lld", own ? *own : 0));
}

static void *reply_soon(void *arg)
{
    struct request *r = arg;

    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    say(r, 200, "late");
    return NULL;
}

static void *reply_now(void *arg)
{
    say(arg, 200, "raced");
    return NULL;
}

static void start_thread(void *(*fn)(void *), struct request *r)
{
    pthread_t t;

    CHECK_INT(pthread_create(&t, NULL, fn, r), 0);
    pthread_detach(t);
}

static void late_run(struct request *r)
{
    atomic_fetch_add(&stage_of(r)->late, 1);
    start_thread(reply_soon, r);
}

/* The other thread replies before, while or after the connection is suspended. */
static void race_run(struct request *r)
{
    start_thread(reply_now, r);
}

static void park_run(struct request *r)
{
    atomic_fetch_add(&stage_of(r)->runs, 1);
    atomic_store(&stage_of(r)->parked, r);
}

static void kept_run(struct request *r)
{
    request_reply_kept(r, stage_of(r)->kept);
}

static void twice_run(struct request *r)
{
    say(r, 200, "first");
    say(r, 500, "second");
}

static void file_run(struct request *r)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    request_reply_fd_take(r, 200, "application/octet-stream", fd, 100000);
}

static const struct handler hello = {.run = hello_run, .gone = count_gone}, mirror = {.run = mirror_run},
                            guarded = {.head = refuse_head, .run = refuse_run, .gone = count_gone},
                            count = {.body = count_body, .run = count_run, .gone = count_gone},
                            late = {.run = late_run, .gone = count_gone},
                            race = {.run = race_run, .gone = count_gone},
                            park = {.run = park_run, .gone = count_gone}, kept = {.run = kept_run},
                            twice = {.run = twice_run}, file = {.run = file_run},
                            nothing = {.gone = count_gone};

static const struct route routes[] = {
    {"GET", "/hello", &hello, 0},
    {"GET", "/mirror/{id}", &mirror, 0},
    {"POST", "/mirror/{id}", &mirror, 100},
    {"POST", "/guarded", &guarded, UPLOAD},
    {"GET", "/guarded", &guarded, 0},
    {"POST", "/count", &count, UPLOAD},
    {"POST", "/count/small", &count, 1000},
    {"GET", "/late", &late, 0},
    {"GET", "/race", &race, 0},
    {"GET", "/park", &park, 0},
    {"GET", "/kept", &kept, 0},
    {"GET", "/twice", &twice, 0},
    {"GET", "/file", &file, 0},
    {"GET", "/nothing", &nothing, 0},
};

/* ---- client ---- */

static struct server *start(struct stage *stage, int idle_seconds, int max_connections)
{
    struct server_opts opts = {.listen = "127.0.0.1:0",
                               .idle_seconds = idle_seconds,
                               .routes = routes,
                               .nroutes = COUNT_OF(routes),
                               .context = stage,
                               .on_error = say_error,
                               .max_connections = max_connections};
    struct server *s = NULL;
    struct err err = {0};

    CHECK_INT(server_start(&s, &opts, &err), 0);
    if (!s) {
        printf("# %s\n", err.text);
        exit(1);
    }
    return s;
}

static int dial(const struct server *s)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)server_port(s)),
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK_INT(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd;
}

static bool put(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        n -= (size_t)sent;
    }
    return true;
}

static void put_text(int fd, const char *text)
{
    CHECK(put(fd, text, strlen(text)));
}

struct answer {
    int status; /* 0: the connection ended before an answer */
    char head[4096];
    struct buf body;
};

static void answer_clear(struct answer *a)
{
    buf_clear(&a->body);
}

/* The value of a header with its name, up to the line's end; for short ones. */
static bool answer_has(const struct answer *a, const char *line)
{
    return strstr(a->head, line) != NULL;
}

/* Reads one answer byte by byte in the head, so that the next one stays in the socket. */
static struct answer get(int fd, bool is_head)
{
    struct answer a = {.body = BUF(ANSWER_MAX)};
    const char *length;
    size_t n = 0;
    char chunk[4096];

    while (n < sizeof a.head - 1 && recv(fd, a.head + n, 1, 0) == 1)
        if (++n >= 4 && memcmp(a.head + n - 4, "\r\n\r\n", 4) == 0)
            break;
    buf_str(&a.body, "");
    if (sscanf(a.head, "HTTP/1.1 %d", &a.status) != 1 || is_head)
        return a;
    length = strstr(a.head, "Content-Length: ");
    for (size_t left = length ? strtoul(length + 16, NULL, 10) : 0; left > 0;) {
        ssize_t got = recv(fd, chunk, left < sizeof chunk ? left : sizeof chunk, 0);
        if (got <= 0)
            break;
        buf_add(&a.body, chunk, (size_t)got);
        left -= (size_t)got;
    }
    return a;
}

static bool is_closed(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, 0);

    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static bool comes_to(atomic_int *value, int want)
{
    for (int i = 0; i < PATIENCE_MS && atomic_load(value) != want; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return atomic_load(value) == want;
}

/* ---- tests ---- */

struct row {
    const char *what, *request;
    int status;
    const char *body; /* NULL: not compared */
    const char *head; /* must be in the head; NULL: nothing */
    bool closes;
};

#define HOST "Host: x\r\n"

static const struct row rows[] = {
    {"GET", "GET /hello HTTP/1.1\r\n" HOST "\r\n", 200, "hello", "Content-Type: text/plain\r\n", false},
    {"parameter, query, header",
     "GET /mirror/a%20b?q=1+2%2b3&empty=&q=9&n%6Fne=%41 HTTP/1.1\r\n" HOST "X-Test: v\r\n\r\n", 201,
     "GET /mirror/a%20b id=a b q=1 2+3 none=A empty= x=v len=0 body=", "X-Count: 7\r\n", false},
    {"query name without a value", "GET /mirror/1?empty HTTP/1.1\r\n" HOST "\r\n", 201,
     "GET /mirror/1 id=1 q=- none=- empty= x=- len=0 body=", NULL, false},
    {"collected body", "POST /mirror/1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 201,
     "POST /mirror/1 id=1 q=- none=- empty=- x=- len=3 body=abc", NULL, false},
    {"empty body", "POST /mirror/1 HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 201,
     "POST /mirror/1 id=1 q=- none=- empty=- x=- len=0 body=", NULL, false},
    {"chunked body",
     "POST /mirror/1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
     201, "POST /mirror/1 id=1 q=- none=- empty=- x=- len=-1 body=abc", NULL, false},
    {"404", "GET /nowhere HTTP/1.1\r\n" HOST "\r\n", 404, "E404: there is nothing at this path", NULL, false},
    {"405 names the methods", "DELETE /mirror/1 HTTP/1.1\r\n" HOST "\r\n", 405, NULL,
     "Allow: GET, HEAD, POST\r\n", false},
    {"404 with a small body", "POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 404, NULL,
     NULL, false},
    {"404 with a large body", "POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n", 404, NULL,
     "Connection: close\r\n", true},
    {"slash in a parameter", "GET /mirror/a%2Fb HTTP/1.1\r\n" HOST "\r\n", 404, NULL, NULL, false},
    {"NUL in the path", "GET /mirror/a%00b HTTP/1.1\r\n" HOST "\r\n", 400, NULL, NULL, false},
    {"NUL in the query", "GET /mirror/a?q=%00 HTTP/1.1\r\n" HOST "\r\n", 400, NULL, NULL, false},
    {"broken escape in the query", "GET /mirror/a?q=%4 HTTP/1.1\r\n" HOST "\r\n", 400, NULL, NULL, false},
    {"413 by length", "POST /mirror/1 HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\n", 413,
     "E413: the body is over the limit of 100 bytes", "Connection: close\r\n", true},
    {"413 by chunks",
     "POST /mirror/1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
     "40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n"
     "40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n0\r\n\r\n",
     413, "E413: the body is over the limit of 100 bytes", NULL, false},
    {"413 where no body is expected", "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 413,
     "E413: this path takes no body", "Connection: close\r\n", true},
    {"length and chunks at once",
     "POST /mirror/1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400, NULL, "Connection: close\r\n", true},
    {"two lengths", "POST /mirror/1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
     400, NULL, "Connection: close\r\n", true},
    {"other encoding", "POST /mirror/1 HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\nabc", 400, NULL,
     "Connection: close\r\n", true},
    {"endless length", "POST /mirror/1 HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", 400,
     NULL, "Connection: close\r\n", true},
    {"no Host", "GET /hello HTTP/1.1\r\n\r\n", 400, NULL, "Connection: close\r\n", true},
    {"two Hosts", "GET /hello HTTP/1.1\r\n" HOST HOST "\r\n", 400, NULL, "Connection: close\r\n", true},
    {"blank before the colon", "POST /mirror/1 HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc", 400, NULL,
     "Connection: close\r\n", true},
    {"HTTP/1.0 without Host", "GET /hello HTTP/1.0\r\n\r\n", 200, "hello", "Connection: close\r\n", true},
    {"refused with the head", "POST /guarded HTTP/1.1\r\n" HOST "Content-Length: 100000000\r\n\r\n", 401,
     "no key", "Connection: close\r\n", true},
    {"refused, small body", "POST /guarded HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 401, "no key",
     NULL, false},
    {"refused, no body", "GET /guarded HTTP/1.1\r\n" HOST "\r\n", 401, "no key", NULL, false},
    {"not refused", "GET /guarded HTTP/1.1\r\n" HOST "Authorization: x\r\n\r\n", 200, "taken", NULL, false},
    {"refused with the head instead of 100",
     "POST /guarded HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n", 401, "no key",
     "Connection: close\r\n", true},
    {"refused within the body", "POST /count HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n!bc", 422,
     "no exclamation", NULL, false},
    {"streamed body", "POST /count HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 200, "3", NULL, false},
    {"streamed over the limit", "POST /count/small HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", 413,
     NULL, NULL, true},
    {"second reply is dropped", "GET /twice HTTP/1.1\r\n" HOST "\r\n", 200, "first", NULL, false},
    {"late reply", "GET /late HTTP/1.1\r\n" HOST "\r\n", 200, "late", NULL, false},
    {"kept reply", "GET /kept HTTP/1.1\r\n" HOST "\r\n", 200, "{\"kept\":1}",
     "Content-Type: application/json\r\n", false},
    {"handler without run", "GET /nothing HTTP/1.1\r\n" HOST "\r\n", 500, NULL, NULL, false},
};

static void check_answer(int fd, const struct row *row)
{
    CLEANUP(answer_clear) struct answer a = get(fd, false);

    CHECK_INT(a.status, row->status);
    if (row->body)
        CHECK_STR(a.body.data, row->body);
    if (row->head)
        CHECK(answer_has(&a, row->head));
    CHECK(!answer_has(&a, "Injected"));
    CHECK_INT(answer_has(&a, "Connection: close\r\n"), row->closes);
}

static void answers(void)
{
    struct stage stage = {.kept = kept_reply_new(200, "application/json", bytes_of("{\"kept\":1}", 10))};
    struct server *s = start(&stage, 10, 0);
    static const struct row again = {"again", "GET /hello HTTP/1.1\r\n" HOST "\r\n", 200, "hello", NULL,
                                     false};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int fd = dial(s);
        put_text(fd, rows[i].request);
        check_answer(fd, &rows[i]);
        if (rows[i].closes) {
            CHECK(rows[i].status == 413 || is_closed(fd));
        } else {
            put_text(fd, again.request);
            check_answer(fd, &again);
        }
        close(fd);
        ROW("%s", rows[i].what);
    }
    server_stop(s);
    CHECK_INT(atomic_load(&stage.runs), 1); /* "not refused" alone */
    kept_reply_unref(stage.kept);
}

/* The same requests, two on the wire before the first answer is read. */
static void pipelines(void)
{
    struct stage stage = {.kept = kept_reply_new(200, "application/json", bytes_of("{\"kept\":1}", 10))};
    struct server *s = start(&stage, 10, 0);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int fd = dial(s);
        if (rows[i].closes)
            goto next;
        put_text(fd, rows[i].request);
        put_text(fd, rows[i].request);
        check_answer(fd, &rows[i]);
        check_answer(fd, &rows[i]);
        ROW("%s", rows[i].what);
    next:
        close(fd);
    }
    server_stop(s);
    kept_reply_unref(stage.kept);
}

static void head_has_no_body(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int fd = dial(s);

    put_text(fd, "HEAD /hello HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 2; i++) {
        CLEANUP(answer_clear) struct answer a = get(fd, i == 0);
        CHECK_INT(a.status, 200);
        CHECK(answer_has(&a, "Content-Length: 5\r\n"));
    }
    close(fd);
    server_stop(s);
}

static void continues_only_when_wanted(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int fd = dial(s);
    struct answer a;

    put_text(fd, "POST /guarded HTTP/1.1\r\n" HOST
                 "Authorization: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    a = get(fd, true);
    CHECK_INT(a.status, 100);
    CHECK_INT(atomic_load(&stage.runs), 0);
    answer_clear(&a);
    put_text(fd, "abc");
    a = get(fd, false);
    CHECK_INT(a.status, 200);
    answer_clear(&a);
    close(fd);
    server_stop(s);
    CHECK_INT(atomic_load(&stage.heads), 1);
    CHECK_INT(atomic_load(&stage.gone), 1);
}

static void sends_files(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int fd = dial(s), exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CLEANUP(freep) char *want = mem_alloc(100000);
    CLEANUP(answer_clear) struct answer a = {0};

    CHECK_INT(pread(exe, want, 100000, 0), 100000);
    put_text(fd, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    a = get(fd, false);
    CHECK_INT(a.status, 200);
    CHECK_INT(a.body.len, 100000);
    CHECK(a.body.len == 100000 && memcmp(a.body.data, want, 100000) == 0);
    close(exe);
    close(fd);
    server_stop(s);
}

/* Hundreds of replies from other threads at the moment of suspension; each arrives, each request ends once.
 */
static void survives_the_suspend_race(void)
{
    enum { CLIENTS = 8, ROUNDS = 100 };
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int fds[CLIENTS];

    for (int i = 0; i < CLIENTS; i++)
        fds[i] = dial(s);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++)
            put_text(fds[i], "GET /race HTTP/1.1\r\n" HOST "\r\n");
        for (int i = 0; i < CLIENTS; i++) {
            CLEANUP(answer_clear) struct answer a = get(fds[i], false);
            CHECK_INT(a.status, 200);
            CHECK_STR(a.body.data, "raced");
        }
        if (!test_ok)
            break;
    }
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    CHECK(comes_to(&stage.gone, CLIENTS * ROUNDS));
    server_stop(s);
    CHECK_INT(atomic_load(&stage.gone), CLIENTS * ROUNDS);
}

static void client_vanishes_while_suspended(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int fd = dial(s);

    put_text(fd, "GET /park HTTP/1.1\r\n" HOST "\r\n");
    CHECK(comes_to(&stage.runs, 1));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(fd); /* a reset */
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    CHECK_INT(atomic_load(&stage.gone), 0);
    CHECK_STR(request_path(atomic_load(&stage.parked)), "/park");
    say(atomic_load(&stage.parked), 200, "anybody there?");
    CHECK(comes_to(&stage.gone, 1));
    server_stop(s);
    CHECK_INT(atomic_load(&stage.gone), 1);
}

static void stop_answers_the_suspended(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int fd = dial(s);
    CLEANUP(answer_clear) struct answer a = {0};

    put_text(fd, "GET /park HTTP/1.1\r\n" HOST "\r\n");
    CHECK(comes_to(&stage.runs, 1));
    server_drain(s, clock_mono_us() + 10000);
    CHECK_INT(atomic_load(&stage.gone), 0);
    server_stop(s);
    CHECK_INT(atomic_load(&stage.gone), 1);
    a = get(fd, false);
    CHECK_INT(a.status, 503);
    CHECK(text_starts(a.body.data, "E503"));
    close(fd);
}

static void drain_waits_for_the_open_request(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int fd = dial(s), refused;
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)server_port(s)),
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    CLEANUP(answer_clear) struct answer a = {0};

    put_text(fd, "GET /late HTTP/1.1\r\n" HOST "\r\n");
    CHECK(comes_to(&stage.late, 1));
    server_drain(s, clock_mono_us() + 10000000);
    a = get(fd, false);
    CHECK_INT(a.status, 200);
    server_stop(s);
    refused = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(connect(refused, (struct sockaddr *)&addr, sizeof addr), -1);
    close(refused);
    close(fd);
}

static void no_handler_runs_after_a_drain(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int idle = dial(s), sending = dial(s);
    CLEANUP(answer_clear) struct answer first = {0}, begun = {0}, sent = {0};

    put_text(idle, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    first = get(idle, false);
    CHECK_INT(first.status, 200);
    put_text(sending, "POST /count HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nabc");
    while (atomic_load(&stage.bytes) < 3)
        usleep(1000);
    server_drain(s, clock_mono_us() + 10000);
    put_text(idle, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    begun = get(idle, false);
    CHECK_INT(begun.status, 503);
    put_text(sending, "def");
    sent = get(sending, false);
    CHECK_INT(sent.status, 503);
    CHECK_INT(atomic_load(&stage.bytes), 3);
    server_stop(s);
    close(idle);
    close(sending);
}

/* The threads are busy with their connections at the moment at which the socket is taken from them. */
static void drains_busy_threads(void)
{
    enum { ROUNDS = 300, CLIENTS = 4 };

    for (int round = 0; round < ROUNDS; round++) {
        struct stage stage = {0};
        struct server *s = start(&stage, 10, 0);
        int fds[CLIENTS];
        for (int i = 0; i < CLIENTS; i++)
            fds[i] = dial(s);
        for (int i = 0; i < CLIENTS; i++)
            put_text(fds[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        usleep((useconds_t)(round % 40) * 5);
        server_drain(s, clock_mono_us() + 1000000);
        for (int i = 0; i < CLIENTS; i++)
            close(fds[i]);
        server_stop(s);
    }
}

static void client_leaves_within_the_body(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int fd = dial(s);

    put_text(fd, "POST /count HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nabc");
    /* An end that arrives together with data is noticed only by the time-out. */
    while (atomic_load(&stage.bytes) < 3)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    close(fd);
    CHECK(comes_to(&stage.gone, 1));
    server_stop(s);
    CHECK_INT(atomic_load(&stage.gone), 1);
}

/* Peak memory of this process in KiB since the last reset, or -1. */
static long peak_kib(bool reset)
{
    CLEANUP(fd_closep) int fd = -1;
    char text[4096] = "", *line;

    if (reset) {
        fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
        if (write(fd, "5", 1) != 1)
            return -1;
        fd_closep(&fd);
    }
    fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (read(fd, text, sizeof text - 1) <= 0 || !(line = strstr(text, "VmHWM:")))
        return -1;
    return strtol(line + 6, NULL, 10);
}

static void streams_a_large_upload_in_flat_memory(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int fd = dial(s);
    CLEANUP(freep) char *block = mem_alloc(MIB);
    CLEANUP(answer_clear) struct answer a = {0};
    char text[32];
    long before;

    memset(block, 'x', MIB);
    snprintf(text, sizeof text, "%d", UPLOAD);
    put_text(fd, "POST /count HTTP/1.1\r\n" HOST "Content-Length: ");
    put_text(fd, text);
    put_text(fd, "\r\n\r\n");
    before = peak_kib(true);
    for (int i = 0; i < UPLOAD / MIB; i++)
        if (!put(fd, block, MIB))
            break;
    a = get(fd, false);
    CHECK_INT(a.status, 200);
    CHECK_STR(a.body.data, text);
    CHECK(before > 0 && peak_kib(false) - before < 8 * 1024);
    close(fd);
    server_stop(s);
}

/* A client that sends everything before it reads gets the refusal, not a reset. */
static void refusal_reaches_a_client_that_sends_first(void)
{
    enum { ROUNDS = 20, SIZE = 8 };
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    CLEANUP(freep) char *block = mem_alloc(MIB);

    for (int round = 0; round < ROUNDS; round++) {
        CLEANUP(answer_clear) struct answer a = {0};
        int fd = dial(s);
        put_text(fd, "POST /guarded HTTP/1.1\r\n" HOST "Content-Length: 8388608\r\n\r\n");
        for (int i = 0; i < SIZE; i++)
            CHECK(put(fd, block, MIB));
        a = get(fd, false);
        CHECK_INT(a.status, 401);
        CHECK_STR(a.body.data, "no key");
        CHECK(is_closed(fd));
        close(fd);
    }
    CHECK(comes_to(&stage.gone, ROUNDS));
    CHECK_INT(atomic_load(&stage.runs), 0);
    server_stop(s);
}

/* A chunked body may run 1 MiB past its limit before the connection is cut. */
static void cuts_off_an_endless_body(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 0);
    int fd = dial(s), sent = 0;
    CLEANUP(freep) char *block = mem_alloc(65536 + 2);

    memset(block, 'x', 65536);
    memcpy(block + 65536, "\r\n", 2);
    put_text(fd, "POST /count/small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    while (sent < 1000 && put(fd, "10000\r\n", 7) && put(fd, block, 65536 + 2))
        sent++;
    CHECK(sent >= 16);
    CHECK(sent < 1000);
    CHECK(atomic_load(&stage.bytes) <= 1000);
    close(fd);
    server_stop(s);
    CHECK_INT(atomic_load(&stage.gone), 1);
}

struct slow_client {
    const char *what, *first, *drip;
};

/* True when the server has hung up; waits up to 20 ms for that. */
static bool hung_up(int fd, const char *drip)
{
    struct pollfd p = {fd, POLLIN, 0};

    if (poll(&p, 1, 20) != 0 && is_closed(fd))
        return true;
    return drip && !put(fd, drip, strlen(drip));
}

static void drops_slow_clients(void)
{
    static const struct slow_client slow[] = {
        {"says nothing", "", NULL},
        {"stops in the head", "GET /hello HT", NULL},
        {"drips its head", "GET /hello HTTP/1.1\r\nX: ", "y"},
        {"stops in the body", "POST /count HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\nabc", NULL},
        {"drips its body", "POST /count HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\nabc", "y"},
    };
    struct stage stage = {0};
    struct server *s = start(&stage, 1, 0);
    int64_t deadline = clock_mono_us() + 15000000;
    int fds[COUNT_OF(slow)];
    size_t open = COUNT_OF(slow);

    for (size_t i = 0; i < COUNT_OF(slow); i++) {
        fds[i] = dial(s);
        put_text(fds[i], slow[i].first);
    }
    while (open > 0 && clock_mono_us() < deadline)
        for (size_t i = 0; i < COUNT_OF(slow); i++)
            if (fds[i] >= 0 && hung_up(fds[i], slow[i].drip)) {
                fd_closep(&fds[i]);
                open--;
            }
    for (size_t i = 0; i < COUNT_OF(slow); i++) {
        CHECK_INT(fds[i], -1);
        ROW("%s", slow[i].what);
        fd_closep(&fds[i]);
    }
    CHECK(comes_to(&stage.gone, 2));
    server_stop(s);
}

/* Two places, both taken by connections that wait for more than a second: the older one goes when a third
 * comes. */
static void waiting_connections_give_way(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 2);
    int fds[3];

    for (int i = 0; i < 3; i++) {
        CLEANUP(answer_clear) struct answer a = {0};
        if (i == 2)
            nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 500000000}, NULL);
        fds[i] = dial(s);
        put_text(fds[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        a = get(fds[i], false);
        CHECK_INT(a.status, 200);
    }
    CHECK(is_closed(fds[0]));
    for (int i = 1; i < 3; i++) {
        CLEANUP(answer_clear) struct answer a = {0};
        put_text(fds[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        a = get(fds[i], false);
        CHECK_INT(a.status, 200);
    }
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    server_stop(s);
}

/* One place, and whoever has it is at work: the next is told so, and may come again later. */
static void busy_connections_stay(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage, 10, 1);
    int busy = dial(s), late_one;
    CLEANUP(answer_clear) struct answer refused = {0};
    CLEANUP(answer_clear) struct answer answer = {0};

    put_text(busy, "GET /park HTTP/1.1\r\n" HOST "\r\n");
    CHECK(comes_to(&stage.runs, 1));
    late_one = dial(s);
    put_text(late_one, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    refused = get(late_one, false);
    CHECK_INT(refused.status, 503);
    CHECK_STR(refused.body.data, "E503: too many connections; try again later");
    CHECK(strstr(refused.head, "Retry-After: 1") != NULL);
    CHECK(is_closed(late_one));
    while (!atomic_load(&stage.parked))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    say(atomic_load(&stage.parked), 200, "done");
    answer = get(busy, false);
    CHECK_INT(answer.status, 200);
    close(busy);
    close(late_one);
    server_stop(s);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    CLEANUP(fd_closep) int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0;
}

static void listens_where_told(void)
{
    const struct {
        const char *listen;
        bool ok;
    } places[] = {
        {"127.0.0.1:0", true},
        {"localhost:0", true},
        {"[::1]:0", has_ipv6()},
        {"", false},
        {NULL, false},
        {"127.0.0.1", false},
        {":0", false},
        {"::1:0", false},
        {"[::1]", false},
        {"127.0.0.1:65536", false},
        {"127.0.0.1:-1", false},
        {"127.0.0.1:x", false},
        {"example.com:0", false},
        {"192.0.2.1:0", false}, /* not an address of this machine */
    };

    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct server_opts opts = {.listen = places[i].listen};
        struct server *s = NULL;
        struct err err = {0};
        CHECK_INT(server_start(&s, &opts, &err), places[i].ok ? 0 : -1);
        CHECK(places[i].ok ? server_port(s) > 0 : *err.text != 0);
        server_stop(s);
        ROW("%s", places[i].listen ? places[i].listen : "(null)");
    }
}

/* ---- counting ---- */

static uint64_t replies(const struct server_stats *st, const char *method, const char *path, int status)
{
    uint64_t n = 0;

    for (size_t i = 0; i < st->nreplies; i++) {
        const struct route *route = st->replies[i].route;
        bool same = path ? route && !strcmp(route->path, path) && !strcmp(route->method, method) : !route;
        if (same && st->replies[i].status == status)
            n += st->replies[i].n;
    }
    return n;
}

static void counts_what_it_answers(void)
{
    static const char *const requests[] = {
        "GET /hello HTTP/1.1\r\n" HOST "\r\n",
        "HEAD /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
        "GET /mirror/one HTTP/1.1\r\n" HOST "\r\n",
        "GET /mirror/two HTTP/1.1\r\n" HOST "\r\n",
        "POST /mirror/1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
        "POST /mirror/1 HTTP/1.1\r\n" HOST "Content-Length: 101\r\nConnection: close\r\n\r\n",
        "GET /nowhere/4711 HTTP/1.1\r\n" HOST "\r\n",
        "PUT /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /late HTTP/1.1\r\n" HOST "\r\n",
        "GET /twice HTTP/1.1\r\n" HOST "\r\n",
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stage stage = {0};
    struct server *s = start(&stage, 30, 0);
    struct server_stats st;
    int idle = dial(s);

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        int fd = dial(s);
        struct answer got;
        put_text(fd, requests[i]);
        got = get(fd, requests[i][0] == 'H');
        answer_clear(&got);
        close(fd);
    }
    server_stats(s, a, &st);
    CHECK_INT(replies(&st, "GET", "/hello", 200), 2); /* HEAD is the same route */
    CHECK_INT(replies(&st, "GET", "/mirror/{id}", 201), 2);
    CHECK_INT(replies(&st, "POST", "/mirror/{id}", 201), 1);
    CHECK_INT(replies(&st, NULL, NULL, 404), 1);
    CHECK_INT(replies(&st, NULL, NULL, 405), 1);
    CHECK_INT(replies(&st, "POST", "/mirror/{id}", 413), 1);
    CHECK_INT(replies(&st, "GET", "/late", 200), 1);
    CHECK_INT(replies(&st, "GET", "/twice", 200), 1); /* the second reply is none */
    CHECK_INT(st.nreplies, 8);
    CHECK_INT(st.received, 3);
    CHECK(st.accepted == COUNT_OF(requests) + 1 && st.connections >= 1);
    CHECK_INT(st.slow, 0);
    close(idle);
    for (int i = 0; i < PATIENCE_MS && st.connections > 0; i++, server_stats(s, a, &st))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    CHECK_INT(st.connections, 0);
    CHECK_INT(st.requests, 0);
    server_stop(s);
}

/* Two refusals have two ids, an answer has none. */
static void refusals_have_an_id(void)
{
    static const char *const paths[] = {"/nothere", "/hello", "/nothere"};
    struct stage stage = {0};
    struct server *s = start(&stage, 30, 0);
    char ids[3][32] = {"", "", ""};

    for (int i = 0; i < 3; i++) {
        int fd = dial(s);
        char request[128];
        const char *header;
        struct answer got;
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
        put_text(fd, request);
        got = get(fd, false);
        header = strstr(got.head, "X-Request-Id: ");
        if (header)
            sscanf(header, "X-Request-Id: %31[^\r]", ids[i]);
        answer_clear(&got);
        close(fd);
    }
    CHECK(strlen(ids[0]) >= 10 && strlen(ids[2]) >= 10 && strcmp(ids[0], ids[2]) != 0);
    CHECK_STR(ids[1], "");
    server_stop(s);
}

int main(void)
{
    RUN(answers);
    RUN(pipelines);
    RUN(head_has_no_body);
    RUN(continues_only_when_wanted);
    RUN(sends_files);
    RUN(survives_the_suspend_race);
    RUN(client_vanishes_while_suspended);
    RUN(stop_answers_the_suspended);
    RUN(drain_waits_for_the_open_request);
    RUN(no_handler_runs_after_a_drain);
    RUN(drains_busy_threads);
    RUN(client_leaves_within_the_body);
    RUN(streams_a_large_upload_in_flat_memory);
    RUN(refusal_reaches_a_client_that_sends_first);
    RUN(cuts_off_an_endless_body);
    RUN(drops_slow_clients);
    RUN(waiting_connections_give_way);
    RUN(busy_connections_stay);
    RUN(listens_where_told);
    RUN(counts_what_it_answers);
    RUN(refusals_have_an_id);
    return test_end();
}
