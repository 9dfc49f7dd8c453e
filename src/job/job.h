/* Jobs: submit, run, finish, wait. The engine between the dialects (which ask) and the lab (which judges).
 *
 *   NEW --claim--> CLAIMED --finish--> DONE
 *    ^                |  +---fail----> FAILED
 *    +-analyst died---+  +---late----> TIMED_OUT
 *    +-server died----+                (NEW, CLAIMED --cancel--> CANCELLED)
 *
 * A job is acknowledged when its bytes and its row are on disk. Whatever happens then (kill -9 included), it
 * ends exactly once. `attempts` counts the analysts that died on it (and tries to fetch it); at max_attempts
 * it fails with analyst_crashed. A server which dies costs no attempt: the next one moves claimed jobs back
 * to NEW, attempts kept. Outcomes which the disk refuses are kept and written again every second; no new job
 * is begun meanwhile.
 *
 * Threads: a run thread which hands jobs to idle analysts, a few chore threads which wait for the disk, a
 * timer thread, a retain thread which removes what nobody needs any more. All calls are thread safe and none
 * waits for the disk, but job_wait, job_cancel and job_annotate read one record. */
#ifndef ASSAY_JOB_JOB_H
#define ASSAY_JOB_JOB_H

#include "base/metric.h"
#include "lab/lab.h"
#include "store/blobs.h"
#include "store/records.h"
#include "store/retention.h"

enum job_state { JOB_NEW, JOB_CLAIMED, JOB_DONE, JOB_FAILED, JOB_TIMED_OUT, JOB_CANCELLED, JOB_STATE_COUNT };

const char *job_state_name(enum job_state s); /* as in the store */
bool job_state_parse(const char *name, enum job_state *ret);
bool job_state_may(enum job_state from, enum job_state to);
bool job_state_is_final(enum job_state s);

/* Urgent: somebody waits for it. docs/decisions.md, "Fairness". */
enum job_priority { JOB_NORMAL, JOB_URGENT, JOB_PRIORITIES };
enum { JOB_TENANT_MAX = 64 };

struct jobs;

/* How a subject comes here that is named by a URL. The engine says which one, keeps what comes, and knows no
 * net. */
struct job_fetch {
    const char *url, *tenant; /* borrowed: for the call; until `done` */
    int64_t max_bytes, max_ms;
    /* On one thread of the fetcher's: pieces in order, then `done` once; nothing of it waits for the store.
     */
    int (*data)(void *arg, struct bytes piece, struct err *err); /* non-zero: that err ends it */
    bool (*wanted)(void *arg);                                  /* asked now and then; false: ERR_CANCELLED */
    void (*done)(void *arg, const struct err *err, bool again); /* again: it may work another time */
    void *arg;
};
struct fetch_opts {
    /* Any thread, maybe from the start of jobs_start on. NULL: submits with a URL get ERR_UNSUPPORTED. */
    void (*fetch)(void *arg, const struct job_fetch *f);
    void *arg;
    int64_t max_bytes, max_ms; /* of one file; defaults 100 MiB and 60 s */
    size_t max_open, max_tenant,
        max_source; /* on their way: in all, of a tenant, from a host; defaults 32, 8, 4 */
};

struct jobs_opts {
    size_t max_queued;        /* jobs waiting; beyond it submits get ERR_BUSY; default 10000 */
    size_t max_queued_tenant; /* of one tenant; beyond it its submits get ERR_QUOTA; default 5000 */
    int max_attempts;         /* default 2 */
    int64_t keep_us;          /* finished jobs are deleted when they are that old; default 0: never */
    int64_t keep_audit_us;    /* so do lines of the audit; default 0: never */
    /* What the end of a job has to tell, stored together with it (store/hooks.h). Gets the row as it will be;
     * called on a thread that may read the store. ERR_IO, ERR_FULL and ERR_BUSY: tried again later, the end
     * waits. NULL: nobody is told. */
    int (*deliveries)(void *arg, struct arena *a, const struct job_row *row, struct delivery_row **ret_rows,
                      size_t *ret_n, struct err *err);
    void (*told)(void *arg); /* some were committed; on the store's writer thread. May be NULL */
    void *deliveries_arg;
    struct fetch_opts fetch;
};
struct jobs_opts jobs_opts_defaults(void);

