/* A lab without analysts: does to each task what the script says, on a thread of its own. */
#ifndef ASSAY_TEST_FAKE_LAB_H
#define ASSAY_TEST_FAKE_LAB_H

#include "lab/lab.h"

enum fake_act {
    FAKE_DONE,     /* a report without error; an annotation writes "clip of ID" */
    FAKE_FAIL,     /* a report with ERR_DECODE */
    FAKE_LATE,     /* a report with ERR_TIMEOUT */
    FAKE_CRASH,    /* the analyst dies */
    FAKE_TIMEOUT,  /* the analyst is killed at the deadline */
    FAKE_INTERNAL, /* ERR_INTERNAL, no report */
    FAKE_HANG,     /* nothing, until it is cancelled */
    FAKE_EMPTY,    /* as FAKE_DONE, but an annotation writes nothing */
    FAKE_HEATMAP,  /* as FAKE_DONE, but what is written begins like a PNG */
};

struct lab *fake_lab_new(int analysts);
void fake_lab_freep(struct lab **lab);
/* Who is told of idle analysts; NULL = nobody. */
void fake_lab_watch(struct lab *lab, void (*idle)(void *arg), void *arg);
/* The next tasks get these acts, all later ones the last. */
void fake_lab_script(struct lab *lab, const enum fake_act *acts, size_t n);
/* The analyst which hangs on that job says how far it is. */
void fake_lab_progress(struct lab *lab, const char *id, int done, int planned);
void fake_lab_analysts(struct lab *lab, int analysts); /* 0 = everything is busy */
int fake_lab_tasks(struct lab *lab);                   /* begun so far */
int fake_lab_running(struct lab *lab);
/* From now on another version stands there than the one that wrote the reports so far. */
void fake_lab_program(struct lab *lab, const char *version);
/* The id of the task begun n-th, "" when there was none. */
const char *fake_lab_id(struct lab *lab, int n);

#endif
