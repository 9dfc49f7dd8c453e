/* What the native routes share. */
#ifndef ASSAY_API_NATIVE_NATIVE_INT_H
#define ASSAY_API_NATIVE_NATIVE_INT_H

#include "api/api.h"

/* problem+json (RFC 9457). */
void native_problem(struct request *r, int status, const char *detail);
/* Checks the key; on refusal replies and returns false. scope NULL: any valid key. */
bool native_enter(struct request *r, const char *scope, struct caller *ret_caller);
/* The status and the answer for an error. */
void native_fail(struct request *r, const struct caller *caller, const struct err *err);

/* The job as GET /v1/jobs/{id} shows it. progress NULL: none. */
struct bytes native_document(struct arena *a, const struct job_row *job, const struct job_progress *progress);
void native_send_job(struct request *r, const struct caller *caller, const char *id);

/* ---- parse.c: what a submit asks for. Pure ---- */

enum { NATIVE_FIELD_MAX = 64 << 10 }; /* of a form's field, and of a JSON body */

struct native_ask {
    const char *url, *pipeline, *webhook, *camera, *name; /* NULL = not given */
    struct bytes parameters;                              /* a JSON object, or empty */
};
/* All of it from a JSON object, or field by field from a form; unknown members are errors, because one that
 * is misspelled must not silently do nothing. Text goes to the arena. ERR_INPUT. */
int native_parse_json(struct arena *a, struct bytes json, struct native_ask *ret, struct err *err);
int native_parse_field(struct arena *a, const char *name, struct bytes value, struct native_ask *ask,
                       struct err *err);
/* Pipeline and parameters over the spec that the options and rules made; it is also the ceiling of what may
 * be asked for. ERR_INPUT, ERR_UNSUPPORTED for a pipeline this server does not have. */
int native_apply(struct arena *a, const struct native_ask *ask, struct job_spec *spec, struct err *err);
/* What is kept with the job. */
struct bytes native_notes(struct arena *a, const struct native_ask *ask);
const char *native_webhook_of(struct arena *a, struct bytes notes); /* NULL = none */
const char *native_camera_of(struct arena *a, struct bytes notes);  /* NULL = none */
/* "wait=5, respond-async": the seconds, -1 when it says nothing of waiting. */
double native_parse_prefer(const char *prefer);

/* ---- submit.c ---- */

const char *native_webhook(struct arena *a, const struct job_row *job);
const char *native_camera(struct arena *a, const struct job_row *job);
int native_event(const struct api *api, struct arena *a, const struct job_row *job, struct bytes *ret_body,
                 struct err *err);
extern const struct handler native_job_submit;

extern const struct handler native_job_delete;

#endif
