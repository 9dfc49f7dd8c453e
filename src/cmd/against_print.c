/* assay model eval --against: what came of it, for people, for programs, and as a page. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cmd/eval_int.h"
#include "cmd/foreign.h"
#include "cmd/terminal.h"

enum { TAG_WIDTH = 20 };

static double part(size_t n, size_t of)
{
    return of ? (double)n / (double)of : (double)NAN;
}

/* ---- the table ---- */

static void add_faces(struct buf *out, const struct against *v)
{
    const struct agree_faces *f = &v->faces;
    char recall[16], precision[16], mean[16], median[16];

    buf_printf(out, "faces     %zu of %s with a shorter side from %g pixels; %s found %zu: recall %s\n",
               f->there, v->other->name, f->min_face, v->mine->name, f->found,
               eval_figure(recall, v->of_faces.recall));
    buf_printf(out, "          %zu smaller ones, which do not count\n", f->small);
    buf_printf(out, "told      %zu by %s: precision %s\n", f->said, v->mine->name,
               eval_figure(precision, v->of_faces.precision));
    buf_printf(out, "false     %zu, %.2f in 20 photos; %zu of them have %g pixels or more\n", f->wrong,
               v->of_faces.wrong_per_20, f->wrong_large, f->min_face);
    buf_printf(out, "points    off by %s of the distance of the eyes in the mean, %s in the median\n",
               eval_figure(mean, v->of_faces.distance), eval_figure(median, v->of_faces.distance_median));
}

static void add_tags(struct buf *out, const struct against *v)
{
    const struct agree_tags *t = &v->tags;
    char first[16], three[16], sure[16];

    buf_printf(out, "tags      %zu that both have\n", t->ntags);
    buf_printf(out, "best      the same for %zu: %s; %s among the three best\n", t->first,
               eval_figure(first, part(t->first, t->photos)), eval_figure(three, part(t->three, t->photos)));
    buf_printf(out, "          where %s is sure (from %g): %zu of %zu, %s\n\n", v->other->name, t->sure_from,
               t->sure_first, t->sure, eval_figure(sure, part(t->sure_first, t->sure)));
    buf_printf(out, "%-*s %8s %8s %8s   best tag of %s, of %s, of both\n", TAG_WIDTH, "TAG", "OTHER", "TOLD",
               "BOTH", v->other->name, v->mine->name);
    for (size_t i = 0; i < t->ntags; i++) {
        struct terminal term = terminal_of(STDOUT_FILENO);
        size_t used;
        if (!t->tags[i].other && !t->tags[i].told)
            continue;
        used = foreign_plain(out, v->names[i], TAG_WIDTH, term.utf8);
        buf_printf(out, "%*s %8zu %8zu %8zu\n", (int)(used < TAG_WIDTH ? TAG_WIDTH - used : 0), "",
                   t->tags[i].other, t->tags[i].told, t->tags[i].both);
    }
}

static void add_problem(struct buf *out, const struct against *v)
{
    struct terminal t = terminal_of(STDOUT_FILENO);

    if (!v->problem)
        return;
    buf_str(out, "          ");
    foreign_plain(out, v->problem_of, 100, t.utf8);
    buf_str(out, ": ");
    foreign_plain(out, v->problem, 256, t.utf8);
    buf_str(out, "\n");
}

void against_print(const struct against *v)
{
    CLEANUP(buf_clear) struct buf out = BUF(1 << 20);

    buf_printf(&out, "photos    %zu, of which %zu were judged by both\n", v->n, v->judged);
    add_problem(&out, v);
    buf_printf(&out, "cost      %.1f ms of CPU for a photo, %.1f with %s (medians)\n", v->cpu_ms,
               v->cpu_ms_other, v->other->name);
    if (v->tags.ntags)
        add_tags(&out, v);
    else
        add_faces(&out, v);
    fputs(out.data, stdout);
}

/* ---- JSON ---- */

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

static void put_count(doc_t *doc, val_t *obj, const char *key, size_t n)
{
    yyjson_mut_obj_add_uint(doc, obj, key, n);
}

static void put_faces(doc_t *doc, val_t *root, const struct against *v)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, root, "faces");
    const struct agree_faces *f = &v->faces;

    json_put_real(doc, o, "min_face", f->min_face);
    json_put_real(doc, o, "overlap", f->overlap);
    put_count(doc, o, "there", f->there);
    put_count(doc, o, "small", f->small);
    put_count(doc, o, "found", f->found);
    put_count(doc, o, "told", f->said);
    put_count(doc, o, "false", f->wrong);
    put_count(doc, o, "false_large", f->wrong_large);
    json_put_real(doc, o, "recall", v->of_faces.recall);
    json_put_real(doc, o, "precision", v->of_faces.precision);
    json_put_real(doc, o, "false_in_20", v->of_faces.wrong_per_20);
    json_put_real(doc, o, "distance", v->of_faces.distance);
    json_put_real(doc, o, "distance_median", v->of_faces.distance_median);
}