/* db, blobs and lab are borrowed. Takes up unfinished jobs of an earlier run. The lab's `idle` must call
 * jobs_kick. ERR_CONFLICT when another process runs the jobs of this directory. */
int jobs_start(struct jobs **ret_jobs, struct records *db, struct blobs *blobs, struct lab *lab,
               const struct jobs_opts *opts, struct err *err);
/* Ends in this order: jobs_stop, lab_stop, jobs_freep. jobs_stop takes running jobs back from the lab; they
 * stay claimed and are taken up at the next start. Every callback has been called when it returns: waiters
 * with `false`, others with ERR_BUSY. Until jobs_freep all calls stay valid, submits get ERR_BUSY. */
void jobs_stop(struct jobs *jobs);
void jobs_freep(struct jobs **jobs);
/* From now on; what is queued already stays. Any thread. */
struct jobs_limits {
    size_t max_queued, max_queued_tenant;
    int64_t keep_us, keep_audit_us;
};
void jobs_set_limits(struct jobs *jobs, const struct jobs_limits *limits);
void jobs_kick(struct jobs *jobs); /* an analyst became idle. NULL is fine: the lab starts before the jobs */

struct job_request {
    const char *tenant, *dialect;
    const char *origin;   /* the request's id, for the log; NULL = none */
    int64_t max_jobs;     /* the tenant's own limit of unfinished jobs, 0 = none; beyond it ERR_QUOTA */
    struct job_spec spec; /* id and subject are filled by submit */
    struct bytes request; /* the dialect's notes, JSON, kept with the job */
    const char *name;
    int64_t number;
    enum job_priority priority;
    const char *key,
        *fingerprint; /* Idempotency-Key and what it stands for (store/idempotency.h); NULL = none */
    const char *run, *run_media; /* store/runs.h; NULL = none */
    struct job_place place;      /* store/impulses.h; project 0 = none */
    struct blob_writer *body;    /* taken in any case */
    bool reuse; /* an earlier job's report will do, if it answers the very same question (job/reuse.c) */
    /* Instead of a body: the URL of the subject, checked already (net/guard.h). The job is acknowledged
     * before a byte was fetched. Fetching takes from its deadline, and a failed try is an attempt; when it
     * fails for good, the job ends as failed or timed out with the reason. */
    const char *source;
};
struct job_ticket {
    char id[ID_TEXT];
    int64_t created_us;
};
/* Seals the blob, stores the row, queues the job. `accepted` is called exactly once: after the commit on the
 * store's writer thread, with the error on any thread, for early errors (a bad spec, ERR_BUSY or ERR_QUOTA)
 * before the call returns. */
typedef void job_accepted(void *arg, const struct job_ticket *ticket, const struct err *err);
void job_submit(struct jobs *jobs, const struct job_request *req, job_accepted *accepted, void *arg);

/* Whether a submit would find a place just now: ERR_BUSY, ERR_QUOTA. For refusing before the bytes are read;
 * counts as a refusal. */
int job_room(struct jobs *jobs, const char *tenant, int64_t max_jobs, struct err *err);

/* Calls back once when the job is in a final state or at deadline_mono_us, whichever is first; at once
 * when it is final already, or unknown (then `finished` is false). The callback runs on another thread or
 * within the call. It looks at the record itself. */
typedef void job_waited(void *arg, bool finished);
void job_wait(struct jobs *jobs, const char *id, int64_t deadline_mono_us, job_waited *cb, void *arg);

/* Makes the annotated clip of a finished job unless it exists, then calls back with its blob. ERR_NOT_FOUND;
 * ERR_CONFLICT while unfinished or when the job ended without findings to draw. Waits for an idle analyst
 * like a job does, ahead of queued jobs; not durable. Requests for the same job share one run. */
