#include "media/sample.h"

#include <math.h>

/* Container times are exact fractions, ours are doubles: a product that is half a slot on paper may come out
 * an ulp below it. The nudge is far below the finest tick of a container and far above an ulp. */
static const double nudge = 1e-9;

static int64_t slot_of(double seconds, double fps)
{
    double slot = floor(seconds * fps + 0.5 + nudge);

    return slot < 0 ? 0 : slot > 1e15 ? (int64_t)1e15 : (int64_t)slot;
}

struct sampler sampler_new(double fps)
{
    return (struct sampler){.fps = fps, .slot = -1};
}

bool sampler_next(struct sampler *s, double pts)
{
    int64_t slot = slot_of(pts, s->fps), before = s->slot;
    bool judge = before >= 0 && slot > before;

    s->slot = slot > before ? slot : before;
    s->judged += judge;
    return judge;
}

bool sampler_end(struct sampler *s, double end)
{
    bool judge = s->slot >= 0 && (slot_of(end, s->fps) > s->slot || s->judged == 0);

    s->judged += judge;
    return judge;
}

int64_t sampler_slots(const struct sampler *s, double end)
{
    int64_t slots = slot_of(end, s->fps);

    if (s->slot < 0)
        return 0;
    if (slots < s->slot)
        slots = s->slot; /* the container claims an end before its last frame */
    return slots < 1 ? 1 : slots;
}

int sample_width(int src_width, int src_height, int height)
{
    int64_t half;

    if (src_width < 1 || src_height < 1 || height < 1)
        return 2;
    half = ((int64_t)height * src_width + src_height) / ((int64_t)src_height * 2);
    if (half < 1)
        half = 1;
    return half > SAMPLE_MAX_WIDTH / 2 ? SAMPLE_MAX_WIDTH : (int)half * 2;
}

double sample_rate(double fps, double duration, int max_frames)
{
    if (max_frames < 1 || !(duration > 0) || fps * duration <= max_frames)
        return fps;
    return max_frames / duration;
}
