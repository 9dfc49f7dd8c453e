/* A run as its clients see it, version 1.1. Pure: the same record, the same bytes.
 *
 * Where the original's shape has no word for "unknown" (images, sounds, clips, faces), a verdict that is
 * unknown is not shown: it would read as "human", and nobody said so (docs/votes.md). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/text.h"
#include "report/json.h"

#define API_VERSION "v1.1.0"

/* ---- what is known of a run ---- */

static const char *status_of(const char *state)
{
    if (text_is(state, "new") || text_is(state, "claimed"))
        return "new";
    return text_is(state, "done") ? "done" : "errored";
}

int shown_of(struct arena *a, const struct job_row *job, struct shown *ret, struct err *err)
{
    struct shown s = {.job = job, .status = status_of(job->state)};
    struct report *report = NULL;

    if (notes_from_json(a, job->request, &s.notes, err) < 0)
        return -1;
    if (text_is(s.status, "done") && report_from_json(a, job->report, &report, err) < 0)
        return -1;
    s.report = report;
    *ret = s;
    return 0;
}

static const struct origins *origins_of(const struct shown *s)
{
    return s->report ? s->report->origins : NULL;
}

bool shown_heatmap(const struct shown *s)
{
    return origins_of(s) && origins_of(s)->has_heatmap && s->job->artefact;
}

const struct origin_stream *shown_stream(const struct shown *s)
{
    const struct origins *o = origins_of(s);

    if (!o)
        return NULL;
    if (s->notes.kind != KIND_AUDIO)
        return o->pictures;
    return o->ntracks ? &o->tracks[0] : NULL;
}

static struct decision decision_of(const struct origin_ruling *r, const struct origin_stream *stream)
{
    return (struct decision){r->heuristic, r->answer, r->count, stream, r->models};
}

bool shown_decision(const struct shown *s, bool even_unknown, struct decision *ret)
{
    const struct origins *o = origins_of(s);
    const struct origin_stream *stream = shown_stream(s);

    if (o && o->forced) {
        *ret = (struct decision){.heuristic = "C2PA", .answer = {ORIGIN_ARTIFICIAL, 1, false}};
        return true;
    }
    if (!stream || !o->nheuristics)
        return false;
    *ret = decision_of(&stream->rulings[o->main], stream);
    return even_unknown || !ret->answer.unknown;
}

/* ---- scores ---- */

static void put_text(doc_t *doc, val_t *obj, const char *key, const char *text)
{
    if (text)
        yyjson_mut_obj_add_strcpy(doc, obj, key, text);
    else
        yyjson_mut_obj_add_null(doc, obj, key);
}

static void put(doc_t *doc, val_t *obj, const char *key, val_t *value)
{
    yyjson_mut_obj_add(obj, yyjson_mut_str(doc, key), value);
}

static bool is_score(double x)
{
    return x >= 0 && x <= 1;
}

/* The higher first. */
val_t *render_scores(doc_t *doc, const struct vote *v)
{
    val_t *list = yyjson_mut_arr(doc), *o;
    bool artificial = v->score[ORIGIN_ARTIFICIAL] > v->score[ORIGIN_HUMAN];
    enum origin order[] = {artificial ? ORIGIN_ARTIFICIAL : ORIGIN_HUMAN,
                           artificial ? ORIGIN_HUMAN : ORIGIN_ARTIFICIAL};

    if (!is_score(v->score[0]) || !is_score(v->score[1]) || (v->score[0] == 0 && v->score[1] == 0))
        return list;
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, o, "label", origin_name(order[i]));
        yyjson_mut_obj_add_real(doc, o, "score", v->score[order[i]]);
    }
    return list;
}

static val_t *model_result(doc_t *doc, const char *model, const struct opinion *op)
{
    val_t *o = yyjson_mut_obj(doc), *details;
    bool unknown = op->vote.unknown || op->code;

    put_text(doc, o, "model", model);
    yyjson_mut_obj_add_bool(doc, o, "unknown", unknown);
    yyjson_mut_obj_add_real(doc, o, "elapsed_time", op->seconds);
    put(doc, o, "classification", render_scores(doc, &op->vote));
    details = yyjson_mut_obj_add_obj(doc, o, "classification_details");
    if (unknown)
        put_text(doc, details, "code", op->code ? op->code : "unknown");
    return o;
}

