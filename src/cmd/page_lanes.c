#include <math.h>

#include "base/cleanup.h"
#include "cmd/foreign.h"
#include "cmd/found.h"
#include "cmd/page_int.h"

enum { CURVE = 1000, CURVE_HEIGHT = 100 }; /* units of the curve's drawing */

struct lanes {
    struct buf *out;
    struct arena *arena;
    const struct scenery *found;
    double end, grain; /* seconds; what is narrower than a grain is drawn as one with its neighbour */
};

static double percent(const struct lanes *l, double seconds)
{
    return l->end > 0 ? fmin(fmax(100 * seconds / l->end, 0), 100) : 0;
}

/* A rectangle for a stretch, with what a pointer over it tells. The caller closes it. */
static void open_rect(const struct lanes *l, struct segment s, const char *class)
{
    double from = percent(l, s.start), to = l->end > 0 ? percent(l, s.end) : 100;

    buf_printf(l->out, "<rect class=\"%s\" x=\"%.2f%%\" width=\"%.2f%%\" height=\"100%%\"><title>", class,
               from, fmax(to - from, 0.15));
    found_clock(l->out, s.start, true);
    buf_str(l->out, " - ");
    found_clock(l->out, s.end, true);
}

static void close_rect(const struct lanes *l)
{
    buf_str(l->out, "</title></rect>");
}

/* A lane's label is what the caller adds between these two. */
static void open_lane(const struct lanes *l)
{
    buf_str(l->out, "<div class=\"lane\"><div class=\"what\">");
}

static void open_svg(const struct lanes *l, const char *class)
{
    buf_printf(l->out, "</div><svg class=\"%s\" role=\"img\">", class);
}

static void close_lane(const struct lanes *l)
{
    buf_str(l->out, "</svg></div>\n");
}

/* ---- time and activity ---- */

static void axis(const struct lanes *l)
{
    double step = found_step(l->end, 8);

    open_lane(l);
    open_svg(l, "axis");
    for (int i = 0; i <= 8 && i * step <= l->end; i++) {
        double at = percent(l, i * step);
        buf_printf(l->out, "<text x=\"%.2f%%\" y=\"1em\"%s>", at, at > 95 ? " text-anchor=\"end\"" : "");
        found_clock(l->out, i * step, false);
        buf_str(l->out, "</text>");
    }
    close_lane(l);
}

static void boundaries(const struct lanes *l)
{
    double last = 0;

    for (size_t i = 1; i < l->found->nshots; i++) {
        double at = l->found->shots[i].time.start;
        if (at - last < l->grain)
            continue;
        last = at;
        buf_printf(l->out, "<line class=\"cut\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"100%%\"></line>",
                   percent(l, at), percent(l, at));
    }
}

static void activity(const struct lanes *l)
{
    size_t n = l->found->nactivity < CURVE ? l->found->nactivity : CURVE;
    float *parts = found_activity(l->arena, l->found, l->end, n);

    if (!n)
        return;
    open_lane(l);
    buf_str(l->out, "activity");
    open_svg(l, "activity");
    boundaries(l);
    buf_printf(l->out,
               "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" width=\"100%%\" height=\"100%%\">"
               "<polygon points=\"0,%d ",
               CURVE, CURVE_HEIGHT, CURVE_HEIGHT);
    for (size_t i = 0; i < n; i++)
        buf_printf(l->out, "%.0f,%.1f ", ((double)i + 0.5) * CURVE / (double)n,
                   CURVE_HEIGHT * (1 - (double)parts[i]));
    buf_printf(l->out, "%d,%d\"></polygon></svg>", CURVE, CURVE_HEIGHT);
    close_lane(l);
}

/* ---- what was found ---- */

static void shots(const struct lanes *l)
{
    const struct scenery *s = l->found;
    bool odd = false;

    if (!s->nshots)
        return;
    open_lane(l);
    buf_str(l->out, "shots");
    open_svg(l, "bars");
    for (size_t i = 0; i < s->nshots; odd = !odd) {
        size_t first = i;
        struct segment time = s->shots[i++].time;
        while (i < s->nshots && time.end - time.start < l->grain)
            time.end = s->shots[i++].time.end;
        open_rect(l, time, odd ? "odd" : "even");
        if (i - first == 1)
            buf_printf(l->out, ": shot %zu", i);
        else
            buf_printf(l->out, ": shots %zu to %zu", first + 1, i);
        close_rect(l);
    }
    close_lane(l);
}

static void person(const struct lanes *l, size_t i)
{
    const struct person *p = &l->found->people[i];
    struct segment *seen;
    size_t n = found_seen(l->arena, l->found, (int)i, l->grain, &seen);

    open_lane(l);
    page_image(l->out, p->thumbnail, "face", "");
    buf_printf(l->out, "<span>person %zu<br><small>", i + 1);
    found_person(l->out, p);
    buf_str(l->out, "</small></span>");
    open_svg(l, "bars");
    for (size_t k = 0; k < n; k++) {
        open_rect(l, seen[k], "person");
        close_rect(l);
    }
    close_lane(l);
}

static void people(const struct lanes *l)
{
    for (size_t i = 0; i < l->found->npeople && i < PAGE_PEOPLE; i++)
        person(l, i);
    page_more(l->out, l->found->npeople, PAGE_PEOPLE);
}

static void texts(const struct lanes *l)
{
    const struct scenery *s = l->found;

    if (!s->ntexts)
        return;
    open_lane(l);
    buf_str(l->out, "texts");
    open_svg(l, "bars");
    for (size_t i = 0; i < s->ntexts && i < PAGE_ROWS; i++) {
        open_rect(l, s->texts[i].time, "text");
        buf_str(l->out, ": ");
        foreign_html(l->out, s->texts[i].words);
        close_rect(l);
    }
    close_lane(l);
}

static void section(const struct lanes *l, const struct section *s)
{
    open_lane(l);
    buf_printf(l->out, "<span%s><bdi>", s->critical ? " class=\"alarming\"" : "");
    foreign_html(l->out, s->tag);
    buf_printf(l->out, "</bdi><br><small>%.2f%s</small></span>", s->confidence,
               s->critical ? ", critical" : "");
    open_svg(l, "bars");
    for (size_t i = 0; i < s->nsegments;) {
        struct segment time = s->segments[i++];
        while (i < s->nsegments && s->segments[i].start - time.end < l->grain)
            time.end = fmax(time.end, s->segments[i++].end);
        open_rect(l, time, s->critical ? "critical" : "section");
        close_rect(l);
    }
    close_lane(l);
}

void page_lanes(struct buf *out, const struct report *r)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct lanes l = {.out = out, .arena = a, .found = r->scenery, .end = found_end(r)};

    l.grain = l.end / PAGE_GRAINS;
    buf_str(out, "<section><h3>Timeline</h3>\n");
    axis(&l);
    activity(&l);
    shots(&l);
    people(&l);
    for (size_t i = 0; i < l.found->nsections; i++)
        section(&l, &l.found->sections[i]);
    texts(&l);
    buf_str(out, "</section>\n");
}

void page_bar(struct buf *out, double value, bool alarming)
{
    buf_printf(out,
               "<svg class=\"bars small\"><rect class=\"%s\" width=\"%.1f%%\" height=\"100%%\"></rect></svg>",
               alarming ? "critical" : "section", 100 * fmin(fmax(value, 0), 1));
}
