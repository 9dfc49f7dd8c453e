/* Training: a job with all training recordings, which leaves a model; and the card of what came of it. */
#include <math.h>
#include <string.h>

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"

static const int64_t bundle_bytes = (int64_t)4 << 30;

enum { DEADLINE_MS = 3600000, BODY_MAX = 256 << 10 };

/* ---- what is asked ---- */

/* Sizes of the dense layers, as the original's page sends them, or as a plain list. */
static int read_layers(yyjson_val *body, struct train_params *p, struct err *err)
{
    yyjson_val *layers = yyjson_obj_get(body, "visualLayers"), *plain = yyjson_obj_get(body, "hidden"), *v;
    size_t i, n, at = 0;

    if (layers || plain)
        p->hidden[0] = p->hidden[1] = 0;
    yyjson_arr_foreach (plain ? plain : layers, i, n, v) {
        const char *type = yyjson_get_str(yyjson_obj_get(v, "type"));
        if (!plain && !text_is(type, "dense"))
            continue; /* a dropout or reshape layer */
        if (at >= COUNT_OF(p->hidden))
            return FAIL(err, ERR_UNSUPPORTED, "a network here has at most %zu hidden layers",
                        COUNT_OF(p->hidden));
        p->hidden[at++] = (int)fmin(fmax(plain ? yyjson_get_num(v) : json_num(v, "neurons", 0), -1), 1e6);
    }
    return 0;
}

static int whole(yyjson_val *body, const char *key, int fallback)
{
    return (int)fmin(fmax(json_num(body, key, fallback), -1), 1e6);
}

static int read_params(yyjson_val *body, int64_t learn, struct train_params *ret, struct err *err)
{
    struct train_params p = train_params_defaults();

    p.learn = learn;
    p.epochs = whole(body, "trainingCycles", p.epochs);
    p.rate = json_num(body, "learningRate", p.rate);
    p.held = json_num(body, "trainTestSplit", p.held);
    p.clusters = whole(body, "clusterCount", p.clusters);
    p.seed = (uint64_t)json_int(body, "seed", (int64_t)p.seed);
    *ret = p;
    return read_layers(body, ret, err);
}

/* ---- the impulse with that one block ---- */

struct training_ask {
    struct impulse_row row;
    struct definition def;
    const struct impulse_learn *learn;
    const struct learn_more *more;
    struct train_params params;
};

static bool has_learn(struct trip *t, const struct impulse_row *row, int64_t id, struct definition *ret)
{
    size_t at;

    return definition_read(trip_arena(t), row->definition, ret, NULL) == 0 && definition_learn(ret, id, &at);
}

