#include <string.h>

#include "api/alarm/alarm_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "report/json.h"

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

static const struct {
    const char *label, *word;
} words[] = {
    {"vehicle", "vehicule"}, /* the vendor's spelling */
    {"nothing", "NOTHING"},
};

const char *alarm_word(const char *label)
{
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text_is(words[i].label, label))
            return words[i].word;
    return label;
}

/* How the state of a job reads on this wire. For a failed one it depends on where it failed. */
static const struct {
    const char *state, *classify, *video;
} statuses[] = {
    {"new", "accepted", "accepted"}, {"claimed", "in-progress", "in-progress"},
    {"done", "done", "done"},        {"timed_out", "timeout", "timeout"},
    {"failed", "error", "error"},    {"cancelled", "error", "done"},
};

/* error_code of the wire, and whether the video itself was at fault. Codes not listed are 9, internal. */
static const struct {
    enum err_kind kind;
    int code;
    bool video_fault;
} faults[] = {
    {ERR_NONE, 0, false},  {ERR_DECODE, 1, true}, {ERR_NO_STREAM, 2, true}, {ERR_TIMEOUT, 3, true},
    {ERR_MODEL, 4, false}, {ERR_LIMIT, 5, true},  {ERR_CRASH, 9, true},
};

static int fault_code(enum err_kind kind, bool *ret_video_fault)
{
    for (size_t i = 0; i < COUNT_OF(faults); i++)
        if (faults[i].kind == kind) {
            *ret_video_fault = faults[i].video_fault;
            return faults[i].code;
        }
    *ret_video_fault = false;
    return 9;
}

/* What one rendering needs at hand. */
struct scene {
    doc_t *doc;
    const struct api_opts *opts;
    const struct job_row *job;
    const struct report *report; /* an empty one while there is none */
    struct alarm_notes notes;
    bool final;
};

static void put_str(struct scene *s, val_t *obj, const char *key, const char *value)
{
    yyjson_mut_obj_add_strcpy(s->doc, obj, key, value ? value : "");
}

static void put_time(struct scene *s, val_t *obj, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT];

    put_str(s, obj, key, clock_rfc3339(text, wall_us));
}

static void put_status(struct scene *s, val_t *root, bool video_fault)
{
    val_t *o = yyjson_mut_obj_add_obj(s->doc, root, "status");

    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (text_is(statuses[i].state, s->job->state)) {
            bool video_fine = text_is(s->job->state, "failed") && !video_fault;
            put_str(s, o, "classify", statuses[i].classify);
            put_str(s, o, "video", video_fine ? "done" : statuses[i].video);
        }
}

static int64_t analyse_id(const struct scene *s)
{
    return s->notes.analyse_id ? s->notes.analyse_id
                               : (int64_t)hash_crc32(bytes_of(s->job->id, strlen(s->job->id)));
}

static void put_head(struct scene *s, val_t *root, bool video_fault)
{
    put_str(s, root, "id", s->job->id);
    put_status(s, root, video_fault);
    put_str(s, root, "camera_id", s->notes.camera_id);
    if (s->opts->legacy_keys) {
        put_str(s, root, "cameraId", s->notes.camera_id);
        put_str(s, root, "parentId", "000000000000000000000000");
    }
    put_str(s, root, "tenant", s->job->tenant);
    yyjson_mut_obj_add_int(s->doc, root, "analyse_id", analyse_id(s));
    yyjson_mut_obj_add_int(s->doc, root, "duration", s->report->total_us);
    yyjson_mut_obj_add_int(s->doc, root, "duration_seconds", s->report->total_us / 1000000);
    if (s->report->nmodels) {
        put_str(s, root, "model", s->report->models[0].name);
        put_str(s, root, "version", s->report->models[0].version);
    }
}

static void put_verdict(struct scene *s, val_t *root)
{
    const struct report *r = s->report;
    val_t *labels, *scores;

    put_str(s, root, "risk", r->verdict.risk);
    labels = yyjson_mut_obj_add_arr(s->doc, root, "labels");
    for (size_t i = 0; i < r->verdict.nlabels; i++)
        yyjson_mut_arr_add_strcpy(s->doc, labels, alarm_word(r->verdict.labels[i]));
    scores = yyjson_mut_obj_add_obj(s->doc, root, "scores");
    for (size_t i = 0; i < r->nscores; i++) /* strcpy keys: labels live in the report's arena */
        yyjson_mut_obj_add(scores, yyjson_mut_strcpy(s->doc, alarm_word(r->scores[i].label)),
                           yyjson_mut_real(s->doc, r->scores[i].value));
}

