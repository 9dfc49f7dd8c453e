#include "hook/deliver.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "hook/schedule.h"
#include "hook/sign.h"
#include "net/client.h"
#include "store/hooks.h"

#define ROW(name, type, field, fallback, min, max, arg, help)                        \
    {                                                                                \
        name, type, offsetof(struct hook_opts, field), fallback, min, max, arg, help \
    }
const struct option hook_options[] = {
    ROW("hook-allow-http", OPT_FLAG, allow_http, "false", 0, 0, NULL, "webhooks may go to plain http, too"),
    ROW("hook-allow", OPT_STRING, allow, NULL, 0, 0, "NETWORKS",
        "addresses webhooks may go to although they are not public: 10.1.0.0/16,127.0.0.1"),
    ROW("hook-schedule", OPT_STRING, schedule, "0,5s,5m,30m,2h,5h,10h", 0, 0, "TIMES",
        "waits before each try of a delivery"),
    ROW("hook-signature-format", OPT_STRING, signature_format, "sha256", 0, 0, "FORMAT",
        "X-Webhook-Signature as sha256=HEX (sha256) or as HEX alone (hex)"),
    ROW("hook-ca", OPT_STRING, ca, NULL, 0, 0, "FILE", "certificates to trust instead of the system's"),
    ROW("hook-in-flight", OPT_INT, in_flight, "16", 1, 1000, "N", "deliveries on their way at a time"),
    ROW("hook-per-host", OPT_INT, per_site, "2", 1, 100, "N", "of these, to one receiver"),
    ROW("hook-connect-timeout", OPT_DURATION, connect_ms, "5s", 1, 600000, "TIME",
        "a receiver must take the connection in that time"),
    ROW("hook-timeout", OPT_DURATION, timeout_ms, "15s", 1, 600000, "TIME", "and answer in that time"),
};
const size_t hook_noptions = COUNT_OF(hook_options);

int hook_guard(struct arena *a, const struct hook_opts *opts, struct guard *ret_guard, struct err *err)
{
    struct guard g = {.allow_http = opts->allow_http};
    struct err why;

    if (guard_parse_allow(a, opts->allow, &g, &why) < 0)
        return FAIL(err, ERR_INPUT, "hook-allow: %s", why.text);
    *ret_guard = g;
    return 0;
}

/* ---- what the courier remembers ---- */

/* A receiver that has something due or on its way. */
struct site {
    struct site *next;
    const char *name;
    int64_t in_flight;
    bool failing; /* its last try failed */
    bool due;     /* seen by the present look */
};

/* A delivery on its way, until its outcome is committed. */
struct parcel {
    struct parcel *next;
    struct courier *courier;
    struct arena *arena; /* holds this struct, too */
    struct delivery_row row;
    struct site *site;
    int64_t begun_us; /* wall */
    bool failed;
};

enum { LOOK_US = 1000000, TROUBLE_US = 1000000 };

struct courier {
    struct courier_opts opts;
    struct schedule schedule;
    bool bare_hex;
    struct client *client;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    bool stopping, woken;
    int64_t pause_until_us; /* monotonic: the store refused an outcome */
    struct site *sites;
    struct parcel *parcels;
    int64_t in_flight, failing_in_flight;
    struct courier_stats tries; /* without in_flight */
};

/* Under lock. */
static struct site *site_of(struct courier *c, const char *name)
{
    struct site *s = c->sites;

    while (s && !text_is(s->name, name))
        s = s->next;
    if (s)
        return s;
    s = mem_alloc(sizeof *s);
    s->name = mem_strdup(name);
    s->next = c->sites;
    c->sites = s;
    return s;
}

static void site_free(struct site *s)
{
    void *name = (void *)(uintptr_t)s->name;

    free(name);
    free(s);
}

/* Under lock. Forgets receivers without anything due or on its way. */
static void forget_sites(struct courier *c)
{
    struct site **p = &c->sites;

    while (*p) {
        struct site *s = *p;
        if (s->due || s->in_flight) {
            p = &s->next;
            continue;
        }
        *p = s->next;
        site_free(s);
    }
}

/* Under lock. */
static void count(struct courier *c, struct site *s, int by)
{
    s->in_flight += by;
    c->in_flight += by;
    if (s->failing)
        c->failing_in_flight += by;
}

