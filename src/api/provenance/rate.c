/* The rates of the service this API comes from, per key: GET 2 a second and 60 a minute, POST 1 and 30.
 * Fixed windows, as there; a request that is refused does not count. */
#include <stdlib.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/mem.h"
#include "base/text.h"

enum { BUCKETS = 256, SPANS = 2 };

static const struct {
    int64_t us;
    int64_t most[RATE_CLASSES];
} spans[SPANS] = {
    {60000000, {[RATE_GET] = 60, [RATE_POST] = 30}},
    {1000000, {[RATE_GET] = 2, [RATE_POST] = 1}},
};

struct window {
    int64_t begun_us; /* 0: not yet */
    int64_t used;
};

/* One key. Kept until the end: there are as many as keys. */
struct counted {
    struct counted *chain;
    char key_id[ID_TEXT];
    struct window windows[RATE_CLASSES][SPANS];
};

struct rate_table {
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct counted *buckets[BUCKETS];
};

struct rate_table *rate_table_new(void)
{
    struct rate_table *t = mem_alloc(sizeof *t);

    pthread_mutex_init(&t->lock, NULL);
    return t;
}

struct rate_table *rate_table_free(struct rate_table *t)
{
    if (!t)
        return NULL;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct counted *c = t->buckets[i], *next; c; c = next) {
            next = c->chain;
            free(c);
        }
    pthread_mutex_destroy(&t->lock);
    free(t);
    return NULL;
}

/* Under lock. */
static struct counted *counted_of(struct rate_table *t, const char *key_id)
{
    struct counted **bucket = &t->buckets[hash_crc32(bytes_of(key_id, strlen(key_id))) % BUCKETS],
                   *c = *bucket;

    while (c && strcmp(c->key_id, key_id) != 0)
        c = c->chain;
    if (c)
        return c;
    c = mem_alloc(sizeof *c);
    text_copy(c->key_id, sizeof c->key_id, key_id);
    c->chain = *bucket;
    return *bucket = c;
}

/* What the window says to the caller. */
static void tell(struct caller *caller, const struct window *w, size_t span, enum rate_class class,
                 int64_t now_us)
{
    caller->limit = spans[span].most[class];
    caller->remaining = caller->limit - w->used;
    caller->reset_seconds = (w->begun_us + spans[span].us - now_us + 999999) / 1000000;
}

bool rate_use(struct rate_table *t, struct caller *caller, enum rate_class class, int64_t now_us)
{
    struct window *windows;
    bool over = false;

    pthread_mutex_lock(&t->lock);
    windows = counted_of(t, caller->key_id)->windows[class];
    for (size_t i = 0; i < SPANS; i++) {
        if (!windows[i].begun_us || now_us - windows[i].begun_us >= spans[i].us)
            windows[i] = (struct window){.begun_us = now_us};
        if (!over && windows[i].used >= spans[i].most[class]) {
            over = true;
            tell(caller, &windows[i], i, class, now_us);
        }
    }
    for (size_t i = 0; i < SPANS && !over; i++)
        windows[i].used++;
    if (!over)
        tell(caller, &windows[0], 0, class, now_us);
    pthread_mutex_unlock(&t->lock);
    caller->over_rate = over;
    return !over;
}
