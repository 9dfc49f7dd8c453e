/* The HTTP client: libcurl's multi interface on one thread of its own. It connects only to addresses that the
 * guard lets pass, judged at the moment of connecting (net/guard.h), takes no proxy, cookie or password from
 * its surroundings, and keeps no connection. Two things can be asked of it:
 *
 *   client_post   a webhook: posts, reads the status, drops the body. No redirect is followed.
 *   client_get    a file somebody named by its URL: hands the body on piece by piece, never keeping it.
 *                 Redirects are followed, each as strictly judged as the first URL and never from https to
 * http.
 *
 * `done` is called once for every request, on the client's thread; it must not wait. */
#ifndef ASSAY_NET_CLIENT_H
#define ASSAY_NET_CLIENT_H

#include "base/bytes.h"
#include "base/err.h"
#include "net/guard.h"

struct client;

struct client_opts {
    const struct guard *guard; /* borrowed until client_stop */
    int connect_ms, total_ms;  /* defaults 5000 and 15000; a get is told its total */
    const char *ca_file;       /* certificates trusted instead of the system's; NULL = the system's */
    const char *user_agent;
    /* Of a get: fewer bytes a second than that, for that long, end it; defaults 1024 and 10. */
    int min_speed, min_speed_s;
    int max_redirects; /* of a get; default 5 */
};
struct client_opts client_opts_defaults(void);

int client_start(struct client **ret_client, const struct client_opts *opts, struct err *err);
/* Ends open requests with ERR_CANCELLED, all callbacks called. NULL is fine. */
void client_stop(struct client **client);

/* What came of a request. */
struct client_result {
    int status;        /* 0: no answer */
    int retry_after_s; /* of the answer; -1 = not said */
    int64_t ms;
    /* Of a post: ERR_NONE when there is a status; what the status means is the caller's business. Of a get:
     * ERR_NONE when the whole body was handed on, else a sentence for whoever named the URL; nothing in it
     * tells a private address from a name that nobody knows. */
    struct err err;
    bool again; /* of a get: it may work another time */
};
typedef void client_done(void *arg, const struct client_result *result);

enum { CLIENT_HEADERS = 8 };
struct client_post {
    const char *url;                         /* checked with url_check again */
    const char *headers[CLIENT_HEADERS + 1]; /* "name: value", NULL-terminated */
    struct bytes body;
    client_done *done;
    void *arg;
};
/* Everything is copied. Any thread; after client_stop has begun `done` gets ERR_CANCELLED within the call. */
void client_post(struct client *c, const struct client_post *post);

struct client_get {
    const char *url;
    int64_t max_bytes; /* ERR_LIMIT beyond, by what the server announces or by what comes */
    int total_ms;      /* for all of it, redirects included: ERR_TIMEOUT */
    /* Client thread. A piece of the file, in order; only of a 200 whose type may be media. Non-zero: that
     * err ends it. */
    int (*data)(void *arg, struct bytes piece, struct err *err);
    bool (*wanted)(void *arg); /* asked about once a second; false: ERR_CANCELLED. NULL = always */
    client_done *done;
    void *arg;
};
/* The same rules. */
void client_get(struct client *c, const struct client_get *get);

#endif
