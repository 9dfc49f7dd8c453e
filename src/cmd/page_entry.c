#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/foreign.h"
#include "cmd/found.h"
#include "cmd/page_int.h"

/* ---- parts ---- */

void page_image(struct buf *out, struct bytes jpeg, const char *class, const char *alt)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    if (jpeg.len < 4 || memcmp(jpeg.data, "\xff\xd8\xff", 3) != 0)
        return;
    buf_printf(out, "<img class=\"%s\" alt=\"%s\" src=\"data:image/jpeg;base64,", class, alt);
    buf_str(out, base64_encode(a, jpeg));
    buf_str(out, "\">");
}

void page_more(struct buf *out, size_t n, size_t shown)
{
    if (n > shown)
        buf_printf(out, "<p class=\"more\">and %zu more: <code>--json</code> has them all</p>\n", n - shown);
}

static void foreign(struct buf *out, const char *text)
{
    buf_str(out, "<bdi>");
    foreign_html(out, text);
    buf_str(out, "</bdi>");
}

static void open_table(struct buf *out, const char *class)
{
    buf_printf(out, "<table class=\"%s\">\n", class);
}

static void close_table(struct buf *out)
{
    buf_str(out, "</table>\n");
}

/* A row of two cells; both are foreign. */
PRINTF(3, 4) static void row(struct buf *out, const char *what, const char *fmt, ...)
{
    CLEANUP(freep) char *text = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    buf_str(out, "<tr><th>");
    foreign_html(out, what);
    buf_str(out, "</th><td>");
    foreign(out, text ? text : "");
    buf_str(out, "</td></tr>\n");
}

/* ---- what came of it ---- */

static void trouble(struct buf *out, const char *what, const struct err *why)
{
    buf_printf(out, "<p class=\"verdict alarming\">%s (%s): ", what, err_code(why->kind));
    foreign(out, why->text);
    buf_str(out, "</p>\n");
}

static void counts(struct buf *out, const struct scenery *s)
{
    buf_str(out, "<p class=\"verdict\">");
    found_counts(out, s);
    buf_str(out, "</p>\n");
}

static void critical(struct buf *out, const struct scenery *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->nsections + s->ntags; i++) {
        const struct section *section = i < s->nsections ? &s->sections[i] : NULL;
        const struct scene_tag *tag = section ? NULL : &s->tags[i - s->nsections];
        if (!(section ? section->critical : tag->critical))
            continue;
        buf_str(out, n++ ? ", " : "<p class=\"alarming\">Critical: ");
        foreign(out, section ? section->tag : tag->name);
    }
    buf_str(out, n ? "</p>\n" : "");
}

static void missing(struct buf *out, const struct scenery *s, bool picture)
{
    CLEANUP(buf_clear) struct buf what = BUF(256);

    if (found_missing(&what, s, picture))
        buf_printf(out, "<p class=\"facts\">Not looked for: %s.</p>\n", what.data);
}

static void language_cell(struct buf *out, const struct scene_text *t)
{
    buf_str(out, "<td>");
    foreign_html(out, t->language ? t->language : "");
    buf_printf(out, "</td><td>%.2f</td></tr>\n", t->confidence);
}

static void texts(struct buf *out, const struct scenery *s, bool picture)
{
    if (!s->ntexts)
        return;
    buf_str(out, "<section><h3>Texts</h3>\n");
    open_table(out, "texts");
    for (size_t i = 0; i < s->ntexts && i < PAGE_ROWS; i++) {
        const struct scene_text *t = &s->texts[i];
        buf_str(out, "<tr>");
        if (!picture) {
            buf_str(out, "<td class=\"time\">");
            found_clock(out, t->time.start, true);
            buf_str(out, " - ");
            found_clock(out, t->time.end, true);
            buf_str(out, "</td>");
        }
        buf_str(out, "<td class=\"words\">");
        foreign(out, t->words);
        buf_str(out, "</td>");
        language_cell(out, t);
    }
    close_table(out);
    page_more(out, s->ntexts, PAGE_ROWS);
    buf_str(out, "</section>\n");
}

/* ---- a video ---- */

/* The shot at that time; 0 = none. */
static size_t shot_at(const struct scenery *s, double pts)
{
    for (size_t i = s->nshots; i; i--)
        if (s->shots[i - 1].time.start <= pts)
            return i;
    return 0;
}

