/* The lab: where media is decoded and judged, away from everything of value.
 *
 *   this process (front, or `assay check`)
 *      | socketpair: "spawn", "analyst 3 is here" + its socket and pidfd, "analyst 3 died of signal 9"
 *   keeper          one thread, a program of its own (the only one with decoders); loads the models once,
 *      |            those of other kits than the alarm's when the first task needs them; forks
 *   analyst 1..N    seccomp + landlock + rlimits; no files, no network, no exec; only its task's descriptors
 *
 * A task goes straight to an analyst's socket: the spec as JSON in a sealed memfd, the subject (opened anew,
 * read-only), a memfd of fixed size for the report and, when wanted, the artefact's descriptor. The analyst
 * answers "progress" and "done". At the deadline plus a grace second it is killed through its pidfd and
 * replaced; so is one which dies or does not keep to the protocol. A dead keeper is replaced, too.
 *
 * One thread of its own (the lab thread) runs the epoll loop; callbacks are called on it, without a lock
 * held, and must not wait. All calls are thread safe; lab_stop is not for callbacks. What comes back from an
 * analyst is foreign input. */
#ifndef ASSAY_LAB_LAB_H
#define ASSAY_LAB_LAB_H

#include "report/report.h"

struct lab;

struct lab_opts {
    const char *keeper;     /* path of the keeper's program; NULL: this program, called as `PROGRAM keeper` */
    int analysts;           /* default: number of CPUs */
    int tasks_per_analyst;  /* an analyst is replaced after that many tasks; default 64 */
    const char *models_dir; /* NULL: only the embedded model */
    const char *detector; /* name of the card to use; NULL: the first installed detector, else the embedded */
    const char *faces, *tags; /* the same, for faces and tags */
    const char *runtime;      /* path of ONNX Runtime; NULL: search */
    bool plain;               /* the plain weights, also where a variant would be quicker (infer/variant.h) */
    const char
        *languages; /* to read text in, "eng+deu"; "auto": "eng" if it is there; NULL: text is not read */
    const char *tessdata;                   /* where they lie; NULL: search */
    const char *anchors, *allowed, *stamps; /* files of c2pa/trust.h: whose Content Credentials are trusted;
                                             * NULL: nobody's */
    int64_t memory_bytes; /* RLIMIT_AS headroom of an analyst above the keeper's own size; default 512 MiB */
    int64_t artefact_bytes; /* RLIMIT_FSIZE of an analyst, at least the size of a report; default 512 MiB */
    int64_t max_pixels;     /* of one frame; default 8192 x 4096 */
    double max_seconds;     /* of one video; default 1 hour */
    int64_t
        cpu_us; /* of one analysis, and again for each MB of its file; default 8 s; 0 = only the deadline */
    void (*idle)(void *arg); /* an analyst became idle (also once when the lab gets ready); may be NULL */
    void *idle_arg;
};
struct lab_opts lab_opts_defaults(void);

struct lab_result {
    /* ERR_NONE: report is valid (it may still be a report of a failed analysis: report->error).
     * ERR_TIMEOUT, ERR_CRASH, ERR_CANCELLED, ERR_INTERNAL: there is no report. */
    struct err error;
    const struct report *report; /* lives for the callback */
    struct bytes report_json;    /* the canonical bytes, re-written by this process from the checked report */
};

struct lab_task {
    struct job_spec spec;                                     /* deep-copied by lab_run */
    int subject_fd;                                           /* borrowed for the call; duplicated */
    int artefact_fd;                                          /* borrowed for the call; -1 = none */
    void (*done)(void *arg, const struct lab_result *result); /* exactly once, on the lab thread */
    void (*progress)(void *arg, int done, int planned);       /* may be NULL */
    void *arg;
};

/* Starts the keeper and returns at once; models load meanwhile. opts is copied. */
int lab_start(struct lab **ret_lab, const struct lab_opts *opts, struct err *err);
/* 0 when all models are loaded and an analyst is ready; -1 with the keeper's own complaint (no runtime, bad
 * card) or ERR_TIMEOUT. After a complaint the lab goes on trying, every 5 s at last, until lab_stop. */
int lab_wait_ready(struct lab *lab, int64_t deadline_mono_us, struct err *err);
bool lab_is_ready(struct lab *lab);
/* Gives the task to an idle analyst. ERR_BUSY when there is none (wait for `idle`). */
int lab_run(struct lab *lab, const struct lab_task *task, struct err *err);
/* Kills the analyst which runs the job; its task ends with ERR_CANCELLED. false when no analyst has it. */
bool lab_cancel(struct lab *lab, const char *job_id);

/* Why an analyst is no more: it has done its share; deadline; its job was taken back; it died by itself; it
 * did not keep to the protocol, or its report was none; its keeper was gone; the lab stops. */
enum lab_end {
    LAB_RETIRED,
    LAB_DEADLINE,
    LAB_CANCELLED,
    LAB_CRASHED,
    LAB_PROTOCOL,
    LAB_KEEPER,
    LAB_STOPPED,
    LAB_ENDS,
};
const char *lab_end_name(enum lab_end e); /* "retired" ... */

struct lab_stats {
    int analysts, busy, places; /* alive, those of them with a task; as many as there should be */
    int64_t tasks, crashed, timed_out, respawned;
    int64_t ends[LAB_ENDS], keepers; /* analysts that ended; keepers that were started */
};
struct lab_stats lab_stats(struct lab *lab);
/* The models in use, copied into the arena. Empty before ready. */
size_t lab_models(struct lab *lab, struct arena *a, struct model_ref **ret_models);

/* Who makes alarm reports: the detector, with everything else that they depend on; into the arena. False
 * before ready. */
bool lab_makers(struct lab *lab, struct arena *a, struct makers *ret);

/* Ends all children; running tasks end with ERR_CANCELLED. */
void lab_stop(struct lab *lab);

/* Where the keeper's program of this installation should be: beside the running program, else in
 * ../lib/assay. */
const char *lab_keeper_path(struct arena *a);
/* What the keeper's program says of its decoders, a line each; in the arena. ERR_IO when it cannot be run. */
int lab_keeper_about(const char *keeper, struct arena *a, char **ret_text, struct err *err);

/* The main of the keeper process, on socket 3. The program is what reports say of it. */
int keeper_main(const struct program_ref *program);

#endif