/* The impulse asked for, else the first that has the block. */
static int find_learn(struct trip *t, int64_t learn, struct training_ask *ret, struct err *err)
{
    struct impulse_row *rows;
    int64_t impulse;
    size_t n, at;

    if (impulse_query_int(t->request, "impulseId", 0, &impulse, err) < 0 ||
        records_impulses(trip_api(t)->db, trip_arena(t), t->visit.project.id, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if ((!impulse || rows[i].id == impulse) && has_learn(t, &rows[i], learn, &ret->def)) {
            ret->row = rows[i];
            ret->more = definition_learn(&ret->def, learn, &at);
            ret->learn = &ret->def.impulse.learn[at];
            return 0;
        }
    return FAIL(err, ERR_NOT_FOUND, "the project has no learn block %lld", (long long)learn);
}

/* Features that an anomaly block looks at: of the body, else of the impulse; none: all. */
static int choose_features(struct trip *t, yyjson_val *body, const struct learn_more *more,
                           struct impulse_learn *l, struct err *err)
{
    yyjson_val *list = yyjson_obj_get(body, "axes"), *v;
    size_t i, n = list ? yyjson_arr_size(list) : more->naxes;
    int *chosen = arena_array(trip_arena(t), n, sizeof *chosen);
    float *mean = arena_array(trip_arena(t), n, sizeof *mean),
          *dev = arena_array(trip_arena(t), n, sizeof *dev);

    if (n > IMPULSE_FEATURES)
        return FAIL(err, ERR_LIMIT, "an anomaly block looks at %d features at most", IMPULSE_FEATURES);
    for (i = 0; i < n && !list; i++)
        chosen[i] = more->axes[i];
    yyjson_arr_foreach (list, i, n, v)
        chosen[i] = (int)fmin(fmax(yyjson_is_num(v) ? yyjson_get_num(v) : -1, -1), 1e8);
    for (i = 0; i < n; i++)
        dev[i] = 1; /* the training will say */
    l->nchosen = n;
    l->chosen = chosen;
    l->mean = mean;
    l->dev = dev;
    return 0;
}

static int fill_spec(struct trip *t, yyjson_val *body, const struct training_ask *ask, struct job_spec *spec,
                     struct err *err)
{
    struct impulse_learn *l = arena_alloc(trip_arena(t), sizeof *l);

    *spec = sensor_spec(t, "sensor-train");
    spec->deadline_ms = DEADLINE_MS;
    *l = *ask->learn;
    if (l->kind == LEARN_CLUSTERS && choose_features(t, body, ask->more, l, err) < 0)
        return -1;
    spec->sensor.impulse = ask->def.impulse;
    spec->sensor.impulse.id = ask->row.id;
    spec->sensor.impulse.learn = l;
    spec->sensor.impulse.nlearn = 1;
    spec->sensor.train = ask->params;
    return 0;
}

static int check_kind(const struct training_ask *ask, bool anomaly, struct err *err)
{
    bool clusters = ask->learn->kind == LEARN_CLUSTERS;

    if (clusters && !anomaly)
        return FAIL(err, ERR_INPUT, "the learn block %lld is trained at jobs/train/anomaly/%lld",
                    (long long)ask->learn->id, (long long)ask->learn->id);
    if (anomaly && !clusters)
        return FAIL(err, ERR_INPUT, "the learn block %lld is no K-means block", (long long)ask->learn->id);
    if (!clusters && ask->learn->kind != LEARN_CLASSIFIER)
        return FAIL(err, ERR_UNSUPPORTED,
                    "blocks of the type %s are not trained here; upload a model to pretrained-model/upload",
                    ask->learn->type);
    return 0;
}

static int prepare(struct trip *t, yyjson_val *body, bool anomaly, struct training_ask *ask, struct err *err)
{
    int64_t learn;

    if (impulse_number(t->request, "learnId", &learn, err) < 0 || find_learn(t, learn, ask, err) < 0 ||
        check_kind(ask, anomaly, err) < 0 || read_params(body, learn, &ask->params, err) < 0)
        return -1;
    if (anomaly && ask->more->clusters && !yyjson_obj_get(body, "clusterCount"))
        ask->params.clusters = ask->more->clusters;
    return 0;
}

/* ---- the recordings ---- */

static int bundle_all(struct trip *t, struct bundle **ret, struct err *err)
{
    struct bundle *b;
    struct sample *all;
    size_t n;

    if (samples_load(trip_api(t), trip_arena(t), &t->visit.project, SAMPLE_TRAINING, SENSOR_PARTS, &all, &n,
                     err) < 0)
        return -1;
    if (!n)
        return FAIL(err, ERR_CONFLICT,
                    "the project has no training recordings; upload some to /api/training/files");
    b = bundle_blob(trip_api(t), trip_arena(t), bundle_bytes, err);
    if (!b)
        return -1;
    *ret = b;
    for (size_t i = 0; i < n; i++)
        if (bundle_add_sample(b, &all[i], err) < 0)
            return -1;
    return 0;
}

static void train(struct trip *t, bool anomaly)
{
    CLEANUP(json_freep) yyjson_doc *body = impulse_body(t->request, BODY_MAX);
    CLEANUP(bundle_freep) struct bundle *b = NULL;
    struct training_ask ask = {0};
    struct job_request job = {0};
    struct err err = {0};

    if (!body)
        return;
    if (prepare(t, yyjson_doc_get_root(body), anomaly, &ask, &err) < 0 ||
        fill_spec(t, yyjson_doc_get_root(body), &ask, &job.spec, &err) < 0 || bundle_all(t, &b, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    job.name = "training recordings";
    job.place = (struct job_place){.key = anomaly ? "anomaly-train" : "train",
                                   .title = anomaly ? "Training anomaly detection" : "Training model",
                                   .impulse = ask.row.id,
                                   .block = ask.learn->id,
                                   .variant = "float32",
                                   .inputs = definition_inputs(trip_arena(t), &ask.def.impulse, ask.learn),
                                   .makes_model = true};
    trip_submit_take(t, b, &job);
}

static void train_go(struct trip *t)
{
    train(t, false);
}

static void train_anomaly_go(struct trip *t)
{
    train(t, true);
}

/* ---- the card ---- */

static void add_confusion(doc_t *doc, val_t *to, const struct training *tr)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, to, "confusionMatrix"), *row;

    for (size_t i = 0; i < tr->nlabels && tr->confusion; i++) {
        row = yyjson_mut_obj(doc);
        for (size_t k = 0; k < tr->nlabels; k++)
            yyjson_mut_obj_add(row, yyjson_mut_str(doc, tr->labels[k]),
                               yyjson_mut_int(doc, tr->confusion[i * tr->nlabels + k]));
        yyjson_mut_obj_add(o, yyjson_mut_str(doc, tr->labels[i]), row);
    }
}

static void add_training(doc_t *doc, val_t *card, const struct training *tr)
{
    val_t *held = yyjson_mut_obj_add_obj(doc, card, "heldOut"),
          *seen = yyjson_mut_obj_add_obj(doc, card, "trained"),
          *labels = yyjson_mut_obj_add_arr(doc, card, "labels");

    for (size_t i = 0; i < tr->nlabels; i++)
        yyjson_mut_arr_add_str(doc, labels, tr->labels[i]);
    yyjson_mut_obj_add_uint(doc, card, "features", tr->nfeatures);
    yyjson_mut_obj_add_int(doc, card, "epochs", tr->epochs);
    yyjson_mut_obj_add_int(doc, seen, "windows", tr->ntrain);
    yyjson_mut_obj_add_real(doc, seen, "accuracy", tr->train_accuracy);
    yyjson_mut_obj_add_real(doc, seen, "loss", tr->train_loss);
    yyjson_mut_obj_add_int(doc, held, "windows", tr->nheld);
    yyjson_mut_obj_add_real(doc, held, "accuracy", tr->accuracy);
    yyjson_mut_obj_add_real(doc, held, "loss", tr->loss);
    if (tr->block.kind == LEARN_CLUSTERS)
        yyjson_mut_obj_add_uint(doc, card, "clusters", tr->block.nclusters);
    else
        add_confusion(doc, held, tr);
}

/* Recordings and readings for each label. */
static void add_data(doc_t *doc, val_t *card, const struct sensor_params *p)
{
    val_t *data = yyjson_mut_obj_add_obj(doc, card, "data"), *o;

    for (size_t i = 0; i < p->nparts; i++) {
        const struct sensor_part *part = &p->parts[i];
        const char *label = part->label ? part->label : "";
        int64_t bytes = (int64_t)(part->naxes ? part->naxes * sizeof(float) : 1);
        o = yyjson_mut_obj_get(data, label);
        if (!o) {
            o = yyjson_mut_obj(doc);
            yyjson_mut_obj_add(data, yyjson_mut_str(doc, label), o);
            yyjson_mut_obj_add_int(doc, o, "recordings", 0);
            yyjson_mut_obj_add_int(doc, o, "readings", 0);
        }
        yyjson_mut_set_sint(yyjson_mut_obj_get(o, "recordings"),
                            yyjson_mut_get_sint(yyjson_mut_obj_get(o, "recordings")) + 1);
        yyjson_mut_set_sint(yyjson_mut_obj_get(o, "readings"),
                            yyjson_mut_get_sint(yyjson_mut_obj_get(o, "readings")) + part->size / bytes);
    }
}

static void add_settings(doc_t *doc, val_t *card, const struct train_params *p)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, card, "settings"),
          *hidden = yyjson_mut_obj_add_arr(doc, o, "hidden");

    yyjson_mut_obj_add_int(doc, o, "trainingCycles", p->epochs);
    yyjson_mut_obj_add_real(doc, o, "learningRate", p->rate);
    yyjson_mut_obj_add_real(doc, o, "trainTestSplit", p->held);
    yyjson_mut_obj_add_int(doc, o, "clusterCount", p->clusters);
    yyjson_mut_obj_add_uint(doc, o, "seed", p->seed);
    for (size_t i = 0; i < COUNT_OF(p->hidden); i++)
        yyjson_mut_arr_add_int(doc, hidden, p->hidden[i]);
}

