/* assay model: model.c has the table of verbs and those that only look at cards; every other verb is a file
 * of its own, with the options that are its own. */
#ifndef ASSAY_CMD_MODEL_INT_H
#define ASSAY_CMD_MODEL_INT_H

#include "cmd/cmd.h"
#include "cmd/probe.h"
#include "infer/card.h"
#include "infer/catalogue.h"

struct pull_settings {
    const char *from, *catalogue, *ca;
    bool available, all;
};
struct option_set pull_set(struct pull_settings *s);
struct eval_settings {
    const char *model, *against, *pipeline, *html;
    double threshold, false_rate;
    int64_t per_folder;
    bool json;
};
struct option_set eval_set(struct eval_settings *s);
struct bench_settings {
    int64_t runs;
    bool card;
};
struct option_set bench_set(struct bench_settings *s);
struct tune_settings {
    const char *tenant, *rules, *write;
    int64_t since_ms, least;
    double miss_rate;
    bool pooled;
};
struct option_set tune_set(struct tune_settings *s);

/* One call of `assay model VERB ...`. */
struct model_call {
    struct arena *arena;
    struct data_settings data;
    struct lab_settings lab;
    struct pull_settings pull;
    struct eval_settings eval;
    struct bench_settings bench;
    struct tune_settings tune;
    const char *truth; /* eval: the folder, where --data is it */
    const char *dir;   /* of the models; it need not be there */
    int argc;          /* what stands behind the verb */
    char **argv;
    /* Loaded for verbs that want to see them. */
    size_t nbuiltin;
    struct card *builtin;
    size_t n;
    struct card_entry *entries;
};

/* A model by its name, installed or built in; ERR_NOT_FOUND with what to do. */
int model_find(const struct model_call *c, const char *name, const struct card **ret, struct err *err);
/* One that is installed, whether it is fine or not; NULL when there is none. */
const struct card_entry *model_installed(const struct model_call *c, const char *name);
/* The folder of the models and, where it has its default, the data directory around it. */
int model_make_dir(const struct model_call *c, struct err *err);

/* A whole file, at most MODEL_MAX_BYTES, into the arena. */
int model_read_file(struct arena *a, const char *path, struct bytes *ret, struct err *err);
struct probe_opts model_probe_opts(const struct model_call *c);

int model_bench(struct model_call *c, struct err *err);
int model_calibrate(struct model_call *c, struct err *err);
/* add, of a file without a card: looks into it, tries it, proposes a card. */
int model_propose(struct model_call *c, const char *path, struct err *err);
int model_pull(struct model_call *c, struct err *err);
int model_remove(struct model_call *c, struct err *err);
int model_eval(struct model_call *c, struct err *err);
int model_tune(struct model_call *c, struct err *err);
int model_list_available(struct model_call *c, struct err *err);

#endif
