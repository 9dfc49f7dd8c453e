/* A job of the scenes API as its clients see it. Pure: the same record and options, the same bytes. */
#include <math.h>
#include <string.h>

#include "api/scenes/scenes_int.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

/* What one rendering needs at hand. */
struct view {
    doc_t *doc;
    struct arena *arena;
    const struct job_row *job;
    struct scenes_notes notes;
    struct scenes_params shown; /* biometrics the operator lets out now, whatever was found then */
    const struct report *report;
};

/* ---- values ---- */

/* Floats of models print with sixteen digits of noise; six are more than they know. */
static val_t *number(struct view *v, double x)
{
    double rounded = round(x * 1e6) / 1e6;

    return yyjson_mut_real(v->doc, isfinite(rounded) ? rounded + 0.0 : 0);
}

static void put_number(struct view *v, val_t *obj, const char *key, double x)
{
    yyjson_mut_obj_add(obj, yyjson_mut_str(v->doc, key), number(v, x));
}

static void put_text(struct view *v, val_t *obj, const char *key, const char *text)
{
    yyjson_mut_obj_add_strcpy(v->doc, obj, key, text ? text : "");
}

static void put_segment(struct view *v, val_t *obj, const struct segment *s)
{
    put_number(v, obj, "start_seconds", s->start);
    put_number(v, obj, "end_seconds", s->end);
}

static val_t *put_list(struct view *v, val_t *obj, const char *key)
{
    return yyjson_mut_obj_add_arr(v->doc, obj, key);
}

/* ---- people ---- */

static const char *gender_word(enum gender g)
{
    return g == GENDER_FEMALE ? "female" : g == GENDER_MALE ? "male" : "unidentified";
}

static void put_embedding(struct view *v, val_t *obj, const struct person *p)
{
    val_t *list = put_list(v, obj, "face_embedding");

    for (size_t i = 0; v->shown.embeddings && i < p->nembedding; i++)
        yyjson_mut_arr_append(list, number(v, (double)p->embedding[i]));
}

/* Gender and embedding always stand there, because the original never shows an entry without them. */
static void put_person(struct view *v, val_t *list, const struct person *p, double prominence)
{
    val_t *o = yyjson_mut_arr_add_obj(v->doc, list);

    if (v->shown.age_gender && !isnan(p->age))
        yyjson_mut_obj_add_real(v->doc, o, "age", round(p->age * 10) / 10);
    put_text(v, o, "gender", v->shown.age_gender ? gender_word(p->gender) : "unidentified");
    put_embedding(v, o, p);
    if (v->shown.thumbnails && p->thumbnail.len)
        put_text(v, o, "face_thumbnail", base64_encode(v->arena, p->thumbnail));
    if (v->shown.embeddings && p->listed != LISTED_UNKNOWN)
        yyjson_mut_obj_add_bool(v->doc, o, "allowlisted", p->listed == LISTED_YES);
    put_number(v, o, "relative_prominence", prominence);
}

static void put_seen(struct view *v, val_t *list, const struct scenery *s, const struct constellation *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->seen[i].person >= 0 && (size_t)c->seen[i].person < s->npeople)
            put_person(v, list, &s->people[c->seen[i].person], c->seen[i].prominence);
}

static void put_constellations(struct view *v, val_t *root, const struct scenery *s)
{
    val_t *list = put_list(v, root, "person_constellation_scenes");

    for (size_t i = 0; i < s->nconstellations; i++) {
        val_t *o = yyjson_mut_arr_add_obj(v->doc, list);
        put_segment(v, yyjson_mut_obj_add_obj(v->doc, o, "time_segment"), &s->constellations[i].time);
        put_seen(v, put_list(v, o, "person_ids"), s, &s->constellations[i]);
    }
}

/* ---- the other blocks ---- */

static void put_shots(struct view *v, val_t *root, const struct scenery *s)
{
    val_t *list = put_list(v, root, "raw_scenes");

    for (size_t i = 0; i < s->nshots; i++)
        put_segment(v, yyjson_mut_arr_add_obj(v->doc, list), &s->shots[i].time);
}

static void put_activity(struct view *v, val_t *root, const struct scenery *s)
{
    val_t *list = put_list(v, root, "frame_activity_diffs");

    for (size_t i = 0; i < s->nactivity; i++)
        yyjson_mut_arr_append(list, number(v, (double)s->activity[i]));
}

static void put_texts(struct view *v, val_t *root, const struct scenery *s, bool timed)
{
    val_t *list = put_list(v, root, "ocr_results");

    for (size_t i = 0; i < s->ntexts; i++) {
        val_t *o = yyjson_mut_arr_add_obj(v->doc, list);
        if (s->texts[i].language)
            put_text(v, o, "language_code", s->texts[i].language);
        put_text(v, o, "full_text", s->texts[i].words);
        if (timed)
            put_segment(v, yyjson_mut_obj_add_obj(v->doc, o, "time_segment"), &s->texts[i].time);
    }
}

static void put_section(struct view *v, val_t *list, const struct section *s)
{
    val_t *o = yyjson_mut_arr_add_obj(v->doc, list), *segments;

    put_text(v, o, "section_tag", s->tag);
    segments = put_list(v, o, "time_segments");
    for (size_t i = 0; i < s->nsegments; i++)
        put_segment(v, yyjson_mut_arr_add_obj(v->doc, segments), &s->segments[i]);
    put_number(v, o, "thumbnail_timestamp", s->best_pts);
    put_number(v, o, "confidence", s->confidence);
    yyjson_mut_obj_add_bool(v->doc, o, "is_critical", s->critical);
    put_number(v, o, "relative_activity", s->activity);
}

