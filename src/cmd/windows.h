/* What an impulse says of a recording, window by window, for people at a terminal. Pure. */
#ifndef ASSAY_CMD_WINDOWS_H
#define ASSAY_CMD_WINDOWS_H

#include "cmd/terminal.h"
#include "report/report.h"

/* A line for each window, a column for each learn block; then how the windows add up. Labels below the
 * block's threshold are marked as uncertain, anomalies above it as such. name: the recording's, foreign. */
void windows_print(struct buf *out, const char *name, const struct impulse *impulse,
                   const struct recording_result *result, const struct terminal *t);

#endif
