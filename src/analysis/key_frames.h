/* Which frames of a video are judged, when only a few are (report/spec.h, enum key_frames): first a plan of
 * times, then the frames themselves, in order.
 *
 *   even       the frame at the middle of each of n equal stretches of the video
 *   iframes    n key frames, evenly taken of all
 *   flow       of n shots (from one key frame to the next, at most STRETCH_MAX frames) the frame that differs
 *              least from the one before it
 *   color      of n shots the frame whose mean colour is nearest the shot's
 *
 * Every frame is taken at most once, so a short video gives fewer; at least one comes of any video that can
 * be decoded. Planning decodes nothing where the container has an index and even times or key frames are
 * asked for, the shots themselves for the other two; without an index it decodes the whole video once. Same
 * bytes, same frames. One thread; errors as in media/video.h. */
#ifndef ASSAY_ANALYSIS_KEY_FRAMES_H
#define ASSAY_ANALYSIS_KEY_FRAMES_H

#include "analysis/hold.h"
#include "base/arena.h"
#include "report/spec.h"

enum { STRETCH_MAX = 250 };

struct key_plan {
    size_t n;
    const double *pts;       /* seconds, growing: the first frame at or after each */
    bool keys;               /* the first key frame at or after each */
    struct video *video;     /* owned: still open and unread, where planning needed its header alone */
    struct media_info media; /* strings in the arena */
};
int key_frames_plan(struct arena *a, int fd, const struct video_opts *opts,
                    const struct origin_params *params, struct key_plan *ret, struct err *err);
void key_plan_clear(struct key_plan *plan); /* also a zeroed one */

/* Walks through a video along a plan. */
struct key_reader {
    const struct key_plan *plan;
    struct video *video;
    size_t next;      /* place in the plan */
    struct hold last; /* the newest frame, in case the video ends before the plan does */
    bool last_taken, ended;
};
/* Once for a plan, with the opts it was made with. */
int key_reader_open(struct key_reader *r, struct key_plan *plan, int fd, const struct video_opts *opts,
                    struct err *err);
/* 1 and a frame that lives until the next call, 0: no more, -1. */
int key_reader_next(struct key_reader *r, struct video_frame *ret, struct err *err);
void key_reader_clear(struct key_reader *r);

#endif
