#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"

enum { BUCKETS = 4096 };

/* In a bucket by id, and in the heap by deadline. Whoever takes it out of both calls back. */
struct waiter {
    struct waiter *next; /* in its bucket, later in the list of those to call */
    size_t at;           /* index in the heap */
    char id[ID_TEXT];
    int64_t deadline_us;
    bool finished;
    job_waited *cb;
    void *arg;
};

struct waits {
    pthread_t timer;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    struct waiter *buckets[BUCKETS];
    struct waiter **heap; /* heap[0] has the nearest deadline */
    size_t n, cap;
    bool stopping;
};

/* ---- the heap; under lock ---- */

static void heap_set(struct waits *w, size_t at, struct waiter *x)
{
    w->heap[at] = x;
    x->at = at;
}

static void heap_up(struct waits *w, size_t at)
{
    struct waiter *x = w->heap[at];

    for (; at > 0 && w->heap[(at - 1) / 2]->deadline_us > x->deadline_us; at = (at - 1) / 2)
        heap_set(w, at, w->heap[(at - 1) / 2]);
    heap_set(w, at, x);
}

static void heap_down(struct waits *w, size_t at)
{
    struct waiter *x = w->heap[at];

    for (size_t child; (child = 2 * at + 1) < w->n; at = child) {
        if (child + 1 < w->n && w->heap[child + 1]->deadline_us < w->heap[child]->deadline_us)
            child++;
        if (w->heap[child]->deadline_us >= x->deadline_us)
            break;
        heap_set(w, at, w->heap[child]);
    }
    heap_set(w, at, x);
}

static void heap_add(struct waits *w, struct waiter *x)
{
    if (w->n == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 64;
        w->heap = mem_resize(w->heap, w->cap, sizeof(struct waiter *));
    }
    heap_set(w, w->n++, x);
    heap_up(w, x->at);
}

static void heap_remove(struct waits *w, struct waiter *x)
{
    size_t at = x->at;
    struct waiter *last = w->heap[--w->n];

    if (last == x)
        return;
    heap_set(w, at, last);
    heap_up(w, at);
    heap_down(w, last->at);
}

/* ---- the buckets; under lock ---- */

/* FNV-1a. Ids are made by us, so nobody can choose them to collide. */
static struct waiter **bucket_of(struct waits *w, const char *id)
{
    uint32_t h = 2166136261u;

    for (; *id; id++)
        h = (h ^ (uint8_t)*id) * 16777619u;
    return &w->buckets[h % BUCKETS];
}

static void bucket_remove(struct waits *w, struct waiter *x)
{
    struct waiter **p = bucket_of(w, x->id);

    while (*p != x)
        p = &(*p)->next;
    *p = x->next;
}

/* ---- calling ---- */

static void take_out(struct waits *w, struct waiter *x, bool finished, struct waiter **list)
{
    bucket_remove(w, x);
    heap_remove(w, x);
    x->finished = finished;
    x->next = *list;
    *list = x;
}

/* Without the lock. */
static void call_all(struct waiter *list)
{
    for (struct waiter *x = list, *next; x; x = next) {
        next = x->next;
        x->cb(x->arg, x->finished);
        free(x);
    }
}

void waits_add(struct waits *w, const char *id, int64_t deadline_mono_us, job_waited *cb, void *arg)
{
    struct waiter *x = mem_alloc(sizeof *x), **bucket;
    bool stopping;

    *x = (struct waiter){.deadline_us = deadline_mono_us, .cb = cb, .arg = arg};
    text_copy(x->id, sizeof x->id, id);
    pthread_mutex_lock(&w->lock);
    stopping = w->stopping;
    if (!stopping) {
        bucket = bucket_of(w, x->id);
        x->next = *bucket;
        *bucket = x;
        heap_add(w, x);
        if (x->at == 0)
            pthread_cond_signal(&w->wakeup);
    }
    pthread_mutex_unlock(&w->lock);
    if (stopping)
        call_all(x);
}

void waits_fire(struct waits *w, const char *id, bool finished)
{
    struct waiter *list = NULL;

    pthread_mutex_lock(&w->lock);
    for (struct waiter *x = *bucket_of(w, id), *next; x; x = next) {
        next = x->next;
        if (strcmp(x->id, id) == 0)
            take_out(w, x, finished, &list);
    }
    pthread_mutex_unlock(&w->lock);
    call_all(list);
}

/* ---- the timer thread ---- */

/* Under lock. Those whose time has come; all of them once it stops. */
static struct waiter *take_due(struct waits *w)
{
    int64_t now = clock_mono_us();
    struct waiter *list = NULL;

    while (w->n > 0 && (w->stopping || w->heap[0]->deadline_us <= now))
        take_out(w, w->heap[0], false, &list);
    return list;
}

/* Under lock. */
static void sleep_until_due(struct waits *w)
{
    struct timespec t;

    if (w->n == 0) {
        pthread_cond_wait(&w->wakeup, &w->lock);
        return;
    }
    t = (struct timespec){w->heap[0]->deadline_us / 1000000, w->heap[0]->deadline_us % 1000000 * 1000};
    pthread_cond_timedwait(&w->wakeup, &w->lock, &t);
}

static void *timer_main(void *arg)
{
    struct waits *w = arg;
    struct waiter *due;

    pthread_mutex_lock(&w->lock);
    while (!w->stopping || w->n > 0) {
        due = take_due(w);
        if (!due) {
            sleep_until_due(w);
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        call_all(due);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int waits_start(struct waits **ret_waits, struct err *err)
{
    struct waits *w = mem_alloc(sizeof *w);
    pthread_condattr_t attr;

    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wakeup, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&w->timer, NULL, timer_main, w) != 0) {
        waits_freep(&w);
        return FAIL(err, ERR_IO, "cannot start the timer thread; raise the limit of threads");
    }
    w->started = true;
    *ret_waits = w;
    return 0;
}

void waits_stop(struct waits *w)
{
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->wakeup);
    pthread_mutex_unlock(&w->lock);
    if (w->started)
        pthread_join(w->timer, NULL);
    w->started = false;
}

void waits_freep(struct waits **w)
{
    struct waits *x = *w;

    *w = NULL;
    if (!x)
        return;
    if (x->started)
        waits_stop(x);
    pthread_cond_destroy(&x->wakeup);
    pthread_mutex_destroy(&x->lock);
    free(x->heap);
    free(x);
}