static void add_program(doc_t *doc, val_t *card, const struct report *report)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, card, "program");

    yyjson_mut_obj_add_str(doc, o, "version", report->program.version ? report->program.version : "");
    yyjson_mut_obj_add_str(doc, o, "commit", report->program.commit ? report->program.commit : "");
}

static bool was_trained(struct trip *t, const struct model_row *row)
{
    struct report *report;

    return row->report.len && report_from_json(trip_arena(t), row->report, &report, NULL) == 0 &&
           report->sensing && report->sensing->training;
}

/* The newest model of the block that was trained here. */
static int find_trained(struct trip *t, const struct training_ask *ask, struct model_row *ret,
                        struct err *err)
{
    struct model_row *rows;
    size_t n;

    if (records_models(trip_api(t)->db, trip_arena(t), ask->row.id, &rows, &n, err) < 0)
        return -1;
    *ret = (struct model_row){0};
    for (size_t i = 0; i < n; i++)
        if (rows[i].block == ask->learn->id && rows[i].made_us > ret->made_us && was_trained(t, &rows[i]))
            *ret = rows[i];
    if (ret->made_us)
        return 0;
    return FAIL(err, ERR_NOT_FOUND, "the learn block %lld has not been trained here",
                (long long)ask->learn->id);
}

static void add_origin(struct trip *t, doc_t *doc, val_t *card, const struct training_ask *ask,
                       const struct model_row *row)
{
    val_t *block = yyjson_mut_obj_add_obj(doc, card, "learnBlock");
    struct job_row job;
    struct job_spec spec;

    yyjson_mut_obj_add_int(doc, block, "id", ask->learn->id);
    yyjson_mut_obj_add_str(doc, block, "type", ask->learn->type);
    yyjson_mut_obj_add_str(doc, block, "name", ask->learn->name);
    yyjson_mut_obj_add_int(doc, card, "impulseId", ask->row.id);
    yyjson_mut_obj_add_str(doc, card, "variant", *row->variant ? row->variant : "float32");
    if (row->sha256)
        yyjson_mut_obj_add_str(doc, card, "sha256", row->sha256);
    impulse_add_time(doc, card, "created", row->made_us);
    yyjson_mut_obj_add_bool(
        doc, card, "stale",
        *row->inputs &&
            !text_is(row->inputs, definition_inputs(trip_arena(t), &ask->def.impulse, ask->learn)));
    if (!row->job || records_get_job(trip_api(t)->db, trip_arena(t), NULL, row->job, &job, NULL) < 0 ||
        spec_from_json(trip_arena(t), job.spec, &spec, NULL) < 0)
        return; /* the job is gone, the model stays */
    yyjson_mut_obj_add_str(doc, card, "dataSha256", job.sha256);
    add_data(doc, card, &spec.sensor);
    add_settings(doc, card, &spec.sensor.train);
}

static void card_go(struct trip *t)
{
    struct training_ask ask = {0};
    struct model_row row;
    struct report *report;
    struct err err;
    val_t *root, *card;
    int64_t learn;
    doc_t *doc;

    if (impulse_number(t->request, "learnId", &learn, &err) < 0 || find_learn(t, learn, &ask, &err) < 0 ||
        find_trained(t, &ask, &row, &err) < 0 ||
        report_from_json(trip_arena(t), row.report, &report, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    doc = impulse_doc(&root);
    card = yyjson_mut_obj_add_obj(doc, root, "card");
    add_origin(t, doc, card, &ask, &row);
    if (report->sensing && report->sensing->training)
        add_training(doc, card, report->sensing->training);
    add_program(doc, card, report);
    impulse_answer_take(t->request, doc);
}

TRIP_HANDLER(impulse_train, "submit", train_go);
TRIP_HANDLER(impulse_train_anomaly, "submit", train_anomaly_go);
TRIP_HANDLER(impulse_card, "read", card_go);
