/* Pipelines "sensor-classify" and "sensor-features" on real recordings and real models, against what the
 * vendor's own programs gave for them; and on what is wrong. */
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "infer/convert.h"
#include "infer/graph_shelf.h"
#include "media/recording.h"
#include "report/json.h"
#include "test.h"

static struct runtime *rt; /* one for all tests: opening it takes longer than they do */

static bool open_runtime(void)
{
    const char *root = getenv("ASSAY_ROOT");
    char path[4096];
    struct err err = {0};

    snprintf(path, sizeof path, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    if (runtime_open(&rt, access(path, R_OK) == 0 ? path : NULL, &err) < 0)
        printf("# %s\n", err.text);
    return rt != NULL;
}

/* ---- a job in the making: parts are laid one behind the other into a file ---- */

struct desk {
    struct arena *arena;
    struct job_spec spec;
    struct sensor_part parts[64];
    struct impulse_dsp dsp[2];
    struct impulse_learn learn[3];
    int fd;
    struct toolbox tools;
    struct report *report;
};

static void desk_freep(struct desk **d)
{
    arena_freep(&(*d)->arena);
    graph_shelf_freep(&(*d)->tools.graphs);
    fd_closep(&(*d)->fd);
    freep(d);
}

static const char *const xyz[] = {"accX", "accY", "accZ"};

static struct desk *desk_new(const char *pipeline)
{
    struct desk *d = mem_alloc(sizeof *d);

    *d = (struct desk){.arena = arena_new(), .fd = memfd_create("subject", MFD_CLOEXEC)};
    d->tools = (struct toolbox){.loader = rt, .graphs = graph_shelf_new()};
    d->spec = job_spec_defaults();
    d->spec.pipeline = pipeline;
    d->spec.sensor.parts = d->parts;
    d->spec.sensor.impulse = (struct impulse){.input = INPUT_SERIES,
                                              .window_ms = 2000,
                                              .step_ms = 200,
                                              .frequency = 62.5,
                                              .dsp = d->dsp,
                                              .learn = d->learn};
    return d;
}

static void add_setting(struct desk *d, const char *name, const char *value)
{
    struct impulse_dsp *b = &d->dsp[d->spec.sensor.impulse.ndsp - 1];
    struct impulse_setting *all = arena_array(d->arena, b->nsettings + 1, sizeof *all);

    for (size_t i = 0; i < b->nsettings; i++)
        all[i] = b->settings[i];
    all[b->nsettings++] = (struct impulse_setting){name, value};
    b->settings = all;
}

static void add_dsp(struct desk *d, const char *type, int version, size_t naxes, const char *const *axes)
{
    size_t i = d->spec.sensor.impulse.ndsp++;

    d->dsp[i] = (struct impulse_dsp){
        .id = 10 + (int64_t)i, .type = type, .version = version, .naxes = naxes, .axes = axes};
}

static struct impulse_learn *add_learn(struct desk *d, enum learn_kind kind, size_t nlabels,
                                       const char *const *labels, int model)
{
    static const int64_t first[] = {10};
    size_t i = d->spec.sensor.impulse.nlearn++;

    d->learn[i] = (struct impulse_learn){.id = 20 + (int64_t)i,
                                         .kind = kind,
                                         .ndsp = 1,
                                         .dsp = first,
                                         .nlabels = nlabels,
                                         .labels = labels,
                                         .min_score = 0.5,
                                         .model = model};
    return &d->learn[i];
}

static struct sensor_part *add_part(struct desk *d, enum sensor_part_kind kind, struct bytes b)
{
    struct sensor_part *p = &d->parts[d->spec.sensor.nparts++];

    *p = (struct sensor_part){.kind = kind,
                              .offset = d->spec.subject.size,
                              .size = (int64_t)b.len,
                              .number = 100 + (int64_t)d->spec.sensor.nparts};
    CHECK(pwrite(d->fd, b.data, b.len, (off_t)p->offset) == (ssize_t)b.len);
    d->spec.subject.size += (int64_t)b.len;
    if (kind == PART_MODEL)
        hash_hex(b, p->sha256);
    return p;
}

static struct bytes slurp(struct arena *a, const char *name)
{
    FILE *f = fopen(arena_printf(a, "%s/data/%s", test_shared() ? test_shared() : "", name), "rb");
    char *data = arena_alloc(a, 8 << 20);
    size_t n = f ? fread(data, 1, 8 << 20, f) : 0;

    if (f)
        fclose(f);
    return bytes_of(data, n);
}

static void add_model(struct desk *d, const char *name)
{
    add_part(d, PART_MODEL, slurp(d->arena, name));
}

/* A file of the development data as pipeline "sensor-read" would have it. */
static struct sensor_part *add_recording(struct desk *d, const char *name)
{
    struct recording_opts opts = recording_opts_defaults();
    struct recorded r = {0};
    struct err err = {0};
    struct sensor_part *p;
    const char **axes;

    opts.name = name;
    CHECK_INT(recording_parse(d->arena, d->arena, slurp(d->arena, name), &opts, &r, &err), 0);
    CHECK_STR(err.text, "");
    p = add_part(d, PART_SERIES, bytes_of(r.numbers, r.n * sizeof *r.numbers));
    p->axes = axes = arena_array(d->arena, r.facts.naxes, sizeof *axes);
    for (p->naxes = 0; p->naxes < r.facts.naxes; p->naxes++)
        axes[p->naxes] = r.facts.axes[p->naxes].name;
    p->frequency = r.facts.interval_ms > 0 ? 1000 / r.facts.interval_ms : 0;
    return p;
}

static struct sensor_part *add_numbers(struct desk *d, const float *v, size_t n, size_t naxes,
                                       const char *const *axes, double frequency)
{
    struct sensor_part *p = add_part(d, PART_SERIES, bytes_of(v, n * sizeof *v));

    p->naxes = naxes;
    p->axes = axes;
    p->frequency = frequency;
    return p;
}

/* Through the JSON on both sides, as between front and analyst. */
static const struct sensing *run(struct desk *d)
{
    struct job_spec read;
    struct report *back;
    struct err err = {0};

    memset(d->spec.subject.sha256, 'a', HASH_HEX - 1);
    CHECK_INT(spec_from_json(d->arena, spec_to_json(d->arena, &d->spec), &read, &err), 0);
    CHECK_STR(err.text, "");
    d->report = report_new(d->arena, &read);
    analyse(&d->tools, &read, (struct subject_fds){d->fd, -1}, d->report);
    CHECK_INT(report_from_json(d->arena, report_to_json(d->arena, d->report), &back, &err), 0);
    CHECK_STR(err.text, "");
    d->report = back;
    return back->sensing;
}

static const struct sensing *run_well(struct desk *d)
{
    const struct sensing *s = run(d);

    CHECK_STR(d->report->error.text, "");
    return s;
}

/* The impulse that the real recordings were made for (README of the data). */
static void add_gesture_features(struct desk *d)
{
    add_dsp(d, "spectral-analysis", 3, 3, xyz);
    add_setting(d, "fft-length", "128");
    add_setting(d, "filter-type", "low");
    add_setting(d, "filter-cutoff", "4.8828");
    add_setting(d, "filter-order", "6");
    add_setting(d, "do-fft-overlap", "false");
}

static const char *const gestures[] = {"idle", "snake", "updown", "wave"};

static yyjson_doc *expected(struct arena *a, const char *name)
{
    return json_read(slurp(a, arena_printf(a, "impulses/%s", name)), 8 << 20, NULL);
}

static size_t top(const float *v, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        best = v[i] > v[best] ? i : best;
    return best;
}

static void check_row(const float *got, yyjson_val *want, double eps)
{
    yyjson_val *v;
    size_t i, n;

    yyjson_arr_foreach (want, i, n, v)
        CHECK_NEAR((double)got[i], yyjson_get_num(v), eps);
}

/* Windows, how often each label is the top one, and the probabilities of the first and the last. */
static void check_sample(const struct recording_result *r, yyjson_val *want, double eps, int off)
{
    size_t counts[4] = {0};

    CHECK_STR(r->error.text, "");
    CHECK_INT(r->nwindows, json_int(want, "windows", -1));
    if (!r->nwindows)
        return;
    for (size_t k = 0; k < r->nwindows; k++)
        counts[top(r->learn[0].scores + 4 * k, 4)]++;
    for (size_t i = 0; i < 4; i++)
        CHECK_NEAR((double)counts[i],
                   yyjson_get_num(yyjson_arr_get(yyjson_obj_get(want, "argmax_counts"), i)), off);
    check_row(r->learn[0].scores, yyjson_obj_get(want, "first_window"), eps);
    check_row(r->learn[0].scores + 4 * (r->nwindows - 1), yyjson_obj_get(want, "last_window"), eps);
}

static void check_samples(struct desk *d, yyjson_doc *doc, double eps, int off)
{
    yyjson_val *all = yyjson_obj_get(yyjson_doc_get_root(doc), "samples"), *one;
    const struct sensing *s;
    size_t i, n;

    yyjson_arr_foreach (all, i, n, one)
        add_recording(d, arena_printf(d->arena, "sensor/%s", json_str(d->arena, one, "file", "")));
    s = run_well(d);
    CHECK_INT(s->nresults, n);
    yyjson_arr_foreach (all, i, n, one) {
        check_sample(&s->results[i], one, eps, off);
        ROW("%s", json_str(d->arena, one, "file", ""));
    }
}

static void real_gestures_and_their_model(void)
{
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    CLEANUP(json_freep) yyjson_doc *doc = expected(p->arena, "accelerometer-e2e.expected.json");

    if (!doc)
        SKIP("no shared data");
    add_gesture_features(p);
    add_learn(p, LEARN_CLASSIFIER, 4, gestures, 0);
    add_model(p, "impulses/accelerometer.onnx");
    check_samples(p, doc, 2e-5, 0);
    CHECK_INT(p->report->sampling.judged, p->report->sampling.planned);
    CHECK_INT(p->report->nmodels, 1);
}

static void real_gestures_raw_and_in_eight_bits(void)
{
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    CLEANUP(json_freep) yyjson_doc *doc = expected(p->arena, "gestures-i8.expected.json");

    if (!doc)
        SKIP("no shared data");
    add_dsp(p, "raw", 1, 3, xyz);
    p->spec.sensor.impulse.step_ms = 80;
    add_learn(p, LEARN_CLASSIFIER, 4, gestures, 0);
    add_model(p, "impulses/gestures-i8.lite");
    check_samples(p, doc, 2.0 / 256 + 1e-6, 2);
}

/* 16 of 26 recordings are among those whose features the vendor published. */
static void features_as_published(void)
{
    CLEANUP(desk_freep) struct desk *keep = desk_new("sensor-features");
    CLEANUP(json_freep) yyjson_doc *doc = expected(keep->arena, "accelerometer-e2e.expected.json");
    struct bytes rows = slurp(keep->arena, "impulses/accelerometer-representative.npy");
    yyjson_val *samples = yyjson_obj_get(yyjson_doc_get_root(doc), "samples"), *one;
    size_t i, n, near = 0;
    double worst = 0;

    if (!doc)
        SKIP("no shared data");
    yyjson_arr_foreach (samples, i, n, one) {
        int64_t first = json_int(one, "first_row", -1), windows = json_int(one, "rows_matched", 0);
        double off = 0;
        if (first < 0)
            continue;
        for (int64_t k = 0; k < windows; k++) {
            CLEANUP(desk_freep) struct desk *p = desk_new("sensor-features");
            const struct feature_result *f;
            add_gesture_features(p);
            p->spec.sensor.first = k * 12;
            add_recording(p, arena_printf(p->arena, "sensor/%s", json_str(p->arena, one, "file", "")));
            f = run_well(p)->features;
            CHECK(f && f->n == 39);
            for (size_t c = 0; f && c < 39; c++) {
                float want;
                memcpy(&want, rows.data + rows.len - 3110 * 39 * 4 + ((size_t)(first + k) * 39 + c) * 4, 4);
                off = fmax(off, fabs((double)f->values[c] - (double)want));
            }
        }
        near += off <= 3e-4;
        worst = fmax(worst, off);
        ROW("%s: %.4g off", json_str(keep->arena, one, "file", ""), off);
    }
    printf("# %zu recordings within 3e-4, at most %.4g off\n", near, worst);
    CHECK(near >= 16);
    CHECK(worst <= 3.1e-4);
}

static const float *floats(struct arena *a, yyjson_val *list, size_t *ret_n)
{
    float *v = arena_array(a, yyjson_arr_size(list), sizeof *v);
    yyjson_val *one;
    size_t i, n;

    yyjson_arr_foreach (list, i, n, one)
        v[i] = (float)yyjson_get_num(one);
    *ret_n = n;
    return v;
}

static void add_clusters(struct desk *d, yyjson_val *root)
{
    static const int chosen[] = {0, 11, 22};
    struct impulse_learn *l = add_learn(d, LEARN_CLUSTERS, 0, NULL, -1);
    yyjson_val *all = yyjson_obj_get(root, "clusters"), *one;
    struct impulse_cluster *clusters = arena_array(d->arena, yyjson_arr_size(all), sizeof *clusters);
    size_t i, n;

    l->chosen = chosen;
    l->mean = floats(d->arena, yyjson_obj_get(root, "mean"), &l->nchosen);
    l->dev = floats(d->arena, yyjson_obj_get(root, "scale"), &l->nchosen);
    l->min_score = 0.3;
    yyjson_arr_foreach (all, i, n, one) {
        size_t width;
        clusters[i].centroid = floats(d->arena, yyjson_obj_get(one, "centroid"), &width);
        clusters[i].max_error = (float)json_num(one, "max_error", 0);
    }
    l->clusters = clusters;
    l->nclusters = n;
}

/* Gestures that were trained are inside the clusters or near, one that was not is far outside. */
static void real_anomalies(void)
{
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    CLEANUP(json_freep) yyjson_doc *doc = expected(p->arena, "continuous-motion-kmeans.json");
    yyjson_val *all = yyjson_obj_get(yyjson_doc_get_root(doc), "expected"), *one, *v;
    const struct sensing *s;
    size_t i, n, k, m;

    if (!doc)
        SKIP("no shared data");
    add_dsp(p, "spectral-analysis", 1, 3, xyz);
    add_setting(p, "filter-type", "low");
    add_setting(p, "filter-cutoff", "3");
    add_setting(p, "fft-length", "128");
    p->spec.sensor.impulse.step_ms = 1000;
    add_clusters(p, yyjson_doc_get_root(doc));
    yyjson_arr_foreach (all, i, n, one)
        add_recording(p, arena_printf(p->arena, "sensor/%s", json_str(p->arena, one, "file", "")));
    s = run_well(p);
    yyjson_arr_foreach (all, i, n, one) {
        bool shake = strstr(json_str(p->arena, one, "file", ""), "shake") != NULL;
        yyjson_arr_foreach (yyjson_obj_get(one, "anomaly"), k, m, v) {
            double got = (double)s->results[i].learn[0].scores[k];
            CHECK_NEAR(got, yyjson_get_num(v), 2e-5);
            CHECK(shake ? got >= 1.9 : got <= 0.24);
        }
        CHECK_INT(s->results[i].nwindows, m);
        ROW("%s", json_str(p->arena, one, "file", ""));
    }
}

static void real_words(void)
{
    CLEANUP(desk_freep) struct desk *keep = desk_new("sensor-classify");
    CLEANUP(json_freep) yyjson_doc *doc = expected(keep->arena, "responding-to-your-voice.expected.json");
    static const char *const labels[] = {"keyword", "noise", "unknown"};
    yyjson_val *one;
    size_t i, n;

    if (!doc)
        SKIP("no shared data");
    yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "results"), i, n, one) {
        CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
        const char *model = json_str(p->arena, one, "model", ""), *wav = json_str(p->arena, one, "wav", "");
        const struct sensing *s;
        p->spec.sensor.impulse.frequency = 16000;
        p->spec.sensor.impulse.window_ms = 1000;
        p->spec.sensor.impulse.step_ms = 500;
        add_dsp(p, "mfcc", 1, 0, NULL);
        add_setting(p, "low_frequency", "300");
        add_setting(p, "frame_length", "0.02");
        add_setting(p, "frame_stride", "0.02");
        add_learn(p, LEARN_CLASSIFIER, 3, labels, 0);
        add_model(p, arena_printf(p->arena, "impulses/%s", model));
        add_recording(p, arena_printf(p->arena, "sensor/keywords-wav/%s", wav));
        s = run_well(p);
        CHECK_INT(s->results[0].nwindows, 1);
        if (s->results[0].nwindows)
            check_row(s->results[0].learn[0].scores, yyjson_obj_get(one, "output"),
                      strstr(model, ".i8") ? 2.0 / 256 + 1e-6 : 1e-5);
        ROW("%s on %s", model, wav);
    }
}

