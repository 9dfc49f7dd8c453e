/* What the native routes share. */
#ifndef ASSAY_API_NATIVE_NATIVE_INT_H
#define ASSAY_API_NATIVE_NATIVE_INT_H

#include "api/api.h"

/* problem+json (RFC 9457). */
void native_problem(struct request *r, int status, const char *detail);
/* Checks the key; on refusal replies and returns false. scope NULL: any valid key. */
bool native_enter(struct request *r, const char *scope, struct caller *ret_caller);

extern const struct handler native_job_delete;

#endif
