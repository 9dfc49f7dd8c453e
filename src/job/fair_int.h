/* Whose turn is it? The jobs which wait for an analyst, in the order in which they get one.
 *
 * Two lanes: jobs somebody waits for (synchronous submits) before the others; but after LANE_RUN of them in a
 * row one of the others has its turn, so that these never wait for ever. Within a lane the tenants take
 * turns, each with its oldest job, so that a thousand jobs of one tenant cost another one a single place.
 *
 * It also counts: `max_waiting` jobs at most in all and `max_tenant` of one tenant, those included which are
 * on their way to the disk. Pure: no clock, no lock, no I/O; its owner has the lock. Tenants without a job
 * are forgotten. */
#ifndef ASSAY_JOB_FAIR_INT_H
#define ASSAY_JOB_FAIR_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { LANE_RUN = 16 };

struct fair;
struct task;

struct fair *fair_new(size_t max_waiting, size_t max_tenant);
struct fair *fair_free(struct fair *f); /* NULL is fine; must be empty */

/* Keeps a place for a job which is on its way. ERR_QUOTA over the tenant's own limit, ERR_BUSY when the whole
 * queue is full. Ends with fair_leave; a push in between has the place of its own. */
int fair_enter(struct fair *f, const char *tenant, struct err *err);
/* The same answer, without taking the place. */
int fair_room(struct fair *f, const char *tenant, struct err *err);
/* The tenant's jobs here, those on their way included. */
size_t fair_count(struct fair *f, const char *tenant);
void fair_leave(struct fair *f, const char *tenant);
/* The same beyond the limits, for what is acknowledged already. */
void fair_keep(struct fair *f, const char *tenant);

/* By t->tenant and t->priority. Beyond the limits, too: what is acknowledged has to wait somewhere. */
void fair_push(struct fair *f, struct task *t);
void fair_push_front(struct fair *f, struct task *t); /* the next one to be popped of its lane */
struct task *fair_pop(struct fair *f);                /* NULL when empty */
/* Takes out the job with that id; NULL when it is not here. */
struct task *fair_remove(struct fair *f, const char *id);
size_t fair_len(const struct fair *f);
/* Since when the one that waits longest has been waiting (wall); 0 when empty. Takes time by the tenants: the
 * jobs of one lane of a tenant wait in the order of their times. */
int64_t fair_oldest(const struct fair *f);
void fair_limit(struct fair *f, size_t max_waiting, size_t max_tenant);

#endif
