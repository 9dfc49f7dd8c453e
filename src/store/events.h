/* Records, continued: what happened to a job, and which jobs there are. Events are written by triggers
 * (store/schema.c), so every change of state is in the trace, with its time, in the transaction of the
 * change, whichever process makes it. They go with their job. */
#ifndef ASSAY_STORE_EVENTS_H
#define ASSAY_STORE_EVENTS_H

#include "store/records.h"

struct event {
    int64_t at_us;
    const char *what;   /* the new state, or "annotated" */
    const char *detail; /* NULL = none */
};
int records_events(struct records *db, struct arena *a, const char *job, struct event **ret_events,
                   size_t *ret_n, struct err *err);

/* The newest jobs which fit, newest first. */
struct job_query {
    const char *tenant, *state; /* NULL: any */
    int64_t limit;
};
struct job_brief {
    char id[ID_TEXT];
    const char *tenant, *dialect, *state, *name, *error_code; /* the last two may be NULL */
    int64_t created_us, size;
};
int records_list_jobs(struct records *db, struct arena *a, const struct job_query *query,
                      struct job_brief **ret_jobs, size_t *ret_n, struct err *err);

#endif
