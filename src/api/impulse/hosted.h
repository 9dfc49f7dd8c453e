/* Impulses of projects for the command line: what the routes do, without HTTP. Waits for the disk. */
#ifndef ASSAY_API_IMPULSE_HOSTED_H
#define ASSAY_API_IMPULSE_HOSTED_H

#include "report/sensor.h"
#include "store/impulses.h"
#include "store/projects.h"

struct blobs;

/* Where impulses are, and whose. */
struct host {
    struct records *db;
    struct blobs *blobs;
    const char *tenant;
};

/* One with its models, ready to be judged. */
struct hosted {
    struct project_row project;
    struct impulse_row row;
    struct impulse impulse; /* its learn blocks without a model are left out */
    const char *left_out;   /* their names; NULL: none */
    const char *variant;    /* "float32" or "int8" */
    int fd;                 /* the models, in memory; the caller's */
    size_t nparts;
    const struct sensor_part *parts; /* of it */
};
/* id 0: the standard one of the tenant's first project. variant NULL: what there is. ERR_NOT_FOUND, ERR_MODEL
 * when it has no model at all. Before a failure *ret must be zeroed and its fd -1; hosted_clear is fine then.
 */
int hosted_open(const struct host *h, struct arena *a, int64_t id, const char *variant, struct hosted *ret,
                struct err *err);
void hosted_clear(struct hosted *h);
/* Only the row and its project. */
int hosted_find(const struct host *h, struct arena *a, int64_t id, struct project_row *ret_project,
                struct impulse_row *ret_row, struct err *err);
/* The impulse of a row, without models; *ret_complete: whether every learn block has one. */
int hosted_read(const struct host *h, struct arena *a, const struct impulse_row *row, struct impulse *ret,
                bool *ret_complete, struct err *err);
/* What is stored of an impulse. Its ids of DSP and learn blocks are kept. */
int hosted_definition(struct arena *a, const struct impulse *p, int64_t now_us, struct bytes *ret,
                      struct err *err);

#endif
