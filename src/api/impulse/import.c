/* Models that are brought: a file is uploaded and read by a job; then it becomes an impulse, or the model of
 * a learn block that there is. */
#include <math.h>
#include <string.h>

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/multipart.h"

#define IMPORT_KEY "upload-pretrained-model"

enum { FIELD_MAX = 16 << 10, BODY_MAX = 256 << 10 };

/* ---- POST pretrained-model/upload: a form ---- */

struct upload {
    struct trip trip;
    struct multipart *multipart;
    struct blob_writer *file;
    bool in_file, has_file;
    char field[64], name[256]; /* of the part at hand; of the file */
    struct buf value;
    int64_t learn, impulse;
    char variant[16];
    struct err err; /* the first fault; what follows of the body is dropped */
};

static int part_begin(void *arg, const struct part *part, struct err *err)
{
    struct upload *u = arg;
    struct api *api = trip_api(&u->trip);

    buf_clear(&u->value);
    u->value = BUF(FIELD_MAX);
    text_copy(u->field, sizeof u->field, part->name);
    u->in_file = text_is(part->name, "modelFile");
    if (!u->in_file)
        return 0;
    if (u->has_file)
        return FAIL(err, ERR_INPUT, "the form has more than one part modelFile");
    u->has_file = true;
    if (!u->name[0])
        text_base_name(u->name, sizeof u->name, part->file_name ? part->file_name : "");
    return blob_begin(&u->file, api->blobs, api->opts.max_upload, err);
}

static int part_data(void *arg, struct bytes piece, struct err *err)
{
    struct upload *u = arg;

    if (u->in_file)
        return blob_add(u->file, piece, err);
    buf_add(&u->value, piece.data, piece.len);
    return 0;
}

static int check_type(const char *type, struct err *err)
{
    static const char *const known[] = {"tflite", "onnx", "deployment-metadata", "model-variables", "bundle"};

    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (text_is(type, known[i]))
            return 0;
    return FAIL(err, ERR_UNSUPPORTED,
                "a model of the type \"%.40s\" cannot be read here; convert it to tflite or onnx", type);
}

static int part_end(void *arg, struct err *err)
{
    struct upload *u = arg;
    const char *text = u->value.data ? u->value.data : "";

    if (u->in_file)
        return 0;
    if (text_is(u->field, "modelFileType"))
        return check_type(text, err);
    if (text_is(u->field, "modelFileName") && *text)
        text_base_name(u->name, sizeof u->name, text);
    else if (text_is(u->field, "variant"))
        text_copy(u->variant, sizeof u->variant, text);
    else if (text_is(u->field, "learnId") && !text_to_i64(text, &u->learn))
        return FAIL(err, ERR_INPUT, "learnId is the number of a learn block");
    else if (text_is(u->field, "impulseId") && !text_to_i64(text, &u->impulse))
        return FAIL(err, ERR_INPUT, "impulseId is a number");
    return 0;
}

static const struct multipart_events part_events = {part_begin, part_data, part_end};

static void upload_head(struct request *r)
{
    struct upload *u = arena_alloc(request_arena(r), sizeof *u);
    const char *type = request_header(r, "Content-Type");

    u->trip.request = r;
    request_set_data(r, u);
    if (impulse_visit(r, "submit", &u->trip.visit))
        multipart_new(&u->multipart, type ? type : "", &part_events, u, &u->err);
}

static void upload_body(struct request *r, struct bytes piece)
{
    struct upload *u = request_data(r);

    if (u->err.kind != ERR_NONE ||
        gate_more(api_of(r)->gate, r, &u->trip.visit.caller, piece.len, &u->err) < 0)
        return;
    if (multipart_feed(u->multipart, piece, &u->err) < 0)
        blob_writer_freep(&u->file);
}

