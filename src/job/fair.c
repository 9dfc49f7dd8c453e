#include "job/fair_int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"

enum { BUCKETS = 1024 };

/* One tenant's jobs. While a lane of it is not empty, it stands in the ring of that lane. */
struct flow {
    struct flow *chain; /* in its bucket */
    struct flow *prev[JOB_PRIORITIES], *next[JOB_PRIORITIES];
    struct task_list lanes[JOB_PRIORITIES];
    size_t waiting, entered; /* in the lanes; on their way */
    char tenant[JOB_TENANT_MAX];
};

struct fair {
    size_t max_waiting, max_tenant;
    size_t waiting, entered;
    struct flow *rings[JOB_PRIORITIES]; /* whose turn is next; doubly linked, closed */
    int run;                            /* urgent jobs in a row, while others waited */
    struct flow *buckets[BUCKETS];
};

struct fair *fair_new(size_t max_waiting, size_t max_tenant)
{
    struct fair *f = mem_alloc(sizeof *f);

    f->max_waiting = max_waiting;
    f->max_tenant = max_tenant;
    return f;
}

struct fair *fair_free(struct fair *f)
{
    for (size_t i = 0; f && i < BUCKETS; i++)
        for (struct flow *w = f->buckets[i], *next; w; w = next) {
            next = w->chain;
            free(w);
        }
    free(f);
    return NULL;
}

size_t fair_len(const struct fair *f)
{
    return f->waiting;
}

void fair_limit(struct fair *f, size_t max_waiting, size_t max_tenant)
{
    f->max_waiting = max_waiting;
    f->max_tenant = max_tenant;
}

/* Of one ring; 0 when it is empty. */
static int64_t oldest_in(const struct flow *first, int p)
{
    int64_t oldest = first ? first->lanes[p].head->since_us : 0;

    for (const struct flow *w = first ? first->next[p] : NULL; w != first; w = w->next[p])
        if (w->lanes[p].head->since_us < oldest)
            oldest = w->lanes[p].head->since_us;
    return oldest;
}

int64_t fair_oldest(const struct fair *f)
{
    int64_t urgent = oldest_in(f->rings[JOB_URGENT], JOB_URGENT),
            other = oldest_in(f->rings[JOB_NORMAL], JOB_NORMAL);

    return urgent && other ? (urgent < other ? urgent : other) : urgent + other;
}

/* ---- tenants ---- */

/* FNV-1a. Names of tenants are chosen by whoever makes keys, not by clients. */
static struct flow **bucket_of(struct fair *f, const char *tenant)
{
    uint32_t h = 2166136261u;

    for (; *tenant; tenant++)
        h = (h ^ (uint8_t)*tenant) * 16777619u;
    return &f->buckets[h % BUCKETS];
}

static struct flow *flow_find(struct fair *f, const char *tenant)
{
    struct flow *w = *bucket_of(f, tenant);

    while (w && strcmp(w->tenant, tenant) != 0)
        w = w->chain;
    return w;
}

static struct flow *flow_get(struct fair *f, const char *tenant)
{
    struct flow *w = flow_find(f, tenant), **bucket = bucket_of(f, tenant);

    if (w)
        return w;
    w = mem_alloc(sizeof *w);
    text_copy(w->tenant, sizeof w->tenant, tenant);
    for (int p = 0; p < JOB_PRIORITIES; p++)
        task_list_init(&w->lanes[p]);
    w->chain = *bucket;
    *bucket = w;
    return w;
}

static void forget_if_idle(struct fair *f, struct flow *w)
{
    struct flow **p = bucket_of(f, w->tenant);

    if (w->waiting || w->entered)
        return;
    while (*p != w)
        p = &(*p)->chain;
    *p = w->chain;
    free(w);
}

/* ---- the rings ---- */

/* Last in the ring: just before the one whose turn is next. */
static void ring_add(struct fair *f, struct flow *w, int p)
{
    struct flow *first = f->rings[p];

    if (!first) {
        f->rings[p] = w->prev[p] = w->next[p] = w;
        return;
    }
    w->next[p] = first;
    w->prev[p] = first->prev[p];
    first->prev[p]->next[p] = w;
    first->prev[p] = w;
}