static val_t *model_results(doc_t *doc, const struct voter *models, size_t n, const struct opinion *opinions)
{
    val_t *list = yyjson_mut_arr(doc);

    for (size_t i = 0; i < n; i++)
        yyjson_mut_arr_append(list, model_result(doc, models[i].model, &opinions[i]));
    return list;
}

/* Of all parts together: the mean, and the time of all of them. */
static val_t *summary_results(doc_t *doc, const struct origin_stream *s)
{
    val_t *list = yyjson_mut_arr(doc);

    for (size_t m = 0; m < s->nmodels; m++) {
        struct opinion all = {.vote = s->summaries[m].mean};
        for (size_t i = 0; i < s->nparts; i++)
            all.seconds += s->parts[i].opinions[m].seconds;
        all.vote.unknown = s->summaries[m].known == 0;
        if (all.vote.unknown) {
            all.vote = (struct vote){.unknown = true};
            all.code = s->nparts ? s->parts[0].opinions[m].code : NULL;
        }
        yyjson_mut_arr_append(list, model_result(doc, s->models[m].model, &all));
    }
    return list;
}

/* ---- verdicts ---- */

static val_t *model_names(doc_t *doc, const struct voter *models, size_t n, uint64_t bits)
{
    val_t *list = yyjson_mut_arr(doc);

    for (size_t i = 0; i < n && i < 64; i++)
        if (bits >> i & 1)
            yyjson_mut_arr_add_strcpy(doc, list, models[i].model);
    return list;
}

static val_t *decision_value(doc_t *doc, const struct decision *d, bool frames_vote)
{
    val_t *o = yyjson_mut_obj(doc);

    put_text(doc, o, "heuristic", d->heuristic);
    yyjson_mut_obj_add_real(doc, o, "confidence", d->answer.confidence);
    yyjson_mut_obj_add_str(doc, o, "classification", origin_name(d->answer.origin));
    if (frames_vote)
        yyjson_mut_obj_add_uint(doc, o, "count", d->count);
    put(doc, o, "models",
        model_names(doc, d->stream ? d->stream->models : NULL, d->stream ? d->stream->nmodels : 0,
                    d->models));
    if (frames_vote)
        yyjson_mut_obj_add_bool(doc, o, "unknown", d->answer.unknown);
    return o;
}

static val_t *verdict_or_null(doc_t *doc, const struct origin_ruling *r, const struct origin_stream *s)
{
    struct decision d = decision_of(r, s);

    return r->answer.unknown ? yyjson_mut_null(doc) : decision_value(doc, &d, false);
}

static val_t *verdict_list(doc_t *doc, const struct origins *o, const struct origin_ruling *rulings,
                           const struct origin_stream *s, bool frames_vote)
{
    val_t *list = yyjson_mut_arr(doc);

    for (size_t i = 0; i < o->nheuristics; i++) {
        struct decision d = decision_of(&rulings[i], s);
        if (frames_vote || !d.answer.unknown)
            yyjson_mut_arr_append(list, decision_value(doc, &d, frames_vote));
    }
    return list;
}

/* ---- faces ---- */

static val_t *face_value(doc_t *doc, const struct origins *o, const struct origin_face *f)
{
    struct origin_stream voters = {.nmodels = o->nface_models, .models = o->face_models};
    val_t *v = yyjson_mut_obj(doc), *box = yyjson_mut_obj_add_obj(doc, v, "box");

    yyjson_mut_obj_add_real(doc, box, "x1", (double)f->box.x);
    yyjson_mut_obj_add_real(doc, box, "x2", (double)f->box.x + (double)f->box.w);
    yyjson_mut_obj_add_real(doc, box, "y1", (double)f->box.y);
    yyjson_mut_obj_add_real(doc, box, "y2", (double)f->box.y + (double)f->box.h);
    put(doc, v, "results", model_results(doc, o->face_models, o->nface_models, f->opinions));
    put(doc, v, "verdict", verdict_or_null(doc, &f->ruling, &voters));
    return v;
}

static void put_faces(doc_t *doc, val_t *obj, const struct origins *o, const struct origin_part *p)
{
    val_t *list, *faces;

    if (!p->has_faces)
        return;
    list = yyjson_mut_obj_add_arr(doc, obj, "details");
    faces = yyjson_mut_obj_add_arr(doc, yyjson_mut_arr_add_obj(doc, list), "detections");
    for (size_t i = 0; i < p->nfaces; i++)
        yyjson_mut_arr_append(faces, face_value(doc, o, &p->faces[i]));
}

