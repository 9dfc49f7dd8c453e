/* Whether a file still has its end. Decoders are made to go on whatever is missing, and a demuxer often takes
 * the end of the file for the end of the film; so what the container itself says about its length is compared
 * with what is there. Reads a few heads through the descriptor; a damaged one may be called cut, a container
 * that declares nothing is taken for whole. */
#ifndef ASSAY_MEDIA_WHOLE_INT_H
#define ASSAY_MEDIA_WHOLE_INT_H

#include <stdbool.h>
#include <stdint.h>

/* format: libavformat's name of the demuxer. packets_end: where the last packet that was read ends, -1
 * unknown. */
bool file_is_whole(int fd, const char *format, int64_t packets_end);

#endif