/* ---- other kinds, with models made here ---- */

/* score_i = features * weight + i */
static void add_dense(struct desk *d, size_t in, size_t out, float weight)
{
    float *weights = arena_array(d->arena, in * out, sizeof *weights),
          *bias = arena_array(d->arena, out, sizeof *bias);
    const struct dense_layer layer = {in, out, weights, bias, DENSE_LINEAR};

    for (size_t i = 0; i < out; i++) {
        bias[i] = (float)i;
        weights[i * in] = weight;
    }
    add_part(d, PART_MODEL, dense_to_onnx(d->arena, &(struct dense_net){.nlayers = 1, .layers = &layer}));
}

static const char *const one_axis[] = {"v"};

static void learn_kinds_with_scores(void)
{
    static const struct {
        enum learn_kind kind;
        size_t out, nlabels;
        const char *label;
        float first;
    } rows[] = {{LEARN_REGRESSION, 1, 1, "value", 2.5f},
                {LEARN_MIXTURE, 1, 1, "anomaly", 2.5f},
                {LEARN_FREEFORM, 3, 3, "2", 2.5f}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
        const float v[] = {5, 6, 7, 8};
        const struct learn_result *l;
        const struct sensing *s;
        p->spec.sensor.impulse.input = INPUT_FEATURES;
        add_dsp(p, "raw", 0, 0, NULL);
        add_learn(p, rows[i].kind, 0, NULL, 0);
        add_dense(p, 4, rows[i].out, 0.5f);
        add_numbers(p, v, 4, 1, one_axis, 0);
        s = run_well(p);
        CHECK_INT(s->results[0].nwindows, 1);
        l = &s->results[0].learn[0];
        CHECK_INT(l->nlabels, rows[i].nlabels);
        CHECK_STR(l->labels[l->nlabels - 1], rows[i].label);
        CHECK_NEAR((double)l->scores[0], (double)rows[i].first, 1e-6);
        ROW("%s", learn_kind_name(rows[i].kind));
    }
}

