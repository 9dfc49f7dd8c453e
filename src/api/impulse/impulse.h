/* The impulse dialect, as the rest of the API sees it: its options, and what it needs while it serves
 * (docs/api-impulse.md). */
#ifndef ASSAY_API_IMPULSE_IMPULSE_H
#define ASSAY_API_IMPULSE_IMPULSE_H

#include "conf/conf.h"

struct impulse_opts {
    int64_t max_projects; /* of a tenant */
    int64_t max_samples;  /* of a project */
    int64_t max_batch;    /* bytes of one request with several files */
    const char *jobs;     /* "auto": long classifications are jobs; "always": all are */
};
extern const struct option impulse_options[];
extern const size_t impulse_noptions;

/* Two threads for what waits for the disk: files are sealed, numbers are read, there. */
struct impulse_dialect;
int impulse_start(struct impulse_dialect **ret, const struct impulse_opts *opts, struct err *err);
/* Ends what was begun; nothing of it replies any more. NULL is fine. After it impulse_freep only. */
void impulse_stop(struct impulse_dialect *d);
void impulse_freep(struct impulse_dialect **d);

#endif
