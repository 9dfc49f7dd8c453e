#include "cmd/origins.h"

#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "cmd/foreign.h"

enum { NAME_WIDTH = 22, PARTS_SHOWN = 24 };

static const struct origin_stream *main_stream(const struct origins *o)
{
    if (o->pictures)
        return o->pictures;
    return o->ntracks ? &o->tracks[0] : NULL;
}

static const struct origin_ruling *main_ruling(const struct origins *o, const struct origin_ruling *all)
{
    return &all[o->main];
}

static const char *answer_word(const struct vote_answer *a)
{
    return a->unknown ? "unknown" : origin_name(a->origin);
}

const char *origins_verdict(const struct report *r)
{
    const struct origins *o = r->origins;
    const struct origin_stream *s = o ? main_stream(o) : NULL;

    if (r->error.kind != ERR_NONE || !o)
        return "unknown";
    if (o->forced)
        return origin_name(ORIGIN_ARTIFICIAL);
    return s ? answer_word(&main_ruling(o, s->rulings)->answer) : "unknown";
}

/* ---- lines ---- */

static void name_line(struct buf *out, const char *indent, const char *name, const struct terminal *t)
{
    size_t used;

    buf_str(out, indent);
    used = foreign_plain(out, name, NAME_WIDTH, t->utf8);
    buf_printf(out, "%*s ", (int)(used < NAME_WIDTH ? NAME_WIDTH - used : 0), "");
}

static void opinion_line(struct buf *out, const struct voter *who, const struct opinion *o,
                         const struct terminal *t)
{
    struct vote_answer a = vote_answer(&o->vote);

    name_line(out, "  ", who->model, t);
    if (o->vote.unknown)
        buf_printf(out, "cannot say (%s)", o->code ? o->code : "?");
    else
        buf_printf(out, "%-10s %.2f", origin_name(a.origin), a.confidence);
    buf_printf(out, "%s%s\n", who->counts ? "" : ", not counted", who->obsolete ? ", obsolete" : "");
}

static void summary_line(struct buf *out, const struct voter *who, const struct summary *s, size_t parts,
                         const struct terminal *t)
{
    struct vote_answer a = vote_answer(&s->mean);

    name_line(out, "  ", who->model, t);
    if (!s->known)
        buf_str(out, "cannot say of any of them");
    else
        buf_printf(out, "%-10s %.2f, judged %zu of %zu", origin_name(a.origin), a.confidence, s->known,
                   parts);
    buf_printf(out, "%s%s\n", who->counts ? "" : ", not counted", who->obsolete ? ", obsolete" : "");
}

static void faces_lines(struct buf *out, const struct origin_part *p)
{
    for (size_t i = 0; i < p->nfaces; i++) {
        const struct origin_face *f = &p->faces[i];

        buf_printf(out, "    face at (%.0f %%, %.0f %%): %s", 100 * ((double)f->box.x + (double)f->box.w / 2),
                   100 * ((double)f->box.y + (double)f->box.h / 2), answer_word(&f->ruling.answer));
        if (!f->ruling.answer.unknown)
            buf_printf(out, " %.2f", f->ruling.answer.confidence);
        buf_str(out, "\n");
    }
}

/* Why nobody knew: what the first of them said. */
static const char *code_of(const struct origin_part *p, size_t nmodels)
{
    for (size_t i = 0; i < nmodels; i++)
        if (p->opinions[i].code)
            return p->opinions[i].code;
    return "no clear answer";
}

static void part_lines(struct buf *out, const struct origins *o, const struct origin_stream *s)
{
    for (size_t i = 0; i < s->nparts; i++) {
        const struct origin_part *p = &s->parts[i];
        const struct origin_ruling *r = main_ruling(o, p->rulings);

        if (i == PARTS_SHOWN && s->nparts > PARTS_SHOWN + 1) {
            buf_printf(out, "    ... %zu more\n", s->nparts - i);
            return;
        }
        if (p->time.end > p->time.start)
            buf_printf(out, "    %7.2f - %.2f s  ", p->time.start, p->time.end);
        else
            buf_printf(out, "    %7.2f s  ", p->time.start);
        if (r->answer.unknown)
            buf_printf(out, "unknown (%s)\n", code_of(p, s->nmodels));
        else
            buf_printf(out, "%-10s %.2f\n", origin_name(r->answer.origin), r->answer.confidence);
        faces_lines(out, p);
    }
}

