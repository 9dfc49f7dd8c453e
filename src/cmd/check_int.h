/* assay check, its two files: check.c reads the options and goes through the files, check_run.c has one task
 * done in the lab and waits for it; assay doctor uses that, too. */
#ifndef ASSAY_CMD_CHECK_INT_H
#define ASSAY_CMD_CHECK_INT_H

#include "cmd/cmd.h"
#include "cmd/terminal.h"

/* The pipeline for a file, by its first bytes. wanted: "alarm" (whoever says it gets it, whatever the file
 * is), "scenes", "origin"; NULL: alarm, or "pictures" for a still image. */
const char *check_pipeline(const char *wanted, int fd);

/* What came of a task. Everything lives in the arena. */
struct checked {
    const char *json; /* the canonical report, one line */
    struct report *report;
};

/* task: its spec and descriptors. -1 when there is no report; a report of a failed analysis is one. On a
 * terminal it shows on stderr how far it is. */
int check_run(struct arena *a, struct lab *lab, struct lab_task *task, const char *name, struct checked *ret,
              struct err *err);
/* 0, 10, 20 or 30, as `assay check --help` says. */
int check_status(const struct report *r);

#endif