static void put_sections(struct view *v, val_t *root, const struct scenery *s)
{
    val_t *list = put_list(v, root, "sections");

    for (size_t i = 0; i < s->nsections; i++)
        put_section(v, list, &s->sections[i]);
}

static void put_tags(struct view *v, val_t *root, const struct scenery *s)
{
    val_t *list = put_list(v, root, "tags"), *o;

    for (size_t i = 0; i < s->ntags; i++) {
        o = yyjson_mut_arr_add_obj(v->doc, list);
        put_text(v, o, "tag", s->tags[i].name);
        put_number(v, o, "probability", s->tags[i].probability);
        yyjson_mut_obj_add_bool(v->doc, o, "is_critical", s->tags[i].critical);
    }
}

/* ---- results: a block that nobody looked for is absent, one without anything found is [] ---- */

static void put_video(struct view *v, val_t *root)
{
    static const struct scenery nothing = {0};
    const struct scenery *s = v->report->scenery ? v->report->scenery : &nothing;
    val_t *result = yyjson_mut_obj_add_obj(v->doc, root, "result");

    if (s->has_shots) {
        put_shots(v, result, s);
        put_activity(v, result, s);
    }
    if (s->has_people)
        put_constellations(v, result, s);
    if (s->has_texts)
        put_texts(v, result, s, true);
    if (s->has_sections)
        put_sections(v, result, s);
}

static void put_picture(struct view *v, val_t *o, const struct scenery *s)
{
    val_t *result = yyjson_mut_obj_add_obj(v->doc, o, "result"), *list;

    if (s->has_tags)
        put_tags(v, result, s);
    if (s->has_people) {
        list = put_list(v, result, "person_ids");
        for (size_t i = 0; i < s->nconstellations; i++)
            put_seen(v, list, s, &s->constellations[i]);
    }
    if (s->has_texts)
        put_texts(v, result, s, false);
}

/* ---- errors ---- */

static const struct fault {
    enum err_kind kind;
    const char *code;
} faults[] = {
    {ERR_DECODE, "unsupported_media"},  {ERR_UNSUPPORTED, "unsupported_media"},
    {ERR_NO_STREAM, "no_video_stream"}, {ERR_TIMEOUT, "max_processing_time_exceeded"},
    {ERR_CANCELLED, "cancelled"},       {ERR_LIMIT, "too_large"},
    {ERR_MODEL, "model_error"},         {ERR_INPUT, "invalid_base64"}, /* of a picture only */
};

static const char *fault_code(enum err_kind kind)
{
    for (size_t i = 0; i < COUNT_OF(faults); i++)
        if (faults[i].kind == kind)
            return faults[i].code;
    return "internal";
}

static void put_error(struct view *v, val_t *o, enum err_kind kind, const char *text)
{
    val_t *error;

    put_text(v, o, "status", "failed");
    error = yyjson_mut_obj_add_obj(v->doc, o, "error");
    put_text(v, error, "code", fault_code(kind));
    put_text(v, error, "message", text);
}

static void put_items(struct view *v, val_t *root)
{
    const struct report *r = v->report;
    val_t *list = put_list(v, root, "items"), *o;

    for (size_t i = 0; i < v->notes.n; i++) {
        static const struct err missing = {ERR_INTERNAL, "the picture was not judged"};
        const struct err *err = i < r->nitems ? &r->items[i].error : &missing;
        o = yyjson_mut_arr_add_obj(v->doc, list);
        put_text(v, o, "external_id", v->notes.external_ids[i]);
        if (err->kind == ERR_NONE)
            put_picture(v, o, &r->items[i].scenery);
        else
            put_error(v, o, err->kind, err->text);
    }
}

/* ---- the whole ---- */

static const struct {
    const char *state, *word;
} statuses[] = {{"new", "queued"}, {"claimed", "processing"}, {"done", "finished"}};

static const char *status_word(const char *state)
{
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (text_is(statuses[i].state, state))
            return statuses[i].word;
    return NULL; /* failed, in one way or another */
}

static enum err_kind job_fault(const struct job_row *job)
{
    enum err_kind kind = job->error_code ? err_kind_of(job->error_code) : ERR_INTERNAL;

    return kind == ERR_INPUT ? ERR_INTERNAL : kind; /* what a client can do wrong was found at the door */
}

static int load(struct view *v, struct err *err)
{
    static const struct job_spec nothing = {.pipeline = "scenes"};
    struct report *r = report_new(v->arena, &nothing);

    if (scenes_notes_from_json(v->arena, v->job->request, &v->notes, err) < 0)
        return -1;
    if (text_is(v->job->state, "done") && report_from_json(v->arena, v->job->report, &r, err) < 0)
        return -1;
    v->report = r;
    return 0;
}

int scenes_render(struct arena *a, const struct api_opts *opts, const struct job_row *job,
                  struct bytes *ret_json, struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    struct view v = {.doc = doc, .arena = a, .job = job};
    const char *status = status_word(job->state);
    val_t *root = yyjson_mut_obj(doc);

    if (scenes_params_of(&opts->scenes, &v.shown, err) < 0 || load(&v, err) < 0)
        return -1;
    yyjson_mut_doc_set_root(doc, root);
    put_text(&v, root, "job_id", scenes_id(a, v.notes.media, job->id));
    if (!status)
        put_error(&v, root, job_fault(job), job->error_text);
    else
        put_text(&v, root, "status", status);
    if (text_is(job->state, "done") && v.notes.media == MEDIA_VIDEO)
        put_video(&v, root);
    else if (text_is(job->state, "done"))
        put_items(&v, root);
    *ret_json = json_write(a, doc);
    return 0;
}
