/* What a finished job is told to whom: the hooks of its tenant, and the URL that came with the job. */
#include "api/api.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/guard.h"
#include "store/hooks.h"

/* The deliveries of one job while they are gathered. */
struct round {
    struct api *api;
    struct arena *arena;
    const struct job_row *job;
    struct bytes body;
    struct delivery_row *rows;
    size_t n, cap;
};

static struct delivery_row *add(struct round *r, const char *hook, const char *url)
{
    struct delivery_row *row = &ARENA_PUSH(r->arena, r->rows, r->n, r->cap);
    int64_t now = clock_wall_us();
    struct url where;
    bool fine = url_check(url, r->api->guard, &where, NULL) == 0;

    *row = (struct delivery_row){
        .tenant = r->job->tenant,
        .job = r->job->id,
        .hook = hook,
        .url = url,
        .site = fine ? arena_strdup(r->arena, where.site) : "-", /* the courier will say why it is not */
        .body = r->body,
        .state = "due",
        .next_us = now,
        .created_us = now,
    };
    delivery_id_new(row->id, now);
    return row;
}

/* A receiver with two reasons to be told is told once, by the hook: that one signs. A URL with a secret of
 * its own is told by itself. */
static bool is_told(const struct round *r, const char *url)
{
    for (size_t i = 0; i < r->n; i++)
        if (text_is(r->rows[i].url, url))
            return true;
    return false;
}

static int gather(struct round *r, const struct dialect *d, const struct hook_row *hooks, size_t nhooks,
                  struct err *err)
{
    const char *own = d->webhook(r->arena, r->job), *secret = d->secret ? d->secret(r->arena, r->job) : NULL;

    if (!nhooks && !own)
        return 0;
    if (d->event(r->api, r->arena, r->job, &r->body, err) < 0)
        return -1;
    for (size_t i = 0; i < nhooks; i++)
        if (text_is(hooks[i].dialect, r->job->dialect))
            add(r, hooks[i].id, hooks[i].url);
    if (own && (secret || !is_told(r, own)))
        add(r, NULL, own)->secret = secret;
    return 0;
}

int api_deliver_again(struct api *api, struct arena *a, const struct job_row *job, const char *url,
                      records_done *done, void *arg, struct err *err)
{
    struct round r = {.api = api, .arena = a, .job = job};
    const struct dialect *d = dialect_find(job->dialect);

    if (!d || !d->event || d->event(api, a, job, &r.body, err) < 0)
        return -1;
    return records_add_delivery(api->db, add(&r, NULL, url), done, arg, err);
}

int api_deliveries(void *arg, struct arena *a, const struct job_row *row, struct delivery_row **ret_rows,
                   size_t *ret_n, struct err *err)
{
    struct round r = {.api = arg, .arena = a, .job = row};
    const struct dialect *d = dialect_find(row->dialect);
    struct hook_row *hooks;
    size_t n;

    if (d && d->event && (d->tells_cancelled || !text_is(row->state, "cancelled"))) {
        if (records_list_hooks(r.api->db, a, row->tenant, &hooks, &n, err) < 0 ||
            gather(&r, d, hooks, n, err) < 0)
            return -1;
    }
    *ret_rows = r.rows;
    *ret_n = r.n;
    return 0;
}
