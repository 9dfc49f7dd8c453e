/* DELETE of a job, whatever the API: takes it back while it runs, which needs the scope "submit"; removes it
 * for good when it is finished, which needs "admin". */
#ifndef ASSAY_API_REMOVE_H
#define ASSAY_API_REMOVE_H

#include "api/key.h"

struct job_row;

struct remove_manners {
    void (*done)(struct request *r, const char *id, const char *becomes); /* "cancelled", "deleted" */
    void (*refuse)(struct request *r, int status, const char *text);
};
/* Replies now or later. */
void remove_job(struct request *r, const struct caller *caller, const struct job_row *job,
                const struct remove_manners *manners);

#endif
