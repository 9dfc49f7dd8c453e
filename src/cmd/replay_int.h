/* assay replay, its two files: replay.c walks through the jobs, replay_print.c reads one, counts and prints.
 */
#ifndef ASSAY_CMD_REPLAY_INT_H
#define ASSAY_CMD_REPLAY_INT_H

#include "cmd/cmd.h"
#include "store/history.h"
#include "verdict/flip.h"

struct replay;

/* What came of a job, once. */
struct result_once {
    enum judgement judgement;
    bool has_score;
    double score;   /* of intrusion */
    int64_t cpu_us; /* of decoding and of the models; 0 = not known */
};

/* A job and what comes of it now. Everything lives in the arena it was read into. */
struct replayed {
    struct replay *replay;
    struct job_row row;
    const char *camera;          /* "" = not known */
    const struct report *report; /* of then; NULL = none */
    enum truth truth;            /* what operators said of it ... */
    const char *word;            /* ... and with which word; NULL = nothing */
    struct result_once then, now;
    bool missing;      /* its file is gone */
    bool from_scores;  /* now: without an analyst */
    bool other_makers; /* judged by another model or program than now */
};

void replayed_by_report(struct result_once *ret, const struct report *r);
/* ERR_NOT_FOUND when there is no such job any more. */
int replayed_read(struct records *db, struct arena *a, const char *id, struct replayed *ret, struct err *err);

struct replay_sums {
    struct history_size size;
    int64_t limit; /* 0 = none */
    bool model;    /* another one is tried: then nobody wonders */
    struct flips flips;
    int64_t missing, from_scores, judged, other_makers;
    int64_t compared; /* judged again, and the cost of then is known */
    int64_t then_us, now_us;
    int64_t last_progress_us;
    bool header;     /* printed */
    int interrupted; /* by this signal */
};
/* Counts a job and prints its flip, if it is one. */
void replay_count(struct replay_sums *sums, const struct replayed *job, bool json);
/* On a terminal: how far it is. */
void replay_progress(struct replay_sums *sums);
void replay_print_sums(const struct replay_sums *sums, bool json);

#endif
