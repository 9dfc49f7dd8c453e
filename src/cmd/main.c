/* assay: judges video, images, sound and sensor recordings on your own machine. This file only finds the
 * subcommand. */
#include <stdio.h>
#include <string.h>

#include "base/c23.h"
#include "cmd/cmd.h"

static const struct command *const commands[] = {
    &command_serve,  &command_check,  &command_provenance, &command_impulse, &command_key,
    &command_tenant, &command_audit,  &command_job,        &command_hook,    &command_replay,
    &command_model,  &command_status, &command_doctor,     &command_version};

static int usage(FILE *out)
{
    fprintf(out,
            "Usage: assay COMMAND [options]\n\n"
            "Judges alarm clips on this machine: safe, danger or intrusion, with scores and evidence.\n\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\n`assay COMMAND --help` tells the rest. Start with:\n"
                 "  assay doctor                  is everything here?\n"
                 "  assay check clip.mp4          one verdict, no server\n"
                 "  assay key new --tenant me     a key for the HTTP API\n"
                 "  assay serve                   the HTTP API on 127.0.0.1:8480\n");
    return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "eim-cell") == 0) /* how lab/eim.h starts this program; not for people */
        eim_cell_main();
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout);
    if (strcmp(argv[1], "--version") == 0)
        return command_version.run(argc - 1, argv + 1);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, argv[1]) == 0)
            return commands[i]->run(argc - 1, argv + 1);
    fprintf(stderr, "assay: there is no command '%s'\n\n", argv[1]);
    return usage(stderr);
}
