/* Commands of the form `assay key VERB [WORD]`, which work on the records of a data directory beside a
 * running server or without one. A table tells the verbs; verbs_run() does the rest. */
#ifndef ASSAY_CMD_VERB_H
#define ASSAY_CMD_VERB_H

#include "cmd/cmd.h"

/* One call of such a command, for a verb. */
struct verb_call {
    struct arena *a;
    struct records *db;
    void *settings;   /* of the command */
    const char *data; /* the data directory */
    const char *word; /* the argument behind the verb; NULL when there is none */
    struct err stored;
};

struct verb {
    const char *name;
    int (*run)(struct verb_call *c, struct err *err);
    const char *needs; /* what the word is ("the ID that `assay key list` shows"); NULL: there is none */
    bool optional;     /* it may be missing */
};

struct verb_command {
    const struct command_help *help;
    const struct verb *verbs;
    size_t nverbs;
    struct option_set sets[2]; /* of the command, without the common ones */
    size_t nsets;
    /* Looks at the settings before the store is opened; may be NULL. */
    int (*check)(struct verb_call *c, struct err *err);
};

/* The exit status of the command. settings: what the sets write to, with whatever no option sets. */
int verbs_run(const struct verb_command *command, void *settings, int argc, char **argv);

/* A change is made by a function of the records that takes command_keep_error and &c->stored; `queued` is
 * what it returned. 0 when the change is on disk. */
int verb_committed(struct verb_call *c, int queued, struct err *err);

#endif
