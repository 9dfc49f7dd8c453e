/* Records, continued: what a tenant may use, and what it has used. Rules as in store/records.h.
 *
 * Usage is counted in memory by whoever serves (the meter), and written with the next commit, whosever it is:
 * in the same transaction as a job whose upload it counts, and without a commit of its own. When nothing else
 * is written, it is after USAGE_SECONDS, and when the records are closed. So a kill forgets at most the last
 * USAGE_SECONDS of requests that stored nothing. */
#ifndef ASSAY_STORE_TENANTS_H
#define ASSAY_STORE_TENANTS_H

#include "store/records.h"

enum { USAGE_SECONDS = 5 };

/* 0: no limit. Days and months are those of UTC. */
struct quota {
    int64_t requests_day, requests_month;
    int64_t bytes_day, bytes_month; /* of request bodies */
    int64_t jobs;                   /* not finished */
};
/* -1: stays as it is. */
int records_set_quota(struct records *db, const char *tenant, const struct quota *quota, records_done *done,
                      void *arg, struct err *err);
/* All 0 for a tenant without. */
int records_get_quota(struct records *db, const char *tenant, struct quota *ret, struct err *err);

struct usage {
    int64_t requests, bytes;
};
/* Sum of the days from..to, both included; days since 1970. */
int records_get_usage(struct records *db, const char *tenant, int64_t from_day, int64_t to_day,
                      struct usage *ret, struct err *err);
/* Forgets the days before that one. */
int records_forget_usage(struct records *db, int64_t before_day, records_done *done, void *arg,
                         struct err *err);

/* Every tenant with a key, a quota or usage, by name. tenant NULL: all. */
struct tenant_row {
    const char *name;
    struct quota quota;
    struct usage today, month;
    int64_t jobs; /* not finished now */
    int64_t keys; /* valid ones */
};
struct tenant_query {
    const char *tenant;
    int64_t now_us;
};
int records_list_tenants(struct records *db, struct arena *a, const struct tenant_query *query,
                         struct tenant_row **ret_rows, size_t *ret_n, struct err *err);

/* The day since 1970, the first day of its month, and when the next day and month begin. */
struct usage_calendar {
    int64_t day, month_first;
    int64_t next_day_us, next_month_us;
};
struct usage_calendar usage_calendar(int64_t wall_us);

/* ---- the meter ---- */

struct usage_row {
    const char *tenant;
    int64_t day;
    struct usage more; /* is added to what the store has */
};
struct usage_batch {
    struct usage_row *rows;
    size_t n;
};
/* Both on the writer thread, in turns: what was counted since the last batch that was kept; and whether this
 * one was (if not, it comes again). */
struct meter {
    void (*take)(void *arg, struct arena *a, struct usage_batch *ret);
    void (*taken)(void *arg, bool kept);
    void *arg;
};
/* Before the first change; `meter` must work until records_freep. */
void records_set_meter(struct records *db, const struct meter *meter);

#endif
