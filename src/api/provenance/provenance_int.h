/* The provenance dialect: the wire API of docs/api-provenance.md, "human or artificial".
 *
 *   routes.c       the table; options; errors; who may come in
 *   rules.c        the operator's heuristics, replaced while it serves
 *   makers.c       which models are installed
 *   rate.c         the limits of preset "identifai". Pure but for its lock
 *   submit.c       files: a form, streamed
 *   fromurl.c      the same by URL: JSON or a form
 *   accept.c       what both have in common, from the fields to the identifier
 *   parse.c        fields, notes of a job, identifiers. Pure
 *   result.c       GET one, GET many, the heat map
 *   render.c       a run into this dialect's JSON, and render_old.c into its older form. Pure
 *   page.c         a run as a page to read. Pure
 *   link.c         links to such pages, signed
 *   override.c     a person says it is otherwise
 *   tickets.c      batches of documents: was something changed? And tickets_render.c, what they say. Pure
 *
 * A run is a job with the identifier its clients know it by (store/runs.h). */
#ifndef ASSAY_API_PROVENANCE_PROVENANCE_INT_H
#define ASSAY_API_PROVENANCE_PROVENANCE_INT_H

#include <pthread.h>

#include "api/api.h"
#include "api/idempotent.h"
#include "api/problem.h"
#include "base/id.h"
#include "base/json.h"
#include "report/tampering.h"
#include "store/runs.h"

enum subject_kind { KIND_IMAGE, KIND_VIDEO, KIND_AUDIO, SUBJECT_KINDS };

/* Words for the three. */
struct kind_words {
    const char *name; /* "image": of the form's part, in overrides, in the records */
    const char *pipeline;
};
const struct kind_words *kind_words(enum subject_kind k);

/* ---- parse.c. Pure ---- */

/* What a submit asks for. */
struct ask {
    const char *ref_id, *webhook, *url; /* NULL: not given */
    int frames;
    bool key_frames;
    enum key_frames method;
    bool morphing, tampering, heatmap, nsfw, no_cache, unforced;
};
enum { REF_ID_BYTES = 255, FIELD_BYTES = 8 << 10 };
struct ask ask_defaults(void);
/* One field of a form, or member of a JSON object as text; unknown ones and those of other kinds of media are
 * passed over, and an empty text is as none. ERR_INPUT and a sentence that begins with "The <name> ". */
int ask_field(struct arena *a, struct ask *ask, enum subject_kind kind, const char *name, struct bytes value,
              struct err *err);
/* All of a JSON object; *ret_field: the member that is wrong, NULL: the text is. */
int ask_json(struct arena *a, struct ask *ask, enum subject_kind kind, struct bytes text,
             const char **ret_field, struct err *err);
/* All of an application/x-www-form-urlencoded body. */
int ask_urlencoded(struct arena *a, struct ask *ask, enum subject_kind kind, struct bytes text,
                   const char **ret_field, struct err *err);
/* "%5B" is "[", '+' a blank; false when it is no such text or has a NUL. In the arena. */
bool form_decode(struct arena *a, const char *s, size_t n, struct bytes *ret);

/* Kept with the job. */
struct provenance_notes {
    enum subject_kind kind;
    const char *identifier, *ref_id, *webhook; /* ref_id, webhook: NULL = none */
    bool nsfw;
};
struct bytes notes_to_json(struct arena *a, const struct provenance_notes *n);
int notes_from_json(struct arena *a, struct bytes json, struct provenance_notes *ret, struct err *err);

/* The same question of the same tenant about the same file is the same identifier. */
struct question {
    const char *tenant, *sha256; /* sha256 "": not known yet, then there must be a salt */
    const char *ref_id;          /* NULL = none */
    const char *makers;          /* the program and its models, as a text */
    const char *salt;            /* "": what was judged before will do */
    const struct job_spec *spec;
};
void question_identifier(struct arena *a, const struct question *q, char ret_identifier[HASH_HEX]);
/* Of a part of a run: "frame", 3. */
void part_identifier(const char *run, const char *what, size_t i, char ret_identifier[HASH_HEX]);

