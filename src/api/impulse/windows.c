/* One window of a recording: its numbers, its features; and pictures that are judged as they come. */
#include <math.h>
#include <string.h>

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "net/multipart.h"
#include "report/json.h"

enum { ASK_BYTES = 256 << 20, BODY_MAX = 256 << 10 };

/* ---- GET classify/v2/{s}/raw-data/{windowIndex} ---- */

/* In readings of the recording, whose frequency may be another one. */
static int find_window(const struct sample *s, const struct definition *d, int64_t index, int64_t *ret_first,
                       int64_t *ret_n, struct err *err)
{
    const struct impulse *p = &d->impulse;
    double own = s->recording.interval_ms > 0 ? 1000 / s->recording.interval_ms : 0, ratio;
    int64_t step = (int64_t)floor(window_step_ms(d) * p->frequency / 1000);

    if (s->recording.kind == SENSOR_PICTURE || p->input != INPUT_SERIES) {
        *ret_first = 0;
        *ret_n = s->recording.readings;
        return index == 0 ? 0 : FAIL(err, ERR_INPUT, "the sample is one window, number 0");
    }
    ratio = own > 0 ? own / p->frequency : 1;
    *ret_n = (int64_t)round((double)window_readings(p) * ratio);
    *ret_first = (int64_t)floor((double)index * (double)(step > 0 ? step : 1) * ratio);
    if (index > SENSOR_WINDOWS || *ret_first > s->recording.readings ||
        (index > 0 && *ret_n > s->recording.readings - *ret_first))
        return FAIL(err, ERR_INPUT, "the sample has no window %lld", (long long)index);
    if (*ret_n > s->recording.readings)
        *ret_n = s->recording.readings;
    return 0;
}

static void window_go(struct trip *t)
{
    struct arena *a = trip_arena(t);
    struct impulse_row row;
    struct definition d;
    struct sample s;
    struct values values;
    struct err err;
    int64_t impulse, first, n, index;
    const char *text = request_param(t->request, "windowIndex");
    val_t *root;
    doc_t *doc;

    if (!text || !text_to_i64(text, &index) || index < 0)
        err_set(&err, ERR_INPUT, "the number of a window is 0 or more");
    else if (sample_load(t->request, &t->visit, &s, &err) == 0 &&
             impulse_query_int(t->request, "impulseId", 0, &impulse, &err) == 0 &&
             records_impulse(trip_api(t)->db, a, t->visit.project.id, impulse, &row, &err) == 0 &&
             definition_read(a, row.definition, &d, &err) == 0 &&
             find_window(&s, &d, index, &first, &n, &err) == 0 &&
             sample_values(trip_api(t), a, &s, first, n, &values, &err) == 0) {
        doc = impulse_doc(&root);
        impulse_add_sample(doc, root, &s, &values, SIZE_MAX);
        impulse_answer_take(t->request, doc);
        return;
    }
    trip_fail(t, &err);
}

/* ---- asking an analyst, and rendering what it says ---- */

struct asking {
    struct trip *trip;
    struct loaded loaded;
    struct sample sample;
    struct err error;
    struct bytes json;
    void (*answer)(struct asking *k, const struct report *report);
};

static void answered_go(struct trip *t)
{
    struct asking *k = t->data;
    struct report *report;

    if (k->error.kind != ERR_NONE || report_from_json(trip_arena(t), k->json, &report, &k->error) < 0)
        trip_fail(t, &k->error);
    else if (report->error.kind != ERR_NONE)
        trip_fail(t, &report->error);
    else
        k->answer(k, report);
}

/* The lab's thread. */
static void answered(void *arg, const struct lab_result *result, int artefact_fd UNUSED)
{
    struct asking *k = arg;
    struct bytes json = result->report_json;

    k->error = result->error;
    if (k->error.kind == ERR_NONE)
        k->json = bytes_of(arena_strndup(trip_arena(k->trip), (const char *)json.data, json.len), json.len);
    k->trip->data = k;
    trip_again(k->trip, answered_go);
}

/* Takes what is in the bundle. */
static void ask(struct asking *k, struct bundle *b, struct job_spec *spec)
{
    struct job_question q = {.artefact_fd = -1};

    spec->sensor.parts = b->parts;
    spec->sensor.nparts = b->nparts;
    q.spec = *spec;
    q.subject_fd = TAKE_FD(b->fd);
    job_ask_take(trip_api(k->trip)->jobs, &q, answered, k);
}

/* ---- POST dsp/{dspId}/raw-data/{sampleId}/slice/run ---- */

static void add_floats(doc_t *doc, val_t *to, const char *key, const float *v, size_t n)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, key);

    for (size_t i = 0; i < n; i++)
        yyjson_mut_arr_append(list, impulse_float(doc, v[i]));
}

