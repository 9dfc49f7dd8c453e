/* What sensor pipelines are asked for and find, through their JSON and back; and what is refused. */
#include "report/sensor.h"

#include <float.h>
#include <math.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"

#include "test.h"

static const char sha[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char *const axes[] = {"accX", "accY", "accZ"};
static const char *const labels[] = {"idle", "wave \"fast\"", "snake"};
static const float centroid[] = {0.5f, -1.25f}, mean[] = {0.1f, 3e-20f}, dev[] = {1.0f / 3, 7};
static const int chosen[] = {0, 11};

static const struct impulse_setting settings[] = {{"fft-length", "128"}, {"filter-type", "low"}};
static const struct impulse_dsp dsp[] = {
    {.id = 2,
     .type = "spectral-analysis",
     .name = "Spectral",
     .version = 3,
     .naxes = 3,
     .axes = axes,
     .nsettings = 2,
     .settings = settings},
    {.id = 5, .type = "raw", .name = ""},
};
static const int64_t both[] = {5, 2};
static const struct impulse_cluster clusters[] = {{centroid, 0.25f}, {mean, 1e-9f}};

static struct impulse_learn *learn_blocks(struct arena *a)
{
    struct impulse_learn *all = arena_array(a, 2, sizeof *all);

    all[0] = (struct impulse_learn){.id = 3,
                                    .kind = LEARN_CLASSIFIER,
                                    .type = "keras",
                                    .name = "NN",
                                    .title = "",
                                    .ndsp = 2,
                                    .dsp = both,
                                    .nlabels = 3,
                                    .labels = labels,
                                    .min_score = 0.6,
                                    .model = 0};
    all[1] = (struct impulse_learn){.id = 4,
                                    .kind = LEARN_CLUSTERS,
                                    .ndsp = 1,
                                    .dsp = both + 1,
                                    .min_score = -0.3,
                                    .model = -1,
                                    .nchosen = 2,
                                    .chosen = chosen,
                                    .mean = mean,
                                    .dev = dev,
                                    .nclusters = 2,
                                    .clusters = clusters};
    return all;
}

static struct sensor_part *a_parts(struct arena *a)
{
    static const struct sensor_stretch stretches[] = {{0, 9, "idle"}, {10, 24, "snake"}};
    static const struct sensor_box boxes[] = {{"cup", 1, 2.5, 30, 40}};
    struct sensor_part *all = arena_array(a, 3, sizeof *all);

    all[0] = (struct sensor_part){.kind = PART_MODEL, .offset = 0, .size = 100};
    text_copy(all[0].sha256, sizeof all[0].sha256, sha);
    all[1] = (struct sensor_part){.kind = PART_SERIES,
                                  .offset = 100,
                                  .size = 300,
                                  .number = 17,
                                  .naxes = 3,
                                  .axes = axes,
                                  .frequency = 62.5,
                                  .nstretches = 2,
                                  .stretches = stretches};
    all[2] = (struct sensor_part){.kind = PART_PICTURE,
                                  .offset = 400,
                                  .size = 7,
                                  .number = 18,
                                  .label = "kitchen",
                                  .nboxes = 1,
                                  .boxes = boxes};
    return all;
}

static struct job_spec a_spec(struct arena *a, const char *pipeline)
{
    struct job_spec spec = job_spec_defaults();

    spec.id = "6662efdb5200108549e3ac2b";
    spec.pipeline = pipeline;
    text_copy(spec.subject.sha256, sizeof spec.subject.sha256, sha);
    spec.subject.size = 407;
    spec.sensor.impulse = (struct impulse){.id = 1,
                                           .name = "Gestures",
                                           .input = INPUT_SERIES,
                                           .window_ms = 2000,
                                           .step_ms = 200,
                                           .frequency = 62.5,
                                           .pad = true,
                                           .ndsp = 2,
                                           .dsp = dsp,
                                           .nlearn = 2,
                                           .learn = learn_blocks(a)};
    spec.sensor.nparts = 3;
    spec.sensor.parts = a_parts(a);
    return spec;
}

static void specs_survive(void)
{
    static const char *const pipelines[] = {"sensor-read", "sensor-import", "sensor-classify",
                                            "sensor-train"};

    for (size_t i = 0; i < COUNT_OF(pipelines); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct job_spec spec = a_spec(a, pipelines[i]), back;
        struct bytes text, again;
        struct err err = {0};
        spec.sensor.file = i < 2 ? "wave.01.cbor" : NULL;
        spec.sensor.train.learn = i == 3 ? 3 : 0;
        text = spec_to_json(a, &spec);
        CHECK_INT(spec_from_json(a, text, &back, &err), 0);
        CHECK_STR(err.text, "");
        back.sensor = sensor_params_copy(a, &back.sensor);
        again = spec_to_json(a, &back);
        CHECK_STR((const char *)again.data, (const char *)text.data);
        CHECK_STR(back.sensor.parts[1].stretches[1].label, "snake");
        CHECK(memcmp(back.sensor.impulse.learn[1].dev, dev, sizeof dev) == 0);
        ROW("%s", pipelines[i]);
    }
}

/* What nobody asks is not written: a job that only reads a file has no impulse. */
static void a_file_has_no_impulse(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = job_spec_defaults(), back;
    struct err err = {0};
    struct bytes text;

    spec.pipeline = "sensor-read";
    spec.sensor.file = "x.csv";
    text = spec_to_json(a, &spec);
    CHECK(strstr((const char *)text.data, "impulse") == NULL);
    CHECK_INT(spec_from_json(a, text, &back, &err), 0);
    CHECK_STR(back.sensor.file, "x.csv");
    CHECK_INT(back.sensor.train.epochs, 100);
}

static bool same_float(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (a >= b && a <= b); /* -0 is 0 */
}

static struct report *with_scores(struct arena *a, float *scores, size_t n)
{
    struct job_spec spec = a_spec(a, "sensor-classify");
    struct report *r = report_new(a, &spec);
    struct learn_result *l = arena_alloc(a, sizeof *l);
    struct recording_result *rec = arena_alloc(a, sizeof *rec);

    *l = (struct learn_result){
        .id = 3, .kind = LEARN_REGRESSION, .nlabels = 1, .labels = labels, .scores = scores};
    *rec = (struct recording_result){
        .number = 17, .part = 1, .nwindows = n, .window = 125, .step = 12, .nlearn = 1, .learn = l};
    r->sensing = arena_alloc(a, sizeof *r->sensing);
    *r->sensing = (struct sensing){.nresults = 1, .results = rec};
    return r;
}

/* Every float comes back, and none is written with more digits than a float has. */
static void floats_come_back(void)
{
    static const float special[] = {0,       -0.0f,       1,          0.1f,     1e-5f,    1e-13f,    1.5e-14f,
                                    FLT_MIN, 1e-45f,      FLT_MAX,    -FLT_MAX, 16777216, 123456792, 1e9f,
                                    1e10f,   0.99999994f, 1.0000001f, 2.5e-7f,  1.0f / 3};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    enum { N = 50000 };
    float *v = arena_array(a, N, sizeof *v);
    struct report *back;
    struct bytes text;
    struct err err = {0};
    uint32_t seed = 1;

    for (size_t i = 0; i < N; i++) {
        seed = seed * 1664525 + 1013904223;
        memcpy(&v[i], &seed, sizeof v[i]);
        if (i < COUNT_OF(special))
            v[i] = special[i];
        else if (i % 2 || !isfinite(v[i]))
            v[i] = (float)(seed >> 8) / 16777216.0f;
    }
    text = report_to_json(a, with_scores(a, v, N));
    CHECK_INT(report_from_json(a, text, &back, &err), 0);
    CHECK_STR(err.text, "");
    for (size_t i = 0; i < N && test_ok; i++) {
        CHECK(same_float(back->sensing->results[0].learn[0].scores[i], v[i]));
        ROW("%zu: %.9g", i, (double)v[i]);
    }
    CHECK(text.len < N * 13);
}

/* What is told beforehand is not much more, and not less for what scores are. */
static void its_length_is_known(void)
{
    enum { N = 20000 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    float *v = arena_array(a, N, sizeof *v);
    struct report *r = with_scores(a, v, N);
    size_t len, told = learn_result_bytes(r->sensing->results[0].learn, N);

    for (size_t i = 0; i < N; i++)
        v[i] = (float)i / N;
    len = report_to_json(a, r).len;
    CHECK(len < told + 1500);
    CHECK(told < 2 * len);
}

static void short_when_short(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    float v[] = {0.1f, 0.99609375f, 1234.5f, 0.33333334f, 5e-7f};
    struct bytes text = report_to_json(a, with_scores(a, v, COUNT_OF(v)));

    CHECK(strstr((const char *)text.data, "[0.1,0.99609375,1234.5,0.33333334,5e-7]") != NULL);
}

/* What is no number must neither end the analyst nor be read back. */
static void no_number_is_refused(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    float v[] = {0.5f, (float)NAN};
    struct report *back;
    struct err err = {0};

    CHECK(report_from_json(a, report_to_json(a, with_scores(a, v, 2)), &back, &err) < 0);
    CHECK_INT(err.kind, ERR_INPUT);
}

/* ---- a report with everything in it ---- */

static const struct sensor_box seen[] = {{"cup", 8, 16, 24, 8}, {"lamp", 0, 0, 8, 8}};
static const struct sensor_box truth[] = {{"cup", 7.5, 15, 20, 20}};
static const double box_scores[] = {0.97, 0.5};
static const struct box_pair pair = {0, 0, 0.0625};

static void fill_results(struct arena *a, struct sensing *s)
{
    static const struct sensor_stretch expected[] = {{0, 1, "idle"}};
    static float grid[] = {1, 2, 3, 4, 5, 6, 7, 8}, scores[] = {0.5f, 0.25f, 0.25f, 1, 0, 0};
    struct learn_result *l = arena_array(a, 3, sizeof *l);
    struct window_boxes *w = arena_array(a, 2, sizeof *w);

    w[0] = (struct window_boxes){.n = 2,
                                 .ntruths = 1,
                                 .boxes = seen,
                                 .scores = box_scores,
                                 .truths = truth,
                                 .npairs = 1,
                                 .nassigned = 1,
                                 .pairs = &pair,
                                 .assigned = &pair,
                                 .f1 = 2.0 / 3,
                                 .precision = 0.5,
                                 .recall = 1};
    l[0] = (struct learn_result){
        .id = 3, .kind = LEARN_CLASSIFIER, .nlabels = 3, .labels = labels, .scores = scores};
    l[1] = (struct learn_result){.id = 6, .kind = LEARN_FOMO, .nlabels = 1, .labels = labels, .boxes = w};
    l[2] = (struct learn_result){.id = 7,
                                 .kind = LEARN_GRID,
                                 .nlabels = 1,
                                 .labels = labels,
                                 .scores = scores,
                                 .side = 2,
                                 .grid = grid};
    s->nresults = 2;
    s->results = arena_array(a, 2, sizeof *s->results);
    s->results[0] = (struct recording_result){.number = 17,
                                              .part = 1,
                                              .nwindows = 2,
                                              .window = 125,
                                              .step = 12,
                                              .resampled = true,
                                              .nexpected = 1,
                                              .expected = expected,
                                              .nlearn = 3,
                                              .learn = l};
    s->results[1] = (struct recording_result){.number = 18, .part = 2};
    err_set(&s->results[1].error, ERR_INPUT, "the recording has no axis \"accZ\"");
}

static struct report *a_report(struct arena *a)
{
    static const struct sensor_axis read_axes[] = {{"accX", "m/s2"}, {"accY", ""}};
    static const float features[] = {0.1f, 2, 1e-7f};
    static const int64_t confusion[] = {4, 1, 0, 0, 5, 0, 0, 0, 6};
    static const char *const notes[] = {"The model has two inputs; only the first is used."};
    struct job_spec spec = a_spec(a, "sensor-classify");
    struct report *r = report_new(a, &spec);
    struct configuration config = {.sensor_known = true};
    struct sensing *s = arena_alloc(a, sizeof *s);

    r->sensing = s;
    fill_results(a, s);
    s->recording = arena_alloc(a, sizeof *s->recording);
    *s->recording = (struct recording){.format = "cbor",
                                       .naxes = 2,
                                       .axes = read_axes,
                                       .interval_ms = 16,
                                       .readings = 313,
                                       .device_type = "TEST",
                                       .taken_s = 1600000000,
                                       .algorithm = "HS256",
                                       .signature_at = 4711,
                                       .note = "Ragged."};
    s->features = arena_alloc(a, sizeof *s->features);
    *s->features = (struct feature_result){.n = 3,
                                           .values = features,
                                           .nlabels = 3,
                                           .labels = labels,
                                           .width = 3,
                                           .height = 1,
                                           .channels = 1,
                                           .nraw = 2,
                                           .raw = features};
    s->training = arena_alloc(a, sizeof *s->training);
    *s->training = (struct training){.learn = 3,
                                     .nlabels = 3,
                                     .nfeatures = 39,
                                     .labels = labels,
                                     .ntrain = 100,
                                     .nheld = 15,
                                     .accuracy = 1,
                                     .loss = 0.015625,
                                     .train_accuracy = 0.9375,
                                     .confusion = confusion,
                                     .epochs = 100,
                                     .block = learn_blocks(a)[1]};
    s->imported = arena_alloc(a, sizeof *s->imported);
    *s->imported = (struct imported){.format = "tflite",
                                     .quantised = true,
                                     .ninputs = 1,
                                     .noutputs = 1,
                                     .has_impulse = true,
                                     .impulse = spec.sensor.impulse,
                                     .nnotes = 1,
                                     .notes = notes};
    s->imported->inputs[0] = (struct model_port){.name = "x",
                                                 .number = NUMBER_INT8,
                                                 .ndims = 2,
                                                 .dims = {1, 375},
                                                 .scale = 0.21295718848705292,
                                                 .zero = 16};
    s->imported->outputs[0] = (struct model_port){.name = "y", .ndims = 2, .dims = {-1, 4}};
    impulse_sum(&spec.sensor.impulse, config.impulse);
    report_set_config(r, &config);
    return r;
}

static void reports_survive(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes text = report_to_json(a, a_report(a)), again;
    struct report *back = NULL;
    struct err err = {0};

    CHECK_INT(report_from_json(a, text, &back, &err), 0);
    CHECK_STR(err.text, "");
    if (!back)
        return;
    again = report_to_json(a, back);
    CHECK_STR((const char *)again.data, (const char *)text.data);
    CHECK_STR(back->sensing->results[1].error.text, "the recording has no axis \"accZ\"");
    CHECK_NEAR(back->sensing->results[0].learn[1].boxes[0].assigned[0].distance, 0.0625, 0);
    CHECK(text_is_hex(back->config.impulse, HASH_HEX - 1));
}

/* One change to the text, and it must not be read. */
static void records_that_cannot_be(void)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"\"windows\":2,", "\"windows\":3,"},
        {"\"scores\":[0.5,0.25,", "\"scores\":[0.5,0x25,"},
        {"\"scores\":[0.5,0.25,", "\"scores\":[0.5,    "},
        {"\"kind\":\"classifier\"", "\"kind\":\"classifies\""},
        {"\"part\":1", "\"part\":-"},
        {"[[0,0,0.0625]]", "[[2,0,0.0625]]"},
        {"[[0,0,0.0625]]", "[[0,1,0.0625]]"},
        {"\"side\":2", "\"side\":3"},
        {"\"precision\":0.5", "\"precision\":1.5"},
        {"\"confusion\":[4,1,", "\"confusion\":[4,  "},
        {"\"confusion\":[4,", "\"confusion\":[-,"},
        {"\"number\":\"int8\"", "\"number\":\"int9\""},
        {"\"dims\":[1,375]", "\"dims\":[1,3.5]"},
        {"\"dev\":[", "\"dev\":{"},
        {"\"signature_at\":4711", "\"signature_at\":-4  "},
        {"\"expected\":[[0,1", "\"expected\":[[0,t"},
        {"\"impulse\":\"", "\"impulse\":\"z"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct bytes text = report_to_json(a, a_report(a));
        char *copy = arena_strdup(a, (const char *)text.data), *at = strstr(copy, rows[i].from);
        struct report *back;
        struct err err = {0};

        CHECK(at != NULL);
        if (at) {
            memcpy(at, rows[i].to, strlen(rows[i].to));
            CHECK(report_from_json(a, bytes_of(copy, text.len), &back, &err) < 0);
        }
        ROW("%s", rows[i].from);
    }
}

