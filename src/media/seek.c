#include "media/seek.h"

#include <libavutil/frame.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "media/video_int.h"

/* Decoding that much costs less than jumping. */
static const double near_seconds = 0.5;
/* From so far ahead on, frames which only show themselves are left out, until so close. */
static const double far_seconds = 2, close_seconds = 0.5;

static bool is_mov(const struct video *v)
{
    return strncmp(v->box.format->iformat->name, "mov,", 4) == 0;
}

static bool is_matroska(const struct video *v)
{
    return strncmp(v->box.format->iformat->name, "matroska", 8) == 0;
}

static int64_t stamp_of(const struct video *v, double pts)
{
    return v->origin + llround(pts / av_q2d(v->stream->time_base));
}

static double seconds_of(const struct video *v, int64_t stamp)
{
    return fmax(0, ((double)stamp - (double)v->origin) * av_q2d(v->stream->time_base));
}

/* In MP4 the index lists every frame, so it says whether a key frame lies ahead. In Matroska it may not have
 * been read yet. */
static bool gains(const struct video *v, double pts)
{
    int i;

    if (!v->has_origin || pts < v->last_end + near_seconds)
        return false;
    if (is_matroska(v))
        return true;
    i = is_mov(v) ? av_index_search_timestamp(v->stream, stamp_of(v, pts), AVSEEK_FLAG_BACKWARD) : -1;
    return i >= 0 &&
           seconds_of(v, avformat_index_get_entry(v->stream, i)->timestamp) > v->last_end + near_seconds;
}

static void hurry(struct video *v, double pts)
{
    if (!v->has_origin || pts < v->last_end + far_seconds)
        return;
    v->hurry_until = pts - close_seconds;
    v->jumped = true;
}

int video_skip_to(struct video *v, double pts, struct err *err)
{
    hurry(v, pts);
    if (v->ended || v->drained || !gains(v, pts))
        return 0;
    if (av_seek_frame(v->box.format, v->stream->index, stamp_of(v, pts), AVSEEK_FLAG_BACKWARD) < 0) {
        if (fdio_is_late(&v->box.io) || v->box.io.error)
            return container_fail(&v->box, 0, "", err);
        return 0; /* no way to jump: the frames come all the same */
    }
    avcodec_flush_buffers(v->decoder);
    v->ahead = false;
    v->jumped = true;
    v->last_pts = -1;
    return 0;
}

size_t video_key_times(const struct video *v, struct arena *a, double **ret_times)
{
    int all = avformat_index_get_entries_count(v->stream);
    double *times;
    size_t n = 0, step = 1;

    *ret_times = NULL;
    if (!is_mov(v) || !v->has_origin || all < 1)
        return 0;
    times = arena_array(a, KEY_TIMES_MAX, sizeof *times);
    for (int i = 0, key = 0; i < all; i++) {
        const AVIndexEntry *e = avformat_index_get_entry(v->stream, i);

        if (!(e->flags & AVINDEX_KEYFRAME) || (size_t)key++ % step)
            continue;
        if (n == KEY_TIMES_MAX) { /* every second goes */
            for (size_t k = 0; k < n / 2; k++)
                times[k] = times[2 * k];
            n /= 2;
            step *= 2;
        }
        times[n++] = seconds_of(v, e->timestamp);
    }
    *ret_times = times;
    return n;
}

bool video_frame_is_key(const struct video_frame *f)
{
#if LIBAVUTIL_VERSION_MAJOR >= 58
    return f->av->flags & AV_FRAME_FLAG_KEY;
#else
    return f->av->key_frame;
#endif
}
