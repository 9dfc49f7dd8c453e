/* TFLite into ONNX: real models, which must give what an independent execution of their files gave. */
#include "infer/convert.h"

#include <math.h>
#include <unistd.h>

#include "base/cbor.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "dsp/dsp.h"
#include "infer/file_int.h"
#include "infer/graph.h"
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

static bool read_shared(const char *folder, const char *name, struct buf *ret)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/data/%s/%s", test_shared() ? test_shared() : "", folder, name);
    *ret = BUF(16 << 20);
    return test_shared() && file_read(path, ret, NULL) == 0;
}

static yyjson_doc *expected(const char *name)
{
    CLEANUP(buf_clear) struct buf text = BUF(1 << 20);

    return read_shared("impulses", name, &text) ? json_read(buf_bytes(&text), 1 << 20, NULL) : NULL;
}

/* A model of the shared folder, converted and opened. */
struct opened {
    struct arena *arena;
    struct buf file;
    struct imported what;
    struct bytes onnx;
    struct graph *graph;
};

static void opened_clear(struct opened *o)
{
    graph_freep(&o->graph);
    buf_clear(&o->file);
    arena_freep(&o->arena);
}

static bool open_model(const char *name, struct opened *ret)
{
    struct err err = {0};

    *ret = (struct opened){.arena = arena_new()};
    CHECK(read_shared("impulses", name, &ret->file));
    CHECK(convert_is_tflite(buf_bytes(&ret->file)));
    if (convert_tflite(ret->arena, buf_bytes(&ret->file), &ret->what, &ret->onnx, &err) < 0 ||
        graph_open(&ret->graph, rt, ret->onnx, &err) < 0)
        CHECK_STR(err.text, "");
    return ret->graph != NULL;
}

static double step_of(const struct opened *o)
{
    return o->what.outputs[0].scale;
}

/* All outputs of one run near those expected: floats to the digits that are written there, integers within
 * one step. */
static void check_run(struct opened *o, yyjson_val *want)
{
    double eps = o->what.quantised ? step_of(o) * 1.01 : 2e-6;
    struct err err = {0};
    size_t i, n, max;
    const float *out;
    yyjson_val *v;

    CHECK_INT(graph_run(o->graph, 0, &err), 0);
    out = graph_out(o->graph, 0, &n);
    CHECK_INT(n, yyjson_arr_size(want));
    yyjson_arr_foreach (want, i, max, v) {
        CHECK_NEAR((double)out[i], yyjson_get_num(v), eps * (1 + (eps < 1e-5) * fabs(yyjson_get_num(v))));
    }
}

static void models_give_what_is_expected(void)
{
    CLEANUP(json_freep) yyjson_doc *doc = expected("tflite-synthetic.expected.json");
    yyjson_val *model;
    size_t k, max;

    if (!doc)
        SKIP("no shared data");
    yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "models"), k, max, model) {
        CLEANUP(opened_clear) struct opened o;
        const char *name = yyjson_get_str(yyjson_obj_get(model, "model"));

        if (open_model(name, &o)) {
            CHECK_INT(o.what.ninputs, 1);
            CHECK_INT(o.what.noutputs, 1);
            CHECK(o.what.quantised == (strstr(name, "i8") != NULL));
            CHECK(o.what.inputs[0].number == (o.what.quantised ? NUMBER_INT8 : NUMBER_FLOAT));
            CHECK_INT(o.what.inputs[0].ndims, yyjson_arr_size(yyjson_obj_get(model, "input_shape")));
            for (size_t i = 0; i < port_count(graph_input(o.graph, 0)); i++)
                graph_in(o.graph, 0)[i] = (float)(37 * i % 101) / 100;
            check_run(&o, yyjson_obj_get(model, "output"));
        }
        ROW("%s", name);
    }
    CHECK(max > 0);
}

/* ---- recordings ---- */

static double number_of(const struct cbor *v)
{
    int64_t n;

    return v->kind == CBOR_FLOAT ? v->real : cbor_number(v, &n) ? (double)n : -1e30;
}

/* The numbers of a recording, three axes in turn. */
static size_t read_recording(const char *name, float *to, size_t max)
{
    CLEANUP(buf_clear) struct buf file = {0};
    struct cbor all, payload, values, row, v;
    struct cbor_cursor rows, of_row;
    size_t n = 0;

    if (!read_shared("sensor", name, &file) || cbor_read(buf_bytes(&file), &all, NULL) < 0 ||
        !cbor_get(&all, "payload", &payload) || !cbor_get(&payload, "values", &values))
        return 0;
    rows = cbor_items(&values);
    while (cbor_next(&rows, &row)) {
        of_row = cbor_items(&row);
        while (n < max && cbor_next(&of_row, &v))
            to[n++] = (float)number_of(&v);
    }
    return n;
}

