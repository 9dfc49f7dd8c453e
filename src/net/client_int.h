/* How the files of the client work together: client.c has the thread and what every request has in common,
 * post.c and get.c the two kinds. A transfer belongs to the client's thread from client_begin on. */
#ifndef ASSAY_NET_CLIENT_INT_H
#define ASSAY_NET_CLIENT_INT_H

#include <curl/curl.h>

#include "base/arena.h"
#include "net/client.h"

enum { ANSWER_MAX = 64 << 10 }; /* of an answer's headers, and of a body that nobody wants */

struct transfer;

struct transfer_kind {
    /* What is particular about the request. */
    void (*set)(CURL *e, struct transfer *t);
    /* It is over. False: it is not, t->url says where it goes on. */
    bool (*end)(struct transfer *t, CURLcode code, struct client_result *result);
};

/* One request on its way. Its kind has a struct around it. */
struct transfer {
    struct transfer *next; /* in `arriving`, or in `open` */
    const struct transfer_kind *kind;
    struct client *client;
    struct arena *arena; /* holds this struct, too */
    const char *url;
    struct curl_slist *headers;
    CURL *easy;
    client_done *done;
    void *arg;
    int64_t begun_us; /* monotonic */
    size_t head;      /* bytes of headers so far, a post also counts the body here */
    char refused[64]; /* the last address the guard refused, as text */
    char why[CURL_ERROR_SIZE];
};

const struct client_opts *client_opts_of(const struct transfer *t);
/* Fills what is common; `t` lies in the arena. Takes both. */
void client_begin(struct client *c, struct transfer *t, struct arena *a);
/* Counted, dropped; too much of it ends the transfer. For libcurl. */
size_t transfer_drop(char *data, size_t size, size_t n, void *transfer);

#endif
