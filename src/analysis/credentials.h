/* Content Credentials of the subject (c2pa/reader.h), as the report has them, and whether they decide. */
#ifndef ASSAY_ANALYSIS_CREDENTIALS_H
#define ASSAY_ANALYSIS_CREDENTIALS_H

#include "analysis/analysis.h"

/* Reads the file's credentials into report->origins. A file whose credentials are broken has some, in the
 * state invalid. They force when they are good enough for params->force and name a trained model as the
 * source: a signature alone forces nothing, and nothing forces "human". The deadline is asked at
 * every read: a large file is hashed. ERR_IO, ERR_LIMIT, ERR_TIMEOUT. */
int credentials_read(const struct toolbox *tools, const struct origin_params *params, int fd,
                     int64_t deadline_mono_us, struct report *report, struct err *err);

#endif
