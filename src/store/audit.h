/* Records, continued: who changed what. A line is written in the transaction of its change, so there is no
 * change without a line and no line without a change. Lines are never altered, and go only from the oldest
 * end: triggers of the schema refuse the rest.
 *
 * "who" is the id of an API key, or what records_act_as said of this process: a person at a command line, or
 * the server by itself (old jobs). */
#ifndef ASSAY_STORE_AUDIT_H
#define ASSAY_STORE_AUDIT_H

#include "store/records.h"

enum audit_kind {
    AUDIT_KEY_NEW,
    AUDIT_KEY_ROTATE,
    AUDIT_KEY_REVOKE,
    AUDIT_HOOK_ADD,
    AUDIT_HOOK_ROTATE,
    AUDIT_HOOK_REMOVE,
    AUDIT_TENANT_SET,
    AUDIT_JOB_CANCEL,
    AUDIT_JOB_DELETE,
    AUDIT_JOBS_DELETE, /* many at once: one line */
    AUDIT_FACE_ADD,    /* onto a tenant's allow list */
    AUDIT_FACE_REMOVE,
    AUDIT_OVERRIDE, /* a person sets a verdict aside */
    AUDIT_PROJECT_ADD,
    AUDIT_PROJECT_DELETE, /* with its samples */
    AUDIT_SAMPLE_DELETE,
    AUDIT_PRUNE, /* old lines went */
    AUDIT_KINDS,
};
const char *audit_name(enum audit_kind kind); /* "key.new" */
bool audit_is_kind(const char *name);

/* Who this process is in lines about its own changes: "command line (uid 1000)". Before the first change.
 * Default: "server". */
void records_act_as(struct records *db, const char *who);

struct audit_line {
    int64_t seq, at_us;
    const char *what, *who;
    const char *tenant; /* NULL: not of one tenant */
    const char *object; /* id of the key, hook, job; NULL = none */
    const char *detail; /* NULL = none */
};
/* Oldest first. tenant and what NULL: any. */
struct audit_query {
    int64_t since_us;
    const char *tenant, *what;
};
int records_audit(struct records *db, struct arena *a, const struct audit_query *query,
                  struct audit_line **ret_lines, size_t *ret_n, struct err *err);

/* Takes lines away which are older than that, at most `max`, and writes one that says so. */
int records_forget_audit(struct records *db, int64_t before_us, size_t max, records_done *done, void *arg,
                         struct err *err);

#endif
