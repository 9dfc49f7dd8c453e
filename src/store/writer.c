#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/records_int.h"

enum {
    QUEUE_MAX = 4096,    /* changes waiting for the disk */
    QUEUE_RESERVE = 512, /* of these, kept for changes which end work */
    GROUP_MAX = 256,     /* changes in one commit */
    CHECKPOINT_PAGES = 1000,
};

struct intent {
    const struct intent_kind *kind;
    struct arena *arena; /* holds this struct and args */
    const void *args;
    struct answer answer;
    struct err err;
};

static int change_nothing(struct conn *c UNUSED, const void *args UNUSED, struct err *err UNUSED)
{
    return 0;
}

static const struct intent_kind sync_kind = {"sync", true, change_nothing};

/* What one commit holds. */
struct group {
    struct intent *items[GROUP_MAX];
    size_t n;
    struct usage_batch usage;
};

int intent_push_take(struct records *db, const struct intent_kind *kind, struct arena *a, const void *args,
                     struct answer answer, struct err *err)
{
    struct intent *in = arena_alloc(a, sizeof *in);
    bool room = kind->ends_work || queue_len(db->intents) < QUEUE_MAX - QUEUE_RESERVE;

    *in = (struct intent){.kind = kind, .arena = a, .args = args, .answer = answer};
    if (room && queue_push(db->intents, in))
        return 0;
    arena_free(a);
    return FAIL(err, ERR_BUSY, "the disk does not keep up: %d changes are waiting; try again later",
                QUEUE_MAX);
}

/* After some errors (disk full, I/O) SQLite has rolled back the whole transaction by itself. */
static bool rolled_back(struct conn *c)
{
    return sqlite3_get_autocommit(c->db) != 0;
}

int run_whole(struct conn *c, int (*run)(struct conn *c, const void *args, struct err *err), const void *args,
              struct err *err)
{
    if (conn_exec(c, "SAVEPOINT whole", err) < 0)
        return -1;
    if (run(c, args, err) == 0)
        return conn_exec(c, "RELEASE whole", err);
    conn_exec(c, "ROLLBACK TO whole; RELEASE whole", NULL); /* refused when all is rolled back already */
    return -1;
}

/* What rides along. Its failure is not that of the changes: they are kept, and it comes again next time. */
static bool run_usage(struct conn *c, const struct usage_batch *usage)
{
    struct err err;

    if (!usage->n || usage_write(c, usage, &err) == 0)
        return true;
    log_warn("usage not written", "why=%s", err.text);
    return false;
}

static int run_group(struct conn *c, const struct group *g, bool *ret_used, struct err *err)
{
    if (conn_exec(c, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    for (size_t i = 0; i < g->n; i++) {
        struct intent *in = g->items[i];
        if (in->kind->run(c, in->args, &in->err) < 0 && rolled_back(c)) {
            *err = in->err;
            return -1;
        }
    }
    *ret_used = run_usage(c, &g->usage);
    if (conn_exec(c, "COMMIT", err) == 0)
        return 0;
    conn_exec(c, "ROLLBACK", NULL);
    return -1;
}

static void answer_group(const struct group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct intent *in = g->items[i];
        if (in->answer.done)
            in->answer.done(in->answer.arg, &in->err);
        arena_free(in->arena);
    }
}

/* Copies the log into the database when it has grown, after the callers were answered. Readers are not
 * disturbed. */
static void checkpoint(struct conn *c)
{
    if (c->wal_pages < CHECKPOINT_PAGES)
        return;
    c->wal_pages = 0;
    if (sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK)
        log_warn("checkpoint failed", "why=%s", sqlite3_errmsg(c->db));
}

/* Before the callers are answered: who asks after his answer sees it counted. What changes nothing (a sync, a
 * refused change) says nothing about the disk. */
static void count_group(struct records *db, const struct group *g, bool used, int64_t us)
{
    size_t written = 0, refused = 0;

    for (size_t i = 0; i < g->n; i++) {
        if (g->items[i]->kind == &sync_kind)
            continue;
        written += g->items[i]->err.kind == ERR_NONE;
        refused += g->items[i]->err.kind == ERR_IO || g->items[i]->err.kind == ERR_FULL;
    }
    atomic_fetch_add(&db->changes, written);
    atomic_fetch_add(&db->failed, refused);
    if (written || refused || used)
        atomic_store(&db->failing, refused > 0);
    if (written)
        histogram_add(&db->commits, us);
    atomic_store(&db->busy_since_us, 0);
}

void records_stats(struct records *db, struct records_stats *ret)
{
    int64_t since = atomic_load(&db->busy_since_us);

    *ret = (struct records_stats){
        .queued = queue_len(db->intents),
        .changes = atomic_load(&db->changes),
        .failed = atomic_load(&db->failed),
        .failing = atomic_load(&db->failing),
        .busy_us = since ? clock_mono_us() - since : 0,
    };
    histogram_read(&db->commits, &ret->commits);
}

static struct meter meter_of(struct records *db)
{
    struct meter meter;

    pthread_mutex_lock(&db->lock);
    meter = db->meter;
    pthread_mutex_unlock(&db->lock);
    return meter;
}

static void commit_group(struct records *db, struct group *g)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct meter meter = meter_of(db);
    int64_t begun = clock_mono_us();
    struct err err = {0};
    bool used = false, kept;

    g->usage.n = 0;
    if (meter.take)
        meter.take(meter.arg, a, &g->usage);
    if (g->n == 0 && g->usage.n == 0)
        return;
    atomic_store(&db->busy_since_us, begun);
    kept = run_group(db->writer, g, &used, &err) == 0;
    if (!kept) {
        log_error("commit failed", "changes=%zu why=%s", g->n, err.text);
        for (size_t i = 0; i < g->n; i++)
            g->items[i]->err = err;
    }
    if (meter.taken)
        meter.taken(meter.arg, kept && used);
    count_group(db, g, kept && used && g->usage.n, clock_mono_us() - begun);
    answer_group(g);
    checkpoint(db->writer);
}

