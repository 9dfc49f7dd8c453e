/* The front side of the lab, shared by its files: lab.c (thread and public calls), ticket.c (a task on its
 * way), place.c (one analyst as seen from here), hire.c (the keeper as seen from here).
 *
 * States of a place for an analyst; moved by the lab thread, except IDLE -> BUSY in lab_run:
 *
 *   EMPTY --asked for--> STARTING --up--> IDLE --task--> BUSY --report--> IDLE
 *     ^                      |             |              |
 *     |                      +-----died----+--killed------+--> LEAVING (no socket, perhaps still a task)
 *     +----------- reaped by the keeper, or the keeper is gone itself ----+
 *
 * A task ends with its analyst reaped or its report read. */
#ifndef ASSAY_LAB_FRONT_INT_H
#define ASSAY_LAB_FRONT_INT_H

#include <pthread.h>

#include "base/arena.h"
#include "lab/lab.h"
#include "lab/lab_int.h"

enum place_state { EMPTY, STARTING, IDLE, BUSY, LEAVING };

/* A task in the hands of an analyst. */
struct ticket {
    char *job_id, *pipeline;
    char sha256[HASH_HEX];
    unsigned kit; /* what its analyst must have */
    int64_t deadline_ms;
    int spec_fd, subject_fd, report_fd, artefact_fd;
    size_t spec_bytes;
    void (*done)(void *arg, const struct lab_result *result);
    void (*progress)(void *arg, int done, int planned);
    void *arg;
};

struct place {
    enum place_state state;
    uint64_t serial;       /* of its analyst, never used twice; 0 only while EMPTY */
    unsigned kits;         /* what its analyst has */
    bool outgrown;         /* idle, and let go because a task needs what it does not have */
    int sock, pidfd;       /* -1 = none */
    int tasks;             /* done by this analyst */
    struct ticket *ticket; /* while BUSY, and LEAVING until the analyst is reaped */
    int64_t kill_at_us;    /* while BUSY */
    int64_t progress_left;
    struct err why; /* set when we kill it: how its task ends */
};

/* A pause that doubles from one failure to the next. */
struct backoff {
    int64_t until_us, pause_us;
};

struct lab {
    struct lab_opts opts; /* without the strings, which are in `options` */
    struct msg_options options;
    int epoll_fd, wake_fd;
    pthread_t thread;

    /* --- lab thread only --- */
    char *keeper; /* path of its program */
    pid_t keeper_pid;
    int keeper_pidfd, keeper_sock; /* -1: no keeper */
    struct backoff keeper_backoff, spawn_backoff;
    uint64_t last_serial;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* ready or failed */
    /* --- guarded by lock; places are written by the lab thread, lab_run and lab_cancel --- */
    struct place *places;
    size_t nplaces;
    bool loaded, up_once, stopping;
    unsigned kits;     /* what new analysts get: all that any task has needed so far */
    struct err failed; /* why the lab is not ready */
    size_t nmodels;
    struct msg_model models[LAB_MAX_MODELS];
    struct msg_about about;
    struct lab_stats stats;
};

/* ---- lab.c ---- */

/* epoll tags: the index of a place, or one of these. */
enum { TAG_WAKE = LAB_MAX_ANALYSTS, TAG_KEEPER };

int lab_watch(struct lab *lab, int fd, uint32_t tag); /* -1 and errno */
int fd_set_nonblocking(int fd);
/* The next attempt is due later than the last time. */
void backoff_failed(struct backoff *b);
/* For lab_wait_ready. */
void lab_set_failed(struct lab *lab, const struct err *why);

/* ---- ticket.c ---- */

struct ticket *ticket_new(const struct lab_task *task, struct err *err);
void ticket_freep(struct ticket **t);
/* Both call the task's `done` and free the ticket; without the lock. */
void ticket_end(struct ticket *t, const struct lab_result *result);
void ticket_fail(struct ticket *t, const struct err *why);
/* Reads, parses and checks what the analyst wrote. ERR_INTERNAL for whatever is wrong with it. */
int ticket_report(const struct ticket *t, struct arena *a, uint64_t size, struct report **ret_report,
                  struct err *err);
int ticket_send(const struct ticket *t, int sock);

/* ---- place.c; on the lab thread ---- */

/* NULL: nobody has it any more. */
struct place *place_of(struct lab *lab, uint64_t serial);
enum place_state place_state(struct lab *lab, const struct place *p); /* takes the lock */
/* Kills its analyst. `why` is how the task ends; NULL: that depends on how the analyst died. Needs the lock.
 */
void place_leave(struct lab *lab, struct place *p, const struct err *why);
/* Acts on all that its analyst has sent. Returns with nothing left or with the socket closed. */
void place_hear(struct lab *lab, struct place *p);
/* Its process is gone: ends the task it had, by its last report, by the reason for which we killed it, or by
 * `death`. `end` counts unless we killed it for another reason. */
void place_died(struct lab *lab, struct place *p, const struct err *death, enum lab_end end);
void place_died_with_status(struct lab *lab, struct place *p, int wait_status);
void pidfd_kill(int pidfd); /* -1 is fine */

/* ---- hire.c; on the lab thread ---- */

void keeper_start_when_due(struct lab *lab, int64_t now);
void keeper_hear(struct lab *lab);
/* Asks for an analyst for an EMPTY place. */
void keeper_ask_for(struct lab *lab, struct place *p);
/* Ends it and all analysts, who have been told to leave; `why` is how their tasks end. */
void keeper_dismiss(struct lab *lab, const struct err *why);

#endif
