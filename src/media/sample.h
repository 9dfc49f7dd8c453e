/* Which frames of a video are judged: the arithmetic of the alarm API's video.specs. Pure: same times, same
 * frames.
 *
 * The reference is ffmpeg's `fps=R` filter with its defaults (round=near, eof_action=round): a frame with PTS
 * t belongs to slot round(t * R), half away from zero; each slot takes the last frame that maps to it. The
 * stream covers round(end * R) slots, where `end` is the time at which its last frame stops (last PTS + its
 * duration); frames in a later slot than that are not judged. Times count from the first frame. Checked
 * against ffmpeg in tests. For the vendor's sample geometry (102 frames, 24.18 fps, 4.217772 s, R = 3) that
 * gives 13.
 *
 * Three differences. A slot that no new frame falls into repeats the last frame in ffmpeg; here it is not
 * judged twice, but it counts in the slots. ffmpeg gives nothing for a video shorter than half a slot; here
 * one frame is judged. ffmpeg rounds the container's times, here the first frame is second 0 also when the
 * container starts it later.
 *
 *     for (kept = none; video_next(v, &frame, err) > 0; kept = frame)
 *         if (sampler_next(&s, frame.pts))
 *             judge(kept);
 *     if (sampler_end(&s, video_end(v)))
 *         judge(kept); */
#ifndef ASSAY_MEDIA_SAMPLE_H
#define ASSAY_MEDIA_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

struct sampler {
    double fps;
    int64_t slot;   /* of the last frame offered, -1 before the first */
    int64_t judged; /* how often the answer was yes */
};

struct sampler sampler_new(double fps);
/* Offers the next frame in display order. True when the frame offered BEFORE this one is the last of its slot
 * and is to be judged; the caller keeps one frame back for that. False for the first frame. */
bool sampler_next(struct sampler *s, double pts);
/* The stream ended at `end` seconds: true when the last frame offered is to be judged. Once. */
bool sampler_end(struct sampler *s, double end);
/* Slots covered, for a stream that ends at `end` seconds; at least 1 once a frame was offered. */
int64_t sampler_slots(const struct sampler *s, double end);

/* Width for a height of `height`, rounded to even as ffmpeg's scale=-2:height does (568 for 640x360 at 320,
 * 426 for 640x480). 2..SAMPLE_MAX_WIDTH: only shapes beyond any camera's are distorted by that. */
enum { SAMPLE_MAX_WIDTH = 8192 };
int sample_width(int src_width, int src_height, int height);
/* The rate to use so that `duration` seconds give at most max_frames. */
double sample_rate(double fps, double duration, int max_frames);

#endif
