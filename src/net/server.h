/* The HTTP server: libmicrohttpd behind a table of routes. HTTP/1.1, epoll, a small pool of threads.
 *
 * A request goes through up to three calls of its route's handler:
 *   head   all headers are there, no body yet. May reply at once (no key, body too large, wrong type): the
 * body is then not read. May be NULL. body   a piece of the body. Only when the handler has one; otherwise a
 * body up to max_body is collected and given to `run` (request_body). run    the body is complete. Replies
 * now, or later from any thread: the connection is suspended meanwhile and no thread waits. Exactly one reply
 * per request; another one is dropped. After a reply neither `body` nor `run` is called. `gone` is called
 * once at the very end of every request whose route was found, whatever happened (also when the client
 * vanished or the server refused it before `head`): free what request_set_data kept, if anything. A client
 * that vanishes while its request is suspended is noticed with the reply, not before. Handlers run on net
 * threads; never block there on anything slower than a small disk write.
 *
 * Unknown path, wrong method, oversize body and so on are answered through `on_error` of the server, so that
 * each family of routes keeps its own error shape. */
#ifndef ASSAY_NET_SERVER_H
#define ASSAY_NET_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct server;
struct request;

struct handler {
    void (*head)(struct request *r);
    void (*body)(struct request *r, struct bytes piece);
    void (*run)(struct request *r);
    void (*gone)(struct request *r);
};

struct route {
    const char *method; /* "GET" also serves HEAD */
    /* "/api/result/{id}": a {name} matches one non-empty segment. Exact, no trailing slash; a path without
     * {names} wins over one with, then the earlier row. */
    const char *path;
    const struct handler *handler;
    int64_t max_body; /* bytes; 0 = no body expected. A larger Content-Length or body is 413 */
};

struct server_opts {
    const char *listen; /* "127.0.0.1:8480", "[::1]:0"; port 0 = any */
    int threads;        /* default 2 */
    /* Default 12000. Beyond them one that has waited a second or more for a request gives way; when all are
     * busy, a new one gets 503 (through on_error, with Retry-After). */
    int max_connections;
    int idle_seconds;           /* connection time-out while idle or slow; default 30 */
    const struct route *routes; /* borrowed until server_stop */
    size_t nroutes;
    void *context; /* request_context() */
    /* Replies to what no handler answers. status is 400, 404, 405 (Allow is added), 413, 500 or 503
     * (server_stop, on its thread). Plain text when NULL. */
    void (*on_error)(struct request *r, int status, const char *text);
    bool log_requests; /* a line for every request, not only at level debug */
    /* PEM files: the certificate with its chain, and its key. Both or none; then HTTP in clear text. One
     * server of a process at a time may have them. */
    const char *tls_cert, *tls_key;
};

/* ERR_INPUT for a bad address or certificate, ERR_DENIED for a key that others can read, ERR_IO when it
 * cannot be listened on. */
int server_start(struct server **ret_server, const struct server_opts *opts, struct err *err);
int server_port(const struct server *s);
/* Reads certificate and key again: new connections get them, open ones stay. On failure nothing changes. Fine
 * without TLS. Any thread. */
int server_reload_tls(struct server *s, struct err *err);
/* Stops accepting; requests that begin from now on get 503, open ones may finish until the deadline. When it
 * returns, no handler runs and none will be called again, but for `gone`. Then stop whatever replies from
 * other threads (it must not reply to a request of a stopped server), then server_stop: it answers what is
 * still suspended with 503. */
void server_drain(struct server *s, int64_t deadline_mono_us);
void server_stop(struct server *s);                  /* NULL is fine */
void server_log_requests(struct server *s, bool on); /* any thread */

/* Counted since the start. Replies count when they are decided, whether or not they arrive. What the library
 * answers by itself (a head that cannot be parsed) is not in it. */
struct reply_count {
    const struct route *route; /* NULL: no route was found, or the server was stopping */
    int status;                /* 0: the client was gone before */
    uint64_t n;
};
struct server_stats {
    size_t connections, requests; /* open now */
    uint64_t accepted, slow;      /* connections; those dropped because they sent too slowly */
    uint64_t received;            /* bytes of request bodies */
    size_t nreplies;
    struct reply_count *replies; /* in the arena; only those that are not 0 */
};
void server_stats(struct server *s, struct arena *a, struct server_stats *ret); /* any thread */

/* ---- the request; valid from `head` to `gone` ---- */
void *request_context(struct request *r);
struct arena *request_arena(struct request *r);
const char *request_id(struct request *r); /* for log lines (req=...); refusals carry it as X-Request-Id */
const char *request_method(struct request *r);
const char *request_path(struct request *r);                     /* as sent, without the query, not decoded */
const char *request_header(struct request *r, const char *name); /* NULL when absent; case-insensitive */
const char *request_query(struct request *r, const char *name); /* decoded; NULL when absent, "" when empty */
/* Every parameter of the query, in their order, as sent (not decoded); value NULL without '='. */
void request_query_each(struct request *r, void (*each)(void *arg, const char *name, const char *value),
                        void *arg);
const char *request_param(struct request *r, const char *name); /* {name} of the path, decoded; NULL */
int64_t request_length(struct request *r); /* Content-Length, 0 without a body, -1 when unknown (chunked) */
struct bytes request_body(struct request *r); /* collected body, in `run` */
void request_set_data(struct request *r, void *data);
void *request_data(struct request *r);
bool request_replied(struct request *r);

/* ---- the reply; any thread, once ---- */
struct header {
    const char *name, *value;
};
enum { REPLY_MAX_HEADERS = 12 };
struct reply {
    int status;
    const char *type;  /* Content-Type */
    struct bytes body; /* copied */
    size_t nheaders;
    struct header headers[REPLY_MAX_HEADERS]; /* copied */
};
void reply_header(struct reply *rep, struct request *r, const char *name, const char *fmt, ...) PRINTF(4, 5);
void request_reply(struct request *r, const struct reply *rep);
/* A file, from 0, sendfile; takes the descriptor. */
void request_reply_fd_take(struct request *r, int status, const char *type, int fd, int64_t size);

/* A body that is sent again and again (a finished result): counted, shared between threads, nothing is
 * copied. */
struct kept_reply;
struct kept_reply *kept_reply_new(int status, const char *type, struct bytes body);
struct kept_reply *kept_reply_ref(struct kept_reply *k);
void kept_reply_unref(struct kept_reply *k);
void request_reply_kept(struct request *r, struct kept_reply *k);

#endif
