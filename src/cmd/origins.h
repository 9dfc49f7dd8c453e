/* What a report of the pipelines "origin-..." says, for people at a terminal. */
#ifndef ASSAY_CMD_ORIGINS_H
#define ASSAY_CMD_ORIGINS_H

#include "cmd/terminal.h"
#include "report/report.h"

/* The verdict first, then who said what about which part, then Content Credentials. */
void origins_print(struct buf *out, const char *name, const struct report *r, const struct terminal *t);
/* "human", "artificial", or "unknown": of the whole, credentials included. */
const char *origins_verdict(const struct report *r);

#endif
