#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "cmd/cmd.h"

static const struct option common_rows[] = {
    {"config", OPT_STRING, offsetof(struct common_settings, config), NULL, 0, 0, "FILE",
     "read options from FILE (lines `name = value`); also ASSAY_CONFIG"},
    {"help", OPT_FLAG, offsetof(struct common_settings, help), "false", 0, 0, NULL, "show this text"},
};

static const struct option data_rows[] = {
    {"data", OPT_STRING, offsetof(struct data_settings, data), "./assay-data", 0, 0, "DIR",
     "where jobs, keys and uploads are kept"},
};

#define LAB(name, type, field, fallback, min, max, arg, help)                           \
    {                                                                                   \
        name, type, offsetof(struct lab_settings, field), fallback, min, max, arg, help \
    }
static const struct option lab_rows[] = {
    LAB("models", OPT_STRING, models, NULL, 0, 0, "DIR",
        "directory of model cards; default: models/ in the data directory"),
    LAB("detector", OPT_STRING, detector, NULL, 0, 0, "NAME",
        "model card to detect with; default: an installed one, else the built-in"),
    LAB("variants", OPT_FLAG, variants, "true", 0, 0, NULL,
        "use the weights of a model that this processor runs fastest; --no-variants: always the plain ones"),
    LAB("face-model", OPT_STRING, faces, NULL, 0, 0, "NAME", "the same, to find faces with"),
    LAB("tag-model", OPT_STRING, tags, NULL, 0, 0, "NAME", "the same, to tell what pictures show"),
    LAB("onnxruntime", OPT_STRING, runtime, NULL, 0, 0, "FILE",
        "path of libonnxruntime.so; default: searched (docs/models.md)"),
    LAB("languages", OPT_STRING, languages, "auto", 0, 0, "LIST",
        "languages to read text in, joined by '+', the most important first; none: text is not "
        "read; auto: eng where it is installed"),
    LAB("tessdata", OPT_STRING, tessdata, NULL, 0, 0, "DIR",
        "where the files of the languages lie; default: searched (docs/text.md)"),
    LAB("trust", OPT_STRING, anchors, NULL, 0, 0, "FILE",
        "PEM certificates: whoever is signed by one of them is trusted in Content Credentials"),
    LAB("trust-signers", OPT_STRING, allowed, NULL, 0, 0, "FILE",
        "PEM certificates of signers that are trusted themselves"),
    LAB("trust-tsa", OPT_STRING, stamps, NULL, 0, 0, "FILE", "PEM certificates of trusted time stamps"),
    LAB("analysts", OPT_INT, analysts, "0", 0, 256, "N", "sandboxed analyst processes; 0: one per CPU"),
    LAB("tasks-per-analyst", OPT_INT, tasks, "64", 1, 1000000, "N",
        "an analyst is replaced after that many jobs"),
    LAB("analyst-memory", OPT_BYTES, memory, "512M", 64 << 20, 1e13, "SIZE",
        "memory one analyst may add to the keeper's own"),
    LAB("max-clip", OPT_BYTES, artefact, "512M", 1 << 20, 1e12, "SIZE", "largest annotated clip"),
    LAB("max-pixels", OPT_INT, max_pixels, "33554432", 1024, 1e9, "N", "largest frame, width x height"),
    LAB("max-duration", OPT_DURATION, max_duration_ms, "1h", 1000, 1e9, "TIME", "longest video"),
    LAB("max-cpu", OPT_DURATION, max_cpu_ms, "8s", 0, 3600000, "TIME",
        "processor time for one file, and as much again for each MB of it; 0s: only the deadline"),
};

#define EIM(name, type, field, fallback, min, max, arg, help)                           \
    {                                                                                   \
        name, type, offsetof(struct eim_settings, field), fallback, min, max, arg, help \
    }
static const struct option eim_rows[] = {
    EIM("eim-dir", OPT_STRING, dir, NULL, 0, 0, "DIR",
        "run the .eim programs in this folder as models; default: none is run (docs/eim.md)"),
    EIM("eim-user", OPT_STRING, user, NULL, 0, 0, "NAME", "who they run as; needed when root serves"),
    EIM("eim-memory", OPT_BYTES, memory, "1G", 16 << 20, 1e13, "SIZE", "memory of one such program"),
    EIM("eim-file", OPT_BYTES, file, "64M", 0, 1e13, "SIZE", "largest file it may write"),
    EIM("eim-cpu", OPT_DURATION, cpu_ms, "1h", 1000, 1e12, "TIME",
        "processor time after which it is started anew"),
    EIM("eim-processes", OPT_INT, processes, "256", 1, 1e6, "N",
        "processes and threads of its user, all together"),
    EIM("eim-start", OPT_DURATION, start_ms, "10s", 100, 3600000, "TIME",
        "longest from its start to its hello"),
};

