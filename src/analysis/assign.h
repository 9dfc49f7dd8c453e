/* Who belongs to whom, at the least cost for all together (Hungarian method, in the form with potentials and
 * shortest augmenting paths; O(n^2 m)). Pure. */
#ifndef ASSAY_ANALYSIS_ASSIGN_H
#define ASSAY_ANALYSIS_ASSIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { ASSIGN_MAX = 1024 }; /* rows, columns */

/* cost: rows x columns, finite and not negative; a cost above `most` is no pair. As many pairs as possible,
 * and of those the cheapest. ret[row]: its column, -1: none. Same costs, same pairs. ERR_LIMIT; ERR_TIMEOUT.
 */
int assign(struct arena *a, const double *cost, size_t rows, size_t columns, double most,
           int64_t deadline_mono_us, int *ret, struct err *err);

#endif
