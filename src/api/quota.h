/* What tenants have used today and this month, and may still use (store/tenants.h). Counted in memory; what
 * is not in the store yet rides with its next commit.
 *
 * Quotas belong to tenants, because tenants are customers: a tenant with ten keys has one quota. Its owner
 * has the lock. Quotas are looked up again after a second, so `assay tenant set` works beside a running
 * server. */
#ifndef ASSAY_API_QUOTA_H
#define ASSAY_API_QUOTA_H

#include "store/tenants.h"

struct quotas;
struct quotas *quotas_new(struct records *db);
struct quotas *quotas_free(struct quotas *q);

/* After a use, or why it is refused. */
struct quota_state {
    int64_t jobs;    /* the tenant's limit of unfinished jobs; 0 = none */
    int64_t limit;   /* refused: the quota which is used up */
    int64_t seconds; /* refused: until it is filled again */
};
/* Counts it, or refuses all of it with ERR_QUOTA; ERR_IO when the store cannot be read. */
int quotas_use(struct quotas *q, const char *tenant, const struct usage *more, int64_t wall_us,
               struct quota_state *ret, struct err *err);

/* For the meter of the records. */
void quotas_take(struct quotas *q, struct arena *a, struct usage_batch *ret);
void quotas_taken(struct quotas *q, bool kept);

#endif