/* ---- what is refused before anybody looks at the bytes ---- */

struct edit {
    struct impulse *impulse;
    struct impulse_dsp *dsp;
    struct impulse_learn *learn;
    struct sensor_part *parts;
    struct sensor_params *params;
};

static void no_frequency(struct edit *e)
{
    e->impulse->frequency = 0;
}
static void nan_window(struct edit *e)
{
    e->impulse->window_ms = (double)NAN;
}
static void no_step(struct edit *e)
{
    e->impulse->step_ms = 0;
}
static void huge_window(struct edit *e)
{
    e->impulse->window_ms = 86400e3, e->impulse->frequency = 1e6;
}
static void no_blocks(struct edit *e)
{
    e->impulse->ndsp = 0;
}
static void same_id(struct edit *e)
{
    e->learn[0].id = 2;
}
static void zero_id(struct edit *e)
{
    e->dsp[0].id = 0;
}
static void unknown_dsp(struct edit *e)
{
    static const int64_t nine[] = {9};
    e->learn[0].dsp = nine, e->learn[0].ndsp = 1;
}
static void certain_score(struct edit *e)
{
    e->learn[0].min_score = 1.5;
}
static void no_model(struct edit *e)
{
    e->learn[0].model = 1;
}
static void no_deviation(struct edit *e)
{
    static const float none[] = {0, 1};
    e->learn[1].dev = none;
}
static void outside(struct edit *e)
{
    e->parts[2].size = 8;
}
static void overflows(struct edit *e)
{
    e->parts[2].offset = INT64_MAX, e->parts[2].size = INT64_MAX;
}
static void half_a_reading(struct edit *e)
{
    e->parts[1].size = 298;
}
static void model_late(struct edit *e)
{
    e->parts[0].kind = PART_PICTURE, e->parts[2].kind = PART_MODEL;
    e->learn[0].model = -1;
}
static void backwards(struct edit *e)
{
    static const struct sensor_stretch s = {9, 8, "x"};
    e->parts[1].stretches = &s, e->parts[1].nstretches = 1;
}
static void twice_the_axis(struct edit *e)
{
    static const char *const twice[] = {"accX", "accY", "accX"};
    e->parts[1].axes = twice;
}
static void twice_the_label(struct edit *e)
{
    static const char *const twice[] = {"idle", "wave", "idle"};
    e->learn[0].labels = twice;
}
static void only_models(struct edit *e)
{
    e->params->nparts = 1;
}