static void shots(struct buf *out, const struct page_entry *e)
{
    const struct scenery *s = e->report->scenery;

    if (!e->nframes)
        return;
    buf_str(out, "<section><h3>Shots</h3>\n<ol class=\"strip\">\n");
    for (size_t i = 0; i < e->nframes; i++) {
        size_t shot = shot_at(s, e->frames[i].pts);
        const struct shot *found = shot ? &s->shots[shot - 1] : NULL;
        buf_str(out, "<li>");
        page_image(out, e->frames[i].jpeg, "frame", "");
        if (found)
            buf_printf(out, "<span>%zu</span> ", shot);
        found_clock(out, found ? found->time.start : e->frames[i].pts, true);
        if (found && *found_begins[found->begin])
            buf_printf(out, " <small>%s</small>", found_begins[found->begin]);
        buf_str(out, "</li>\n");
    }
    buf_str(out, "</ol>\n");
    if (s->nshots > e->nframes)
        buf_printf(out, "<p class=\"more\">%zu of %zu shots</p>\n", e->nframes, s->nshots);
    buf_str(out, "</section>\n");
}

static bool is_within(const struct section *s, double pts)
{
    for (size_t i = 0; i < s->nsegments; i++)
        if (pts >= s->segments[i].start && pts < s->segments[i].end)
            return true;
    return false;
}

/* The thumbnail inside the section that is nearest to its best moment; NULL = none is inside. */
static const struct strip_frame *best_frame(const struct page_entry *e, const struct section *s)
{
    const struct strip_frame *best = NULL;

    for (size_t i = 0; i < e->nframes; i++)
        if (is_within(s, e->frames[i].pts) &&
            (!best || fabs(e->frames[i].pts - s->best_pts) < fabs(best->pts - s->best_pts)))
            best = &e->frames[i];
    return best;
}

static void section(struct buf *out, const struct page_entry *e, const struct section *s)
{
    const struct strip_frame *best = best_frame(e, s);

    buf_str(out, "<li>");
    if (best)
        page_image(out, best->jpeg, "frame", "");
    buf_printf(out, "<span%s>", s->critical ? " class=\"alarming\"" : "");
    foreign(out, s->tag);
    buf_printf(out, "</span><br><small>%.2f, best at ", s->confidence);
    found_clock(out, s->best_pts, true);
    buf_printf(out, ", activity %.2f</small></li>\n", s->activity);
}

static void sections(struct buf *out, const struct page_entry *e)
{
    const struct scenery *s = e->report->scenery;

    if (!s->nsections)
        return;
    buf_str(out, "<section><h3>Sections</h3>\n<ol class=\"strip\">\n");
    for (size_t i = 0; i < s->nsections; i++)
        section(out, e, &s->sections[i]);
    buf_str(out, "</ol></section>\n");
}

static void video_facts(struct buf *out, const struct report *r)
{
    const struct media_info *m = &r->media;

    buf_str(out, "<p class=\"facts\">");
    found_clock(out, m->duration, true);
    buf_printf(out, " of %d &times; %d, ", m->width, m->height);
    foreign(out, m->codec);
    buf_printf(out, ", %.4g frames a second%s; ", m->fps, m->truncated ? ", breaks off" : "");
    found_size(out, r->subject.size);
    buf_str(out, ".</p>\n");
}

static void video(struct buf *out, const struct page_entry *e)
{
    const struct report *r = e->report;

    if (r->error.kind != ERR_NONE)
        trouble(out, r->scenery ? "Cut off; until then" : "Could not be judged", &r->error);
    if (!r->scenery)
        return;
    counts(out, r->scenery);
    critical(out, r->scenery);
    video_facts(out, r);
    missing(out, r->scenery, false);
    shots(out, e);
    page_lanes(out, r);
    sections(out, e);
    texts(out, r->scenery, false);
}

/* ---- pictures ---- */

static void tags(struct buf *out, const struct scenery *s)
{
    if (!s->ntags)
        return;
    buf_str(out, "<section><h3>Tags</h3>\n");
    open_table(out, "tags");
    for (size_t i = 0; i < s->ntags; i++) {
        const struct scene_tag *t = &s->tags[i];
        buf_printf(out, "<tr><td%s>", t->critical ? " class=\"alarming\"" : "");
        foreign(out, t->name);
        buf_printf(out, "</td><td>%.2f</td><td class=\"bar\">", t->probability);
        page_bar(out, t->probability, t->critical);
        buf_str(out, "</td></tr>\n");
    }
    close_table(out);
    buf_str(out, "</section>\n");
}

static void faces(struct buf *out, const struct scenery *s)
{
    if (!s->npeople)
        return;
    buf_str(out, "<section><h3>People</h3>\n<ol class=\"strip\">\n");
    for (size_t i = 0; i < s->npeople && i < PAGE_PEOPLE; i++) {
        buf_str(out, "<li>");
        page_image(out, s->people[i].thumbnail, "face", "");
        buf_printf(out, "<span>person %zu</span> <small>", i + 1);
        found_person(out, &s->people[i]);
        buf_str(out, "</small></li>\n");
    }
    buf_str(out, "</ol>\n");
    page_more(out, s->npeople, PAGE_PEOPLE);
    buf_str(out, "</section>\n");
}

