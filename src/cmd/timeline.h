/* What pipelines "scenes" and "pictures" found, as lines for a terminal. Pure: same report, same text. */
#ifndef ASSAY_CMD_TIMELINE_H
#define ASSAY_CMD_TIMELINE_H

#include "base/bytes.h"
#include "cmd/terminal.h"
#include "report/report.h"

/* Of a video: header, then rows along one time axis: activity, shots, people, sections, texts. Of pictures:
 * tags, people, texts. `name` is the file's and foreign, as are words and tags. */
void timeline_print(struct buf *out, const char *name, const struct report *r, const struct terminal *t);

#endif
