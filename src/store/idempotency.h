/* Records, continued: which job an Idempotency-Key has made. Rules as in store/records.h. The row is written
 * by records_add_job (job_row.key, .fingerprint) in the transaction of the job, and goes with it. */
#ifndef ASSAY_STORE_IDEMPOTENCY_H
#define ASSAY_STORE_IDEMPOTENCY_H

#include "store/records.h"

static const int64_t idempotency_keep_us = 24LL * 3600 * 1000000;

struct key_use {
    char job[ID_TEXT];
    char fingerprint[HASH_HEX];
    int64_t created_us; /* of the job */
};
/* ERR_NOT_FOUND when the tenant has not used the key in the last 24 h before now_us. */
int records_find_key_use(struct records *db, const char *tenant, const char *key, int64_t now_us,
                         struct key_use *ret, struct err *err);
/* Forgets the `max` oldest of those used before that moment. */
int records_forget_key_uses(struct records *db, int64_t before_us, size_t max, records_done *done, void *arg,
                            struct err *err);

#endif
