/* The file that a pipeline makes beside its report, when somebody wants one. */
#ifndef ASSAY_ANALYSIS_ARTEFACT_H
#define ASSAY_ANALYSIS_ARTEFACT_H

#include "base/bytes.h"
#include "base/err.h"

/* From offset 0. `what` for the error: "the thumbnails". */
int artefact_write(int fd, struct bytes file, const char *what, struct err *err);

#endif
