#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/mem.h"
#include "base/text.h"

/* A hash table of chains with a ring of all entries in order of arrival. Results never change once finished,
 * so nothing is ever refreshed, only dropped. */
struct entry {
    struct entry *chain;
    char id[ID_TEXT], tenant[TENANT_MAX];
    struct kept_reply *reply;
    size_t bytes;
};

struct reply_cache {
    size_t max_entries, max_bytes; /* fixed at creation */
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    size_t first, n, bytes;
    struct entry **ring;    /* max_entries slots, n used from first */
    struct entry **buckets; /* max_entries of them */
};

struct reply_cache *reply_cache_new(size_t max_entries, size_t max_bytes)
{
    struct reply_cache *c = mem_alloc(sizeof *c);

    c->max_entries = max_entries;
    c->max_bytes = max_bytes;
    c->ring = mem_alloc(max_entries * sizeof *c->ring);
    c->buckets = mem_alloc(max_entries * sizeof *c->buckets);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static struct entry **bucket(struct reply_cache *c, const char *id)
{
    size_t h = 14695981039346656037u;

    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 1099511628211u;
    return &c->buckets[h % c->max_entries];
}

static void drop_oldest(struct reply_cache *c)
{
    struct entry *e = c->ring[c->first];
    struct entry **link = bucket(c, e->id);

    while (*link != e)
        link = &(*link)->chain;
    *link = e->chain;
    c->first = (c->first + 1) % c->max_entries;
    c->n--;
    c->bytes -= e->bytes;
    kept_reply_unref(e->reply);
    free(e);
}

struct reply_cache *reply_cache_free(struct reply_cache *c)
{
    if (!c)
        return NULL;
    while (c->n)
        drop_oldest(c);
    pthread_mutex_destroy(&c->lock);
    free(c->ring);
    free(c->buckets);
    free(c);
    return NULL;
}

static struct entry *find(struct reply_cache *c, const char *tenant, const char *id)
{
    for (struct entry *e = *bucket(c, id); e; e = e->chain)
        if (text_is(e->id, id) && text_is(e->tenant, tenant))
            return e;
    return NULL;
}

struct kept_reply *reply_cache_get(struct reply_cache *c, const char *tenant, const char *id)
{
    struct kept_reply *found = NULL;
    struct entry *e;

    pthread_mutex_lock(&c->lock);
    e = find(c, tenant, id);
    if (e)
        found = kept_reply_ref(e->reply);
    pthread_mutex_unlock(&c->lock);
    return found;
}

void reply_cache_put(struct reply_cache *c, const char *tenant, const char *id, struct kept_reply *k,
                     size_t bytes)
{
    struct entry *e, **link;

    if (bytes > c->max_bytes / 16 || strlen(id) >= ID_TEXT)
        return;
    pthread_mutex_lock(&c->lock);
    if (!find(c, tenant, id)) {
        while (c->n && (c->n == c->max_entries || c->bytes + bytes > c->max_bytes))
            drop_oldest(c);
        e = mem_alloc(sizeof *e);
        text_copy(e->id, sizeof e->id, id);
        text_copy(e->tenant, sizeof e->tenant, tenant);
        e->reply = kept_reply_ref(k);
        e->bytes = bytes;
        link = bucket(c, id);
        e->chain = *link;
        *link = e;
        c->ring[(c->first + c->n++) % c->max_entries] = e;
        c->bytes += bytes;
    }
    pthread_mutex_unlock(&c->lock);
}