/* ---- frames and tracks: objects like those of whole files ---- */

static void put_head(doc_t *doc, val_t *v, const struct shown *s, const char *hash, const char *identifier,
                     const char *name)
{
    bool done = text_is(s->status, "done");

    put_text(doc, v, "hash", *hash ? hash : NULL);
    put_text(doc, v, "identifier", identifier);
    put_text(doc, v, "api_version", done ? API_VERSION : NULL);
    put_text(doc, v, "status", s->status);
    put_text(doc, v, "errors",
             text_is(s->status, "errored")
                 ? (s->job->error_text && *s->job->error_text ? s->job->error_text : "The analysis failed.")
                 : NULL);
    put_text(doc, v, "name", name);
    put_text(doc, v, "ref_id", s->notes.ref_id);
    put_text(doc, v, "result_url", s->result_url);
}

static val_t *part_object(doc_t *doc, const struct shown *s, const char *hash, const char *what, size_t i)
{
    val_t *v = yyjson_mut_obj(doc);
    char identifier[HASH_HEX], name[32];

    part_identifier(s->notes.identifier, what, i, identifier);
    snprintf(name, sizeof name, "%s-%zu", what, i);
    put_head(doc, v, s, hash, identifier, name);
    return v;
}

static val_t *frame_value(doc_t *doc, const struct shown *s, const struct origins *o, size_t i)
{
    const struct origin_stream *stream = o->pictures;
    const struct origin_part *p = &stream->parts[i];
    val_t *v = part_object(doc, s, p->sha256, "frame", i);

    yyjson_mut_obj_add_null(doc, v, "c2pa");
    yyjson_mut_obj_add_bool(doc, v, "has_heatmap", false);
    put(doc, v, "verdict", verdict_or_null(doc, &p->rulings[o->main], stream));
    put(doc, v, "verdicts", verdict_list(doc, o, p->rulings, stream, false));
    yyjson_mut_obj_add_null(doc, v, "force_classification");
    put(doc, v, "results", model_results(doc, stream->models, stream->nmodels, p->opinions));
    put_faces(doc, v, o, p);
    yyjson_mut_obj_add_real(doc, v, "timestamp", p->time.start);
    if (p->frame >= 0)
        yyjson_mut_obj_add_int(doc, v, "frame_index", p->frame);
    else /* it was jumped to, and nobody counted */
        yyjson_mut_obj_add_null(doc, v, "frame_index");
    return v;
}

static void put_clips(doc_t *doc, val_t *obj, const struct origins *o, const struct origin_stream *stream)
{
    val_t *details = yyjson_mut_obj_add_obj(doc, obj, "details"), *list, *clip;

    list = yyjson_mut_obj_add_arr(doc, details, "clips");
    for (size_t i = 0; i < stream->nparts; i++) {
        const struct origin_part *p = &stream->parts[i];
        clip = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_uint(doc, clip, "index", i);
        yyjson_mut_obj_add_real(doc, clip, "start", p->time.start);
        yyjson_mut_obj_add_real(doc, clip, "end", p->time.end);
        put(doc, clip, "results", model_results(doc, stream->models, stream->nmodels, p->opinions));
        put(doc, clip, "verdict", verdict_or_null(doc, &p->rulings[o->main], stream));
    }
    put_text(doc, details, "codec", stream->codec);
    yyjson_mut_obj_add_int(doc, details, "sample_rate", stream->rate);
    yyjson_mut_obj_add_int(doc, details, "channels", stream->channels);
    yyjson_mut_obj_add_real(doc, details, "duration", stream->duration);
    yyjson_mut_obj_add_bool(doc, details, "truncated", stream->truncated);
}

static val_t *track_value(doc_t *doc, const struct shown *s, const struct origins *o, size_t i)
{
    const struct origin_stream *stream = &o->tracks[i];
    val_t *v = part_object(doc, s, s->job->sha256, "track", i);

    put(doc, v, "verdict", verdict_or_null(doc, &stream->rulings[o->main], stream));
    put(doc, v, "verdicts", verdict_list(doc, o, stream->rulings, stream, false));
    yyjson_mut_obj_add_null(doc, v, "force_classification");
    put(doc, v, "results", summary_results(doc, stream));
    put_clips(doc, v, o, stream);
    return v;
}