static void put_tags(doc_t *doc, val_t *root, const struct against *v)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, root, "tags"), *all;
    const struct agree_tags *t = &v->tags;

    put_count(doc, o, "first", t->first);
    put_count(doc, o, "three", t->three);
    json_put_real(doc, o, "first_rate", part(t->first, t->photos));
    json_put_real(doc, o, "three_rate", part(t->three, t->photos));
    json_put_real(doc, o, "sure_from", t->sure_from);
    put_count(doc, o, "sure", t->sure);
    put_count(doc, o, "sure_first", t->sure_first);
    json_put_real(doc, o, "sure_first_rate", part(t->sure_first, t->sure));
    all = yyjson_mut_obj_add_obj(doc, o, "tags");
    for (size_t i = 0; i < t->ntags; i++) {
        val_t *tag = yyjson_mut_obj(doc);
        yyjson_mut_obj_add(all, yyjson_mut_str(doc, v->names[i]), tag);
        put_count(doc, tag, "other", t->tags[i].other);
        put_count(doc, tag, "told", t->tags[i].told);
        put_count(doc, tag, "both", t->tags[i].both);
    }
}

static void put_model(doc_t *doc, val_t *root, const char *key, const struct card *card, double cpu_ms)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, root, key);

    yyjson_mut_obj_add_str(doc, o, "name", card->name);
    yyjson_mut_obj_add_str(doc, o, "version", card->version);
    yyjson_mut_obj_add_str(doc, o, "task", card->task);
    yyjson_mut_obj_add_str(doc, o, "sha256", card->sha256);
    json_put_real(doc, o, "cpu_ms", cpu_ms);
}

void against_print_json(const struct against *v)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "schema", "assay.agreement/1");
    put_model(doc, root, "model", v->mine, v->cpu_ms);
    put_model(doc, root, "against", v->other, v->cpu_ms_other);
    put_count(doc, root, "photos", v->n);
    put_count(doc, root, "judged", v->judged);
    if (v->tags.ntags)
        put_tags(doc, root, v);
    else
        put_faces(doc, root, v);
    puts((const char *)json_write(v->arena, doc).data);
}

/* ---- the page ---- */

static void add_row(struct buf *out, const char *what, double x, int decimals)
{
    char text[32];

    snprintf(text, sizeof text, isnan(x) ? "-" : "%.*f", decimals, x);
    buf_printf(out, "<tr><td>%s</td><td>%s</td></tr>\n", what, text);
}

static void page_faces(struct buf *out, const struct against *v)
{
    const struct agree_faces *f = &v->faces;

    buf_str(out, "<table>\n");
    add_row(out, "faces of the other that count", (double)f->there, 0);
    add_row(out, "of them found", (double)f->found, 0);
    add_row(out, "recall", v->of_faces.recall, 3);
    add_row(out, "precision", v->of_faces.precision, 3);
    add_row(out, "false faces in 20 photos", v->of_faces.wrong_per_20, 2);
    add_row(out, "distance of points, of the eyes' distance, mean", v->of_faces.distance, 3);
    add_row(out, "the same, median", v->of_faces.distance_median, 3);
    buf_printf(out, "</table>\n<p class=\"facts\">Faces count from %g pixels on their shorter side.</p>\n",
               f->min_face);
}

static void page_tags(struct buf *out, const struct against *v)
{
    const struct agree_tags *t = &v->tags;

    buf_str(out, "<table>\n");
    add_row(out, "the same best tag", part(t->first, t->photos), 3);
    add_row(out, "the other's best tag among the three best", part(t->three, t->photos), 3);
    add_row(out, "the same best tag where the other is sure", part(t->sure_first, t->sure), 3);
    buf_str(out, "</table>\n<table><tr><th>best tag</th><th>of the other</th><th>of the model</th>"
                 "<th>of both</th></tr>\n");
    for (size_t i = 0; i < t->ntags; i++) {
        if (!t->tags[i].other && !t->tags[i].told)
            continue;
        buf_str(out, "<tr><td>");
        foreign_html(out, v->names[i]);
        buf_printf(out, "</td><td>%zu</td><td>%zu</td><td>%zu</td></tr>\n", t->tags[i].other, t->tags[i].told,
                   t->tags[i].both);
    }
    buf_str(out, "</table>\n");
}

void against_page(struct buf *out, const struct against *v)
{
    buf_str(out, "<article>\n<h2>");
    foreign_html(out, v->data);
    buf_str(out, "</h2>\n<p class=\"facts\">");
    foreign_html(out, v->mine->name);
    buf_str(out, " against ");
    foreign_html(out, v->other->name);
    buf_printf(out, "; %zu photos judged of %zu; %.1f ms of CPU for one, %.1f with the other (medians)</p>\n",
               v->judged, v->n, v->cpu_ms, v->cpu_ms_other);
    if (v->tags.ntags)
        page_tags(out, v);
    else
        page_faces(out, v);
    buf_str(out, "</article>\n");
}
