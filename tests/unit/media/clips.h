/* Clips for the tests of media: made in memory with our own writer, or by the ffmpeg program where it is
 * installed. */
#ifndef ASSAY_TEST_CLIPS_H
#define ASSAY_TEST_CLIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "media/video.h"

enum { CLIP_ARGS = 40, CLIP_TEXT = 1 << 16 };

/* A memfd with these bytes. */
int clip_of(const void *data, size_t n);
/* The whole file as heap bytes. */
uint8_t *clip_bytes(int fd, size_t *ret_n);

/* An MP4 in a memfd: a dark picture with a bright square in the upper left corner and a bar that moves with
 * the frame. */
int clip_mp4(int width, int height, int frames, int rate_num, int rate_den);

/* Whether the program can be started. */
bool clip_has(const char *program);
/* Runs a program with arguments split at blanks ('|' in an argument stands for a blank); standard input from
 * fd `in`
 * (-1 = nothing). Returns its standard output, "" when it failed. Freed by the caller. */
char *clip_run(int in, const char *command);
/* Makes a clip with ffmpeg into a temporary file that is unlinked already; `suffix` decides the container. -1
 * when it failed. */
int clip_ffmpeg(const char *arguments, const char *suffix);
/* "/proc/self/fd/N" of this process as seen by a child: "/proc/PID/fd/N". */
const char *clip_path(char text[64], int fd);

/* Opens and reads everything. The number of frames, or -1 and err. */
int64_t clip_read(int fd, const struct video_opts *opts, struct media_info *ret_info, struct err *err);

#endif
