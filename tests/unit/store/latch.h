/* Callbacks of other threads count up here; the test waits for the number. */
#ifndef ASSAY_TEST_LATCH_H
#define ASSAY_TEST_LATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/err.h"

struct latch {
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    int n, failures;
    struct err last; /* the last failure */
};
#define LATCH {.lock = PTHREAD_MUTEX_INITIALIZER, .wakeup = PTHREAD_COND_INITIALIZER}

__attribute__((unused)) static void latch_hit(struct latch *l, const struct err *err)
{
    pthread_mutex_lock(&l->lock);
    if (err && err->kind != ERR_NONE) {
        l->failures++;
        l->last = *err;
    }
    l->n++;
    pthread_cond_broadcast(&l->wakeup);
    pthread_mutex_unlock(&l->lock);
}

/* As records_done. */
__attribute__((unused)) static void latch_done(void *arg, const struct err *err)
{
    latch_hit(arg, err);
}

/* Until n hits; false after that many seconds. */
__attribute__((unused)) static bool latch_wait(struct latch *l, int n, int seconds)
{
    struct timespec t;
    bool ok;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += seconds;
    pthread_mutex_lock(&l->lock);
    while (l->n < n && pthread_cond_timedwait(&l->wakeup, &l->lock, &t) == 0)
        ;
    ok = l->n >= n;
    pthread_mutex_unlock(&l->lock);
    return ok;
}

__attribute__((unused)) static int latch_count(struct latch *l)
{
    int n;

    pthread_mutex_lock(&l->lock);
    n = l->n;
    pthread_mutex_unlock(&l->lock);
    return n;
}

#endif