/* Whether `accept` (NULL: none) names JSON, or text/plain. */
bool wants_json(const char *accept, bool by_default);
/* "identifiers[]=a", "identifiers[0]=a", "identifiers=a": the name as it stands in the query. */
bool is_identifiers(struct arena *a, const char *name);

/* The table's path as the operator calls it. */
const char *provenance_path(struct arena *a, const struct provenance_opts *opts, const char *path);
int provenance_check_opts(const struct provenance_opts *opts, struct err *err);
bool provenance_owns_path(const struct provenance_opts *opts, const char *path);

/* ---- render.c, render_old.c, page.c. Pure ---- */

/* A run with all that is shown of it. */
struct shown {
    const struct job_row *job;
    struct provenance_notes notes;
    const struct report *report; /* NULL while there is none */
    const char *status;          /* "new", "done", "errored" */
    const char *forced;          /* by a person; NULL = by nobody */
    const char *result_url;
};
/* Of a job of this dialect; everything but forced and result_url. */
int shown_of(struct arena *a, const struct job_row *job, struct shown *ret, struct err *err);
bool shown_heatmap(const struct shown *s); /* there is one */
/* Who decides: the credentials, else the main heuristic. An unknown one is none unless `even_unknown`. */
struct decision {
    const char *heuristic;
    struct vote_answer answer;
    size_t count;
    const struct origin_stream *stream; /* whose models these are; NULL: no models */
    uint64_t models;
};
bool shown_decision(const struct shown *s, bool even_unknown, struct decision *ret);
/* The stream the verdict is about; NULL when there is none. */
const struct origin_stream *shown_stream(const struct shown *s);

/* All rulings of a stream, the main one... */
typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;
val_t *render_run(doc_t *doc, const struct shown *s);
val_t *render_run_old(doc_t *doc, const struct shown *s);
/* ...of one opinion. */
val_t *render_scores(doc_t *doc, const struct vote *v);
struct bytes render_page(struct arena *a, const struct shown *s);
/* A page that says one sentence. */
struct bytes render_sorry(struct arena *a, int status, const char *sentence);
/* The policy under which browsers show them. In the arena. */
const char *page_policy(struct arena *a);

/* ---- tickets_render.c. Pure ---- */

/* What a batch asks for, beside its files. */
struct ticket_ask {
    size_t nrefs;
    const char *refs[PARTS_MAX];
    bool models_given;
    unsigned models; /* as tamper_params.models */
};
enum { TICKET_FIELD_BYTES = 32 << 10 };
struct ticket_ask ticket_ask_defaults(void);
/* "word", "word[]", "word[7]". */
bool is_list_field(const char *name, const char *word);
/* "ref_ids", "models"; NULL: another one. */
const char *ticket_field_name(const char *name);
/* One field of the form; unknown ones are passed over. Without brackets it is a list with commas, with them
 * one of an array. Empty: no ref_ids, no models. ERR_INPUT. */
int ticket_field(struct arena *a, struct ticket_ask *ask, const char *name, struct bytes value,
                 struct err *err);

/* Kept with the job. */
struct ticket_notes {
    size_t n;
    const char *const *names;
    const char *const *ref_ids; /* NULL, or one of them NULL = none */
};
struct bytes ticket_notes_to_json(struct arena *a, const struct ticket_notes *n);
/* ERR_INTERNAL: those of no batch. */
int ticket_notes_from_json(struct arena *a, struct bytes json, struct ticket_notes *ret, struct err *err);
/* Of a ticket (picture 0) or of a picture in it: 24 hex digits, always the same ones. */
void ticket_identifier(const char *batch, size_t ticket, size_t picture, char ret[ID_TEXT]);
/* What POST answers, and GET. */
struct bytes tickets_render_batch(struct arena *a, const char *batch, const struct ticket_notes *n);
int tickets_render(struct arena *a, const struct job_row *job, const struct ticket_notes *n,
                   struct bytes *ret, struct err *err);

