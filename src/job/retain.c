/* The retain thread: removes jobs whose time is over, the files of deleted jobs, and files nobody needs.
 *
 *   at once, and every second   what deleted jobs have left (also those another process deleted)
 *   every minute                the oldest RETAIN_STEP jobs that finished longer than `keep` ago
 *   and                         Idempotency-Keys older than 24 h, lines of the audit older than `keep_audit`,
 *                               daily usage older than USAGE_KEEP_DAYS
 *   at the start, then one folder a minute
 *                               files without a row: of uploads that were cut off between file and row
 *
 * Why a blob is safe to remove: store/blobs.h. Why none is forgotten: store/retention.h. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"
#include "store/audit.h"
#include "store/idempotency.h"
#include "store/retention.h"
#include "store/tenants.h"

enum { RETAIN_STEP = 500, TICK_US = 1000000, MINUTE_US = 60000000, USAGE_KEEP_DAYS = 400 };

struct retain {
    struct jobs *jobs;
    pthread_t thread;
    bool started;
    atomic_llong generation;
    /* --- retain thread only --- */
    int64_t next_minute_us, usage_day;
    int folder, looked_at; /* the next one in turn; how many had their turn since the start */
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    bool kicked, stopping;
    bool suspect[BLOB_FOLDERS]; /* somebody left a file there */
};

/* ---- files ---- */

static int in_use(void *arg, const char *sha256, struct err *err)
{
    bool used;

    return records_blob_in_use(arg, sha256, &used, err) < 0 ? -1 : used;
}

/* Whether nothing more has to be done about this blob. Pinned: somebody is just deciding. */
static bool settle_blob(struct records *db, struct blobs *blobs, const char *sha256)
{
    enum blob_fate fate;
    struct err err;

    if (!sha256 || !*sha256) /* a subject that was never fetched */
        return true;
    if (blob_remove_unused(blobs, sha256, in_use, db, &fate, &err) == 0)
        return fate != BLOB_PINNED;
    log_error("blob not removed", "sha256=%.12s why=%s", sha256, err.text);
    return false;
}

int job_sweep(struct records *db, struct blobs *blobs, size_t *ret_n, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct leftover *rows;
    size_t n;

    if (records_leftovers(db, a, RETAIN_STEP, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        bool subject = settle_blob(db, blobs, rows[i].sha256),
             clip = settle_blob(db, blobs, rows[i].artefact);
        if (subject && clip && records_drop_leftover(db, rows[i].seq, NULL, NULL, err) < 0)
            return -1;
    }
    if (n > 0)
        records_sync(db);
    *ret_n = n;
    return 0;
}

/* Files without a row in one folder. Those which are just being stored are pinned. */
static void sweep_folder(struct retain *r, int folder)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jobs *jobs = r->jobs;
    enum blob_fate fate;
    const char **names;
    size_t n, removed = 0;
    struct err err;

    names = NULL;
    if (blobs_list(jobs->blobs, a, folder, &names, &n, &err) < 0)
        log_warn("blobs not listed", "why=%s", err.text);
    for (size_t i = 0; i < n; i++)
        if (blob_remove_unused(jobs->blobs, names[i], in_use, jobs->db, &fate, &err) == 0)
            removed += fate == BLOB_GONE;
    if (removed > 0)
        log_info("orphans removed", "folder=%02x files=%zu", (unsigned)folder, removed);
}

static void sweep_next_folder(struct retain *r)
{
    sweep_folder(r, r->folder);
    r->folder = (r->folder + 1) % BLOB_FOLDERS;
    r->looked_at++;
}

static bool take_suspect(struct retain *r, int folder)
{
    bool suspect;

    pthread_mutex_lock(&r->lock);
    suspect = r->suspect[folder];
    r->suspect[folder] = false;
    pthread_mutex_unlock(&r->lock);
    return suspect;
}

/* ---- jobs ---- */

static void keep_err(void *arg, const struct err *err)
{
    *(struct err *)arg = *err;
}

static void drop_old(struct retain *r)
{
    struct jobs *jobs = r->jobs;
    int64_t keep_us = __atomic_load_n(&jobs->opts.keep_us, __ATOMIC_RELAXED);
    struct job_filter old = {.finished_before_us = clock_wall_us() - keep_us, .remember = true};
    struct err err = {0};
    size_t n = 0;

    if (!keep_us)
        return;
    if (records_delete_jobs(jobs->db, &old, RETAIN_STEP, &n, keep_err, &err, &err) == 0)
        records_sync(jobs->db);
    if (err.kind != ERR_NONE)
        log_error("old jobs not deleted", "why=%s", err.text);
    else if (n > 0)
        log_info("old jobs deleted", "jobs=%zu", n);
    if (n == RETAIN_STEP)
        r->next_minute_us = 0; /* there are more */
}

