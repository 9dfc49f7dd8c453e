/* For the tests of this folder: file systems without O_TMPFILE are rare, the way round them must be tried
 * anyway. */
#ifndef ASSAY_STORE_BLOBS_INT_H
#define ASSAY_STORE_BLOBS_INT_H

#include "store/blobs.h"

/* From now on unfinished uploads get a name in DIR/blobs/tmp. Before the first writer. */
void blobs_use_named(struct blobs *b);

#endif