/* ---- rules.c ---- */

/* Fills what the operator decides: heuristics and when credentials force. In the arena. */
void own_rules_apply(struct provenance *p, struct arena *a, struct origin_params *params);

/* ---- makers.c ---- */

/* Of all model cards in the folder; NULL: there is none. */
void cards_hash(const char *dir, char ret_hex[HASH_HEX]);

/* ---- rate.c ---- */

enum rate_class { RATE_GET, RATE_POST, RATE_CLASSES };
struct rate_table;
struct rate_table *rate_table_new(void);
struct rate_table *rate_table_free(struct rate_table *t);
/* One request of that key at that time (monotonic). False: one too many, and it does not count; caller says
 * when to come again. Any thread. */
bool rate_use(struct rate_table *t, struct caller *caller, enum rate_class class, int64_t now_us);

/* ---- link.c ---- */

/* The address of a run's page; with a signature, when there is a secret to make one. */
const char *link_make(const struct api *api, struct arena *a, const char *identifier, int64_t wall_us);
/* Whether the signature is right and not too old. */
bool link_is_good(const struct api *api, const char *identifier, const char *expires, const char *signature,
                  int64_t wall_us);

/* ---- routes.c ---- */

struct provenance {
    struct rate_table *rates; /* NULL: none */
    uint8_t secret[HASH_SIZE];
    char cards[HASH_HEX]; /* what is installed beside the built-in models */
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct own_rules *rules;
};

/* {"message": text}. */
void provenance_error(struct request *r, int status, const char *text);
/* {"message", "errors": {field: [text]}}, 422; field NULL: as provenance_error. */
void provenance_wrong(struct request *r, const char *field, const char *text);
void provenance_fail(struct request *r, const struct caller *caller, const struct err *err);
/* Key and rate. False: it is answered. */
bool provenance_enter(struct request *r, const char *scope, enum rate_class class, struct caller *ret_caller);
void provenance_reply(struct request *r, const struct caller *caller, struct reply *rep);

/* ---- accept.c ---- */

/* A submit on its way; embedded by the two kinds, zero-initialised. */
struct entry {
    struct request *request;
    struct caller caller;
    enum subject_kind kind;
    struct ask ask;
    struct job_request job;
    char identifier[HASH_HEX];
    struct keyed keyed;
    const char *field; /* whose fault `err` is; NULL: of none */
    struct err err;    /* the first fault; what follows of the body is dropped */
};
bool entry_begin(struct entry *e, struct request *r, enum subject_kind kind);
/* Submits, or finds that it was; replies. sha256: of the file, "" when it has to be fetched. The job's body
 * or source are filled in. Takes the body. */
void entry_submit_take(struct entry *e, const char *sha256);
/* What stands in e->err. */
void entry_refuse(struct entry *e);
void entry_gone(struct entry *e); /* NULL is fine */

/* ---- result.c ---- */

/* A run of this caller; ERR_NOT_FOUND otherwise. */
int run_load(struct request *r, const char *tenant, const char *media, const char *id_or_hash,
             struct shown *ret, struct err *err);
/* What its receivers are sent. */
int provenance_event(const struct api *api, struct arena *a, const struct job_row *job,
                     struct bytes *ret_body, struct err *err);

/* ---- the handlers, one table in routes.c ---- */
extern const struct handler provenance_submit[SUBJECT_KINDS], provenance_fetch[SUBJECT_KINDS],
    provenance_get[SUBJECT_KINDS], provenance_many[SUBJECT_KINDS], provenance_say[SUBJECT_KINDS],
    provenance_unsay[SUBJECT_KINDS];
extern const struct handler provenance_heatmap, provenance_page, provenance_tickets_submit,
    provenance_tickets_get;

#endif
