/* A run in the older form of the API, 1.0: frames are lists of opinions, numbers over all frames stand beside
 * them, every heuristic judges the models' means. It has no word for "unknown", so what is unknown is left
 * out; `status` and `errors` are there only while there is no result. Pure. */
#include <math.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/text.h"

static void put_text(doc_t *doc, val_t *obj, const char *key, const char *text)
{
    if (text)
        yyjson_mut_obj_add_strcpy(doc, obj, key, text);
    else
        yyjson_mut_obj_add_null(doc, obj, key);
}

static void add_opinion(doc_t *doc, val_t *list, const char *model, const struct vote *vote, double seconds)
{
    val_t *o = yyjson_mut_arr_add_obj(doc, list);

    put_text(doc, o, "model", model);
    yyjson_mut_obj_add_real(doc, o, "elapsed_time", seconds);
    yyjson_mut_obj_add(o, yyjson_mut_str(doc, "classification"), render_scores(doc, vote));
}

static void add_opinions(doc_t *doc, val_t *list, const struct origin_stream *s, const struct origin_part *p)
{
    for (size_t m = 0; m < s->nmodels; m++)
        if (!p->opinions[m].code && vote_known(&p->opinions[m].vote))
            add_opinion(doc, list, s->models[m].model, &p->opinions[m].vote, p->opinions[m].seconds);
}

static void add_means(doc_t *doc, val_t *list, const struct origin_stream *s)
{
    for (size_t m = 0; m < s->nmodels; m++) {
        double seconds = 0;
        for (size_t i = 0; i < s->nparts; i++)
            seconds += s->parts[i].opinions[m].seconds;
        if (s->summaries[m].known)
            add_opinion(doc, list, s->models[m].model, &s->summaries[m].mean, seconds);
    }
}

static void put_numbers(doc_t *doc, val_t *results, const struct origin_stream *s)
{
    val_t *deviations = yyjson_mut_obj_add_obj(doc, results, "std_deviations"),
          *matrix = yyjson_mut_obj_add_obj(doc, results, "classification_matrix"), *o;

    for (size_t m = 0; m < s->nmodels; m++) {
        struct vote_answer answer = vote_answer(&s->summaries[m].mean);
        if (!s->summaries[m].known || answer.unknown)
            continue;
        yyjson_mut_obj_add(deviations, yyjson_mut_strcpy(doc, s->models[m].model),
                           yyjson_mut_real(doc, s->summaries[m].deviation));
        o = yyjson_mut_obj(doc);
        yyjson_mut_obj_add_real(doc, o, "confidence", answer.confidence);
        yyjson_mut_obj_add_str(doc, o, "classification", origin_name(answer.origin));
        yyjson_mut_obj_add(matrix, yyjson_mut_strcpy(doc, s->models[m].model), o);
    }
}

static void put_video(doc_t *doc, val_t *v, const struct shown *s, const struct origin_stream *stream)
{
    val_t *results = yyjson_mut_obj_add_obj(doc, v, "results"),
          *images = yyjson_mut_obj_add_arr(doc, results, "images");

    for (size_t i = 0; i < stream->nparts; i++)
        add_opinions(doc, yyjson_mut_arr_add_arr(doc, images), stream, &stream->parts[i]);
    /* milliseconds, two digits */
    yyjson_mut_obj_add_real(doc, results, "pre_process", round(s->report->origins->prepare_secs * 1e5) / 100);
    put_numbers(doc, results, stream);
}

static void put_results(doc_t *doc, val_t *v, const struct shown *s)
{
    const struct origin_stream *stream = shown_stream(s);
    val_t *list;

    if (stream && s->notes.kind == KIND_VIDEO) {
        put_video(doc, v, s, stream);
        return;
    }
    list = yyjson_mut_obj_add_arr(doc, v, "results");
    if (stream && s->notes.kind == KIND_AUDIO)
        add_means(doc, list, stream);
    else if (stream && stream->nparts)
        add_opinions(doc, list, stream, &stream->parts[0]);
}

static val_t *verdict_value(doc_t *doc, const char *heuristic, const struct vote_answer *answer,
                            val_t *models)
{
    val_t *o = yyjson_mut_obj(doc);

    yyjson_mut_obj_add(o, yyjson_mut_str(doc, "models"), models);
    put_text(doc, o, "heuristic", heuristic);
    yyjson_mut_obj_add_real(doc, o, "confidence", answer->confidence);
    yyjson_mut_obj_add_str(doc, o, "classification", origin_name(answer->origin));
    return o;
}

/* The form is older than that heuristic. */
static bool is_younger(const char *heuristic)
{
    return text_is(heuristic, "AverageExcludeObsolete");
}

static void put_rulings(doc_t *doc, val_t *list, const struct origins *o, const struct origin_stream *s)
{
    const struct origin_ruling *rulings = s->on_means ? s->on_means : s->rulings;

    for (size_t i = 0; i < o->nheuristics; i++) {
        val_t *models = yyjson_mut_arr(doc);
        if (rulings[i].answer.unknown || is_younger(rulings[i].heuristic))
            continue;
        for (size_t m = 0; m < s->nmodels && m < 64; m++)
            if (rulings[i].models >> m & 1)
                yyjson_mut_arr_add_strcpy(doc, models, s->models[m].model);
        yyjson_mut_arr_append(list, verdict_value(doc, rulings[i].heuristic, &rulings[i].answer, models));
    }
}

/* Where credentials decide, that verdict is the first: there is no other place to say it. */
static void put_verdicts(doc_t *doc, val_t *v, const struct shown *s)
{
    static const struct vote_answer artificial = {ORIGIN_ARTIFICIAL, 1, false};
    const struct origins *o = s->report->origins;
    val_t *list = yyjson_mut_obj_add_arr(doc, v, "verdicts");

    if (o && o->forced)
        yyjson_mut_arr_append(list, verdict_value(doc, "C2PA", &artificial, yyjson_mut_arr(doc)));
    if (shown_stream(s))
        put_rulings(doc, list, o, shown_stream(s));
}

static void put_nothing(doc_t *doc, val_t *v, const struct shown *s)
{
    put_text(doc, v, "status", s->status);
    put_text(doc, v, "errors", text_is(s->status, "errored") ? s->job->error_text : NULL);
    yyjson_mut_obj_add_null(doc, v, "results");
    yyjson_mut_obj_add_arr(doc, v, "verdicts");
}

val_t *render_run_old(doc_t *doc, const struct shown *s)
{
    val_t *v = yyjson_mut_obj(doc);

    put_text(doc, v, "hash", *s->job->sha256 ? s->job->sha256 : NULL);
    put_text(doc, v, "name", s->job->name ? s->job->name : "");
    if (s->report) {
        put_results(doc, v, s);
        put_verdicts(doc, v, s);
    } else {
        put_nothing(doc, v, s);
    }
    if (s->forced)
        put_text(doc, v, "force_classification", s->forced);
    return v;
}