/* ---- the three kinds ---- */

static void put_image(doc_t *doc, val_t *v, const struct shown *s)
{
    const struct origins *o = origins_of(s);
    const struct origin_stream *stream = o ? o->pictures : NULL;

    if (!o || !stream || !stream->nparts) {
        put(doc, v, "results", text_is(s->status, "done") ? yyjson_mut_arr(doc) : yyjson_mut_null(doc));
        return;
    }
    put(doc, v, "results", model_results(doc, stream->models, stream->nmodels, stream->parts[0].opinions));
    put_faces(doc, v, o, &stream->parts[0]);
}

static void put_video(doc_t *doc, val_t *v, const struct shown *s)
{
    const struct origins *o = origins_of(s);
    val_t *results, *images, *audios;

    if (!o) {
        yyjson_mut_obj_add_null(doc, v, "results");
        return;
    }
    results = yyjson_mut_obj_add_obj(doc, v, "results");
    images = yyjson_mut_obj_add_arr(doc, results, "images");
    for (size_t i = 0; o->pictures && i < o->pictures->nparts; i++)
        yyjson_mut_arr_append(images, frame_value(doc, s, o, i));
    audios = yyjson_mut_obj_add_arr(doc, results, "audios");
    for (size_t i = 0; i < o->ntracks; i++)
        yyjson_mut_arr_append(audios, track_value(doc, s, o, i));
    put(doc, v, "audio_verdict",
        o->ntracks ? verdict_or_null(doc, &o->tracks[0].rulings[o->main], &o->tracks[0])
                   : yyjson_mut_null(doc));
}

static void put_audio(doc_t *doc, val_t *v, const struct shown *s)
{
    const struct origin_stream *stream = shown_stream(s);
    const struct origins *o = origins_of(s);

    if (!o || !stream) {
        put(doc, v, "results", text_is(s->status, "done") ? yyjson_mut_arr(doc) : yyjson_mut_null(doc));
        return;
    }
    put(doc, v, "results", summary_results(doc, stream));
    put_clips(doc, v, o, stream);
}

/* ---- the whole ---- */

static void put_nsfw(doc_t *doc, val_t *v, const struct shown *s)
{
    const struct origins *o = origins_of(s);

    if (!s->notes.nsfw)
        return;
    put(doc, v, "is_nsfw", o && o->unsafe_known ? yyjson_mut_bool(doc, o->unsafe) : yyjson_mut_null(doc));
}

/* As the reader wrote it. */
static void put_credentials(doc_t *doc, val_t *v, const struct shown *s)
{
    const struct origins *o = origins_of(s);
    const char *json = o && o->credentials_read ? o->credentials.json : NULL;

    put(doc, v, "c2pa", json ? yyjson_mut_rawcpy(doc, json) : yyjson_mut_null(doc));
}

static void put_verdicts(doc_t *doc, val_t *v, const struct shown *s)
{
    const struct origin_stream *stream = shown_stream(s);
    const struct origins *o = origins_of(s);
    bool frames_vote = s->notes.kind == KIND_VIDEO;
    struct decision d;

    put(doc, v, "verdict",
        shown_decision(s, frames_vote, &d) ? decision_value(doc, &d, frames_vote) : yyjson_mut_null(doc));
    put(doc, v, "verdicts",
        o && stream ? verdict_list(doc, o, stream->rulings, stream, frames_vote) : yyjson_mut_arr(doc));
    put_text(doc, v, "force_classification", s->forced);
}

val_t *render_run(doc_t *doc, const struct shown *s)
{
    val_t *v = yyjson_mut_obj(doc);

    put_head(doc, v, s, s->job->sha256, s->notes.identifier, s->job->name ? s->job->name : "");
    put_nsfw(doc, v, s);
    put_credentials(doc, v, s);
    if (s->notes.kind == KIND_IMAGE)
        yyjson_mut_obj_add_bool(doc, v, "has_heatmap", shown_heatmap(s));
    put_verdicts(doc, v, s);
    if (s->notes.kind == KIND_IMAGE)
        put_image(doc, v, s);
    else if (s->notes.kind == KIND_VIDEO)
        put_video(doc, v, s);
    else
        put_audio(doc, v, s);
    return v;
}
