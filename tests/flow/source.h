/* A server of files on a loopback address that misbehaves as its paths say. A thread for each connection.
 *
 *   /clip.mp4   the file                   /broken   the first half, then the connection breaks
 *   /moved      redirected to /clip.mp4    /flaky    the same once, then the file
 *   /trap       redirected to `trap`       /page     a page about the file
 *   /hang       half of the file; the rest when source_release says so
 *   anything else: 404. What follows a '?' means nothing. */
#ifndef ASSAY_TEST_SOURCE_H
#define ASSAY_TEST_SOURCE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/bytes.h"

struct source {
    int fd, port;
    const char *host;
    struct bytes file;
    const char *trap; /* a URL */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* --- guarded by lock --- */
    bool released, closing;
    int open, requests, hanging, most_hanging, flaky;
};

void source_open(struct source *s, const char *host, struct bytes file);
void source_close(struct source *s); /* waits for the open ones, which are released */
/* What hangs, and what comes later, hangs no more. */
void source_release(struct source *s);
int source_requests(struct source *s);
/* Waits until that many hang at the same time. */
bool source_hangs(struct source *s, int n, int seconds);

#endif
