/* What the files of net share. Threads: a connection and its requests belong to one net thread; the
 * exceptions (a reply from elsewhere, the watch, the list of suspended requests) are named where they are
 * declared. */
#ifndef ASSAY_NET_SERVER_INT_H
#define ASSAY_NET_SERVER_INT_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "net/server.h"

/* ---- percent.c: %41 and friends ---- */

/* Every % is followed by two hex digits and none of them says NUL. */
bool percent_is_valid(const char *s, size_t n);
/* Next decoded byte of a valid text; moves *s. */
unsigned char percent_next(const char **s);
/* The decoded text of a valid one, in the arena. */
char *percent_decode(struct arena *a, const char *s, size_t n);

/* ---- route.c ---- */

enum { ROUTE_MAX_PARAMS = 8, ROUTE_ALLOW_TEXT = 64 };

/* Both point into other texts: the name into the route's path, the value (still encoded, but valid) into the
 * URL. */
struct route_param {
    const char *name, *value;
    size_t name_len, len;
};

struct route_match {
    const struct route *route; /* NULL unless route_find gave 0 */
    size_t nparams;
    struct route_param params[ROUTE_MAX_PARAMS];
    char allow[ROUTE_ALLOW_TEXT]; /* "GET, HEAD, POST" when route_find gave 405 */
};

struct route_table;
/* Borrows the routes. ERR_INTERNAL for a path that is not /segments/with/{names}. */
int route_table_new(struct route_table **ret_table, const struct route *routes, size_t n, struct err *err);
void route_table_freep(struct route_table **t);
/* 0, or the status of the refusal: 400 (broken encoding), 404, 405. A path without {names} wins over one
 * with, then the earlier row wins. `path` is the URL as it was sent, without the query. No allocation. */
int route_find(const struct route_table *t, const char *method, const char *path,
               struct route_match *ret_match);

/* ---- watch.c: clients that send too slowly, or are too many ---- */

/* What the client owes us. Written by the connection's net thread, read by the watch. */
enum conn_state { CONN_HEAD, CONN_BODY, CONN_OURS };

struct conn {
    struct conn *prev, *next; /* guarded by the watch's lock */
    int fd;
    atomic_int state;
    atomic_uint since;    /* the watch's second in which that state began */
    atomic_ullong body;   /* bytes of body so far */
    uint64_t body_before; /* watch thread only: at the begin of the present window */
    bool gives_way;       /* guarded by the watch's lock: shut down for somebody else */
    bool lingers;         /* net thread only: closed with a body on the way, see farewell.c */
    bool over;            /* net thread only: there was no place for it, its request is refused */
};

struct watch;
struct watch *watch_new(int idle_seconds, int max_connections); /* NULL: no thread */
void watch_freep(struct watch **w);                             /* stops its thread */
/* Beyond the limit the oldest connection that waits for a request is shut down; without one the new one is
 * `over`. */
struct conn *watch_add(struct watch *w, int fd);
void watch_drop_take(struct watch *w, struct conn *c);
void watch_state(struct watch *w, struct conn *c, enum conn_state state);
uint64_t watch_slow(struct watch *w); /* how many were dropped so far */

/* ---- accept.c: new connections ---- */

struct acceptor;
/* Accepts from the socket (listening, nonblocking), gives the server's daemon what comes and counts it in
 * `handed`. NULL: no thread or descriptor. */
struct acceptor *acceptor_new_take(int fd, struct server *server);
/* Stops its thread and closes the socket: new clients are refused at once, and those in the backlog. */
void acceptor_freep(struct acceptor **a);

/* ---- farewell.c: closing without losing the reply ---- */

struct farewell;
struct farewell *farewell_new(void);      /* NULL: no thread or descriptor */
void farewell_freep(struct farewell **f); /* stops its thread */
/* Keeps the connection half open beyond the close of this descriptor. Any thread. */
void farewell_add(struct farewell *f, int fd);

/* ---- counters.c: replies by route and status; any thread ---- */

struct counters;
struct counters *counters_new(const struct route *routes, size_t nroutes); /* borrowed */
void counters_freep(struct counters **c);
void counters_replied(struct counters *c, const struct route *route, int status); /* route NULL: none */
void counters_read(struct counters *c, struct arena *a, struct server_stats *ret);

/* ---- tls.c: the certificate of this process ---- */

struct tls_files {
    const char *cert, *key; /* PEM; NULL = no TLS */
};
bool tls_is_there(void); /* the HTTP library was built with it */
/* From now on new connections get this pair. On failure the one before stays. Any thread. */
int tls_load(const struct tls_files *files, struct err *err);
void tls_drop(void); /* after the daemon has stopped */
/* For the daemon, which also needs MHD_USE_TLS. */
void tls_options(struct MHD_OptionItem ret[3]);

/* ---- websocket.c ---- */

struct sockets;
struct websocket;
struct sockets *sockets_new(void);    /* NULL: no descriptor */
void sockets_stop(struct sockets *s); /* closes all; none can be made any more */
void sockets_freep(struct sockets **s);
/* Net thread: the 101 is sent. `early` came behind the request. */
void websocket_hand_over_take(struct websocket *w, int fd, struct MHD_UpgradeResponseHandle *upgraded,
                              struct bytes early);
void websocket_drop_take(struct websocket *w);

/* ---- server.c ---- */

/* A numeric address "host:port" or "[v6]:port". ERR_INPUT. */
int address_parse(const char *text, struct sockaddr_storage *ret_addr, socklen_t *ret_len, struct err *err);

enum server_phase {
    SERVER_OPEN,
    SERVER_DRAINING, /* requests that begin now are refused; open ones go on */
    SERVER_CLOSED,   /* no handler is called any more, but for `gone` */
};

struct server {
    struct server_opts opts;
    struct route_table *routes;
    struct watch *watch;
    struct farewell *farewell;
    struct sockets *sockets;
    struct counters *counters;
    struct MHD_Daemon *daemon;
    struct acceptor *acceptor; /* until a drain */
    int port;
    atomic_int phase;    /* enum server_phase; only grows */
    atomic_size_t steps; /* net threads inside request_step: while CLOSED and 0, no handler runs */
    atomic_size_t open;  /* requests between begin and end */
    atomic_size_t connections;
    atomic_ullong handed, accepted; /* connections: given to the daemon; of those, begun by its threads */
    atomic_ullong received, serial; /* bytes of bodies; requests */
    atomic_bool log_requests;
    uint32_t epoch; /* random: ids of requests differ from those of the run before */
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct request *suspended;
    bool stopping; /* nobody may be suspended any more */
};

/* ---- request.c: the life of one request, called by the daemon on the connection's net thread ---- */

enum MHD_Result request_step(void *server, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload, size_t *upload_size,
                             void **state);
void request_end(void *server, struct MHD_Connection *connection, void **state,
                 enum MHD_RequestTerminationCode why);
struct sockets *request_sockets(struct request *r);
void request_reply_upgrade_take(struct request *r, const char *accept, struct websocket *w);
/* Answers every suspended request with 503, now and from here on. Any thread. */
void request_stop_all(struct server *s);

/* ---- kept.c ---- */

struct MHD_Response *kept_response(const struct kept_reply *k);
int kept_status(const struct kept_reply *k);

/* ---- reply.c ---- */

struct MHD_Response *reply_build(const struct reply *rep);

#endif