/* Under lock. How many more this receiver may get now. */
static int64_t room_for(const struct courier *c, const struct site *s)
{
    const struct hook_opts *o = &c->opts.hook;
    int64_t room = o->per_site - s->in_flight, all = o->in_flight - c->in_flight;
    int64_t failing = (o->in_flight + 1) / 2 - c->failing_in_flight;

    room = room < all ? room : all;
    return s->failing && failing < room ? failing : room;
}

/* Under lock. */
static bool is_on_its_way(const struct courier *c, const char *id)
{
    for (const struct parcel *p = c->parcels; p; p = p->next)
        if (text_is(p->row.id, id))
            return true;
    return false;
}

/* ---- one parcel ---- */

static struct parcel *parcel_new(struct courier *c, struct site *s, const struct delivery_row *row)
{
    struct arena *a = arena_new();
    struct parcel *p = arena_alloc(a, sizeof *p);

    *p = (struct parcel){.courier = c, .arena = a, .row = *row, .site = s};
    p->row.tenant = arena_strdup(a, row->tenant);
    p->row.job = arena_strdup(a, row->job);
    p->row.hook = arena_strdup(a, row->hook);
    p->row.url = arena_strdup(a, row->url);
    p->row.site = arena_strdup(a, row->site);
    p->row.state = arena_strdup(a, row->state);
    p->row.secret = arena_strdup(a, row->secret);
    p->row.body = bytes_of(arena_strndup(a, (const char *)row->body.data, row->body.len), row->body.len);
    return p;
}

/* The end of every parcel. */
static void parcel_end(struct parcel *p)
{
    struct courier *c = p->courier;
    struct parcel **link;

    pthread_mutex_lock(&c->lock);
    for (link = &c->parcels; *link != p; link = &(*link)->next) {
    }
    *link = p->next;
    count(c, p->site, -1);
    pthread_cond_broadcast(&c->wakeup);
    c->woken = true; /* a place is free */
    pthread_mutex_unlock(&c->lock);
    arena_free(p->arena);
}

/* Under no lock: a receiver's other parcels move with it between the two counts. */
static void note_outcome(struct parcel *p, const char *state)
{
    struct courier *c = p->courier;

    pthread_mutex_lock(&c->lock);
    c->tries.delivered += text_is(state, "delivered");
    c->tries.again += text_is(state, "due");
    c->tries.dead += text_is(state, "dead");
    if (p->site->failing != p->failed) {
        p->site->failing = p->failed;
        c->failing_in_flight += p->failed ? p->site->in_flight : -p->site->in_flight;
    }
    pthread_mutex_unlock(&c->lock);
}

/* Writer thread. When the store refuses, the delivery is still due: it is sent again, but not at once. */
static void outcome_written(void *arg, const struct err *err)
{
    struct parcel *p = arg;
    struct courier *c = p->courier;

    if (err->kind != ERR_NONE && err->kind != ERR_NOT_FOUND) { /* not found: it went with its job */
        log_error("outcome of a delivery not written", "delivery=%s job=%s why=%s", p->row.id,
                  p->row.job ? p->row.job : "-", err->text);
        pthread_mutex_lock(&c->lock);
        c->pause_until_us = clock_mono_us() + TROUBLE_US;
        pthread_mutex_unlock(&c->lock);
    }
    parcel_end(p);
}

static void log_outcome(const struct parcel *p, const struct delivery_try *t)
{
    log_line(p->failed ? LOG_WARN : LOG_INFO, p->failed ? "delivery failed" : "delivered",
             "delivery=%s job=%s to=%s try=%d status=%d ms=%lld state=%s why=%s", p->row.id,
             p->row.job ? p->row.job : "-", p->row.site, p->row.attempts + 1, t->status, (long long)t->ms,
             t->state, t->error ? t->error : "-");
}

static void write_outcome(struct parcel *p, struct delivery_try *t)
{
    struct err err = {0};

    p->failed = !text_is(t->state, "delivered");
    log_outcome(p, t);
    note_outcome(p, t->state);
    if (records_log_try(p->courier->opts.db, t, outcome_written, p, &err) < 0)
        outcome_written(p, &err);
}

/* Without a try: this will never work. */
static void give_up(struct parcel *p, const char *why)
{
    struct delivery_try t = {.id = p->row.id, .at_us = clock_wall_us(), .error = why, .state = "dead"};

    write_outcome(p, &t);
}

