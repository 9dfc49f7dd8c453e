/* The HTTP client for webhooks: libcurl's multi interface on one thread of its own. It posts, reads the
 * status, and drops the body. It connects only to addresses that the guard lets pass, judged at the moment of
 * connecting (net/guard.h), takes no proxy, cookie or password from its surroundings, follows no redirect and
 * keeps no connection.
 *
 * `done` is called once for every post, on the client's thread; it must not wait. */
#ifndef ASSAY_NET_CLIENT_H
#define ASSAY_NET_CLIENT_H

#include "base/bytes.h"
#include "base/err.h"
#include "net/guard.h"

struct client;

struct client_opts {
    const struct guard *guard; /* borrowed until client_stop */
    int connect_ms, total_ms;  /* defaults 5000 and 15000 */
    const char *ca_file;       /* certificates trusted instead of the system's; NULL = the system's */
    const char *user_agent;
};
struct client_opts client_opts_defaults(void);

int client_start(struct client **ret_client, const struct client_opts *opts, struct err *err);
/* Ends open posts with ERR_CANCELLED, all callbacks called. NULL is fine. */
void client_stop(struct client **client);

/* What came of a post. */
struct client_result {
    int status;        /* 0: no answer */
    int retry_after_s; /* of the answer; -1 = not said */
    int64_t ms;
    struct err err; /* ERR_NONE when there is a status; what the status means is the caller's business */
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

#endif
