#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"

struct queue {
    size_t max_len; /* fixed at creation */
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    size_t first, len;
    bool closed;
    void *items[];
};

struct queue *queue_new(size_t max_len)
{
    struct queue *q = mem_alloc(sizeof *q + max_len * sizeof q->items[0]);
    pthread_condattr_t attr;

    q->max_len = max_len;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->wakeup, &attr);
    pthread_condattr_destroy(&attr);
    return q;
}

struct queue *queue_free(struct queue *q)
{
    if (!q)
        return NULL;
    pthread_cond_destroy(&q->wakeup);
    pthread_mutex_destroy(&q->lock);
    free(q);
    return NULL;
}

bool queue_push(struct queue *q, void *item)
{
    bool ok;

    pthread_mutex_lock(&q->lock);
    ok = !q->closed && q->len < q->max_len;
    if (ok)
        q->items[(q->first + q->len++) % q->max_len] = item;
    pthread_cond_signal(&q->wakeup);
    pthread_mutex_unlock(&q->lock);
    return ok;
}

/* Waits under the lock; false when the deadline has passed. */
static bool wait_until(struct queue *q, int64_t deadline_mono_us)
{
    struct timespec t = {deadline_mono_us / 1000000, deadline_mono_us % 1000000 * 1000};

    if (!deadline_mono_us)
        return pthread_cond_wait(&q->wakeup, &q->lock) == 0;
    return pthread_cond_timedwait(&q->wakeup, &q->lock, &t) == 0;
}

size_t queue_take(struct queue *q, void **ret_items, size_t max, int64_t deadline_mono_us)
{
    size_t n = 0;

    pthread_mutex_lock(&q->lock);
    while (!q->len && !q->closed && wait_until(q, deadline_mono_us))
        ;
    for (; n < max && q->len; n++, q->len--) {
        ret_items[n] = q->items[q->first];
        q->first = (q->first + 1) % q->max_len;
    }
    pthread_mutex_unlock(&q->lock);
    return n;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->wakeup);
    pthread_mutex_unlock(&q->lock);
}

size_t queue_len(struct queue *q)
{
    size_t n;

    pthread_mutex_lock(&q->lock);
    n = q->len;
    pthread_mutex_unlock(&q->lock);
    return n;
}