/* Client thread. */
static void answered(void *arg, const struct client_result *result)
{
    static const char *const states[] = {
        [VERDICT_DELIVERED] = "delivered", [VERDICT_AGAIN] = "due", [VERDICT_DEAD] = "dead"};
    struct parcel *p = arg;
    struct attempt attempt = {p->row.id, p->row.attempts + 1, result->status, result->retry_after_s};
    struct delivery_try t = {
        .id = p->row.id, .at_us = p->begun_us, .status = result->status, .ms = result->ms};
    int64_t wait_us = 0;
    enum verdict v = schedule_next(&p->courier->schedule, &attempt, &wait_us);

    if (result->err.kind == ERR_CANCELLED) { /* no try: the server stops */
        parcel_end(p);
        return;
    }
    if (result->err.kind == ERR_INPUT) /* the guard refuses the URL itself: no later try will do better */
        v = VERDICT_DEAD;
    t.error = result->err.kind == ERR_NONE ? NULL : result->err.text;
    t.state = states[v];
    t.next_us = clock_wall_us() + wait_us;
    write_outcome(p, &t);
}

static int find_secrets(const struct parcel *p, struct signing *s, struct err *err)
{
    struct hook_row hook;

    if (!p->row.hook) {
        s->secret = p->row.secret;
        return 0;
    }
    if (records_get_hook(p->courier->opts.db, p->arena, p->row.hook, &hook, err) < 0)
        return -1;
    if (hook.removed_us)
        return FAIL(err, ERR_NOT_FOUND, "the hook was removed");
    s->secret = hook.secret;
    if (hook.secret && hook.old_until_us > p->begun_us)
        s->old_secret = hook.old_secret;
    return 0;
}

static void parcel_send(struct parcel *p)
{
    struct signing s = {.id = p->row.id, .body = p->row.body, .bare_hex = p->courier->bare_hex};
    struct client_post post = {.url = p->row.url, .body = p->row.body, .done = answered, .arg = p};
    struct err err;

    p->begun_us = clock_wall_us();
    s.timestamp_s = p->begun_us / 1000000; /* of this try: receivers refuse old ones */
    if (find_secrets(p, &s, &err) < 0) {
        if (err.kind == ERR_NOT_FOUND)
            give_up(p, err.text);
        else
            outcome_written(p, &err);
        return;
    }
    sign_headers(p->arena, &s, post.headers);
    for (size_t i = 0; i < CLIENT_HEADERS; i++)
        if (!post.headers[i]) {
            post.headers[i] = "Content-Type: application/json";
            post.headers[i + 1] = NULL;
            break;
        }
    client_post(p->courier->client, &post);
}

/* ---- looking for what is due ---- */

/* Puts a parcel on its way; NULL when there is no room or it is on its way already. */
static struct parcel *admit(struct courier *c, struct site *s, const struct delivery_row *row)
{
    struct parcel *p = NULL;

    pthread_mutex_lock(&c->lock);
    if (room_for(c, s) > 0 && !c->stopping && !is_on_its_way(c, row->id)) {
        p = parcel_new(c, s, row);
        p->next = c->parcels;
        c->parcels = p;
        count(c, s, 1);
    }
    pthread_mutex_unlock(&c->lock);
    return p;
}