static void picture(struct buf *out, const struct page_entry *e, size_t at)
{
    const struct item *item = &e->report->items[at];

    if (item->error.kind != ERR_NONE) {
        trouble(out, "Could not be judged", &item->error);
        return;
    }
    for (size_t i = 0; i < e->nframes; i++)
        if (llround(e->frames[i].pts) == (long long)at)
            page_image(out, e->frames[i].jpeg, "frame", "");
    counts(out, &item->scenery);
    critical(out, &item->scenery);
    buf_str(out, "<p class=\"facts\">");
    foreign(out, item->format);
    buf_printf(out, ", %d &times; %d</p>\n", item->width, item->height);
    missing(out, &item->scenery, true);
    tags(out, &item->scenery);
    faces(out, &item->scenery);
    texts(out, &item->scenery, true);
}

static void pictures(struct buf *out, const struct page_entry *e)
{
    if (e->report->error.kind != ERR_NONE)
        trouble(out, "Could not be judged", &e->report->error);
    for (size_t i = 0; i < e->report->nitems; i++)
        picture(out, e, i);
}

/* ---- an alarm clip ---- */

static void alarm(struct buf *out, const struct page_entry *e)
{
    const struct report *r = e->report;

    if (r->error.kind != ERR_NONE)
        trouble(out, r->verdict.rule ? "Cut off; at least what follows" : "No verdict", &r->error);
    if (r->verdict.rule) {
        buf_printf(out, "<p class=\"verdict%s\">", text_is(r->verdict.risk, "safe") ? "" : " alarming");
        foreign(out, r->verdict.risk);
        buf_str(out, "</p>\n");
        video_facts(out, r);
    }
    open_table(out, "tags");
    for (size_t i = 0; i < r->nscores; i++) {
        buf_str(out, "<tr><td>");
        foreign(out, r->scores[i].label);
        buf_printf(out, "</td><td>%.2f</td><td class=\"bar\">", r->scores[i].value);
        page_bar(out, r->scores[i].value, false);
        buf_str(out, "</td></tr>\n");
    }
    close_table(out);
}

/* ---- evidence ---- */

static void models(struct buf *out, const struct report *r)
{
    for (size_t i = 0; i < r->nmodels; i++) {
        const struct model_ref *m = &r->models[i];
        row(out, "model", "%s %s (%s), sha256 %s%s%s", m->name, m->version, m->task, m->sha256,
            m->card ? ", card sha256 " : "", m->card ? m->card : "");
    }
}

static void configuration(struct buf *out, const struct configuration *c)
{
    const struct scenes_params *p = &c->scenes;

    if (c->scenes_known)
        row(out, "asked for", "%s%s%s%s%s%s; %g frames a second; within %lld ms", p->people ? "people " : "",
            p->texts ? "texts " : "", p->tags ? "tags " : "", p->embeddings ? "embeddings " : "",
            p->thumbnails ? "face-thumbnails " : "", p->age_gender ? "age-gender" : "", p->fps,
            (long long)c->deadline_ms);
    else
        row(out, "asked for", "%g frames a second, %d at most, of %d lines; low %g, high %g; within %lld ms",
            c->alarm.fps, c->alarm.max_frames, c->alarm.height, c->alarm.rule.low, c->alarm.rule.high,
            (long long)c->deadline_ms);
}

static void evidence(struct buf *out, const struct report *r)
{
    buf_str(out, "<section><h3>Evidence</h3>\n");
    open_table(out, "evidence");
    row(out, "file", "sha256 %s, %lld bytes", r->subject.sha256, (long long)r->subject.size);
    row(out, "pipeline", "%s", r->pipeline);
    if (r->media.codec && *r->media.codec)
        row(out, "media", "%s, %s, %lld frames, models saw %d", r->media.container, r->media.codec,
            (long long)r->media.frames, r->sampling.judged);
    models(out, r);
    if (r->config.known)
        configuration(out, &r->config);
    row(out, "decoder", "%s", r->decoder ? r->decoder : "");
    if (r->runtime)
        row(out, "runtime", "%s", r->runtime);
    if (r->program.version)
        row(out, "program", "assay %s %s", r->program.version, r->program.commit);
    row(out, "time", "%.2f s; processor: %.2f s decoding, %.2f s models", (double)r->total_us / 1e6,
        (double)r->decode_us / 1e6, (double)r->infer_us / 1e6);
    close_table(out);
    buf_str(out, "</section>\n");
}

void page_entry(struct buf *out, const struct page_entry *e)
{
    buf_str(out, "<article>\n<h2>");
    foreign(out, e->name);
    buf_str(out, "</h2>\n");
    if (!e->report)
        trouble(out, "Could not be judged", &e->error);
    else if (text_is(e->report->pipeline, "pictures"))
        pictures(out, e);
    else if (text_is(e->report->pipeline, "scenes"))
        video(out, e);
    else
        alarm(out, e);
    if (e->report)
        evidence(out, e->report);
    buf_str(out, "</article>\n");
}