/* Two DSP blocks are joined in the order that the learn block names, and one graph serves two blocks. */
static void blocks_are_joined(void)
{
    static const int64_t backwards[] = {11, 10};
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    const float v[] = {1, 10, 3, 30};
    static const char *const ab[] = {"a", "b"};
    const struct sensing *s;

    p->spec.sensor.impulse.input = INPUT_FEATURES;
    add_dsp(p, "raw", 0, 1, ab);
    add_dsp(p, "raw", 0, 1, ab + 1);
    add_learn(p, LEARN_REGRESSION, 0, NULL, 0);
    p->learn[0].ndsp = 2;
    p->learn[0].dsp = backwards;
    add_learn(p, LEARN_FREEFORM, 0, NULL, 0);
    p->learn[1].ndsp = 2;
    p->learn[1].dsp = (const int64_t[]){10, 11};
    add_dense(p, 4, 1, 1);
    add_numbers(p, v, 4, 2, ab, 0);
    s = run_well(p);
    CHECK_NEAR((double)s->results[0].learn[0].scores[0], 10, 0);
    CHECK_NEAR((double)s->results[0].learn[1].scores[0], 1, 0);
}

/* The order of the axes in the recording does not matter, nor what else it has. */
static void axes_in_any_order(void)
{
    static const char *const zyx[] = {"accZ", "extra", "accX"}, *const xz[] = {"accX", "accZ"};
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-features");
    const float v[] = {3, 99, 1, 30, 99, 10};
    const struct feature_result *f;

    p->spec.sensor.impulse.window_ms = 32;
    p->spec.sensor.impulse.step_ms = 16;
    add_dsp(p, "raw", 0, 2, xz);
    add_numbers(p, v, 6, 3, zyx, 62.5);
    f = run_well(p)->features;
    CHECK_INT(f->n, 4);
    CHECK(memcmp(f->values, (const float[]){1, 3, 10, 30}, 4 * sizeof(float)) == 0);
    CHECK_INT(f->nraw, 4);
}

