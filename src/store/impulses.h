/* Records, continued: impulses of a project, the models of their learn blocks, and the numbers by which a
 * project's clients know their jobs. Rules as in store/records.h.
 *
 * An impulse is stored as the JSON of the dialect, with a version that grows with every change. Of a
 * project's impulses one is the standard one: the first, until another one is made it.
 *
 * A model belongs to a learn block of an impulse and a variant ("float32", "int8"; "": as its report says).
 * It is a blob, or only a report (clusters). A job that makes one (job_place.makes_model) hands it over in
 * the transaction in which it ends, so it has both or neither. `inputs` says which features it was made for.
 */
#ifndef ASSAY_STORE_IMPULSES_H
#define ASSAY_STORE_IMPULSES_H

#include "store/records.h"

/* ---- impulses ---- */

struct impulse_row {
    int64_t id; /* 0: a new one */
    int64_t project, version;
    bool standard;
    const char *name;
    struct bytes definition; /* JSON */
    int64_t created_us, changed_us;
};
/* Adds it, or replaces name and definition. In the callback: ERR_NOT_FOUND, ERR_LIMIT (too many), and
 * ERR_CONFLICT when the record is not of row->version any more (0: whatever it is). *ret_id is written before
 * the callback. */
enum { IMPULSES_PER_PROJECT = 200 };
int records_save_impulse(struct records *db, const struct impulse_row *row, int64_t *ret_id,
                         records_done *done, void *arg, struct err *err);
/* ERR_NOT_FOUND in the callback. If it was the standard one, the oldest of the others becomes it. */
int records_delete_impulse(struct records *db, int64_t project, int64_t id, records_done *done, void *arg,
                           struct err *err);
/* id 0: the standard one. ERR_NOT_FOUND. */
int records_impulse(struct records *db, struct arena *a, int64_t project, int64_t id,
                    struct impulse_row *ret_row, struct err *err);
/* All of the project, the standard one first. */
int records_impulses(struct records *db, struct arena *a, int64_t project, struct impulse_row **ret_rows,
                     size_t *ret_n, struct err *err);

/* ---- models ---- */

struct model_row {
    int64_t impulse, block;
    const char *variant;
    const char *sha256; /* of the ONNX file; NULL: there is none */
    const char *inputs; /* "": for whatever comes */
    const char *job;    /* id of the job that made it */
    int64_t made_us;
    struct bytes report; /* of that job */
};
/* Replaces the model of that block and variant. ERR_NOT_FOUND in the callback: no such impulse. The blob must
 * stay pinned until then. */
int records_put_model(struct records *db, const struct model_row *row, records_done *done, void *arg,
                      struct err *err);
/* Of an impulse, by block and variant. */
int records_models(struct records *db, struct arena *a, int64_t impulse, struct model_row **ret_rows,
                   size_t *ret_n, struct err *err);

/* ---- jobs of a project ---- */

struct project_job {
    int64_t number, project;
    char id[ID_TEXT];
    struct job_place place;
    const char *tenant, *state, *error_text;
    int64_t created_us, started_us, finished_us;
    const char *artefact;
};
/* ERR_NOT_FOUND. */
int records_project_job(struct records *db, struct arena *a, int64_t project, int64_t number,
                        struct project_job *ret, struct err *err);
int records_number_of_job(struct records *db, const char *id, int64_t *ret_number, struct err *err);
/* The newest with that key (NULL: any) and question (NULL: any). ERR_NOT_FOUND. */
int records_find_project_job(struct records *db, struct arena *a, int64_t project, const char *key,
                             const char *question, struct project_job *ret, struct err *err);
/* Newest first; finished ones or the others. */
struct project_jobs_filter {
    int64_t project;
    bool finished;
    size_t limit, offset;
};
int records_project_jobs(struct records *db, struct arena *a, const struct project_jobs_filter *filter,
                         struct project_job **ret_jobs, size_t *ret_n, size_t *ret_total, struct err *err);

#endif
