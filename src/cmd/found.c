#include "cmd/found.h"

#include <math.h>

#include "base/cleanup.h"

const char *const found_begins[] = {[SHOT_START] = "", [SHOT_CUT] = "cut", [SHOT_GRADUAL] = "gradual"};

/* ---- words ---- */

static void add_count(struct buf *out, bool looked_for, size_t n, const char *one, const char *many)
{
    if (!looked_for)
        return;
    buf_str(out, out->len ? ", " : "");
    if (n)
        buf_printf(out, "%zu %s", n, n == 1 ? one : many);
    else
        buf_printf(out, "no %s", one);
}

void found_counts(struct buf *out, const struct scenery *s)
{
    CLEANUP(buf_clear) struct buf all = BUF(out->max);

    add_count(&all, s->has_shots, s->nshots, "shot", "shots");
    add_count(&all, s->has_people, s->npeople, "person", "people");
    add_count(&all, s->has_texts, s->ntexts, "text", "texts");
    add_count(&all, s->has_sections, s->nsections, "section", "sections");
    add_count(&all, s->has_tags, s->ntags, "tag", "tags");
    buf_str(out, all.len ? all.data : "nothing was looked for");
}

bool found_missing(struct buf *out, const struct scenery *s, bool picture)
{
    const char *between = "";

    if (!s->has_people)
        buf_str(out, "people"), between = ", ";
    if (!s->has_texts)
        buf_printf(out, "%stexts", between), between = ", ";
    if (picture ? !s->has_tags : !s->has_sections)
        buf_printf(out, "%s%s", between, picture ? "tags" : "sections"), between = ", ";
    return *between;
}

void found_person(struct buf *out, const struct person *p)
{
    static const char *const genders[] = {
        [GENDER_UNIDENTIFIED] = "", [GENDER_FEMALE] = "female", [GENDER_MALE] = "male"};
    const char *between = "";

    if (*genders[p->gender])
        buf_str(out, genders[p->gender]), between = ", ";
    if (!isnan(p->age))
        buf_printf(out, "%s~%.0f", between, p->age), between = ", ";
    if (p->listed == LISTED_YES)
        buf_printf(out, "%sknown", between);
}

void found_clock(struct buf *out, double seconds, bool tenths)
{
    int64_t t = llround(seconds * 10), s = t / 10;

    if (s >= 3600)
        buf_printf(out, "%lld:%02lld:%02lld", (long long)(s / 3600), (long long)(s / 60 % 60),
                   (long long)(s % 60));
    else
        buf_printf(out, "%lld:%02lld", (long long)(s / 60), (long long)(s % 60));
    if (tenths)
        buf_printf(out, ".%lld", (long long)(t % 10));
}

void found_size(struct buf *out, int64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double n = (double)bytes;
    size_t i = 0;

    for (; n >= 1000 && i + 1 < COUNT_OF(units); i++)
        n /= 1000;
    buf_printf(out, i ? "%.1f %s" : "%.0f %s", n, units[i]);
}

/* ---- time ---- */

double found_end(const struct report *r)
{
    const struct scenery *s = r->scenery;
    double end = r->media.duration;

    if (!s)
        return end;
    if (s->nshots)
        end = fmax(end, s->shots[s->nshots - 1].time.end);
    if (s->nconstellations)
        end = fmax(end, s->constellations[s->nconstellations - 1].time.end);
    for (size_t i = 0; i < s->ntexts; i++)
        end = fmax(end, s->texts[i].time.end);
    return end;
}

double found_step(double end, int most)
{
    static const double steps[] = {1,   2,   5,    10,   15,   30,    60,    120,  300,
                                   600, 900, 1800, 3600, 7200, 14400, 43200, 86400};

    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (end <= steps[i] * most)
            return steps[i];
    return end;
}

/* 0..n */
static size_t part_of(double at, double end, size_t n)
{
    double part = end > 0 ? at / end * (double)n : 0;

    return part > 0 ? (size_t)fmin(part, (double)n) : 0;
}

struct found_span found_span(struct segment s, double end, size_t n)
{
    struct found_span span = {part_of(s.start, end, n), part_of(s.end, end, n)};

    if (end <= 0)
        return (struct found_span){0, n};
    if (part_of(s.end, end, n * 1000) > span.to * 1000)
        span.to++;
    if (span.from >= n)
        span.from = n - 1;
    if (span.to <= span.from)
        span.to = span.from + 1;
    return span;
}

static bool is_seen(const struct constellation *c, int person)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->seen[i].person == person)
            return true;
    return false;
}

size_t found_seen(struct arena *a, const struct scenery *s, int person, double grain,
                  struct segment **ret_segments)
{
    struct segment *all = NULL;
    size_t n = 0, cap = 0;

    for (size_t i = 0; i < s->nconstellations; i++) {
        const struct constellation *c = &s->constellations[i];
        if (!is_seen(c, person))
            continue;
        if (n && c->time.start - all[n - 1].end < grain)
            all[n - 1].end = fmax(all[n - 1].end, c->time.end);
        else
            ARENA_PUSH(a, all, n, cap) = c->time;
    }
    if (!n) /* too short a sight for a stretch of its own */
        ARENA_PUSH(a, all, n, cap) = (struct segment){s->people[person].box_pts, s->people[person].box_pts};
    *ret_segments = all;
    return n;
}

float *found_activity(struct arena *a, const struct scenery *s, double end, size_t n)
{
    float *parts = arena_array(a, n, sizeof *parts), most = 0;

    for (size_t i = 0; i < s->nactivity; i++) { /* what happened from sample i to the next */
        struct segment time = {(double)i * s->activity_step, (double)(i + 1) * s->activity_step};
        struct found_span span = found_span(time, end, n);
        for (size_t k = span.from; k < span.to; k++)
            parts[k] = fmaxf(parts[k], s->activity[i]);
        most = fmaxf(most, s->activity[i]);
    }
    for (size_t i = 0; i < n && most > 0; i++)
        parts[i] = sqrtf(fmaxf(parts[i], 0) / most);
    return parts;
}
