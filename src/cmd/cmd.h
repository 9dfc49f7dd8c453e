/* Subcommands: one file and one line in main.c each. A command gets its own argv (argv[0] is its name) and
 * returns the exit status: 0 fine, 1 it failed and said why on stderr, 2 it was called wrongly. `check` has
 * statuses of its own. */
#ifndef ASSAY_CMD_CMD_H
#define ASSAY_CMD_CMD_H

#include "api/api.h"
#include "cmd/stamp.h"
#include "conf/conf.h"
#include "lab/eim.h"
#include "lab/lab.h"

struct command {
    const char *name;
    const char *summary; /* one line for `assay --help` */
    int (*run)(int argc, char **argv);
};

extern const struct command command_serve, command_check, command_key, command_tenant, command_audit,
    command_job, command_hook, command_replay, command_model, command_status, command_doctor, command_version,
    command_provenance, command_impulse;

/* ---- settings.c: the option tables several commands share ---- */

struct data_settings {
    const char *data; /* data directory */
};
struct lab_settings {
    const char *models, *detector, *faces, *tags, *runtime, *languages, *tessdata;
    const char *anchors, *allowed, *stamps; /* files of c2pa/trust.h */
    bool variants;
    int64_t analysts, tasks, memory, artefact, max_pixels;
    int64_t max_duration_ms, max_cpu_ms;
};
struct eim_settings {
    const char *dir, *user; /* dir NULL: no .eim program is run */
    int64_t memory, file, cpu_ms, processes, start_ms;
};
struct log_settings {
    const char *level;
    bool json;
};
struct common_settings {
    const char *config;
    bool help;
};

struct option_set common_set(struct common_settings *s);
struct option_set data_set(struct data_settings *s);
struct option_set lab_set(struct lab_settings *s);
struct option_set eim_set(struct eim_settings *s);
struct option_set log_set(struct log_settings *s);

struct lab_opts lab_opts_of(const struct lab_settings *s, const struct data_settings *data, struct arena *a);
struct eim_opts eim_opts_of(const struct eim_settings *s); /* borrows */
int log_check(const struct log_settings *s, struct err *err);
int log_apply(const struct log_settings *s, struct err *err); /* after the check it cannot fail */

/* Reads the configuration of a command; prints help (usage + options) when asked. Returns -1 to go on, else
 * the exit status. */
struct command_help {
    const char *usage; /* "assay serve [options]" */
    const char *text;  /* paragraphs before the options; may be NULL */
    const char *after; /* examples; may be NULL */
};
int command_options(struct arena *a, const struct command_help *help, const struct option_set *sets,
                    size_t nsets, const struct common_settings *common, int *argc, char **argv,
                    struct conf **ret_conf);
int command_failed(const struct err *err); /* prints "assay: text" and returns 1 */
/* Called wrongly: prints what is not understood (unless NULL) and the usage, and returns 2. */
int command_misused(const struct command_help *help, const char *word);

/* ---- store.c ---- */

/* The records of that directory, for a command: what it changes, a person at a command line has changed. */
int command_records(struct records **ret_records, const char *dir, struct err *err);
/* For a change: `done` of it, with a struct err. */
void command_keep_error(void *arg, const struct err *err);
/* Waits for a change which was queued, or not: 0 when it is on disk. stored: what command_keep_error got;
 * must be ERR_INTERNAL before. */
int command_committed(struct records *db, int queued, const struct err *stored, struct err *err);
/* Removes the files that deleted jobs and samples have left, unless a server runs, which does it itself. */
int command_sweep(struct records *db, const char *dir, struct err *err);

/* ---- summary.c ---- */

/* Both on stdout: what came of it, and what it was made from. */
void report_print(const char *name, const struct report *r);
void report_print_evidence(const struct report *r);

#endif