/* ---- what is wrong with one recording is its own ---- */

static void one_bad_recording(void)
{
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    static const char *const labels[] = {"lots"}, *const other[] = {"w"};
    const float good[] = {1, 2, 3, 4}, bad[] = {1, (float)NAN, 3, 4};
    const struct sensing *s;

    p->spec.sensor.impulse.window_ms = 64;
    p->spec.sensor.impulse.step_ms = 64;
    add_dsp(p, "raw", 0, 1, one_axis);
    add_learn(p, LEARN_CLASSIFIER, 1, labels, 0);
    add_dense(p, 4, 1, 1);
    add_numbers(p, bad, 4, 1, one_axis, 62.5);
    add_numbers(p, good, 4, 1, other, 62.5);
    add_numbers(p, good, 3, 1, one_axis, 62.5);
    add_numbers(p, good, 0, 1, one_axis, 62.5);
    add_numbers(p, good, 4, 1, one_axis, 1e6);
    add_part(p, PART_PICTURE, bytes_of("GIF", 3));
    add_numbers(p, good, 4, 1, one_axis, 62.5)->label = "lots";
    s = run_well(p);
    CHECK_INT(s->nresults, 7);
    CHECK(strstr(s->results[0].error.text, "not a number") != NULL);
    CHECK(strstr(s->results[1].error.text, "no axis \"v\"") != NULL);
    CHECK_STR(s->results[2].error.text, ""); /* too short: no window, and no error */
    CHECK_INT(s->results[2].nwindows, 0);
    CHECK(strstr(s->results[3].error.text, "no readings") != NULL);
    CHECK(strstr(s->results[4].error.text, "factor") != NULL);
    CHECK(strstr(s->results[5].error.text, "picture") != NULL);
    CHECK_INT(s->results[6].nwindows, 1);
    CHECK_NEAR((double)s->results[6].learn[0].scores[0], 1, 0);
    CHECK_STR(s->results[6].expected[0].label, "lots");
    CHECK_INT(s->results[6].number, 108);
}