static void answer_features(struct asking *k, const struct report *report)
{
    const struct feature_result *f = report->sensing ? report->sensing->features : NULL;
    struct err err;
    val_t *root, *list, *config;
    doc_t *doc;

    if (!f) {
        err_set(&err, ERR_INTERNAL, "no features were made");
        trip_fail(k->trip, &err);
        return;
    }
    doc = impulse_doc(&root);
    add_floats(doc, root, "features", f->values, f->n);
    yyjson_mut_obj_add_arr(doc, root, "graphs");
    list = yyjson_mut_obj_add_arr(doc, root, "labels");
    for (size_t i = 0; i < f->nlabels; i++)
        yyjson_mut_arr_add_str(doc, list, f->labels[i]);
    add_floats(doc, root, "raw", f->raw, f->nraw);
    config = yyjson_mut_obj_add_obj(doc, root, "outputConfig");
    yyjson_mut_obj_add_uint(doc, config, "width", f->width);
    yyjson_mut_obj_add_uint(doc, config, "height", f->height);
    yyjson_mut_obj_add_uint(doc, config, "channels", f->channels);
    yyjson_mut_obj_add_val(doc, root, "sample", impulse_render_sample(doc, &k->sample, LABELS_SLICE));
    impulse_answer_take(k->trip->request, doc);
}

