/* The upper floor of the impulse dialect: impulses, what they say of recordings, jobs.
 *
 *   classify_routes.c  the table
 *   define.c words.c   an impulse as clients write it (define_int.h). Pure
 *   impulses.c         impulses, DSP settings, thresholds
 *   load.c             an impulse with its models, and what is kept while the dialect serves
 *   bundle.c           models and recordings in one file, as an analyst gets them
 *   classify.c         one recording: asked at once, or as a job; what is remembered
 *   windows.c          raw windows, features of one, one picture
 *   render.c           classifications. Pure
 *   everything.c       the whole test set; metrics.c what it adds up to. Pure
 *   train.c            training, and the card of what came of it
 *   import.c           models that are brought
 *   program.c          .eim programs of this machine instead of models
 *   jobs.c             jobs of a project
 *   socket.c           what clients listen to while they wait
 *
 * Whoever reads the disk does so on the desk, in a trip. */
#ifndef ASSAY_API_IMPULSE_UPPER_INT_H
#define ASSAY_API_IMPULSE_UPPER_INT_H

#include "api/impulse/define_int.h"
#include "api/impulse/impulse_int.h"
#include "report/report.h"
#include "store/impulses.h"

/* ---- load.c ---- */

/* A request on its way over the desk. In the request's arena. */
struct trip {
    struct request *request;
    struct visit visit;
    void (*run)(struct trip *t);
    void *data;
};
/* Key and project, then `run` on the desk; it answers. */
void trip_begin(struct request *r, const char *scope, void (*run)(struct trip *t));
/* A handler that does that and nothing else: TRIP_HANDLER(impulse_get, "read", get_go); */
#define TRIP_HANDLER(name, scope, go)         \
    static void name##_run(struct request *r) \
    {                                         \
        trip_begin(r, scope, go);             \
    }                                         \
    const struct handler name = {.run = name##_run}
/* On the desk once more, from any thread; on failure it is answered. */
void trip_again(struct trip *t, void (*run)(struct trip *t));
void trip_fail(struct trip *t, const struct err *err);
struct arena *trip_arena(struct trip *t);
struct api *trip_api(struct trip *t);

/* An impulse with its models, as it can be judged now. */
struct load_ask {
    int64_t project, impulse; /* impulse 0: the standard one */
    const char *variant;      /* NULL: float32 if there is one, else int8 */
    int64_t block;            /* only that learn block; 0: all */
};
struct loaded {
    struct impulse_row row;
    struct definition def;
    struct impulse impulse;             /* what an analyst is asked: blocks without a model are left out */
    size_t from[IMPULSE_BLOCKS];        /* of its learn blocks: where they are in def */
    const char *models[IMPULSE_BLOCKS]; /* hashes, in the order of the parts */
    size_t nmodels;
    const char *variant;     /* the one that was found */
    const char *left_out;    /* names of learn blocks without a model; NULL: none */
    bool has[MODEL_NUMBERS]; /* variants there are: NUMBER_FLOAT, NUMBER_INT8 */
};
/* ERR_NOT_FOUND: no such impulse or block; ERR_CONFLICT: no model at all, or not of that variant;
 * ERR_UNSUPPORTED: akida. */
int impulse_load(const struct api *api, struct arena *a, const struct load_ask *ask, struct loaded *ret,
                 struct err *err);
/* Whether every learn block of the stored impulse has a model. */
bool impulse_is_complete(const struct api *api, struct arena *a, const struct impulse_row *row);

/* ---- bundle.c ---- */

/* One file of models, then recordings; in memory, or a blob. The first fault ends it. It is none of the
 * request's arena, which is gone as soon as somebody has answered, on whatever thread. */
struct bundle {
    const struct api *api;
    struct arena *arena;
    int fd; /* -1: a blob */
    struct blob_writer *writer;
    int64_t size, max;
    size_t nparts, cap;
    struct sensor_part *parts;
};
void bundle_freep(struct bundle **b);
/* max: bytes. */
struct bundle *bundle_memory(const struct api *api, struct arena *a, int64_t max, struct err *err);
struct bundle *bundle_blob(const struct api *api, struct arena *a, int64_t max, struct err *err);
int bundle_add_models(struct bundle *b, const struct loaded *l, struct err *err);
int bundle_add_sample(struct bundle *b, const struct sample *s, struct err *err);
int bundle_add_picture(struct bundle *b, struct bytes file, struct err *err);
/* Bytes of a sample in it. */
int64_t sample_bytes(const struct sample *s);
/* All enabled samples of that category with something in them, in the arena; at most `max` (else ERR_LIMIT).
 */
int samples_load(const struct api *api, struct arena *a, const struct project_row *project,
                 enum sample_category category, size_t max, struct sample **ret, size_t *ret_n,
                 struct err *err);
/* The labels along it and the boxes on it as they are stored. */
int sample_labels(struct arena *a, const struct sample_row *row, struct sensor_part *part, struct err *err);

/* ---- render.c. Pure ---- */

/* [{learnBlock, result, ...}] of one recording. */
val_t *classifications_render(doc_t *doc, const struct loaded *l, const struct recording_result *res,
                              bool debug);
/* What to say of it besides; NULL: nothing. */
const char *classification_warning(struct arena *a, const struct loaded *l,
                                   const struct recording_result *res);
val_t *learn_block_render(doc_t *doc, const struct loaded *l, size_t at);
/* The label of the highest score of a window, or "uncertain" below the threshold, "anomaly" and "no anomaly";
 * NULL: the block says no labels. */
const char *window_says(const struct learn_result *r, size_t window, double threshold);
/* Of an impulse. */
double window_step_ms(const struct definition *d);
int64_t window_readings(const struct impulse *p);

/* ---- metrics.c. Pure ---- */

/* "accuracy", "predictions", "additionalMetricsByLearnBlock" of the results, as members of `to`. */
struct judged {
    const struct recording_result *result;
    const struct sample *sample; /* NULL: deleted meanwhile */
};
void metrics_render(struct arena *a, doc_t *doc, val_t *to, const struct loaded *l, const struct judged *all,
                    size_t n);

/* ---- classify.c ---- */

/* Rendered answers, of all projects. */
struct reply_cache *impulse_cache(const struct api *api); /* routes.c */

/* What a question is called: the same when its answer is. */
const char *question_hash(struct arena *a, const struct loaded *l, const struct sample *s, const char *what);
/* The report of a finished job, if it is there and good. */
int job_report(const struct api *api, struct arena *a, const char *id, struct report **ret, struct err *err);
/* Submits; the answer is {"success", "id"}. Takes the bundle's blob. On the desk. */
void trip_submit_take(struct trip *t, struct bundle *b, struct job_request *job);
struct job_spec sensor_spec(struct trip *t, const char *pipeline);

/* ---- program.c ---- */

/* What the program of the impulse says of a sample; the report is the request's. Waits for the program, at
 * most EIM_MS. ERR_UNSUPPORTED where this server runs none. */
enum { EIM_MS = 10000 };
int program_judge(struct trip *t, const struct loaded *l, const struct sample *s, struct report **ret,
                  struct err *err);

/* ---- impulses.c ---- */

/* Adds or replaces it; the answer is its id. */
void trip_save_impulse(struct trip *t, const struct impulse_row *row);

/* ---- jobs.c ---- */

/* What a job has said so far. Pure. */
struct job_line {
    int64_t at_us;
    const char *text, *level; /* with a line end; "info", "error" */
};
enum { JOB_LINES = 4 };
size_t job_lines(struct arena *a, const struct project_job *job, struct job_line ret[JOB_LINES]);
bool job_is_over(const struct project_job *job);

extern const struct handler impulse_get, impulse_post, impulse_delete, impulse_list, impulse_new,
    impulse_update, impulse_program, impulse_dsp_get, impulse_dsp_set, impulse_thresholds;
extern const struct handler impulse_classify, impulse_classify_old, impulse_classify_variants,
    impulse_classify_block;
extern const struct handler impulse_window, impulse_picture, impulse_slice_run;
extern const struct handler impulse_everything, impulse_everything_result;
extern const struct handler impulse_train, impulse_train_anomaly, impulse_card;
extern const struct handler impulse_model_upload, impulse_model_save, impulse_model_info;
extern const struct handler impulse_jobs, impulse_jobs_history, impulse_job_status, impulse_job_stdout,
    impulse_job_cancel;
extern const struct handler impulse_socket_token, impulse_socket;

#endif
