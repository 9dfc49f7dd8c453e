/* What was asked and answered, by route and status. The routes are a fixed table and the statuses a list, so
 * no client can make the numbers more. */
#include <stdlib.h>

#include "base/mem.h"
#include "net/server_int.h"

/* Those that routes, refusals and dialects use; any other one is counted with the first one of its class. The
 * 0 stands for "gone before an answer". */
static const int statuses[] = {0,   200, 201, 202, 204, 206, 300, 304, 400, 401, 403,
                               404, 405, 408, 409, 410, 411, 412, 413, 415, 416, 417,
                               422, 425, 428, 429, 500, 501, 502, 503, 504, 507};
enum { STATUSES = COUNT_OF(statuses) };

struct counters {
    const struct route *routes;
    size_t nroutes;
    atomic_ullong (*replies)[STATUSES]; /* one row per route, and a last one for requests without */
};

struct counters *counters_new(const struct route *routes, size_t nroutes)
{
    struct counters *c = mem_alloc(sizeof *c);

    c->routes = routes;
    c->nroutes = nroutes;
    c->replies = mem_alloc((nroutes + 1) * sizeof *c->replies);
    return c;
}

void counters_freep(struct counters **c)
{
    if (*c)
        free((*c)->replies);
    free(*c);
    *c = NULL;
}

static size_t status_index(int status)
{
    size_t class_first = 0;

    for (size_t i = 0; i < STATUSES; i++) {
        if (statuses[i] == status)
            return i;
        if (statuses[i] / 100 == status / 100 && !class_first)
            class_first = i;
    }
    return class_first;
}

void counters_replied(struct counters *c, const struct route *route, int status)
{
    size_t row = route ? (size_t)(route - c->routes) : c->nroutes;

    atomic_fetch_add_explicit(&c->replies[row][status_index(status)], 1, memory_order_relaxed);
}

void counters_read(struct counters *c, struct arena *a, struct server_stats *ret)
{
    size_t cap = 0;

    for (size_t row = 0; row <= c->nroutes; row++)
        for (size_t i = 0; i < STATUSES; i++) {
            uint64_t n = atomic_load_explicit(&c->replies[row][i], memory_order_relaxed);
            if (n > 0)
                ARENA_PUSH(a, ret->replies, ret->nreplies, cap) =
                    (struct reply_count){row < c->nroutes ? &c->routes[row] : NULL, statuses[i], n};
        }
}
