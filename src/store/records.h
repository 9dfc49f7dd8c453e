/* Records: jobs, keys, labels; hooks and deliveries have a header of their own. SQLite, WAL,
 * synchronous=FULL, one writer thread which drains a queue of intents, commits once for all of them, and
 * answers each caller after the COMMIT: what was answered is on disk.
 *
 * Writes are asynchronous: `done` is called exactly once, on the writer thread, after the commit (err->kind
 * ERR_NONE) or the failure; callbacks come in the order of the calls. `done` NULL = do not tell. Arguments
 * are deep-copied. ERR_BUSY at once (return -1, no callback) when the queue is full. A callback may queue
 * more, but must not wait for the store. records_sync runs the queue empty: when it returns, everything
 * enqueued before is committed and answered. Reads are synchronous, on read-only connections from a pool, and
 * see every commit already answered. Strings go to the arena; bytes are followed by a NUL there.
 *
 * A second process may open the same directory (`assay key new` while the server runs).
 * Schema and migrations: store/schema.c, docs/store.md. Versions newer than this binary's are refused. */
#ifndef ASSAY_STORE_RECORDS_H
#define ASSAY_STORE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/metric.h"

struct records;
struct delivery_row;

int records_open(struct records **ret_records, const char *dir, struct err *err); /* creates dir */
void records_freep(struct records **db);                                          /* commits what is queued */
void records_sync(struct records *db);
/* Makes this process the one which runs the jobs of the directory, until records_freep or its death.
 * ERR_CONFLICT when another one does. */
int records_own(struct records *db, struct err *err);
/* What the owner wants others to know of it (where it can be asked); gone with its death. ERR_CONFLICT when
 * this process is not the owner. */
int records_owner_note(struct records *db, const char *note, struct err *err);
/* Whether a process runs the jobs of the directory, and its note ("" = none). Disturbs nobody. ERR_IO. */
int records_owner(struct arena *a, const char *dir, bool *ret_running, const char **ret_note,
                  struct err *err);

typedef void records_done(void *arg, const struct err *err);

/* A change that changes nothing, but has to reach the disk: whether the store still takes changes. Called
 * back on the writer thread. */
void records_probe(struct records *db, records_done *done, void *arg);

/* Since the start; any thread. */
struct records_stats {
    size_t queued;                 /* changes that wait for the disk */
    uint64_t changes, failed;      /* committed; refused by the disk */
    bool failing;                  /* the last time the disk refused */
    int64_t busy_us;               /* for how long the writer has been at its present group; 0 = idle */
    struct histogram_view commits; /* time of a group, from its first change to the end of the commit */
};
void records_stats(struct records *db, struct records_stats *ret);

/* ---- jobs ---- */

/* States as in job/state.c: "new", "claimed", "done", "failed", "timed_out", "cancelled". */
/* Where a job of the impulse API belongs (store/impulses.h). */
struct job_place {
    int64_t project;      /* 0: nowhere */
    const char *key;      /* "classification", "training" ... */
    const char *title;    /* for people */
    const char *question; /* what its report answers, a hash; NULL: nothing that is asked again */
    int64_t impulse, block;
    const char *variant, *inputs; /* of the model it makes */
    bool makes_model;
};

struct job_row {
    char id[ID_TEXT];
    const char *tenant;
    const char *dialect; /* "alarm" */
    const char *state;
    int attempts;                                /* how many analysts died on it */
    int64_t created_us, started_us, finished_us; /* wall; 0 = not yet */
    const char *sha256;                          /* subject blob; "" while it has to be fetched */
    int64_t size;
    const char *name;       /* the uploaded file's base name */
    int64_t number;         /* the client's own number (analyse_id), 0 = none */
    struct bytes spec;      /* canonical spec JSON */
    struct bytes request;   /* the dialect's own notes (metadata, camera ...), JSON object or empty */
    struct bytes report;    /* canonical report JSON, empty while there is none */
    const char *error_code; /* err_code(), "ok" or NULL */
    const char *error_text;
    const char *artefact; /* sha256 of the annotated clip or the heat map, NULL when not made */
    int priority;         /* as in job/job.h; a higher one goes first */
    const char *source; /* the URL the subject comes from (store/sources.h); NULL: it came with the request */
    /* Only for records_add_job (store/idempotency.h); NULL = none. A key in use: ERR_CONFLICT. */
    const char *key, *fingerprint;
    /* The same (store/runs.h). A run that was asked for already, and has not failed: ERR_CONFLICT. */
    const char *run, *run_media;
    struct job_place place; /* likewise */
};

/* Ids are unique: ERR_CONFLICT in the callback. */
int records_add_job(struct records *db, const struct job_row *row, records_done *done, void *arg,
                    struct err *err);

