/* Records, continued: how things stand, for metrics and `assay status`. Reads only; each takes time by what
 * is unfinished or recent, never by all that is stored. */
#ifndef ASSAY_STORE_OVERVIEW_H
#define ASSAY_STORE_OVERVIEW_H

#include "store/records.h"

/* Jobs of one tenant in one state. */
struct job_heap {
    const char *tenant, *state;
    int64_t jobs;
    int64_t oldest_us; /* when the oldest of them was created; wall */
};
/* Those which are not finished. */
int records_unfinished_heaps(struct records *db, struct arena *a, struct job_heap **ret, size_t *ret_n,
                             struct err *err);
/* Those which finished at or after that moment. */
int records_finished_heaps(struct records *db, struct arena *a, int64_t since_us, struct job_heap **ret,
                           size_t *ret_n, struct err *err);

/* The newest jobs that ended neither well nor by their own client, from that moment on. */
struct failure {
    char id[ID_TEXT];
    const char *tenant, *state, *error_code, *error_text; /* the last two may be NULL */
    int64_t finished_us;
};
int records_failures(struct records *db, struct arena *a, int64_t since_us, size_t max, struct failure **ret,
                     size_t *ret_n, struct err *err);

struct delivery_totals {
    int64_t due, dead;
    int64_t first_due_us; /* when the first of the due ones is due; 0 = none */
};
int records_delivery_totals(struct records *db, struct delivery_totals *ret, struct err *err);

#endif
