/* A run as a page to read: one file, no script, nothing loaded from anywhere. Everything that came from
 * outside is escaped. Pure. */
#include <math.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/text.h"

enum { PAGE_MAX = 16 << 20 };

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}"
    "h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.1rem;margin:2rem 0 .4rem}"
    ".artificial{color:#a11}.human{color:#175}.unknown{color:#765}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .6rem;"
    "border-bottom:1px solid #ddd;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "code{overflow-wrap:anywhere;font-size:.85em}p.note{color:#555}";

const char *page_policy(struct arena *a)
{
    CLEANUP(hasher_freep) struct hasher *h = hasher_new();
    uint8_t sum[HASH_SIZE];

    hasher_add(h, bytes_of(style, sizeof style - 1));
    hasher_sum(h, sum);
    return arena_printf(a,
                        "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
                        "frame-ancestors 'none'",
                        base64_encode(a, bytes_of(sum, sizeof sum)));
}

/* ---- words ---- */

static void escaped(struct buf *b, const char *text)
{
    for (const char *s = text ? text : ""; *s; s++) {
        switch (*s) {
        case '&':
            buf_str(b, "&amp;");
            break;
        case '<':
            buf_str(b, "&lt;");
            break;
        case '>':
            buf_str(b, "&gt;");
            break;
        case '"':
            buf_str(b, "&quot;");
            break;
        case '\'':
            buf_str(b, "&#39;");
            break;
        default:
            buf_add(b, s, 1);
        }
    }
}

static void cell(struct buf *b, const char *text)
{
    buf_str(b, "<td>");
    escaped(b, text);
    buf_str(b, "</td>");
}

/* Cut, not rounded: 99.96 % is not 100 %. */
static double percent(double score)
{
    return isfinite(score) ? floor(score * 1000 + 1e-9) / 10 : 0;
}

static void begin(struct buf *b, const char *title)
{
    buf_printf(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                  "<meta name=\"referrer\" content=\"no-referrer\"><title>");
    escaped(b, title);
    buf_printf(b, "</title><style>%s</style></head><body>\n", style);
}

static struct bytes end(struct arena *a, struct buf *b)
{
    struct bytes all;

    buf_str(b, "</body></html>\n");
    all = buf_bytes(b);
    return bytes_of(arena_strndup(a, (const char *)all.data, all.len), all.len);
}

/* ---- the answer ---- */

static const char *const things[SUBJECT_KINDS] = {
    [KIND_IMAGE] = "image", [KIND_VIDEO] = "video", [KIND_AUDIO] = "sound"};

static void put_answer(struct buf *b, const struct shown *s)
{
    struct decision d;

    if (text_is(s->status, "new")) {
        buf_str(b, "<h1 class=\"unknown\">Not finished yet</h1><p>Load this page again in a moment.</p>\n");
    } else if (text_is(s->status, "errored")) {
        buf_str(b, "<h1 class=\"unknown\">No answer: the file could not be judged</h1><p>");
        escaped(b, s->job->error_text);
        buf_str(b, "</p>\n");
    } else if (!shown_decision(s, false, &d)) {
        buf_str(b, "<h1 class=\"unknown\">Unknown</h1><p>Nobody can say from this file whether a human or a "
                   "machine made it. That is no sign for the one or the other.</p>\n");
    } else if (!d.stream) {
        buf_printf(b,
                   "<h1 class=\"artificial\">Artificial</h1><p>The Content Credentials in the file say that "
                   "this %s was made with a generative model.</p>\n",
                   things[s->notes.kind]);
    } else {
        const char *word = origin_name(d.answer.origin);
        buf_printf(b, "<h1 class=\"%s\">%s</h1><p>%.1f %%, by the heuristic ", word,
                   d.answer.origin == ORIGIN_ARTIFICIAL ? "Artificial" : "Human",
                   percent(d.answer.confidence));
        escaped(b, d.heuristic);
        if (s->notes.kind == KIND_VIDEO)
            buf_printf(b, ": %zu of %zu frames", d.count, d.stream->nparts);
        buf_str(b, ".</p>\n");
    }
}

static void put_override(struct buf *b, const struct shown *s)
{
    if (!s->forced)
        return;
    buf_str(b, "<p><strong>A person has set this result to \"");
    escaped(b, s->forced);
    buf_str(b, "\".</strong> What was computed stands unchanged beside it.</p>\n");
}

static void put_file(struct buf *b, const struct shown *s)
{
    buf_str(b, "<h2>File</h2><table><tr><th>Name</th>");
    cell(b, s->job->name);
    buf_str(b, "</tr><tr><th>SHA-256</th><td><code>");
    escaped(b, *s->job->sha256 ? s->job->sha256 : "not here yet");
    buf_str(b, "</code></td></tr><tr><th>Identifier</th><td><code>");
    escaped(b, s->notes.identifier);
    buf_str(b, "</code></td></tr>");
    if (s->notes.ref_id) {
        buf_str(b, "<tr><th>Reference</th>");
        cell(b, s->notes.ref_id);
        buf_str(b, "</tr>");
    }
    buf_str(b, "</table>\n");
}

/* ---- tables ---- */

static void score_cells(struct buf *b, const struct vote *v, const char *code)
{
    if (v->unknown || code) {
        buf_str(b, "<td colspan=\"2\">cannot judge");
        if (code) {
            buf_str(b, ": ");
            escaped(b, code);
        }
        buf_str(b, "</td>");
        return;
    }
    buf_printf(b, "<td class=\"n\">%.1f %%</td><td class=\"n\">%.1f %%</td>",
               percent(v->score[ORIGIN_ARTIFICIAL]), percent(v->score[ORIGIN_HUMAN]));
}

static void put_models(struct buf *b, const struct origin_stream *s)
{
    buf_str(b, "<h2>Models</h2><table><tr><th>Model</th><th>Artificial</th><th>Human</th><th></th></tr>\n");
    for (size_t m = 0; m < s->nmodels; m++) {
        struct vote mean = s->summaries[m].mean;
        const char *code = s->nparts == 1 ? s->parts[0].opinions[m].code : NULL;
        mean.unknown = s->summaries[m].known == 0;
        buf_str(b, "<tr>");
        cell(b, s->models[m].model);
        score_cells(b, &mean, mean.unknown ? code : NULL);
        cell(b, s->models[m].counts ? "" : "does not count for this kind of file");
        buf_str(b, "</tr>\n");
    }
    buf_str(b, "</table>\n");
}

static void put_heuristics(struct buf *b, const struct origins *o, const struct origin_stream *s)
{
    buf_str(b, "<h2>Heuristics</h2><table><tr><th>Heuristic</th><th>Answer</th><th>Confidence</th></tr>\n");
    for (size_t i = 0; i < o->nheuristics; i++) {
        const struct vote_answer *answer = &s->rulings[i].answer;
        buf_str(b, "<tr>");
        cell(b, s->rulings[i].heuristic);
        cell(b, answer->unknown ? "unknown" : origin_name(answer->origin));
        if (answer->unknown)
            buf_str(b, "<td></td></tr>\n");
        else
            buf_printf(b, "<td class=\"n\">%.1f %%</td></tr>\n", percent(answer->confidence));
    }
    buf_str(b, "</table>\n");
}

static void put_part(struct buf *b, const struct origins *o, const struct origin_part *p, bool frame)
{
    const struct vote_answer *answer = &p->rulings[o->main].answer;

    if (frame)
        buf_printf(b, "<tr><td class=\"n\">%.3f s</td>", p->time.start);
    else
        buf_printf(b, "<tr><td class=\"n\">%.3f to %.3f s</td>", p->time.start, p->time.end);
    cell(b, answer->unknown ? "unknown" : origin_name(answer->origin));
    if (answer->unknown)
        buf_str(b, "<td></td>");
    else
        buf_printf(b, "<td class=\"n\">%.1f %%</td>", percent(answer->confidence));
    if (frame && p->has_faces)
        buf_printf(b, "<td class=\"n\">%zu</td>", p->nfaces);
    buf_str(b, "</tr>\n");
}

static void put_parts(struct buf *b, const struct origins *o, const struct origin_stream *s, bool frames)
{
    if (frames)
        buf_printf(b, "<h2>Frames</h2><table><tr><th>At</th><th>Answer</th><th>Confidence</th>%s</tr>\n",
                   s->nparts && s->parts[0].has_faces ? "<th>Faces</th>" : "");
    else
        buf_str(b, "<h2>Sound</h2><table><tr><th>Clip</th><th>Answer</th><th>Confidence</th></tr>\n");
    for (size_t i = 0; i < s->nparts; i++)
        put_part(b, o, &s->parts[i], frames);
    buf_str(b, "</table>\n");
}

static void put_credentials(struct buf *b, const struct origins *o)
{
    static const char *const states[] = {
        [CREDENTIALS_NONE] = "The file has none.",
        [CREDENTIALS_INVALID] = "The file has some, but they are not valid: they say nothing.",
        [CREDENTIALS_VALID] =
            "Valid: what they say was signed, and the file is unchanged since. Nobody whom this "
            "server trusts vouches for the signer.",
        [CREDENTIALS_TRUSTED] = "Valid, and signed by somebody whom this server trusts.",
    };

    if (!o->credentials_read)
        return;
    buf_printf(b, "<h2>Content Credentials (C2PA)</h2><p>%s</p>\n", states[o->credentials.state]);
    if (o->credentials.says_artificial)
        buf_str(b, "<p>They name a generative model as the source.</p>\n");
}

static void put_findings(struct buf *b, const struct shown *s)
{
    const struct origins *o = s->report ? s->report->origins : NULL;
    const struct origin_stream *stream = shown_stream(s);

    if (!o)
        return;
    if (stream) {
        put_models(b, stream);
        put_heuristics(b, o, stream);
        if (s->notes.kind == KIND_VIDEO)
            put_parts(b, o, stream, true);
    }
    for (size_t i = 0; s->notes.kind != KIND_IMAGE && i < o->ntracks; i++)
        put_parts(b, o, &o->tracks[i], false);
    put_credentials(b, o);
    if (o->unsafe_known)
        buf_printf(b, "<h2>Safe for work</h2><p>%s</p>\n",
                   o->unsafe ? "No." : "Nothing was found against it.");
    buf_str(b, "<p class=\"note\">Models are wrong now and then, in both directions. A result is a hint, no "
               "proof.</p>\n");
}

struct bytes render_page(struct arena *a, const struct shown *s)
{
    CLEANUP(buf_clear) struct buf b = BUF(PAGE_MAX);

    begin(&b, s->job->name && *s->job->name ? s->job->name : "Result");
    put_answer(&b, s);
    put_override(&b, s);
    put_file(&b, s);
    put_findings(&b, s);
    return end(a, &b);
}

struct bytes render_sorry(struct arena *a, int status, const char *sentence)
{
    CLEANUP(buf_clear) struct buf b = BUF(PAGE_MAX);

    begin(&b, "No result");
    buf_printf(&b, "<h1>%d</h1><p>", status);
    escaped(&b, sentence);
    buf_str(&b, "</p>\n");
    return end(a, &b);
}
