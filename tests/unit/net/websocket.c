/* Websockets on a real server, spoken to over raw sockets. */
#include "net/websocket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "test.h"

struct stage {
    atomic_int opened, ticks, gone, requests_gone;
};

static void on_open(struct websocket *w, void *arg)
{
    atomic_fetch_add(&((struct stage *)arg)->opened, 1);
    websocket_send(w, bytes_of("hello", 5));
}

static void on_text(struct websocket *w, void *arg, struct bytes message)
{
    (void)arg;
    if (message.len == 3 && memcmp(message.data, "bye", 3) == 0)
        websocket_close(w);
    else
        websocket_send(w, message);
}

static void on_tick(struct websocket *w, void *arg)
{
    (void)w;
    atomic_fetch_add(&((struct stage *)arg)->ticks, 1);
}

static void on_gone(void *arg)
{
    atomic_fetch_add(&((struct stage *)arg)->gone, 1);
}

static const struct websocket_handler echo = {on_open, on_text, on_tick, on_gone};

static void run(struct request *r)
{
    struct err err = {0};

    if (request_upgrade(r, &echo, request_context(r), &err) < 0)
        request_reply(r, &(struct reply){.status = err.kind == ERR_BUSY ? 503 : 400,
                                         .type = "text/plain",
                                         .body = bytes_of(err.text, strlen(err.text))});
}

static void gone(struct request *r)
{
    atomic_fetch_add(&((struct stage *)request_context(r))->requests_gone, 1);
}

static const struct handler handler = {.run = run, .gone = gone};
static const struct route routes[] = {{"GET", "/ws", &handler, 0}};

static struct server *start(struct stage *stage)
{
    struct server_opts opts = {
        .listen = "127.0.0.1:0", .routes = routes, .nroutes = COUNT_OF(routes), .context = stage};
    struct server *s = NULL;
    struct err err = {0};

    CHECK_INT(server_start(&s, &opts, &err), 0);
    return s;
}

static int dial(const struct server *s)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)server_port(s)),
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK_INT(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void put(int fd, const void *data, size_t n)
{
    CHECK_INT(send(fd, data, n, MSG_NOSIGNAL), n);
}

/* The head of the answer. */
static void read_head(int fd, char *head, size_t size)
{
    size_t n = 0;

    memset(head, 0, size);
    while (n < size - 1 && recv(fd, head + n, 1, 0) == 1)
        if (++n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0)
            break;
}

#define KEY        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define HANDSHAKE  "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n" KEY
#define CONNECTION "Connection: keep-alive, Upgrade\r\n"

static int open_socket(const struct server *s)
{
    static const char text[] = HANDSHAKE CONNECTION "Sec-WebSocket-Version: 13\r\n\r\n";
    char head[2048];
    int fd = dial(s);

    put(fd, text, sizeof text - 1);
    read_head(fd, head, sizeof head);
    CHECK(strstr(head, "HTTP/1.1 101"));
    CHECK(strstr(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    CHECK(strstr(head, "Upgrade: websocket\r\n"));
    return fd;
}

/* A short frame; its first byte, -1 at the end. */
static int read_frame(int fd, char *data, size_t size)
{
    uint8_t head[2];

    memset(data, 0, size);
    if (recv(fd, head, 2, MSG_WAITALL) != 2 || head[1] >= size)
        return -1;
    if (head[1] && recv(fd, data, head[1], MSG_WAITALL) != head[1])
        return -1;
    return head[0];
}

/* With a mask of zeros. */
static void put_frame(int fd, uint8_t first, const char *data)
{
    uint8_t frame[140] = {first, (uint8_t)(0x80 | strlen(data))};

    memcpy(frame + 6, data, strlen(data));
    put(fd, frame, 6 + strlen(data));
}

static bool comes_to(atomic_int *value, int want)
{
    for (int i = 0; i < 10000 && atomic_load(value) < want; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return atomic_load(value) >= want;
}

static void test_talk(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage);
    int fd = open_socket(s);
    char data[130];

    CHECK_INT(read_frame(fd, data, sizeof data), 0x81);
    CHECK_STR(data, "hello");
    put_frame(fd, 0x81, "one");
    CHECK_INT(read_frame(fd, data, sizeof data), 0x81);
    CHECK_STR(data, "one");
    put_frame(fd, 0x89, "are you there");
    CHECK_INT(read_frame(fd, data, sizeof data), 0x8a);
    CHECK_STR(data, "are you there");
    CHECK(comes_to(&stage.ticks, 2));
    put_frame(fd, 0x81, "bye");
    CHECK_INT(read_frame(fd, data, sizeof data), 0x88);
    put_frame(fd, 0x88, "\x03\xe8");
    CHECK_INT(read_frame(fd, data, sizeof data), -1);
    CHECK(comes_to(&stage.gone, 1));
    CHECK(comes_to(&stage.requests_gone, 1));
    close(fd);
    server_stop(s);
}

/* Each way in which a client leaves. */
static void test_leave(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage);
    char data[130];

    for (int i = 0; i < 3; i++) {
        int fd = open_socket(s);
        CHECK_INT(read_frame(fd, data, sizeof data), 0x81);
        if (i == 1) {
            put_frame(fd, 0x88, "");
            CHECK_INT(read_frame(fd, data, sizeof data), 0x88);
        }
        if (i == 2) { /* binary is not for us */
            put_frame(fd, 0x82, "x");
            CHECK_INT(read_frame(fd, data, sizeof data), 0x88);
            CHECK_INT((uint8_t)data[0] << 8 | (uint8_t)data[1], 1003);
        }
        close(fd);
        CHECK(comes_to(&stage.gone, i + 1));
    }
    CHECK_INT(stage.opened, 3);
    server_stop(s);
    CHECK_INT(stage.requests_gone, 3);
}

static void test_refusals(void)
{
    static const char *const requests[] = {
        "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n",
        HANDSHAKE "Sec-WebSocket-Version: 13\r\n\r\n",
        HANDSHAKE CONNECTION "Sec-WebSocket-Version: 8\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n" CONNECTION
        "Sec-WebSocket-Version: 13\r\n\r\n",
    };
    struct stage stage = {0};
    struct server *s = start(&stage);

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        char head[2048];
        int fd = dial(s);
        put(fd, requests[i], strlen(requests[i]));
        read_head(fd, head, sizeof head);
        CHECK(strstr(head, "HTTP/1.1 400"));
        close(fd);
    }
    server_stop(s);
    CHECK_INT(stage.gone, 0);
}

/* A stopping server says so, and does not wait for them. */
static void test_drain(void)
{
    struct stage stage = {0};
    struct server *s = start(&stage);
    int64_t begun = clock_mono_us();
    int fds[20];
    char data[130];

    for (size_t i = 0; i < COUNT_OF(fds); i++)
        fds[i] = open_socket(s);
    CHECK(comes_to(&stage.opened, COUNT_OF(fds)));
    server_drain(s, clock_mono_us() + 5000000);
    CHECK(clock_mono_us() - begun < 3000000);
    CHECK_INT(stage.gone, COUNT_OF(fds));
    CHECK_INT(read_frame(fds[0], data, sizeof data), 0x81);
    CHECK_INT(read_frame(fds[0], data, sizeof data), 0x88);
    CHECK_INT((uint8_t)data[0] << 8 | (uint8_t)data[1], 1001);
    server_stop(s);
    CHECK_INT(stage.requests_gone, COUNT_OF(fds));
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
}

int main(void)
{
    RUN(test_talk);
    RUN(test_leave);
    RUN(test_refusals);
    RUN(test_drain);
    return test_end();
}
