#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/server_int.h"

enum {
    DEFAULT_THREADS = 2,
    DEFAULT_CONNECTIONS = 12000,
    DEFAULT_IDLE_SECONDS = 30,
    BACKLOG = 4096,
    SPARE = 256, /* connections a thread may have beyond its share: they are told that there is no place */
    CONNECTION_MEMORY = 16 << 10, /* head and read buffer of one connection; cleared for every request */
    STOP_WAIT_US = 500000,        /* for replies on the way when the server stops */
    HAND_OVER_US = 500000,        /* for net threads to begin with the last connections */
};

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

/* ---- the socket ---- */

/* Splits "host:port" or "[v6]:port"; brackets are dropped. */
static int parse_listen(const char *listen, char *ret_host, size_t size, const char **ret_port,
                        struct err *err)
{
    const char *colon = listen ? strrchr(listen, ':') : NULL;
    bool bracketed = colon && *listen == '[' && colon[-1] == ']';
    size_t skip = bracketed ? 1 : 0, len = colon ? (size_t)(colon - listen) - 2 * skip : 0;
    int64_t port;

    if (!colon || len == 0 || len >= size || (!bracketed && memchr(listen, ':', len)) ||
        !text_to_i64(colon + 1, &port) || port < 0 || port > 65535)
        return FAIL(err, ERR_INPUT, "\"%s\" is no address to listen on; write 127.0.0.1:8480 or [::1]:8480",
                    listen ? listen : "");
    memcpy(ret_host, listen + skip, len);
    ret_host[len] = '\0';
    *ret_port = colon + 1;
    return 0;
}

int address_parse(const char *listen, struct sockaddr_storage *ret_addr, socklen_t *ret_len, struct err *err)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *info;
    const char *port;
    char host[128];

    if (parse_listen(listen, host, sizeof host, &port, err) < 0)
        return -1;
    if (getaddrinfo(text_is(host, "localhost") ? "127.0.0.1" : host, port, &hints, &info) != 0)
        return FAIL(err, ERR_INPUT, "\"%s\" is not an IP address; write 127.0.0.1:8480 or [::1]:8480",
                    listen);
    memcpy(ret_addr, info->ai_addr, info->ai_addrlen);
    *ret_len = info->ai_addrlen;
    freeaddrinfo(info);
    return 0;
}

static int bound_port(int fd)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    char port[NI_MAXSERV] = "0";

    if (getsockname(fd, (struct sockaddr *)&addr, &len) == 0)
        getnameinfo((struct sockaddr *)&addr, len, NULL, 0, port, sizeof port, NI_NUMERICSERV);
    return atoi(port);
}

static int open_socket(const char *listen_on, int *ret_fd, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;
    struct sockaddr_storage addr;
    socklen_t len;
    int one = 1;

    if (address_parse(listen_on, &addr, &len, err) < 0)
        return -1;
    fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
        return FAIL_ERRNO(err, "cannot make a socket for %s", listen_on);
    if (bind(fd, (struct sockaddr *)&addr, len) < 0 || listen(fd, BACKLOG) < 0)
        return FAIL_ERRNO(err, "cannot listen on %s", listen_on);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* ---- the daemon ---- */

/* The library would decode before the path is cut into segments; we decode afterwards (route.c,
 * request_query). */
static size_t keep_escapes(void *arg, struct MHD_Connection *connection, char *s)
{
    (void)arg, (void)connection;
    return strlen(s);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct server *s = arg;
    struct conn *c = *context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        atomic_fetch_add(&s->connections, 1);
        atomic_fetch_add_explicit(&s->accepted, 1, memory_order_relaxed);
        *context = watch_add(
            s->watch, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
        return;
    }
    atomic_fetch_sub(&s->connections, 1);
    if (c->lingers) /* the descriptor is closed after this call */
        farewell_add(s->farewell, c->fd);
    watch_drop_take(s->watch, c);
}

PRINTF(2, 0) static void on_log(void *arg, const char *fmt, va_list args)
{
    char text[512];

    (void)arg;
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http library", "says=%s", text);
}

/* Strict parsing of heads. Version 0.9.75 (Debian 12) knows one strict rule, the missing Host, and answers it
 * with two heads; request.c has that rule itself. */
enum { STRICT_LEVEL = MHD_VERSION >= 0x01000000 ? 1 : 0 };

static int start_daemon(struct server *s, struct err *err)
{
    const struct server_opts *o = &s->opts;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[3] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_end, s},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, s},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, o->threads * (o->max_connections + SPARE), NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, o->idle_seconds, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, STRICT_LEVEL, NULL},
        {o->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, o->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    if (o->tls_cert) {
        flags |= MHD_USE_TLS;
        tls_options(tls);
    }
    s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, request_step, s, MHD_OPTION_EXTERNAL_LOGGER, on_log,
                                 NULL, MHD_OPTION_ARRAY, options, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!s->daemon)
        return FAIL(err, ERR_IO, "cannot start the HTTP server: %s",
                    errno ? strerror(errno) : "no reason given");
    return 0;
}

