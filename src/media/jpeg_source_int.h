/* A JPEG in memory, given to libjpeg so that a stranger's file can do no harm: whatever libjpeg complains of
 * ends the reading by a jump to `escape`, with a sentence in `err`; warnings which mean that pixels were made
 * up are complaints; deadline, processor time, memory and the number of scans are bounded.
 *
 *     if (setjmp(s->escape))        in the caller's frame, and s on the heap
 *         return -1;                err is set
 *     jpeg_source_begin(s, ...);
 *     jpeg_read_header(&s->c, TRUE); ...
 *
 * The caller ends it with jpeg_destroy_decompress(&s->c), whatever happened. */
#ifndef ASSAY_MEDIA_JPEG_SOURCE_INT_H
#define ASSAY_MEDIA_JPEG_SOURCE_INT_H

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h> /* wants stdio.h before it */

#include "media/still_int.h"

enum { JPEG_EXIF = JPEG_APP0 + 1 }; /* the marker, of XMP too; its segments are kept */

struct jpeg_source {
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct jpeg_source_mgr source;
    jmp_buf escape;
    const struct still_work *work;
    struct err *err;
};
void jpeg_source_begin(struct jpeg_source *s, const struct still_work *work, struct bytes file,
                       struct err *err);

#endif
