#include "cmd/timeline.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/foreign.h"
#include "cmd/found.h"

/* A row is a label and, behind it, the time axis. */
enum { LABEL = 24, MOST_ROWS = 50, MOST_PEOPLE = 20 };

struct sheet {
    struct buf *out;
    const struct terminal *t;
    struct arena *arena;
    double end;  /* of the time axis */
    size_t bars; /* columns of it */
};

/* ---- ink ---- */

enum ink { PLAIN, BOLD, FAINT, ALARMING };

static void ink(const struct sheet *s, enum ink which)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[1;31m"};

    if (s->t->colour)
        buf_str(s->out, codes[which]);
}

static void blanks(const struct sheet *s, size_t n)
{
    for (; n; n--)
        buf_str(s->out, " ");
}

static void foreign(const struct sheet *s, const char *text, size_t columns)
{
    foreign_plain(s->out, text, columns, s->t->utf8);
}

static void heading(const struct sheet *s, const char *text)
{
    ink(s, BOLD);
    buf_str(s->out, text);
    ink(s, PLAIN);
    buf_str(s->out, "\n");
}

/* What is left of a list that is too long. */
static void more(const struct sheet *s, size_t n, size_t shown)
{
    if (n > shown)
        buf_printf(s->out, "  and %zu more: --json has them all\n", n - shown);
}

/* The label of a row: two blanks, then at most LABEL - 3 columns, filled up. */
static void label(const struct sheet *s, const char *text)
{
    buf_str(s->out, "  ");
    blanks(s, LABEL - 2 - foreign_plain(s->out, text, LABEL - 3, s->t->utf8));
}

/* ---- rows along the axis ---- */

static void bar(const struct sheet *s, const struct segment *segments, size_t n)
{
    static const char *const filled[] = {"#", "\xe2\x96\x88"}, *const empty[] = {".", "\xc2\xb7"};
    bool *cells = arena_array(s->arena, s->bars, sizeof *cells);

    for (size_t i = 0; i < n; i++) {
        struct found_span span = found_span(segments[i], s->end, s->bars);
        for (size_t k = span.from; k < span.to; k++)
            cells[k] = true;
    }
    for (size_t i = 0; i < s->bars; i++) {
        if (!i || cells[i] != cells[i - 1])
            ink(s, cells[i] ? PLAIN : FAINT);
        buf_str(s->out, (cells[i] ? filled : empty)[s->t->utf8]);
    }
    ink(s, PLAIN);
    buf_str(s->out, "\n");
}

/* Times, each standing where it is. */
static void axis(const struct sheet *s)
{
    double step = found_step(s->end, (int)(s->bars / 8));
    size_t at = 0;

    blanks(s, LABEL);
    ink(s, FAINT);
    for (int i = 0; i * step < s->end || !i; i++) {
        CLEANUP(buf_clear) struct buf time = BUF(64);
        size_t wanted = found_span((struct segment){i * step, i * step}, s->end, s->bars).from;
        found_clock(&time, i * step, false);
        if (wanted + time.len > s->bars || wanted < at)
            break;
        blanks(s, wanted - at);
        buf_str(s->out, time.data);
        at = wanted + time.len;
    }
    ink(s, PLAIN);
    buf_str(s->out, "\n");
}

static void activity(const struct sheet *s, const struct scenery *found)
{
    static const char ascii[][2] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    static const char *const blocks[] = {" ",
                                         "\xe2\x96\x81",
                                         "\xe2\x96\x82",
                                         "\xe2\x96\x83",
                                         "\xe2\x96\x84",
                                         "\xe2\x96\x85",
                                         "\xe2\x96\x86",
                                         "\xe2\x96\x87",
                                         "\xe2\x96\x88"};
    float *parts = found_activity(s->arena, found, s->end, s->bars);

    if (!found->nactivity)
        return;
    label(s, "activity");
    for (size_t i = 0; i < s->bars; i++) {
        int level = (int)lroundf(parts[i] * (COUNT_OF(blocks) - 1));
        buf_str(s->out, s->t->utf8 ? blocks[level] : ascii[level]);
    }
    buf_str(s->out, "\n");
}