struct pace { /* store/pace.h */
    const char *pipeline;
    int64_t ns_per_unit;
};
/* Moves a job from one state to another; the callback gets ERR_CONFLICT when it is not in `from`. */
struct job_move {
    const char *id, *from, *to;
    int attempts;                          /* new value; -1 = keep */
    int64_t started_us, finished_us;       /* 0 = keep */
    struct bytes report;                   /* empty = keep */
    const char *error_code, *error_text;   /* NULL = keep */
    const char *reused;                    /* the job whose report this one got; NULL = keep */
    const char *artefact;                  /* sha256 of what was made beside the report; NULL = keep */
    const struct delivery_row *deliveries; /* stored in the same transaction (store/hooks.h) */
    size_t ndeliveries;
    struct pace pace; /* counted in the same transaction; pipeline NULL: none */
};
int records_move_job(struct records *db, const struct job_move *move, records_done *done, void *arg,
                     struct err *err);
/* Moves every claimed job back to new, attempts kept: the claims of a server which is gone. */
int records_release_claims(struct records *db, records_done *done, void *arg, struct err *err);
int records_set_artefact(struct records *db, const char *id, const char *sha256, records_done *done,
                         void *arg, struct err *err);

/* tenant NULL: any (for the server's own use). ERR_NOT_FOUND when unknown or another tenant's. */
int records_get_job(struct records *db, struct arena *a, const char *tenant, const char *id,
                    struct job_row *ret_row, struct err *err);
/* Only the state, without reading the report. ERR_NOT_FOUND. */
int records_job_state(struct records *db, struct arena *a, const char *id, const char **ret_state,
                      struct err *err);
/* The newest job of the tenant with this number / this file name. */
int records_find_number(struct records *db, struct arena *a, const char *tenant, int64_t number,
                        char ret_id[ID_TEXT], struct err *err);
/* dialect NULL: of any API. */
int records_find_name(struct records *db, struct arena *a, const char *tenant, const char *dialect,
                      const char *name, char ret_id[ID_TEXT], struct err *err);
/* Unfinished jobs (new and claimed), oldest first: what a restart has to go on with. */
struct waiting_job {
    char id[ID_TEXT];
    const char *tenant, *dialect;
    int priority;
    const char *source; /* the URL to fetch the subject from; NULL: it is here */
    int64_t created_us;
};
int records_unfinished(struct records *db, struct arena *a, struct waiting_job **ret_jobs, size_t *ret_n,
                       struct err *err);

struct job_place place_copy(struct arena *a, const struct job_place *p);

/* ---- API keys: only hashes are stored ---- */

struct key_row {
    char id[ID_TEXT];
    char hash[HASH_HEX]; /* SHA-256 of the key's text */
    const char *tenant;
    const char *scopes; /* "submit read" ... */
    const char *note;
    int64_t created_us, expires_us, revoked_us; /* 0 = never */
    int rate_per_minute;                        /* 0 = off */
    int64_t rotated_us;                         /* 0 = never */
    char old_hash[HASH_HEX];                    /* of the secret before the rotation, "" = none */
    int64_t old_until_us;                       /* until then that one is good, too */
};
int records_add_key(struct records *db, const struct key_row *row, records_done *done, void *arg,
                    struct err *err);
int records_revoke_key(struct records *db, const char *id, int64_t now_us, records_done *done, void *arg,
                       struct err *err); /* ERR_NOT_FOUND in the callback */
/* A new secret for the same key; the present one becomes the old one. In the callback ERR_NOT_FOUND, and
 * ERR_CONFLICT when the key is revoked or expired. */
struct key_rotation {
    const char *id, *hash;
    int64_t now_us, old_until_us;
};
int records_rotate_key(struct records *db, const struct key_rotation *rotation, records_done *done, void *arg,
                       struct err *err);
/* By the hash of either secret; whether the old one is still good is the caller's question. */
int records_get_key(struct records *db, struct arena *a, const char *hash, struct key_row *ret_row,
                    struct err *err);
int records_list_keys(struct records *db, struct arena *a, struct key_row **ret_rows, size_t *ret_n,
                      struct err *err);

/* ---- operator feedback ---- */

struct label_row {
    char id[ID_TEXT];
    const char *tenant, *job;
    struct bytes labels; /* JSON array of strings */
    const char *comment;
    int64_t created_us;
};
/* The callback gets ERR_NOT_FOUND when the job is unknown or another tenant's. */
int records_add_label(struct records *db, const struct label_row *row, records_done *done, void *arg,
                      struct err *err);
/* The tenant's own label words; adding an existing one is fine. */
int records_add_custom_label(struct records *db, const char *tenant, const char *value, const char *label,
                             records_done *done, void *arg, struct err *err);
struct custom_label {
    const char *value, *label; /* label may be NULL */
};
int records_custom_labels(struct records *db, struct arena *a, const char *tenant,
                          struct custom_label **ret_labels, size_t *ret_n, struct err *err);

#endif
