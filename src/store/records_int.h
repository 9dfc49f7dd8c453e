/* How the files of the records work together: one writer, a pool of readers.
 *
 *   any thread                      writer thread (writer.c)                    any thread
 *   records_add_job() --intent-->   BEGIN, run up to 256 intents, add usage,    records_get_job()
 *   returns at once    (queue)      COMMIT, call every `done`, checkpoint       an idle connection */
#ifndef ASSAY_STORE_RECORDS_INT_H
#define ASSAY_STORE_RECORDS_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "store/audit.h"
#include "store/records.h"
#include "store/sqlite_int.h"
#include "store/tenants.h"

/* ---- schema.c ---- */

/* Brings a fresh or older database to this binary's version; refuses newer ones and foreign files. */
int schema_bring_up(struct conn *c, struct err *err);
/* Changes nothing. ERR_CONFLICT when the database is not exactly of this binary's version. */
int schema_check(struct conn *c, struct err *err);

/* ---- writer.c ---- */

/* One kind of change, all or nothing: when it fails, the other changes of the group stay good. A `run` with
 * one changing statement needs nothing for that, because SQLite undoes a failed statement by itself; one with
 * more goes through run_whole. */
struct intent_kind {
    const char *what;
    bool ends_work; /* may use the reserve of the queue: what was begun must be able to end */
    int (*run)(struct conn *c, const void *args, struct err *err);
};
/* Several statements in a savepoint. */
int run_whole(struct conn *c, int (*run)(struct conn *c, const void *args, struct err *err), const void *args,
              struct err *err);

struct answer {
    records_done *done;
    void *arg;
};

/* Queues a change. Takes the arena, in failure too; args live in it. */
int intent_push_take(struct records *db, const struct intent_kind *kind, struct arena *a, const void *args,
                     struct answer answer, struct err *err);
int writer_start(struct records *db, struct err *err);
void writer_stop(struct records *db);

/* ---- deliveries.c ---- */

int delivery_insert(struct conn *c, const struct delivery_row *row, struct err *err);
struct delivery_row *deliveries_copy(struct arena *a, const struct delivery_row *rows, size_t n);

/* ---- pace.c ---- */

/* Part of a move; run_whole keeps the two together. */
int pace_insert(struct conn *c, const struct pace *p, struct err *err);

/* ---- idempotency.c ---- */

int key_use_insert(struct conn *c, const struct job_row *job, struct err *err);

/* ---- runs.c ---- */

int run_insert(struct conn *c, const struct job_row *job, struct err *err);

/* ---- project_jobs.c ---- */

int place_insert(struct conn *c, const struct job_row *job, struct err *err);

/* ---- audit.c ---- */

/* Part of a change; run_whole keeps the two together. seq, at_us and what are filled here. */
int audit_insert(struct conn *c, enum audit_kind kind, const struct audit_line *line, struct err *err);

/* ---- tenants.c ---- */

/* Part of a group: what the meter has counted since the last one that was kept. */
int usage_write(struct conn *c, const struct usage_batch *batch, struct err *err);

/* ---- records.c ---- */

struct records {
    char *dir, *path;
    char who[96];        /* store/audit.h */
    int owner_fd;        /* DIR/owner.lock while this process owns the jobs, else -1 */
    struct conn *writer; /* of the writer thread */
    struct queue *intents;
    pthread_t thread;
    bool running;
    struct histogram commits;
    atomic_ullong changes, failed;
    atomic_bool failing;
    atomic_llong busy_since_us; /* monotonic; 0 = the writer is idle */
    atomic_bool closing;        /* nothing more will be queued */
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct conn *idle_readers;
    struct meter meter; /* store/tenants.h */
};

/* One read: a connection out of the pool and a statement on it. */
struct reading {
    struct records *db;
    struct conn *conn;
    struct query q;
};
int reading_begin(struct reading *r, struct records *db, const char *sql, struct err *err);
/* The same for a statement whose only parameter is a text, up to its first row: 1, 0 when there is none, -1.
 */
int reading_of(struct reading *r, struct records *db, const char *sql, const char *text, struct err *err);
void reading_end(struct reading *r); /* for CLEANUP; initialise with {0} */

#endif
