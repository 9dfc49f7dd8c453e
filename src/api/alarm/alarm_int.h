/* The alarm dialect: the wire API of docs/api-alarm.md. routes.c has the handlers, parse.c turns fields into
 * a job, render.c a job into this dialect's JSON, labels.c keeps operators' feedback, video.c sends clips
 * back. */
#ifndef ASSAY_API_ALARM_ALARM_INT_H
#define ASSAY_API_ALARM_ALARM_INT_H

#include "api/api.h"
#include "base/json.h"

/* Two fields only, byte for byte what clients of this API look for. */
void alarm_error(struct request *r, int status, const char *text);
/* The status this dialect answers for an error, and the answer. caller NULL: not known yet. */
void alarm_fail(struct request *r, const struct caller *caller, const struct err *err);
/* Checks the key; on refusal replies (403, or 429 with Retry-After) and returns false. The caller's
 * rate-limit headers go into every later reply. */
bool alarm_enter(struct request *r, const char *scope, struct caller *ret_caller);
/* The same for a route with {id}: the id, NULL after a refusal (400 for what is no id). */
const char *alarm_enter_id(struct request *r, const char *scope, struct caller *ret_caller);
void alarm_reply(struct request *r, const struct caller *caller, int status, struct bytes body);
void alarm_fail_as(struct request *r, const struct caller *caller, int status, const char *text);

/* ---- parse.c ---- */

/* What a client says beside the video. Kept with the job as its `request` notes. */
struct alarm_notes {
    const char *metadata;  /* the client's JSON object, byte for byte; NULL = none */
    const char *camera_id; /* "site-camera", one of them alone, or "" */
    int64_t analyse_id;    /* 0 = not given */
    const char *webhook;   /* URL that wants to be told of the end; NULL = none */
};
enum { METADATA_MAX = 64 << 10 };

/* metadata: the raw part, empty when absent. query_number: the `analyse_id` of the query or NULL. ERR_INPUT
 * or ERR_LIMIT. */
int alarm_parse_notes(struct arena *a, struct bytes metadata, const char *query_number,
                      struct alarm_notes *ret, struct err *err);
struct bytes alarm_notes_to_json(struct arena *a, const struct alarm_notes *notes);
int alarm_notes_from_json(struct arena *a, struct bytes json, struct alarm_notes *ret, struct err *err);

/* What an operator says of a result, and a tenant's own words. `body` is the JSON object that was sent.
 * ERR_INPUT. */
enum { ALARM_LABELS = 64, ALARM_LABEL_MAX = 64, ALARM_COMMENT_MAX = 4096 };
struct alarm_feedback {
    struct bytes labels; /* JSON array of texts */
    const char *comment; /* "" = none */
};
int alarm_parse_labels(struct arena *a, yyjson_val *body, struct alarm_feedback *ret, struct err *err);
int alarm_parse_custom(struct arena *a, yyjson_val *body, struct custom_label **ret, size_t *ret_n,
                       struct err *err);

/* ---- render.c ---- */

/* A ClassifyResult (docs/api-alarm.md, section 3). */
int alarm_render(struct arena *a, const struct api_opts *opts, const struct job_row *job,
                 struct bytes *ret_json, struct err *err);
/* The URL in the notes of a job, NULL = none. */
const char *alarm_webhook(struct arena *a, const struct job_row *job);
/* The camera in the notes of a job; "" when it has none. */
const char *alarm_camera(struct arena *a, const struct job_row *job);
/* What an operator's label says of a clip. */
enum truth alarm_truth(const char *label);
/* The dialect's word for a label of a report: "vehicle" is "vehicule", "nothing" is "NOTHING". */
const char *alarm_word(const char *label);

/* ---- the handlers, one table in routes.c ---- */
extern const struct handler alarm_classify, alarm_result, alarm_result_by_number;
extern const struct handler alarm_annotated, alarm_served, alarm_original;
extern const struct handler alarm_label_list, alarm_label_add, alarm_flow_label_add, alarm_custom_list,
    alarm_custom_add;
extern const struct handler alarm_version, alarm_health;

#endif
