#include "job/turns_int.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

/* One tenant. */
struct turn_flow {
    struct turn_flow *next;
    size_t open, waiting;
    uint64_t after[JOB_PRIORITIES]; /* the number of its next one, at least */
    char tenant[JOB_TENANT_MAX];
};

struct turns {
    size_t max_open, max_tenant, max_site; /* fixed at creation */
    struct turn *waiting, **tail;          /* in the order of arrival */
    struct turn *open;
    size_t nwaiting, nopen;
    uint64_t now; /* the number of the last one that began */
    struct turn_flow *flows;
};

struct turns *turns_new(size_t max_open, size_t max_tenant, size_t max_site)
{
    struct turns *t = mem_alloc(sizeof *t);

    *t = (struct turns){
        .max_open = max_open, .max_tenant = max_tenant, .max_site = max_site, .tail = &t->waiting};
    return t;
}

struct turns *turns_free(struct turns *t)
{
    for (struct turn_flow *f = t ? t->flows : NULL, *next; f; f = next) {
        next = f->next;
        free(f);
    }
    free(t);
    return NULL;
}

/* ---- tenants ---- */

static struct turn_flow *flow_get(struct turns *t, const char *tenant)
{
    struct turn_flow *f = t->flows;

    while (f && !text_is(f->tenant, tenant))
        f = f->next;
    if (f)
        return f;
    f = mem_alloc(sizeof *f);
    text_copy(f->tenant, sizeof f->tenant, tenant);
    f->next = t->flows;
    t->flows = f;
    return f;
}

static void flow_forget_if_idle(struct turns *t, struct turn_flow *f)
{
    struct turn_flow **p = &t->flows;

    if (f->open || f->waiting)
        return;
    while (*p != f)
        p = &(*p)->next;
    *p = f->next;
    free(f);
}

/* ---- turns ---- */

void turns_push(struct turns *t, struct turn *turn)
{
    struct turn_flow *f = flow_get(t, turn->tenant);
    uint64_t *after = &f->after[turn->priority];

    turn->flow = f;
    turn->number = *after > t->now ? *after : t->now;
    *after = turn->number + 1;
    turn->next = NULL;
    *t->tail = turn;
    t->tail = &turn->next;
    t->nwaiting++;
    f->waiting++;
}

static bool may_begin(const struct turns *t, const struct turn *turn)
{
    size_t same = 0;

    if (turn->flow->open >= t->max_tenant)
        return false;
    for (const struct turn *o = t->open; o; o = o->next)
        same += o->site == turn->site;
    return same < t->max_site;
}

static void unlink_waiting(struct turns *t, struct turn *turn)
{
    struct turn **p = &t->waiting;

    while (*p != turn)
        p = &(*p)->next;
    *p = turn->next;
    if (!turn->next)
        t->tail = p;
    t->nwaiting--;
    turn->flow->waiting--;
}

struct turn *turns_pop(struct turns *t)
{
    struct turn *best = NULL;

    if (t->nopen >= t->max_open)
        return NULL;
    for (struct turn *w = t->waiting; w; w = w->next)
        if ((!best || w->number < best->number) && may_begin(t, w))
            best = w;
    if (!best)
        return NULL;
    unlink_waiting(t, best);
    best->next = t->open;
    t->open = best;
    t->nopen++;
    best->flow->open++;
    t->now = best->number;
    return best;
}

void turns_done(struct turns *t, struct turn *turn)
{
    struct turn **p = &t->open;

    while (*p != turn)
        p = &(*p)->next;
    *p = turn->next;
    t->nopen--;
    turn->flow->open--;
    flow_forget_if_idle(t, turn->flow);
}

void turns_remove(struct turns *t, struct turn *waiting)
{
    unlink_waiting(t, waiting);
    flow_forget_if_idle(t, waiting->flow);
}

static struct turn *find(struct turn *list, const char *id)
{
    while (list && id && !text_is(list->id, id))
        list = list->next;
    return list;
}

struct turn *turns_waiting(struct turns *t, const char *id)
{
    return find(t->waiting, id);
}

struct turn *turns_open(struct turns *t, const char *id)
{
    return find(t->open, id);
}

size_t turns_len(const struct turns *t)
{
    return t->nwaiting + t->nopen;
}

size_t turns_nopen(const struct turns *t)
{
    return t->nopen;
}
