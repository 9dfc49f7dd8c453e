/* Jumping forward in a video whose container has an index (MP4, MOV, Matroska), so that five frames of an
 * hour cost five short decodes. In any other container nothing is jumped over, and the same frames come, only
 * later. Either way, frames on a long way that no other frame is predicted from are not decoded. */
#ifndef ASSAY_MEDIA_SEEK_H
#define ASSAY_MEDIA_SEEK_H

#include "base/arena.h"
#include "media/video.h"

/* Both after the first video_next.
 *
 * Goes to the last key frame at or before `pts` seconds, if that lies ahead; the next frames of video_next
 * begin there, or earlier, and all of the last half second before it come. Frames are not counted from then
 * on. ERR_IO, ERR_TIMEOUT, ERR_LIMIT. */
int video_skip_to(struct video *v, double pts, struct err *err);

/* Where the container's index has key frames, as decoding times in seconds since the first frame, growing; a
 * frame may be shown a little later than that. In the arena. 0 of them when it has no whole index: then only
 * decoding tells. At most KEY_TIMES_MAX; of more, every second, every fourth... */
enum { KEY_TIMES_MAX = 20000 };
size_t video_key_times(const struct video *v, struct arena *a, double **ret_times);

/* Whether the encoder made it a key frame. */
bool video_frame_is_key(const struct video_frame *f);

#endif
