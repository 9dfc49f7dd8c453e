/* One GET to a server of our own, and to things that are none. */
#include "net/ask.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/server.h"
#include "test.h"

static void long_run(struct request *r)
{
    static char text[100000];
    struct reply rep = {.status = 503, .type = "text/plain", .body = bytes_of(text, sizeof text)};

    memset(text, 'x', sizeof text);
    request_reply(r, &rep);
}

static const struct handler long_one = {.run = long_run};
static const struct route routes[] = {{"GET", "/long", &long_one, 0}};

static void answers_of_any_status(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct server_opts opts = {.listen = "127.0.0.1:0", .threads = 1, .routes = routes, .nroutes = 1};
    struct question q = {.path = "/long", .timeout_ms = 5000, .max_bytes = 1 << 20};
    struct server *s = NULL;
    struct bytes body;
    struct err err = {0};
    int status = 0;

    CHECK_INT(server_start(&s, &opts, &err), 0);
    q.address = arena_printf(a, "127.0.0.1:%d", server_port(s));
    CHECK_INT(net_ask(a, &q, &status, &body, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_INT(status, 503);
    CHECK(body.len == 100000 && body.data[99999] == 'x');
    q.max_bytes = 50000;
    CHECK(net_ask(a, &q, &status, &body, &err) < 0);
    CHECK_INT(err.kind, ERR_LIMIT);
    server_stop(s);
    CHECK(net_ask(a, &q, &status, &body, &err) < 0); /* nobody there any more */
    CHECK_INT(err.kind, ERR_IO);
}

/* Takes one connection, says something, and keeps it open for a while. */
struct odd {
    int fd, port;
    const char *says;
};

static void *odd_main(void *arg)
{
    struct odd *o = arg;
    int fd = accept(o->fd, NULL, NULL);

    if (*o->says && send(fd, o->says, strlen(o->says), MSG_NOSIGNAL) < 0)
        perror("# send");
    else if (!*o->says)
        usleep(600000);
    shutdown(fd, SHUT_WR);
    usleep(100000);
    close(fd);
    return NULL;
}

static void what_is_no_server(void)
{
    static const struct {
        const char *says, *text;
    } rows[] = {
        {"", "no whole answer"},
        {"220 mail ready\r\n", "no HTTP server"},
        {"HTTP/1.1 200 OK\r\nX: y\r\n", "no HTTP server"},
        {"SSH-2.0\r\n\r\n", "no HTTP server"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        struct odd o = {.fd = socket(AF_INET, SOCK_STREAM, 0), .says = rows[i].says};
        struct question q = {.path = "/", .timeout_ms = 300, .max_bytes = 1000};
        socklen_t len = sizeof addr;
        pthread_t thread;
        struct bytes body;
        struct err err = {0};
        int status, r;
        int64_t begun = clock_mono_us();
        CHECK(bind(o.fd, (struct sockaddr *)&addr, sizeof addr) == 0 && listen(o.fd, 1) == 0);
        CHECK(getsockname(o.fd, (struct sockaddr *)&addr, &len) == 0);
        q.address = arena_printf(a, "127.0.0.1:%d", ntohs(addr.sin_port));
        pthread_create(&thread, NULL, odd_main, &o);
        r = net_ask(a, &q, &status, &body, &err);
        CHECK(r < 0 && err.kind == ERR_IO && strstr(err.text, rows[i].text));
        CHECK(clock_mono_us() - begun < 3000000);
        ROW("'%s': %s", rows[i].says, err.text);
        pthread_join(thread, NULL);
        close(o.fd);
    }
}

static void bad_addresses(void)
{
    static const char *const rows[] = {"", "localhost", "example.com:80", "1.2.3.4:99999", ":80"};
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct question q = {.address = rows[i], .path = "/", .timeout_ms = 100, .max_bytes = 10};
        struct bytes body;
        struct err err = {0};
        int status;
        CHECK(net_ask(a, &q, &status, &body, &err) < 0);
        CHECK_INT(err.kind, ERR_INPUT);
        ROW("%s", rows[i]);
    }
}

int main(void)
{
    RUN(answers_of_any_status);
    RUN(what_is_no_server);
    RUN(bad_addresses);
    return test_end();
}