static size_t best_of(const float *v, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (v[i] > v[best])
            best = i;
    return best;
}

/* Every window of every recording: which label wins how often, and the first window's numbers. */
static void a_model_of_integers_judges_gestures(void)
{
    enum { WINDOW = 375, STEP = 15, LABELS = 4, MAX = 1 << 14 };
    CLEANUP(json_freep) yyjson_doc *doc = expected("gestures-i8.expected.json");
    CLEANUP(opened_clear) struct opened o = {0};
    static float values[MAX];
    yyjson_val *sample;
    size_t k, max, off = 0, windows = 0;

    if (!doc)
        SKIP("no shared data");
    if (!open_model("gestures-i8.lite", &o))
        return;
    CHECK_NEAR(o.what.inputs[0].scale, 0.212957188, 1e-8);
    CHECK_INT(o.what.inputs[0].zero, 16);
    CHECK_INT(o.what.outputs[0].zero, -128);
    yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "samples"), k, max, sample) {
        const char *name = yyjson_get_str(yyjson_obj_get(sample, "file"));
        size_t n = read_recording(name, values, MAX), counts[LABELS] = {0}, i, m;
        yyjson_val *v;

        for (size_t at = 0; at + WINDOW <= n; at += STEP) {
            memcpy(graph_in(o.graph, 0), values + at, WINDOW * sizeof *values);
            if (at == 0)
                check_run(&o, yyjson_obj_get(sample, "first_window"));
            else
                CHECK_INT(graph_run(o.graph, 0, NULL), 0);
            counts[best_of(graph_out(o.graph, 0, &m), LABELS)]++;
        }
        yyjson_arr_foreach (yyjson_obj_get(sample, "argmax_counts"), i, m, v) {
            off += (size_t)llabs((long long)counts[i] - yyjson_get_sint(v));
            windows += counts[i];
        }
        ROW("%s", name);
    }
    printf("# %zu windows, %zu with another label\n", windows, off / 2);
    CHECK(windows > 2000);
    CHECK(off <= 4); /* windows between two labels */
}

/* 16-bit mono. */
static size_t read_wav(const char *name, float *to, size_t max)
{
    enum { HEADER = 44 };
    CLEANUP(buf_clear) struct buf file = {0};
    size_t n;

    if (!read_shared("sensor/keywords-wav", name, &file) || file.len < HEADER)
        return 0;
    n = (file.len - HEADER) / 2 < max ? (file.len - HEADER) / 2 : max;
    for (size_t i = 0; i < n; i++) {
        int16_t v;
        memcpy(&v, file.data + HEADER + 2 * i, sizeof v);
        to[i] = v;
    }
    return n;
}

static void models_of_both_kinds_hear_keywords(void)
{
    enum { RATE = 16000 };
    CLEANUP(json_freep) yyjson_doc *doc = expected("responding-to-your-voice.expected.json");
    struct dsp_settings s = dsp_defaults(DSP_MFCC);
    static float values[RATE];
    yyjson_val *result;
    size_t k, max;

    if (!doc)
        SKIP("no shared data");
    s.version = 1;
    CHECK_INT(dsp_set(&s, "low_frequency", "300", NULL), 0);
    yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "results"), k, max, result) {
        CLEANUP(opened_clear) struct opened o;
        const char *wav = yyjson_get_str(yyjson_obj_get(result, "wav"));
        struct dsp_features f = {0};
        struct err err = {0};

        if (open_model(yyjson_get_str(yyjson_obj_get(result, "model")), &o)) {
            struct dsp_input in = {
                .values = values, .n = read_wav(wav, values, RATE), .axes = 1, .frequency = RATE};

            CHECK_INT(dsp_features(o.arena, &s, &in, &f, &err), 0);
            CHECK_INT(f.n, port_count(graph_input(o.graph, 0)));
            if (f.n == port_count(graph_input(o.graph, 0))) {
                memcpy(graph_in(o.graph, 0), f.values, f.n * sizeof *f.values);
                check_run(&o, yyjson_obj_get(result, "output"));
            }
        }
        ROW("%s", wav);
    }
}

/* ---- models without expected numbers ---- */