static void padded_and_resampled(void)
{
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    float v[400];
    const struct sensing *s;

    for (size_t i = 0; i < COUNT_OF(v); i++)
        v[i] = 4;
    p->spec.sensor.impulse.window_ms = 64;
    p->spec.sensor.impulse.step_ms = 64;
    p->spec.sensor.impulse.pad = true;
    add_dsp(p, "flatten", 0, 1, one_axis);
    add_learn(p, LEARN_REGRESSION, 0, NULL, 0);
    add_dense(p, 7, 1, 1); /* the average */
    add_numbers(p, v, 3, 1, one_axis, 62.5);
    add_numbers(p, v, 400, 1, one_axis, 625);
    s = run_well(p);
    CHECK(s->results[0].padded && !s->results[0].resampled);
    CHECK_NEAR((double)s->results[0].learn[0].scores[0], 3, 1e-6);
    CHECK(s->results[1].resampled && !s->results[1].padded);
    CHECK_INT(s->results[1].nwindows, 10);
    CHECK_NEAR((double)s->results[1].learn[0].scores[5], 4, 1e-3);
}

/* An open model is not read again; many different ones push the oldest out, which is then read again. */
static void models_are_kept_open(void)
{
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    const float v[] = {1, 2, 3, 4};
    struct bytes model;

    p->spec.sensor.impulse.input = INPUT_FEATURES;
    add_dsp(p, "raw", 0, 0, NULL);
    add_learn(p, LEARN_REGRESSION, 0, NULL, 0);
    add_dense(p, 4, 1, 1);
    add_numbers(p, v, 4, 1, one_axis, 0);
    run_well(p);
    model.len = (size_t)p->parts[0].size;
    model.data = arena_alloc(p->arena, model.len);
    CHECK(pread(p->fd, (void *)(uintptr_t)model.data, model.len, 0) == (ssize_t)model.len);
    CHECK(pwrite(p->fd, "broken", 6, 0) == 6);
    run_well(p);
    for (int i = 0; i < GRAPH_SHELF_PLACES + 2; i++) {
        struct graph *g;
        char name[HASH_HEX];
        CHECK(pwrite(p->fd, model.data, model.len, 0) == (ssize_t)model.len);
        snprintf(name, sizeof name, "%064d", i);
        graph_shelf_begin(p->tools.graphs);
        CHECK_INT(graph_shelf_get(p->tools.graphs, rt, name, p->fd, 0, (int64_t)model.len, &g, NULL), 0);
    }
    CHECK(pwrite(p->fd, "broken", 6, 0) == 6);
    run(p);
    CHECK_INT(p->report->error.kind, ERR_MODEL);
    p->parts[0].sha256[0] = '\0'; /* a model without a name is never kept */
    CHECK(pwrite(p->fd, model.data, model.len, 0) == (ssize_t)model.len);
    run_well(p);
}

