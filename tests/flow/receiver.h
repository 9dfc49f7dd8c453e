/* A receiver of webhooks on 127.0.0.1 which keeps what it gets and misbehaves as told. A thread for each
 * connection. */
#ifndef ASSAY_TEST_RECEIVER_H
#define ASSAY_TEST_RECEIVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

enum manner {
    MANNER_FINE,     /* 204 */
    MANNER_BROKEN,   /* 500 */
    MANNER_GONE,     /* 410 */
    MANNER_BUSY,     /* 503, Retry-After: 1 */
    MANNER_REDIRECT, /* 307 to `elsewhere` */
    MANNER_RESET,    /* takes the request and resets the connection */
    MANNER_HANG,     /* takes the request and says nothing */
    MANNER_BABBLE,   /* answers, but no HTTP */
    MANNER_SHORT,    /* 200, and less of a body than its length says */
    MANNER_LONG,     /* 200, and more of it */
    MANNER_TAKEN,    /* 200, and a reset in the middle of the body */
    MANNER_SEEDED,   /* fine, but for `bad_percent` of the requests: one of the others, without GONE */
};

/* One request, as it came. */
struct received {
    char id[64], timestamp[32], path[64];
    const char *native, *standard; /* the signature headers; NULL when absent */
    struct bytes body;
    enum manner manner;
    bool accepted; /* answered with 2xx, whatever came behind it */
    int64_t at_us; /* monotonic */
};

struct receiver {
    int fd, port;
    int elsewhere; /* port */
    int bad_percent;
    pthread_t thread;
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct arena *arena;
    enum manner manner;
    uint64_t random;
    int connections, open, most_open;
    struct received *got;
    size_t n, cap;
};

void receiver_open(struct receiver *r, enum manner manner, uint64_t seed);
void receiver_close(struct receiver *r);
void receiver_turn(struct receiver *r, enum manner manner);
int receiver_connections(struct receiver *r);
/* What has come so far; the list stays as it is, its texts live until receiver_close. */
size_t receiver_list(struct receiver *r, struct arena *a, struct received **ret);
/* How many different ids were accepted. */
size_t receiver_accepted(struct receiver *r);
/* Waits for that many; false after so many seconds. */
bool receiver_wait(struct receiver *r, size_t accepted, int seconds);

#endif