/* Returns when there is something to do; false once the queue is closed and empty. */
static bool take_group(struct records *db, struct group *g)
{
    void *items[GROUP_MAX];

    g->n = queue_take(db->intents, items, GROUP_MAX, clock_mono_us() + USAGE_SECONDS * 1000000LL);
    for (size_t i = 0; i < g->n; i++)
        g->items[i] = items[i];
    return g->n > 0 || !atomic_load(&db->closing);
}

static void *writer_main(void *arg)
{
    struct records *db = arg;
    struct group g;

    while (take_group(db, &g))
        commit_group(db, &g);
    g.n = 0;
    commit_group(db, &g); /* the last usage */
    return NULL;
}

int writer_start(struct records *db, struct err *err)
{
    db->intents = queue_new(QUEUE_MAX);
    if (pthread_create(&db->thread, NULL, writer_main, db) != 0)
        return FAIL(err, ERR_IO, "cannot start the store's writer thread; raise the limit of threads");
    db->running = true;
    return 0;
}

void writer_stop(struct records *db)
{
    if (db->running) {
        atomic_store(&db->closing, true);
        queue_close(db->intents);
        pthread_join(db->thread, NULL);
    }
    db->running = false;
    db->intents = queue_free(db->intents);
}

/* ---- asking the disk ---- */

/* Writes the page that holds the version, as it is. */
static int touch(struct conn *c, const void *args UNUSED, struct err *err)
{
    char sql[48];
    int64_t version;

    if (conn_pragma(c, "PRAGMA user_version", &version, err) < 0)
        return -1;
    snprintf(sql, sizeof sql, "PRAGMA user_version=%lld", (long long)version);
    return conn_exec(c, sql, err);
}

static const struct intent_kind probe_kind = {"probe", true, touch};

void records_probe(struct records *db, records_done *done, void *arg)
{
    struct err err = {0};

    if (intent_push_take(db, &probe_kind, arena_new(), NULL, (struct answer){done, arg}, &err) < 0)
        done(arg, &err);
}

/* ---- waiting for the queue ---- */

struct sync {
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    bool reached;
};

static void sync_reached(void *arg, const struct err *err UNUSED)
{
    struct sync *s = arg;

    pthread_mutex_lock(&s->lock);
    s->reached = true;
    pthread_cond_signal(&s->wakeup);
    pthread_mutex_unlock(&s->lock);
}

void records_sync(struct records *db)
{
    static const struct timespec pause = {0, 1000000};
    struct sync s = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};

    while (intent_push_take(db, &sync_kind, arena_new(), NULL, (struct answer){sync_reached, &s}, NULL) < 0)
        nanosleep(&pause, NULL);
    pthread_mutex_lock(&s.lock);
    while (!s.reached)
        pthread_cond_wait(&s.wakeup, &s.lock);
    pthread_mutex_unlock(&s.lock);
    pthread_cond_destroy(&s.wakeup);
    pthread_mutex_destroy(&s.lock);
}
