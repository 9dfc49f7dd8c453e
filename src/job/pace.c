/* How long a job took for what it was given. */
#include "base/text.h"
#include "job/jobs_int.h"

/* Seconds of a video; pictures that were judged. */
static double units_of(const struct report *r)
{
    double judged = 0;

    if (text_is(r->pipeline, "scenes"))
        return r->media.duration;
    if (text_is(r->pipeline, "pictures"))
        for (size_t i = 0; i < r->nitems; i++)
            judged += r->items[i].error.kind == ERR_NONE;
    return judged;
}

struct pace pace_of(struct arena *a, const struct report *r, int64_t analysis_us)
{
    double units = r ? units_of(r) : 0, ns = units > 0 ? (double)analysis_us * 1000 / units : 0;

    if (!(ns > 0 && ns < 1e18)) /* a video of almost no length says nothing */
        return (struct pace){0};
    return (struct pace){arena_strdup(a, r->pipeline), (int64_t)ns};
}