/* The impulse that gets the model, when the form names a learn block. */
static int find_block(struct upload *u, struct impulse_row *row, struct err *err)
{
    struct trip *t = &u->trip;
    struct definition d;
    size_t at;

    if (records_impulse(trip_api(t)->db, trip_arena(t), t->visit.project.id, u->impulse, row, err) < 0 ||
        definition_read(trip_arena(t), row->definition, &d, err) < 0)
        return -1;
    if (!definition_learn(&d, u->learn, &at))
        return FAIL(err, ERR_NOT_FOUND, "the impulse has no learn block %lld", (long long)u->learn);
    return 0;
}

static void upload_go(struct trip *t)
{
    struct upload *u = t->data;
    struct job_request job = {.name = u->name};
    struct impulse_row row = {0};
    struct err err = {0};

    if (u->learn && find_block(u, &row, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    job.spec = sensor_spec(t, "sensor-import");
    job.spec.sensor.file = u->name;
    job.place = (struct job_place){.key = IMPORT_KEY,
                                   .title = "Reading model",
                                   .impulse = row.id,
                                   .block = u->learn,
                                   .variant = u->variant,
                                   .makes_model = u->learn > 0};
    job.body = TAKE(u->file);
    trip_submit_take(t, NULL, &job);
}

static int check_upload(struct upload *u, struct err *err)
{
    if (u->err.kind != ERR_NONE) {
        *err = u->err;
        return -1;
    }
    if (multipart_finish(u->multipart, err) < 0)
        return -1;
    if (!u->has_file || !blob_written(u->file))
        return FAIL(err, ERR_INPUT, "the form needs a part modelFile with the file");
    if (u->variant[0] && !text_is(u->variant, "float32") && !text_is(u->variant, "int8"))
        return FAIL(err, ERR_INPUT, "the variant is float32 or int8");
    return 0;
}

static void upload_run(struct request *r)
{
    struct upload *u = request_data(r);
    struct err err;

    if (check_upload(u, &err) < 0) {
        trip_fail(&u->trip, &err);
        return;
    }
    u->trip.data = u;
    trip_again(&u->trip, upload_go);
}

static void upload_gone(struct request *r)
{
    struct upload *u = request_data(r);

    if (!u)
        return;
    multipart_freep(&u->multipart);
    blob_writer_freep(&u->file);
    buf_clear(&u->value);
}

const struct handler impulse_model_upload = {upload_head, upload_body, upload_run, upload_gone};

/* ---- what was uploaded ---- */

struct found {
    struct project_job job;
    const struct imported *imported;
    struct bytes report;
};

static int find_import(struct trip *t, int64_t number, struct found *ret, struct err *err)
{
    struct api *api = trip_api(t);
    struct report *report;
    struct job_row row;
    int r;

    if (number)
        r = records_project_job(api->db, trip_arena(t), t->visit.project.id, number, &ret->job, err);
    else
        r = records_find_project_job(api->db, trip_arena(t), t->visit.project.id, IMPORT_KEY, NULL, &ret->job,
                                     err);
    if (r < 0)
        return err->kind == ERR_NOT_FOUND ? FAIL(err, ERR_NOT_FOUND, "no model has been uploaded yet") : -1;
    if (!job_is_over(&ret->job))
        return FAIL(err, ERR_CONFLICT, "the model is still being read; wait for job %lld",
                    (long long)ret->job.number);
    if (records_get_job(api->db, trip_arena(t), NULL, ret->job.id, &row, err) < 0)
        return -1;
    if (!text_is(row.state, job_state_name(JOB_DONE)))
        return FAIL(err, ERR_CONFLICT, "the model could not be read: %.180s",
                    row.error_text ? row.error_text : row.state);
    if (job_report(api, trip_arena(t), ret->job.id, &report, err) < 0)
        return -1;
    if (!report->sensing || !report->sensing->imported)
        return FAIL(err, ERR_INPUT, "job %lld has read no model", (long long)ret->job.number);
    ret->imported = report->sensing->imported;
    ret->report = row.report;
    return 0;
}

static void add_ports(doc_t *doc, val_t *to, const char *key, const struct model_port *ports, size_t n)
{
    static const char *const numbers[] = {
        [NUMBER_FLOAT] = "float32", [NUMBER_INT8] = "int8", [NUMBER_UINT8] = "uint8"};
    val_t *list = yyjson_mut_obj_add_arr(doc, to, key);

    for (size_t i = 0; i < n && i < MODEL_PORTS; i++) {
        val_t *o = yyjson_mut_arr_add_obj(doc, list), *shape;
        yyjson_mut_obj_add_str(doc, o, "dataType", numbers[ports[i].number]);
        yyjson_mut_obj_add_str(doc, o, "name", ports[i].name);
        shape = yyjson_mut_obj_add_arr(doc, o, "shape");
        for (size_t k = 0; k < ports[i].ndims; k++)
            yyjson_mut_arr_add_int(doc, shape, ports[i].dims[k]);
        if (ports[i].number != NUMBER_FLOAT) {
            yyjson_mut_obj_add_real(doc, o, "quantizationScale", ports[i].scale);
            yyjson_mut_obj_add_int(doc, o, "quantizationZeroPoint", ports[i].zero);
        }
    }
}

static void info_go(struct trip *t)
{
    struct found f = {0};
    struct err err = {0};
    val_t *root, *model, *notes;
    doc_t *doc;

    if (find_import(t, 0, &f, &err) < 0 && err.kind != ERR_NOT_FOUND && err.kind != ERR_CONFLICT) {
        trip_fail(t, &err);
        return;
    }
    doc = impulse_doc(&root);
    yyjson_mut_obj_add_bool(doc, root, "specificDeviceSelected", false);
    yyjson_mut_obj_add_arr(doc, root, "availableModelTypes");
    if (f.imported) {
        model = yyjson_mut_obj_add_obj(doc, root, "model");
        yyjson_mut_obj_add_str(doc, model, "type", f.imported->quantised ? "int8" : "float32");
        yyjson_mut_obj_add_str(doc, model, "format", f.imported->format);
        add_ports(doc, model, "inputs", f.imported->inputs, f.imported->ninputs);
        add_ports(doc, model, "outputs", f.imported->outputs, f.imported->noutputs);
        notes = yyjson_mut_obj_add_arr(doc, model, "notes");
        for (size_t i = 0; i < f.imported->nnotes; i++)
            yyjson_mut_arr_add_str(doc, notes, f.imported->notes[i]);
    }
    impulse_answer_take(t->request, doc);
}

/* ---- POST pretrained-model/save: an impulse around the model ---- */

struct making {
    struct trip *trip;
    struct found found;
    doc_t *doc;
    val_t *wire;
    int64_t base; /* the first free number for blocks */
    struct impulse_row row;
    size_t next; /* learn blocks that got their model */
    struct definition def;
};

static double product(const struct model_port *p)
{
    double n = 1;

    for (size_t i = 0; i < p->ndims; i++)
        n *= p->dims[i] > 0 ? (double)p->dims[i] : 1;
    return n;
}

static val_t *one_block(struct making *m, const char *list, const char *type, int64_t id)
{
    val_t *o = yyjson_mut_arr_add_obj(m->doc, yyjson_mut_obj_add_arr(m->doc, m->wire, list));

    yyjson_mut_obj_add_int(m->doc, o, "id", id);
    yyjson_mut_obj_add_strcpy(m->doc, o, "type", type);
    return o;
}

static void copy_member(struct making *m, val_t *to, yyjson_val *from, const char *key)
{
    if (yyjson_obj_get(from, key))
        yyjson_mut_obj_add_val(m->doc, to, key, yyjson_val_mut_copy(m->doc, yyjson_obj_get(from, key)));
}

static int make_picture(struct making *m, yyjson_val *input, const struct model_port *port, struct err *err)
{
    val_t *in = one_block(m, "inputBlocks", "image", m->base),
          *dsp = one_block(m, "dspBlocks", "image", m->base + 1);

    if (port->ndims != 4)
        return FAIL(err, ERR_INPUT, "the model takes no pictures: its input has %zu dimensions, not 4",
                    port->ndims);
    yyjson_mut_obj_add_int(m->doc, in, "imageHeight", port->dims[1]);
    yyjson_mut_obj_add_int(m->doc, in, "imageWidth", port->dims[2]);
    copy_member(m, in, input, "resizeMode");
    yyjson_mut_obj_add_str(m->doc, yyjson_mut_obj_add_obj(m->doc, dsp, "config"), "channels",
                           port->dims[3] == 1 ? "Grayscale" : "RGB");
    return 0;
}

static void make_series(struct making *m, double frequency, double window_ms)
{
    val_t *in = one_block(m, "inputBlocks", "time-series", m->base);

    yyjson_mut_obj_add_real(m->doc, in, "frequencyHz", frequency);
    yyjson_mut_obj_add_real(m->doc, in, "windowSizeMs", window_ms);
    yyjson_mut_obj_add_real(m->doc, in, "windowIncreaseMs", window_ms);
    one_block(m, "dspBlocks", "raw", m->base + 1);
}

static int make_input(struct making *m, yyjson_val *input, struct err *err)
{
    const char *type = json_str(trip_arena(m->trip), input, "inputType", "");
    const struct model_port *port = &m->found.imported->inputs[0];
    double frequency = json_num(input, "frequencyHz", 0), window = json_num(input, "windowLengthMs", 0);

    if (text_is(type, "image"))
        return make_picture(m, input, port, err);
    if (text_is(type, "other")) {
        one_block(m, "inputBlocks", "features", m->base);
        one_block(m, "dspBlocks", "raw", m->base + 1);
        return 0;
    }
    if (!text_is(type, "time-series") && !text_is(type, "audio"))
        return FAIL(err, ERR_INPUT, "inputType is time-series, audio, image or other");
    if (!(frequency > 0))
        return FAIL(err, ERR_INPUT, "the input needs frequencyHz");
    if (text_is(type, "audio"))
        window = product(port) * 1000 / frequency;
    if (!(window > 0))
        return FAIL(err, ERR_INPUT, "the input needs windowLengthMs");
    make_series(m, frequency, window);
    return 0;
}

static int make_learn(struct making *m, yyjson_val *input, yyjson_val *model, struct err *err)
{
    static const struct {
        const char *model, *type;
    } types[] = {{"classification", "keras"},
                 {"regression", "keras-regression"},
                 {"object-detection", "keras-object-detection"},
                 {"anomaly", "anomaly-gmm"},
                 {"freeform", "keras-freeform"}};
    const char *type = json_str(trip_arena(m->trip), model, "modelType", "");
    val_t *o;

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (!text_is(types[i].model, type))
            continue;
        o = one_block(m, "learnBlocks", types[i].type, m->base + 2);
        copy_member(m, o, model, "labels");
        copy_member(m, o, input, "inputScaling");
        copy_member(m, o, model, "thresholdValues");
        yyjson_mut_obj_rename_key(m->doc, o, "thresholdValues", "thresholds");
        copy_member(m, o, model, "lastLayer");
        yyjson_mut_obj_rename_key(m->doc, o, "lastLayer", "objectDetectionLastLayer");
        return 0;
    }
    return FAIL(err, ERR_INPUT,
                "modelType is classification, regression, object-detection, anomaly or freeform");
}

/* ---- saving ---- */

static int find_base(struct making *m, struct err *err)
{
    struct trip *t = m->trip;
    struct impulse_row *rows;
    struct definition d;
    size_t n;

    m->base = 1;
    if (records_impulses(trip_api(t)->db, trip_arena(t), t->visit.project.id, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (definition_read(trip_arena(t), rows[i].definition, &d, NULL) < 0)
            continue;
        for (size_t k = 0; k < d.impulse.ndsp; k++)
            m->base = d.impulse.dsp[k].id >= m->base ? d.impulse.dsp[k].id + 1 : m->base;
        for (size_t k = 0; k < d.impulse.nlearn; k++)
            m->base = d.impulse.learn[k].id >= m->base ? d.impulse.learn[k].id + 1 : m->base;
    }
    return 0;
}

static int make_wire(struct making *m, yyjson_val *body, struct err *err)
{
    yyjson_val *input = yyjson_obj_get(body, "input"), *model = yyjson_obj_get(body, "model");

    if (!input && m->found.imported->has_impulse) {
        definition_wire(m->doc, m->wire, &m->found.imported->impulse, m->base);
        return 0;
    }
    if (!m->found.imported->ninputs)
        return FAIL(err, ERR_INPUT, "the uploaded file holds no model; upload a .tflite or .onnx file");
    return make_input(m, input, err) < 0 ? -1 : make_learn(m, input, model, err);
}

static int make_row(struct making *m, yyjson_val *body, struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    CLEANUP(json_freep) yyjson_doc *wire = NULL;
    struct arena *a = trip_arena(m->trip);

    m->doc = doc;
    m->wire = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, m->wire);
    if (find_base(m, err) < 0 || make_wire(m, body, err) < 0)
        return -1;
    wire = json_read(json_write(a, doc), DEFINITION_BYTES, err);
    if (!wire ||
        definition_make(a, yyjson_doc_get_root(wire), &(struct define_with){.now_us = clock_wall_us()},
                        &m->row.definition, err) < 0)
        return -1;
    m->row.project = m->trip->visit.project.id;
    m->row.name = json_str(a, yyjson_doc_get_root(wire), "name", m->found.imported->format);
    return definition_read(a, m->row.definition, &m->def, err);
}

/* A block of clusters has them in the report; the first other one gets the model. */
static bool takes_model(const struct making *m, size_t at)
{
    const struct impulse_learn *l = &m->def.impulse.learn[at];

    if (l->kind == LEARN_CLUSTERS)
        return true;
    for (size_t i = 0; i < at; i++)
        if (m->def.impulse.learn[i].kind != LEARN_CLUSTERS)
            return false;
    return m->found.job.artefact != NULL;
}

static void saved_answer(struct making *m)
{
    val_t *root;
    doc_t *doc = impulse_doc(&root);

    yyjson_mut_obj_add_int(doc, root, "id", m->row.id);
    impulse_answer_take(m->trip->request, doc);
}

/* Writer thread: one model after the other. */
static void put_next(void *arg, const struct err *err)
{
    struct making *m = arg;
    struct model_row row = {
        .impulse = m->row.id, .made_us = m->found.job.finished_us, .report = m->found.report};
    struct err why = *err;

    while (m->next < m->def.impulse.nlearn && !takes_model(m, m->next))
        m->next++;
    if (why.kind == ERR_NONE && m->next == m->def.impulse.nlearn) {
        saved_answer(m);
        return;
    }
    if (why.kind == ERR_NONE) {
        const struct impulse_learn *l = &m->def.impulse.learn[m->next++];
        row.block = l->id;
        row.sha256 = l->kind == LEARN_CLUSTERS ? NULL : m->found.job.artefact;
        row.job = m->found.job.id;
        if (records_put_model(trip_api(m->trip)->db, &row, put_next, m, &why) == 0)
            return;
    }
    trip_fail(m->trip, &why);
}

static void save_go(struct trip *t)
{
    CLEANUP(json_freep) yyjson_doc *body = impulse_body(t->request, BODY_MAX);
    struct making *m = arena_alloc(trip_arena(t), sizeof *m);
    struct err err = {0};

    if (!body)
        return;
    m->trip = t;
    if (find_import(t, json_int(yyjson_doc_get_root(body), "jobId", 0), &m->found, &err) < 0 ||
        make_row(m, yyjson_doc_get_root(body), &err) < 0 ||
        records_save_impulse(trip_api(t)->db, &m->row, &m->row.id, put_next, m, &err) < 0)
        trip_fail(t, &err);
}

TRIP_HANDLER(impulse_model_save, "submit", save_go);
TRIP_HANDLER(impulse_model_info, "read", info_go);