static const struct option log_rows[] = {
    {"log-level", OPT_STRING, offsetof(struct log_settings, level), "info", 0, 0, "LEVEL",
     "error, warn, info or debug"},
    {"log-json", OPT_FLAG, offsetof(struct log_settings, json), "false", 0, 0, NULL,
     "log one JSON object a line"},
};

struct option_set common_set(struct common_settings *s)
{
    return (struct option_set){"General", common_rows, COUNT_OF(common_rows), s};
}

struct option_set data_set(struct data_settings *s)
{
    return (struct option_set){"Data", data_rows, COUNT_OF(data_rows), s};
}

struct option_set lab_set(struct lab_settings *s)
{
    return (struct option_set){"Analysis", lab_rows, COUNT_OF(lab_rows), s};
}

struct option_set eim_set(struct eim_settings *s)
{
    return (struct option_set){".eim programs", eim_rows, COUNT_OF(eim_rows), s};
}

struct option_set log_set(struct log_settings *s)
{
    return (struct option_set){"Log", log_rows, COUNT_OF(log_rows), s};
}

struct lab_opts lab_opts_of(const struct lab_settings *s, const struct data_settings *data, struct arena *a)
{
    struct lab_opts o = lab_opts_defaults();

    o.keeper = lab_keeper_path(a);
    if (s->analysts)
        o.analysts = (int)s->analysts;
    o.tasks_per_analyst = (int)s->tasks;
    o.models_dir = s->models ? s->models : arena_printf(a, "%s/models", data->data);
    if (!s->models && access(o.models_dir, F_OK) < 0)
        o.models_dir = NULL; /* nothing installed: the built-in model */
    o.detector = s->detector;
    o.plain = !s->variants;
    o.faces = s->faces;
    o.tags = s->tags;
    o.languages = s->languages;
    o.tessdata = s->tessdata;
    o.runtime = s->runtime;
    o.anchors = s->anchors;
    o.allowed = s->allowed;
    o.stamps = s->stamps;
    o.memory_bytes = s->memory;
    o.artefact_bytes = s->artefact;
    o.max_pixels = s->max_pixels;
    o.max_seconds = (double)s->max_duration_ms / 1000;
    o.cpu_us = s->max_cpu_ms * 1000;
    return o;
}

struct eim_opts eim_opts_of(const struct eim_settings *s)
{
    struct eim_opts o = eim_opts_defaults();

    o.dir = s->dir;
    o.user = s->user;
    o.memory_bytes = s->memory;
    o.file_bytes = s->file;
    o.cpu_seconds = s->cpu_ms / 1000;
    o.processes = s->processes;
    o.start_ms = s->start_ms;
    return o;
}

static int find_level(const struct log_settings *s, enum log_level *ret, struct err *err)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};

    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (text_is(levels[i], s->level)) {
            *ret = (enum log_level)i;
            return 0;
        }
    return FAIL(err, ERR_INPUT, "log-level must be error, warn, info or debug");
}

int log_check(const struct log_settings *s, struct err *err)
{
    enum log_level level;

    return find_level(s, &level, err);
}

int log_apply(const struct log_settings *s, struct err *err)
{
    enum log_level level;

    if (find_level(s, &level, err) < 0)
        return -1;
    log_setup(level, s->json);
    return 0;
}

int command_failed(const struct err *err)
{
    fprintf(stderr, "assay: %s\n", err->text);
    return 1;
}

int command_misused(const struct command_help *help, const char *word)
{
    if (word)
        fprintf(stderr, "assay: '%s' is not understood here\n", word);
    fprintf(stderr, "Usage: %s\n", help->usage);
    return 2;
}

int command_options(struct arena *a, const struct command_help *help, const struct option_set *sets,
                    size_t nsets, const struct common_settings *common, int *argc, char **argv,
                    struct conf **ret_conf)
{
    struct err err;

    *ret_conf = conf_new(a, sets, nsets);
    if (conf_read(*ret_conf, argc, argv, environ, &err) < 0) {
        fprintf(stderr, "assay: %s\n", err.text);
        return 2;
    }
    if (!common->help)
        return -1;
    printf("Usage: %s\n", help->usage);
    if (help->text)
        printf("\n%s\n", help->text);
    conf_help(*ret_conf, stdout);
    if (help->after)
        printf("\n%s\n", help->after);
    return 0;
}