/* ---- what is wrong with the impulse ends the job ---- */

static void impulses_that_cannot_run(void)
{
    static const char *const labels[] = {"a", "b"};
    static const struct {
        const char *what;
        const char *type, *setting, *value;
        enum learn_kind kind;
        size_t in, out, nlabels;
        int model;
        const char *sentence; /* of the job, or of the recording */
    } rows[] = {
        {"unknown block", "imu-fusion", NULL, NULL, LEARN_CLASSIFIER, 4, 2, 2, 0, "no such block"},
        {"unknown setting", "raw", "colour", "red", LEARN_CLASSIFIER, 4, 2, 2, 0, "no parameter"},
        {"bad setting", "raw", "scale-axes", "many", LEARN_CLASSIFIER, 4, 2, 2, 0, "scale-axes"},
        {"labels of another model", "raw", NULL, NULL, LEARN_CLASSIFIER, 4, 3, 2, 0, "3 scores"},
        {"no model yet", "raw", NULL, NULL, LEARN_CLASSIFIER, 4, 2, 2, -1, "no model yet"},
        {"no clusters yet", "raw", NULL, NULL, LEARN_CLUSTERS, 4, 2, 0, -1, "no clusters yet"},
        {"boxes without pictures", "raw", NULL, NULL, LEARN_FOMO, 4, 2, 1, 0, "pictures"},
        {"model of other features", "raw", NULL, NULL, LEARN_CLASSIFIER, 5, 2, 2, 0, "takes 5 numbers"},
        {"no square", "raw", NULL, NULL, LEARN_GRID, 4, 3, 0, 0, "pictures"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
        const float v[] = {1, 2, 3, 4};
        const struct sensing *s;
        p->spec.sensor.impulse.window_ms = 64;
        add_dsp(p, rows[i].type, 0, 0, NULL);
        if (rows[i].setting)
            add_setting(p, rows[i].setting, rows[i].value);
        add_learn(p, rows[i].kind, rows[i].nlabels, labels, rows[i].model);
        add_dense(p, rows[i].in, rows[i].out, 1);
        add_numbers(p, v, 4, 1, one_axis, 62.5);
        s = run(p);
        CHECK(strstr(p->report->error.text, rows[i].sentence) != NULL ||
              (s->nresults && strstr(s->results[0].error.text, rows[i].sentence) != NULL));
        ROW("%s: %s", rows[i].what, p->report->error.text);
    }
}

static void no_model_at_all(void)
{
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    const float v[] = {1, 2, 3, 4};

    p->spec.sensor.impulse.window_ms = 64;
    add_dsp(p, "raw", 0, 0, NULL);
    add_learn(p, LEARN_REGRESSION, 0, NULL, 0);
    add_part(p, PART_MODEL, bytes_of("this is no model", 16));
    add_numbers(p, v, 4, 1, one_axis, 62.5);
    run(p);
    CHECK_INT(p->report->error.kind, ERR_MODEL);
}

static void too_many_windows(void)
{
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    float *v = arena_array(p->arena, 110000, sizeof *v);

    p->spec.sensor.impulse.window_ms = 16;
    p->spec.sensor.impulse.step_ms = 16;
    add_dsp(p, "raw", 0, 0, NULL);
    add_learn(p, LEARN_FREEFORM, 0, NULL, 0);
    add_dense(p, 1, 1, 1);
    add_numbers(p, v, 110000, 1, one_axis, 62.5);
    run(p);
    CHECK_INT(p->report->error.kind, ERR_LIMIT);
    CHECK(strstr(p->report->error.text, "fewer recordings") != NULL);
}

static void too_long_an_answer(void)
{
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    float *v = arena_array(p->arena, 3000, sizeof *v);

    p->spec.sensor.impulse.window_ms = 16;
    p->spec.sensor.impulse.step_ms = 16;
    add_dsp(p, "raw", 0, 0, NULL);
    add_learn(p, LEARN_FREEFORM, 0, NULL, 0);
    add_dense(p, 1, 900, 1);
    add_numbers(p, v, 3000, 1, one_axis, 62.5);
    run(p);
    CHECK_INT(p->report->error.kind, ERR_LIMIT);
    CHECK(strstr(p->report->error.text, "longer step") != NULL);
}

static void the_deadline(void)
{
    CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
    float *v = arena_array(p->arena, 99000, sizeof *v);

    p->spec.sensor.impulse.window_ms = 16;
    p->spec.sensor.impulse.step_ms = 16;
    add_dsp(p, "raw", 0, 0, NULL);
    add_learn(p, LEARN_FREEFORM, 0, NULL, 0);
    add_dense(p, 1, 1, 1);
    add_numbers(p, v, 99000, 1, one_axis, 62.5);
    p->spec.deadline_ms = 1;
    run(p);
    CHECK_INT(p->report->error.kind, ERR_TIMEOUT);
}

/* A window of features begins where it can only. */
static void windows_of_features(void)
{
    static const struct {
        int64_t first;
        bool fine;
    } rows[] = {{0, true}, {6, true}, {7, false}, {INT64_MAX / 4, false}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(desk_freep) struct desk *p = desk_new("sensor-features");
        const float v[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        p->spec.sensor.impulse.window_ms = 64;
        p->spec.sensor.first = rows[i].first;
        add_dsp(p, "raw", 0, 0, NULL);
        add_numbers(p, v, 10, 1, one_axis, 62.5);
        run(p);
        CHECK_INT(p->report->error.kind, rows[i].fine ? ERR_NONE : ERR_INPUT);
        if (rows[i].fine)
            CHECK_NEAR((double)p->report->sensing->features->values[0], (double)(rows[i].first + 1), 0);
        ROW("%lld", (long long)rows[i].first);
    }
}

/* ---- pictures ---- */

static void add_picture_impulse(struct desk *d, int side, const char *channels)
{
    d->spec.sensor.impulse.input = INPUT_PICTURE;
    d->spec.sensor.impulse.width = d->spec.sensor.impulse.height = side;
    add_dsp(d, "image", 1, 0, NULL);
    add_setting(d, "channels", channels);
}

/* 2 x 2 pixels, red 255, green 128, blue 0, as BMP. */
static struct bytes orange(struct arena *a)
{
    static const unsigned char head[54] = {'B', 'M', 70, 0, 0, 0, 0, 0, 0, 0,  54, 0, 0, 0, 40, 0,  0, 0, 2,
                                           0,   0,   0,  2, 0, 0, 0, 1, 0, 24, 0,  0, 0, 0, 0,  16, 0, 0, 0};
    unsigned char *file = arena_alloc(a, 70);

    memcpy(file, head, sizeof head);
    for (size_t i = 0; i < 4; i++) { /* rows of 6 bytes and 2 that fill them up; blue green red */
        unsigned char *p = file + 54 + i / 2 * 8 + i % 2 * 3;
        p[1] = 128;
        p[2] = 255;
    }
    return bytes_of(file, 70);
}

/* The first number that the model gets, in every scale. */
static void numbers_of_pixels(void)
{
    static const double first[PICTURE_SCALES] = {
        [SCALE_UNIT] = 1,
        [SCALE_SIGNED] = 1,
        [SCALE_INT8] = 127,
        [SCALE_BYTE] = 255,
        [SCALE_TORCH] = 0.515 / 0.229,
        [SCALE_BGR_MEAN] = -103.939,
    };

    for (int scale = 0; scale < PICTURE_SCALES; scale++) {
        CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
        const struct sensing *s;
        add_picture_impulse(p, 2, "RGB");
        add_learn(p, LEARN_REGRESSION, 0, NULL, 0)->scale = (enum picture_scale)scale;
        add_dense(p, 12, 1, 1);
        add_part(p, PART_PICTURE, orange(p->arena));
        add_part(p, PART_PICTURE, bytes_of("GIF89a and no more", 18));
        s = run_well(p);
        CHECK_STR(s->results[0].error.text, "");
        if (s->results[0].nwindows)
            CHECK_NEAR((double)s->results[0].learn[0].scores[0], first[scale], 1e-4);
        CHECK_INT(s->results[1].error.kind, ERR_DECODE);
        ROW("%s", picture_scale_name((enum picture_scale)scale));
    }
}

/* Nobody knows what these models look for; but what they give has to be boxes inside the picture. */
static void real_models_of_pictures(void)
{
    static const struct {
        const char *model;
        enum learn_kind kind;
        int side;
        const char *channels;
        size_t nlabels;
    } rows[] = {
        {"fomo.96x96.f32.lite", LEARN_FOMO, 96, "Grayscale", 2},
        {"fomo.96x96.i8q.lite", LEARN_FOMO, 96, "Grayscale", 2},
        {"object-detection-tutorial.i8.lite", LEARN_SSD, 320, "RGB", 2},
    };
    static const char *const labels[] = {"one", "two"};

    if (!test_shared())
        SKIP("no shared data");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(desk_freep) struct desk *p = desk_new("sensor-classify");
        const struct sensor_box there = {"one", 10, 10, 60, 60};
        const struct window_boxes *w;
        struct sensor_part *picture;
        struct bytes file;
        add_picture_impulse(p, rows[i].side, rows[i].channels);
        add_learn(p, rows[i].kind, rows[i].nlabels, labels, 0)->min_score = 0.05;
        add_model(p, arena_printf(p->arena, "impulses/%s", rows[i].model));
        file = slurp(p->arena, "c2pa/c2pa-node/testv2.jpg");
        if (!file.len)
            SKIP("no picture");
        picture = add_part(p, PART_PICTURE, file);
        picture->boxes = &there;
        picture->nboxes = 1;
        run_well(p);
        CHECK_STR(p->report->sensing->results[0].error.text, "");
        if (!p->report->sensing->results[0].nlearn)
            continue;
        w = &p->report->sensing->results[0].learn[0].boxes[0];
        CHECK_INT(w->ntruths, 1);
        for (size_t k = 0; k < w->n; k++)
            CHECK(w->boxes[k].x >= 0 && w->boxes[k].x + w->boxes[k].width <= rows[i].side + 1e-6 &&
                  w->scores[k] >= 0.05 && w->scores[k] <= 1);
        printf("# %s: %zu boxes\n", rows[i].model, w->n);
        ROW("%s", rows[i].model);
    }
}

int main(void)
{
    if (!open_runtime()) {
        printf("1..0 # SKIP no ONNX Runtime\n");
        return 0;
    }
    RUN(real_gestures_and_their_model);
    RUN(real_gestures_raw_and_in_eight_bits);
    RUN(features_as_published);
    RUN(real_anomalies);
    RUN(real_words);
    RUN(learn_kinds_with_scores);
    RUN(blocks_are_joined);
    RUN(axes_in_any_order);
    RUN(one_bad_recording);
    RUN(padded_and_resampled);
    RUN(models_are_kept_open);
    RUN(impulses_that_cannot_run);
    RUN(no_model_at_all);
    RUN(too_many_windows);
    RUN(too_long_an_answer);
    RUN(the_deadline);
    RUN(windows_of_features);
    RUN(numbers_of_pixels);
    RUN(real_models_of_pictures);
    runtime_freep(&rt);
    return test_end();
}
