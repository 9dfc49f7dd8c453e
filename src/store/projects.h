/* Records, continued: projects of the impulse API, which hold a tenant's recordings and impulses. Rules as in
 * store/records.h. */
#ifndef ASSAY_STORE_PROJECTS_H
#define ASSAY_STORE_PROJECTS_H

#include "store/records.h"

enum { PROJECT_NAME_MAX = 256, HMAC_KEY_TEXT = 33 };

struct project_row {
    int64_t id; /* over all tenants, never used twice */
    const char *tenant, *name;
    const char *hmac_key; /* 32 hex digits: what devices sign with. Readable, because it has to check */
    int64_t created_us;
};

/* Makes one with a key of its own; its id is written before the callback. who: the id of a key, for the
 * audit. ERR_LIMIT in the callback when the tenant has `max` already. */
struct project_order {
    const char *tenant, *name, *who;
    int64_t max;
};
int records_add_project(struct records *db, const struct project_order *order, int64_t *ret_id,
                        records_done *done, void *arg, struct err *err);
/* tenant NULL: any. ERR_NOT_FOUND when unknown or another tenant's. */
int records_get_project(struct records *db, struct arena *a, const char *tenant, int64_t id,
                        struct project_row *ret_row, struct err *err);
/* Oldest first. */
int records_list_projects(struct records *db, struct arena *a, const char *tenant,
                          struct project_row **ret_rows, size_t *ret_n, struct err *err);
/* The tenant's oldest, made by the first who asks; then it waits for the disk. */
int records_first_project(struct records *db, struct arena *a, const char *tenant,
                          struct project_row *ret_row, struct err *err);
/* Deletes it with all its samples. who: as above. ERR_NOT_FOUND in the callback. */
int records_delete_project(struct records *db, const char *tenant, int64_t id, const char *who,
                           records_done *done, void *arg, struct err *err);

#endif
