/* Records, continued: how jobs are taken back and how they go for good. Rules as in store/records.h.
 *
 * A deleted job leaves one row in `deleted`, written by a trigger in the same transaction: the names of its
 * blobs, which may be needed by other jobs. The process which runs the jobs looks (job/retain.c), removes the
 * files and then the row. So a kill at any moment forgets no file, and other processes may delete beside a
 * server. A deleted sample (store/samples.h) leaves such a row, too. */
#ifndef ASSAY_STORE_RETENTION_H
#define ASSAY_STORE_RETENTION_H

#include "store/records.h"

/* Which job, and who says so. */
struct job_order {
    const char *tenant; /* NULL: any */
    const char *id;
    const char *who; /* for the audit: the id of a key; NULL: this process */
};

/* An unfinished job becomes cancelled. The callback gets ERR_NOT_FOUND for an unknown or another tenant's
 * job, ERR_CONFLICT when it has ended. */
int records_cancel_job(struct records *db, const struct job_order *order, int64_t now_us, records_done *done,
                       void *arg, struct err *err);

/* The same, and what has to be told of it, in one transaction. */
struct job_farewell {
    int64_t now_us;
    const struct delivery_row *deliveries;
    size_t ndeliveries;
};
int records_cancel_and_tell(struct records *db, const struct job_order *order,
                            const struct job_farewell *farewell, records_done *done, void *arg,
                            struct err *err);

/* Deletes a finished job with everything that hangs on it. ERR_NOT_FOUND; ERR_CONFLICT while it is not
 * finished. */
int records_delete_job(struct records *db, const struct job_order *order, records_done *done, void *arg,
                       struct err *err);

/* Deletes the `max` oldest finished jobs which fit, or fewer; one line of the audit for all of them. ret_n is
 * written before the callback. */
struct job_filter {
    const char *tenant;         /* NULL: any */
    int64_t finished_before_us; /* INT64_MAX: any */
    /* Their time is over: the ids alone are remembered for EXPIRED_KEEP_DAYS, so that who asks can be told.
     * Not for a deletion that somebody ordered: that leaves nothing. */
    bool remember;
};
enum { EXPIRED_KEEP_DAYS = 30 };
int records_delete_jobs(struct records *db, const struct job_filter *filter, size_t max, size_t *ret_n,
                        records_done *done, void *arg, struct err *err);

/* Whether there was such a job of the tenant, and its time was over. */
int records_has_expired(struct records *db, const char *tenant, const char *id, bool *ret_expired,
                        struct err *err);

/* What deleted jobs have left, oldest first. Only one thread of one process may drop them. */
struct leftover {
    int64_t seq;
    const char *tenant, *job;
    const char *sha256, *artefact; /* artefact may be NULL */
};
int records_leftovers(struct records *db, struct arena *a, size_t max, struct leftover **ret, size_t *ret_n,
                      struct err *err);
int records_drop_leftover(struct records *db, int64_t seq, records_done *done, void *arg, struct err *err);

/* Jobs of this dialect are a step of a request that waits for them; the server which took it deletes them at
 * once, and what a dead one has left is of no use to anybody. */
#define PASSING_DIALECT "enrol"
/* Those, in whatever state, without a line of the audit: nobody ever knew of them. For the process which runs
 * the jobs, before it takes any up. */
int records_drop_passing(struct records *db, records_done *done, void *arg, struct err *err);

/* Whether any job has this blob as its subject or its artefact, or any sample as its file or its numbers. */
int records_blob_in_use(struct records *db, const char *sha256, bool *ret_in_use, struct err *err);

#endif
