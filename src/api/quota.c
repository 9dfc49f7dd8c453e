#include "api/quota.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { BUCKETS = 256, FRESH_US = 1000000, NAME_MAX_BYTES = 64 };

/* Uses of one day that the store does not have yet. */
struct owed {
    int64_t day;
    struct usage usage;
};

/* One tenant. Kept until the end: there are as many as tenants with keys. */
struct tally {
    struct tally *chain; /* in its bucket */
    struct tally *next_dirty;
    bool is_dirty;
    char name[NAME_MAX_BYTES];
    struct quota quota;
    int64_t read_us; /* monotonic time of the look-up of the quota */
    struct usage_calendar now;
    struct usage today, month; /* with what is owed */
    struct owed owed, late;    /* of today; of a day before */
    struct owed flight[2];     /* the writer has them */
};

struct quotas {
    struct records *db;
    struct tally *buckets[BUCKETS];
    struct tally *dirty, *flying;
};

struct quotas *quotas_new(struct records *db)
{
    struct quotas *q = mem_alloc(sizeof *q);

    q->db = db;
    return q;
}

struct quotas *quotas_free(struct quotas *q)
{
    for (size_t i = 0; q && i < BUCKETS; i++)
        for (struct tally *t = q->buckets[i], *next; t; t = next) {
            next = t->chain;
            free(t);
        }
    free(q);
    return NULL;
}

/* ---- one tenant ---- */

static struct tally **bucket_of(struct quotas *q, const char *tenant)
{
    uint32_t h = 2166136261u;

    for (; *tenant; tenant++)
        h = (h ^ (uint8_t)*tenant) * 16777619u;
    return &q->buckets[h % BUCKETS];
}

static bool is_some(const struct usage *u)
{
    return u->requests || u->bytes;
}

static void add(struct usage *to, const struct usage *more)
{
    to->requests += more->requests;
    to->bytes += more->bytes;
}

/* What the store will have to be told. */
static void owe(struct quotas *q, struct tally *t, int64_t day, const struct usage *more)
{
    struct owed *o = day == t->now.day ? &t->owed : &t->late;

    if (!is_some(more))
        return;
    if (!is_some(&o->usage))
        o->day = day;
    add(&o->usage, more);
    if (t->is_dirty)
        return;
    t->is_dirty = true;
    t->next_dirty = q->dirty;
    q->dirty = t;
}

static int read_usage(struct quotas *q, struct tally *t, struct err *err)
{
    if (records_get_usage(q->db, t->name, t->now.day, t->now.day, &t->today, err) < 0)
        return -1;
    return records_get_usage(q->db, t->name, t->now.month_first, t->now.day, &t->month, err);
}

static int tally_new(struct quotas *q, const char *tenant, int64_t wall_us, struct tally **ret,
                     struct err *err)
{
    struct tally *t = mem_alloc(sizeof *t), **bucket = bucket_of(q, tenant);

    text_copy(t->name, sizeof t->name, tenant);
    t->now = usage_calendar(wall_us);
    if (read_usage(q, t, err) < 0) {
        free(t);
        return -1;
    }
    t->chain = *bucket;
    *bucket = t;
    *ret = t;
    return 0;
}

/* A clock that is set back does not give a tenant its day again. */
static void turn_page(struct quotas *q, struct tally *t, int64_t wall_us)
{
    struct usage_calendar now;
    struct usage owed = t->owed.usage;
    int64_t day;

    if (wall_us < t->now.next_day_us)
        return;
    now = usage_calendar(wall_us);
    if (now.month_first != t->now.month_first)
        t->month = (struct usage){0};
    t->today = (struct usage){0};
    t->owed = (struct owed){0};
    day = t->now.day;
    t->now = now;
    owe(q, t, day, &owed);
}

static int look_up(struct quotas *q, const char *tenant, int64_t wall_us, struct tally **ret, struct err *err)
{
    int64_t mono = clock_mono_us();
    struct tally *t = *bucket_of(q, tenant);

    while (t && strcmp(t->name, tenant) != 0)
        t = t->chain;
    if (!t && tally_new(q, tenant, wall_us, &t, err) < 0)
        return -1;
    if (!t->read_us || mono - t->read_us > FRESH_US) {
        if (records_get_quota(q->db, tenant, &t->quota, err) < 0)
            return -1;
        t->read_us = mono;
    }
    turn_page(q, t, wall_us);
    *ret = t;
    return 0;
}

/* ---- using ---- */

static int check(const struct tally *t, const struct usage *more, int64_t wall_us, struct quota_state *ret,
                 struct err *err)
{
    const struct {
        const char *what;
        int64_t limit, used, more, until_us;
    } rows[] = {
        {"requests a month", t->quota.requests_month, t->month.requests, more->requests,
         t->now.next_month_us},
        {"bytes a month", t->quota.bytes_month, t->month.bytes, more->bytes, t->now.next_month_us},
        {"requests a day", t->quota.requests_day, t->today.requests, more->requests, t->now.next_day_us},
        {"bytes a day", t->quota.bytes_day, t->today.bytes, more->bytes, t->now.next_day_us},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!rows[i].limit || !rows[i].more || rows[i].more <= rows[i].limit - rows[i].used)
            continue;
        ret->limit = rows[i].limit;
        ret->seconds = (rows[i].until_us - wall_us + 999999) / 1000000;
        return FAIL(err, ERR_QUOTA, "over your quota of %lld %s; retry in %lld s", (long long)rows[i].limit,
                    rows[i].what, (long long)ret->seconds);
    }
    return 0;
}

int quotas_use(struct quotas *q, const char *tenant, const struct usage *more, int64_t wall_us,
               struct quota_state *ret, struct err *err)
{
    struct tally *t;

    *ret = (struct quota_state){0};
    if (look_up(q, tenant, wall_us, &t, err) < 0)
        return -1;
    ret->jobs = t->quota.jobs;
    if (check(t, more, wall_us, ret, err) < 0)
        return -1;
    add(&t->today, more);
    add(&t->month, more);
    owe(q, t, t->now.day, more);
    return 0;
}

/* ---- on the way to the store ---- */

static void take_one(struct tally *t, struct owed *from, struct owed *flight, struct arena *a,
                     struct usage_batch *ret, size_t *cap)
{
    *flight = *from;
    *from = (struct owed){0};
    if (is_some(&flight->usage))
        ARENA_PUSH(a, ret->rows, ret->n, *cap) = (struct usage_row){t->name, flight->day, flight->usage};
}

void quotas_take(struct quotas *q, struct arena *a, struct usage_batch *ret)
{
    size_t cap = 0;

    *ret = (struct usage_batch){0};
    q->flying = q->dirty;
    q->dirty = NULL;
    for (struct tally *t = q->flying; t; t = t->next_dirty) {
        take_one(t, &t->owed, &t->flight[0], a, ret, &cap);
        take_one(t, &t->late, &t->flight[1], a, ret, &cap);
    }
}

void quotas_taken(struct quotas *q, bool kept)
{
    for (struct tally *t = q->flying, *next; t; t = next) {
        bool again = is_some(&t->owed.usage) || is_some(&t->late.usage);
        next = t->next_dirty;
        t->is_dirty = false;
        if (again) { /* used while the writer was writing */
            t->is_dirty = true;
            t->next_dirty = q->dirty;
            q->dirty = t;
        }
        for (int i = 0; i < 2 && !kept; i++)
            owe(q, t, t->flight[i].day, &t->flight[i].usage);
        memset(t->flight, 0, sizeof t->flight);
    }
    q->flying = NULL;
}
