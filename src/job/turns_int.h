/* Which fetch is next? Those which wait and those which are on their way, for job/fetch.c.
 *
 * Tenants take turns: each one's fetches are numbered from where the whole queue stands, and the lowest
 * number goes first, so that a thousand fetches of one tenant cost another one a single place. A synchronous
 * submit does not stand behind its own tenant's others. What would be one too many for its tenant or its
 * source is passed over: a source that is slow or silent holds its own few places and nobody else's.
 *
 * Pure: no clock, no lock, no I/O; its owner has the lock. */
#ifndef ASSAY_JOB_TURNS_INT_H
#define ASSAY_JOB_TURNS_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/job.h"

struct turns;
struct turn_flow;

/* The head of whatever waits. Filled by the owner: id, tenant, site, priority. */
struct turn {
    struct turn *next;
    const char *id, *tenant;
    uint64_t site; /* a hash of host and port */
    enum job_priority priority;
    /* --- of turns.c --- */
    struct turn_flow *flow;
    uint64_t number;
};

struct turns *turns_new(size_t max_open, size_t max_tenant, size_t max_site);
struct turns *turns_free(struct turns *t); /* NULL is fine; must be empty */

void turns_push(struct turns *t, struct turn *turn);
/* The next one that may begin, or NULL. It counts as open until turns_done. */
struct turn *turns_pop(struct turns *t);
void turns_done(struct turns *t, struct turn *turn);

struct turn *turns_waiting(struct turns *t, const char *id); /* id NULL: any */
struct turn *turns_open(struct turns *t, const char *id);
void turns_remove(struct turns *t, struct turn *waiting);
size_t turns_len(const struct turns *t);   /* waiting and open */
size_t turns_nopen(const struct turns *t); /* open */

#endif