static int serve_site(struct courier *c, struct arena *a, struct site *s, struct err *err)
{
    size_t max = 2 * (size_t)c->opts.hook.per_site; /* some of them may be on their way */
    struct delivery_row *rows;
    struct parcel *p;
    size_t n;

    if (records_due(c->opts.db, a, s->name, clock_wall_us(), max, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if ((p = admit(c, s, &rows[i])))
            parcel_send(p);
    return 0;
}

/* The site, when it may get something now. Sites are freed by this thread only, so it stays. */
static struct site *ready_site(struct courier *c, const struct due_site *due, int64_t now_us)
{
    struct site *s;

    pthread_mutex_lock(&c->lock);
    s = site_of(c, due->site);
    s->due = true;
    if (due->next_us > now_us || room_for(c, s) <= 0)
        s = NULL;
    pthread_mutex_unlock(&c->lock);
    return s;
}

static void tidy_up(struct courier *c)
{
    pthread_mutex_lock(&c->lock);
    forget_sites(c);
    for (struct site *s = c->sites; s; s = s->next)
        s->due = false;
    pthread_mutex_unlock(&c->lock);
}

/* Sends what is due. ret_next_us: the earliest wall time at which something else will be. */
static int look(struct courier *c, int64_t *ret_next_us, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t now = clock_wall_us();
    struct due_site *due;
    size_t n;

    if (records_due_sites(c->opts.db, a, &due, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct site *s = ready_site(c, &due[i], now);
        if (due[i].next_us > now && due[i].next_us < *ret_next_us)
            *ret_next_us = due[i].next_us;
        if (s && serve_site(c, a, s, err) < 0)
            return -1;
    }
    tidy_up(c);
    return 0;
}

/* Under lock. */
static void wait_until(struct courier *c, int64_t mono_us)
{
    struct timespec t = {mono_us / 1000000, mono_us % 1000000 * 1000};

    while (!c->stopping && clock_mono_us() < mono_us && !(c->woken && clock_mono_us() >= c->pause_until_us))
        if (pthread_cond_timedwait(&c->wakeup, &c->lock, &t) != 0)
            break;
    c->woken = false;
}

static void *courier_main(void *arg)
{
    struct courier *c = arg;

    pthread_mutex_lock(&c->lock);
    while (!c->stopping) {
        int64_t next = clock_wall_us() + LOOK_US;
        bool paused = clock_mono_us() < c->pause_until_us;
        struct err err;
        pthread_mutex_unlock(&c->lock);
        if (!paused && look(c, &next, &err) < 0) {
            log_error("deliveries cannot be read", "why=%s", err.text);
            next = clock_wall_us() + LOOK_US;
        }
        pthread_mutex_lock(&c->lock);
        wait_until(c, clock_mono_us() + (next - clock_wall_us()));
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- from outside ---- */

void courier_wake(struct courier *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->woken = true;
    pthread_cond_broadcast(&c->wakeup);
    pthread_mutex_unlock(&c->lock);
}

void courier_stats(struct courier *c, struct courier_stats *ret)
{
    pthread_mutex_lock(&c->lock);
    *ret = c->tries;
    ret->in_flight = c->in_flight;
    pthread_mutex_unlock(&c->lock);
}

static struct courier *courier_new(const struct courier_opts *opts)
{
    struct courier *c = mem_alloc(sizeof *c);
    pthread_condattr_t attr;

    c->opts = *opts;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wakeup, &attr);
    pthread_condattr_destroy(&attr);
    return c;
}

static int read_format(const char *format, bool *ret_bare_hex, struct err *err)
{
    *ret_bare_hex = text_is(format, "hex");
    if (!*ret_bare_hex && format && !text_is(format, "sha256"))
        return FAIL(err, ERR_INPUT, "hook-signature-format is sha256 or hex, not '%.32s'", format);
    return 0;
}

static int start_client(struct courier *c, struct err *err)
{
    struct client_opts opts = client_opts_defaults();

    opts.guard = c->opts.guard;
    opts.connect_ms = (int)c->opts.hook.connect_ms;
    opts.total_ms = (int)c->opts.hook.timeout_ms;
    opts.ca_file = c->opts.hook.ca;
    opts.user_agent = c->opts.user_agent;
    return client_start(&c->client, &opts, err);
}

int courier_start(struct courier **ret_courier, const struct courier_opts *opts, struct err *err)
{
    CLEANUP(courier_stop) struct courier *c = courier_new(opts);
    struct err why;

    if (schedule_parse(opts->hook.schedule, &c->schedule, &why) < 0)
        return FAIL(err, ERR_INPUT, "hook-schedule: %s", why.text);
    if (read_format(opts->hook.signature_format, &c->bare_hex, err) < 0 || start_client(c, err) < 0)
        return -1;
    if (pthread_create(&c->thread, NULL, courier_main, c) != 0)
        return FAIL(err, ERR_IO, "cannot start the webhook thread; raise the limit of threads");
    c->running = true;
    *ret_courier = TAKE(c);
    return 0;
}

void courier_stop(struct courier **courier)
{
    struct courier *c = TAKE(*courier);

    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_broadcast(&c->wakeup);
    pthread_mutex_unlock(&c->lock);
    if (c->running)
        pthread_join(c->thread, NULL);
    client_stop(&c->client);
    if (c->running)
        records_sync(c->opts.db); /* outcomes on their way are answered now */
    for (struct site *s = c->sites, *next; s; s = next) {
        next = s->next;
        site_free(s);
    }
    pthread_cond_destroy(&c->wakeup);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
