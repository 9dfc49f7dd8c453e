/* Subjects that are named by a URL instead of being uploaded: what may be fetched, and who does it. The
 * engine's half is in job/job.h (job_request.source), the network's in net/client.h; this is what stands
 * between them, and what every dialect calls that takes URLs. */
#ifndef ASSAY_API_INTAKE_H
#define ASSAY_API_INTAKE_H

#include "conf/conf.h"
#include "job/job.h"
#include "net/guard.h"

struct intake_opts {
    bool https_only;
    const char *allow; /* networks which are not public and fine anyway */
    const char *ca;    /* NULL = the system's */
    int64_t in_flight, per_tenant, per_source, connect_ms, timeout_ms, min_speed;
};
extern const struct option intake_options[];
extern const size_t intake_noptions;

struct intake;
struct gate;
struct intake_with {
    struct gate *gate; /* borrowed: counts what is fetched for the tenants' quotas */
    int64_t max_bytes; /* of one file */
    const char *user_agent;
};
/* ERR_INPUT when the list of networks makes no sense. */
int intake_start(struct intake **ret_intake, const struct intake_opts *opts, const struct intake_with *with,
                 struct err *err);
/* After jobs_stop, which ends what is on its way within a second. NULL is fine. */
void intake_stop(struct intake **in);
/* For jobs_opts.fetch. */
struct fetch_opts intake_fetch(struct intake *in);
/* Which URLs a subject may have. */
const struct guard *intake_guard(const struct intake *in);

/* Makes the subject of the request come from that URL, named after its last part unless the request names it.
 * Text goes to the arena. ERR_INPUT and a sentence for the client. */
int intake_take_url(const struct guard *g, struct arena *a, const char *url, struct job_request *req,
                    struct err *err);

#endif
