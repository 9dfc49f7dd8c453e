/* Records, continued: how long a pipeline took for a unit of what it was given: a second of video, a picture.
 * Written in the transaction that ends a job, so what a client sees done has been counted. The last PACE_KEPT
 * of every pipeline are kept, whatever becomes of the jobs. */
#ifndef ASSAY_STORE_PACE_H
#define ASSAY_STORE_PACE_H

#include "store/records.h"

enum { PACE_KEPT = 100 };

/* The median; ERR_NOT_FOUND before the first. */
int records_pace(struct records *db, const char *pipeline, double *ret_ms_per_unit, struct err *err);

#endif
