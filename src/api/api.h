/* The API: one table of routes made of the dialects and the native routes, and what they share. */
#ifndef ASSAY_API_API_H
#define ASSAY_API_API_H

#include "api/impulse/impulse.h"
#include "api/key.h"
#include "api/provenance/provenance.h"
#include "api/scenes/scenes.h"
#include "conf/conf.h"
#include "job/job.h"
#include "net/server.h"
#include "verdict/flip.h"

struct guard;
struct rules;
struct rulebook;
struct reply_cache;
struct key_table;
struct eim_pool;

struct api_opts {
    int64_t max_upload;   /* bytes of one file */
    int64_t sync_wait_ms; /* longest wait of a synchronous request */
    int64_t deadline_ms;  /* of one analysis */
    int64_t max_frames;   /* judged frames of one clip */
    const char *rules;    /* file with thresholds and zones per tenant and camera; NULL = none */
    bool reuse;           /* the same clip again is answered from the stored result */
    bool legacy_keys;     /* also send cameraId and parentId */
    bool timing;          /* also send timing */
    struct scenes_opts scenes;
    struct provenance_opts provenance;
    struct impulse_opts impulse;
};
extern const struct option api_options[];
extern const size_t api_noptions;

struct api {
    struct api_opts opts;
    struct records *db;
    struct blobs *blobs;
    struct jobs *jobs;
    struct lab *lab;
    struct eim_pool *eims;       /* NULL: no .eim program is run */
    const struct guard *guard;   /* which URLs a webhook may have */
    const struct guard *sources; /* which URLs a subject may have; NULL: nothing is fetched */
    struct gate *gate;
    struct rulebook *rules;
    struct reply_cache *cache;
    struct key_table *keys_in_use;
    struct scenes *scenes;
    struct provenance *provenance;
    struct impulse_dialect *impulse;
    struct arena *arena;
    const struct route *routes;
    size_t nroutes;
    const char *version, *build_at, *node;
    const char *models_dir; /* where model cards are; NULL: nowhere */
};

/* Fills in the rest of an api whose opts, db, guard and models_dir are set; blobs, jobs, lab and sources may
 * follow until the server starts. Everything borrowed. */
int api_init(struct api *api, struct err *err);
/* Ends what replies from threads of the API's own: between server_drain and the end of the jobs. */
void api_stop(struct api *api);
void api_clear(struct api *api);
/* While it serves: takes both rules over (in any case), and of opts what may change then: sync_wait_ms,
 * deadline_ms, max_frames. Any thread. */
void api_renew_take(struct api *api, const struct api_opts *opts, struct rules *rules, struct own_rules *own);
/* One of these three, as it is now. */
int64_t api_limit(const int64_t *limit);
/* server_opts.on_error: the error shape of the family of routes the path belongs to. */
void api_on_error(struct request *r, int status, const char *text);

/* One family of routes: a dialect or the native routes. One line in the list in api.c. */
struct dialect {
    const char *name;
    const struct route *routes; /* paths without prefix */
    size_t nroutes;
    /* Instead of these two: several tables, each ends with a row without a method; NULL-terminated. */
    const struct route *const *tables;
    const char *const *prefixes; /* every route is served under each of them; NULL-terminated */
    /* What the operator calls a path of the table (with its prefix); NULL: it stays. */
    const char *(*path)(struct arena *a, const struct api_opts *opts, const char *path);
    /* Whether an unknown path belongs here, and how its errors look. */
    bool (*owns)(const struct api_opts *opts, const char *path);
    void (*error)(struct request *r, int status, const char *text);
    /* Webhooks; NULL when it has none. The URL that came with a job (NULL: none), and what receivers are sent
     * of a finished one. Any thread. */
    const char *(*webhook)(struct arena *a, const struct job_row *job);
    const char *(*secret)(struct arena *a, const struct job_row *job); /* signs what that URL is sent; NULL */
    bool tells_cancelled;                                              /* also of jobs that were taken back */
    int (*event)(const struct api *api, struct arena *a, const struct job_row *job, struct bytes *ret_body,
                 struct err *err);
    /* What a stored job says of itself; NULL when it says nothing: its camera ("" = not known), and what an
     * operator's label means for the verdict. */
    const char *(*camera)(struct arena *a, const struct job_row *job);
    enum truth (*truth)(const char *label);
};
extern const struct dialect dialect_alarm, dialect_impulse, dialect_native, dialect_provenance,
    dialect_scenes;
/* Its i-th route, whichever table it is in; NULL behind the last. */
const struct route *dialect_route(const struct dialect *d, size_t i);
/* route.max_body of an upload route: replaced by what the options say, plus room for other parts of a form.
 */
enum {
    BODY_UPLOAD = -1,
    BODY_VIDEO = -2,
    BODY_BATCH = -3,
    BODY_ORIGIN_IMAGE = -4,
    BODY_ORIGIN_VIDEO = -5,
    BODY_ORIGIN_AUDIO = -6,
    BODY_TICKETS = -7,
    BODY_SAMPLE = -8,  /* the body is the file */
    BODY_SAMPLES = -9, /* several files */
};

struct api *api_of(struct request *r);
const struct dialect *dialect_find(const char *name); /* NULL: there is none */
const struct dialect *dialect_at(size_t i);           /* the i-th, NULL behind the last */

/* The spec of a new job as the options say, with the operator's thresholds and zones for that camera ("" =
 * none). */
struct job_spec api_spec(const struct api *api, struct arena *a, const char *tenant, const char *camera_id);

/* For jobs_opts.deliveries; arg is the api, of which only opts, db and guard must be set. */
int api_deliveries(void *api, struct arena *a, const struct job_row *row, struct delivery_row **ret_rows,
                   size_t *ret_n, struct err *err);

/* Tells that URL of a finished job once more; it was checked. `done` comes after the commit. ERR_BUSY. */
int api_deliver_again(struct api *api, struct arena *a, const struct job_row *job, const char *url,
                      records_done *done, void *arg, struct err *err);

/* Finished results, rendered once: id and tenant -> reply. Bounded; oldest out first. `generation` is that of
 * the jobs (jobs_generation), read before the record was: when it has grown, jobs were deleted, and all is
 * forgotten. */
struct reply_cache *reply_cache_new(size_t max_entries, size_t max_bytes);
struct reply_cache *reply_cache_free(struct reply_cache *c);
/* A counted reference, or NULL. */
struct kept_reply *reply_cache_get(struct reply_cache *c, int64_t generation, const char *tenant,
                                   const char *id);
void reply_cache_put(struct reply_cache *c, int64_t generation, const char *tenant, const char *id,
                     struct kept_reply *k, size_t bytes);

#endif
