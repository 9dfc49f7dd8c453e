/* The time stamp of a claim's signature (RFC 3161), in the unprotected headers: sigTst, or sigTst2. */
#ifndef ASSAY_C2PA_STAMP_INT_H
#define ASSAY_C2PA_STAMP_INT_H

#include "c2pa/cose_int.h"
#include "c2pa/reader_int.h"

enum { STAMP_MAX = 1 << 17 };

struct stamp {
    int64_t at;   /* seconds since 1970; 0: there is none that holds */
    bool trusted; /* by an anchor of the operator */
};

/* Tells what it finds as statuses of m; a time stamp that does not hold is no failure, only no time. */
struct stamp stamp_check(struct reading *r, const struct manifest *m, const struct cose *c);

#endif
