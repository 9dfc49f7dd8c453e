/* The impulse dialect: recordings of sensors, impulses, and what impulses say of recordings
 * (docs/api-impulse.md).
 *
 *   routes.c         who comes in, errors, the desk; joins the two tables of routes
 *   ground floor     projects.c samples.c payload.c edit.c ingest.c headers.c facts.c render_sample.c
 *   upper floor      the routes of classify_routes.c: impulses, classification, jobs
 *
 * Every answer has `success`; what an application did wrong is HTTP 200 with {"success": false, "error"}.
 * Another status (with the same body) is for who may not come in (401, 403), for paths (404, 405), sizes
 * (413), rates (429) and for troubles of the server (5xx). */
#ifndef ASSAY_API_IMPULSE_IMPULSE_INT_H
#define ASSAY_API_IMPULSE_IMPULSE_INT_H

#include "api/api.h"
#include "api/impulse/impulse.h"
#include "base/json.h"
#include "base/shortest.h"
#include "report/sensor.h"
#include "store/projects.h"
#include "store/samples.h"

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

/* ---- routes.c ---- */

#define IMPULSE_API     "/v1/api"
#define IMPULSE_PROJECT IMPULSE_API "/{projectId}"

/* Both end with a row without a method. */
extern const struct route impulse_sample_routes[]; /* sample_routes.c */
extern const struct route impulse_job_routes[];    /* classify_routes.c */

/* {"success": false, "error": text}. */
void impulse_error(struct request *r, int status, const char *text);
/* The same for an error: 200 for what the client can put right. caller NULL: not known. */
void impulse_fail(struct request *r, const struct caller *caller, const struct err *err);
/* Whether it is: also what an analyst found wrong with a file or a model. */
bool impulse_is_the_clients(const struct err *err);

/* A document whose root says success: true; json_mut_freep. And its way out, with 200; takes it. */
doc_t *impulse_doc(val_t **ret_root) MUST_USE;
void impulse_answer_take(struct request *r, doc_t *doc);
void impulse_answer_done(struct request *r); /* {"success": true} */
/* A records_done with the request as its argument: impulse_answer_done or impulse_fail. */
void impulse_committed(void *request, const struct err *err);

/* Who asks. False: it is answered. */
bool impulse_enter(struct request *r, const char *scope, struct caller *ret_caller);
/* The same with the project of the path. */
struct visit {
    struct caller caller;
    struct project_row project;
};
bool impulse_visit(struct request *r, const char *scope, struct visit *ret);
/* {name} of the path, a positive number. ERR_INPUT. */
int impulse_number(struct request *r, const char *name, int64_t *ret, struct err *err);
/* Of the query: "true", "false", "1", "0"; absent: the fallback. ERR_INPUT. */
int impulse_query_bool(struct request *r, const char *name, bool fallback, bool *ret, struct err *err);
int impulse_query_int(struct request *r, const char *name, int64_t fallback, int64_t *ret, struct err *err);
/* The body as an object; NULL: it is answered. An empty body is an empty object. json_freep. */
yyjson_doc *impulse_body(struct request *r, size_t max_bytes) MUST_USE;

/* Work that waits for the disk, on one of the dialect's own threads. Nothing is called after api_stop:
 * whoever waits is then answered by the server. -1: ERR_BUSY, nothing will be called. */
int impulse_desk(const struct api *api, void (*run)(void *arg), void *arg, struct err *err);

/* ---- facts.c. Pure ---- */

/* What is kept of a recording: everything but label, signature and note. */
struct bytes facts_to_json(struct arena *a, const struct recording *rec);
int facts_from_json(struct arena *a, struct bytes json, struct recording *ret, struct err *err);

/* ---- payload.c ---- */

/* The sample of the path ({sampleId}) and what it is. ERR_NOT_FOUND and others. */
struct sample {
    struct sample_row row;
    struct recording recording;
    const struct project_row *project; /* borrowed */
};
int sample_load(struct request *r, const struct visit *v, struct sample *ret, struct err *err);
int sample_of_row(struct arena *a, const struct sample_row *row, const struct project_row *project,
                  struct sample *ret, struct err *err);
/* Readings [first, first + n) of it, into the arena; waits for the disk. ERR_INPUT beyond its end or
 * PAYLOAD_NUMBERS. A picture has none: n is 0. */
enum { PAYLOAD_NUMBERS = 4 << 20 };
struct values {
    int64_t first, n;
    const float *numbers; /* n x axes */
};
int sample_values(const struct api *api, struct arena *a, const struct sample *s, int64_t first, int64_t n,
                  struct values *ret, struct err *err);

/* ---- render_sample.c. Pure ---- */

enum { LABELS_SLICE = 100 }; /* truncateStructuredLabels */
/* The object "sample". max_labels: of structuredLabels; SIZE_MAX: all. The sample must outlive the
 * document. */
val_t *impulse_render_sample(doc_t *doc, const struct sample *s, size_t max_labels);
/* The object "payload". */
val_t *impulse_render_payload(doc_t *doc, const struct sample *s, const struct values *v);
/* "sample", "payload" and "totalPayloadLength" as members of `to`. */
void impulse_add_sample(doc_t *doc, val_t *to, const struct sample *s, const struct values *v,
                        size_t max_labels);
/* The shortest text that reads back as the same float32, as a value; null for what is no number. */
val_t *impulse_float(doc_t *doc, float x);
/* "2023-11-07T05:31:56.123Z". */
void impulse_add_time(doc_t *doc, val_t *to, const char *key, int64_t wall_us);

#endif