static void forget_key_uses(struct retain *r)
{
    struct err err;

    if (records_forget_key_uses(r->jobs->db, clock_wall_us() - idempotency_keep_us, RETAIN_STEP, NULL, NULL,
                                &err) < 0)
        log_warn("idempotency keys not forgotten", "why=%s", err.text);
}

static void forget_audit(struct retain *r)
{
    struct records *db = r->jobs->db;
    int64_t keep_us = __atomic_load_n(&r->jobs->opts.keep_audit_us, __ATOMIC_RELAXED);
    struct err err;

    if (keep_us && records_forget_audit(db, clock_wall_us() - keep_us, RETAIN_STEP, NULL, NULL, &err) < 0)
        log_warn("audit not pruned", "why=%s", err.text);
}

/* Quotas need this month; the rest is for the operator's bills. */
static void forget_usage(struct retain *r)
{
    int64_t today = usage_calendar(clock_wall_us()).day;
    struct err err;

    if (today != r->usage_day &&
        records_forget_usage(r->jobs->db, today - USAGE_KEEP_DAYS, NULL, NULL, &err) < 0)
        log_warn("usage not forgotten", "why=%s", err.text);
    r->usage_day = today;
}

/* ---- the thread ---- */

static void sweep(struct retain *r)
{
    struct err err;
    size_t n = 0;

    if (job_sweep(r->jobs->db, r->jobs->blobs, &n, &err) < 0)
        log_error("deleted jobs not swept", "why=%s", err.text);
    if (n > 0)
        atomic_fetch_add(&r->generation, 1);
}

static void tick(struct retain *r)
{
    int64_t now = clock_mono_us();

    if (now >= r->next_minute_us) {
        r->next_minute_us = now + MINUTE_US;
        drop_old(r);
        forget_key_uses(r);
        forget_audit(r);
        forget_usage(r);
        sweep_next_folder(r);
    } else if (r->looked_at < BLOB_FOLDERS) {
        for (int i = 0; i < 16; i++) /* all of them within 16 s of the start */
            sweep_next_folder(r);
    }
    for (int i = 0; i < BLOB_FOLDERS; i++)
        if (take_suspect(r, i))
            sweep_folder(r, i);
    sweep(r);
}

/* Under lock. */
static void sleep_a_tick(struct retain *r)
{
    int64_t until = clock_mono_us() + TICK_US;
    struct timespec t = {until / 1000000, until % 1000000 * 1000};

    while (!r->kicked && !r->stopping && clock_mono_us() < until)
        pthread_cond_timedwait(&r->wakeup, &r->lock, &t);
    r->kicked = false;
}

static void *retain_main(void *arg)
{
    struct retain *r = arg;

    pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        pthread_mutex_unlock(&r->lock);
        tick(r);
        pthread_mutex_lock(&r->lock);
        if (!r->stopping)
            sleep_a_tick(r);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

int retain_start(struct retain **ret_retain, struct jobs *jobs, struct err *err)
{
    struct retain *r = mem_alloc(sizeof *r);
    pthread_condattr_t attr;

    *ret_retain = r;
    r->jobs = jobs;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wakeup, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&r->thread, NULL, retain_main, r) != 0)
        return FAIL(err, ERR_IO, "cannot start the retain thread; raise the limit of threads");
    r->started = true;
    return 0;
}

void retain_stop(struct retain *r)
{
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_broadcast(&r->wakeup);
    pthread_mutex_unlock(&r->lock);
    if (r->started)
        pthread_join(r->thread, NULL);
    r->started = false;
}

void retain_freep(struct retain **r)
{
    if (!*r)
        return;
    retain_stop(*r);
    pthread_cond_destroy(&(*r)->wakeup);
    pthread_mutex_destroy(&(*r)->lock);
    free(*r);
    *r = NULL;
}

void retain_orphan(struct jobs *jobs, const char *sha256)
{
    struct retain *r = jobs->retain;
    uint8_t folder = 0;

    text_unhex(&folder, 1, (char[]){sha256[0], sha256[1], '\0'});
    pthread_mutex_lock(&r->lock);
    r->suspect[folder] = r->kicked = true;
    pthread_cond_broadcast(&r->wakeup);
    pthread_mutex_unlock(&r->lock);
}

void retain_deleted(struct jobs *jobs)
{
    struct retain *r = jobs->retain;

    atomic_fetch_add(&r->generation, 1);
    pthread_mutex_lock(&r->lock);
    r->kicked = true;
    pthread_cond_broadcast(&r->wakeup);
    pthread_mutex_unlock(&r->lock);
}

int64_t jobs_generation(struct jobs *jobs)
{
    return atomic_load(&jobs->retain->generation);
}
