/* Records, continued: the faces a tenant has put on its allow list. Rules as in store/records.h.
 *
 * Only vectors are kept, never pictures, each under a name of the tenant's own. They are biometric data: no
 * call lists them but records_faces, for the analysis. Adding and removing leaves a line in the audit. */
#ifndef ASSAY_STORE_FACES_H
#define ASSAY_STORE_FACES_H

#include "store/records.h"

enum { FACES_PER_TENANT = 1000, FACE_NAME_MAX = 256, FACE_MIN = 8, FACE_MAX = 1024 };

struct face_row {
    const char *name; /* 1 to FACE_NAME_MAX bytes */
    int64_t created_us;
    size_t n;               /* FACE_MIN..FACE_MAX, 0 where it is not asked for */
    const float *embedding; /* of length 1 */
};

/* Who changes whose list; `who` is the id of a key, for the audit. */
struct face_order {
    const char *tenant, *who;
};

/* A name that is on the list gets the new vector. ERR_LIMIT in the callback when the list is full. */
int records_add_face(struct records *db, const struct face_order *order, const struct face_row *row,
                     records_done *done, void *arg, struct err *err);
/* ERR_NOT_FOUND in the callback. */
int records_remove_face(struct records *db, const struct face_order *order, const char *name,
                        records_done *done, void *arg, struct err *err);
/* By name; without the vectors unless `whole`. */
int records_faces(struct records *db, struct arena *a, const char *tenant, bool whole,
                  struct face_row **ret_rows, size_t *ret_n, struct err *err);

#endif