/* The impulse that has the block, with the settings of the body ("params") on top. */
static int find_dsp(struct asking *k, int64_t dsp, yyjson_val *params, struct err *err)
{
    struct trip *t = k->trip;
    struct impulse_row *rows;
    size_t n;

    if (records_impulses(trip_api(t)->db, trip_arena(t), t->visit.project.id, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct bytes json = rows[i].definition;
        if (definition_set_config(trip_arena(t), json, dsp, params, &json, err) < 0) {
            if (err->kind == ERR_NOT_FOUND)
                continue;
            return -1;
        }
        return definition_read(trip_arena(t), json, &k->loaded.def, err);
    }
    return FAIL(err, ERR_NOT_FOUND, "the project has no DSP block %lld", (long long)dsp);
}

static int prepare_slice(struct asking *k, int64_t *ret_dsp, int64_t *ret_first, yyjson_val *body,
                         struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *none = json_read(bytes_of("{}", 2), 2, err);
    yyjson_val *params = yyjson_obj_get(body, "params");
    struct trip *t = k->trip;

    if (sample_load(t->request, &t->visit, &k->sample, err) < 0 ||
        impulse_number(t->request, "dspId", ret_dsp, err) < 0 ||
        impulse_query_int(t->request, "sliceStart", 0, ret_first, err) < 0)
        return -1;
    return find_dsp(k, *ret_dsp, params ? params : yyjson_doc_get_root(none), err);
}

static void slice_go(struct trip *t)
{
    CLEANUP(json_freep) yyjson_doc *body = impulse_body(t->request, BODY_MAX);
    CLEANUP(bundle_freep) struct bundle *b = NULL;
    struct asking *k = arena_alloc(trip_arena(t), sizeof *k);
    struct job_spec spec = sensor_spec(t, "sensor-features");
    struct err err = {0};

    if (!body)
        return;
    k->trip = t;
    k->answer = answer_features;
    if (prepare_slice(k, &spec.sensor.only, &spec.sensor.first, yyjson_doc_get_root(body), &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    b = bundle_memory(trip_api(t), trip_arena(t), ASK_BYTES, &err);
    if (!b || bundle_add_sample(b, &k->sample, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    spec.sensor.impulse = k->loaded.def.impulse;
    spec.sensor.impulse.nlearn = 0;
    ask(k, b, &spec);
}

/* ---- POST classify/image ---- */

struct picture {
    struct trip trip;
    struct multipart *multipart;
    bool in_file, has_file;
    struct buf file;
    struct err err;
};

static int part_begin(void *arg, const struct part *part, struct err *err)
{
    struct picture *p = arg;

    p->in_file = text_is(part->name, "image");
    if (p->in_file && p->has_file)
        return FAIL(err, ERR_INPUT, "the form has more than one part image");
    p->has_file |= p->in_file;
    return 0;
}

static int part_data(void *arg, struct bytes piece, struct err *err)
{
    struct picture *p = arg;

    if (p->in_file)
        buf_add(&p->file, piece.data, piece.len);
    return p->file.overflow ? FAIL(err, ERR_LIMIT, "the picture is larger than %zu MiB", p->file.max >> 20)
                            : 0;
}

static int part_end(void *arg UNUSED, struct err *err UNUSED)
{
    return 0;
}

static const struct multipart_events part_events = {part_begin, part_data, part_end};

enum { PICTURE_BYTES = 20 << 20 };

static void picture_head(struct request *r)
{
    struct picture *p = arena_alloc(request_arena(r), sizeof *p);
    const char *type = request_header(r, "Content-Type");

    p->trip.request = r;
    p->file = BUF(PICTURE_BYTES);
    request_set_data(r, p);
    if (impulse_visit(r, "submit", &p->trip.visit))
        multipart_new(&p->multipart, type ? type : "", &part_events, p, &p->err);
}

static void picture_body(struct request *r, struct bytes piece)
{
    struct picture *p = request_data(r);

    if (p->err.kind == ERR_NONE &&
        gate_more(api_of(r)->gate, r, &p->trip.visit.caller, piece.len, &p->err) == 0)
        multipart_feed(p->multipart, piece, &p->err);
}

static void add_boxes(doc_t *doc, val_t *root, const struct learn_result *r)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, root, "boundingBoxes");

    for (size_t i = 0; r && r->boxes && i < r->boxes[0].n; i++) {
        const struct sensor_box *b = &r->boxes[0].boxes[i];
        val_t *o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, o, "label", b->label);
        yyjson_mut_obj_add_real(doc, o, "x", b->x);
        yyjson_mut_obj_add_real(doc, o, "y", b->y);
        yyjson_mut_obj_add_real(doc, o, "width", b->width);
        yyjson_mut_obj_add_real(doc, o, "height", b->height);
        yyjson_mut_obj_add_val(doc, o, "score", impulse_float(doc, (float)r->boxes[0].scores[i]));
    }
}

static void answer_picture(struct asking *k, const struct report *report)
{
    const struct sensing *s = report->sensing;
    const struct recording_result *res = s && s->nresults ? &s->results[0] : NULL;
    const struct learn_result *boxes = NULL;
    val_t *root, *scores;
    doc_t *doc;

    if (!res || res->error.kind != ERR_NONE) {
        trip_fail(k->trip, res ? &res->error : &(struct err){ERR_INTERNAL, "the picture was not judged"});
        return;
    }
    doc = impulse_doc(&root);
    scores = yyjson_mut_obj_add_obj(doc, root, "result");
    for (size_t i = 0; i < res->nlearn && res->nwindows; i++) {
        const struct learn_result *r = &res->learn[i];
        for (size_t n = 0; r->scores && n < r->nlabels; n++)
            yyjson_mut_obj_add(scores, yyjson_mut_str(doc, r->labels[n]), impulse_float(doc, r->scores[n]));
        if (r->boxes)
            boxes = r;
    }
    add_boxes(doc, root, boxes);
    impulse_answer_take(k->trip->request, doc);
}

static int prepare_picture(struct asking *k, struct err *err)
{
    struct trip *t = k->trip;
    struct load_ask load = {.project = t->visit.project.id, .variant = request_query(t->request, "variant")};

    if (impulse_query_int(t->request, "impulseId", 0, &load.impulse, err) < 0 ||
        impulse_load(trip_api(t), trip_arena(t), &load, &k->loaded, err) < 0)
        return -1;
    return k->loaded.impulse.input == INPUT_PICTURE
               ? 0
               : FAIL(err, ERR_CONFLICT, "the impulse does not take pictures; classify a sample instead");
}

static void picture_go(struct trip *t)
{
    CLEANUP(bundle_freep) struct bundle *b = NULL;
    struct picture *p = t->data;
    struct asking *k = arena_alloc(trip_arena(t), sizeof *k);
    struct job_spec spec = sensor_spec(t, "sensor-classify");
    struct err err = {0};

    k->trip = t;
    k->answer = answer_picture;
    if (prepare_picture(k, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    b = bundle_memory(trip_api(t), trip_arena(t), ASK_BYTES, &err);
    if (!b || bundle_add_models(b, &k->loaded, &err) < 0 ||
        bundle_add_picture(b, buf_bytes(&p->file), &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    spec.sensor.impulse = k->loaded.impulse;
    ask(k, b, &spec);
}

static void picture_run(struct request *r)
{
    struct picture *p = request_data(r);

    if (p->err.kind == ERR_NONE)
        multipart_finish(p->multipart, &p->err);
    if (p->err.kind == ERR_NONE && !p->file.len)
        err_set(&p->err, ERR_INPUT, "the form needs a part image with the picture");
    if (p->err.kind != ERR_NONE) {
        trip_fail(&p->trip, &p->err);
        return;
    }
    p->trip.data = p;
    trip_again(&p->trip, picture_go);
}

static void picture_gone(struct request *r)
{
    struct picture *p = request_data(r);

    if (!p)
        return;
    multipart_freep(&p->multipart);
    buf_clear(&p->file);
}

const struct handler impulse_picture = {picture_head, picture_body, picture_run, picture_gone};

TRIP_HANDLER(impulse_window, "read", window_go);
TRIP_HANDLER(impulse_slice_run, "submit", slice_go);