static void refused(void)
{
    static const struct {
        const char *what;
        void (*edit)(struct edit *e);
        enum err_kind kind;
    } rows[] = {
        {"Hz", no_frequency, ERR_INPUT},
        {"window", nan_window, ERR_INPUT},
        {"increase", no_step, ERR_INPUT},
        {"readings", huge_window, ERR_INPUT},
        {"DSP blocks", no_blocks, ERR_INPUT},
        {"two blocks", same_id, ERR_INPUT},
        {"id of a block", zero_id, ERR_INPUT},
        {"DSP block 9", unknown_dsp, ERR_INPUT},
        {"lowest score", certain_score, ERR_INPUT},
        {"names a model", no_model, ERR_INPUT},
        {"scale above 0", no_deviation, ERR_INPUT},
        {"part 3", outside, ERR_INPUT},
        {"part 3", overflows, ERR_INPUT},
        {"within a reading", half_a_reading, ERR_INPUT},
        {"models come before", model_late, ERR_INPUT},
        {"before it begins", backwards, ERR_INPUT},
        {"\"accX\" is there twice", twice_the_axis, ERR_INPUT},
        {"\"idle\" is there twice", twice_the_label, ERR_INPUT},
        {"no recording", only_models, ERR_INPUT},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct job_spec spec = a_spec(a, "sensor-classify");
        struct impulse_dsp *blocks = arena_array(a, 2, sizeof *blocks);
        struct edit e = {&spec.sensor.impulse, blocks, learn_blocks(a), a_parts(a), &spec.sensor};
        struct err err = {0};

        memcpy(blocks, dsp, sizeof dsp);
        spec.sensor.impulse.dsp = blocks;
        spec.sensor.impulse.learn = e.learn;
        spec.sensor.parts = e.parts;
        rows[i].edit(&e);
        CHECK(job_spec_check(&spec, &err) < 0);
        CHECK_INT(err.kind, rows[i].kind);
        CHECK(strstr(err.text, rows[i].what) != NULL);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

static void training_is_checked(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = a_spec(a, "sensor-train");
    struct err err = {0};

    CHECK(job_spec_check(&spec, &err) < 0);
    CHECK(strstr(err.text, "no learn block 0") != NULL);
    spec.sensor.train.learn = 3;
    CHECK_INT(job_spec_check(&spec, &err), 0);
    spec.sensor.train.rate = (double)NAN;
    CHECK(job_spec_check(&spec, &err) < 0);
    spec.pipeline = "sensor-features"; /* does not care, but works on one recording */
    CHECK(job_spec_check(&spec, &err) < 0);
    spec.sensor.nparts = 2;
    CHECK_INT(job_spec_check(&spec, &err), 0);
    spec.sensor.only = 3;
    CHECK(job_spec_check(&spec, &err) < 0);
}

int main(void)
{
    RUN(specs_survive);
    RUN(a_file_has_no_impulse);
    RUN(floats_come_back);
    RUN(its_length_is_known);
    RUN(short_when_short);
    RUN(no_number_is_refused);
    RUN(reports_survive);
    RUN(records_that_cannot_be);
    RUN(refused);
    RUN(training_is_checked);
    return test_end();
}