static void a_detector_gives_its_four_outputs(void)
{
    CLEANUP(opened_clear) struct opened o = {0};
    static const size_t shapes[] = {3, 2, 2, 1};
    struct err err = {0};
    const float *boxes, *scores, *count;
    size_t n, k;

    if (!test_shared())
        SKIP("no shared data");
    if (!open_model("object-detection-tutorial.i8.lite", &o))
        return;
    CHECK_INT(o.what.noutputs, 4);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(o.what.outputs[i].ndims, shapes[i]);
    k = (size_t)o.what.outputs[1].dims[1];
    for (size_t i = 0; i < port_count(graph_input(o.graph, 0)); i++)
        graph_in(o.graph, 0)[i] = (float)(37 * i % 101) / 100;
    CHECK_INT(graph_run(o.graph, 0, &err), 0);
    CHECK_STR(err.text, "");
    boxes = graph_out(o.graph, 0, &n);
    CHECK_INT(n, 4 * k);
    scores = graph_out(o.graph, 2, &n);
    CHECK_INT(n, k);
    count = graph_out(o.graph, 3, &n);
    CHECK_INT(n, 1);
    CHECK(count[0] >= 0 && count[0] <= (float)k);
    for (size_t i = 0; i < k; i++) {
        CHECK(scores[i] >= 0 && scores[i] <= 1 && (i == 0 || scores[i] <= scores[i - 1]));
        CHECK(isfinite(boxes[4 * i]) && boxes[4 * i] <= boxes[4 * i + 2]);
        CHECK(isfinite(boxes[4 * i + 1]) && boxes[4 * i + 1] <= boxes[4 * i + 3]);
    }
}

static void another_makers_model_runs(void)
{
    CLEANUP(opened_clear) struct opened o = {0};
    struct err err = {0};
    const float *out;
    double sum = 0;
    size_t n;

    if (!test_shared())
        SKIP("no shared data");
    if (!open_model("micro_speech_quantized.tflite", &o))
        return;
    CHECK_INT(graph_run(o.graph, 0, &err), 0);
    out = graph_out(o.graph, 0, &n);
    CHECK_INT(n, 4);
    for (size_t i = 0; i < n; i++)
        sum += (double)out[i];
    CHECK_NEAR(sum, 1, 0.02);
}

/* ---- broken files ---- */

/* Every 32-bit word in turn something else: refused with a sentence, or a model all the same. */
static void a_changed_file_is_refused_or_a_model(void)
{
    static const uint32_t words[] = {0, 1, 0x7fffffff, 0xffffffff, 0x80000000, 0x10000};
    CLEANUP(buf_clear) struct buf file = {0};
    size_t refused = 0, tried = 0;

    if (!read_shared("impulses", "temperature-regression.i8.lite", &file))
        SKIP("no shared data");
    for (size_t at = 0; at + 4 <= file.len; at += 4)
        for (size_t k = 0; k < COUNT_OF(words); k++) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            struct imported what;
            struct bytes onnx;
            struct err err = {0};
            char kept[4];

            memcpy(kept, file.data + at, 4);
            memcpy(file.data + at, &words[k], 4);
            if (convert_tflite(a, buf_bytes(&file), &what, &onnx, &err) < 0) {
                CHECK(err.text[0] &&
                      (err.kind == ERR_MODEL || err.kind == ERR_UNSUPPORTED || err.kind == ERR_LIMIT));
                refused++;
            }
            memcpy(file.data + at, kept, 4);
            tried++;
        }
    printf("# %zu of %zu refused\n", refused, tried);
    CHECK(refused > tried / 20);
}

static void a_file_that_ends_early_is_refused(void)
{
    CLEANUP(buf_clear) struct buf file = {0};

    if (!read_shared("impulses", "fan-v3.f32.lite", &file))
        SKIP("no shared data");
    for (size_t n = 0; n + 4 < file.len; n += 4) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct imported what;
        struct bytes onnx;
        struct err err = {0};

        CHECK_INT(convert_tflite(a, bytes_of(file.data, n), &what, &onnx, &err), -1);
        CHECK(err.kind == ERR_MODEL);
        ROW("%zu bytes", n);
    }
}

int main(void)
{
    RUN(a_file_that_ends_early_is_refused);
    RUN(a_changed_file_is_refused_or_a_model);
    if (open_runtime()) {
        RUN(models_give_what_is_expected);
        RUN(a_model_of_integers_judges_gestures);
        RUN(models_of_both_kinds_hear_keywords);
        RUN(a_detector_gives_its_four_outputs);
        RUN(another_makers_model_runs);
    }
    runtime_freep(&rt);
    return test_end();
}
