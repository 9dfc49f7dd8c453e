/* Records, continued: what is stored, read one after the other by somebody who changes nothing (`assay
 * replay`). Beside a running server or without one. */
#ifndef ASSAY_STORE_HISTORY_H
#define ASSAY_STORE_HISTORY_H

#include "store/records.h"

/* For reading only: nothing is created, migrated or owned, and there is no writer: none of the calls that
 * write may be made. ERR_NOT_FOUND when there are no records; ERR_CONFLICT when another version wrote them.
 */
int records_open_reading(struct records **ret_records, const char *dir, struct err *err);

/* Jobs that were judged or should have been: done, failed, timed_out. The newest first. */
struct history_query {
    const char *tenant; /* NULL: any */
    int64_t since_us;   /* created then or later; 0: any */
    int64_t before;     /* only those before this one (history_job.seq); 0: from the newest on */
    size_t max;
};
struct history_job {
    int64_t seq;
    char id[ID_TEXT];
};
/* A page of them, into the arena; no transaction stays open between two pages. */
int records_history(struct records *db, struct arena *a, const struct history_query *query,
                    struct history_job **ret_jobs, size_t *ret_n, struct err *err);
/* How many there are, and how many others that were cancelled or have not ended; `before` and `max` do not
 * count. */
struct history_size {
    int64_t ended, others;
};
int records_history_size(struct records *db, const struct history_query *query, struct history_size *ret,
                         struct err *err);

/* The newest jobs of a tenant which judged these bytes to the end: done. */
struct judged_query {
    const char *tenant, *dialect, *sha256;
    size_t max;
};
struct judged_job {
    char id[ID_TEXT];
    struct bytes spec, report;
};
int records_judged(struct records *db, struct arena *a, const struct judged_query *query,
                   struct judged_job **ret_jobs, size_t *ret_n, struct err *err);

/* What operators said of a job: the newest first. */
int records_job_labels(struct records *db, struct arena *a, const char *job, struct label_row **ret_rows,
                       size_t *ret_n, struct err *err);

#endif
