/* The scenes dialect: the wire API of docs/api-scenes.md.
 *
 *   routes.c     the table; options; errors
 *   submit.c     what both kinds of jobs have in common, from the key to the 202
 *   videos.c     POST /videos: a stream of bytes, or a form
 *   images.c     POST /images: JSON, kept in memory, taken apart by batch.c on the desk
 *   desk.c       the memory for that, and the thread
 *   batch.c      JSON of a batch -> pictures. Pure
 *   parse.c      headers, webhooks, notes of a job, options. Pure
 *   result.c     GET and DELETE
 *   render.c     a job into this dialect's JSON. Pure
 *   latency.c    GET /latency
 *   allowlist.c  known faces */
#ifndef ASSAY_API_SCENES_SCENES_INT_H
#define ASSAY_API_SCENES_SCENES_INT_H

#include "api/api.h"
#include "api/idempotent.h"
#include "api/problem.h"
#include "base/json.h"

enum media { MEDIA_VIDEO, MEDIA_IMAGE, MEDIA_COUNT };

/* Words for the two kinds. */
struct media_words {
    const char *name;      /* "video" */
    const char *id_prefix; /* of a job id on the wire */
    const char *pipeline;
    const char *unit; /* what its latency is told for */
};
const struct media_words *media_words(enum media m);

/* ---- parse.c. Pure ---- */

/* Who wants to be told of the end of a job. */
struct callback {
    const char *url, *secret; /* NULL = none */
};
enum { SECRET_BYTES = 256, EXTERNAL_ID_BYTES = 256 };

/* Kept with the job. */
struct scenes_notes {
    enum media media;
    size_t n; /* of pictures */
    const char *const *external_ids;
    struct callback callback;
};
struct bytes scenes_notes_to_json(struct arena *a, const struct scenes_notes *notes);
int scenes_notes_from_json(struct arena *a, struct bytes json, struct scenes_notes *ret, struct err *err);

/* The id of a job on the wire; NULL when `text` is none of that kind. */
char *scenes_id(struct arena *a, enum media m, const char *id);
const char *scenes_id_parse(enum media m, const char *text);
/* "Max-Processing-Time": whole seconds, NULL = not given. ERR_INPUT. */
int scenes_parse_time(const char *header, const struct scenes_opts *opts, int64_t *ret_deadline_ms,
                      struct err *err);
/* A text of 1 to max bytes, valid UTF-8 without control characters. */
bool scenes_is_name(const char *text, size_t len, size_t max);
/* {"url", "secret"?}; null or absent members count as not given. ERR_INPUT. */
int scenes_parse_callback(struct arena *a, yyjson_val *obj, struct callback *ret, struct err *err);
/* The text of the secret; the URL is checked by whoever has the guard. "" and NULL are none. ERR_INPUT. */
int scenes_check_callback(struct callback *c, struct err *err);

/* The options as a spec for that kind of media; biometrics and blocks are known words (else ERR_INPUT). */
int scenes_params_of(const struct scenes_opts *opts, struct scenes_params *ret, struct err *err);
/* A route's path as the options say. */
const char *scenes_path(struct arena *a, const struct scenes_opts *opts, const char *path);
int scenes_check_paths(const struct scenes_opts *opts, struct err *err);
bool scenes_owns_path(const struct scenes_opts *opts, const char *path);

/* ---- batch.c. Pure ---- */

struct batch_item {
    const char *external_id;
    struct bytes data; /* decoded, in the text */
    struct err error;  /* ERR_NONE, ERR_INPUT: no base64, ERR_LIMIT */
};
struct batch {
    size_t n;
    struct batch_item *items; /* in the arena */
    struct callback callback;
};
enum { BATCH_VALUES = 20000 };
/* The status for the client when it fails: 400 malformed, 422 not a batch. `text` is changed, has
 * JSON_PADDING bytes behind it and must live as long as the batch. max_image: bytes. */
int scenes_parse_batch(struct arena *a, char *text, size_t len, int64_t max_image, struct batch *ret,
                       int *ret_status, struct err *err);
/* What a request for the allow list says: a name, and one of a picture and a vector (of length 1 then). */
struct enrolment {
    const char *external_id;
    struct batch_item picture; /* data.data NULL: a vector */
    size_t n;
    const float *embedding;
};
int scenes_parse_enrolment(struct arena *a, char *text, size_t len, int64_t max_image, struct enrolment *ret,
                           int *ret_status, struct err *err);

/* ---- render.c. Pure ---- */

/* What GET answers, and webhooks are sent. */
int scenes_render(struct arena *a, const struct api_opts *opts, const struct job_row *job,
                  struct bytes *ret_json, struct err *err);

/* ---- routes.c ---- */

void scenes_problem(struct request *r, int status, const char *text);
void scenes_fail(struct request *r, const struct caller *caller, const struct err *err);
bool scenes_enter(struct request *r, const char *scope, struct caller *ret_caller);

/* ---- desk.c: large bodies ---- */

/* A body in memory, charged to the budget while it grows. */
struct inbox {
    struct scenes *scenes;
    struct buf text;
    int64_t charged;
};
/* ERR_BUSY when `length` (-1: unknown) would not fit now. */
int inbox_begin(struct inbox *in, struct scenes *s, int64_t max, int64_t length, struct err *err);
/* ERR_LIMIT, ERR_BUSY. */
int inbox_add(struct inbox *in, struct bytes piece, struct err *err);
/* The whole text with JSON_PADDING behind it. ERR_LIMIT, ERR_BUSY. */
int inbox_text(struct inbox *in, char **ret_text, size_t *ret_len, struct err *err);
void inbox_clear(struct inbox *in); /* any number of times */
/* Calls `run` with the request, later, on the desk's thread, one after the other. ERR_BUSY. */
int desk_push(struct scenes *s, struct request *r, void (*run)(struct request *r), struct err *err);

/* ---- submit.c ---- */

/* One submit on its way; embedded by each kind, zero-initialised. */
struct ask {
    struct request *request;
    struct caller caller;
    enum media media;
    int64_t deadline_ms;
    double units; /* seconds or pictures, as far as known */
    struct callback callback;
    struct keyed keyed;
    struct err err; /* the first fault; what follows of the body is dropped */
};
/* Key, room, headers. False: it is answered. */
bool ask_begin(struct ask *s, struct request *r, enum media m);
/* A piece of the body counts for quota and key. -1: it is in s->err. */
int ask_piece(struct ask *s, struct bytes piece);
/* The body is whole: what came with it, else headers, else the query; checks it. ERR_INPUT. */
int ask_find_callback(struct ask *s, struct err *err);
/* Submits, or answers what an earlier request with the same key was answered. Takes the body. Replies. */
void ask_submit_take(struct ask *s, struct scenes_notes *notes, struct job_request *job);
void ask_fail(struct ask *s, const struct err *err);
void ask_refuse(struct ask *s, int status, const char *text);
void ask_gone(struct ask *s); /* NULL is fine */
/* When to ask again: by the observed latency, 1..60 s. */
int64_t scenes_retry_seconds(struct records *db, enum media m, double units);
/* How long a video may be that has so many bytes. */
double scenes_guess_seconds(int64_t bytes);

/* ---- the handlers, one table in routes.c ---- */
extern const struct handler scenes_video_submit, scenes_video_get, scenes_video_delete;
extern const struct handler scenes_images_submit, scenes_images_get, scenes_images_delete;
extern const struct handler scenes_latency_get, scenes_latency_query;
extern const struct handler scenes_face_add, scenes_face_list, scenes_face_remove;

#endif
