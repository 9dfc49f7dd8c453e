/* Hooks and deliveries in the records: who wants to be told, what each is told, what came of every try. The
 * outbox: a delivery is written in the same transaction as the end of its job (struct job_move), so there is
 * no job whose receivers were forgotten, and no delivery of an end that never was.
 *
 * Rules of records.h hold: writes are asynchronous and answered after the commit, reads are synchronous.
 * Secrets are kept readable, because they have to sign; the database has mode 0600. */
#ifndef ASSAY_STORE_HOOKS_H
#define ASSAY_STORE_HOOKS_H

#include "store/records.h"

enum {
    DELIVERY_ID = 32, /* "msg_" and 24 hex digits */
    HOOKS_PER_TENANT = 32,
};

struct hook_row {
    char id[ID_TEXT];
    const char *tenant, *dialect, *url;
    const char *secret;     /* NULL = unsigned */
    const char *old_secret; /* also signs until old_until_us; NULL = none */
    int64_t old_until_us, created_us, removed_us;
};
/* ERR_LIMIT in the callback when the tenant has HOOKS_PER_TENANT already. */
int records_add_hook(struct records *db, const struct hook_row *row, records_done *done, void *arg,
                     struct err *err);
/* ERR_NOT_FOUND in the callback. Its due deliveries end as dead ones when their time comes. */
int records_remove_hook(struct records *db, const char *id, int64_t now_us, records_done *done, void *arg,
                        struct err *err);
/* The present secret becomes the old one until then. ERR_NOT_FOUND in the callback. */
int records_rotate_hook(struct records *db, const char *id, const char *secret, int64_t old_until_us,
                        records_done *done, void *arg, struct err *err);
/* Removed ones, too. ERR_NOT_FOUND. */
int records_get_hook(struct records *db, struct arena *a, const char *id, struct hook_row *ret_row,
                     struct err *err);
/* Those not removed, oldest first. tenant NULL: all. */
int records_list_hooks(struct records *db, struct arena *a, const char *tenant, struct hook_row **ret_rows,
                       size_t *ret_n, struct err *err);

/* States: "due", "delivered", "dead". */
struct delivery_row {
    char id[DELIVERY_ID];
    const char *tenant;
    const char *job;  /* NULL: a ping */
    const char *hook; /* NULL: the job's own webhook URL */
    const char *url;
    const char *site;   /* host:port of it */
    const char *secret; /* came with the job, for its own URL; NULL: the hook's, or unsigned */
    struct bytes body;
    const char *state;
    int attempts;
    int64_t next_us, created_us, finished_us; /* wall; next_us counts while due */
};
void delivery_id_new(char ret_id[DELIVERY_ID], int64_t wall_us);
/* A delivery by itself, without a job. */
int records_add_delivery(struct records *db, const struct delivery_row *row, records_done *done, void *arg,
                         struct err *err);

/* One try and what follows from it: the line in the log and the new state in one transaction. */
struct delivery_try {
    const char *id;
    int64_t at_us;
    int status; /* 0 = no answer */
    int64_t ms;
    const char *error; /* NULL = none */
    const char *state;
    int64_t next_us;
};
int records_log_try(struct records *db, const struct delivery_try *t, records_done *done, void *arg,
                    struct err *err);
/* Due again now, from the first try on; also for delivered ones. ERR_NOT_FOUND in the callback. */
int records_resend(struct records *db, const char *id, int64_t now_us, records_done *done, void *arg,
                   struct err *err);

/* Every receiver with due deliveries, and when its first one is due; the longest waiting first. Takes time by
 * the number of receivers, not of deliveries. */
struct due_site {
    const char *site;
    int64_t next_us;
};
int records_due_sites(struct records *db, struct arena *a, struct due_site **ret_sites, size_t *ret_n,
                      struct err *err);
/* Of one receiver, those due by then, at most `max`, the longest waiting first. */
int records_due(struct records *db, struct arena *a, const char *site, int64_t now_us, size_t max,
                struct delivery_row **ret_rows, size_t *ret_n, struct err *err);

/* ERR_NOT_FOUND. */
int records_get_delivery(struct records *db, struct arena *a, const char *id, struct delivery_row *ret_row,
                         struct err *err);
/* The newest first, without bodies. tenant and state NULL: all. */
int records_list_deliveries(struct records *db, struct arena *a, const char *tenant, const char *state,
                            size_t max, struct delivery_row **ret_rows, size_t *ret_n, struct err *err);
/* The tries of one, oldest first. */
int records_tries(struct records *db, struct arena *a, const char *id, struct delivery_try **ret_tries,
                  size_t *ret_n, struct err *err);

#endif