static void shots(const struct sheet *s, const struct scenery *found)
{
    if (!found->nshots)
        return;
    heading(s, "shots");
    for (size_t i = 0; i < found->nshots && i < MOST_ROWS; i++) {
        CLEANUP(buf_clear) struct buf text = BUF(256);
        const struct shot *shot = &found->shots[i];
        buf_printf(&text, "%2zu ", i + 1);
        found_clock(&text, shot->time.start, true);
        buf_printf(&text, " %s", found_begins[shot->begin]);
        label(s, text.data);
        bar(s, &shot->time, 1);
    }
    more(s, found->nshots, MOST_ROWS);
}

static void people(const struct sheet *s, const struct scenery *found)
{
    if (!found->npeople)
        return;
    heading(s, "people");
    for (size_t i = 0; i < found->npeople && i < MOST_PEOPLE; i++) {
        CLEANUP(buf_clear) struct buf text = BUF(256);
        struct segment *seen;
        size_t n = found_seen(s->arena, found, (int)i, 0, &seen);
        buf_printf(&text, "%2zu ", i + 1);
        found_person(&text, &found->people[i]);
        label(s, text.data);
        bar(s, seen, n);
    }
    more(s, found->npeople, MOST_PEOPLE);
}

static void sections(const struct sheet *s, const struct scenery *found)
{
    enum { TAG = LABEL - 9 };

    if (!found->nsections)
        return;
    heading(s, "sections");
    for (size_t i = 0; i < found->nsections && i < MOST_ROWS; i++) {
        const struct section *section = &found->sections[i];
        if (section->critical)
            ink(s, ALARMING);
        buf_str(s->out, section->critical ? "! " : "  ");
        blanks(s, TAG - foreign_plain(s->out, section->tag, TAG, s->t->utf8));
        ink(s, PLAIN);
        buf_printf(s->out, "  %.2f ", section->confidence);
        bar(s, section->segments, section->nsegments);
    }
    more(s, found->nsections, MOST_ROWS);
}

static void texts(const struct sheet *s, const struct scenery *found, bool picture)
{
    if (!found->ntexts)
        return;
    heading(s, "texts");
    for (size_t i = 0; i < found->ntexts && i < MOST_ROWS; i++) {
        CLEANUP(buf_clear) struct buf when = BUF(256);
        const struct scene_text *text = &found->texts[i];
        if (!picture) {
            found_clock(&when, text->time.start, true);
            buf_str(&when, " - ");
            found_clock(&when, text->time.end, true);
        } else
            buf_printf(&when, "%.2f", text->confidence);
        buf_printf(s->out, "  %-*s  ", picture ? 4 : 17, when.data);
        blanks(s, 4 - foreign_plain(s->out, text->language ? text->language : "", 3, s->t->utf8));
        foreign(s, text->words, (size_t)s->t->width - (picture ? 13 : 26));
        buf_str(s->out, "\n");
    }
    more(s, found->ntexts, MOST_ROWS);
}

/* ---- videos ---- */

static void name_line(const struct sheet *s, const char *name, const char *between)
{
    ink(s, BOLD);
    foreign(s, name, 4096);
    ink(s, PLAIN);
    buf_str(s->out, between);
}

static void trouble(const struct sheet *s, const char *what, const struct err *why)
{
    ink(s, ALARMING);
    buf_str(s->out, what);
    ink(s, PLAIN);
    buf_printf(s->out, " (%s): ", err_code(why->kind));
    foreign(s, why->text, sizeof why->text);
    buf_str(s->out, "\n");
}

static void missing(const struct sheet *s, const struct scenery *found, bool picture)
{
    CLEANUP(buf_clear) struct buf what = BUF(256);

    if (found_missing(&what, found, picture))
        buf_printf(s->out, "  not looked for: %s\n", what.data);
}

