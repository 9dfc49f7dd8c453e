#include <stdio.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "infer/model.h"

static const struct command_help help = {.usage = "assay version"};

static int version_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(runtime_freep) struct runtime *rt = NULL;
    struct common_settings common;
    struct option_set sets[] = {common_set(&common)};
    struct conf *conf;
    struct card card;
    char *about;
    struct err err;
    int status = command_options(a, &help, sets, 1, &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    if (argc > 1)
        return command_misused(&help, argv[1]);
    printf("assay %s%s%s (built %s)\n", assay_version, *assay_program.commit ? ", commit " : "",
           assay_program.commit, assay_build_at);
    if (card_parse(a, embedded_card(), NULL, "built-in", &card, &err) == 0)
        printf("built-in detector: %s %s, sha256 %.16s...\n", card.name, card.version, card.sha256);
    if (lab_keeper_about(lab_keeper_path(a), a, &about, &err) == 0)
        fputs(about, stdout);
    else
        printf("%s\n", err.text);
    if (runtime_open(&rt, NULL, &err) == 0)
        printf("ONNX Runtime %s\n", runtime_version(rt));
    else
        printf("ONNX Runtime: %s\n", err.text);
    return 0;
}

const struct command command_version = {"version", "versions of assay, its built-in model and its libraries",
                                        version_run};
