#include "cmd/verb.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { COMMON_SETS = 2 };

static const struct err unanswered = {ERR_INTERNAL, "the store did not answer"};

static const struct verb *find_verb(const struct verb_command *command, const char *name)
{
    for (size_t i = 0; i < command->nverbs; i++)
        if (text_is(command->verbs[i].name, name))
            return &command->verbs[i];
    return NULL;
}

/* words: the verb, and what follows it. -1: well called, else the exit status. */
static int check_words(const struct verb_command *command, const char *name, int nwords, char **words,
                       const struct verb **ret_verb)
{
    const struct verb *verb = nwords ? find_verb(command, words[0]) : NULL;

    if (!verb)
        return command_misused(command->help, nwords ? words[0] : NULL);
    if (nwords > (verb->needs ? 2 : 1))
        return command_misused(command->help, words[nwords - 1]);
    if (verb->needs && !verb->optional && nwords < 2) {
        fprintf(stderr, "assay: %s %s needs %s\n", name, verb->name, verb->needs);
        return 2;
    }
    *ret_verb = verb;
    return -1;
}

static int run_verb(const struct verb_command *command, const struct verb *verb, struct verb_call *c)
{
    CLEANUP(records_freep) struct records *db = NULL;
    struct err err;

    if ((command->check && command->check(c, &err) < 0) || command_records(&db, c->data, &err) < 0)
        return command_failed(&err);
    c->db = db;
    return verb->run(c, &err) < 0 ? command_failed(&err) : 0;
}

int verbs_run(const struct verb_command *command, void *settings, int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct common_settings common;
    struct data_settings data;
    struct option_set sets[COUNT_OF(command->sets) + COMMON_SETS] = {common_set(&common)};
    struct verb_call c = {.a = a, .settings = settings, .stored = unanswered};
    const char *name = argv[0];
    const struct verb *verb = NULL;
    struct conf *conf;
    int status;

    memcpy(sets + 1, command->sets, command->nsets * sizeof *sets);
    sets[1 + command->nsets] = data_set(&data);
    status =
        command_options(a, command->help, sets, command->nsets + COMMON_SETS, &common, &argc, argv, &conf);
    if (status < 0)
        status = check_words(command, name, argc - 1, argv + 1, &verb);
    if (status >= 0)
        return status;
    c.data = data.data;
    c.word = argc > 2 ? argv[2] : NULL;
    return run_verb(command, verb, &c);
}

int verb_committed(struct verb_call *c, int queued, struct err *err)
{
    int done = command_committed(c->db, queued, &c->stored, err);

    c->stored = unanswered; /* for the next one */
    return done;
}
