/* Records, continued: jobs whose subject is named by a URL. Rules as in store/records.h.
 *
 * Such a job is acknowledged with job_row.source set and job_row.sha256 "". It is new, and no analyst gets
 * it, until records_set_subject says what came; so a server which dies while it fetches leaves a job behind
 * that says what is to be done. Tries that failed are counted in `attempts`. */
#ifndef ASSAY_STORE_SOURCES_H
#define ASSAY_STORE_SOURCES_H

#include "store/records.h"

/* The subject is here; its blob must be pinned until the callback. ERR_CONFLICT in the callback when the job
 * does not wait for one (any more). */
struct found_subject {
    const char *id, *sha256;
    int64_t size;
    struct bytes spec; /* with the subject in it */
};
int records_set_subject(struct records *db, const struct found_subject *found, records_done *done, void *arg,
                        struct err *err);

/* A try failed and there will be another one: the new number of attempts, and a line in the trace. */
struct failed_fetch {
    const char *id;
    int attempts;
    int64_t at_us; /* wall */
    const char *why;
};
int records_count_fetch(struct records *db, const struct failed_fetch *fetch, records_done *done, void *arg,
                        struct err *err);

#endif