static void ring_remove(struct fair *f, struct flow *w, int p)
{
    w->prev[p]->next[p] = w->next[p];
    w->next[p]->prev[p] = w->prev[p];
    if (f->rings[p] == w)
        f->rings[p] = w->next[p] == w ? NULL : w->next[p];
}

/* ---- places ---- */

size_t fair_count(struct fair *f, const char *tenant)
{
    struct flow *w = flow_find(f, tenant);

    return w ? w->waiting + w->entered : 0;
}

int fair_room(struct fair *f, const char *tenant, struct err *err)
{
    if (f->waiting + f->entered >= f->max_waiting)
        return FAIL(err, ERR_BUSY, "the queue is full: %zu jobs are waiting; try again later",
                    f->max_waiting);
    if (fair_count(f, tenant) >= f->max_tenant)
        return FAIL(err, ERR_QUOTA, "%zu jobs of yours are waiting, and more may not; try again later",
                    f->max_tenant);
    return 0;
}

int fair_enter(struct fair *f, const char *tenant, struct err *err)
{
    if (fair_room(f, tenant, err) < 0)
        return -1;
    fair_keep(f, tenant);
    return 0;
}

void fair_keep(struct fair *f, const char *tenant)
{
    flow_get(f, tenant)->entered++;
    f->entered++;
}

void fair_leave(struct fair *f, const char *tenant)
{
    struct flow *w = flow_find(f, tenant);

    assert(w);
    w->entered--;
    f->entered--;
    forget_if_idle(f, w);
}

/* ---- jobs ---- */

void fair_push(struct fair *f, struct task *t)
{
    struct flow *w = flow_get(f, t->tenant);

    if (!w->lanes[t->priority].head)
        ring_add(f, w, t->priority);
    task_list_push(&w->lanes[t->priority], t);
    w->waiting++;
    f->waiting++;
}

void fair_push_front(struct fair *f, struct task *t)
{
    struct flow *w = flow_get(f, t->tenant);

    if (w->lanes[t->priority].head)
        ring_remove(f, w, t->priority);
    ring_add(f, w, t->priority);
    f->rings[t->priority] = w;
    task_list_push_front(&w->lanes[t->priority], t);
    w->waiting++;
    f->waiting++;
}

/* The task is out of its lane already. */
static void taken(struct fair *f, struct flow *w, int p)
{
    if (!w->lanes[p].head)
        ring_remove(f, w, p);
    w->waiting--;
    f->waiting--;
    forget_if_idle(f, w);
}

static int next_lane(struct fair *f)
{
    bool urgent = f->rings[JOB_URGENT], other = f->rings[JOB_NORMAL];

    f->run = urgent && other ? f->run + 1 : 0;
    if (f->run > LANE_RUN) {
        f->run = 0;
        return JOB_NORMAL;
    }
    return urgent ? JOB_URGENT : JOB_NORMAL;
}

struct task *fair_pop(struct fair *f)
{
    int p = next_lane(f);
    struct flow *w = f->rings[p];
    struct task *t;

    if (!w)
        return NULL;
    f->rings[p] = w->next[p]; /* the others first, before it is this tenant's turn again */
    t = task_list_pop(&w->lanes[p]);
    taken(f, w, p);
    return t;
}

static struct task *find_in(const struct task_list *l, const char *id)
{
    struct task *t = l->head;

    while (t && strcmp(t->id, id) != 0)
        t = t->next;
    return t;
}

struct task *fair_remove(struct fair *f, const char *id)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct flow *w = f->buckets[i]; w; w = w->chain)
            for (int p = 0; p < JOB_PRIORITIES; p++) {
                struct task *t = find_in(&w->lanes[p], id);
                if (!t)
                    continue;
                task_list_remove(&w->lanes[p], t);
                taken(f, w, p);
                return t;
            }
    return NULL;
}