typedef void job_annotated(void *arg, const char *sha256, const struct err *err);
void job_annotate(struct jobs *jobs, const char *tenant, const char *id, job_annotated *cb, void *arg);

/* Takes a job back which is not finished; deletes one which is, with its labels and every file that no other
 * job needs. The callback comes after the commit, on the store's writer thread, or with an early error within
 * the call. ERR_NOT_FOUND for an unknown or another tenant's job; ERR_CONFLICT when it has ended already, or
 * not yet. A cancelled job's waiters are called; its analyst is killed. The files of a deleted one go right
 * after. */
typedef void job_ordered(void *arg, const struct err *err);
void job_cancel(struct jobs *jobs, const struct job_order *order, job_ordered *cb, void *arg);
void job_delete(struct jobs *jobs, const struct job_order *order, job_ordered *cb, void *arg);
/* Grows when jobs were deleted: whatever was read before may be gone. */
int64_t jobs_generation(struct jobs *jobs);
/* Removes the files that deleted jobs have left. For the process which owns the jobs, and without a server
 * running: a server does it by itself. ret_n: how many leftovers were looked at, at most 500 in one go. */
int job_sweep(struct records *db, struct blobs *blobs, size_t *ret_n, struct err *err);

/* A small question that somebody waits for: no job, no record, nothing left of it after a crash. Goes to an
 * idle analyst ahead of queued jobs; a bounded number waits, beyond it ERR_BUSY. */
struct job_question {
    struct job_spec spec; /* deep-copied; id, and of the subject hash and size, are filled in */
    const char *sha256;   /* of the subject, for the record; NULL: not known */
    int subject_fd;       /* taken in any case: a blob, a memfd, a nameless file */
    int artefact_fd;      /* the same; -1: none is wanted */
};
/* Exactly once: on the lab's thread, and before the call returns for early errors. The artefact is still open
 * then, -1 if there is none; it is closed afterwards, so duplicate it to keep it. Must not wait. */
typedef void job_answered(void *arg, const struct lab_result *result, int artefact_fd);
enum { JOB_QUESTIONS_MAX = 256 };
void job_ask_take(struct jobs *jobs, const struct job_question *question, job_answered *answered, void *arg);

/* Moments judged of moments planned, while an analyst has the job; false at any other time. */
struct job_progress {
    int done, planned;
};
bool job_progress(struct jobs *jobs, const char *id, struct job_progress *ret);

/* Where the time of a job goes: until an analyst has it, until its report is here, until that is on disk. A
 * job whose analyst died waits and is judged once more, and counts again. */
enum job_stage { JOB_WAITING, JOB_ANALYSIS, JOB_COMMIT, JOB_STAGES };
/* Why a submit was no job: queue full or disk slow or stopping; the tenant's own limit; disk refuses; the
 * rest. */
enum job_refusal { JOB_REFUSED_BUSY, JOB_REFUSED_QUOTA, JOB_REFUSED_DISK, JOB_REFUSED_OTHER, JOB_REFUSALS };

enum { JOB_DIALECT_MAX = 16, JOB_MAX_DIALECTS = 8 };
struct job_tally {
    char dialect[JOB_DIALECT_MAX];
    uint64_t accepted, ended[JOB_STATE_COUNT]; /* only final states are ever counted */
};
struct jobs_stats {
    size_t queued, running; /* now; an annotation counts while it runs */
    size_t fetching;        /* now: jobs whose subject is not here yet */
    size_t unsaved;         /* of the running: their outcomes were refused by the disk */
    size_t max_queued;
    int64_t oldest_us; /* how long the one that waits longest has been waiting; 0 = none waits */
    /* Since the start. failed: every final state but DONE. died: jobs queued again after their analyst died.
     */
    int64_t done, failed;
    uint64_t died, refused[JOB_REFUSALS];
    size_t ntallies;
    struct job_tally tallies[JOB_MAX_DIALECTS];
    struct histogram_view stages[JOB_STAGES];
};
struct jobs_stats jobs_stats(struct jobs *jobs);

#endif