static void use_defaults(struct server_opts *o)
{
    o->threads = o->threads > 0 ? o->threads : DEFAULT_THREADS;
    o->max_connections = o->max_connections > 0 ? o->max_connections : DEFAULT_CONNECTIONS;
    o->idle_seconds = o->idle_seconds > 0 ? o->idle_seconds : DEFAULT_IDLE_SECONDS;
}

/* The library throws away what it was given and has not begun with when it is stopped. */
static void stop_accepting(struct server *s)
{
    int64_t deadline = clock_mono_us() + HAND_OVER_US;

    acceptor_freep(&s->acceptor);
    while (atomic_load(&s->accepted) < atomic_load(&s->handed) && clock_mono_us() < deadline)
        sleep_ms(1);
}

static void server_freep(struct server **server)
{
    struct server *s = *server;

    if (!s)
        return;
    stop_accepting(s);
    if (s->sockets)
        sockets_stop(s->sockets); /* the library must not be stopped while one is open */
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    if (s->opts.tls_cert)
        tls_drop();
    watch_freep(&s->watch); /* connections leave both while the daemon stops */
    farewell_freep(&s->farewell);
    sockets_freep(&s->sockets);
    route_table_freep(&s->routes);
    counters_freep(&s->counters);
    pthread_mutex_destroy(&s->lock);
    free(s);
    *server = NULL;
}

static bool is_loopback(int fd)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof addr;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&addr;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr;

    if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
        return false;
    if (addr.ss_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    return addr.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int prepare_tls(struct server *s, int fd, struct err *err)
{
    const struct server_opts *o = &s->opts;

    if (!o->tls_cert != !o->tls_key)
        return FAIL(err, ERR_INPUT, "TLS needs both a certificate and its key");
    if (!o->tls_cert && !is_loopback(fd))
        log_warn("no TLS: keys and footage pass in clear text", "listen=%s", o->listen);
    if (!o->tls_cert)
        return 0;
    if (!tls_is_there())
        return FAIL(err, ERR_UNSUPPORTED,
                    "the HTTP library of this machine has no TLS; put a proxy in front");
    return tls_load(&(struct tls_files){o->tls_cert, o->tls_key}, err);
}

int server_reload_tls(struct server *s, struct err *err)
{
    return s->opts.tls_cert ? tls_load(&(struct tls_files){s->opts.tls_cert, s->opts.tls_key}, err) : 0;
}

#define NO_THREADS "cannot start the HTTP server's threads; raise the limits of threads and of open files"

int server_start(struct server **ret_server, const struct server_opts *opts, struct err *err)
{
    CLEANUP(server_freep) struct server *s = mem_alloc(sizeof *s);
    CLEANUP(fd_closep) int fd = -1;

    s->opts = *opts;
    pthread_mutex_init(&s->lock, NULL);
    use_defaults(&s->opts);
    if (route_table_new(&s->routes, opts->routes, opts->nroutes, err) < 0 ||
        open_socket(opts->listen, &fd, err) < 0)
        return -1;
    s->port = bound_port(fd);
    s->counters = counters_new(opts->routes, opts->nroutes);
    hash_random(&s->epoch, sizeof s->epoch);
    server_log_requests(s, opts->log_requests);
    s->watch = watch_new(s->opts.idle_seconds, s->opts.max_connections);
    s->farewell = farewell_new();
    s->sockets = sockets_new();
    if (!s->watch || !s->farewell || !s->sockets)
        return FAIL(err, ERR_IO, NO_THREADS);
    if (prepare_tls(s, fd, err) < 0 || start_daemon(s, err) < 0)
        return -1;
    s->acceptor = acceptor_new_take(TAKE_FD(fd), s);
    if (!s->acceptor)
        return FAIL(err, ERR_IO, NO_THREADS);
    *ret_server = TAKE(s);
    return 0;
}

int server_port(const struct server *s)
{
    return s->port;
}

void server_log_requests(struct server *s, bool on)
{
    atomic_store(&s->log_requests, on);
}

void server_stats(struct server *s, struct arena *a, struct server_stats *ret)
{
    *ret = (struct server_stats){
        .connections = atomic_load(&s->connections),
        .requests = atomic_load(&s->open),
        .accepted = atomic_load(&s->accepted),
        .slow = watch_slow(s->watch),
        .received = atomic_load(&s->received),
    };
    counters_read(s->counters, a, ret);
}

static void wait_for_requests(struct server *s, int64_t deadline_mono_us)
{
    while (atomic_load(&s->open) > 0 && clock_mono_us() < deadline_mono_us)
        sleep_ms(2);
}

void server_drain(struct server *s, int64_t deadline_mono_us)
{
    atomic_store(&s->phase, SERVER_DRAINING);
    stop_accepting(s);
    sockets_stop(s->sockets);
    wait_for_requests(s, deadline_mono_us);
    atomic_store(&s->phase, SERVER_CLOSED);
    while (atomic_load(&s->steps) > 0) /* short: handlers do not block */
        sleep_ms(1);
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    /* The library must not be stopped while a connection is suspended. */
    request_stop_all(s);
    wait_for_requests(s, clock_mono_us() + STOP_WAIT_US);
    server_freep(&s);
}
