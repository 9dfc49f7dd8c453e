/* How the files of this folder work together.
 *
 *   submit.c    job_submit -> chore thread: seal, add row -> writer thread: queue the task, call `accepted`
 *   fetch.c     instead, when a URL names the subject: row -> fetched -> sealed -> queue
 *   turns.c     which of these is next
 *   fair.c      which job is next
 *   run.c       run thread: takes the next task when an analyst is idle, prepares it, hands it to the lab
 *   finish.c    lab thread: outcome of a job -> writer thread: committed, call the waiters
 *   pace.c      how long a second of video or a picture took
 *   tell.c      what is written together with it: deliveries for webhooks
 *   annotate.c  the same way for annotated clips, which end in a chore (copy the clip into the blobs)
 *   ask.c       questions: tasks without a record
 *   cancel.c    job_cancel, job_delete -> writer thread: committed, tell queue and lab
 *   reuse.c    in place of an analysis: the report of an earlier job
 *   retain.c    retain thread: old jobs, files of deleted jobs, orphans
 *   count.c     jobs_stats
 *   wait.c      who waits for which job, until when
 *   state.c     the states */
#ifndef ASSAY_JOB_JOBS_INT_H
#define ASSAY_JOB_JOBS_INT_H

#include <pthread.h>

#include "base/queue.h"
#include "job/fair_int.h"
#include "job/job.h"
#include "job/turns_int.h"

/* ---- state.c ---- */

/* A move of the job, checked against the drawing; the rest of it is "keep". */
struct job_move job_move_of(const char *id, enum job_state from, enum job_state to);

/* ---- wait.c: own lock, own thread ---- */

struct waits;

int waits_start(struct waits **ret_waits, struct err *err);
/* Calls back once: waits_fire for that id, or at the deadline, or at waits_stop. */
void waits_add(struct waits *w, const char *id, int64_t deadline_mono_us, job_waited *cb, void *arg);
void waits_fire(struct waits *w, const char *id, bool finished);
void waits_stop(struct waits *w); /* calls all that are left, and all later ones, with false */
void waits_freep(struct waits **w);

/* ---- chores: what waits for the disk and is in nobody's hurry ---- */

struct chore {
    void (*run)(struct chore *c); /* on a chore thread; owns c */
};

/* ---- tasks ---- */

/* What an analyst can be given: a job, an annotated clip or a question. One owner at a time: a list, the run
 * thread, or the lab. */
struct task;

struct task_kind {
    const char *what;
    /* Run thread. Fills arena, spec, subject_fd, artefact_fd. */
    int (*prepare)(struct task *t, struct err *err);
    /* Run thread: the lab has it. Comes before `done`, whatever the lab does. */
    void (*begun)(struct task *t);
    /* Run thread: it could not be begun. Takes the task, which is in no list. */
    void (*refused)(struct task *t, const struct err *why);
    /* Lab thread. Takes the task, which is in `running`. */
    void (*done)(struct task *t, const struct lab_result *result);
};

struct task {
    struct task *next;
    const struct task_kind *kind;
    struct jobs *jobs;
    char id[ID_TEXT], tenant[JOB_TENANT_MAX], dialect[JOB_DIALECT_MAX];
    int64_t since_us; /* wall: jobs: waits since */
    enum job_priority priority;
    struct arena *arena; /* what prepare reads; NULL before and after */
    struct job_spec spec;
    int subject_fd, artefact_fd;  /* -1 = none */
    int attempts;                 /* jobs: analysts which died on it so far */
    int64_t started_us;           /* wall */
    int64_t handed_us, judged_us; /* monotonic: to the lab, back from it */
    struct job_progress progress; /* guarded by jobs->lock */
    enum job_state end;           /* jobs: what it becomes */
    struct job_move outcome;      /* jobs: what finish.c writes; in the arena */
    bool cancelled;          /* jobs: guarded by jobs->lock; the record says so, nobody wants its outcome */
    bool retried;            /* jobs: the disk refused the outcome once */
    struct chore chore;      /* jobs: keeps the heat map */
    char artefact[HASH_HEX]; /* jobs: the heat map; pinned while not "" */
    bool kept;               /* jobs: a row needs it */
};

struct task_list {
    struct task *head, **tail;
    size_t len;
};
void task_list_init(struct task_list *l);
void task_list_push(struct task_list *l, struct task *t);
void task_list_push_front(struct task_list *l, struct task *t);
struct task *task_list_pop(struct task_list *l); /* NULL when empty */
bool task_list_remove(struct task_list *l, struct task *t);

void task_init(struct task *t, const struct task_kind *kind, struct jobs *jobs, const char *id);
void task_clear(struct task *t); /* arena and descriptors */

/* ---- count.c ---- */

struct job_counts {
    atomic_ullong died, refused[JOB_REFUSALS];
    struct histogram stages[JOB_STAGES];
    /* --- guarded by jobs->lock --- */
    int64_t done, failed;
    size_t ntallies;
    struct job_tally tallies[JOB_MAX_DIALECTS];
};
void count_accepted(struct jobs *jobs, const char *dialect);                  /* under lock */
void count_ended(struct jobs *jobs, const char *dialect, enum job_state end); /* under lock */
void count_refused(struct jobs *jobs, enum err_kind why);
void count_stage(struct jobs *jobs, enum job_stage stage, int64_t us);

