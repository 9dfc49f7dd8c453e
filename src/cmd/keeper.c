/* assay-keeper: the program that loads models and forks analysts. Only the front starts it. It is a program
 * of its own so that decoders and their hundred libraries are where media is decoded, and nowhere else. */
#include <stdio.h>
#include <string.h>

#include "cmd/stamp.h"
#include "lab/lab.h"
#include "media/mp4.h"
#include "media/video.h"

static int about(void)
{
    printf("decoder: %s\n", video_decoder_version());
    printf("H.264 encoder for annotated clips: %s\n", mp4_can_encode() ? "yes" : "no");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "keeper") == 0)
        return keeper_main(&assay_program);
    if (argc == 2 && strcmp(argv[1], "about") == 0)
        return about();
    fprintf(stderr, "assay-keeper is started by assay; see `assay --help`\n");
    return 2;
}