static void video_header(const struct sheet *s, const char *name, const struct report *r)
{
    const struct media_info *m = &r->media;

    name_line(s, name, ": ");
    if (r->error.kind != ERR_NONE)
        trouble(s, r->scenery ? "CUT OFF" : "COULD NOT BE JUDGED", &r->error);
    if (!r->scenery)
        return;
    buf_str(s->out, r->error.kind == ERR_NONE ? "" : "  until then ");
    found_counts(s->out, r->scenery);
    buf_str(s->out, "\n  ");
    found_clock(s->out, m->duration, true);
    buf_printf(s->out, " of %d x %d (", m->width, m->height);
    foreign(s, m->codec, 32);
    buf_printf(s->out, ", %.4g fps%s), ", m->fps, m->truncated ? ", breaks off" : "");
    found_size(s->out, r->subject.size);
    buf_printf(s->out, "; models saw %d frames; %.2f s\n", r->sampling.judged, (double)r->total_us / 1e6);
    missing(s, r->scenery, false);
}

static void video(struct sheet *s, const char *name, const struct report *r)
{
    s->end = found_end(r);
    s->bars = (size_t)s->t->width - LABEL - 1;
    video_header(s, name, r);
    if (!r->scenery)
        return;
    axis(s);
    activity(s, r->scenery);
    shots(s, r->scenery);
    people(s, r->scenery);
    sections(s, r->scenery);
    texts(s, r->scenery, false);
}

/* ---- pictures ---- */

static void tags(const struct sheet *s, const struct scenery *found)
{
    if (!found->ntags)
        return;
    heading(s, "tags");
    for (size_t i = 0; i < found->ntags && i < MOST_ROWS; i++) {
        const struct scene_tag *tag = &found->tags[i];
        if (tag->critical)
            ink(s, ALARMING);
        buf_printf(s->out, "%s%.2f  ", tag->critical ? "! " : "  ", tag->probability);
        foreign(s, tag->name, (size_t)s->t->width - 9);
        ink(s, PLAIN);
        buf_str(s->out, "\n");
    }
    more(s, found->ntags, MOST_ROWS);
}

static void faces(const struct sheet *s, const struct scenery *found)
{
    if (!found->npeople)
        return;
    heading(s, "people");
    for (size_t i = 0; i < found->npeople && i < MOST_PEOPLE; i++) {
        const struct person *p = &found->people[i];
        CLEANUP(buf_clear) struct buf text = BUF(256);
        buf_printf(&text, "%2zu ", i + 1);
        found_person(&text, p);
        label(s, text.data);
        buf_printf(s->out, "at (%.0f %%, %.0f %%), %.0f %% wide\n",
                   100 * ((double)p->box.x + (double)p->box.w / 2),
                   100 * ((double)p->box.y + (double)p->box.h / 2), 100 * (double)p->box.w);
    }
    more(s, found->npeople, MOST_PEOPLE);
}

static void picture(const struct sheet *s, const char *name, const struct item *item)
{
    name_line(s, name, ": ");
    if (item->error.kind != ERR_NONE) {
        trouble(s, "COULD NOT BE JUDGED", &item->error);
        return;
    }
    found_counts(s->out, &item->scenery);
    buf_str(s->out, "\n  ");
    foreign(s, item->format, 32);
    buf_printf(s->out, ", %d x %d\n", item->width, item->height);
    missing(s, &item->scenery, true);
    tags(s, &item->scenery);
    faces(s, &item->scenery);
    texts(s, &item->scenery, true);
}

static void pictures(const struct sheet *s, const char *name, const struct report *r)
{
    if (r->error.kind != ERR_NONE) {
        name_line(s, name, ": ");
        trouble(s, "COULD NOT BE JUDGED", &r->error);
    }
    for (size_t i = 0; i < r->nitems; i++) {
        const char *one = arena_printf(s->arena, r->nitems > 1 ? "%s, picture %zu" : "%s", name, i + 1);
        if (r->items[i].error.kind == ERR_NONE || r->error.kind == ERR_NONE)
            picture(s, one, &r->items[i]);
    }
}

void timeline_print(struct buf *out, const char *name, const struct report *r, const struct terminal *t)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct sheet s = {.out = out, .t = t, .arena = a};

    if (text_is(r->pipeline, "pictures"))
        pictures(&s, name, r);
    else
        video(&s, name, r);
}