static void stream_lines(struct buf *out, const struct origins *o, const struct origin_stream *s,
                         const struct terminal *t)
{
    for (size_t i = 0; i < s->nmodels; i++)
        summary_line(out, &s->models[i], &s->summaries[i], s->nparts, t);
    part_lines(out, o, s);
}

/* ---- the whole ---- */

static void image_lines(struct buf *out, const struct origins *o, const struct terminal *t)
{
    const struct origin_part *p = &o->pictures->parts[0];

    for (size_t i = 0; i < o->pictures->nmodels; i++)
        opinion_line(out, &o->pictures->models[i], &p->opinions[i], t);
    faces_lines(out, p);
    if (o->unsafe_known)
        buf_printf(out, "  safe for work: %s\n", o->unsafe ? "no" : "yes");
}

static void track_lines(struct buf *out, const struct origins *o, size_t i, const struct terminal *t)
{
    const struct origin_stream *s = &o->tracks[i];
    const struct origin_ruling *r = main_ruling(o, s->rulings);

    buf_printf(out, "  sound %zu: %s", i + 1, answer_word(&r->answer));
    if (!r->answer.unknown)
        buf_printf(out, " %.2f", r->answer.confidence);
    buf_str(out, " (");
    foreign_plain(out, s->codec, 32, t->utf8);
    buf_printf(out, ", %d Hz, %.1f s%s)\n", s->rate, s->duration, s->truncated ? ", not all of it" : "");
    stream_lines(out, o, s, t);
}

static void credentials_line(struct buf *out, const struct origins *o)
{
    static const char *const words[] = {
        [CREDENTIALS_NONE] = "none in the file",
        [CREDENTIALS_INVALID] = "there, but they do not hold",
        [CREDENTIALS_VALID] = "hold; the signer is not known here",
        [CREDENTIALS_TRUSTED] = "hold, by a trusted signer",
    };

    if (!o->credentials_read)
        return;
    buf_printf(out, "  content credentials: %s%s%s\n", words[o->credentials.state],
               o->credentials.says_artificial ? "; they name a trained model as the source" : "",
               o->forced ? ", which decides" : "");
}

static void verdict_line(struct buf *out, const struct report *r)
{
    const struct origins *o = r->origins;
    const struct origin_stream *s = main_stream(o);
    const struct origin_ruling *ruling = s ? main_ruling(o, s->rulings) : NULL;

    if (o->forced)
        buf_str(out, "artificial (by its Content Credentials)\n");
    else if (!ruling || ruling->answer.unknown)
        buf_str(out, "unknown: the detectors cannot say\n");
    else if (ruling->count)
        buf_printf(out, "%s (%zu of the frames, %.2f, by %s)\n", origin_name(ruling->answer.origin),
                   ruling->count, ruling->answer.confidence, ruling->heuristic);
    else
        buf_printf(out, "%s (%.2f, by %s)\n", origin_name(ruling->answer.origin), ruling->answer.confidence,
                   ruling->heuristic);
}

void origins_print(struct buf *out, const char *name, const struct report *r, const struct terminal *t)
{
    const struct origins *o = r->origins;

    foreign_plain(out, name, 4096, t->utf8);
    buf_str(out, ": ");
    if (r->error.kind != ERR_NONE || !o) {
        buf_printf(out, "NO VERDICT (%s): ", err_code(r->error.kind));
        foreign_plain(out, r->error.text, sizeof r->error.text, t->utf8);
        buf_str(out, "\n");
        return;
    }
    verdict_line(out, r);
    if (text_is(r->pipeline, "origin-image") && o->pictures)
        image_lines(out, o, t);
    else if (o->pictures)
        stream_lines(out, o, o->pictures, t);
    for (size_t i = 0; i < o->ntracks; i++)
        track_lines(out, o, i, t);
    credentials_line(out, o);
    buf_printf(out, "  in %.2f s\n", (double)r->total_us / 1e6);
}