/* Of a video that could not be read nothing is known: then there are no specs to tell. */
static void put_video(struct scene *s, val_t *root)
{
    const struct media_info *m = &s->report->media;
    const struct sampling *judged = &s->report->sampling;
    val_t *video = yyjson_mut_obj_add_obj(s->doc, root, "video"), *specs;

    put_str(s, video, "videoname", s->job->name);
    yyjson_mut_obj_add_int(s->doc, video, "filesize", s->job->size);
    specs = yyjson_mut_obj_add_obj(s->doc, video, "specs");
    if (!m->width)
        return;
    yyjson_mut_obj_add_real(s->doc, specs, "duration", m->duration);
    yyjson_mut_obj_add_real(s->doc, specs, "fps", judged->fps);
    yyjson_mut_obj_add_real(s->doc, specs, "original.fps", m->fps);
    yyjson_mut_obj_add_int(s->doc, specs, "original.height", m->height);
    yyjson_mut_obj_add_int(s->doc, specs, "original.width", m->width);
    yyjson_mut_obj_add_int(s->doc, specs, "width", judged->width);
    yyjson_mut_obj_add_int(s->doc, specs, "height", judged->height);
    yyjson_mut_obj_add_int(s->doc, specs, "nframes", judged->judged);
    yyjson_mut_obj_add_int(s->doc, specs, "original.nframes", m->frames);
}

static void put_tail(struct scene *s, val_t *root)
{
    if (s->opts->timing && s->final) {
        val_t *timing = yyjson_mut_obj_add_obj(s->doc, root, "timing");
        yyjson_mut_obj_add_real(s->doc, timing, "total", (double)s->report->total_us / 1000);
        yyjson_mut_obj_add_real(s->doc, timing, "decode", (double)s->report->decode_us / 1000);
        yyjson_mut_obj_add_real(s->doc, timing, "infer", (double)s->report->infer_us / 1000);
    }
    yyjson_mut_obj_add(root, yyjson_mut_str(s->doc, "metadata"),
                       yyjson_mut_raw(s->doc, s->notes.metadata ? s->notes.metadata : "{}"));
    put_time(s, root, "created_at", s->job->created_us);
    if (s->job->started_us)
        put_time(s, root, "started_at", s->job->started_us);
}

static int load(struct arena *a, struct scene *s, struct err *err)
{
    static const struct job_spec nothing = {.pipeline = "alarm"};
    struct report *r = report_new(a, &nothing);

    if (s->job->report.len && report_from_json(a, s->job->report, &r, err) < 0)
        return -1;
    s->report = r;
    return s->job->request.len ? alarm_notes_from_json(a, s->job->request, &s->notes, err) : 0;
}

int alarm_render(struct arena *a, const struct api_opts *opts, const struct job_row *job,
                 struct bytes *ret_json, struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    struct scene s = {.doc = doc, .opts = opts, .job = job, .notes = {.camera_id = ""}};
    enum err_kind kind = job->error_code ? err_kind_of(job->error_code) : ERR_NONE;
    enum job_state state;
    val_t *root = yyjson_mut_obj(doc);
    bool video_fault;
    int code;

    if (load(a, &s, err) < 0)
        return -1;
    s.final = job_state_parse(job->state, &state) && job_state_is_final(state);
    yyjson_mut_doc_set_root(doc, root);
    code = fault_code(kind, &video_fault);
    put_head(&s, root, video_fault);
    yyjson_mut_obj_add_int(doc, root, "error_code", code);
    put_str(&s, root, "error_msg", kind == ERR_NONE ? "" : job->error_text);
    put_verdict(&s, root);
    put_video(&s, root);
    put_tail(&s, root);
    *ret_json = json_write(a, doc);
    return 0;
}

const char *alarm_webhook(struct arena *a, const struct job_row *job)
{
    struct alarm_notes notes;

    return job->request.len && alarm_notes_from_json(a, job->request, &notes, NULL) == 0 ? notes.webhook
                                                                                         : NULL;
}

const char *alarm_camera(struct arena *a, const struct job_row *job)
{
    struct alarm_notes notes;

    return job->request.len && alarm_notes_from_json(a, job->request, &notes, NULL) == 0 ? notes.camera_id
                                                                                         : "";
}