/* ---- jobs.c ---- */

enum { CHORE_THREADS = 4 };

struct annotation;
struct retain;

struct jobs {
    struct records *db;
    struct blobs *blobs;
    struct lab *lab;
    struct jobs_opts opts;
    struct waits *waits;
    struct retain *retain;
    struct queue *chores;
    pthread_t chore_threads[CHORE_THREADS], runner;
    int nchore_threads;
    bool has_runner;
    /* Held while a task passes to the lab, so that its end waits until its beginning is recorded. Outside
     * `lock`. */
    pthread_mutex_t handover;
    pthread_mutex_t lock;
    pthread_cond_t wakeup; /* for the run thread and for jobs_stop */
    /* --- guarded by lock --- */
    struct fair *queued;      /* jobs which wait for an analyst, or are on their way there */
    struct turns *fetches;    /* jobs whose subject is on its way here; on their way to `queued` as well */
    struct task_list ahead;   /* annotations and questions which do */
    struct task *in_hand;     /* what the run thread has, from the queue to the lab */
    struct task_list running; /* what the lab has, and jobs whose outcome is being written */
    struct task_list unsaved; /* jobs whose outcome the disk refused */
    int64_t retry_us;         /* monotonic; when to try those again */
    struct annotation *annotations;  /* which one can still join */
    size_t nannotations, nquestions; /* all, until their callers were told */
    bool maybe_idle;                 /* the lab may have an idle analyst: no refusal since the last kick */
    bool stopping;
    struct job_counts counts; /* partly atomic, see there */
};

/* Queues a chore; false when the queue is full or closed. */
bool jobs_chore(struct jobs *jobs, struct chore *c);
/* A job waits for its analyst. */
void jobs_enqueue(struct jobs *jobs, struct task *t);
/* The task leaves `running`. */
void jobs_ran(struct jobs *jobs, struct task *t);

/* ---- run.c ---- */

void *run_main(void *jobs);

/* ---- finish.c ---- */

extern const struct task_kind task_job;

struct task *job_task_new(struct jobs *jobs, const struct waiting_job *job);
void job_task_free(struct task *t);
/* Writes the outcome of a job again after the disk has refused it. */
void finish_save(struct task *t);
/* Pure: what a result makes of a job on which `attempts` analysts have died before. ret_why is what the
 * record says. */
enum job_state finish_state(const struct lab_result *result, int attempts, int max_attempts,
                            struct err *ret_why);

/* Pure: what a finished report says of its pipeline's pace, after so many microseconds with an analyst;
 * pipeline NULL: nothing. */
struct pace pace_of(struct arena *a, const struct report *r, int64_t analysis_us);

/* Chore thread. Ends a job that no analyst has; it is in `running`, its arena there. */
void job_fail(struct task *t, const struct err *why);

/* ---- fetch.c ---- */

/* The job has a place in the limits of `queued`. Begins with the next fetch_kick. */
void fetch_add(struct jobs *jobs, const struct waiting_job *job);
void fetch_kick(struct jobs *jobs);
/* Under lock. Does nothing, and leaves ret_dialect, when it is not here. */
void fetch_cancel(struct jobs *jobs, const char *id, char ret_dialect[JOB_DIALECT_MAX]);
void fetch_stop(struct jobs *jobs); /* after `stopping` and the chore threads: waits for what is on its way */
void fetch_drop_all(struct jobs *jobs); /* what waits; the next start goes on with it */

/* Ends a job which is in `running` as done, with this report. */
struct reuse;
void job_answer(struct task *t, const struct reuse *answer);

/* ---- reuse.c ---- */

/* A report of an earlier job which answers a new one. */
struct reuse {
    char from[ID_TEXT];
    struct bytes report; /* in the finder's arena */
};
/* Reads the records; the request's subject must be known. */
bool reuse_find(struct jobs *jobs, struct arena *a, const struct job_request *req, struct reuse *ret);
/* Takes the task and ends it. False: no chore thread has time for it, the task is still the caller's. */
bool reuse_answer(struct jobs *jobs, struct task *t, const struct reuse *found);

/* ---- tell.c ---- */

/* Adds the deliveries to a filled outcome, once. -1: the store cannot be read now. */
int tell_prepare(struct task *t, struct err *err);
/* After the store has refused the outcome for good: the end of a job is worth more than what is told of it.
 * False: there was nothing to drop. */
bool tell_drop(struct task *t);
void tell_committed(struct task *t);
/* What has to be told of a job that is cancelled now; in the arena. Reads one record. -1: the store cannot be
 * read, or has no such job. */
int tell_cancelled(struct jobs *jobs, struct arena *a, const struct job_order *order,
                   struct job_farewell *ret, struct err *err);

/* ---- retain.c: own lock, own thread ---- */

int retain_start(struct retain **ret_retain, struct jobs *jobs, struct err *err);
void retain_stop(struct retain *r);
void retain_freep(struct retain **r);
void retain_deleted(struct jobs *jobs); /* there is something to do */
/* A blob may have no row; after its unpinning. */
void retain_orphan(struct jobs *jobs, const char *sha256);

#endif
