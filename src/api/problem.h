/* Errors as problem+json (RFC 9457), for the APIs which have no shape of their own. */
#ifndef ASSAY_API_PROBLEM_H
#define ASSAY_API_PROBLEM_H

#include "api/key.h"

struct problem {
    int status;
    const char *detail;    /* one sentence */
    int64_t retry_seconds; /* 0: not said */
    /* Also says `instance`, the path, and `code`: a word for programs, of the status unless `code` is set. */
    bool whole;
    const char *code;
};
void problem_reply(struct request *r, const struct problem *p);
/* What an error means to a client; it is logged when it is ours. `err` must outlive the problem. caller NULL:
 * not known yet. */
struct problem problem_of(struct request *r, const struct caller *caller, const struct err *err);
/* Checks the key (api/key.h). False: the problem is the refusal, its text is in err. */
bool problem_enter(struct request *r, const struct need *need, struct caller *ret_caller,
                   struct problem *ret_problem, struct err *err);

#endif
