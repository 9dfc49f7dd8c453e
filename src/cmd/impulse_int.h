/* assay impulse, in files: impulse.c (options, verbs, list and show), impulse_import.c (files become an
 * impulse), impulse_run.c (recordings in, tables out; or a socket of the .eim protocol), impulse_eim.c (the
 * same through a foreign program), impulse_lab.c (what they ask of an analyst). Works on the data directory,
 * beside a running server or without one. */
#ifndef ASSAY_CMD_IMPULSE_INT_H
#define ASSAY_CMD_IMPULSE_INT_H

#include "api/impulse/hosted.h"
#include "cmd/cmd.h"

struct impulse_settings {
    const char *tenant, *name, *labels, *axes, *variant, *eim;
    int64_t project, impulse, window_ms, step_ms;
    double frequency, threshold;
    bool json;
};

/* One call of the command. */
struct impulse_call {
    struct arena *arena;
    struct host host;
    struct lab *lab;
    struct impulse_settings s;
    const struct eim_settings *eim;
    const char *const *words; /* the arguments behind the verb */
    size_t nwords;
    int stop_fd; /* serve-eim: readable when it is to end */
    struct err stored;
};

/* ---- impulse_lab.c ---- */

/* A pipeline over one subject, waited for. artefact_fd -1: none is wanted. The report lives in `a`; a failed
 * analysis is -1 and its error. */
struct impulse_errand {
    struct job_spec spec;
    const char *name; /* of the file, for people */
    int subject_fd, artefact_fd;
};
int impulse_ask(struct impulse_call *c, struct arena *a, const struct impulse_errand *e, struct report **ret,
                const char **ret_json, struct err *err);
int impulse_file(int *ret_fd, struct err *err); /* an empty file in memory */
int64_t impulse_file_size(int fd);
/* Bytes of one file behind those of another. */
int impulse_append(int to, int from, struct err *err);

/* ---- impulse_run.c ---- */

/* What a file is, and its numbers, or the file itself when it is a picture. */
struct recorded {
    struct sensor_part part;
    int fd; /* of the file; afterwards of the numbers, or still of a picture */
};
int impulse_recorded(struct impulse_call *c, struct arena *a, const char *path, struct recorded *r,
                     struct err *err);
/* On stdout. */
void impulse_table(const char *path, const struct impulse *impulse, const struct recording_result *result);

/* ---- the verbs: -1 and err, or the exit status ---- */
int impulse_import(struct impulse_call *c, struct err *err);
int impulse_run(struct impulse_call *c, struct err *err);
int impulse_run_eim(struct impulse_call *c, struct err *err); /* `run` with --eim */
int impulse_serve_eim(struct impulse_call *c, struct err *err);

#endif
