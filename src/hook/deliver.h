/* The courier: takes due deliveries out of the store, signs and posts them, writes down what came of it.
 *
 * At least once: a delivery stays due until its outcome is committed, so a server that dies in between sends
 * it again, with the same webhook-id and the same body. In no order. A receiver that is slow, silent or dead
 * delays only itself: each gets at most `per_site` posts at a time, and those whose last try failed share
 * half of all places.
 *
 * One thread that looks into the store once a second, earlier when courier_wake is called or something
 * becomes due, and the client's thread. The process must own the records (records_own). */
#ifndef ASSAY_HOOK_DELIVER_H
#define ASSAY_HOOK_DELIVER_H

#include "conf/conf.h"
#include "net/guard.h"
#include "store/records.h"

struct courier;

struct hook_opts {
    bool allow_http;
    const char *allow;            /* networks which are not public and fine anyway */
    const char *schedule;         /* hook/schedule.h */
    const char *signature_format; /* "sha256" or "hex" */
    const char *ca;               /* NULL = the system's */
    int64_t in_flight, per_site, connect_ms, timeout_ms;
};
extern const struct option hook_options[];
extern const size_t hook_noptions;
enum { HOOK_URL_OPTIONS = 2 }; /* the first ones: all that hook_guard reads */

/* What the options say of URLs and addresses. Lives in the arena. */
int hook_guard(struct arena *a, const struct hook_opts *opts, struct guard *ret_guard, struct err *err);

struct courier_opts {
    struct records *db;        /* borrowed */
    const struct guard *guard; /* borrowed */
    const char *user_agent;
    struct hook_opts hook;
};
int courier_start(struct courier **ret_courier, const struct courier_opts *opts, struct err *err);
/* Tries since the start, by what came of them, and posts on their way now. Any thread. */
struct courier_stats {
    uint64_t delivered, again, dead;
    int64_t in_flight;
};
void courier_stats(struct courier *c, struct courier_stats *ret);
void courier_wake(struct courier *c); /* new deliveries; any thread. NULL is fine */
/* Posts on their way are broken off and sent again after the next start. */
void courier_stop(struct courier **c);

#endif
